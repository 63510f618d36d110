import assert from 'node:assert/strict'
import type { PushData, PushState } from '../../src/factors/push.ts'
import { createSoftDevice, type Lies, strangersKey, ticketHash } from '../support/soft-device.ts'
import { at, createOutbox, going, ISSUER, make, NOW, present, refusal, soft, stateOf } from './push-support.ts'

describe('factors/push: enrolment', () => {
  const { sender } = createOutbox()
  const factor = make({ senders: [sender] })
  const { enroll } = factor
  const device = soft()
  const channel = { service: 'pigeon', token: 'home', extra: 'dropped' }

  const begin = async () => {
    const step = going(await enroll.begin(at(NOW)))
    return { step, state: stateOf(step, 'ticket') }
  }
  const come = async (facts = {}, lies: Lies = {}) => {
    const { state } = await begin()
    return { state, step: await present(factor, state, device.enrollment(state.ticket, facts, lies).statement) }
  }
  const submit = async (state: PushState, input: Record<string, string>, now = NOW) =>
    enroll.submit(state, input, at(now))

  it('AC-24: a ticket has 128 bits, ends after ten minutes and is found by its SHA-256 alone', async () => {
    const { step, state } = await begin()
    assert.equal(Buffer.from(state.ticket, 'base64url').length, 16)
    assert.deepEqual(step.awaits, { reference: ticketHash(state.ticket), expiresAt: NOW + 600 })
    assert.notEqual((await begin()).state.ticket, state.ticket)
    assert.equal(enroll.ttlSeconds, 600)
  })

  it('shows the link, its picture and nothing of a device, until it is too late', async () => {
    const { state } = await begin()
    const link = `${ISSUER}/authenticator#enroll=${state.ticket}`
    const { qr, ...view } = Object(await enroll.view(state, at(NOW + 599)))
    assert.deepEqual(view, { step: 'ticket', link, digits: 6, expiresAt: NOW + 600, isExpired: false })
    assert.match(qr, /^data:image\/svg\+xml;base64,/)
    assert.deepEqual(await enroll.view(state, at(NOW + 600)), {
      step: 'ticket',
      digits: 6,
      expiresAt: NOW + 600,
      isExpired: true,
    })
  })

  it('a device gets six digits, whose typing beside the ticket makes it the account’s', async () => {
    const { state, step } = await come({ name: ' Bob’s\n phone\u202e ', channel })
    const next = stateOf(step, 'device')
    assert.match(next.code, /^[0-9]{6}$/)
    assert.deepEqual(going(step).reply, {
      deviceId: device.deviceId,
      account: 'bob@example.com',
      issuer: ISSUER,
      code: next.code,
      expiresAt: state.expiresAt,
    })
    assert.deepEqual(await enroll.view(next, at(NOW)), {
      step: 'device',
      name: 'Bob’s phone',
      digits: 6,
      expiresAt: NOW + 600,
      isExpired: false,
    })
    const data: PushData = {
      deviceId: device.deviceId,
      publicKey: Object(device.publicKey),
      name: 'Bob’s phone',
      channel: { service: 'pigeon', token: 'home' } as PushData['channel'] & object,
    }
    assert.deepEqual(await submit(next, { code: next.code.replace(/(...)/, '$1 ') }), {
      outcome: 'accepted',
      change: { add: data, nickname: 'Bob’s phone', claim: device.deviceId },
      proof: { kinds: ['possession'], traits: ['out-of-band', 'replay-resistant'], amr: ['mca', 'pop', 'swk'] },
    })
  })

  it('AC-24: no other code, and none after ten minutes, makes it the account’s', async () => {
    const next = stateOf((await come()).step, 'device')
    const wrong = next.code === '000000' ? '000001' : '000000'
    for (const code of ['', wrong, next.code.slice(1), `${next.code}0`])
      assert.deepEqual(await submit(next, { code }), refusal('invalid'), code)
    assert.deepEqual(await submit(next, { code: next.code }, NOW + 600), refusal('expired'))
  })

  it('AC-24: a device that came keeps its place: the same ticket takes no second one', async () => {
    const { state, step } = await come({ channel })
    const second = soft().enrollment(state.ticket).statement
    assert.deepEqual(await present(factor, going(step).state, second), refusal('invalid'))
  })

  it('waits for a device without counting, and goes back to a new ticket where it is another’s', async () => {
    const { state } = await begin()
    for (const input of [{}, { code: '123456' }])
      assert.deepEqual(await submit(state, input), { outcome: 'continue', state, problem: 'push.waiting' })
    const next = stateOf((await come()).step, 'device')
    assert.deepEqual(await submit(next, {}), { outcome: 'continue', state: next })
    const anew = await submit(next, { another: 'yes' }, NOW + 100)
    const ticket = stateOf(anew, 'ticket')
    assert.notEqual(ticket.ticket, state.ticket)
    assert.deepEqual(going(anew).awaits, { reference: ticketHash(ticket.ticket), expiresAt: NOW + 700 })
  })

  it('a channel that nothing here sends to leaves the ticket as it is', async () => {
    for (const one of [
      { ...channel, service: 'owl' },
      { service: 'pigeon', token: 'forbidden' },
      'pigeon',
      7,
      [],
      {},
    ]) {
      const { state, step } = await come({ channel: one })
      assert.deepEqual(step, { outcome: 'continue', state, problem: 'unsupported_channel' }, JSON.stringify(one))
    }
  })

  it('takes a device without a channel', async () => {
    for (const facts of [{}, { channel: null }])
      assert.equal('channel' in stateOf((await come(facts)).step, 'device'), false)
  })

  const jwk = device.publicKey
  const other = soft()
  const tampered: Readonly<Record<string, Lies>> = {
    'no algorithm': { header: { alg: 'none' }, forge: () => Buffer.alloc(0) },
    'HMAC with the public key': { header: { alg: 'HS256' }, secret: JSON.stringify(jwk) },
    'another algorithm’s name': { header: { alg: 'ES384' } },
    'another type': { header: { typ: 'JWT' } },
    'no type': { header: { typ: undefined } },
    'no key': { header: { jwk: undefined } },
    'a key as text': { header: { jwk: JSON.stringify(jwk) } },
    'another’s key': { header: { jwk: other.publicKey } },
    'another’s key and name': {
      header: { jwk: other.publicKey, kid: other.deviceId },
      claims: { iss: other.deviceId },
    },
    'another’s name': { header: { kid: other.deviceId }, claims: { iss: other.deviceId } },
    'no name': { header: { kid: undefined } },
    'another curve’s key': { header: { jwk: { ...jwk, crv: 'P-384' } } },
    'an Edwards key': { header: { jwk: { kty: 'OKP', crv: 'Ed25519', x: jwk.x } } },
    'a point off the curve': { header: { jwk: { ...jwk, y: jwk.x } } },
    'a private key': { header: { jwk: device.privateKey.export({ format: 'jwk' }) } },
    'a coordinate in another spelling': { header: { jwk: { ...jwk, x: `${jwk.x}=` } } },
    'an extension that must be understood': { header: { crit: ['b64'], b64: true } },
    'a signature by another key': { key: strangersKey() },
    'a signature with a bit turned': {
      forge: (bytes) => Buffer.from(bytes.map((byte, at) => (at === 9 ? byte ^ 1 : byte))),
    },
    'a signature in zeros': { forge: (bytes) => Buffer.alloc(bytes.length) },
    'no signature': { forge: () => Buffer.alloc(0) },
    'another issuer’s audience': { claims: { aud: 'https://evil.example.com' } },
    'an audience with a slash': { claims: { aud: `${ISSUER}/` } },
    'a list of audiences': { claims: { aud: [ISSUER] } },
    'another speaker': { claims: { iss: other.deviceId } },
    'another ticket': { claims: { ticket: ticketHash('x') } },
    'no ticket': { claims: { ticket: undefined } },
    'another act': { claims: { act: 'pending' } },
    'no act': { claims: { act: undefined } },
    'no end': { claims: { exp: undefined } },
    'an end too far': { claims: { exp: NOW + 61 } },
    'an end before its beginning': { claims: { exp: NOW - 1 } },
    'half a second': { claims: { exp: NOW + 0.5 } },
    'a time in text': { claims: { iat: String(NOW) } },
    'a short name of its own': { claims: { jti: 'short' } },
    'no name at all': { claims: { name: '' } },
    'a blank name': { claims: { name: '\u202e \n' } },
    'a name of 65 characters': { claims: { name: 'x'.repeat(65) } },
    'a name that is none': { claims: { name: 7 } },
    'no claims': { payload: '' },
    'claims that are a list': { payload: '[]' },
    'claims that are null': { payload: 'null' },
    'bytes that are no text': { payload: Buffer.from([0x7b, 0xff, 0x7d]) },
    'more than eight kilobytes': { claims: { more: 'x'.repeat(8192) } },
  }
  for (const [name, lies] of Object.entries(tampered))
    it(`AC-82: enrolls no device by a statement with ${name}`, async () => {
      assert.deepEqual((await come({ channel }, lies)).step, refusal('invalid'))
    })

  it('AC-82: enrolls no device by a statement of another curve', async () => {
    for (const curve of ['P-384', 'secp256k1'] as const) {
      const odd = createSoftDevice({ issuer: ISSUER, clock: () => NOW, curve })
      const { state } = await begin()
      for (const lies of [{}, { header: { jwk: { ...odd.publicKey, crv: 'P-256' } } }])
        assert.deepEqual(
          await present(factor, state, odd.enrollment(state.ticket, {}, lies).statement),
          refusal('invalid'),
        )
    }
  })

  it('tells a device whose clock is wrong, beyond five seconds, and nobody else', async () => {
    for (const [seconds, outcome] of [
      [64, 'continue'],
      [65, 'refused'],
      [-5, 'continue'],
      [-6, 'refused'],
    ] as const) {
      const { state } = await begin()
      const late = at(NOW + seconds)
      const { statement } = device.enrollment(state.ticket)
      const step = await present(factor, state, statement, late)
      assert.equal(step.outcome, outcome, String(seconds))
      if (step.outcome === 'refused') assert.equal(step.reason, 'expired')
      const forged = device.enrollment(state.ticket, {}, { key: strangersKey() }).statement
      assert.deepEqual(await present(factor, state, forged, late), refusal('invalid'))
    }
  })

  it('refuses garbage without a word', async () => {
    const { state } = await begin()
    for (const statement of ['', '.', '..', 'a.b.c', '....', '{}', 'é'.repeat(99), 'x'.repeat(20_000), '\0'])
      assert.deepEqual(await present(factor, state, statement), refusal('invalid'))
    assert.deepEqual(await enroll.receive?.(state, {}, at(NOW)), refusal('invalid'))
  })
})
