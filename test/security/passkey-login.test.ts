import assert from 'node:assert/strict'
import { standard } from '../../src/assurance/presets.ts'
import { MULTI_FACTOR, PHISHING_RESISTANT, PHISHING_RESISTANT_HARDWARE } from '../../src/index.ts'
import { paste } from '../journeys/help.ts'
import { UNREACHABLE } from '../journeys/stage.ts'
import type { Browser, Page } from '../support/browser.ts'
import { keyFor, optionsOn, USE_KEY, useKey } from '../support/keyring.ts'
import { enterWith, optionsAt, passkeyFor } from '../support/passkey-door.ts'
import { isAnswer } from '../support/relying-party.ts'
import type { Manner } from '../support/soft-authenticator.ts'
import { ABOUT_KEY, essential, isRefused, useDoors } from './doors.ts'

describe('security: signing in with a passkey alone', () => {
  const doors = useDoors()
  const { openDoor, withKey, atDoor, enter } = doors

  const rows: readonly (readonly [Partial<Manner>, Record<string, string>, string, readonly string[]])[] = [
    [{}, {}, PHISHING_RESISTANT_HARDWARE, ABOUT_KEY],
    [{}, essential(PHISHING_RESISTANT), PHISHING_RESISTANT, ABOUT_KEY],
    [{}, essential(MULTI_FACTOR), MULTI_FACTOR, ABOUT_KEY],
    [{ be: true, bs: true }, {}, PHISHING_RESISTANT, ['pop', 'swk', 'user', 'mfa']],
    [{ be: true, bs: true }, essential(PHISHING_RESISTANT), PHISHING_RESISTANT, ['pop', 'swk', 'user', 'mfa']],
  ]
  for (const [manner, asked, acr, amr] of rows)
    it(`AC-44: ${JSON.stringify(manner)} meets ${asked.claims ?? 'nothing asked'} by the login alone, as ${acr} without a password`, async () => {
      const { host } = await openDoor()
      const person = await withKey(host, 'bob', manner)
      const { signed } = await enter(person, asked)
      assert.deepEqual([signed.sub, signed.acr, signed.amr], ['bob', acr, amr])
      assert.ok(Math.abs((signed.authTime ?? 0) - doors.clock.now()) <= 2)
    })

  it('AC-44: an account whose floor is two kinds passes, and one whose key is not enough is asked for more', async () => {
    const own = { acr: 'own', needs: { factors: ['totp'] } } as const
    const { host } = await openDoor({ stepUp: { policy: { default: 'always' }, levels: [...standard, own] } })
    const person = await withKey(host)
    assert.equal((await enter(person)).signed.acr, PHISHING_RESISTANT_HARDWARE)
    person.browser.clear()
    const { page } = await atDoor(person, essential('own'))
    const asked = await enterWith(person.browser, page, person.soft)
    assert.ok(!isAnswer(asked))
    assert.equal(asked.heading, UNREACHABLE)
  })

  it('is never the host’s mapping of its login page, and no amr of the result', async () => {
    let asked = 0
    const { host } = await openDoor({
      more: () => ({ amr: ['face'], acr: 'urn:made-up' }),
      stepUp: {
        login: () => {
          asked += 1
          return { kinds: ['knowledge'], traits: [], amr: ['pwd', 'captcha'] }
        },
      },
    })
    const person = await withKey(host)
    const before = asked
    const { signed } = await enter(person)
    assert.deepEqual([signed.acr, signed.amr], [PHISHING_RESISTANT_HARDWARE, ABOUT_KEY])
    assert.equal(asked, before)
  })

  const lies: readonly (readonly [string, string, Partial<Manner>])[] = [
    ['AC-61', 'to another question', { challenge: 'A'.repeat(43) }],
    ['AC-62', 'of another origin', { origin: 'http://evil.localhost' }],
    ['AC-62', 'of another domain', { rpId: 'evil.example' }],
    ['AC-62', 'from inside a frame', { crossOrigin: true }],
    ['AC-63', 'without a user handle', { userHandle: null }],
    ['AC-63', 'with the handle of somebody else', { userHandle: 'A'.repeat(43) }],
    ['AC-63', 'of a key that nobody has', { id: 'A'.repeat(43) }],
    ['AC-64', 'without user verification', { uv: false }],
    ['AC-60', 'with a signature that is not its own', { forge: () => Buffer.alloc(70) }],
  ]
  it('refuses every lie with one and the same page, and the truth after it', async () => {
    const { host, faults } = await openDoor()
    const person = await withKey(host)
    const { page, redeem } = await atDoor(person)
    let door = page
    const texts = new Set<string>()
    for (const [id, what, lie] of lies) {
      door = await enterWith(person.browser, door, person.soft, lie)
      isRefused(door)
      texts.add(door.text.replace(/"challenge":"[^"]+"/, ''))
      assert.ok(optionsAt(door), `${id} ${what}`)
    }
    for (const garbage of ['', 'garbage', '{}', '[]', 'null', `{"id":"${'A'.repeat(9000)}"}`]) {
      door = await person.browser.send(door.action, { form: { passkey: garbage } })
      isRefused(door)
      texts.add(door.text.replace(/"challenge":"[^"]+"/, ''))
    }
    assert.equal(texts.size, 1)
    assert.equal(
      (await redeem((await enterWith(person.browser, door, person.soft)).url)).acr,
      PHISHING_RESISTANT_HARDWARE,
    )
    assert.deepEqual(faults, [])
  })

  it('AC-61: an answer is taken once, and none at any other page, in this browser or another', async () => {
    const { host, faults } = await openDoor()
    const person = await withKey(host)
    const [first, second] = [await atDoor(person), await atDoor(person)]
    const answer = passkeyFor(first.page, person.soft)
    const post = (browser: Browser, { action }: Page) => browser.send(action, { form: { passkey: answer } })
    isRefused(await post(person.browser, second.page))
    const stranger = { rp: person.rp, browser: host.browser() }
    isRefused(await post(stranger.browser, (await atDoor(stranger)).page))
    const [there] = await Promise.all([post(host.browser(), first.page)])
    assert.equal(there.status, 400)
    assert.deepEqual(
      faults.map(({ name }) => name),
      ['SessionNotFound'],
    )
    assert.ok(isAnswer(await post(person.browser, first.page)))
    const replayed = await post(person.browser, first.page)
    assert.ok(!isAnswer(replayed))
    isRefused(await post(person.browser, (await atDoor(person, { prompt: 'login' })).page))
  })

  it('AC-61: of ten posts of one answer at once no more than one leads on', async () => {
    const { host } = await openDoor()
    let accepted = 0
    host.mfa.events.on('challenge.accepted', () => {
      accepted += 1
    })
    const person = await withKey(host)
    const { page } = await atDoor(person)
    const passkey = passkeyFor(page, person.soft)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => person.browser.send(page.action, { form: { passkey }, follow: false })),
    )
    assert.deepEqual([accepted, answers.filter(({ status }) => status === 303).length], [1, 1])
  })

  it('who came in by a key that is not enough is asked for the one that is, or told why there is none', async () => {
    const { host } = await openDoor()
    const person = await withKey(host, 'bob', { be: true, bs: true })
    const first = await atDoor(person, essential(PHISHING_RESISTANT_HARDWARE))
    assert.equal((await enterWith(person.browser, first.page, person.soft)).heading, UNREACHABLE)

    const bound = keyFor(host)
    const { url } = await host.mfa.accounts.issueTicket('bob', { factors: ['webauthn'] })
    await useKey(person.browser, await paste(person.browser, url), bound)
    person.browser.clear()
    const { page, redeem } = await atDoor(person, essential(PHISHING_RESISTANT_HARDWARE))
    const asked = await enterWith(person.browser, page, person.soft)
    assert.equal(asked.heading, USE_KEY)
    assert.deepEqual(
      optionsOn(asked).allowCredentials.map(({ id }: { id: string }) => id),
      [bound.keys[0]?.id],
    )
    const signed = await redeem((await useKey(person.browser, asked, bound)).url)
    assert.deepEqual([signed.acr, signed.amr], [PHISHING_RESISTANT_HARDWARE, ['pop', 'swk', 'user', 'hwk', 'mfa']])
  })

  it('AC-61: an answer is refused when its page is older than five minutes', async () => {
    const { host } = await openDoor()
    const person = await withKey(host)
    const { page } = await atDoor(person)
    doors.clock.advance(301)
    isRefused(await enterWith(person.browser, page, person.soft))
  })
})
