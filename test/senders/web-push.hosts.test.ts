import assert from 'node:assert/strict'
import { isIP, type LookupFunction } from 'node:net'
import push from 'web-push'
import { checkedLookup, isPublicAddress, type Resolve } from '../../src/senders/push/public-address.ts'
import { type WebPushOptions, webPush } from '../../src/senders/web-push.ts'
import { type PushService, startPushService } from '../support/push-service.ts'

const KEYS = push.generateVAPIDKeys()
const SETTINGS = { subject: 'mailto:push@example.com', ...KEYS }
const REFERENCE = 'q1w2e3r4t5y6u7i8o9p0aA'

const ALLOWED = [
  'https://fcm.googleapis.com/fcm/send/dQw4:APA91bE-x_y',
  'https://updates.push.services.mozilla.com/wpush/v2/gAAAA',
  'https://a.b.push.services.mozilla.com/wpush/v2/gAAAA',
  'https://wns2-par02p.notify.windows.com/w/?token=BQYAAA%2b%3d',
  'https://web.push.apple.com/QGuQ',
]

/** `PORT` stands for the port of a server on this machine, which must never hear of it. */
const REFUSED = [
  'http://fcm.googleapis.com/fcm/send/x',
  'ftp://fcm.googleapis.com/x',
  'https://fcm.googleapis.com:444/x',
  'https://fcm.googleapis.com:PORT/x',
  'https://xfcm.googleapis.com/x',
  'https://x.fcm.googleapis.com/x',
  'https://googleapis.com/x',
  'https://push.services.mozilla.com/x',
  'https://evil-push.services.mozilla.com/x',
  'https://evil-push.services.mozilla.com.attacker.tld/x',
  'https://updates.push.services.mozilla.com.attacker.tld/x',
  'https://.push.services.mozilla.com/x',
  'https://a..push.services.mozilla.com/x',
  'https://a_b.push.services.mozilla.com/x',
  'https://fcm.googleapis.com./x',
  'https://updates.push.services.mozilla.com./x',
  'https://user@fcm.googleapis.com/x',
  'https://user:password@fcm.googleapis.com/x',
  'https://fcm.googleapis.com@127.0.0.1:PORT/x',
  'https://127.0.0.1:PORT\\@fcm.googleapis.com/x',
  'https://127.0.0.1:PORT#@fcm.googleapis.com/',
  'https://fcm.googleapis.com/x#part',
  'https://127.0.0.1:PORT/x',
  'https://127.1:PORT/x',
  'https://0:PORT/x',
  'https://0.0.0.0:PORT/x',
  'https://2130706433:PORT/x',
  'https://0x7f000001:PORT/x',
  'https://0x7f.0.0.1:PORT/x',
  'https://0177.0.0.1:PORT/x',
  'https://017700000001:PORT/x',
  'https://127.0.0.1.:PORT/x',
  'https://[::1]:PORT/x',
  'https://[::]:PORT/x',
  'https://[0:0:0:0:0:0:0:1]:PORT/x',
  'https://[::ffff:127.0.0.1]:PORT/x',
  'https://[::ffff:7f00:1]:PORT/x',
  'https://[64:ff9b::7f00:1]:PORT/x',
  'https://①②⑦.0.0.1:PORT/x',
  'https://localhost:PORT/x',
  'https://LOCALHOST:PORT/x',
  'https://localhost.localdomain:PORT/x',
  'https://169.254.169.254/latest/meta-data',
  'https://[fd00:ec2::254]/latest/meta-data',
  'https://metadata.google.internal/',
  'https://10.0.0.1/x',
  'https://192.168.1.1/x',
  'https://fcm.googleapis.com\t/x',
  ' https://fcm.googleapis.com/x',
  'HTTPS://FCM.GOOGLEAPIS.COM/x',
  'https:/fcm.googleapis.com/x',
  'https:fcm.googleapis.com/x',
  '//fcm.googleapis.com/x',
  'https://ｆcm.googleapis.com/x',
  'https://fcm。googleapis.com/x',
  'https://fcm.gооgleapis.com/x',
  'https://xn--fcm-.googleapis.com/x',
  'https://fcm.googleapis.com/a/../b',
  'https://fcm.googleapis.com',
  'file:///etc/passwd',
  'javascript:alert(1)',
  '',
]

const PRIVATE = [
  ['127.0.0.1'],
  ['::1'],
  ['::ffff:127.0.0.1'],
  ['10.1.2.3'],
  ['172.16.0.1'],
  ['172.31.255.255'],
  ['192.168.0.1'],
  ['169.254.169.254'],
  ['100.64.0.1'],
  ['0.0.0.0'],
  ['192.0.0.8'],
  ['198.18.0.1'],
  ['224.0.0.1'],
  ['255.255.255.255'],
  ['::'],
  ['fe80::1'],
  ['fe80::1%lo'],
  ['fd00:ec2::254'],
  ['ff02::1'],
  ['64:ff9b::7f00:1'],
  ['64:ff9b::a9fe:a9fe'],
  ['64:ff9b:1::1'],
  ['2002:7f00:1::'],
  ['2001::1'],
  ['2001:db8::1'],
  ['3fff::1'],
  // One good address makes no bad one good.
  ['142.250.74.106', '127.0.0.1'],
  ['127.0.0.1', '142.250.74.106'],
  ['2a00:1450:4001::1', '::1'],
  ['not an address'],
  [],
] as const

