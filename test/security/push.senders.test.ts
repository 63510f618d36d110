import assert from 'node:assert/strict'
import { StepUpError } from '../../src/errors.ts'
import type { PushSender } from '../../src/factors/push.ts'
import type { Phone } from '../support/phone.ts'
import { stopwatch } from '../support/until.ts'
import { ASKED, challenged, giveAnother, onward, phones, recordsOf, usePhones, withPhone } from './push-support.ts'
import { passed } from './support.ts'

/** A service of the tests' own: what it does is the token's. */
const createService = () => {
  const tokens: string[] = []
  const sender: PushSender = {
    service: 'fcm',
    parse: (channel) => {
      const { token } = Object(channel) as { token?: unknown }
      return typeof token === 'string' ? ({ service: 'fcm', token } as never) : undefined
    },
    send: async ({ channel }) => {
      const { token } = channel as unknown as { token: string }
      tokens.push(token)
      if (token === 'hangs') return new Promise<void>(() => undefined)
      if (token === 'gone') throw new StepUpError('ERR_ADDRESS', 'gone')
      if (token === 'fails') throw new Error('the service is down')
    },
  }
  return { sender, tokens }
}

describe('security: push services that fail', () => {
  let service = createService()
  const bench = usePhones(() => {
    service = createService()
    return phones({ senders: [service.sender], budgets: [{ per: 'account', messages: 100, windowSeconds: 60 }] })
  })
  const reachedBy = async (phone: Phone, token: string) => {
    assert.equal((await phone.say({ act: 'update', channel: { service: 'fcm', token } })).status, 200)
  }
  const channelOf = async (login: string, { device }: Phone) => {
    const { authenticators } = (await recordsOf(bench.host).load(login)).record
    const one = authenticators.find(({ claim }) => claim === device.deviceId)
    return (one?.data as { channel?: { token: string } } | undefined)?.channel?.token
  }

  for (const token of ['fails', 'gone', 'hangs'])
    it(`F-11: where one ${token}, the page comes soon, and an app that is open can still answer`, async () => {
      const phone = await withPhone(bench)
      await reachedBy(phone, token)
      const elapsed = stopwatch()
      const at = await challenged(bench, phone)
      assert.ok(elapsed() < 2900, `${elapsed()} ms`)
      await phone.answer(at.shown, 'approve', { number: at.number })
      assert.ok(passed(await onward(at)))
      assert.equal(await channelOf('bob', phone), token === 'gone' ? undefined : token)
    })

  it('F-11: a dead address is dropped beside one that works, and is not tried again', async () => {
    const phone = await withPhone(bench)
    const another = await giveAnother(bench.host)
    await reachedBy(phone, 'gone')
    await reachedBy(another, 'works')
    const at = await challenged(bench, phone)
    await another.answer(at.shown, 'deny')
    assert.deepEqual([await channelOf('bob', phone), await channelOf('bob', another)], [undefined, 'works'])
    bench.clock.advance(61)
    await challenged(bench, phone)
    assert.deepEqual(service.tokens, ['gone', 'works', 'works'])
  })

  it('F-11: a service that is down for many keeps nobody’s open app from being asked', async () => {
    const broken = await withPhone(bench)
    await reachedBy(broken, 'fails')
    const alices = await withPhone(bench, 'alice')
    for (let round = 0; round < 6; round += 1) {
      const at = await challenged(bench, broken)
      await broken.answer(at.shown, 'approve', { number: at.number })
      assert.ok(passed(await onward(at)))
    }
    const at = await challenged(bench, alices, 'alice')
    assert.equal(at.page.heading, ASKED)
  })
})
