import assert from 'node:assert/strict'
import { demo } from '../../src/cli/demo.ts'
import { type ServeConfig, type ServeOptions, serve } from '../../src/cli/serve.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import { createBrowser } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { createRelyingParty, isAnswer, secretOn } from '../support/relying-party.ts'
import { until } from '../support/until.ts'
import { linkOn } from './demo-people.ts'
import { freePort } from './free-port.ts'
import { configFor } from './served.ts'

const CONSENT = 'Allow this app to use your account?'

describe('cli on Redis', function slow() {
  this.timeout('60s')
  let redis: Redis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.stop())

  /** How many connections Redis has, but for the one that asks. */
  const connections = async () => Number((await redis.info('clients')).connected_clients) - 1
  const noneLeft = () => until('every connection has ended', async () => (await connections()) === 0)
  const keysOf = async (pattern: string) => (await redis.command('KEYS', pattern)) as readonly string[]

  /** A configuration that names no place to keep anything. */
  const config = (port: number, changes: Partial<ServeConfig> = {}): ServeConfig => {
    const { store: _store, configuration: _configuration, ...rest } = configFor(port)
    return { ...rest, ...changes }
  }

  const ways: [name: string, changes: () => Partial<ServeConfig>, options: () => ServeOptions, prefix: string][] = [
    ['`redis`', () => ({ redis: { url: redis.url, prefix: 'acme' } }), () => ({}), 'acme'],
    ['REDIS_URL', () => ({}), () => ({ redisUrl: redis.url }), 'oidc-step-up'],
  ]
  for (const [name, changes, options, prefix] of ways) {
    it(`keeps sessions and authenticators over a restart with ${name}, and ends its one connection`, async () => {
      const port = await freePort()
      const jwks = configFor(port).jwks
      const start = () => serve(config(port, { ...changes(), ...(jwks ? { jwks } : {}) }), options())
      const first = await start()
      const browser = createBrowser(first.issuer)
      const rp = await createRelyingParty(first)
      const { url } = await rp.request({ acr_values: MULTI_FACTOR })
      const enroll = await browser.post(await browser.get(url), { username: 'alice', password: 'right' })
      const consent = await browser.post(enroll, { code: codeAt(secretOn(enroll)) })
      assert.equal(consent.heading, CONSENT)
      assert.equal(await connections(), 1)
      await first.drain()
      await noneLeft()

      const second = await start()
      assert.ok(isAnswer(await browser.post(consent)))
      assert.equal((await second.accounts.list('a')).authenticators.length, 1)
      await second.close()
      await noneLeft()
      const keys = await keysOf('*')
      assert.deepEqual(
        keys.filter((key) => !key.startsWith(`${prefix}:`)),
        [],
      )
      await redis.command('FLUSHALL')
    })
  }

  it('leaves REDIS_URL alone where the configuration names its own store and adapter', async () => {
    const served = await serve(configFor(await freePort()), { redisUrl: redis.url })
    await fetch(`${served.issuer}/.well-known/openid-configuration`)
    assert.deepEqual([await connections(), await keysOf('*')], [0, []])
    await served.close()
  })

  const mistakes: [name: string, changes: Partial<ServeConfig>, options: ServeOptions, message: RegExp][] = [
    ['REDIS_URL', {}, { redisUrl: ':S3CRET@localhost:6379' }, /^REDIS_URL: .*redis:\/\/host:6379/],
    ['redis.url', { redis: { url: 'http://user:S3CRET@localhost' } }, {}, /^redis: url: found .*; allowed: redis:\/\//],
    ['redis', { redis: {} as never }, {}, /^redis: /],
    [
      'redis that is a text',
      { redis: 'redis://:S3CRET@localhost' as never },
      {},
      /^redis: found .*; allowed: an object with url/,
    ],
    ['graceSeconds', { graceSeconds: 301 }, {}, /^graceSeconds: found 301; allowed: seconds, from 0 to 300$/],
  ]
  for (const [name, changes, options, message] of mistakes) {
    it(`names a mistake in ${name} without its words`, async () => {
      const starting = serve(config(await freePort(), changes), options)
      await assert.rejects(starting, (error: Error & { code?: string }) => {
        assert.equal(error.code, 'ERR_CONFIG')
        assert.match(error.message, message)
        assert.ok(!error.message.includes('S3CRET'), error.message)
        return true
      })
    })
  }

  it('does not start without a sealing key that a record needs, and does with that key at the end', async () => {
    const [old, fresh] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64url'))
    const port = await freePort()
    const start = (...sealingKeys: (string | undefined)[]) =>
      serve(config(port, { sealingKeys }), { redisUrl: redis.url })
    const first = await start(old)
    const { url } = await first.accounts.issueTicket('a')
    const browser = createBrowser(first.issuer)
    const enroll = await browser.post(await browser.get(url), { ticket: url })
    await browser.post(enroll, { code: codeAt(secretOn(enroll)) })
    await first.close()
    await assert.rejects(start(fresh), {
      code: 'ERR_CONFIG',
      message: /^sealingKeys: .* 1 account record is sealed with/,
    })
    await noneLeft()
    const second = await start(fresh, old)
    assert.equal((await second.accounts.list('a')).authenticators.length, 1)
    await second.close()
    await redis.command('FLUSHALL')
  })

  it('F-01: starts and serves 503 while Redis is out of reach, and logs each fault once', async () => {
    const logged: string[] = []
    const { write } = process.stderr
    process.stderr.write = (line) => logged.push(String(line)) > 0
    const served = await serve(config(await freePort()), { redisUrl: 'redis://127.0.0.1:1' })
    assert.deepEqual(logged.splice(0), ['oidc-step-up: the store is out of reach; answering 503 until it is back\n'])
    const browser = createBrowser(served.issuer)
    const { url } = await (await createRelyingParty(served)).request()
    const pages = [await browser.get(url), await browser.get('/session/end'), await browser.get('/device?user_code=X')]
    process.stderr.write = write
    for (const page of pages) {
      assert.deepEqual([page.status, page.headers.get('retry-after')], [503, '5'])
      assert.match(page.heading, /^We cannot check it is you just now$/)
      const [, reference = 'none'] = /<code>([\w-]+)<\/code>/.exec(page.text) ?? []
      assert.equal(logged.filter((line) => line.startsWith(`oidc-step-up: ${reference} GET `)).length, 1)
    }
    await served.drain()
  })

  it('gives each demo a part of one Redis of its own', async () => {
    const start = async () => {
      const [port, bankPort] = [await freePort(), await freePort()]
      const printed: string[] = []
      const running = await demo({ port, bankPort, redisUrl: redis.url, print: (line) => printed.push(line) })
      const told = (line: string) => printed.find((one) => one.startsWith(line))?.slice(line.length) ?? ''
      return { running, told, issuer: `http://localhost:${port}` }
    }
    const demos = [await start(), await start()]
    const prefixes = demos.map(({ told }) => told('keys in Redis begin with: ').split(' ')[0] ?? '')
    assert.equal(new Set(prefixes).size, 2)
    for (const [index, { issuer, told }] of demos.entries()) {
      const rp = await createRelyingParty({ issuer }, { client_id: 'playground', client_secret: 'playground' })
      const { url } = await rp.request({ redirect_uri: 'http://localhost:3002/callback', acr_values: MULTI_FACTOR })
      const browser = createBrowser(issuer)
      const login = { username: 'bob', password: told('bob password: ') }
      const challenge = await browser.post(await browser.get(url), login)
      const offer = await browser.post(challenge, { code: codeAt(told('bob authenticator secret: ')) })
      const consent = await browser.post(offer, {}, linkOn(offer, '/decline'))
      assert.equal(consent.heading, CONSENT)
      assert.ok((await keysOf(`${prefixes[index]}:account:*`)).length >= 1)
    }
    const [one, other] = demos
    await Promise.all([one?.running.drain(), other?.running.close()])
    await noneLeft()
  })
})
