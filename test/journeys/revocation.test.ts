import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { MULTI_FACTOR } from '../../src/index.ts'
import type { Host } from '../support/host.ts'
import { type Journeyed, journey, outcomeOf, redeem } from './flow-answers.ts'
import { beside, createParty, fill, flowClient, flowConfiguration, type Party } from './flows.ts'
import { acrClaim, CHALLENGE, ENROLL, LOGIN, type Person, useStage } from './stage.ts'

const ESSENTIAL = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }
const OFFLINE = { scope: 'openid offline_access', prompt: 'consent', ...ESSENTIAL }
const INVALID = { error: 'invalid_grant' }

/** Everything that ends what an account was given. */
const ENDS: Readonly<Record<string, (host: Host) => unknown>> = {
  'accounts.reset()': ({ mfa }) => mfa.accounts.reset('bob'),
  'accounts.disable()': ({ mfa }) => mfa.accounts.disable('bob'),
  'the host disabling it': ({ accounts }) => accounts.set('bob', { id: 'bob', label: 'bob', disabled: true }),
  'the host deleting it': ({ accounts }) => accounts.delete('bob'),
}

/** Redeems a code, and no more. */
const exchange = ({ config }: Party, { request, answer }: Journeyed) =>
  client.authorizationCodeGrant(config, new URL(`${answer?.at}?${answer?.parameters}`), {
    pkceCodeVerifier: request.verifier,
    expectedState: request.state,
    expectedNonce: request.nonce,
  })

type Tokens = NonNullable<Awaited<ReturnType<typeof redeem>>['tokens']>

const assertDead = async ({ config }: Party, { access_token: token, refresh_token: refresh = '' }: Tokens) => {
  for (const one of [token, refresh]) assert.deepEqual(await client.tokenIntrospection(config, one), { active: false })
  await assert.rejects(client.fetchUserInfo(config, token, 'bob'), (error: client.WWWAuthenticateChallengeError) => {
    assert.equal(error.status, 401)
    return true
  })
  await assert.rejects(client.refreshTokenGrant(config, refresh), INVALID)
}

const assertAlive = async (
  { config }: Party,
  { access_token: token, refresh_token: refresh = '' }: Tokens,
  sub = 'bob',
) => {
  for (const one of [token, refresh]) assert.equal((await client.tokenIntrospection(config, one)).active, true)
  assert.deepEqual(await client.fetchUserInfo(config, token, sub), { sub })
  await client.refreshTokenGrant(config, refresh)
}

