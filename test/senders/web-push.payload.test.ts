import assert from 'node:assert/strict'
import push from 'web-push'
import type { PushSender } from '../../src/factors/push.ts'
import { apns } from '../../src/senders/apns.ts'
import { fcm } from '../../src/senders/fcm.ts'
import { webPush } from '../../src/senders/web-push.ts'
import { type Apns, startApns } from '../support/apns-server.ts'
import { type Fcm, startFcm } from '../support/fcm-server.ts'
import { type PushService, startPushService } from '../support/push-service.ts'

const KEYS = push.generateVAPIDKeys()
const REFERENCE = 'q1w2e3r4t5y6u7i8o9p0aA'
const TEXT = 'Open the app to confirm a sign-in.'

/** What a careless caller might hand over beside what a push is made of. */
const PERSONAL = { number: '4711', account: 'alice@example.com', client: 'Bank', message: 'Pay 100', to: 'alice' }

/** Every text in a value, names of members included. */
const textsIn = (value: unknown): readonly string[] =>
  Object(value) === value
    ? Object.entries(Object(value)).flatMap(([name, one]) => [name, ...textsIn(one)])
    : [String(value)]

describe('senders: what a push holds', () => {
  let servers: { web: PushService; google: Fcm; apple: Apns }
  before(async () => {
    const [web, google, apple] = await Promise.all([startPushService(), startFcm(), startApns()])
    servers = { web, google, apple }
  })
  after(() => Promise.all(Object.values(servers).map((server) => server.close())))

  const send = async (sender: PushSender, channel: object) => {
    const expiresAt = Math.floor(Date.now() / 1000) + 60
    const message = { ...PERSONAL, channel: { ...PERSONAL, ...channel }, reference: REFERENCE, text: TEXT, expiresAt }
    await sender.send(message)
    return expiresAt
  }

  it('is the reference alone in a browser', async () => {
    const { web } = servers
    const options = { allowedHosts: [web.allowedHost], allowPrivate: true, ca: web.ca }
    await send(webPush({ subject: 'mailto:push@example.com', ...KEYS, ...options }), web.subscribe(KEYS.publicKey))
    assert.deepEqual(web.complaints, [])
    assert.deepEqual(
      web.received.map(({ payload }) => payload),
      [JSON.stringify({ reference: REFERENCE })],
    )
  })

  it('is reference and sentence through FCM and APNs', async () => {
    const { google, apple } = servers
    const token = '0a'.repeat(32)
    const expiresAt = await send(fcm(google.access), { service: 'fcm', token })
    await send(apns(apple.access), { service: 'apns', token, environment: 'sandbox' })
    assert.deepEqual([...google.complaints, ...apple.complaints], [])
    const known = [
      'token',
      'data',
      'reference',
      'notification',
      'body',
      'android',
      'priority',
      'HIGH',
      'ttl',
      '60s',
      '59s',
    ]
      .concat(['apns', 'headers', 'apns-priority', '10', 'apns-expiration', String(expiresAt)])
      .concat(['aps', 'alert', 'sound', 'default', 'category', 'sign-in', token, REFERENCE, TEXT])
    const sent = [...textsIn(google.messages[0]), ...textsIn(apple.notifications[0]?.payload)]
    assert.deepEqual(
      sent.filter((text) => !known.includes(text)),
      [],
    )
    assert.equal(sent.filter((text) => text === REFERENCE).length, 2)
  })
})
