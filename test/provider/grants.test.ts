import assert from 'node:assert/strict'
import type { Configuration, default as Provider } from 'oidc-provider'
import * as client from 'openid-client'
import { createSealer } from '../../src/crypto/seal.ts'
import { createAccountRecords } from '../../src/flow/account-record.ts'
import { createVault } from '../../src/flow/vault.ts'
import { createTokenGuard, revokeGrants } from '../../src/provider/grants.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { type Person, useStage, visit } from '../journeys/stage.ts'
import type { Host } from '../support/host.ts'

const NOW = 1_800_000_000
const INVALID = { code: 'OAUTH_RESPONSE_BODY_ERROR', error: 'invalid_grant' }

const configuration: Configuration = {
  features: { introspection: { enabled: true } },
  issueRefreshToken: async () => true,
  loadExistingGrant: async ({ oidc }) => {
    const { session, provider } = oidc
    const clientId = oidc.client?.clientId ?? ''
    const known = session?.grantIdFor(clientId)
    const grant = known === undefined ? undefined : await provider.Grant.find(known)
    if (grant !== undefined) return grant
    const fresh = new provider.Grant({ accountId: session?.accountId ?? '', clientId })
    fresh.addOIDCScope('openid')
    await fresh.save()
    return fresh
  },
}

const clientNamed = (id: string) => ({
  client_id: id,
  client_secret: `${id}-secret`,
  redirect_uris: ['http://localhost:9/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code' as const],
  id_token_signed_response_alg: 'ES256' as const,
})

/** The vault as the plugin sees it, over the store of this host. */
const vaultOf = ({ store }: Host) =>
  createVault(store, createSealer([Buffer.alloc(32, 7).toString('base64url')]), () => NOW)

const isActive = async ({ rp }: Person, token = '') => (await client.tokenIntrospection(rp.config, token)).active

