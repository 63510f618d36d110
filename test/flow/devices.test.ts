import assert from 'node:assert/strict'
import { push } from '../../src/factors/push.ts'
import { type Ceremonies, createCeremonies } from '../../src/flow/ceremony.ts'
import { createDeviceDesk, type DeviceEnding, type DeviceReply } from '../../src/flow/devices.ts'
import type { Place } from '../../src/flow/place.ts'
import type { Accounts } from '../../src/store/accounts.ts'
import type { Store } from '../../src/store/store.ts'
import { createSoftDevice, type SoftDevice } from '../support/soft-device.ts'
import { left } from './scene.ts'
import { createBench, enrolled, give, hoardingStore, placeOf, START } from './tools.ts'

const ISSUER = 'https://login.example.com'

/** A store in which something can happen right before the next write of one kind. */
const interruptible = () => {
  const inner = hoardingStore()
  const state: { kind?: string | undefined; work?: (() => Promise<unknown>) | undefined } = {}
  const interrupted =
    <Args extends readonly [{ readonly kind: string } | string, ...never[]], Result>(
      operation: (...args: Args) => Promise<Result>,
    ) =>
    async (...args: Args): Promise<Result> => {
      const [key] = args
      const { work } = state
      if (work !== undefined && state.kind === (typeof key === 'string' ? 'account' : key.kind)) {
        state.work = undefined
        await work()
      }
      return operation(...args)
    }
  const store: Store & Accounts = {
    ...inner,
    put: interrupted(inner.put as never) as Store['put'],
    take: interrupted(inner.take as never) as Store['take'],
    save: interrupted(inner.save as never) as Accounts['save'],
  }
  /** Runs this once, right before the next write of that kind. */
  const before = (kind: string, work: () => Promise<unknown>) => {
    Object.assign(state, { kind, work })
  }
  return { store, before }
}

const device = (clock: () => number) => createSoftDevice({ issuer: ISSUER, clock })

/** Alice, with two phones, at a page that waits for one of them. */
const stage = async (where: Partial<Place> = {}) => {
  const { store, before } = interruptible()
  const factor = push()
  const bench = createBench({ store, factors: [factor] })
  const { vault, records, throttle, dispatcher, summonses, changes, clock, announce, events } = bench
  const tools = { vault, records, throttle, dispatcher, summonses, changes, clock, announce, factors: [factor] }
  const made = createCeremonies(tools)
  const ceremonies: Ceremonies = {
    ...made,
    answer: async (...at) => {
      const outcome = await made.answer(...at)
      if (outcome.outcome === 'accepted') await outcome.left
      return outcome
    },
  }
  const endings: DeviceEnding[] = []
  const accounts = new Map([['alice', { id: 'alice', label: 'alice@example.com' }]])
  const desk = createDeviceDesk({
    ...tools,
    account: async (id) => accounts.get(id),
    issuer: () => ISSUER,
    conclude: async (ending) => void endings.push(ending),
  })
  const phones = [device(clock), device(clock)] as const
  const own = phones.map(({ deviceId, publicKey }, index) =>
    enrolled('push', { id: `phone-${index}`, claim: deviceId, data: { deviceId, publicKey, name: 'Phone' } }),
  )
  await give(bench, 'alice', ...own)
  for (const { deviceId } of phones) await records.claim(deviceId, 'alice')
  const place = placeOf(factor, 'challenge', { account: { id: 'alice', label: 'alice@example.com' }, ...where })
  const outcome = await ceremonies.show(place)
  assert.equal(outcome.outcome, 'open')
  const number = outcome.outcome === 'open' ? (outcome.view as { number?: string }).number : undefined

  const say = async (statement: string): Promise<DeviceReply> => {
    const reply = await desk.say(statement)
    assert.ok(!('line' in reply))
    return reply
  }
  const shown = async (phone: SoftDevice) => {
    const reply = await say(phone.statement({ act: 'pending' }))
    return 'reply' in reply ? ((reply.reply.challenges as Record<string, unknown>[])[0] ?? {}) : {}
  }
  const challenge = await shown(phones[0])
  const answer = (index: 0 | 1, decision: 'approve' | 'deny' | 'report', more: Record<string, unknown> = {}) =>
    say(phones[index].answer(challenge, decision, { ...(number === undefined ? {} : { number }), ...more }))
  const take = async () => (await ceremonies.answer(place, {})).outcome
  return { ...bench, ceremonies, events, desk, phones, place, say, shown, answer, take, before, endings, accounts }
}

