import assert from 'node:assert/strict'
import { type Challenge, createDevice, type Device, DeviceError, memoryStorage } from '../../src/device/index.ts'
import { type ProtocolServer, startServer } from './server.ts'

describe('the device SDK', () => {
  let server: ProtocolServer
  let storage: ReturnType<typeof memoryStorage>
  let device: Device

  beforeEach(async () => {
    server = await startServer()
    storage = memoryStorage()
    device = createDevice({ storage })
  })
  afterEach(() => server.close())

  const enroll = async () => {
    const enrolled = await device.enroll(server.link, { name: 'Phone' })
    server.confirm()
    return enrolled.confirmed({ pollSeconds: 0.01 })
  }
  const asked = async (more: object = {}) => {
    server.ask(server.challenge(more))
    const [challenge] = await device.pending()
    return challenge as Challenge
  }

  it('AC-24: enrolls by a link once, and is the account’s only when the code was typed', async () => {
    const { confirmed, ...account } = await device.enroll(server.link, { name: ' Phone ' })
    const { deviceId, issuer, code: digits, status, name, expiresAt = 0 } = account
    assert.deepEqual(
      { issuer, digits, status, name },
      {
        issuer: server.issuer,
        digits: '123456',
        status: 'unconfirmed',
        name: 'Phone',
      },
    )
    assert.ok(expiresAt > Date.now() / 1000)
    assert.deepEqual(await device.accounts(), [account])
    await assert.rejects(device.pending({ deviceId }), { code: 'unknown_device' })
    const waiting = confirmed({ pollSeconds: 0.01 })
    server.confirm()
    const { code: _code, expiresAt: _expiresAt, ...rest } = account
    assert.deepEqual(await waiting, { ...rest, status: 'active' })
    assert.deepEqual(await device.accounts(), [await confirmed()])
    await assert.rejects(device.enroll(server.link, { name: 'Phone' }), { code: 'invalid_ticket' })
    assert.equal((await device.accounts()).length, 1)
  })

  it('AC-82: keeps a key that cannot be exported, and another one for each account', async () => {
    await enroll()
    server.renew()
    await enroll()
    const records = (await Promise.all((await storage.keys()).map((key) => storage.get(key)))) as {
      keys: CryptoKeyPair
    }[]
    assert.deepEqual(
      records.map(({ keys }) => keys.privateKey.extractable),
      [false, false],
    )
    assert.equal(new Set((await device.accounts()).map(({ deviceId }) => deviceId)).size, 2)
    await assert.rejects(crypto.subtle.exportKey('jwk', records[0]?.keys.privateKey as CryptoKey))
  })

  it('forgets an enrolment that nobody confirmed in time', async () => {
    const enrolled = await device.enroll(server.link, { name: 'Phone' })
    server.upset('pending', { status: 401, body: { error: 'statement_expired', now: Date.now() / 1000 + 700 } })
    await assert.rejects(enrolled.confirmed(), { code: 'enrollment_expired' })
    assert.deepEqual(await storage.keys(), [])
  })

  it('waits for the code through an outage, and until its caller gives up', async () => {
    const enrolled = await device.enroll(server.link, { name: 'Phone' })
    server.upset(
      'pending',
      'lost request',
      { status: 503, body: {} },
      { status: 429, body: { error: 'too_many_requests' } },
    )
    const waiting = enrolled.confirmed({ pollSeconds: 0.01 })
    server.confirm()
    assert.equal((await waiting).status, 'active')
    const controller = new AbortController()
    controller.abort(new Error('enough'))
    await assert.rejects(device.confirmed(enrolled, { signal: controller.signal }), /enough/)
  })

  it('keeps nothing of an enrolment that failed, and does not begin where nothing can be kept', async () => {
    for (const mishap of [
      'lost answer',
      'nonsense',
      { status: 400, body: { error: 'unsupported_channel' } },
    ] as const) {
      server.upset('enroll', mishap)
      await assert.rejects(device.enroll(server.link, { name: 'Phone' }), DeviceError)
      server.renew()
    }
    assert.deepEqual(await storage.keys(), [])
    const full = createDevice({ storage: { ...storage, set: () => Promise.reject(new Error('full')) } })
    await assert.rejects(full.enroll(server.link, { name: 'Phone' }), /full/)
    assert.equal((await device.enroll(server.link, { name: 'Phone' })).code, '123456', 'the ticket is still good')
  })

  it('believes no answer about another issuer or device', async () => {
    const body = { deviceId: 'x', account: 'alice', issuer: server.issuer, code: '1', expiresAt: 1 }
    server.upset('enroll', { status: 200, body })
    await assert.rejects(device.enroll(server.link, { name: 'Phone' }), { code: 'invalid_answer' })
    server.upset('about', { status: 200, body: { issuer: 'https://elsewhere.example', channels: [] } })
    await assert.rejects(device.about(server.issuer), { code: 'invalid_answer' })
    assert.deepEqual(await device.about(server.issuer), {
      issuer: server.issuer,
      channels: ['web-push'],
      vapidPublicKey: 'B',
    })
  })

  it('AC-82: answers with what was shown: approval by number, denial, report', async () => {
    await enroll()
    const challenge = await asked()
    const { reference, account, expiresAt } = challenge
    assert.equal(await device.approve(challenge, { number: ' 4 2', userVerified: true }), 'approved')
    assert.equal(await device.deny(challenge), 'denied')
    assert.equal(await device.report(challenge, 'unknown-place'), 'reported')
    assert.equal(await device.report(challenge), 'reported')
    const answers = server.said.filter(({ act }) => act === 'answer')
    const shown = { reference, account, expiresAt }
    assert.deepEqual(
      answers.map(({ iss: _iss, aud: _aud, iat: _iat, exp: _exp, jti: _jti, act: _act, ...rest }) => rest),
      [
        { number: '42', userVerified: true, ...shown, decision: 'approve' },
        { ...shown, decision: 'deny' },
        { reason: 'unknown-place', ...shown, decision: 'report' },
        { ...shown, decision: 'report' },
      ],
    )
    assert.equal(new Set(server.said.map(({ jti }) => jti)).size, server.said.length)
  })

  it('tells how many tries are left, how long to wait, and that it is too late', async () => {
    await enroll()
    const challenge = await asked()
    const wrong = await device.approve(challenge, { number: '41' }).catch((thrown: unknown) => thrown)
    assert.ok(wrong instanceof DeviceError)
    assert.deepEqual([wrong.code, wrong.left], ['wrong_number', 2])
    server.upset('answer', { status: 429, body: { error: 'too_many_requests' }, headers: { 'retry-after': '30' } })
    const slow = await device.deny(challenge).catch((thrown: unknown) => thrown)
    assert.ok(slow instanceof DeviceError)
    assert.deepEqual([slow.code, slow.retryAfterSeconds], ['too_many_requests', 30])
    server.ask()
    await assert.rejects(device.deny(challenge), { code: 'no_challenge' })
    for (const [mishap, expected] of [
      ['lost request', 'unreachable'],
      [{ status: 502, body: {} }, 'temporarily_unavailable'],
      [{ status: 404, body: { error: 'constructor' } }, 'invalid_answer'],
    ] as const) {
      server.upset('answer', mishap)
      await assert.rejects(device.deny(challenge), { code: expected })
    }
  })

  for (const seconds of [-86_400, 86_400])
    it(`learns the time of a server that is ${seconds} s away, and signs once more`, async () => {
      server.skew(seconds)
      const account = await enroll()
      assert.ok(Math.abs(device.now(account.issuer) - Date.now() / 1000 - seconds) < 3)
      await device.pending()
      const again = createDevice({ storage })
      await again.pending()
      await again.rotate(account)
      await again.pending()
      server.upset('pending', ...Array(2).fill({ status: 401, body: { error: 'statement_expired', now: 1 } }))
      await assert.rejects(again.pending(), { code: 'statement_expired' })
    })

  it('shows no challenge that it could not show in full', async () => {
    const account = await enroll()
    const bad = [{ match: 'tap' }, { match: 'message' }, { account: 1 }, { reference: undefined }, { expiresAt: '1' }]
    for (const more of bad) {
      server.ask(server.challenge(more))
      await assert.rejects(device.pending(account), { code: 'invalid_answer' }, JSON.stringify(more))
    }
    server.ask(server.challenge({ match: 'message', details: [{ type: 'payment' }], place: 1, more: 'ignored' }))
    const [challenge] = await device.pending(account)
    assert.deepEqual(challenge?.details, [{ type: 'payment' }])
    assert.ok(challenge && !('place' in challenge) && !('more' in challenge))
  })

  it('changes its name and channel, and removes itself', async () => {
    const account = await enroll()
    const channel = { service: 'fcm', token: 't' } as const
    assert.deepEqual(await device.update(account, { name: 'New', channel }), { ...account, name: 'New', channel })
    assert.deepEqual(await device.update(account, { channel: null }), { ...account, name: 'New' })
    assert.deepEqual(
      [...server.devices.values()].map(({ name, channel: kept }) => ({ name, kept })),
      [{ name: 'New', kept: null }],
    )
    for (const name of ['', ' ', 'x'.repeat(65)])
      await assert.rejects(device.update(account, { name }), { code: 'invalid_request' })
    const token = 'x'.repeat(7000)
    await assert.rejects(device.update(account, { channel: { service: 'fcm', token } }), { code: 'invalid_request' })
    server.upset('remove', 'lost request')
    await assert.rejects(device.remove(account), { code: 'unreachable' })
    await device.remove(account)
    assert.deepEqual([...server.devices, ...(await device.accounts())], [])
    await assert.rejects(device.pending(account), { code: 'unknown_account' })
  })

  it('removes itself here too where the server does not know it any more', async () => {
    const account = await enroll()
    server.devices.clear()
    await device.remove(account)
    assert.deepEqual(await device.accounts(), [])
    await device.forget(account)
  })
})
