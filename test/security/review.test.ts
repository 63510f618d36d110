import assert from 'node:assert/strict'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { createSealer } from '../../src/crypto/seal.ts'
import { type LedgerRecord, ledgerKey } from '../../src/flow/ledger.ts'
import { createVault } from '../../src/flow/vault.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import { CHALLENGE, open, type Person, useStage, visit } from '../journeys/stage.ts'
import type { Host } from '../support/host.ts'
import { errorOf, isAnswer } from '../support/relying-party.ts'

const API = 'https://api.example/'
const MAX_MILLISECONDS = 500

const ledgerOf = async (host: Host, person: Person) => {
  const cookie = person.browser.cookies().find(({ name }) => name === '_session')
  const session = await host.provider.Session.find(cookie?.value ?? '')
  return ledgerKey('bob', session?.uid ?? '')
}

const vaultOf = ({ store }: Host, now: () => number) =>
  createVault(store, createSealer([Buffer.alloc(32, 7).toString('base64url')]), now)

describe('security: the ledger under one person who never stops', () => {
  const stage = useStage()

  it('decides in bounded time however many logins a ledger holds', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    await visit(bob)
    const key = await ledgerOf(host, bob)
    const vault = vaultOf(host, stage.clock.now)
    const slot = await vault.read<LedgerRecord>(key)
    const [login] = slot.value?.events ?? []
    assert.ok(login !== undefined)
    const events = Array.from({ length: 1000 }, (_none, index) => ({ ...login, cid: `c${index}` }))
    await vault.write(key, slot, { events }, slot.expiresAt ?? 0)
    const startedAt = performance.now()
    await open(bob, { acr_values: MULTI_FACTOR })
    assert.ok(performance.now() - startedAt < MAX_MILLISECONDS)
  })

  it('keeps no more than a bounded number of events', async () => {
    const host = await stage.host()
    const bob = await stage.person(host)
    for (let login = 0; login < 80; login += 1) await visit(bob, { prompt: 'login' })
    const { value } = await vaultOf(host, stage.clock.now).read<LedgerRecord>(await ledgerOf(host, bob))
    assert.ok((value?.events.length ?? 0) <= 65)
  })
})

describe('security: floors by what is requested, under other names', () => {
  const stage = useStage()
  const grantAll = async (ctx: KoaContextWithOIDC) => {
    const grant = new ctx.oidc.provider.Grant({ accountId: ctx.oidc.session?.accountId as string, clientId: 'app' })
    grant.addOIDCScope('openid email')
    grant.addOIDCClaims(['email'])
    for (const indicator of Object.keys(ctx.oidc.resourceServers ?? {})) grant.addResourceScope(indicator, 'pay')
    await grant.save()
    return grant
  }

  const askedAs = ['https://api.example/', 'https://api.example', 'HTTPS://API.EXAMPLE/', 'https://api.example:443/']
  for (const resource of askedAs)
    it(`a floor on a resource holds for ${resource}`, async () => {
      const host = await stage.host({
        stepUp: { policy: { default: 'never', resources: { [API]: { floor: MULTI_FACTOR } } } },
        configuration: {
          features: {
            resourceIndicators: {
              enabled: true,
              useGrantedResource: () => true,
              getResourceServerInfo: () => ({
                scope: 'pay',
                audience: API,
                accessTokenFormat: 'jwt',
                jwt: { sign: { alg: 'ES256' } },
              }),
            },
          },
          loadExistingGrant: grantAll,
        },
      })
      const bob = await stage.enrolled(host)
      await visit(bob)
      assert.deepEqual((await visit(bob, { scope: 'openid pay', resource })).seen, [CHALLENGE])
    })

  it('a floor on a scope holds for its claims asked one by one', async () => {
    const host = await stage.host({
      stepUp: { policy: { default: 'never', scopes: { email: { floor: MULTI_FACTOR } } } },
      configuration: {
        claims: { openid: ['sub'], email: ['email'] },
        findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, email: 'bob@example.com' }) }),
        loadExistingGrant: grantAll,
      },
    })
    const bob = await stage.enrolled(host)
    await visit(bob)
    const claims = JSON.stringify({ id_token: { email: null } })
    assert.deepEqual((await visit(bob, { claims })).seen, [CHALLENGE])
  })

  it('refuses CIBA beside a policy that owes anything, as no floor reaches it', async () => {
    const ciba = { features: { ciba: { enabled: true } } }
    const always = { stepUp: { policy: { default: 'always' } }, configuration: ciba } as const
    await assert.rejects(stage.host(always as never), { code: 'ERR_CONFIG', message: /features\.ciba/ })
  })
})

describe('security: a login and the security stamp it was made under', () => {
  const stage = useStage()
  const stamped = (host: Host, securityStamp: string) =>
    host.accounts.set('bob', { id: 'bob', label: 'bob', securityStamp })

  it('AC-49: a login inherited from before the ledger is void after a new stamp', async () => {
    const host = await stage.host()
    stamped(host, 'one')
    const bob = await stage.person(host)
    await visit(bob)
    await host.store.delete(await ledgerOf(host, bob))
    assert.equal((await visit(bob, { prompt: 'none' })).error, undefined)
    stamped(host, 'two')
    assert.equal((await visit(bob, { prompt: 'none' })).error, 'login_required')
  })

  it('AC-49: a login whose redirect was held back is void after a new stamp', async () => {
    const host = await stage.host()
    stamped(host, 'one')
    const thief = await stage.person(host)
    const { page } = await open(thief)
    const form = { login: 'bob', securityStamp: 'one' }
    const held = await thief.browser.send(page.action, { form, follow: false })
    stage.clock.advance(3000)
    stamped(host, 'two')
    const landed = await thief.browser.get(held.headers.get('location') ?? '')
    assert.equal(isAnswer(landed) && errorOf(landed) === undefined, false)
  })

  it('takes an account() that answers null for an account that is gone, and no other account for this one', async () => {
    const gone = await stage.host({ stepUp: { account: () => null } })
    assert.equal((await visit(await stage.person(gone))).error, 'access_denied')
    const wrong = await stage.host({ stepUp: { account: () => ({ id: 'eve', label: 'eve' }) } })
    assert.equal((await visit(await stage.person(wrong))).page.status, 500)
    assert.match(wrong.errors.splice(0).join(), /another id/)
  })
})
