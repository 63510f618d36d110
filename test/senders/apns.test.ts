import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { StepUpError } from '../../src/errors.ts'
import { type ApnsOptions, apns } from '../../src/senders/apns.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import { type Apns, type ApnsFault, startApns } from '../support/apns-server.ts'
import { until } from '../support/until.ts'

const TOKEN = '0a'.repeat(32)
const REFERENCE = 'q1w2e3r4t5y6u7i8o9p0aA'
const TEXT = 'Open the app to confirm a sign-in.'
const CHANNEL = { service: 'apns', token: TOKEN, environment: 'production' }

const message = (more = {}) => ({
  channel: CHANNEL,
  reference: REFERENCE,
  text: TEXT,
  expiresAt: Math.floor(Date.now() / 1000) + 90,
  ...more,
})

/** Sends one push and does nothing else. */
const ONE_PUSH = `
import { apns } from ${JSON.stringify(new URL('../../src/senders/apns.ts', import.meta.url).href)}
const { access, message } = JSON.parse(process.argv[1])
await apns(access).send(message)
process.stdout.write('sent')`

describe('senders/apns', () => {
  let server: Apns
  beforeEach(async () => {
    server = await startApns()
  })
  afterEach(() => server.close())
  const sender = (more: Partial<ApnsOptions> = {}) => apns({ ...server.access, ...more })

  it('sends sentence and reference, and nothing else, for the rest of the challenge', async () => {
    const sent = message()
    await sender().send(sent)
    assert.deepEqual(server.complaints, [])
    const [{ token, payload, headers } = assert.fail('nothing came')] = server.notifications
    assert.equal(token, TOKEN)
    assert.deepEqual(payload, {
      aps: { alert: { body: TEXT }, sound: 'default', category: 'sign-in' },
      reference: REFERENCE,
    })
    assert.equal(headers['apns-expiration'], String(sent.expiresAt))
    assert.equal(headers['apns-collapse-id'], REFERENCE)
  })

  it('is a frozen object that keeps of a channel what it needs', async () => {
    assert.ok(Object.isFrozen(sender()))
    assert.equal(sender().service, 'apns')
    const sandbox = { service: 'apns', token: TOKEN.toUpperCase(), environment: 'sandbox' }
    assert.deepEqual(sender().parse({ ...sandbox, more: 1 }), { ...sandbox, token: TOKEN })
    await sender({ category: 'my.category' }).send(message({ channel: sandbox }))
    const { aps } = server.notifications[0]?.payload ?? {}
    assert.deepEqual(aps, { alert: { body: TEXT }, sound: 'default', category: 'my.category' })
  })

  for (const channel of [
    undefined,
    null,
    TOKEN,
    {},
    { ...CHANNEL, service: 'fcm' },
    { ...CHANNEL, environment: undefined },
    { ...CHANNEL, environment: 'toString' },
    { ...CHANNEL, token: `${TOKEN}/../x` },
    { ...CHANNEL, token: `${TOKEN}a` },
    { ...CHANNEL, token: '0a' },
    { ...CHANNEL, token: '0a'.repeat(101) },
    { ...CHANNEL, token: [TOKEN] },
  ])
    it(`takes no ${JSON.stringify(channel)?.slice(0, 140)} for a channel`, async () => {
      assert.equal(sender().parse(channel), undefined)
      await assert.rejects(sender().send(message({ channel })), { name: 'Error', message: /none to send to/ })
      assert.equal(server.seen.connections, 0)
    })

  it('keeps one connection for each environment, and one provider token for both', async () => {
    const one = sender()
    const sandbox = { ...CHANNEL, environment: 'sandbox' }
    await Promise.all([one.send(message()), one.send(message()), one.send(message())])
    await one.send(message())
    assert.equal(server.seen.connections, 1)
    await Promise.all([one.send(message({ channel: sandbox })), one.send(message({ channel: sandbox }))])
    assert.equal(server.seen.connections, 2)
    assert.deepEqual([server.notifications.length, server.providerTokens.length], [6, 1])
  })

  it('opens another connection where the service has closed it, in the middle of a push as well', async () => {
    const one = sender()
    await one.send(message())
    server.dropConnections()
    await one.send(message())
    server.failNext('drop')
    await one.send(message())
    assert.deepEqual([server.notifications.length, server.seen.connections], [3, 3])
    server.failNext('goaway')
    await one.send(message())
    await until('another connection', async () => {
      await one.send(message())
      return server.seen.connections === 4
    })
    assert.deepEqual(server.complaints, [])
  })

  it('makes a provider token anew after 40 minutes, no sooner', async () => {
    const clock = virtualClock()
    try {
      const one = sender()
      await one.send(message())
      clock.advance(2398)
      await one.send(message())
      assert.equal(server.providerTokens.length, 1)
      clock.advance(3)
      await one.send(message())
      assert.equal(server.providerTokens.length, 2)
    } finally {
      clock.restore()
    }
  })

  it('makes one anew where it is taken for expired, once', async () => {
    const one = sender()
    await one.send(message())
    server.failNext({ status: 403, reason: 'ExpiredProviderToken' })
    await one.send(message())
    assert.equal(server.notifications.length, 2)
    server.failNext({ status: 403, reason: 'ExpiredProviderToken' }, { status: 403, reason: 'ExpiredProviderToken' })
    await assert.rejects(one.send(message()), { name: 'Error', message: /status 403 ExpiredProviderToken$/ })
    assert.equal(server.seen.requests, 5)
  })

  const answers: [ApnsFault, { code?: string; name?: string; message: RegExp }][] = [
    [
      { status: 410, reason: 'Unregistered' },
      { code: 'ERR_ADDRESS', message: /any more: 410$/ },
    ],
    [
      { status: 410, reason: 'ExpiredToken' },
      { code: 'ERR_ADDRESS', message: /any more: 410$/ },
    ],
    [
      { status: 400, reason: 'BadDeviceToken' },
      { code: 'ERR_ADDRESS', message: /any more: 400$/ },
    ],
    [
      { status: 400, reason: 'DeviceTokenNotForTopic' },
      { name: 'Error', message: /400 DeviceTokenNotForTopic$/ },
    ],
    [
      { status: 403, reason: 'InvalidProviderToken' },
      { name: 'Error', message: /403 InvalidProviderToken$/ },
    ],
    [
      { status: 413, reason: 'PayloadTooLarge' },
      { name: 'Error', message: /413 PayloadTooLarge$/ },
    ],
    [
      { status: 429, reason: 'TooManyRequests' },
      { name: 'Error', message: /429 TooManyRequests$/ },
    ],
    [
      { status: 500, reason: 'S3CRET of the service' },
      { name: 'Error', message: /status 500$/ },
    ],
    [
      { status: 302, reason: 'Found' },
      { name: 'Error', message: /status 302 Found$/ },
    ],
    ['drop', { name: 'Error', message: /APNs could not be reached/ }],
    ['hang', { name: 'Error', message: /APNs did not answer in time$/ }],
  ]
  for (const [fault, expected] of answers)
    it(`F-11: answers ${JSON.stringify(fault)} as it is, without the token, and sends the next`, async () => {
      server.failNext(fault)
      const one = sender({ timeoutSeconds: fault === 'hang' ? 0.3 : 3 })
      const error = await one.send(message()).catch((thrown: unknown) => thrown)
      await assert.rejects(Promise.reject(error), expected)
      for (const secret of [TOKEN, 'S3CRET', server.providerTokens[0] ?? '?', server.origin])
        assert.ok(!inspect(error, { showHidden: true, depth: 9 }).includes(secret))
      assert.equal(server.seen.requests, 1)
      await one.send(message())
      assert.equal(server.notifications.length, 1)
    })

  it('F-11: tells that nobody listens', async () => {
    const down = await startApns()
    await down.close()
    const deaf = sender({ hosts: { production: down.origin } })
    await assert.rejects(deaf.send(message()), { message: 'APNs could not be reached (ECONNREFUSED)' })
  })

  it('F-11: waits for no connection in vain, and keeps none', async () => {
    const sockets = new Set<Socket>()
    const mute = createServer((socket) => sockets.add(socket.on('error', () => undefined).resume())).listen(
      0,
      '127.0.0.1',
    )
    await once(mute, 'listening')
    const { port } = mute.address() as AddressInfo
    const one = sender({ timeoutSeconds: 0.2, hosts: { production: `https://localhost:${port}` } })
    for (const count of [1, 2]) {
      await assert.rejects(one.send(message()), { message: 'APNs did not answer in time' })
      assert.equal(sockets.size, count)
    }
    await until('both are closed', () => [...sockets].every(({ destroyed }) => destroyed))
    mute.close()
  })

  it('trusts no certificate of an unknown authority', async () => {
    const { ca: _, ...options } = server.access
    await assert.rejects(apns(options).send(message()), /could not be reached \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/)
    assert.equal(server.seen.requests, 0)
  })

  it('sends nothing that is of no use any more', async () => {
    await assert.rejects(sender().send(message({ expiresAt: Math.floor(Date.now() / 1000) })), /of no use/)
    assert.equal(server.seen.connections, 0)
  })

  it('keeps no process alive', async () => {
    const args = ['--import', 'ts-blank-space/register', '--input-type=module', '--eval', ONE_PUSH]
    const argument = JSON.stringify({ access: server.access, message: message() })
    const program = spawn(process.execPath, [...args, argument], { stdio: ['ignore', 'pipe', 'inherit'] })
    let printed = ''
    program.stdout.on('data', (chunk) => {
      printed += chunk
    })
    const giveUp = setTimeout(() => program.kill('SIGKILL'), 20_000)
    const [code] = await once(program, 'close')
    clearTimeout(giveUp)
    assert.deepEqual([printed, code, server.notifications.length], ['sent', 0, 1])
  })

  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  const mistakes: [string, object, RegExp][] = [
    ['no team', { teamId: undefined }, /^apns\(\)\.teamId: found nothing; allowed: ten capital letters and digits$/],
    ['a key id of another form', { keyId: 'key' }, /keyId: found a value of type string/],
    ['a key that is none', { privateKey: 'S3CRET' }, /privateKey: .*allowed: the content of Apple's \.p8 file/],
    ['a key of another kind', { privateKey: rsa }, /privateKey/],
    ['no topic', { topic: '' }, /topic/],
    ['hosts that are none', { hosts: 'https://example.com' }, /hosts: found/],
    [
      'another host',
      { hosts: { development: 'https://x' } },
      /^apns\(\)\.hosts\.development: found an unknown setting/,
    ],
    ['plain http elsewhere', { hosts: { sandbox: 'http://example.com' } }, /^apns\(\)\.hosts\.sandbox: found/],
    ['an unknown option', { S3CRET: 1 }, /found an unknown setting; allowed: teamId, keyId/],
  ]
  for (const [what, more, expected] of mistakes)
    it(`refuses ${what}`, () => {
      assert.throws(
        () => sender(more as Partial<ApnsOptions>),
        (error: unknown) => {
          assert.ok(error instanceof StepUpError && error.code === 'ERR_CONFIG')
          assert.match(error.message, expected)
          return true
        },
      )
    })
})
