import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { StepUpError } from '../../src/errors.ts'
import { type FcmOptions, fcm } from '../../src/senders/fcm.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import { type Fcm, type FcmFault, startFcm } from '../support/fcm-server.ts'
import { stopwatch } from '../support/until.ts'

const TOKEN = 'dQw4w9WgXcQ:APA91bE-x_yZ0123456789'
const REFERENCE = 'q1w2e3r4t5y6u7i8o9p0aA'
const TEXT = 'Open the app to confirm a sign-in.'
const CHANNEL = { service: 'fcm', token: TOKEN }

const message = (more = {}) => ({
  channel: CHANNEL,
  reference: REFERENCE,
  text: TEXT,
  expiresAt: Math.floor(Date.now() / 1000) + 90,
  ...more,
})

describe('senders/fcm', () => {
  let server: Fcm
  beforeEach(async () => {
    server = await startFcm()
  })
  afterEach(() => server.close())
  const sender = (more: Partial<FcmOptions> = {}) => fcm({ ...server.access, ...more })

  it('sends reference and sentence, and nothing else, for the rest of the challenge', async () => {
    const sent = message()
    await sender().send(sent)
    assert.deepEqual(server.complaints, [])
    const [received] = server.messages
    const ttl = received?.android.ttl ?? ''
    assert.ok(ttl === '90s' || ttl === '89s', ttl)
    assert.deepEqual(received, {
      token: TOKEN,
      data: { reference: REFERENCE },
      notification: { body: TEXT },
      android: { priority: 'HIGH', ttl },
      apns: { headers: { 'apns-priority': '10', 'apns-expiration': String(sent.expiresAt) } },
    })
  })

  it('is a frozen object that keeps of a channel what it needs', () => {
    assert.ok(Object.isFrozen(sender()))
    assert.equal(sender().service, 'fcm')
    assert.deepEqual(sender().parse({ ...CHANNEL, more: 1 }), CHANNEL)
  })

  for (const channel of [
    undefined,
    null,
    TOKEN,
    {},
    { ...CHANNEL, service: 'apns' },
    { service: 'fcm' },
    { ...CHANNEL, token: '' },
    { ...CHANNEL, token: [TOKEN] },
    { ...CHANNEL, token: 'a b' },
    { ...CHANNEL, token: 'a'.repeat(1025) },
  ])
    it(`takes no ${JSON.stringify(channel)?.slice(0, 40)} for a channel`, async () => {
      assert.equal(sender().parse(channel), undefined)
      await assert.rejects(sender().send(message({ channel })), { name: 'Error', message: /none to send to/ })
      assert.deepEqual(server.paths, [])
    })

  it('asks once for an access token, whoever sends meanwhile, and anew a minute before its end', async () => {
    const clock = virtualClock()
    try {
      const one = sender()
      await Promise.all(Array.from({ length: 5 }, () => one.send(message())))
      assert.equal(server.issued.length, 1)
      clock.advance(3599 - 62)
      await one.send(message())
      assert.equal(server.issued.length, 1)
      clock.advance(3)
      await one.send(message())
      assert.equal(server.issued.length, 2)
      clock.advance(-3600)
      await one.send(message())
      assert.equal(server.issued.length, 3)
    } finally {
      clock.restore()
    }
    assert.equal(server.messages.length, 8)
  })

  it('renews a token that is refused once, for all who send', async () => {
    const one = sender()
    await one.send(message())
    server.revokeTokens()
    await Promise.all([one.send(message()), one.send(message())])
    assert.deepEqual([server.issued.length, server.messages.length], [2, 3])
    server.failNext({ status: 401, errorCode: 'THIRD_PARTY_AUTH_ERROR' }, { status: 401 })
    await assert.rejects(one.send(message()), {
      name: 'Error',
      message: 'FCM answered with status 401 UNAUTHENTICATED',
    })
    assert.equal(server.issued.length, 3)
  })

  const dead: [string, FcmFault][] = [
    ['UNREGISTERED', { status: 404, errorCode: 'UNREGISTERED' }],
    ['SENDER_ID_MISMATCH', { status: 403, errorCode: 'SENDER_ID_MISMATCH' }],
    ['a token that is none', { status: 400, errorCode: 'INVALID_ARGUMENT', field: 'message.token' }],
  ]
  const others: [string, FcmFault, RegExp][] = [
    [
      'another argument',
      { status: 400, errorCode: 'INVALID_ARGUMENT', field: 'message.data' },
      /400 INVALID_ARGUMENT$/,
    ],
    ['a project that is another', { status: 404 }, /404 NOT_FOUND$/],
    ['a right that is missing', { status: 403 }, /403 PERMISSION_DENIED$/],
    ['QUOTA_EXCEEDED', { status: 429, errorCode: 'QUOTA_EXCEEDED' }, /429 QUOTA_EXCEEDED$/],
    ['INTERNAL', { status: 500, errorCode: 'INTERNAL' }, /500 INTERNAL$/],
    ['UNAVAILABLE', { status: 503, errorCode: 'UNAVAILABLE' }, /503 UNAVAILABLE$/],
    ['a page', { status: 502, body: '<html>S3CRET' }, /status 502$/],
    ['a body of another shape', { status: 500, body: '{"error":{"status":"S3CRET is long","details":7}}' }, /500$/],
    ['null', { status: 500, body: 'null' }, /500$/],
    ['a redirect', { status: 302 }, /status 302$/],
    ['a dropped connection', 'drop', /FCM could not be reached \((?:UND_ERR_SOCKET|ECONNRESET)\)$/],
    ['silence', 'hang', /FCM did not answer in time$/],
  ]
  const failing = async (fault: FcmFault) => {
    server.failNext(fault)
    const one = sender({ timeoutSeconds: fault === 'hang' ? 0.2 : 3 })
    const error = await one.send(message()).catch((thrown: unknown) => thrown)
    for (const secret of [TOKEN, 'S3CRET', server.issued[0] ?? '?'])
      assert.ok(!inspect(error, { showHidden: true, depth: 9 }).includes(secret))
    assert.equal(server.paths.length, 2)
    await one.send(message())
    return error as Error
  }
  for (const [what, fault] of dead)
    it(`F-11: takes ${what} for the end of a channel`, async () => {
      assert.equal(((await failing(fault)) as StepUpError).code, 'ERR_ADDRESS')
    })
  for (const [what, fault, expected] of others)
    it(`F-11: takes ${what} for no word on the channel`, async () => {
      const error = await failing(fault)
      assert.ok(!(error instanceof StepUpError))
      assert.match(error.message, expected)
    })

  const tokenFaults: [string, FcmFault, RegExp][] = [
    [
      'a refusal',
      { status: 400, body: '{"error":"invalid_grant","error_description":"S3CRET"}' },
      /400 invalid_grant$/,
    ],
    ['no token', { status: 200, body: '{"expires_in":3599}' }, /answered without a token$/],
    ['a dropped connection', 'drop', /could not be reached/],
    ['silence', 'hang', /did not answer in time$/],
  ]
  for (const [what, fault, expected] of tokenFaults)
    it(`F-11: names the token endpoint for ${what}, and asks it anew`, async () => {
      server.failNextToken(fault)
      const one = sender({ timeoutSeconds: fault === 'hang' ? 0.2 : 3 })
      await assert.rejects(one.send(message()), { name: 'Error', message: expected })
      await one.send(message())
      assert.deepEqual([server.messages.length, server.complaints.length], [1, 0])
    })

  it('waits for no service in vain', async () => {
    const elapsed = stopwatch()
    server.failNext('hang')
    await assert.rejects(sender().send(message()), /FCM did not answer in time$/)
    assert.ok(elapsed() > 2800 && elapsed() < 5000)
  })

  it('sends nothing that is of no use any more', async () => {
    await assert.rejects(sender().send(message({ expiresAt: Math.floor(Date.now() / 1000) })), /of no use/)
    assert.deepEqual(server.paths, [])
  })

  it('reads a key whose line breaks an environment file has spelled', async () => {
    const privateKey = server.access.privateKey.replaceAll('\n', '\\n')
    await sender({ privateKey }).send(message())
    assert.equal(server.messages.length, 1)
  })

  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  const mistakes: [string, object | undefined, RegExp][] = [
    ['nothing', undefined, /^fcm\(\): found nothing; allowed: an object with projectId/],
    [
      'no project',
      { projectId: undefined },
      /^fcm\(\)\.projectId: found nothing; allowed: the id of a Firebase project/,
    ],
    ['a project with a path', { projectId: 'a/../../b' }, /projectId: found a value of type string/],
    ['no account', { clientEmail: 'me' }, /clientEmail/],
    [
      'a key that is none',
      { privateKey: 'S3CRET' },
      /privateKey: found a value of type string; allowed: an RSA private/,
    ],
    ['a key of another kind', { privateKey: ec }, /privateKey/],
    ['plain http elsewhere', { apiUrl: 'http://fcm.example.com' }, /apiUrl: .*allowed: a URL of https, or of http on/],
    ['a user in the URL', { tokenUrl: 'https://u:p@example.com/token' }, /tokenUrl/],
    ['no deadline', { timeoutSeconds: 0 }, /timeoutSeconds: .*more than 0 and up to 10/],
    ['an unknown option', { token: 'S3CRET' }, /^fcm\(\)\.token: found an unknown setting; allowed: projectId/],
  ]
  for (const [what, more, expected] of mistakes)
    it(`refuses ${what}`, () => {
      const options = more && { ...server.access, ...more }
      assert.throws(
        () => fcm(options as FcmOptions),
        (error: unknown) => {
          assert.ok(error instanceof StepUpError && error.code === 'ERR_CONFIG')
          assert.match(error.message, expected)
          assert.doesNotMatch(error.message, /S3CRET/)
          return true
        },
      )
    })
})