type Stage = Awaited<ReturnType<typeof stage>>

const APPROVED = { reply: { outcome: 'approved' } }
const DENIED = { reply: { outcome: 'denied' } }
const NONE = { error: 'no_challenge' }

describe('devices', () => {
  it('AC-82: a denial that is written right before an approval is stands', async () => {
    const at = await stage()
    at.before('challenge', async () => assert.deepEqual(await at.answer(1, 'deny'), DENIED))
    assert.deepEqual(await at.answer(0, 'approve'), NONE)
    assert.equal(await at.take(), 'open')
    assert.deepEqual(await left(at), [])
  })

  it('AC-82: one that is written while the browser takes the approval stands as well', async () => {
    const at = await stage()
    assert.deepEqual(await at.answer(0, 'approve'), APPROVED)
    at.before('challenge', async () => assert.deepEqual(await at.answer(1, 'deny'), DENIED))
    assert.equal(await at.take(), 'gone')
    assert.equal(await at.take(), 'open')
    assert.deepEqual(await left(at), [])
  })

  it('AC-82: one that comes after the browser went on is told that it is too late', async () => {
    const at = await stage()
    await at.answer(0, 'approve')
    at.before('challenge', async () => assert.equal(await at.take(), 'accepted'))
    assert.deepEqual(await at.answer(1, 'deny'), NONE)
    assert.equal((await left(at)).length, 1)
  })

  it('AC-82: an approval is void where its device goes while the browser takes it', async () => {
    const at = await stage()
    await at.answer(0, 'approve')
    const remove = async () => void (await at.say(at.phones[0].statement({ act: 'remove' })))
    at.before('account', remove)
    assert.notEqual(await at.take(), 'accepted')
    assert.deepEqual(await left(at), [])
  })

  it('AC-82: it is proved when the device answered, and by the device that answered first', async () => {
    const at = await stage()
    await at.answer(0, 'approve')
    at.advance(30)
    assert.deepEqual(await at.answer(0, 'approve'), APPROVED)
    assert.deepEqual(await at.answer(1, 'approve'), APPROVED)
    assert.equal(await at.take(), 'accepted')
    const [event] = await left(at)
    assert.deepEqual([event?.at, event?.authenticatorId], [START, 'phone-0'])
  })

  it('AC-82: where the first is gone, the second counts', async () => {
    const at = await stage()
    await at.answer(0, 'approve')
    await at.say(at.phones[0].statement({ act: 'remove' }))
    at.advance(10)
    assert.deepEqual(await at.answer(1, 'approve'), APPROVED)
    assert.equal(await at.take(), 'accepted')
    const [event] = await left(at)
    assert.deepEqual([event?.at, event?.authenticatorId], [START + 10, 'phone-1'])
  })

  it('AC-21: wrong numbers after an approval end it too', async () => {
    const at = await stage()
    await at.answer(0, 'approve')
    for (const tries of [2, 1, 0])
      assert.deepEqual(await at.answer(1, 'approve', { number: '0' }), { error: 'wrong_number', left: tries })
    assert.equal(await at.take(), 'open')
    assert.deepEqual(await left(at), [])
  })

  for (const decision of ['deny', 'report'] as const)
    it(`AC-20: whoever guesses keeps nobody from saying ${decision}, and all else is told the same`, async () => {
      const at = await stage()
      for (let failures = 0; failures < 8; failures += 1) {
        await at.throttle.reserve('alice', 'push', failures)
        at.advance(1)
      }
      const wrong = await at.answer(0, 'approve', { number: '0' })
      assert.ok('error' in wrong && wrong.error === 'too_many_requests', JSON.stringify(wrong))
      assert.deepEqual(await at.answer(0, 'approve'), wrong)
      const said = await at.answer(1, decision)
      assert.deepEqual(said, { reply: { outcome: decision === 'deny' ? 'denied' : 'reported' } })
      assert.equal(await at.take(), 'open')
    })

  it('AC-20: a denial is no wrong answer: nobody’s own approval is slowed down by it', async () => {
    const at = await stage()
    await at.answer(0, 'deny')
    const { failures, disabledFactors } = (await at.records.load('alice')).record
    assert.deepEqual([failures, disabledFactors], [{}, {}])
    assert.equal((await at.throttle.read('alice', 'push')).value?.failures ?? 0, 0)
  })

  it('AC-20: a report is written before the challenge ends, so that nothing can be begun in between', async () => {
    const at = await stage()
    const unanswered: unknown[] = []
    at.before('challenge', async () => {
      unanswered.push((await at.records.load('alice')).record.unanswered?.push)
    })
    assert.deepEqual(await at.answer(0, 'report'), { reply: { outcome: 'reported' } })
    assert.ok(Number(unanswered[0]) >= 10, String(unanswered[0]))
  })

  it('AC-82: of two rotations at once the second is told that its key is none', async () => {
    const at = await stage()
    const [phone] = at.phones
    const [one, two] = [phone.rotation(), phone.rotation()]
    at.before('account', async () => assert.deepEqual(await at.say(one.statement), { reply: {} }))
    assert.deepEqual(await at.say(two.statement), { error: 'invalid_statement' })
    one.done()
    assert.deepEqual(await at.say(phone.statement({ act: 'update', name: 'Mine' })), { reply: {} })
  })

  it('AC-82: a change that meets a removal does nothing', async () => {
    const at = await stage()
    const [phone] = at.phones
    at.before('account', async () => at.say(phone.statement({ act: 'remove' })))
    assert.deepEqual(await at.say(phone.statement({ act: 'update', name: 'Late' })), { error: 'unknown_device' })
    const { authenticators } = (await at.records.load('alice')).record
    assert.deepEqual(
      authenticators.map(({ id }) => id),
      ['phone-1'],
    )
    assert.equal(await at.records.owner(phone.deviceId), undefined)
  })

  it('AC-82: a line tells nothing any more once its device is gone, or its account is disabled', async () => {
    const at = await stage()
    const [phone, another] = at.phones
    const lines = []
    for (const one of [phone, another]) {
      const reply = await at.desk.say(one.statement({ act: 'listen' }))
      assert.ok('line' in reply)
      lines.push(reply.line)
    }
    let told = 0
    const stop = lines[1]?.watch(() => {
      told += 1
    })
    assert.equal((await lines[0]?.look())?.challenges.length, 1)
    await at.say(phone.statement({ act: 'remove' }))
    assert.equal(told, 1)
    stop?.()
    assert.equal(await lines[0]?.look(), undefined)
    assert.equal((await lines[1]?.look())?.challenges.length, 1)
    at.accounts.delete('alice')
    assert.equal(await lines[1]?.look(), undefined)
  })
})

