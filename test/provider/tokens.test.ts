import assert from 'node:assert/strict'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { Configuration } from 'oidc-provider'
import * as client from 'openid-client'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import { useStage, visit } from '../journeys/stage.ts'

const MULTI = { acr_values: MULTI_FACTOR }
const API = 'https://api.example/'

const configuration: Configuration = {
  extraTokenClaims: () => ({ tenant: 'acme', acr: "the host's own", amr: [] }),
  features: {
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope: 'read',
        audience: API,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
      useGrantedResource: () => true,
    },
  },
  issueRefreshToken: async () => true,
  // Tokens live no longer than their session's grant, so there is one for all requests.
  loadExistingGrant: async ({ oidc }) => {
    const known = oidc.session?.grantIdFor(oidc.client?.clientId ?? '')
    if (known !== undefined) return oidc.provider.Grant.find(known)
    const grant = new oidc.provider.Grant({
      accountId: oidc.session?.accountId ?? '',
      clientId: oidc.client?.clientId ?? '',
    })
    grant.addOIDCScope('openid')
    grant.addResourceScope(API, 'read')
    await grant.save()
    return grant
  },
}

/** What a token says about how the person signed in. */
const partOf = ({ acr, amr, auth_time }: Readonly<Record<string, unknown>>) => ({ acr, amr, auth_time })

describe('tokens: acr, amr and auth_time beyond the ID token', () => {
  const stage = useStage()
  const start = async () => {
    const host = await stage.host({ configuration })
    return stage.enrolled(host)
  }

  it('stand in a JWT access token, whatever the host adds to it', async () => {
    const bob = await start()
    const { tokens, authTime } = await (await visit(bob, { ...MULTI, resource: API, scope: 'openid read' })).redeem()
    assert.equal(decodeProtectedHeader(tokens.access_token).typ, 'at+jwt')
    const { aud, tenant, ...claims } = decodeJwt(tokens.access_token)
    assert.deepEqual([aud, tenant], [API, 'acme'])
    assert.deepEqual(partOf(claims), { acr: MULTI_FACTOR, amr: ['pwd', 'otp', 'mfa'], auth_time: authTime })
  })

  it('stand in the introspection of an opaque access token, each with its own time', async () => {
    const bob = await start()
    const { tokens, authTime } = await (await visit(bob)).redeem()
    stage.clock.advance(60)
    const stepped = await (await visit(bob, MULTI)).redeem()
    const weak = await client.tokenIntrospection(bob.rp.config, tokens.access_token)
    const strong = await client.tokenIntrospection(bob.rp.config, stepped.tokens.access_token)
    assert.equal(weak.active, true)
    assert.equal(weak.tenant, 'acme')
    assert.deepEqual(partOf(weak), { acr: SINGLE_FACTOR, amr: ['pwd'], auth_time: authTime })
    assert.deepEqual(partOf(strong), { acr: MULTI_FACTOR, amr: ['pwd', 'otp', 'mfa'], auth_time: stepped.authTime })
  })

  it('are repeated by a refresh, whatever the session has become since', async () => {
    const bob = await start()
    const { rp } = bob
    const { tokens: weak } = await (await visit(bob)).redeem()
    stage.clock.advance(60)
    const { tokens: strong } = await (await visit(bob, MULTI)).redeem()
    stage.clock.advance(60)
    assert.equal((await (await visit(bob, { prompt: 'login' })).redeem()).acr, SINGLE_FACTOR)
    stage.clock.advance(600)

    for (const first of [weak, strong]) {
      const said = partOf(first.claims() ?? {})
      let { refresh_token: token = '' } = first
      for (const _turn of [1, 2]) {
        const refreshed = await client.refreshTokenGrant(rp.config, token)
        assert.deepEqual(partOf(refreshed.claims() ?? {}), said)
        assert.deepEqual(partOf(await client.tokenIntrospection(rp.config, refreshed.access_token)), said)
        token = refreshed.refresh_token ?? token
      }
    }
    assert.deepEqual([weak.claims()?.acr, strong.claims()?.acr], [SINGLE_FACTOR, MULTI_FACTOR])
  })

  it('are not told by userinfo', async () => {
    const bob = await start()
    const { tokens } = await (await visit(bob, MULTI)).redeem()
    assert.deepEqual(await client.fetchUserInfo(bob.rp.config, tokens.access_token, 'bob'), { sub: 'bob' })
  })
})
