import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Lies, strangersKey } from '../support/soft-device.ts'
import { createOutbox, held, ISSUER, make, NOW, read, soft } from './push-support.ts'

describe('factors/push: devices', () => {
  const { sender } = createOutbox()
  const factor = make({ senders: [sender, createOutbox('owl').sender] })
  const { devices } = factor
  const device = soft()
  const other = soft()
  const channel = { service: 'pigeon', token: 'home' }
  const phone = held(device, 'phone', { channel })
  const SHOWN = { reference: 'A'.repeat(22), account: 'bob@example.com', expiresAt: NOW + 90 }
  const say = (claims: Record<string, unknown>, lies: Lies = {}, now = NOW) =>
    read(factor, device.statement(claims, lies), phone, now)

  it('tells an app what it needs to know before it enrolls', () => {
    assert.deepEqual(devices.about, { pigeonKey: 'public', owlKey: 'public', channels: ['pigeon', 'owl'] })
    assert.deepEqual(make().devices.about, { channels: [] })
  })

  it('reads whose statement it is, and nothing out of garbage', () => {
    assert.equal(devices.claimOf(device.statement({ act: 'pending' })), device.deviceId)
    for (const header of [
      { kid: 'short' },
      { kid: `${device.deviceId}x` },
      { kid: 7 },
      { kid: undefined },
      { typ: 'JWT' },
    ])
      assert.equal(devices.claimOf(device.statement({ act: 'pending' }, { header })), undefined)
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String(),
          fc.array(fc.base64String()).map((parts) => parts.join('.')),
        ),
        (text) => {
          assert.equal(devices.claimOf(text), undefined)
        },
      ),
    )
    assert.equal(devices.claimOf(`${device.statement({ act: 'pending' })}${'x'.repeat(8192)}`), undefined)
  })

  it('hears what a device asks', async () => {
    assert.deepEqual(await say({ act: 'pending' }), { act: 'pending' })
    assert.deepEqual(await say({ act: 'listen', more: 'ignored' }), { act: 'listen' })
  })

  it('hears an answer as text', async () => {
    const statement = device.answer(SHOWN, 'approve', { number: '47', userVerified: true })
    assert.deepEqual(await read(factor, statement, phone), {
      act: 'answer',
      reference: SHOWN.reference,
      input: {
        reference: SHOWN.reference,
        account: 'bob@example.com',
        expiresAt: String(NOW + 90),
        decision: 'approve',
        number: '47',
        userVerified: 'true',
      },
    })
    for (const [reason, heard] of [
      ['unknown-request', 'unknown-request'],
      ['something new', 'other'],
      [undefined, undefined],
    ]) {
      const said = await read(factor, device.answer(SHOWN, 'report', { reason }), phone)
      assert.equal(typeof said === 'object' && said.act === 'answer' && said.input.reason, heard)
    }
  })

  const tampered: Readonly<Record<string, Lies>> = {
    'no algorithm': { header: { alg: 'none' }, forge: () => Buffer.alloc(0) },
    'HMAC with the public key': { header: { alg: 'HS256' }, secret: JSON.stringify(device.publicKey) },
    'HMAC under the name of ES256': { secret: JSON.stringify(device.publicKey) },
    'another algorithm': { header: { alg: 'ES512' } },
    'another type': { header: { typ: 'jwt' } },
    'another device’s name': { header: { kid: other.deviceId } },
    'another device’s word': {
      header: { kid: other.deviceId },
      claims: { iss: other.deviceId },
      key: other.privateKey,
    },
    'another device’s key': { key: other.privateKey },
    'a key that it brings along': { header: { jwk: other.publicKey }, key: other.privateKey },
    'its own key brought along': { header: { jwk: device.publicKey } },
    'a stranger’s signature': { key: strangersKey() },
    'a signature with a bit turned': {
      forge: (bytes) => Buffer.from(bytes.map((byte, at) => (at === 63 ? byte ^ 128 : byte))),
    },
    'a signature cut short': { forge: (bytes) => bytes.subarray(0, 63) },
    'a signature in DER': { forge: (bytes) => Buffer.concat([Buffer.from([0x30, 0x40]), bytes]) },
    'an extension that must be understood': { header: { crit: ['exp'], exp: NOW } },
    'an unencoded payload': { header: { b64: false, crit: ['b64'] } },
    'another audience': { claims: { aud: 'https://evil.example.com' } },
    'the audience among others': { claims: { aud: [ISSUER, 'https://evil.example.com'] } },
    'another speaker': { claims: { iss: other.deviceId } },
    'a life of 61 seconds': { claims: { exp: NOW + 61 } },
    'no life at all': { claims: { exp: NOW } },
    'a beginning long ago': { claims: { iat: 0 } },
    'no beginning': { claims: { iat: undefined } },
    'no name of its own': { claims: { jti: undefined } },
    'a name of its own that is too short': { claims: { jti: 'x'.repeat(21) } },
    'an unknown act': { claims: { act: 'approve' } },
    'an enrolment': { claims: { act: 'enroll', ticket: 'x', name: 'x' } },
    'claims that are no object': { payload: '"pending"' },
    'claims that are no JSON': { payload: '{"act":' },
    'too many characters': { claims: { more: 'x'.repeat(8192) } },
  }
  for (const [name, lies] of Object.entries(tampered))
    it(`AC-82: hears no statement with ${name}`, async () => {
      assert.equal(await say({ act: 'pending' }, lies), 'invalid')
      assert.equal(await read(factor, device.answer(SHOWN, 'approve', { number: '47' }, lies), phone), 'invalid')
    })

  it('AC-82: hears no answer that lacks something or has it in another form', async () => {
    for (const lie of [
      { reference: undefined },
      { reference: 'short' },
      { account: undefined },
      { account: 'x'.repeat(1025) },
      { expiresAt: String(NOW + 90) },
      { expiresAt: NOW + 0.5 },
      { decision: 'Approve' },
      { decision: undefined },
      { number: 47 },
      { number: '1'.repeat(17) },
      { userVerified: 'true' },
    ])
      assert.equal(await read(factor, device.answer(SHOWN, 'approve', lie), phone), 'invalid', JSON.stringify(lie))
  })

  it('AC-82: hears no statement whose text was changed anywhere', async () => {
    const statement = device.answer(SHOWN, 'approve', { number: '47' })
    // The last character of each part may have bits that nobody reads; all else counts.
    const free = new Set([...statement.matchAll(/\./g)].map(({ index }) => index - 1).concat(statement.length - 1))
    await fc.assert(
      fc.asyncProperty(fc.nat(statement.length - 1), fc.constantFrom(...'AZaz09-_. ='), async (place, letter) => {
        fc.pre(statement[place] !== letter && !free.has(place))
        const changed = statement.slice(0, place) + letter + statement.slice(place + 1)
        assert.equal(await read(factor, changed, phone), 'invalid')
      }),
      { numRuns: 150 },
    )
  })

  it('tells a device with a wrong clock so, once it is known to be the device', async () => {
    for (const [seconds, expected] of [
      [-6, 'expired'],
      [-5, { act: 'pending' }],
      [64, { act: 'pending' }],
      [65, 'expired'],
    ] as const) {
      assert.deepEqual(await say({ act: 'pending' }, {}, NOW + seconds), expected)
      assert.equal(await say({ act: 'pending' }, { key: strangersKey() }, NOW + seconds), 'invalid')
    }
  })

  it('AC-82: a change has a name of its own that outlives the statement', async () => {
    const ids = new Set<string>()
    for (const jti of ['a'.repeat(22), 'b'.repeat(22)])
      for (const act of ['update', 'remove']) {
        const said = await say({ act, jti })
        assert.ok(typeof said === 'object' && 'id' in said)
        assert.equal(said.expiresAt, NOW + 65)
        ids.add(said.id)
      }
    assert.equal(ids.size, 2)
  })

  it('takes another name and another channel, or none', async () => {
    const { channel: _channel, ...bare } = phone.data
    const moved = { service: 'owl', token: 'away' }
    for (const [claims, data, nickname] of [
      [{}, phone.data, undefined],
      [{ name: ' New\tname ' }, { ...phone.data, name: 'New name' }, 'New name'],
      [{ channel: null }, bare, undefined],
      [{ channel: moved, name: 'Both' }, { ...phone.data, channel: moved, name: 'Both' }, 'Both'],
    ] as const) {
      const said = await say({ act: 'update', ...claims })
      assert.ok(typeof said === 'object' && said.act === 'change')
      assert.deepEqual([said.data, said.nickname], [data, nickname])
    }
    for (const one of [{ service: 'fcm', token: 'x' }, { service: 'owl', token: 'forbidden' }, 'owl', false])
      assert.equal(await say({ act: 'update', channel: one }), 'unsupported-channel')
    for (const name of ['', ' ', 'x'.repeat(65), 7, null]) assert.equal(await say({ act: 'update', name }), 'invalid')
  })

  it('hands over to a new key, and from then on hears only that', async () => {
    const turning = soft()
    const before = held(turning)
    const { statement, done } = turning.rotation()
    const said = await read(factor, statement, before)
    const old = turning.statement({ act: 'pending' })
    done()
    assert.ok(typeof said === 'object' && said.act === 'change')
    assert.deepEqual(said.data, { ...before.data, publicKey: turning.publicKey })
    const after = { ...before, data: said.data as typeof before.data }
    assert.equal(devices.claimOf(turning.statement({ act: 'pending' })), turning.deviceId)
    assert.deepEqual(await read(factor, turning.statement({ act: 'pending' }), after), { act: 'pending' })
    assert.equal(await read(factor, old, after), 'invalid')
    assert.equal(await read(factor, turning.statement({ act: 'pending' }), before), 'invalid')
  })

  it('AC-82: hands over to no key that has not signed the very same', async () => {
    const proofs: readonly Lies[] = [
      { key: strangersKey() },
      { header: { jwk: other.publicKey } },
      { header: { jwk: undefined } },
      { header: { kid: other.deviceId } },
      { header: { alg: 'none' }, forge: () => Buffer.alloc(0) },
      { header: { typ: 'JWT' } },
      { claims: { jti: 'x'.repeat(22) } },
      { claims: { iat: NOW - 1 } },
      { claims: { exp: NOW + 59 } },
      { claims: { act: 'remove' } },
      { claims: { iss: other.deviceId } },
      { claims: { aud: 'https://evil.example.com' } },
    ]
    for (const lies of proofs)
      assert.equal(await read(factor, device.rotation({}, lies).statement, phone), 'invalid', JSON.stringify(lies))
    for (const proof of [undefined, '', 7, device.statement({ act: 'rotate' })])
      assert.equal(await read(factor, device.rotation({ claims: { proof } }).statement, phone), 'invalid')
    assert.equal(await read(factor, device.rotation({ key: strangersKey() }).statement, phone), 'invalid')
  })
})
