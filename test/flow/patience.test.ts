import assert from 'node:assert/strict'
import { mock } from 'node:test'
import type { Step } from '../../src/factors/factor.ts'
import { inTime } from '../../src/flow/patience.ts'
import { settled } from './dispatch/office.ts'
import { challenge, codeFactor, enrollment, left, recordOf } from './scene.ts'
import { signal, wordOf } from './tools.ts'

const RIGHT: Step = { outcome: 'accepted' }
const UNAVAILABLE = { outcome: 'refused', reason: 'unavailable' }

/** What was promised, once so much time has passed; undefined while it is open. */
const elapsing = async <T>(milliseconds: number, promise: Promise<T>): Promise<T | undefined> => {
  let known: T | undefined
  promise.then((value) => {
    known = value
  }, assert.ifError)
  await settled()
  mock.timers.tick(milliseconds)
  await settled()
  return known
}

const hanging = () => new Promise<Step>(() => undefined)

/** A challenge or an enrolment whose judge answers when it is told to. */
const judged = async (purpose: 'challenge' | 'enroll', at: 'begin' | 'submit') => {
  const [asked, told] = [signal(), signal()]
  const ceremony = codeFactor().factor[purpose]
  const answers = { begin: { outcome: 'continue', state: { code: 'x' } }, submit: RIGHT } as const
  const slow = async () => {
    asked.send()
    await told.sent
    return answers[at]
  }
  const more = { [purpose]: { ...ceremony, [at]: slow } }
  return { ...(purpose === 'challenge' ? await challenge({ more }) : enrollment({ more })), asked, told }
}

describe('flow/patience', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  it('takes what is known at once as it is', async () => {
    assert.equal(await inTime(RIGHT), RIGHT)
    assert.equal(await inTime(Promise.resolve(RIGHT)), RIGHT)
  })

  it('waits five seconds for a judge, and calls it unavailable then', async () => {
    assert.equal(await elapsing(4999, inTime(hanging())), undefined)
    assert.deepEqual(await elapsing(5000, inTime(hanging())), UNAVAILABLE)
  })

  it('takes an answer a moment before the end, and none after it', async () => {
    const late = signal()
    const step = inTime(late.sent.then(() => RIGHT))
    await elapsing(4999, step)
    late.send()
    assert.equal(await step, RIGHT)
    const [later, word] = [signal(), signal()]
    const missed = inTime(later.sent.then(() => RIGHT)).finally(word.send)
    await elapsing(5000, missed)
    later.send()
    assert.deepEqual(await missed, UNAVAILABLE)
  })

  it('hands the judge’s own fault on, and leaves none unhandled that comes too late', async () => {
    const fault = new Error('certificate expired')
    await assert.rejects(inTime(Promise.reject(fault)), fault)
    const unhandled: unknown[] = []
    const note = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    const late = signal()
    const step = inTime(late.sent.then(() => Promise.reject<Step>(fault)))
    assert.deepEqual(await elapsing(5000, step), UNAVAILABLE)
    late.send()
    await settled()
    process.off('unhandledRejection', note)
    assert.deepEqual(unhandled, [])
  })

  for (const purpose of ['challenge', 'enroll'] as const)
    it(`a judge that hangs accepts nothing (${purpose}), refuses nothing, and can be asked again`, async () => {
      const { show, answer, asked, told, bench } = await judged(purpose, 'submit')
      await show()
      const answering = answer('secret-1')
      await asked.sent
      assert.equal(wordOf((await elapsing(5000, answering)) ?? assert.fail('still waiting')), 'unavailable')
      told.send()
      await settled()
      const { failures, authenticators } = await recordOf(bench)
      assert.deepEqual([failures, authenticators.length], [{}, purpose === 'challenge' ? 1 : 0])
      assert.deepEqual(await left(bench), [])
      assert.equal(await bench.throttle.pauseLeft('alice', 'code'), 0)
      assert.equal(wordOf(await answer('secret-1')), 'accepted')
    })

  it('a judge that hangs at the beginning leaves nothing behind, and the page begins when it answers', async () => {
    const { show, asked, told } = await judged('challenge', 'begin')
    const showing = show()
    await asked.sent
    const page = (await elapsing(5000, showing)) ?? assert.fail('still waiting')
    assert.equal(wordOf(page), 'unavailable')
    assert.ok(page.outcome === 'open' && page.view === undefined)
    told.send()
    assert.equal(wordOf(await show()), 'open')
  })
})
