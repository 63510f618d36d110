import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider, { type Adapter, type AdapterFactory, type Configuration } from 'oidc-provider'
import { memoryAdapter } from '../../src/cli/memory-adapter.ts'
import { systemClock } from '../../src/clock.ts'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import { type Browser, createBrowser } from '../support/browser.ts'
import { CLIENT, type Host, REDIRECT_URI } from '../support/host.ts'
import { createRelyingParty, isAnswer } from '../support/relying-party.ts'
import { CHALLENGE, CONSENT, LOGIN, leave, open, useStage, visit } from './stage.ts'

const MULTI = { acr_values: MULTI_FACTOR }

/** Within the second or two that a test takes by itself. */
const assertAbout = (found: number | undefined, expected: number) =>
  assert.ok(Math.abs((found ?? 0) - expected) <= 2, `${found} instead of ${expected}`)

const sessionOf = async (host: Host, browser: Browser) => {
  const cookie = browser.cookies().find(({ name }) => name === '_session')
  return host.provider.Session.find(cookie?.value ?? '')
}

/** A host with a consent page of its own, shown once per session and app, and the library's way to find grants. */
const withConsent = (mergeWithLastSubmission: boolean) => ({
  configuration: {
    interactions: {
      url: (_ctx, { prompt, uid }) => (prompt.name === 'consent' ? `/consent/${uid}` : `/interaction/${uid}`),
    },
    loadExistingGrant: async ({ oidc }) => {
      const grantId = oidc.result?.consent?.grantId ?? oidc.session?.grantIdFor(oidc.client?.clientId ?? '')
      return grantId === undefined ? undefined : oidc.provider.Grant.find(grantId)
    },
  } satisfies Configuration,
  prepare: (provider: Provider) =>
    provider.use(async (ctx, next) => {
      if (!ctx.path.startsWith('/consent/')) return next()
      const { session, params, uid } = await provider.interactionDetails(ctx.req, ctx.res)
      if (ctx.method === 'GET') {
        ctx.type = 'html'
        ctx.body = `<h1>${CONSENT}</h1><form class="main" method="post" action="/consent/${uid}"></form>`
        return
      }
      const grant = new provider.Grant({ accountId: session?.accountId ?? '', clientId: String(params.client_id) })
      grant.addOIDCScope('openid')
      const consent = { grantId: await grant.save() }
      ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, { consent }, { mergeWithLastSubmission }))
      ctx.status = 303
    }),
})

for (const merge of [true, false])
  describe(`the session, at a host whose consent page ${merge ? 'merges' : 'does not merge'} earlier results`, () => {
    const stage = useStage()
    const host = () => stage.host(withConsent(merge))

    it('reports the time of the login, not of the consent', async () => {
      const bob = await stage.person(await host())
      const start = stage.clock.now()
      const { seen, redeem } = await visit(bob, {}, { pause: () => stage.clock.advance(100) })
      const { acr, amr, authTime } = await redeem()
      assert.deepEqual([seen, acr, amr], [[LOGIN, CONSENT], SINGLE_FACTOR, ['pwd']])
      assertAbout(authTime, start + 100)
    })

    it('reports the level and the time of the second proof, on this request and after it', async () => {
      const at = await host()
      const bob = await stage.enrolled(at)
      const start = stage.clock.now()
      const { seen, redeem } = await visit(bob, MULTI, { pause: () => stage.clock.advance(100) })
      const { acr, amr, authTime } = await redeem()
      assert.deepEqual([seen, acr, amr], [[LOGIN, CHALLENGE, CONSENT], MULTI_FACTOR, ['pwd', 'otp', 'mfa']])
      assertAbout(authTime, start + 200)

      stage.clock.advance(500)
      const later = await visit(bob, MULTI)
      const repeated = await later.redeem()
      assert.deepEqual([later.seen, repeated.acr, repeated.authTime], [[], MULTI_FACTOR, authTime])
    })

    it('takes a consent that carries an old login along for no new login', async () => {
      const at = await host()
      const bob = await stage.enrolled(at)
      const opened = await bob.go()
      assert.equal(opened.page.heading, CONSENT)
      stage.clock.advance(3000)
      const answer = await bob.browser.send(opened.page.action, { form: {} })
      assert.ok(isAnswer(answer))
      const aged = await visit(bob, { max_age: '2000' })
      assert.equal(aged.seen[0], LOGIN)
    })

    it('asks a level that was declined before the consent page not once more after it', async () => {
      const bob = await stage.enrolled(await host())
      const { page, redeem } = await bob.go(MULTI)
      const consent = await leave(bob, page, 'decline')
      assert.equal(consent.heading, CONSENT)
      const answer = await bob.browser.send(consent.action, { form: {} })
      assert.ok(isAnswer(answer), `"${answer.heading}" after the consent`)
      assert.equal((await redeem(answer.url)).acr, SINGLE_FACTOR)
    })

    it("leaves the session's own login time where the login was", async () => {
      const at = await host()
      const bob = await stage.enrolled(at)
      const login = stage.clock.now()
      const { page } = await bob.go(MULTI)
      assertAbout((await sessionOf(at, bob.browser))?.loginTs, login)
      stage.clock.advance(300)
      const consent = await bob.answer(page)
      assert.equal(consent.heading, CONSENT)
      stage.clock.advance(300)
      await bob.browser.send(consent.action, { form: {} })
      const session = await sessionOf(at, bob.browser)
      assertAbout(session?.loginTs, login)
      assert.equal(session?.acr, undefined)
    })
  })

