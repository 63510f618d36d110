import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import { journey, redeem, truthOf } from './flow-answers.ts'
import { beside, createParty, flowClient, flowConfiguration, type Parameters, type Party } from './flows.ts'
import { acrClaim, CHALLENGE, LOGIN, type Person, useStage } from './stage.ts'

const ESSENTIAL = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }
const INVALID = { error: 'invalid_grant' }
const HOUR = 3600

const tokensOf = async (person: Person, party: Party, parameters: Parameters = {}) => {
  const { tokens } = await redeem(party, await journey(person, party, parameters))
  assert.ok(tokens?.refresh_token !== undefined)
  return { tokens, refreshToken: tokens.refresh_token, truth: truthOf(tokens.claims() ?? {}) }
}

/** Rotates once; all that is told by what comes back is this. */
const rotate = async ({ config }: Party, refreshToken: string) => {
  const tokens = await client.refreshTokenGrant(config, refreshToken)
  const { refresh_token: next = '', access_token: token } = tokens
  assert.notEqual(next, refreshToken)
  const truth = truthOf(tokens.claims() ?? {})
  assert.deepEqual(truthOf(await client.tokenIntrospection(config, token)), truth)
  // oidc-provider adds no claims to the introspection of a refresh token, so it cannot tell anything else.
  const { active, sub, ...more } = await client.tokenIntrospection(config, next)
  assert.deepEqual([active, sub, truthOf(more)], [true, 'bob', truthOf({})])
  return { next, truth }
}

const isActive = async ({ config }: Party, token: string) => (await client.tokenIntrospection(config, token)).active

describe('flows: refreshing', () => {
  const stage = useStage()
  const start = async () => {
    const host = await stage.host({
      clients: beside(flowClient(), flowClient({ client_id: 'other' })),
      configuration: flowConfiguration,
    })
    const [bob, party] = [await stage.enrolled(host), await createParty(host)]
    return { host, bob, party, other: await createParty(host, flowClient({ client_id: 'other' })) }
  }
  const weakly = { configuration: flowConfiguration, stepUp: { policy: { default: 'never' } } } as const

  for (const [responseType, scope] of [
    ['code', 'openid'],
    ['code', 'openid offline_access'],
    ['code id_token', 'openid'],
    ['code id_token token', 'openid offline_access'],
  ] as const)
    it(`repeats what was true at first over all rotations: "${responseType}" for "${scope}"`, async () => {
      const host = await stage.host({ ...weakly, clients: beside(flowClient()) })
      const [bob, party] = [await stage.enrolled(host), await createParty(host)]
      const asked = { response_type: responseType, scope, prompt: 'consent' }
      const weak = await tokensOf(bob, party, asked)
      stage.clock.advance(60)
      const strong = await tokensOf(bob, party, { ...asked, ...ESSENTIAL })
      assert.deepEqual([weak.truth.acr, strong.truth.acr], [SINGLE_FACTOR, MULTI_FACTOR])
      const chains = [weak, strong].map(({ refreshToken, truth }) => ({ token: refreshToken, truth }))
      const later: readonly (() => Promise<unknown>)[] = [
        async () => undefined,
        () => journey(bob, party, { ...ESSENTIAL, max_age: '1' }),
        () => journey(bob, party, { prompt: 'login' }),
        () => journey(bob, party, { prompt: 'none' }),
        async () => bob.browser.clear(),
      ]
      for (const happen of later) {
        stage.clock.advance(HOUR)
        await happen()
        for (const chain of chains) {
          const { next, truth } = await rotate(party, chain.token)
          assert.deepEqual(truth, chain.truth)
          chain.token = next
        }
      }
    })

  it('gives nothing to another client, and takes nothing from the owner by that', async () => {
    const { bob, party, other } = await start()
    const { refreshToken, truth } = await tokensOf(bob, party)
    await assert.rejects(client.refreshTokenGrant(other.config, refreshToken), INVALID)
    assert.deepEqual((await rotate(party, refreshToken)).truth, truth)
  })

  it('ends all of a grant when a rotated token comes back', async () => {
    const { bob, party } = await start()
    const { refreshToken, tokens } = await tokensOf(bob, party, ESSENTIAL)
    stage.clock.advance(60)
    const { next } = await rotate(party, refreshToken)
    const { next: last } = await rotate(party, next)
    await assert.rejects(client.refreshTokenGrant(party.config, refreshToken), INVALID)
    for (const token of [next, last]) await assert.rejects(client.refreshTokenGrant(party.config, token), INVALID)
    for (const token of [tokens.access_token, last]) assert.equal(await isActive(party, token), false)
    await assert.rejects(client.fetchUserInfo(party.config, tokens.access_token, 'bob'))
    // What people have shown is theirs, not the stolen token's.
    const { seen, error } = await journey(bob, party, ESSENTIAL)
    assert.deepEqual([seen, error], [[], undefined])
  })

  it('raises nothing and dates nothing, whatever is asked along', async () => {
    const host = await stage.host({ ...weakly, clients: beside(flowClient()) })
    const [bob, party] = [await stage.enrolled(host), await createParty(host)]
    const { refreshToken, truth } = await tokensOf(bob, party)
    stage.clock.advance(HOUR)
    const extra = { ...ESSENTIAL, acr_values: MULTI_FACTOR, max_age: '1', acr: MULTI_FACTOR, auth_time: '1' }
    const refreshed = await client.refreshTokenGrant(party.config, refreshToken, extra)
    assert.deepEqual(truthOf(refreshed.claims() ?? {}), truth)
    assert.deepEqual(truthOf(await client.tokenIntrospection(party.config, refreshed.access_token)), truth)
    await assert.rejects(
      client.refreshTokenGrant(party.config, refreshed.refresh_token ?? '', { scope: 'openid profile' }),
      { error: 'invalid_scope' },
    )
  })

  it('never stands in for a step-up: the level is asked of the person all the same', async () => {
    const { bob, party } = await start()
    const { refreshToken } = await tokensOf(bob, party)
    bob.browser.clear()
    stage.clock.advance(HOUR)
    await rotate(party, refreshToken)
    assert.deepEqual((await journey(bob, party, { ...ESSENTIAL, prompt: 'none' })).error, 'login_required')
    assert.deepEqual((await journey(bob, party, ESSENTIAL)).seen, [LOGIN, CHALLENGE])
  })
})
