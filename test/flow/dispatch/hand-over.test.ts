import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { StepUpError } from '../../../src/errors.ts'
import type { Sender } from '../../../src/factors/factor.ts'
import { createCarrier, type LastWord, type Parcel } from '../../../src/flow/dispatch/hand-over.ts'
import { START } from '../tools.ts'
import { settled } from './office.ts'

type Answer = LastWord | 'never' | 'throws' | number | 'undelivered'

const fault = () => new Error('451 try later')
const later = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

const answering: Readonly<Record<string, Sender>> = {
  sent: async () => undefined,
  'not-sent': () => Promise.reject(fault()),
  unreachable: () => Promise.reject(new StepUpError('ERR_ADDRESS', 'nobody there')),
  undelivered: async () => ({ gone: ['d0'], undelivered: true }),
  never: () => new Promise(() => undefined),
  throws: () => {
    throw fault()
  },
}

/** A carrier on timers that tests move, and what became of its parcels. */
const carrying = () => {
  let at = START
  const carrier = createCarrier(() => at)
  const tries: number[] = []
  const heard: string[] = []

  /** Moves the time on as timers see it and as the clock does, second by second. */
  const wait = async (seconds: number) => {
    for (let passed = 0; passed < seconds; passed += 1) {
      at += 1
      mock.timers.tick(1000)
      await settled()
    }
  }
  /** Answers one attempt after the other; a number is a success after so many milliseconds. */
  const parcel = (answers: readonly Answer[], more: Partial<Parcel> = {}): Parcel => {
    const left = [...answers]
    return {
      about: 'page',
      retriesAfterSeconds: [],
      onReceipt: ({ gone }) => heard.push(`gone: ${gone.join()}`),
      onAttempt: (word) => heard.push(`tried: ${word}`),
      onEnd: (word) => heard.push(`ended: ${word}`),
      outgoing: { to: '+49', channel: 'text', locale: 'en', text: 'code', expiresAt: START + 300 },
      sender: async (message) => {
        tries.push(at - START)
        const next = left.shift() ?? 'sent'
        return typeof next === 'number' ? later(next) : answering[next]?.(message)
      },
      ...more,
    }
  }
  return { carrier, tries, heard, wait, parcel }
}