describe('the session, and when its login was', () => {
  const stage = useStage()

  it('believes the time that the host gives for its login, and none that is still to come', async () => {
    const host = await stage.host()
    for (const [offset, expected] of [
      [-500, -500],
      [500, 0],
    ] as const) {
      const bob = await stage.person(host)
      const { page, redeem } = await open(bob)
      const now = stage.clock.now()
      const answer = await bob.browser.send(page.action, { form: { login: 'bob', ts: String(now + offset) } })
      assertAbout((await redeem(answer.url)).authTime, now + expected)
    }
  })
})

/** One adapter for several providers: the host's database. */
const sharedAdapter = (): AdapterFactory => {
  const create = memoryAdapter(systemClock)
  const models = new Map<string, Adapter>()
  return (name) => {
    const model = models.get(name) ?? create(name)
    models.set(name, model)
    return model
  }
}

/** A host as it was before: no plugin, its own login page signs everybody in as bob. */
const startBare = async (adapter: AdapterFactory) => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`
  const provider = new Provider(issuer, {
    adapter,
    clients: [{ client_id: CLIENT.client_id, client_secret: CLIENT.client_secret, redirect_uris: [REDIRECT_URI] }],
    cookies: { keys: ['test cookie key'] },
    features: { devInteractions: { enabled: false } },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    interactions: { url: (_ctx, { uid }) => `/bare/${uid}` },
  })
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/bare/')) return next()
    const { prompt } = await provider.interactionDetails(ctx.req, ctx.res)
    if (prompt.name !== 'login') {
      ctx.body = 'signed in'
      return
    }
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, { login: { accountId: 'bob' } }))
    ctx.status = 303
  })
  server.on('request', provider.callback())
  return {
    issuer,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('the session, from before this plugin was there', () => {
  const stage = useStage()

  it('counts as one login at its own time, and as nothing more', async () => {
    const adapter = sharedAdapter()
    const bare = await startBare(adapter)
    const before = createBrowser(bare.issuer)
    try {
      const rp = await createRelyingParty(bare)
      const { url } = await rp.request()
      const { text } = await before.get(url)
      assert.equal(text, 'signed in')
    } finally {
      await bare.close()
    }
    const login = stage.clock.now()
    stage.clock.advance(1000)

    const host = await stage.host({ configuration: { adapter } })
    const bob = await stage.enrolled(host)
    bob.browser.load(before.cookies())
    const plain = await visit(bob)
    const signed = await plain.redeem()
    assert.deepEqual([plain.seen, signed.sub, signed.acr, signed.amr], [[], 'bob', SINGLE_FACTOR, ['pwd']])
    assertAbout(signed.authTime, login)

    assert.deepEqual((await visit(bob, MULTI)).seen, [CHALLENGE])
    const after = await visit(bob, MULTI)
    assert.deepEqual([after.seen, (await after.redeem()).amr], [[], ['pwd', 'otp', 'mfa']])
    assert.deepEqual((await visit(bob, { ...MULTI, max_age: '500' })).seen, [])
    assert.deepEqual((await visit(bob, { max_age: '500' })).seen, [LOGIN])
  })
})