describe('provider/grants', () => {
  describe('revokeGrants', () => {
    const stage = useStage()
    const start = async () => {
      const host = await stage.host({ configuration, clients: [clientNamed('app'), clientNamed('other')] })
      const revoke = (accountId: string) => revokeGrants(host.provider, vaultOf(host), accountId)
      return { host, revoke }
    }

    it('ends a waiting code, a refresh token and an access token, whatever browser they came to', async () => {
      const { host, revoke } = await start()
      const [laptop, phone] = [await stage.person(host), await stage.person(host)]
      const { tokens } = await (await visit(laptop)).redeem()
      const waiting = await visit(phone)
      assert.deepEqual(
        await Promise.all([isActive(laptop, tokens.access_token), isActive(laptop, tokens.refresh_token)]),
        [true, true],
      )

      const grantIds = await revoke('bob')
      assert.equal(new Set(grantIds).size, 2)
      await assert.rejects(waiting.redeem(), INVALID)
      await assert.rejects(client.refreshTokenGrant(laptop.rp.config, tokens.refresh_token ?? ''), INVALID)
      assert.equal(await isActive(laptop, tokens.access_token), false)
      assert.equal(await isActive(laptop, tokens.refresh_token), false)
      await assert.rejects(client.fetchUserInfo(laptop.rp.config, tokens.access_token, 'bob'))
    })

    it('ends what every client of a session was given, in rotated form as well', async () => {
      const { host, revoke } = await start()
      const bob = await stage.person(host)
      const other = await stage.relyingParty(host, { client_id: 'other', client_secret: 'other-secret' })
      const first = await (await visit(bob)).redeem()
      const second = await (await visit(bob, {}, { rp: other })).redeem()
      const rotated = await client.refreshTokenGrant(bob.rp.config, first.tokens.refresh_token ?? '')
      assert.equal((await revoke('bob')).length, 2)
      const dead = [
        [bob.rp, rotated.refresh_token],
        [other, second.tokens.refresh_token],
      ] as const
      for (const [{ config }, token] of dead)
        await assert.rejects(client.refreshTokenGrant(config, token ?? ''), INVALID)
    })

    it('leaves nothing of the grant in the adapter', async () => {
      const { host, revoke } = await start()
      const bob = await stage.person(host)
      const { tokens } = await (await visit(bob)).redeem()
      const { provider } = host
      const [grantId = ''] = await revoke('bob')
      const rows = [
        provider.Grant.find(grantId),
        provider.AccessToken.find(tokens.access_token),
        provider.RefreshToken.find(tokens.refresh_token ?? ''),
      ]
      assert.deepEqual(await Promise.all(rows), [undefined, undefined, undefined])
    })

    it('touches nobody else', async () => {
      const { host, revoke } = await start()
      const carol = await stage.person(host, 'carol')
      const { tokens } = await (await visit(carol, {}, { login: 'carol' })).redeem()
      await visit(await stage.person(host))
      assert.equal((await revoke('bob')).length, 1)
      assert.equal(await isActive(carol, tokens.access_token), true)
    })

    it('passes over sessions that are gone or are another account’s by now', async () => {
      const { host, revoke } = await start()
      assert.deepEqual(await revoke('nobody'), [])
      const carol = await stage.person(host, 'carol')
      const { tokens } = await (await visit(carol, {}, { login: 'carol' })).redeem()
      const [uid = ''] = await host.store.list('carol', 'ledger')
      for (const id of [uid, 'no session'])
        await host.store.put({ kind: 'ledger', accountId: 'bob', id }, 'text', {
          expectedVersion: null,
          ttlSeconds: 60,
        })
      assert.deepEqual(await revoke('bob'), [])
      assert.equal(await isActive(carol, tokens.access_token), true)
    })

    it('lets the next sign-in give a grant again', async () => {
      const { host, revoke } = await start()
      const bob = await stage.person(host)
      await visit(bob)
      await revoke('bob')
      const { tokens } = await (await visit(bob)).redeem()
      assert.equal(await isActive(bob, tokens.access_token), true)
      assert.equal((await revoke('bob')).length, 1)
    })

    it('revokes all other grants where one fails, and goes on when called again', async () => {
      const { host, revoke } = await start()
      for (const _browser of ['laptop', 'phone']) await visit(await stage.person(host))
      const { provider } = host
      const models = provider as Provider & { RefreshToken: { revokeByGrantId(id: string): Promise<void> } }
      const { revokeByGrantId } = models.RefreshToken
      const cause = new Error('connection lost')
      const seen: string[] = []
      models.RefreshToken.revokeByGrantId = async (id) => {
        seen.push(id)
        if (seen.length === 1) throw cause
      }
      await assert.rejects(revoke('bob'), cause)
      assert.equal(seen.length, 2)
      models.RefreshToken.revokeByGrantId = revokeByGrantId
      assert.deepEqual([...(await revoke('bob'))].sort(), seen.sort())
    })
  })

  describe('the token guard', () => {
    const guard = async ({ revokedAt, disabledAt }: { revokedAt?: number; disabledAt?: number } = {}) => {
      const store = memoryStore({ clock: () => NOW })
      const records = createAccountRecords(store, createSealer([Buffer.alloc(32, 7).toString('base64url')]))
      await records.update('alice', (record) => ({
        ...record,
        ...(revokedAt === undefined ? {} : { revokedAt: revokedAt }),
        ...(disabledAt === undefined ? {} : { disabledAt }),
      }))
      const account = async (id: string) =>
        id === 'gone' ? undefined : { id, label: id, ...(id === 'locked' ? { disabled: true } : {}) }
      return { store, isDead: createTokenGuard({ account, records }) }
    }

    const revoked = { revokedAt: NOW }
    const CASES = [
      ['issued after a revocation', revoked, 'alice', { iat: NOW + 1 }, false],
      ['issued in the same second', revoked, 'alice', { iat: NOW }, true],
      ['issued before', revoked, 'alice', { iat: NOW - 1 }, true],
      ['rotated after, from a chain begun before', revoked, 'alice', { iat: NOW + 9, iiat: NOW - 1 }, true],
      ['of a chain begun after', revoked, 'alice', { iat: NOW + 9, iiat: NOW + 1 }, false],
      ['without a time, after a revocation', revoked, 'alice', {}, true],
      ['without a time, and no revocation', {}, 'alice', {}, false],
      ['of an account that nothing was revoked of', {}, 'alice', { iat: NOW - 1 }, false],
      ['of an account without a record', {}, 'bob', { iat: 1 }, false],
      ['of an account disabled here', { disabledAt: NOW }, 'alice', { iat: NOW + 9 }, true],
      ['of an account disabled by the host', {}, 'locked', { iat: NOW + 9 }, true],
      ['of an account that is gone', {}, 'gone', { iat: NOW + 9 }, true],
    ] as const

    for (const [what, record, accountId, token, expected] of CASES)
      it(`says that a token ${what} is ${expected ? 'dead' : 'alive'}`, async () => {
        assert.equal(await (await guard(record)).isDead(accountId, token), expected)
      })

    it('says nothing where the record cannot be read', async () => {
      const { store, isDead } = await guard()
      await store.save('bob', 'no record of ours', null)
      await assert.rejects(isDead('bob', { iat: NOW }), { name: 'StepUpError', code: 'ERR_SEAL' })
    })
  })
})