describe('devices: challenges that no browser waits for', () => {
  const backchannel: Partial<Place> = {
    backchannel: { authReqId: 'request', requirement: { floors: [] } as never },
    transaction: { bindingMessage: 'Pay 5 EUR' },
  }
  const outcomes = ({ endings }: Stage) =>
    endings.map(({ authenticatorId, proof }) => [authenticatorId, proof !== undefined])

  it('AC-82: end once, by whoever answers first', async () => {
    const at = await stage(backchannel)
    const replies = await Promise.all([at.answer(0, 'approve'), at.answer(1, 'approve'), at.answer(0, 'approve')])
    assert.ok(replies.filter((reply) => 'reply' in reply).length <= 1, JSON.stringify(replies))
    if (at.endings.length === 0) assert.deepEqual(await at.answer(0, 'approve'), APPROVED)
    assert.equal(at.endings.length, 1)
    assert.deepEqual(await at.answer(1, 'deny'), NONE)
    assert.equal(at.endings.length, 1)
  })

  it('AC-82: a denial right before the approval is taken is what is told', async () => {
    const at = await stage(backchannel)
    at.before('challenge', async () => assert.deepEqual(await at.answer(1, 'deny'), DENIED))
    assert.deepEqual(await at.answer(0, 'approve'), NONE)
    assert.deepEqual(outcomes(at), [[undefined, false]])
  })

  it('AC-20: the account’s browsers wait for it as for each other', async () => {
    const at = await stage(backchannel)
    const other = await at.ceremonies.show(placeOf(at.place.factor, 'challenge', { id: 'browser' }))
    assert.equal(other.outcome === 'open' && other.notice?.reason, 'paused')
    assert.deepEqual(await at.answer(0, 'approve'), APPROVED)
    const next = await at.ceremonies.show(placeOf(at.place.factor, 'challenge', { id: 'browser' }))
    assert.equal(next.outcome === 'open' && next.notice, undefined)
  })
})
