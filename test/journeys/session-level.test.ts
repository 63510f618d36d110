import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type Provider from 'oidc-provider'
import { MULTI_FACTOR, nist, type SessionLevel, SINGLE_FACTOR, StepUpError, standard } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Browser } from '../support/browser.ts'
import { codeAt, type Host, type HostOptions } from '../support/host.ts'
import { CHALLENGE, useStage, visit } from './stage.ts'

const MULTI = { acr_values: MULTI_FACTOR }
const OKTA = ['urn:okta:loa:1fa:any', 'urn:okta:loa:2fa:any'] as const
const REFEDS = 'https://refeds.org/profile/mfa'
const FRESH = 'urn:example:fresh'
const AAL2 = nist[1]?.acr ?? ''

const ONE_KIND = [SINGLE_FACTOR, OKTA[0]]
const TWO_KINDS = [...ONE_KIND, MULTI_FACTOR, REFEDS, OKTA[1]]

describe('sessionLevel(): what a browser has shown, for the host’s own pages', () => {
  const stage = useStage()

  /** A host that tells at `/level` what it would go by; faults come back as their code. */
  const start = async (options: HostOptions = {}) => {
    const hosts: Host[] = []
    const prepare = (provider: Provider) => {
      provider.use(async (ctx, next) => {
        if (ctx.path !== '/level') return next()
        try {
          ctx.body = { level: await hosts[0]?.mfa.sessionLevel(ctx) }
        } catch (error) {
          ctx.body = { fault: error instanceof StepUpError ? error.code : String(error) }
        }
      })
    }
    const host = await stage.host({ ...options, prepare })
    hosts.push(host)
    return host
  }
  const ask = async (browser: Browser): Promise<{ level?: SessionLevel; fault?: string }> =>
    JSON.parse((await browser.get('/level')).text)
  const levelsAt = async (browser: Browser) => (await ask(browser)).level?.levels

  /** Bob, who has shown two kinds just now. */
  const stepped = async (options?: HostOptions) => {
    const host = await start(options)
    const bob = await stage.enrolled(host)
    await visit(bob, MULTI)
    assert.deepEqual(await levelsAt(bob.browser), TWO_KINDS)
    return { host, bob }
  }

  it('rises with each proof, and tells when', async () => {
    const host = await start()
    const bob = await stage.enrolled(host)
    assert.deepEqual(await ask(bob.browser), {})
    const loginAt = stage.clock.now()
    await visit(bob)
    const { level: weak } = await ask(bob.browser)
    assert.deepEqual(
      { ...weak, authTime: 0 },
      { accountId: 'bob', acr: SINGLE_FACTOR, amr: ['pwd'], authTime: 0, levels: ONE_KIND },
    )
    assert.ok(Math.abs((weak?.authTime ?? 0) - loginAt) <= 2)

    stage.clock.advance(100)
    const { redeem } = await visit(bob, MULTI)
    const { level: strong } = await ask(bob.browser)
    assert.deepEqual([strong?.acr, strong?.amr, strong?.levels], [MULTI_FACTOR, ['pwd', 'otp', 'mfa'], TWO_KINDS])
    assert.equal(strong?.authTime, (await redeem()).authTime)
  })

  it('is the first level only while the second page is open, and after it was left', async () => {
    const host = await start({ stepUp: { policy: { default: 'always' } } })
    const bob = await stage.enrolled(host)
    const { page } = await bob.go()
    assert.equal(page.heading, CHALLENGE)
    assert.deepEqual(await levelsAt(bob.browser), ONE_KIND)
    await bob.browser.post(page, {}, `${page.url.pathname}/cancel`)
    assert.deepEqual(await levelsAt(bob.browser), ONE_KIND)
  })

  it('rests on no remembered browser', async () => {
    const host = await start({ stepUp: { policy: { default: 'always' } } })
    const bob = await stage.enrolled(host)
    const { page } = await bob.go()
    await bob.browser.post(page, { code: codeAt(bob.secret), remember: 'yes' })
    assert.deepEqual(await levelsAt(bob.browser), TWO_KINDS)
    const kept = bob.browser.cookies().filter(({ name }) => name.startsWith('step-up-browser'))
    assert.equal(kept.length, 1)
    bob.browser.clear()
    bob.browser.load(kept)
    assert.deepEqual((await visit(bob)).seen, ['host login'])
    assert.deepEqual(await levelsAt(bob.browser), ONE_KIND)
  })

  it('ages by the clock', async () => {
    const levels = [...standard, { acr: FRESH, needs: { kinds: 2 }, maxAgeSeconds: 300 }] as const
    const host = await start({ stepUp: { levels } })
    const bob = await stage.enrolled(host)
    await visit(bob, MULTI)
    for (const [seconds, isFresh] of [
      [0, true],
      [290, true],
      [20, false],
    ] as const) {
      stage.clock.advance(seconds)
      const { level } = await ask(bob.browser)
      assert.deepEqual([level?.levels.includes(FRESH), level?.acr], [isFresh, isFresh ? FRESH : MULTI_FACTOR])
    }
    const government = await start({ stepUp: { levels: 'nist' } })
    const eve = await stage.person(government)
    await visit(eve, { acr_values: AAL2 })
    assert.ok((await levelsAt(eve.browser))?.includes(AAL2))
    stage.clock.advance(86_401)
    assert.equal((await levelsAt(eve.browser))?.includes(AAL2), false)
  })

  it('is gone with the authenticator, and the password remains', async () => {
    const { host, bob } = await stepped()
    const { authenticators } = await host.mfa.accounts.list('bob')
    for (const { id } of authenticators) await host.mfa.accounts.remove('bob', id)
    const { level } = await ask(bob.browser)
    assert.deepEqual([level?.acr, level?.amr, level?.levels], [SINGLE_FACTOR, ['pwd'], ONE_KIND])
  })

  const change = (more: object) => (host: Host) => host.accounts.set('bob', { id: 'bob', label: 'bob', ...more })
  const ENDS: Readonly<Record<string, (host: Host) => unknown>> = {
    'the security stamp changed': change({ securityStamp: 'two' }),
    'the host disabled the account': change({ disabled: true }),
    'the host deleted the account': ({ accounts }) => accounts.delete('bob'),
    'the account was disabled here': ({ mfa }) => mfa.accounts.disable('bob'),
  }
  for (const [title, end] of Object.entries(ENDS))
    it(`AC-49: is undefined after ${title}`, async () => {
      const { host, bob } = await stepped()
      await end(host)
      assert.deepEqual(await ask(bob.browser), {})
    })

  it('AC-49: is the password’s after a reset, and of a session that ended none', async () => {
    const { host, bob } = await stepped()
    await host.mfa.accounts.reset('bob')
    assert.notDeepEqual(await levelsAt(bob.browser), TWO_KINDS)
    const cookie = bob.browser.cookies().find(({ name }) => name === '_session')
    await (await host.provider.Session.find(cookie?.value ?? ''))?.destroy()
    assert.deepEqual(await ask(bob.browser), {})
  })

  it('AC-51: is each account’s own, in browsers of their own', async () => {
    const { host, bob } = await stepped()
    const carol = await stage.person(host, 'carol')
    await visit(carol, {}, { login: 'carol' })
    assert.deepEqual([(await ask(carol.browser)).level?.accountId, await levelsAt(carol.browser)], ['carol', ONE_KIND])
    assert.deepEqual(await levelsAt(bob.browser), TWO_KINDS)
  })

  it('AC-75: believes no cookie that was tampered with', async () => {
    const { bob } = await stepped()
    const cookies = bob.browser.cookies()
    bob.browser.clear()
    bob.browser.load(cookies.map((one) => (one.name === '_session.sig' ? { ...one, value: `x${one.value}` } : one)))
    assert.deepEqual(await ask(bob.browser), {})
  })

  it('fails where the store does not answer, and lets nobody in by that', async () => {
    const store = memoryStore()
    let isDown = false
    const failing = {
      ...store,
      get: async (...given: Parameters<typeof store.get>) => {
        if (isDown) throw new StepUpError('ERR_STORE', 'connection lost')
        return store.get(...given)
      },
    }
    const { bob } = await stepped({ stepUp: { store: failing } })
    isDown = true
    assert.deepEqual(await ask(bob.browser), { fault: 'ERR_STORE' })
    isDown = false
    assert.deepEqual(await levelsAt(bob.browser), TWO_KINDS)
  })

  it('wants attach() before it', async () => {
    const host = await start({ wiring: 'not attached' })
    assert.deepEqual(await ask(host.browser()), { fault: 'ERR_CONFIG' })
  })

  it('takes the request and response of any framework, too', async () => {
    const { host, bob } = await stepped()
    const server = createServer(async (req, res) => {
      const level = await host.mfa.sessionLevel({ req, res })
      res.end(JSON.stringify({ level }))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const from = async (cookie: string) => (await fetch(`http://127.0.0.1:${port}/`, { headers: { cookie } })).json()
    const cookie = bob.browser
      .cookies()
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
    const [known, stranger] = [await from(cookie), await from('')]
    server.closeAllConnections()
    server.close()
    assert.deepEqual([known.level.accountId, known.level.levels, stranger], ['bob', TWO_KINDS, {}])
  })
})