describe('flow/dispatch/hand-over', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  for (const [answer, handed] of [
    ['sent', 'sent'],
    ['not-sent', 'not-sent'],
    ['throws', 'not-sent'],
    ['unreachable', 'unreachable'],
  ] as const)
    it(`answers at once where a sender that ${answer} is known to be ${handed}`, async () => {
      const { carrier, heard, parcel } = carrying()
      assert.equal(await carrier.hand(parcel([answer])), handed)
      await settled()
      assert.deepEqual(heard, [`tried: ${handed}`, `ended: ${handed}`])
    })

  it('tries again what went nowhere by its own addresses, and blames the gateway for nothing', async () => {
    const { carrier, parcel, tries, heard, wait } = carrying()
    assert.equal(await carrier.hand(parcel(['undelivered', 'sent'], { retriesAfterSeconds: [3] })), 'not-sent')
    await wait(3)
    assert.deepEqual(tries, [0, 3])
    assert.deepEqual(heard, ['gone: d0', 'tried: sent', 'ended: sent'])
  })

  it('takes a sender at its word that throws before it answers, and one that answers no promise', async () => {
    const { carrier, parcel } = carrying()
    assert.equal(await carrier.hand(parcel([], { sender: answering.throws as Sender })), 'not-sent')
    assert.equal(await carrier.hand(parcel([], { sender: (() => undefined) as unknown as Sender })), 'sent')
  })

  it('answers after a second and a half, not before, and goes on without anybody waiting', async () => {
    const { carrier, heard, parcel } = carrying()
    let known: string | undefined
    const handing = carrier.hand(parcel([2000])).then((word) => {
      known = word
    })
    await settled()
    mock.timers.tick(1499)
    await settled()
    assert.equal(known, undefined)
    mock.timers.tick(1)
    await handing
    assert.equal(known, 'pending')
    assert.deepEqual(heard, [])
    mock.timers.tick(500)
    await settled()
    assert.deepEqual(heard, ['tried: sent', 'ended: sent'])
  })

  it('gives a sender up after a minute', async () => {
    const { carrier, heard, parcel, wait } = carrying()
    const handing = carrier.hand(parcel(['never']))
    await wait(59)
    assert.equal(await handing, 'pending')
    assert.deepEqual(heard, [])
    await wait(1)
    assert.deepEqual(heard, ['tried: not-sent', 'ended: not-sent'])
  })

  const retries = [
    [['not-sent', 'sent'], [0, 10], 'sent'],
    [['not-sent', 'throws', 'sent'], [0, 10, 40], 'sent'],
    [['not-sent', 'not-sent', 'not-sent', 'not-sent', 'sent'], [0, 10, 40, 100], 'not-sent'],
    [['not-sent', 'unreachable', 'sent'], [0, 10], 'unreachable'],
    [['sent'], [0], 'sent'],
    [['unreachable'], [0], 'unreachable'],
  ] as const
  for (const [answers, times, word] of retries)
    it(`tries again after 10, 30 and 60 s where the answers are ${answers.join(', ')}`, async () => {
      const { carrier, tries, heard, parcel, wait } = carrying()
      await carrier.hand(parcel(answers, { retriesAfterSeconds: [10, 30, 60] }))
      await wait(120)
      assert.deepEqual(tries, times)
      assert.deepEqual(heard.at(-1), `ended: ${word}`)
      assert.equal(heard.length, times.length + 1)
    })

  for (const life of [1, 9, 10, 11, 40, 41, 100, 101, 200])
    it(`never tries after the end of a message that is of use for ${life} s`, async () => {
      const { carrier, tries, heard, parcel, wait } = carrying()
      const outgoing = { ...parcel([]).outgoing, expiresAt: START + life }
      const failing = Array.from({ length: 9 }, () => 'not-sent' as const)
      await carrier.hand(parcel(failing, { retriesAfterSeconds: [10, 30, 60], outgoing }))
      await wait(150)
      assert.deepEqual(
        tries,
        [0, 10, 40, 100].filter((at) => at < life),
      )
      assert.equal(heard.at(-1), 'ended: not-sent')
    })

  it('never tries after its end, whatever a slow attempt has cost', async () => {
    const { carrier, tries, parcel, wait } = carrying()
    const outgoing = { ...parcel([]).outgoing, expiresAt: START + 65 }
    const handing = carrier.hand(parcel(['never', 'sent'], { retriesAfterSeconds: [10], outgoing }))
    await wait(90)
    await handing
    assert.deepEqual(tries, [0])
  })

  it('never tries after its end where the timer came late, as after the sleep of a machine', async () => {
    let at = START
    const carrier = createCarrier(() => at)
    const { parcel } = carrying()
    let calls = 0
    const sender: Sender = () => {
      calls += 1
      return Promise.reject(fault())
    }
    await carrier.hand(parcel([], { sender, retriesAfterSeconds: [10] }))
    at += 400
    mock.timers.tick(10_000)
    await settled()
    assert.equal(calls, 1)
  })

  for (const [what, end] of [
    ['a newer one about the same', (it: ReturnType<typeof carrying>) => it.carrier.hand(it.parcel(['sent']))],
    ['a right answer', async (it: ReturnType<typeof carrying>) => it.carrier.drop('page')],
  ] as const) {
    it(`drops what is left to try with ${what}`, async () => {
      const it = carrying()
      await it.carrier.hand(it.parcel(['not-sent', 'sent'], { retriesAfterSeconds: [10] }))
      await it.wait(5)
      await end(it)
      const before = it.tries.length
      await it.wait(60)
      assert.equal(it.tries.length, before)
    })

    it(`says nothing about a failure after ${what}, as nobody waits for it`, async () => {
      const it = carrying()
      const handing = it.carrier.hand(it.parcel(['never']))
      await it.wait(2)
      await handing
      await end(it)
      await it.wait(60)
      assert.ok(!it.heard.includes('ended: not-sent'), it.heard.join())
    })
  }

  it('tells of a message that did go out, also where it was dropped by then', async () => {
    const { carrier, heard, parcel, wait } = carrying()
    const handing = carrier.hand(parcel([5000]))
    await wait(2)
    await handing
    carrier.drop('page')
    await wait(4)
    assert.deepEqual(heard, ['tried: sent', 'ended: sent'])
  })

  it('drops nothing that is about something else', async () => {
    const { carrier, tries, parcel, wait } = carrying()
    await carrier.hand(parcel(['not-sent', 'sent'], { retriesAfterSeconds: [10] }))
    await carrier.hand(parcel(['sent'], { about: 'another' }))
    carrier.drop('third')
    await wait(10)
    assert.deepEqual(tries, [0, 0, 10])
  })
})
