import assert from 'node:assert/strict'
import { errors } from 'oidc-provider'
import { MULTI_FACTOR, PHISHING_RESISTANT } from '../../src/index.ts'
import { type Asked, answerOn, askedOn, type CibaOptions } from '../support/ciba.ts'
import { RIGHT, useCibaStage, WRONG } from '../support/ciba-stage.ts'
import { createJourney } from '../support/relying-party.ts'
import { essential } from './support.ts'

const TRUSTED = { userVerification: 'trusted' } as const

describe('security: asking in the backchannel', () => {
  const stage = useCibaStage()
  const assertAskedNothing = async () => assert.equal(await stage.phone.pending(), undefined)

  const floors: readonly (readonly [string, CibaOptions, Readonly<Record<string, string>>])[] = [
    ['owed by default', { stepUp: { policy: { default: 'always' } } }, {}],
    ['owed by client', { stepUp: { policy: { default: 'never', clients: { app: { floor: MULTI_FACTOR } } } } }, {}],
    [
      'owed by scope',
      { stepUp: { policy: { default: 'never', scopes: { email: { floor: MULTI_FACTOR } } } } },
      { scope: 'openid email' },
    ],
    [
      'owed by resource',
      { stepUp: { policy: { default: 'never', resources: { 'https://api.example': { floor: MULTI_FACTOR } } } } },
      { resource: 'https://api.example/' },
    ],
    ['that is essential', {}, essential(MULTI_FACTOR)],
    ['that nobody has heard of and is essential', {}, essential('urn:example:unknown')],
    ['where all asked for is essential', { stepUp: { acrValues: 'strict' } }, { acr_values: MULTI_FACTOR }],
    ['beyond what apps are trusted for', { push: TRUSTED }, essential(PHISHING_RESISTANT)],
  ]
  for (const [what, options, parameters] of floors)
    it(`AC-29: a level ${what}, which no push meets, is refused before anybody is asked`, async () => {
      await stage.start({ configuration: { scopes: ['openid', 'offline_access', 'email'] }, ...options })
      const description = await stage.assertRefused('unmet_authentication_requirements', parameters)
      assert.equal(description, 'the requested authentication level cannot be met')
      await assertAskedNothing()
    })

  it('AC-29: where the host’s own function refuses, nothing goes out and nothing stays', async () => {
    let isOpen = false
    const ciba = {
      enabled: true,
      processLoginHint: async (_ctx: unknown, hint?: string) => hint,
      triggerAuthenticationDevice: () => {
        if (!isOpen) throw new errors.AccessDenied('not today')
      },
    }
    await stage.start({ configuration: { features: { ciba: ciba as never } } })
    assert.equal(await stage.assertRefused('access_denied'), 'not today')
    await assertAskedNothing()
    isOpen = true
    await stage.app.ask()
    assert.equal(stage.outbox.sent.length, 1)
  })

  it('AC-21: a message that nobody can compare is refused', async () => {
    await stage.start()
    const messages = {
      none: '',
      'nothing but spaces': '   ',
      'nothing that is seen': '\u200b\u2060',
      'a line break': 'Pay 1 EUR\nto Eve',
      'a control character': 'Pay\u0000',
      'another direction': 'Pay \u202e001 EUR',
      'a separator of paragraphs': 'Pay\u2029Eve',
      '201 characters': 'x'.repeat(201),
    }
    for (const [what, binding_message] of Object.entries(messages))
      assert.match((await stage.assertRefused('invalid_binding_message', { binding_message })) ?? '', /binding/, what)
    await stage.assertRefused('invalid_binding_message', { binding_message: '', authorization_details: '[]' })
    await assertAskedNothing()
  })

  it('AC-21: markup and 200 characters arrive as the client wrote them', async () => {
    await stage.start()
    for (const binding_message of ['<b onclick="x()">Pay</b> & go', 'é'.repeat(200)]) {
      const asked = await stage.app.ask({ binding_message })
      assert.equal((await askedOn(stage.phone)).message, binding_message)
      await answerOn(stage.phone, 'approve', {})
      await stage.app.poll(asked)
    }
  })

  it('AC-21: a code that nothing is known to check by is refused', async () => {
    await stage.start()
    await stage.assertRefused('invalid_request', { user_code: '1234' })
    await assertAskedNothing()
  })

  it('AC-20: one request at a time, and three pushes in ten minutes', async () => {
    await stage.start()
    for (const pause of [31, 61, 121]) {
      await stage.app.ask()
      await stage.assertRefused('temporarily_unavailable')
      await answerOn(stage.phone, 'deny')
      await stage.assertRefused('temporarily_unavailable')
      stage.clock.advance(pause)
    }
    await stage.assertRefused('temporarily_unavailable')
    assert.equal(stage.outbox.sent.length, 3)
    await assertAskedNothing()
  })

  it('AC-20: of requests at the same moment one asks', async () => {
    await stage.start()
    const asked = await Promise.allSettled(Array.from({ length: 5 }, () => stage.app.ask()))
    const [open, ...more] = asked.filter((one): one is PromiseFulfilledResult<Asked> => one.status === 'fulfilled')
    assert.ok(open)
    assert.deepEqual(more, [])
    assert.equal(stage.outbox.sent.length, 1)
    assert.deepEqual([...stage.kept], [open.value.auth_req_id])
    await answerOn(stage.phone, 'approve')
    assert.equal((await stage.app.poll(open.value)).claims()?.sub, 'bob')
  })

  it('AC-20: after ten requests without an answer the account is asked no more', async () => {
    await stage.start()
    for (let unanswered = 0; unanswered < 10; unanswered += 1) {
      await stage.app.ask()
      stage.clock.advance(3700)
    }
    await stage.assertRefused('unmet_authentication_requirements')
    await assertAskedNothing()
  })

  it('AC-20: after "it was not me" the account is asked no more', async () => {
    await stage.start()
    const asked = await stage.app.ask()
    await answerOn(stage.phone, 'report')
    assert.equal((await stage.app.state(asked)).error, 'access_denied')
    stage.clock.advance(3700)
    await stage.assertRefused('unmet_authentication_requirements')
  })

  it('AC-07: wrong numbers count for logins and for requests together', async () => {
    await stage.start()
    const { phone, app, clock } = stage
    const journey = await createJourney(stage.host)
    await journey.go({ acr_values: MULTI_FACTOR })
    const login = await askedOn(phone)
    for (const left of [2, 1, 0]) assert.equal((await phone.answer(login, 'approve', WRONG)).body.left, left)
    clock.advance(31)
    const asked = await app.ask()
    for (const left of [2, 1]) assert.equal((await answerOn(phone, 'approve', WRONG)).body.left, left)
    assert.equal((await answerOn(phone, 'approve', RIGHT)).status, 429)
    assert.equal((await app.state(asked)).error, 'authorization_pending')
    clock.advance(31)
    assert.equal((await answerOn(phone, 'approve', RIGHT)).status, 200)
    assert.equal((await app.poll(asked)).claims()?.sub, 'bob')
  })

  it('AC-47: an account that cannot be asked tells no more of itself than a client must know', async () => {
    const findAccount = (_ctx: unknown, sub: string) =>
      sub === 'nobody' ? undefined : { accountId: sub, claims: () => ({ sub }) }
    await stage.start({ configuration: { findAccount } })
    const unknown = await stage.assertRefused('unknown_user_id', { login_hint: 'nobody' })
    const halfKnown = await stage.assertRefused('unknown_user_id', { login_hint: 'known to the login alone' })
    assert.equal(halfKnown, unknown)
    const bare = await stage.assertRefused('unmet_authentication_requirements', { login_hint: 'alice' })
    assert.equal(bare, await stage.assertRefused('unmet_authentication_requirements', essential(PHISHING_RESISTANT)))
  })

  it('ASVS-7.4.2: an account that is disabled is not asked, and answers nothing', async () => {
    await stage.start()
    const { host, phone, app } = stage
    host.accounts.set('bob', { id: 'bob', label: 'bob@example.com', disabled: true })
    assert.equal(await stage.assertRefused('access_denied'), 'the account cannot be used')
    host.accounts.set('bob', { id: 'bob', label: 'bob@example.com' })
    await host.mfa.accounts.disable('bob')
    await stage.assertRefused('access_denied')
    await host.mfa.accounts.enable('bob')
    const asked = await app.ask()
    await host.mfa.accounts.disable('bob')
    assert.equal((await phone.say({ act: 'pending' })).body.error, 'unknown_device')
    assert.equal((await app.state(asked)).error, 'authorization_pending')
  })
})
