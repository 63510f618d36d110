import assert from 'node:assert/strict'
import { type Challenge, createDevice, memoryStorage } from '../../src/device/index.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import type { Host } from '../support/host.ts'
import { numberOn, startPhoneHost, ticketOn } from '../support/phone.ts'
import { createJourney, isAnswer } from '../support/relying-party.ts'
import { until } from '../support/until.ts'

const WANTED = { acr_values: MULTI_FACTOR }

describe('the device SDK and a provider', () => {
  let clock: VirtualClock
  let host: Host
  beforeEach(async () => {
    clock = virtualClock()
    host = await startPhoneHost()
  })
  afterEach(async () => {
    clock.restore()
    const { errors } = host
    await host.close()
    assert.deepEqual(errors, [])
  })

  it('enrolls, hears and answers, takes a new key, a new name and its leave', async () => {
    const device = createDevice({ storage: memoryStorage() })
    const { channels } = await device.about(host.issuer)
    assert.deepEqual(channels, [])
    const first = await createJourney(host)
    const { page } = await first.go(WANTED)
    const link = `${host.issuer}/authenticator#enroll=${ticketOn(page)}`
    const enrolled = await device.enroll(link, { name: 'My phone' })
    const confirmed = enrolled.confirmed({ pollSeconds: 0.02 })
    const answer = await first.browser.post(await first.browser.get(page.url), { code: String(enrolled.code) })
    assert.ok(isAnswer(answer), answer.text)
    const account = await confirmed
    assert.deepEqual([account.account, account.status], ['bob@example.com', 'active'])

    await device.rotate(account)
    assert.equal((await device.update(account, { name: 'Old phone' })).name, 'Old phone')
    const channel = { service: 'fcm', token: 't' } as const
    await assert.rejects(device.update(account, { channel }), { code: 'unsupported_channel' })

    const controller = new AbortController()
    let open: readonly Challenge[] = []
    const listening = device.listen((challenges) => {
      open = challenges
    }, controller)
    const second = await createJourney(host)
    const asked = await second.go(WANTED)
    const challenge = await until('the device hears it', () => open[0])
    assert.deepEqual([challenge.account, challenge.client, challenge.match], ['bob@example.com', 'Test App', 'number'])
    await assert.rejects(device.approve(challenge, { number: '1' }), { code: 'wrong_number', left: 2 })
    await device.approve(challenge, { number: numberOn(asked.page) })
    const done = await second.browser.post(await second.browser.get(asked.page.url), {})
    assert.ok(isAnswer(done), done.text)
    await until('the device hears that it is over', () => open.length === 0)
    controller.abort()
    await listening
    await assert.rejects(device.deny(challenge), { code: 'no_challenge' })

    clock.advance(86_400)
    const late = createDevice({ storage: memoryStorage(), now: () => 0 })
    const third = await createJourney(host, 'carol')
    const { page: another } = await third.go(WANTED)
    const own = await late.enroll(`${host.issuer}/authenticator#enroll=${ticketOn(another)}`, { name: 'Late' })
    assert.ok(own.code, 'a device whose clock stands at 1970')

    await device.remove(account)
    assert.deepEqual(await device.accounts(), [])
  })
})
