import assert from 'node:assert/strict'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import { type Journeyed, journey, type Truth, truthOf, walk } from './flow-answers.ts'
import { ASKING_WAYS, beside, createParty, fill, flowClient, flowConfiguration, grantOf, type Party } from './flows.ts'
import { acrClaim, CHALLENGE, useStage } from './stage.ts'

const API = 'https://api.example/'
/** Owes two kinds by policy. */
const BANK = 'https://bank.example/'
const ESSENTIAL = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }
const WIDE = { scope: 'openid read' }

describe('flows: access tokens for an API', () => {
  const stage = useStage()
  const start = async () => {
    const host = await stage.host({
      clients: beside(flowClient()),
      configuration: {
        ...flowConfiguration,
        features: {
          ...flowConfiguration.features,
          resourceIndicators: {
            enabled: true,
            getResourceServerInfo: (_ctx, audience) => ({
              scope: 'read',
              audience,
              accessTokenFormat: 'jwt',
              jwt: { sign: { alg: 'ES256' } },
            }),
            useGrantedResource: () => true,
          },
        },
        loadExistingGrant: grantOf('openid offline_access', [], { [API]: 'read', [BANK]: 'read' }),
      },
      stepUp: { policy: { default: 'never', resources: { [BANK]: { floor: MULTI_FACTOR } } } },
    })
    const [bob, party] = [await stage.enrolled(host), await createParty(host)]
    const keys = createRemoteJWKSet(new URL(`${host.issuer}/jwks`))
    /** As the API reads it. */
    const read = async (token: string, audience = API): Promise<Truth> => {
      const { payload } = await jwtVerify(token, keys, { audience, issuer: host.issuer, typ: 'at+jwt' })
      return truthOf(payload)
    }
    await journey(bob, party)
    stage.clock.advance(100)
    return { bob, party, read }
  }
  const exchange = ({ config, configFor }: Party, { request, answer }: Journeyed, parameters = {}) => {
    const { issuer } = config.serverMetadata()
    const known = new URLSearchParams({ code: answer?.parameters.get('code') ?? '' })
    known.set('state', request.state)
    known.set('iss', issuer)
    const checks = { pkceCodeVerifier: request.verifier, expectedState: request.state, expectedNonce: request.nonce }
    return client.authorizationCodeGrant(configFor('code'), new URL(`${answer?.at}?${known}`), checks, parameters)
  }

  /** What every token of one authorization says, first and refreshed. */
  const tell = async ({ party, read }: Awaited<ReturnType<typeof start>>, done: Journeyed) => {
    const front = done.answer?.parameters.get('access_token')
    const told = typeof front === 'string' ? [await read(front)] : []
    if (!done.request.responseType.includes('code')) return told
    const tokens = await exchange(party, done)
    stage.clock.advance(600)
    const refreshed = await client.refreshTokenGrant(party.config, tokens.refresh_token ?? '')
    for (const one of [tokens, refreshed]) told.push(truthOf(one.claims() ?? {}), await read(one.access_token))
    return told
  }

  for (const responseType of ['code', 'code token', 'code id_token token', 'id_token token'] as const)
    it(`tell the API the truth, first and refreshed: "${responseType}"`, async () => {
      const all = await start()
      const asked = { ...WIDE, response_type: responseType, resource: API }
      for (const [parameters, seen, acr, amr] of [
        [{}, [], SINGLE_FACTOR, ['pwd']],
        [ESSENTIAL, [CHALLENGE], MULTI_FACTOR, ['pwd', 'otp', 'mfa']],
        [{ prompt: 'none' }, [], MULTI_FACTOR, ['pwd', 'otp', 'mfa']],
      ] as const) {
        const done = await journey(all.bob, all.party, { ...asked, ...parameters })
        assert.deepEqual([done.seen, done.error], [seen, undefined])
        const [first, ...more] = await tell(all, done)
        assert.deepEqual([first?.acr, first?.amr], [acr, amr])
        for (const truth of more) assert.deepEqual(truth, first)
      }
    })

  it('tell the API the truth about a device, too, and pass no floor there', async () => {
    const { bob, party, read } = await start()
    const device = await client.initiateDeviceAuthorization(party.config, { ...WIDE, resource: BANK })
    const typed = await fill(bob.browser, await bob.browser.get(device.verification_uri), {
      user_code: device.user_code,
    })
    const { seen } = await walk(bob, await fill(bob.browser, typed, { confirm: 'yes' }))
    assert.deepEqual(seen, [CHALLENGE, 'Sign-in Success'])
    const tokens = await client.pollDeviceAuthorizationGrant(party.config, { ...device, interval: 0 })
    const truth = truthOf(tokens.claims() ?? {})
    assert.deepEqual([truth.acr, await read(tokens.access_token, BANK)], [MULTI_FACTOR, truth])
  })

  for (const way of ASKING_WAYS)
    it(`owe what the API's floor says: ${way}`, async () => {
      const { bob, party } = await start()
      const wanted = { ...WIDE, resource: BANK, acr_values: SINGLE_FACTOR }
      const silent = await journey(bob, party, { ...wanted, prompt: 'none' }, { way })
      assert.equal(silent.error, 'interaction_required')
      const open = await journey(bob, party, wanted, { way })
      assert.deepEqual([open.seen, open.error], [[CHALLENGE], undefined])
    })

  it('are not to be had for another API than the person was asked about, neither by a code nor by a refresh', async () => {
    const { bob, party } = await start()
    // The same grant covers the bank; what counts is what this authorization was for.
    for (const resource of [{}, { resource: API }]) {
      const wider = { resource: BANK, scope: 'openid read' }
      const done = await journey(bob, party, { ...WIDE, ...resource })
      assert.deepEqual(done.seen, [])
      await assert.rejects(exchange(party, done, wider), { error: 'invalid_target' })
      const tokens = await exchange(party, await journey(bob, party, { ...WIDE, ...resource }))
      await assert.rejects(client.refreshTokenGrant(party.config, tokens.refresh_token ?? '', { resource: BANK }), {
        error: 'invalid_target',
      })
    }
  })
})