const PUBLIC = ['142.250.74.106', '172.15.0.1', '172.32.0.1', '100.128.0.1', '2a00:1450::1', '64:ff9b::8efa:4a6a']

describe('senders/web-push hosts', () => {
  let inside: PushService
  before(async () => {
    inside = await startPushService()
  })
  after(() => inside.close())

  const message = (endpoint: string) => {
    const { keys } = inside.subscribe(KEYS.publicKey)
    const expiresAt = Math.floor(Date.now() / 1000) + 60
    return { channel: { service: 'web-push', endpoint, keys }, reference: REFERENCE, text: '', expiresAt }
  }
  /** A sender to names that a resolver of the test answers. */
  const named = (resolve: Resolve, more: Partial<WebPushOptions> = {}) =>
    webPush({ ...SETTINGS, allowedHosts: [`localhost:${inside.port}`], ca: inside.ca, resolve, ...more })

  for (const endpoint of ALLOWED)
    it(`takes ${endpoint}`, () => {
      const { channel } = message(endpoint)
      assert.deepEqual(webPush(SETTINGS).parse(channel), channel)
    })

  for (const template of REFUSED)
    it(`AC-81: goes nowhere near ${JSON.stringify(template)}`, async () => {
      const before = inside.seen.connections
      const endpoint = template.replace('PORT', String(inside.port))
      const { channel, ...more } = message(endpoint)
      let asked = 0
      const resolve = async () => {
        asked += 1
        return ['127.0.0.1']
      }
      const sender = webPush({ ...SETTINGS, resolve, allowPrivate: true, ca: inside.ca })
      assert.equal(sender.parse(channel), undefined)
      await assert.rejects(sender.send({ channel, ...more }), { name: 'Error', message: /none to send to/ })
      assert.deepEqual([inside.seen.connections - before, asked], [0, 0])
    })

  for (const answer of PRIVATE)
    it(`AC-81: connects to no name that resolves to ${JSON.stringify(answer)}`, async () => {
      const before = inside.seen.connections
      const { endpoint } = inside.subscribe(KEYS.publicKey)
      const failing = named(async () => answer).send(message(endpoint))
      await assert.rejects(failing, /could not be reached \((?:NOT_A_PUBLIC_ADDRESS|ENOTFOUND)\)$/)
      assert.equal(inside.seen.connections, before)
    })

  it("AC-81: by the machine's own resolver as well", async () => {
    const before = inside.seen.connections
    const { endpoint } = inside.subscribe(KEYS.publicKey)
    const { resolve: _, ...options } = { ...SETTINGS, allowedHosts: [`localhost:${inside.port}`], resolve: 0 }
    await assert.rejects(webPush(options).send(message(endpoint)), /NOT_A_PUBLIC_ADDRESS/)
    assert.equal(inside.seen.connections, before)
  })

  it('AC-81: a name is looked up once for a push, and the push goes to that answer', async () => {
    const other = await startPushService('127.0.0.2').catch(() => undefined)
    const answers = [['127.0.0.1'], ['127.0.0.2']]
    let asked = 0
    const changing = async () => answers[asked++] ?? []
    const channel = inside.subscribe(KEYS.publicKey)
    await named(changing, { allowPrivate: true }).send({ ...message(''), channel })
    assert.equal(asked, 1)
    assert.equal(inside.received.at(-1)?.endpoint, channel.endpoint)
    assert.equal(other?.seen.connections ?? 0, 0)
    await other?.close()
  })

  it('AC-81: each push looks up anew, so a name that turned inwards is refused', async () => {
    let asked = 0
    const judged: string[] = []
    const turning: Resolve = async () => (asked++ === 0 ? ['142.250.74.106'] : ['127.0.0.1'])
    const look = checkedLookup(turning, (address) => {
      judged.push(address)
      return isPublicAddress(address)
    })
    const ask = () =>
      new Promise((resolve, reject) => {
        look('push.example.com', { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)))
      })
    assert.deepEqual(await ask(), [{ address: '142.250.74.106', family: 4 }])
    await assert.rejects(ask(), { code: 'NOT_A_PUBLIC_ADDRESS' })
    assert.deepEqual(judged, ['142.250.74.106', '127.0.0.1'])
  })

  it('answers a look-up for one address in the way it was asked for', async () => {
    const look: LookupFunction = checkedLookup(async () => ['2a00:1450::1', '142.250.74.106'], isPublicAddress)
    const answer = await new Promise((resolve) => {
      look('push.example.com', {}, (...said) => resolve(said))
    })
    assert.deepEqual(answer, [null, '2a00:1450::1', 6])
  })

  for (const address of PUBLIC)
    it(`takes ${address} for public`, () => {
      assert.notEqual(isIP(address), 0)
      assert.equal(isPublicAddress(address), true)
    })
})
