import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Adapter } from 'oidc-provider'
import { memoryAdapter } from '../../src/cli/memory-adapter.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import {
  type Asker,
  answerOn,
  askedOn,
  type CibaOptions,
  createAsker,
  enrollPhone,
  refusedWith,
  startCibaHost,
  startNotified,
  startTwin,
} from '../support/ciba.ts'
import type { Host } from '../support/host.ts'
import { numberOn, type Phone } from '../support/phone.ts'
import { createJourney } from '../support/relying-party.ts'

describe('journeys: how backchannel requests end', () => {
  let clock: VirtualClock
  let host: Host
  let phone: Phone
  let app: Asker
  const start = async (options: CibaOptions = {}) => {
    host = await startCibaHost(options)
    phone = await enrollPhone(host)
    app = await createAsker(host)
    // What enrolled the phone was long ago.
    clock.advance(60)
  }
  beforeEach(() => {
    clock = virtualClock()
  })
  afterEach(async () => {
    clock.restore()
    const { errors } = host
    await host.close()
    assert.deepEqual(errors, [])
  })

  for (const decision of ['deny', 'report'] as const)
    it(`end in access_denied where the phone says ${decision}`, async () => {
      await start()
      const asked = await app.ask()
      await answerOn(phone, decision)
      const { error, description } = await refusedWith(app.poll(asked))
      assert.deepEqual({ error, description }, { error: 'access_denied', description: 'the request was not approved' })
    })

  it('end in access_denied after three wrong numbers', async () => {
    await start()
    const asked = await app.ask()
    const challenge = await askedOn(phone)
    for (const left of [2, 1, 0])
      assert.equal((await phone.answer(challenge, 'approve', { number: '11' })).body.left, left)
    assert.equal((await phone.answer(challenge, 'approve', { number: '4711' })).body.error, 'no_challenge')
    assert.equal((await app.state(asked)).error, 'access_denied')
  })

  it('tell a client that comes too late so, from the second on that they said', async () => {
    await start({ push: { lifeSeconds: 90 } })
    const asked = await app.ask()
    const challenge = await askedOn(phone)
    assert.equal(asked.expires_in, 90)
    const end = Number(challenge.expiresAt)
    clock.set(end - 1)
    assert.equal((await app.state(asked)).error, 'authorization_pending')
    clock.set(end)
    assert.equal((await app.state(asked)).error, 'expired_token')
    // Longer than oidc-provider's tolerance for clocks, by which its own adapter still has what expired.
    clock.set(end + 50)
    assert.equal((await app.state(asked)).error, 'expired_token')
    assert.equal((await phone.answer(challenge, 'approve', { number: '4711' })).status, 404)
    assert.equal((await app.state(asked)).error, 'expired_token')
  })

  it('end when the client wants them to, if that is sooner', async () => {
    await start()
    const asked = await app.ask({ requested_expiry: '40' })
    assert.equal(asked.expires_in, 40)
    const challenge = await askedOn(phone)
    clock.advance(41)
    assert.equal((await app.state(asked)).error, 'expired_token')
    await phone.answer(challenge, 'approve', { number: '4711' })
    assert.equal((await app.state(asked)).error, 'expired_token')
  })

  it('are answered in any process that shares the store and the adapter', async () => {
    const adapters = new Map<string, Adapter>()
    const make = memoryAdapter(clock.now)
    const adapter = (name: string) => {
      const known = adapters.get(name) ?? make(name)
      adapters.set(name, known)
      return known
    }
    await start({ configuration: { adapter } })
    const asked = await app.ask()
    const second = await startTwin(host, adapter)
    const challenge = await askedOn(phone)
    const statement = phone.device.answer(challenge, 'approve', { number: '4711' })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${second.url}/mfa/devices`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ statement }),
    })
    const reply = await response.text()
    await second.close()
    assert.deepEqual(JSON.parse(reply), { outcome: 'approved' })
    assert.equal((await app.poll(asked)).claims()?.sub, 'bob')
  })

  it('wait while another is open, and leave nothing behind', async () => {
    await start()
    const saved: string[] = []
    host.provider.on('backchannel_authentication_request.saved', ({ jti }) => void saved.push(jti))
    const first = await app.ask()
    const { error, description, response } = await app.refused({ binding_message: '99' })
    assert.equal(error, 'temporarily_unavailable')
    assert.match(description ?? '', /asked/)
    assert.ok(Number(response.headers.get('retry-after')) > 100)
    const [other = ''] = saved.filter((jti) => jti !== first.auth_req_id)
    assert.equal((await app.state({ auth_req_id: other })).error, 'invalid_grant')
    await answerOn(phone, 'approve')
    assert.equal((await app.poll(first)).claims()?.sub, 'bob')
  })

  it('wait while a login is open, which goes on as if nothing was', async () => {
    await start()
    const journey = await createJourney(host)
    const { page } = await journey.go({ acr_values: MULTI_FACTOR })
    assert.equal((await app.refused()).error, 'temporarily_unavailable')
    const approved = await answerOn(phone, 'approve', { number: numberOn(page) })
    assert.deepEqual(approved.body, { outcome: 'approved' })
  })

  it('make a login wait while they are open', async () => {
    await start()
    const asked = await app.ask()
    const journey = await createJourney(host)
    const { page } = await journey.go({ acr_values: MULTI_FACTOR })
    assert.throws(() => numberOn(page))
    await answerOn(phone, 'approve')
    await app.poll(asked)
  })

  it('tell a client of the end where it wants to be told', async () => {
    const notified = await startNotified()
    try {
      await start(notified.options)
      const asked = await app.ask({ client_notification_token: 'token-of-the-client' })
      assert.deepEqual([...notified.told], [])
      await answerOn(phone, 'approve')
      const body = { auth_req_id: asked.auth_req_id }
      assert.deepEqual([...notified.told], [{ authorization: 'Bearer token-of-the-client', body }])
      assert.equal((await app.poll(asked)).claims()?.sub, 'bob')
      const denied = await app.ask({ client_notification_token: 'another' })
      await answerOn(phone, 'deny')
      assert.equal(notified.told[1]?.authorization, 'Bearer another')
      assert.equal((await app.state(denied)).error, 'access_denied')
      assert.equal((await app.refused()).error, 'invalid_request', 'a token is needed to be told with')
    } finally {
      await notified.close()
    }
  })

  it('are answered all the same where the client cannot be told', async () => {
    const notified = await startNotified()
    try {
      await start(notified.options)
      notified.answers.status = 503
      const asked = await app.ask({ client_notification_token: 'token-of-the-client' })
      const warned = once(process, 'warning')
      const { status, body } = await answerOn(phone, 'approve')
      assert.deepEqual({ status, body }, { status: 200, body: { outcome: 'approved' } })
      assert.equal((await app.poll(asked)).claims()?.sub, 'bob')
      const [warning] = await warned
      assert.equal(warning.code, 'STEP_UP_CIBA_PING')
      assert.match(warning.message, /"app" could not be told/)
    } finally {
      await notified.close()
    }
  })
})
