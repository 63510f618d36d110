import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import push from 'web-push'
import { StepUpError } from '../../src/errors.ts'
import { type WebPushOptions, webPush } from '../../src/senders/web-push.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import { type PushFault, type PushService, startPushService } from '../support/push-service.ts'
import { stopwatch } from '../support/until.ts'

const KEYS = push.generateVAPIDKeys()
const SUBJECT = 'mailto:push@example.com'
const REFERENCE = 'q1w2e3r4t5y6u7i8o9p0aA'
const TEXT = 'Sign-in to confirm'

const now = () => Math.floor(Date.now() / 1000)

describe('senders/web-push', () => {
  let server: PushService
  beforeEach(async () => {
    server = await startPushService()
  })
  afterEach(() => server.close())

  const sender = (more: Partial<WebPushOptions> = {}) =>
    webPush({
      subject: SUBJECT,
      ...KEYS,
      allowedHosts: [server.allowedHost],
      allowPrivate: true,
      ca: server.ca,
      ...more,
    })
  const message = (channel: unknown, more = {}) => ({
    channel,
    reference: REFERENCE,
    text: TEXT,
    expiresAt: now() + 90,
    ...more,
  })
  const subscribed = () => server.subscribe(KEYS.publicKey)

  it('sends the reference and nothing else, encrypted, for the rest of the challenge', async () => {
    await sender().send(message(subscribed()))
    assert.deepEqual(server.complaints, [])
    const [received] = server.received
    assert.equal(received?.payload, `{"reference":"${REFERENCE}"}`)
    assert.equal(received?.urgency, 'high')
    assert.ok(received.ttl >= 88 && received.ttl <= 90, `${received.ttl}`)
    assert.match(received.topic ?? '', /^[\w-]{32}$/)
    assert.ok(!received.topic?.includes(REFERENCE))
  })

  it('puts a push for the same challenge in the place of the first', async () => {
    const channel = subscribed()
    await sender().send(message(channel))
    await sender().send(message(channel))
    await sender().send(message(channel, { reference: 'another' }))
    const topics = server.received.map(({ topic }) => topic)
    assert.equal(topics[0], topics[1])
    assert.notEqual(topics[1], topics[2])
  })

  it('tells apps the key to subscribe with, and is a frozen object', () => {
    assert.deepEqual(sender().about, { vapidPublicKey: KEYS.publicKey })
    assert.equal(sender().service, 'web-push')
    assert.ok(Object.isFrozen(sender()))
  })

  it('keeps of a channel what it needs', () => {
    const { keys, ...channel } = subscribed()
    const given = { ...channel, expirationTime: null, keys: { ...keys, more: 1 } }
    assert.deepEqual(sender().parse(given), { ...channel, keys })
  })

  const strange: [string, (channel: ReturnType<typeof subscribed>) => unknown][] = [
    ['nothing', () => undefined],
    ['null', () => null],
    ['a text', ({ endpoint }) => endpoint],
    ['another service', (channel) => ({ ...channel, service: 'fcm' })],
    ['no keys', ({ keys, ...channel }) => channel],
    ['a point that is not on the curve', (one) => ({ ...one, keys: { ...one.keys, p256dh: `B${'A'.repeat(86)}` } })],
    ['a compressed key', (one) => ({ ...one, keys: { ...one.keys, p256dh: `A${'A'.repeat(43)}` } })],
    ['a short secret', (one) => ({ ...one, keys: { ...one.keys, auth: 'AAAA' } })],
    ['a secret that is no text', (one) => ({ ...one, keys: { ...one.keys, auth: ['A'.repeat(22)] } })],
    ['an endpoint without end', (one) => ({ ...one, endpoint: `${one.endpoint}${'a'.repeat(2048)}` })],
    ['an endpoint that is no text', (one) => ({ ...one, endpoint: [one.endpoint] })],
  ]
  for (const [what, change] of strange)
    it(`takes no channel that is ${what}, neither to keep nor to send to`, async () => {
      const channel = change(subscribed())
      assert.equal(sender().parse(channel), undefined)
      await assert.rejects(sender().send(message(channel)), { name: 'Error', message: /none to send to/ })
      assert.equal(server.seen.connections, 0)
    })

  const answers: [string, PushFault, { code?: string; name?: string; message: RegExp }][] = [
    ['404', { status: 404 }, { code: 'ERR_ADDRESS', message: /any more: 404$/ }],
    ['410', { status: 410 }, { code: 'ERR_ADDRESS', message: /any more: 410$/ }],
    ['400', { status: 400 }, { name: 'Error', message: /answered with status 400$/ }],
    ['403', { status: 403 }, { name: 'Error', message: /status 403$/ }],
    ['413', { status: 413 }, { name: 'Error', message: /status 413$/ }],
    ['429', { status: 429 }, { name: 'Error', message: /status 429$/ }],
    ['500', { status: 500 }, { name: 'Error', message: /status 500$/ }],
    ['a dropped connection', 'drop', { name: 'Error', message: /could not be reached \(ECONNRESET\)$/ }],
  ]
  for (const [what, fault, expected] of answers)
    it(`F-11: answers ${what} as it is, without the endpoint and once only`, async () => {
      const channel = subscribed()
      server.failNext(fault)
      const error = await sender()
        .send(message(channel))
        .catch((thrown: unknown) => thrown)
      await assert.rejects(Promise.reject(error), expected)
      const { pathname, host } = new URL(channel.endpoint)
      for (const secret of [pathname, host, channel.keys.auth, 'S3CRET'])
        assert.ok(!inspect(error, { showHidden: true, depth: 9 }).includes(secret))
      assert.equal(server.seen.requests, 1)
      await sender().send(message(channel))
    })

  it('F-11: a subscription that its user took back is dead', async () => {
    const channel = subscribed()
    server.unsubscribe(channel.endpoint)
    await assert.rejects(sender().send(message(channel)), { code: 'ERR_ADDRESS' })
  })

  it('F-11: waits for no service that hangs', async () => {
    const elapsed = stopwatch()
    server.failNext('hang')
    const slow = sender({ timeoutSeconds: 0.2 })
    await assert.rejects(slow.send(message(subscribed())), { message: 'the push service did not answer in time' })
    const never = sender({ timeoutSeconds: 0.2, resolve: () => new Promise(() => undefined) })
    await assert.rejects(never.send(message(subscribed())), /did not answer in time/)
    assert.ok(elapsed() < 3000)
  })

  it('F-11: tells that nobody listens', async () => {
    const down = await startPushService()
    const channel = down.subscribe(KEYS.publicKey)
    await down.close()
    const deaf = sender({ allowedHosts: [down.allowedHost] })
    await assert.rejects(deaf.send(message(channel)), { message: /could not be reached \(ECONNREFUSED\)$/ })
  })

  it('sends nothing that is of no use any more', async () => {
    const clock = virtualClock()
    const late = message(subscribed())
    clock.advance(90)
    try {
      await assert.rejects(sender().send(late), /of no use/)
    } finally {
      clock.restore()
    }
    assert.equal(server.seen.connections, 0)
  })

  it('AC-81: trusts no certificate of an unknown authority', async () => {
    const strict = webPush({ subject: SUBJECT, ...KEYS, allowedHosts: [server.allowedHost], allowPrivate: true })
    await assert.rejects(strict.send(message(subscribed())), /could not be reached \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/)
    assert.equal(server.seen.requests, 0)
  })

  it('AC-81: follows no redirect', async () => {
    let hits = 0
    const inside = createServer((_, response) => {
      hits += 1
      response.end()
    }).listen(0, '127.0.0.1')
    await once(inside, 'listening')
    const location = `http://127.0.0.1:${(inside.address() as AddressInfo).port}/`
    for (const status of [301, 302, 303, 307, 308]) {
      server.failNext({ status, location })
      await assert.rejects(sender().send(message(subscribed())), new RegExp(`status ${status}$`))
    }
    inside.close()
    assert.equal(hits, 0)
  })

  const mistakes: [string, object, RegExp][] = [
    ['no subject', { subject: undefined }, /webPush\(\)\.subject: found nothing; allowed: a URL of mailto/],
    ['a subject that is no URL', { subject: 'push@example.com' }, /subject: found a value of type string/],
    ['a subject on this machine', { subject: 'https://localhost/' }, /subject/],
    ['no key', { publicKey: undefined }, /publicKey: found nothing/],
    ['a key that is no point', { publicKey: `B${'A'.repeat(86)}` }, /publicKey: found a value/],
    ['half a pair', { privateKey: undefined }, /privateKey: found nothing/],
    ['the key of another pair', { privateKey: push.generateVAPIDKeys().privateKey }, /privateKey: .*key to publicKey/],
    ['a private key of zeros', { privateKey: 'A'.repeat(43) }, /privateKey/],
    ['hosts that are no list', { allowedHosts: 'push.example.com' }, /allowedHosts: found/],
    ['a deadline beyond patience', { timeoutSeconds: 11 }, /timeoutSeconds: found a value of type number/],
    ['a certificate that is none', { ca: 'ca.pem' }, /ca: found/],
    ['an unknown option', { vapidDetails: {} }, /webPush\(\)\.vapidDetails: found an unknown setting/],
    ...['*', '*.com', 'https://push.example.com', '127.0.0.1', '[::1]', '0x7f.1', '2130706433', 'push.example.com/a']
      .concat(['PUSH.example.com', 'push.example.com.', 'push.*.com', 'a_b.example.com', 'a.example.com:0', ''])
      .map((host): [string, object, RegExp] => [
        `the host ${JSON.stringify(host)}`,
        { allowedHosts: ['push.example.com', host] },
        /webPush\(\)\.allowedHosts\[1\]: found a value of type string; allowed: a list of host names/,
      ]),
  ]
  for (const [what, more, expected] of mistakes)
    it(`refuses ${what}`, () => {
      assert.throws(
        () => webPush({ subject: SUBJECT, ...KEYS, ...more } as WebPushOptions),
        (error: unknown) => {
          assert.ok(error instanceof StepUpError && error.code === 'ERR_CONFIG')
          assert.match(error.message, expected)
          assert.ok(!error.message.includes(KEYS.privateKey))
          return true
        },
      )
    })
})
