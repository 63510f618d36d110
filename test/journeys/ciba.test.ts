import assert from 'node:assert/strict'
import { refreshTokenGrant } from 'openid-client'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import {
  type Asker,
  answerOn,
  askedOn,
  type CibaOptions,
  createAsker,
  enrollPhone,
  RESOURCE,
  startCibaHost,
} from '../support/ciba.ts'
import type { Host } from '../support/host.ts'
import type { Phone } from '../support/phone.ts'

const TRUSTED: CibaOptions = { push: { userVerification: 'trusted' } }
const PAYMENT = { type: 'payment', instructedAmount: { amount: '12.00', currency: 'EUR' } }
const DETAILED = { authorization_details: JSON.stringify([PAYMENT]), resource: RESOURCE }
const VERIFIED = { number: '4711', userVerified: true }

const essential = (acr: string) => ({ claims: JSON.stringify({ id_token: { acr: { essential: true, value: acr } } }) })

describe('journeys: backchannel requests', () => {
  let clock: VirtualClock
  let host: Host
  let phone: Phone
  let app: Asker
  const start = async (options: CibaOptions = {}) => {
    host = await startCibaHost(options)
    phone = await enrollPhone(host)
    app = await createAsker(host)
    // What enrolled the phone was long ago.
    clock.advance(60)
  }
  beforeEach(() => {
    clock = virtualClock()
  })
  afterEach(async () => {
    clock.restore()
    const { errors } = host
    await host.close()
    assert.deepEqual(errors, [])
  })

  it('tie a number that the client shows to the phone where it is typed', async () => {
    await start()
    const asked = await app.ask({ binding_message: '4711' })
    assert.equal((await app.state(asked)).error, 'authorization_pending')
    const challenge = await askedOn(phone)
    assert.equal(challenge.match, 'number')
    assert.equal(challenge.client, 'Test App')
    assert.equal(challenge.account, 'bob@example.com')
    assert.ok(!JSON.stringify(challenge).includes('4711'), 'the number is for the client alone to show')
    assert.deepEqual((await phone.answer(challenge, 'approve', { number: '4710' })).body.error, 'wrong_number')
    assert.equal((await app.state(asked)).error, 'authorization_pending')
    assert.deepEqual((await phone.answer(challenge, 'approve', { number: '4711' })).body, { outcome: 'approved' })
    assert.equal(await phone.pending(), undefined)

    const tokens = await app.poll(asked)
    const claims = tokens.claims()
    assert.equal(claims?.sub, 'bob')
    assert.equal(claims?.acr, SINGLE_FACTOR)
    assert.deepEqual(claims?.amr, ['mca', 'pop', 'swk'])
    assert.ok(Math.abs((claims?.auth_time ?? 0) - clock.now()) <= 5)
    const { active, acr, amr, auth_time } = await app.introspect(tokens.access_token)
    assert.deepEqual(
      { active, acr, amr, auth_time },
      { active: true, acr: SINGLE_FACTOR, amr: ['mca', 'pop', 'swk'], auth_time: claims?.auth_time },
    )
    assert.equal((await app.state(asked)).error, 'invalid_grant', 'it is redeemed once')
  })

  it('show any other message on the phone, with what is to be authorized, which the token carries', async () => {
    await start()
    const asked = await app.ask({
      binding_message: 'W4SCT – Wien',
      ...DETAILED,
    })
    const { match, message, details } = await askedOn(phone)
    assert.deepEqual({ match, message, details }, { match: 'message', message: 'W4SCT – Wien', details: [PAYMENT] })
    assert.deepEqual((await answerOn(phone, 'approve', {})).body, { outcome: 'approved' })
    const tokens = await app.poll(asked)
    assert.deepEqual(tokens.authorization_details, [PAYMENT])
    assert.deepEqual((await app.introspect(tokens.access_token)).authorization_details, [PAYMENT])
  })

  it('need no message where there are details to compare', async () => {
    await start()
    const asked = await app.ask({ binding_message: '', ...DETAILED })
    const challenge = await askedOn(phone)
    assert.equal(challenge.message, undefined)
    assert.deepEqual(challenge.details, [PAYMENT])
    await phone.answer(challenge, 'approve')
    assert.deepEqual((await app.poll(asked)).authorization_details, [PAYMENT])
  })

  it('know whom to ask by an earlier ID token', async () => {
    await start()
    const first = await app.ask()
    await answerOn(phone, 'approve')
    const { id_token = '' } = await app.poll(first)
    const second = await app.ask({ id_token_hint: id_token })
    await answerOn(phone, 'approve')
    assert.equal((await app.poll(second)).claims()?.sub, 'bob')
  })

  it('report the level that was reached, under the name it was asked by', async () => {
    await start(TRUSTED)
    const asked = await app.ask({ acr_values: `phr https://refeds.org/profile/mfa`, max_age: '0' })
    await answerOn(phone, 'approve', VERIFIED)
    const claims = (await app.poll(asked)).claims()
    assert.equal(claims?.acr, 'https://refeds.org/profile/mfa')
    assert.deepEqual(claims?.amr, ['mca', 'pop', 'swk', 'mfa'])
  })

  it('report less where less was shown, as long as nobody insists', async () => {
    await start(TRUSTED)
    const asked = await app.ask({ acr_values: MULTI_FACTOR })
    await answerOn(phone, 'approve')
    const claims = (await app.poll(asked)).claims()
    assert.equal(claims?.acr, SINGLE_FACTOR)
    assert.deepEqual(claims?.amr, ['mca', 'pop', 'swk'])
  })

  it('meet a level that names the factor, which is both the login and the proof', async () => {
    const acr = 'urn:example:push'
    await start({
      stepUp: {
        levels: [
          { acr, needs: { factors: ['push'] } },
          { acr: MULTI_FACTOR, needs: { kinds: 2 } },
        ],
      },
    })
    const asked = await app.ask(essential(acr))
    await answerOn(phone, 'approve')
    assert.equal((await app.poll(asked)).claims()?.acr, acr)
  })

  it('grant what was asked for, and tell the host how it was decided', async () => {
    const decided: unknown[] = []
    await start({
      configuration: {
        claims: { openid: ['sub'], email: ['email'] },
        findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, email: 'bob@example.com' }) }),
      },
    })
    host.mfa.events.on('authorization.decided', ({ accountId, clientId, decision }) => {
      decided.push([accountId, clientId, decision.outcome])
    })
    const claims = JSON.stringify({ id_token: { email: null } })
    const asked = await app.ask({ scope: 'openid pay', resource: RESOURCE, claims })
    await answerOn(phone, 'approve')
    const tokens = await app.poll(asked, { resource: RESOURCE })
    assert.equal(tokens.claims()?.email, 'bob@example.com')
    const { scope, aud } = await app.introspect(tokens.access_token)
    assert.deepEqual({ scope, aud }, { scope: 'pay', aud: RESOURCE })
    assert.deepEqual(decided, [['bob', 'app', 'satisfied']])
  })

  it('go on with a refresh token that repeats what was shown', async () => {
    await start({ configuration: { issueRefreshToken: async () => true } })
    const asked = await app.ask({ scope: 'openid offline_access' })
    await answerOn(phone, 'approve')
    const tokens = await app.poll(asked)
    clock.advance(30)
    const again = await refreshTokenGrant(app.config, tokens.refresh_token ?? '')
    assert.equal(again.claims()?.auth_time, tokens.claims()?.auth_time)
    assert.deepEqual(again.claims()?.amr, ['mca', 'pop', 'swk'])
  })
})
