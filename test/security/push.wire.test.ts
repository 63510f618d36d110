import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import type { EventCatalogue } from '../../src/index.ts'
import { createPhone } from '../support/phone.ts'
import { stopwatch } from '../support/until.ts'
import { challenged, onward, usePhones, withPhone } from './push-support.ts'
import { passed } from './support.ts'

const JSON_TYPE = 'application/json'
const post = (issuer: string, body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${issuer}/mfa/devices`, {
    method: 'POST',
    headers: { 'content-type': JSON_TYPE, ...headers },
    body: body as string,
  })

const long = (length: number) => JSON.stringify({ statement: 'a'.repeat(length) })

/** Bodies that are none, with the status they get. */
const bodies: Readonly<
  Record<string, readonly [status: number, body: string | Uint8Array, headers?: Record<string, string>]>
> = {
  'no JSON': [400, '{'],
  null: [400, 'null'],
  'a text': [400, '"statement"'],
  'a list': [400, '[]'],
  'a list of statements': [400, '{"statement":["a.b.c"]}'],
  'a statement that is an object': [400, '{"statement":{"payload":"a"}}'],
  'a statement that is a number': [400, '{"statement":1}'],
  'a statement that is null': [400, '{"statement":null}'],
  'deep nesting': [400, `${'{"statement":'.repeat(1000)}1${'}'.repeat(1000)}`],
  'a deep list': [400, `${'['.repeat(5000)}${']'.repeat(5000)}`],
  'unknown members': [400, '{"statement":"a.b.c","account":"alice"}'],
  'a prototype': [400, '{"__proto__":"a"}'],
  'a prototype that is an object': [400, '{"__proto__":{"statement":"a.b.c"}}'],
  'a constructor': [400, '{"constructor":"a"}'],
  'a status of its own': [400, '{"status":"200"}'],
  'a ticket alone': [400, '{"ticket":"a"}'],
  'both, empty': [404, '{"ticket":"","statement":""}'],
  'a statement twice': [401, '{"statement":"a.b.c","statement":"d.e.f"}'],
  'a statement that is garbage': [401, '{"statement":"..."}'],
  'an empty statement': [401, '{"statement":""}'],
  '8192 characters': [401, long(8192)],
  '8193 characters': [401, long(8193)],
  'just too much': [413, long(16 * 1024)],
  'a megabyte': [413, long(1024 * 1024)],
  'a small one that gets large': [413, gzipSync(long(1024 * 1024)), { 'content-encoding': 'gzip' }],
  'a form': [415, 'statement=a.b.c', { 'content-type': 'application/x-www-form-urlencoded' }],
  'plain text': [415, '{}', { 'content-type': 'text/plain' }],
  'no type': [415, '{}', { 'content-type': '' }],
  'JSON of another kind': [415, '{}', { 'content-type': 'application/json-patch+json' }],
}

describe('security: what is posted to the address of devices', () => {
  const bench = usePhones()

  it('AC-82: is a small JSON object of texts or nothing, and what is not is told so as JSON', async () => {
    for (const [what, [status, body, headers]] of Object.entries(bodies)) {
      const response = await post(bench.host.issuer, body, headers)
      const text = await response.text()
      assert.equal(response.status, status, `${what}: ${text}`)
      assert.match(response.headers.get('content-type') ?? '', /^application\/json/, what)
      assert.equal(response.headers.get('cache-control'), 'no-store', what)
      const { error, error_description } = JSON.parse(text) as Record<string, unknown>
      assert.equal(typeof error, 'string', what)
      assert.equal(typeof error_description, 'string', what)
      assert.equal(text.includes('a'.repeat(20)), false, 'nothing is said back')
    }
  })

  it('AC-82: is answered for POST only', async () => {
    const url = `${bench.host.issuer}/mfa/devices`
    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']) {
      const response = await fetch(url, { method, ...(/P/.test(method) ? { body: '{}' } : {}) })
      assert.deepEqual([response.status, response.headers.get('allow')], [405, 'POST'], method)
    }
    const about = await (await post(bench.host.issuer, '{}')).json()
    assert.deepEqual(about, { issuer: bench.host.issuer, channels: [] })
  })

  it('AC-82: cookies count for nothing there, and none is set', async () => {
    const phone = await withPhone(bench)
    const at = await challenged(bench, phone)
    const cookie = at.browser
      .cookies()
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
    const statement = createPhone(bench.host.issuer).device.answer(at.shown, 'approve', { number: at.number })
    const response = await post(bench.host.issuer, JSON.stringify({ statement }), {
      cookie,
      origin: 'https://evil.example.com',
    })
    assert.equal(response.status, 401)
    assert.deepEqual(response.headers.getSetCookie(), [])
    assert.equal(response.headers.get('access-control-allow-origin'), null)
  })

  it('AC-82: a flood of garbage keeps no device from being heard', async () => {
    const phone = await withPhone(bench)
    const at = await challenged(bench, phone)
    const { deviceId } = phone.device
    const stranger = createPhone(bench.host.issuer)
    const asIf = () =>
      stranger.device.answer(
        at.shown,
        'approve',
        { number: '1' },
        { header: { kid: deviceId }, claims: { iss: deviceId } },
      )
    const flood = Array.from({ length: 60 }, () => stranger.post({ statement: asIf() }))
    const approved = await phone.answer(at.shown, 'approve', { number: at.number })
    assert.deepEqual(approved.body, { outcome: 'approved' })
    for (const { status } of await Promise.all(flood)) assert.equal(status, 401)
    assert.ok(passed(await onward(at)))
  })
})

describe('security: what a device changes of itself', () => {
  const bench = usePhones()

  it('AC-82: each such statement counts once', async () => {
    const phone = await withPhone(bench)
    const { device } = phone
    const first = device.statement({ act: 'update', name: 'First' })
    assert.equal((await phone.post({ statement: first })).status, 200)
    assert.equal((await phone.say({ act: 'update', name: 'Second' })).status, 200)
    assert.equal((await phone.post({ statement: first })).body.error, 'used_statement')
    const names = (await bench.host.mfa.accounts.list('bob')).authenticators.map(({ name }) => name)
    assert.deepEqual(names, ['Second'])
    bench.clock.advance(66)
    assert.equal((await phone.post({ statement: first })).body.error, 'statement_expired')
  })

  it('AC-82: of one statement that arrives many times at once one counts', async () => {
    const phone = await withPhone(bench)
    const told: EventCatalogue['authenticator.changed'][] = []
    bench.host.mfa.events.on('authenticator.changed', (event) => void told.push(event))
    const statement = phone.device.statement({ act: 'update', name: 'Once' })
    const answers = await Promise.all(Array.from({ length: 8 }, () => phone.post({ statement })))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    assert.equal(told.length, 1)
  })

  it('AC-82: after a rotation the old key is nobody’s, whatever it signs, and whatever it had signed before', async () => {
    const phone = await withPhone(bench)
    const { device } = phone
    const before = ['update', 'remove', 'pending'].map((act) => device.statement({ act }))
    const stolen = device.privateKey
    const { statement, done } = device.rotation()
    assert.equal((await phone.post({ statement })).status, 200)
    for (const old of before) assert.equal((await phone.post({ statement: old })).body.error, 'invalid_statement')
    assert.equal((await phone.post({ statement })).body.error, 'invalid_statement', 'the rotation itself')
    done()
    const back = device.rotation({ key: stolen })
    assert.equal((await phone.post({ statement: back.statement })).body.error, 'invalid_statement')
    const at = await challenged(bench, phone)
    const asOld = device.answer(at.shown, 'approve', { number: at.number }, { key: stolen })
    assert.equal((await phone.post({ statement: asOld })).body.error, 'invalid_statement')
    await phone.answer(at.shown, 'approve', { number: at.number })
    assert.ok(passed(await onward(at)))
  })

  it('AC-82: a rotation to a key that did not agree, or that somebody else brings, is none', async () => {
    const phone = await withPhone(bench)
    const { device } = phone
    const other = createPhone(bench.host.issuer).device
    const wrong = {
      'signed by another key than the one it brings': device.rotation({}, { key: other.privateKey }),
      'for another device': device.rotation({}, { claims: { iss: other.deviceId } }),
      'of another statement': device.rotation({}, { claims: { jti: 'A'.repeat(22) } }),
      'for another act': device.rotation({}, { claims: { act: 'update' } }),
      'without a key': device.rotation({}, { header: { jwk: undefined } }),
      'not signed by the key that counts': device.rotation({ key: other.privateKey }),
      'with no proof': device.rotation({ claims: { proof: undefined } }),
    }
    for (const [what, { statement }] of Object.entries(wrong))
      assert.equal((await phone.post({ statement })).body.error, 'invalid_statement', what)
    assert.equal((await phone.say({ act: 'pending' })).status, 200)
  })

  it('AC-82: of rotations, changes and removals at once each holds or is told that it does not', async () => {
    const phone = await withPhone(bench)
    const { device } = phone
    const rotations = [device.rotation(), device.rotation()]
    const say = (statement: string) => phone.post({ statement })
    const [one, two, update] = await Promise.all([
      ...rotations.map(({ statement }) => say(statement)),
      say(device.statement({ act: 'update', name: 'Raced' })),
    ])
    assert.equal([one, two].filter((answer) => answer?.status === 200).length, 1)
    rotations[one?.status === 200 ? 0 : 1]?.done()
    assert.equal((await phone.say({ act: 'pending' })).status, 200, 'the key that won')
    const [{ name } = { name: '' }] = (await bench.host.mfa.accounts.list('bob')).authenticators
    assert.equal(name === 'Raced', update?.status === 200)
    const [removed, renamed] = await Promise.all([
      phone.say({ act: 'remove' }),
      phone.say({ act: 'update', name: 'Late' }),
    ])
    assert.equal(removed.status, 200)
    assert.ok([200, 401].includes(renamed.status))
    assert.deepEqual((await bench.host.mfa.accounts.list('bob')).authenticators, [])
  })

  it('AC-82: a device that listens hears of its challenge at once, and of its removal', async () => {
    const phone = await withPhone(bench)
    const listening = async () => {
      const response = await post(
        bench.host.issuer,
        JSON.stringify({ statement: phone.device.statement({ act: 'listen' }) }),
      )
      assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
      return response.text()
    }
    const elapsed = stopwatch()
    const all = Promise.all([listening(), listening()])
    const at = await challenged(bench, phone)
    await phone.say({ act: 'remove' })
    for (const text of await all) {
      assert.match(text, /event: removed/)
      assert.equal(text.includes(`"number":"${at.number}"`), false)
    }
    assert.ok(elapsed() < 3000)
  })
})
