import assert from 'node:assert/strict'
import { PHISHING_RESISTANT, PHISHING_RESISTANT_HARDWARE, SINGLE_FACTOR } from '../../src/index.ts'
import { answerOf } from '../journeys/stage.ts'
import type { Host } from '../support/host.ts'
import { enterWith, NOT_YOU, passkeyFor } from '../support/passkey-door.ts'
import { isAnswer } from '../support/relying-party.ts'
import { ABOUT_KEY, essential, isRefused, useDoors } from './doors.ts'
import { submitted } from './support.ts'

describe('security: what a sign-in with a passkey stands on', () => {
  const doors = useDoors()
  const { openDoor, withKey, atDoor, enter, silently } = doors

  const ends: readonly (readonly [string, (host: Host) => Promise<unknown> | unknown])[] = [
    [
      'was removed',
      async ({ mfa }) => {
        const [own] = (await mfa.accounts.list('bob')).authenticators
        await mfa.accounts.remove('bob', own?.id ?? '')
      },
    ],
    ['was reset with its account', ({ mfa }) => mfa.accounts.reset('bob')],
    ['is of an account that an operator disabled', ({ mfa }) => mfa.accounts.disable('bob')],
    [
      'is of an account that the host disabled',
      ({ accounts }) => accounts.set('bob', { id: 'bob', label: 'bob', disabled: true }),
    ],
    ['is of an account that is gone', ({ accounts }) => accounts.delete('bob')],
  ]
  for (const [what, end] of ends)
    it(`AC-63: a key that ${what} signs nobody in`, async () => {
      const { host } = await openDoor()
      const person = await withKey(host)
      const { page } = await atDoor(person)
      await end(host)
      isRefused(await enterWith(person.browser, page, person.soft))
    })

  it('AC-65: a count that went back ends the key, its sessions, and nothing else', async () => {
    const { host } = await openDoor()
    const told: string[] = []
    host.mfa.events.on('authenticator.suspected', ({ accountId }) => void told.push(accountId))
    const person = await withKey(host)
    await enter(person)
    assert.equal(await silently(person), PHISHING_RESISTANT_HARDWARE)
    const copy = { ...person, browser: host.browser() }
    const { page } = await atDoor(copy)
    isRefused(await enterWith(copy.browser, page, person.soft, { counter: 1 }))
    assert.deepEqual(told, ['bob'])
    assert.equal(await silently(person), 'login_required')
    isRefused(await enterWith(copy.browser, (await atDoor(copy)).page, person.soft))
    const { page: after, redeem } = await person.go()
    assert.equal((await redeem(after.url)).acr, SINGLE_FACTOR)
  })

  it('the login is void once its key is removed, or the account’s stamp changes', async () => {
    for (const end of [
      async (host: Host) => {
        const [own] = (await host.mfa.accounts.list('bob')).authenticators
        await host.mfa.accounts.remove('bob', own?.id ?? '')
      },
      async ({ accounts }: Host) => accounts.set('bob', { id: 'bob', label: 'bob', securityStamp: 'changed' }),
    ]) {
      const { host } = await openDoor()
      const person = await withKey(host)
      await enter(person)
      assert.equal(await silently(person), PHISHING_RESISTANT_HARDWARE)
      await end(host)
      assert.equal(await silently(person), 'login_required')
      await atDoor(person)
    }
  })

  it('a session of another account before it gives the new one nothing, and takes nothing from it', async () => {
    const { host } = await openDoor()
    const bob = await withKey(host)
    const alice = await withKey(host, 'alice')
    await enter(bob)
    const { page, redeem } = await atDoor({ rp: bob.rp, browser: bob.browser }, { prompt: 'login' })
    const entered = await enterWith(bob.browser, page, alice.soft)
    const end = isAnswer(entered) ? entered : await submitted(bob.browser, entered)
    const signed = await redeem(end.url)
    assert.deepEqual([signed.sub, signed.acr, signed.amr], ['alice', PHISHING_RESISTANT_HARDWARE, ABOUT_KEY])
  })

  it('what a passkey proved counts for nobody else who signs in at the same page', async () => {
    const { host } = await openDoor()
    const person = await withKey(host)
    const { page, redeem } = await atDoor(person)
    const form = { passkey: passkeyFor(page, person.soft), hold: 'yes' }
    assert.equal((await person.browser.send(page.action, { form })).heading, NOT_YOU)
    const signed = await redeem((await person.browser.send(page.action, { form: { login: 'alice' } })).url)
    assert.deepEqual([signed.sub, signed.acr, signed.amr], ['alice', SINGLE_FACTOR, ['pwd']])
  })

  for (const wait of [300, 1800])
    it(`AC-44: a passkey shown ${wait} s before the login went on makes it no fresher than it was`, async () => {
      const { host } = await openDoor()
      const person = await withKey(host)
      const { page, redeem } = await atDoor(person)
      const shownAt = doors.clock.now()
      const form = { passkey: passkeyFor(page, person.soft), hold: 'yes' }
      await person.browser.send(page.action, { form })
      doors.clock.advance(wait)
      const signed = await redeem((await person.browser.send(page.action, { form: { login: 'bob' } })).url)
      if (signed.acr === PHISHING_RESISTANT_HARDWARE) assert.ok((signed.authTime ?? 0) <= shownAt + 2)
      else assert.deepEqual(signed.amr, ['pwd'])
      const fresh = await silently(person, { max_age: '100', ...essential(PHISHING_RESISTANT) })
      assert.ok(['login_required', 'interaction_required'].includes(fresh ?? ''), fresh)
    })

  it('AC-45: max_age and prompt=login ask for the key anew, and take it', async () => {
    const { host } = await openDoor()
    const person = await withKey(host)
    await enter(person)
    doors.clock.advance(1000)
    const aged = await enter(person, { max_age: '60' })
    assert.ok((aged.signed.authTime ?? 0) >= doors.clock.now() - 60)
    doors.clock.advance(1000)
    const again = await enter(person, { prompt: 'login' })
    assert.deepEqual(again.signed.amr, ABOUT_KEY)
  })

  it('AC-52: the session it makes is a new one', async () => {
    const { host } = await openDoor()
    const person = await withKey(host)
    const sessionOf = () => person.browser.cookies().find(({ name }) => name === '_session')?.value
    await atDoor(person)
    const before = sessionOf()
    await enter(person)
    assert.ok(sessionOf() !== undefined && sessionOf() !== before)
  })

  it('no page and no event tells whose key was shown where it was refused', async () => {
    const { host } = await openDoor()
    const person = await withKey(host)
    const { soft } = person
    const { page } = await atDoor(person)
    const refused = await enterWith(person.browser, page, soft, { uv: false })
    assert.doesNotMatch(refused.text + JSON.stringify([...refused.headers]), /bob/)
    assert.ok(!page.text.includes(soft.keys[0]?.id ?? ''), 'nor does the page before say what keys there are')
    assert.deepEqual(answerOf(await enterWith(person.browser, refused, soft)).code, 'a code')
  })
})