describe('revocation: what an account was given ends with it', () => {
  const stage = useStage()
  const start = async () => {
    const host = await stage.host({ clients: beside(flowClient()), configuration: flowConfiguration })
    return { host, bob: await stage.enrolled(host), party: await createParty(host) }
  }
  const tokensOf = async (party: Party, done: Journeyed) => {
    const { tokens } = await redeem(party, done)
    assert.ok(tokens !== undefined)
    return tokens
  }
  /** Ends the session, and nothing that was granted for offline use. */
  const logout = async ({ browser }: Person, { config }: Party) => {
    const page = await browser.get(client.buildEndSessionUrl(config))
    await fill(browser, page, { logout: 'yes' })
  }
  const offlineOnly = async (bob: Person, party: Party) => {
    const tokens = await tokensOf(party, await journey(bob, party, OFFLINE))
    await logout(bob, party)
    bob.browser.clear()
    stage.clock.advance(3600)
    const refreshed = await client.refreshTokenGrant(party.config, tokens.refresh_token ?? '')
    return refreshed
  }

  for (const [how, end] of Object.entries(ENDS)) {
    it(`AC-46: with ${how}, while its session lives`, async () => {
      const { host, bob, party } = await start()
      const carol = await stage.person(host, 'carol')
      const hers = await tokensOf(party, await journey(carol, party, {}, { login: 'carol' }))
      const his = await tokensOf(party, await journey(bob, party, ESSENTIAL))
      stage.clock.advance(60)
      await end(host)
      await assertDead(party, his)
      await assertAlive(party, hers, 'carol')
    })

    it(`AC-46: with ${how}, for offline use, when its session is long gone`, async () => {
      const { host, bob, party } = await start()
      const tokens = await offlineOnly(bob, party)
      stage.clock.advance(60)
      await end(host)
      await assertDead(party, tokens)
    })

    it(`AC-46: with ${how}, also a code that waits to be redeemed`, async () => {
      const { host, bob, party } = await start()
      const waiting = await journey(bob, party, ESSENTIAL)
      stage.clock.advance(5)
      await end(host)
      stage.clock.advance(1)
      await assert.rejects(exchange(party, waiting), INVALID)
    })

    it(`AC-46: with ${how}, also a code for offline use whose session is gone`, async () => {
      const { host, bob, party } = await start()
      const waiting = await journey(bob, party, OFFLINE)
      await logout(bob, party)
      stage.clock.advance(5)
      await end(host)
      stage.clock.advance(1)
      await assert.rejects(exchange(party, waiting), INVALID)
    })

    it(`AC-46: with ${how}, also what a device was promised`, async () => {
      const { host, bob, party } = await start()
      const scope = 'openid offline_access'
      const device = await client.initiateDeviceAuthorization(party.config, { scope })
      const typed = await fill(bob.browser, await bob.browser.get(device.verification_uri), {
        user_code: device.user_code,
      })
      const login = await fill(bob.browser, typed, { confirm: 'yes' })
      const page = await bob.browser.send(login.action, { form: { login: 'bob' } })
      assert.equal(page.heading, 'Sign-in Success')
      await logout(bob, party)
      stage.clock.advance(60)
      await end(host)
      stage.clock.advance(60)
      await assert.rejects(client.pollDeviceAuthorizationGrant(party.config, { ...device, interval: 0 }), INVALID)
    })
  }

  it('AC-46: a new sign-in after a reset gets new tokens, which count, and owes a new set-up', async () => {
    const { host, bob, party } = await start()
    const before = await tokensOf(party, await journey(bob, party, ESSENTIAL))
    stage.clock.advance(60)
    await host.mfa.accounts.reset('bob')
    stage.clock.advance(60)
    const again = await journey(bob, party, ESSENTIAL)
    assert.deepEqual(again.seen, [LOGIN, ENROLL])
    await assertAlive(party, await tokensOf(party, again))
    await assertDead(party, before)
  })

  it('AC-46: enable() brings no token back; a new sign-in gets new ones', async () => {
    const { host, bob, party } = await start()
    const tokens = await offlineOnly(bob, party)
    stage.clock.advance(60)
    await host.mfa.accounts.disable('bob')
    assert.equal((await journey(bob, party)).error, 'access_denied')
    stage.clock.advance(60)
    await host.mfa.accounts.enable('bob')
    await assertDead(party, tokens)
    bob.browser.clear()
    const again = await journey(bob, party, ESSENTIAL)
    assert.deepEqual(again.seen, [LOGIN, CHALLENGE])
    await assertAlive(party, await tokensOf(party, again))
  })

  it('AC-46: a rotated token is as old as the first of its chain', async () => {
    const { host, bob, party } = await start()
    const { refresh_token: first = '' } = await offlineOnly(bob, party)
    const { refresh_token: second = '' } = await client.refreshTokenGrant(party.config, first)
    stage.clock.advance(60)
    await host.mfa.accounts.reset('bob')
    stage.clock.advance(3600)
    await assert.rejects(client.refreshTokenGrant(party.config, second), INVALID)
  })

  it('AC-49: a removed authenticator takes the level of the session along, and leaves tokens as they were', async () => {
    const { host, bob, party } = await start()
    const tokens = await tokensOf(party, await journey(bob, party, ESSENTIAL))
    stage.clock.advance(60)
    const { authenticators } = await host.mfa.accounts.list('bob')
    for (const { id } of authenticators) await host.mfa.accounts.remove('bob', id)
    assert.equal((await journey(bob, party, { ...ESSENTIAL, prompt: 'none' })).error, 'interaction_required')
    assert.notEqual(await outcomeOf(party, await journey(bob, party, { prompt: 'none' })), MULTI_FACTOR)
    await assertAlive(party, tokens)
  })
})
