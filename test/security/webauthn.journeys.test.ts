import assert from 'node:assert/strict'
import { recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { totp } from '../../src/factors/totp.ts'
import { type WebauthnOptions, webauthn } from '../../src/factors/webauthn.ts'
import { MULTI_FACTOR, PHISHING_RESISTANT, PHISHING_RESISTANT_HARDWARE, SINGLE_FACTOR } from '../../src/index.ts'
import { acrClaim, leave, UNREACHABLE, useStage } from '../journeys/stage.ts'
import type { Host, HostOptions } from '../support/host.ts'
import { ADD_KEY, answerTo, keyFor, optionsOn, USE_KEY, useKey } from '../support/keyring.ts'
import { createJourney, errorOf, isAnswer } from '../support/relying-party.ts'
import type { Manner, SoftAuthenticator } from '../support/soft-authenticator.ts'

const withKeys = (options: Partial<WebauthnOptions> = {}, more: HostOptions['stepUp'] = {}): HostOptions => ({
  stepUp: { factors: [webauthn({ relyingPartyName: 'Test', ...options })], ...more },
})

const essential = (value: string) => ({ claims: acrClaim({ essential: true, value }) })

/** Signs in and sets a key up on the way. */
const enrolledAt = async (host: Host, soft: SoftAuthenticator, login = 'bob') => {
  const person = await createJourney(host, login)
  const { page, redeem } = await person.go(essential(PHISHING_RESISTANT))
  assert.equal(page.heading, ADD_KEY)
  const end = await useKey(person.browser, page, soft)
  assert.ok(isAnswer(end), end.heading)
  return { person, signed: await redeem(end.url) }
}

/** Signs in with a browser that was never here, as far as the page that asks for the key. */
const challengedAt = async (host: Host, login = 'bob', parameters = essential(PHISHING_RESISTANT)) => {
  const person = await createJourney(host, login)
  const { page, redeem } = await person.go(parameters)
  assert.equal(page.heading, USE_KEY)
  return { person, page, redeem }
}

describe('security: WebAuthn over HTTP', () => {
  const stage = useStage()

  const reported: readonly (readonly [Partial<Manner>, string, string, readonly string[]])[] = [
    [{ uv: true, be: false }, PHISHING_RESISTANT, 'phr', ['pwd', 'pop', 'hwk', 'user', 'mfa']],
    [{ uv: false, be: false }, PHISHING_RESISTANT_HARDWARE, 'phrh', ['pwd', 'pop', 'hwk', 'user', 'mfa']],
    [{ uv: true, be: true, bs: true }, PHISHING_RESISTANT, 'phr', ['pwd', 'pop', 'swk', 'user', 'mfa']],
    [{ uv: false, be: true }, MULTI_FACTOR, MULTI_FACTOR, ['pwd', 'pop', 'swk', 'user', 'mfa']],
  ]
  for (const [manner, asked, acr, amr] of reported)
    it(`reports ${acr} with ${amr.join(' ')} for ${JSON.stringify(manner)}`, async () => {
      const host = await stage.host(withKeys())
      const soft = keyFor(host, manner)
      await enrolledAt(host, soft)
      const { person, page, redeem } = await challengedAt(host, 'bob', essential(asked))
      const signed = await redeem((await useKey(person.browser, page, soft)).url)
      assert.deepEqual([signed.acr, signed.amr], [acr, amr])
    })

  it('AC-64: a key that verifies its user is two kinds by itself, and another is one', async () => {
    const nothing = { kinds: [], traits: [], amr: [] } as const
    const host = await stage.host(withKeys({}, { login: () => nothing }))
    const soft = keyFor(host)
    await enrolledAt(host, soft)
    const verified = await challengedAt(host, 'bob', essential(MULTI_FACTOR))
    const signed = await verified.redeem((await useKey(verified.person.browser, verified.page, soft)).url)
    assert.deepEqual([signed.acr, signed.amr], [MULTI_FACTOR, ['pop', 'hwk', 'user', 'mfa']])

    const { person, page } = await challengedAt(host, 'bob', essential(MULTI_FACTOR))
    assert.equal(errorOf(await useKey(person.browser, page, soft, { uv: false })), 'unmet_authentication_requirements')
  })

  it('a synced passkey never meets phrh: the page explains, and asks for nothing in vain', async () => {
    const host = await stage.host(withKeys())
    await enrolledAt(host, keyFor(host, { be: true }))
    const person = await createJourney(host, 'bob')
    const { page } = await person.go(essential(PHISHING_RESISTANT_HARDWARE))
    assert.equal(page.heading, UNREACHABLE)
    assert.equal(errorOf(await leave(person, page, 'cancel')), 'unmet_authentication_requirements')
  })

  it('asks for the key that does, where the account has one that does not', async () => {
    const host = await stage.host(withKeys())
    const [synced, hardware] = [keyFor(host, { be: true }), keyFor(host)]
    await enrolledAt(host, synced)
    const { url } = await host.mfa.accounts.issueTicket('bob')
    const browser = host.browser()
    const opened = await browser.get('/mfa/setup')
    await useKey(browser, await browser.post(opened, { ticket: new URL(url).hash.slice(1) }), hardware)
    const { person, page, redeem } = await challengedAt(host, 'bob', essential(PHISHING_RESISTANT_HARDWARE))
    assert.deepEqual(
      optionsOn(page).allowCredentials.map(({ id }: { id: string }) => id),
      [hardware.keys[0]?.id],
    )
    assert.equal((await useKey(person.browser, page, synced)).status, 422)
    assert.equal((await redeem((await useKey(person.browser, page, hardware)).url)).acr, 'phrh')
  })

  it('AC-60: refuses a forged answer, and goes on with a true one', async () => {
    const host = await stage.host(withKeys())
    const soft = keyFor(host)
    await enrolledAt(host, soft)
    const { person, page } = await challengedAt(host)
    const refused = await useKey(person.browser, page, soft, { forge: () => Buffer.alloc(64) })
    assert.deepEqual([refused.status, refused.heading], [422, USE_KEY])
    assert.match(refused.text, /<title>Error: /)
    assert.ok(isAnswer(await useKey(person.browser, refused, soft)))
  })

  it('AC-61: an accepted answer is no answer any more, here or elsewhere', async () => {
    const host = await stage.host(withKeys())
    const soft = keyFor(host, { counts: false })
    await enrolledAt(host, soft)
    const { person, page } = await challengedAt(host)
    const other = await challengedAt(host)
    const response = answerTo(page, soft)
    assert.equal((await other.person.browser.post(other.page, { response })).status, 422)
    assert.ok(isAnswer(await person.browser.post(page, { response })))
    assert.ok(!isAnswer(await person.browser.post(page, { response })))
    const again = await challengedAt(host)
    assert.equal((await again.person.browser.post(again.page, { response })).status, 422)
  })

  it('AC-61: of the same answer sent many times at once, one is taken', async () => {
    const host = await stage.host(withKeys())
    const soft = keyFor(host, { counts: false })
    await enrolledAt(host, soft)
    const accepted: unknown[] = []
    host.mfa.events.on('challenge.accepted', (event) => void accepted.push(event))
    const { person, page } = await challengedAt(host)
    const response = answerTo(page, soft)
    await Promise.all(Array.from({ length: 8 }, () => person.browser.clone().post(page, { response })))
    assert.equal(accepted.length, 1)
  })

  it('AC-61: a page is answerable for five minutes', async () => {
    const host = await stage.host(withKeys())
    const soft = keyFor(host)
    await enrolledAt(host, soft)
    const { person, page } = await challengedAt(host)
    stage.clock.advance(301)
    const late = await useKey(person.browser, page, soft)
    assert.equal(late.heading, USE_KEY)
    assert.notEqual(optionsOn(late).challenge, optionsOn(page).challenge)
    assert.ok(isAnswer(await useKey(person.browser, late, soft)))
  })

  it('AC-63: refuses the key of another account', async () => {
    const host = await stage.host(withKeys())
    const [bobs, carols] = [keyFor(host), keyFor(host)]
    await enrolledAt(host, bobs)
    await enrolledAt(host, carols, 'carol')
    const { person, page } = await challengedAt(host)
    assert.equal((await useKey(person.browser, page, carols)).status, 422)
    const id = bobs.keys[0]?.id ?? ''
    assert.equal((await useKey(person.browser, page, carols, { id })).status, 422)
    assert.ok(isAnswer(await useKey(person.browser, page, bobs)))
  })

  it('AC-65: a key whose count goes back opens nothing from then on', async () => {
    const host = await stage.host(withKeys())
    const soft = keyFor(host)
    await enrolledAt(host, soft)
    const suspected: unknown[] = []
    host.mfa.events.on('authenticator.suspected', (event) => void suspected.push(event))
    const { person, page } = await challengedAt(host)
    assert.ok(!isAnswer(await useKey(person.browser, page, soft, { counter: 1 })))
    assert.equal(suspected.length, 1)
    const [key] = (await host.mfa.accounts.list('bob')).authenticators
    assert.equal(key?.status, 'suspect')
    assert.ok(!isAnswer(await useKey(person.browser, page, soft)))
    const again = await createJourney(host, 'bob')
    assert.notEqual((await again.go(essential(PHISHING_RESISTANT))).page.heading, USE_KEY)
  })

  it('AC-66: a kind of key that is not accepted is said to be so, and another one can be set up', async () => {
    const denied = '00112233-4455-6677-8899-aabbccddeeff'
    const host = await stage.host(withKeys({ attestation: { deny: [denied] } }))
    const soft = keyFor(host)
    const person = await createJourney(host, 'bob')
    const { page } = await person.go(essential(PHISHING_RESISTANT))
    const refused = await useKey(person.browser, page, soft, { aaguid: denied.replaceAll('-', '') })
    assert.equal(refused.status, 422)
    assert.match(refused.text, /This kind of key is not accepted here/)
    assert.notEqual(optionsOn(refused).challenge, optionsOn(page).challenge)
    assert.ok(isAnswer(await useKey(person.browser, refused, soft)))
  })

  it('AC-67: one key is enrolled once, however many try at once', async () => {
    const host = await stage.host(withKeys())
    const soft = keyFor(host, { id: Buffer.alloc(32, 3).toString('base64url') })
    const people = await Promise.all(
      ['alice', 'bob', 'carol'].map(async (login) => {
        const person = await createJourney(host, login)
        const { page } = await person.go(essential(PHISHING_RESISTANT))
        return { browser: person.browser, page, response: answerTo(page, soft) }
      }),
    )
    const ends = await Promise.all(people.map(({ browser, page, response }) => browser.post(page, { response })))
    assert.deepEqual(ends.filter(isAnswer).length, 1)
    const lists = await Promise.all(['alice', 'bob', 'carol'].map((login) => host.mfa.accounts.list(login)))
    assert.equal(lists.flatMap(({ authenticators }) => authenticators).length, 1)
  })

  it('a key that was removed opens nothing, and can be enrolled anew', async () => {
    const host = await stage.host(withKeys())
    const soft = keyFor(host)
    await enrolledAt(host, soft)
    const { person, page } = await challengedAt(host)
    const [key] = (await host.mfa.accounts.list('bob')).authenticators
    await host.mfa.accounts.remove('bob', key?.id ?? '')
    assert.ok(!isAnswer(await useKey(person.browser, page, soft)))
    await enrolledAt(host, keyFor(host, { id: soft.keys[0]?.id ?? '' }))
  })

  it('an account has as many keys as are allowed', async () => {
    const host = await stage.host(withKeys({ perAccount: 1 }))
    await enrolledAt(host, keyFor(host))
    await assert.rejects(host.mfa.accounts.issueTicket('bob', { factors: ['webauthn'] }), { code: 'ERR_ACCOUNT' })
    assert.equal((await host.mfa.accounts.list('bob')).authenticators.length, 1)
  })

  it('AC-94: garbage of every sort and size is refused in little time, and the process lives', async () => {
    const host = await stage.host(withKeys())
    const soft = keyFor(host)
    await enrolledAt(host, soft)
    const { person, page } = await challengedAt(host)
    const begun = performance.now()
    assert.equal((await person.browser.post(page, { response: 'x'.repeat(40_000) })).status, 413)
    const doubled = { form: { csrf: page.csrf, response: ['{}', '{}'] } }
    assert.equal((await person.browser.send(page.action, doubled)).status, 400)
    for (const response of ['', '{}', '\u0000', 'x'.repeat(12_000), '['.repeat(4000)])
      assert.ok([422, 429].includes((await person.browser.post(page, { response })).status))
    assert.ok(performance.now() - begun < 3000)
  })

  it('goes on with something else where there is something else', async () => {
    const factors = [webauthn({ relyingPartyName: 'Test' }), totp({ issuer: 'Test' }), recoveryCodes()]
    const host = await stage.host({ stepUp: { factors } })
    const person = await createJourney(host, 'bob')
    const { page, redeem } = await person.go({ acr_values: MULTI_FACTOR })
    assert.equal(page.heading, 'Choose how to protect your account')
    assert.match(page.text, /Passkey or security key/)
    const enroll = await person.browser.get(`${page.url.pathname}/webauthn`)
    assert.equal((await redeem((await leave(person, enroll, 'decline')).url)).acr, SINGLE_FACTOR)
  })

  it('offers itself once after something weaker, and not again where this browser is not to be used', async () => {
    const factors = [totp({ issuer: 'Test' }), webauthn({ relyingPartyName: 'Test' })]
    const host = await stage.host({ stepUp: { factors, offers: { everySeconds: 60 } } })
    const person = await createJourney(host, 'bob')
    const { page: choice } = await person.go({ acr_values: MULTI_FACTOR })
    await person.enroll(await person.browser.get(`${choice.url.pathname}/totp`))
    person.browser.clear()
    stage.clock.advance(60)
    const { page } = await person.go({ acr_values: MULTI_FACTOR })
    stage.clock.advance(60)
    const offer = await person.answer(page)
    assert.equal(offer.heading, 'Use this device next time')
    const decline = offer.targets.find((target) => target.endsWith('/decline')) ?? ''
    assert.ok(isAnswer(await person.browser.post(offer, { here: 'no' }, decline)))
    stage.clock.advance(61)
    const { page: again } = await person.go({ acr_values: MULTI_FACTOR, prompt: 'login' })
    assert.ok(isAnswer(await person.answer(again)))
  })

  it('says what to do without JavaScript, and loads its scripts under names that change with them', async () => {
    const host = await stage.host(withKeys())
    const person = await createJourney(host, 'bob')
    const { page } = await person.go(essential(PHISHING_RESISTANT))
    assert.match(page.text, /<noscript>.*needs JavaScript/)
    assert.match(page.text, /<button class="primary" type="submit" disabled>/)
    const scripts = [...page.text.matchAll(/<script defer src="([^"]+)"/g)].map(([, src = '']) => src)
    assert.equal(scripts.length, 2)
    for (const src of scripts) {
      const { status, headers } = await person.browser.send(src)
      assert.deepEqual([status, headers.get('content-type')?.split(';')[0]], [200, 'text/javascript'])
    }
  })
})
