import assert from 'node:assert/strict'
import { mock } from 'node:test'
import type { AnyFactor, Ceremony, Input, OutgoingMessage, Sender, Step } from '../../src/factors/factor.ts'
import { settled } from './dispatch/office.ts'
import { challenge, codeFactor, PHONE, recordOf, sceneOf } from './scene.ts'
import { type Bench, createBench, give, hoardingStore, noticeOf, placeOf, race, START, wordOf } from './tools.ts'

const RETRIES = { retriesAfterSeconds: [10, 60] }

/** A sender that fails as often as it is told to, and what it was handed. */
const failing = (times: number) => {
  const handed: OutgoingMessage[] = []
  const sender: Sender = async (message) => {
    handed.push(message)
    if (handed.length <= times) throw new Error('421 come again')
  }
  return { handed, sender, texts: () => handed.map(({ text }) => text) }
}

const wait = async ({ advance }: Bench, seconds: number) => {
  for (let passed = 0; passed < seconds; passed += 1) {
    advance(1)
    mock.timers.tick(1000)
    await settled()
  }
}

/** One that asks for a number before it sends anything. */
const asking: Partial<AnyFactor> = {
  enroll: {
    ttlSeconds: 600,
    fields: ['number', 'code'],
    begin: () => ({ outcome: 'continue', state: {} }),
    submit: ({ code }: { code?: string }, { number, code: given }): Step => {
      if (number === undefined)
        return given === code ? { outcome: 'accepted', change: { add: {} } } : { outcome: 'refused', reason: 'invalid' }
      if (number.length < 5) return { outcome: 'continue', state: { code }, problem: 'sms.problem.number' }
      const message = { to: number, template: 'code', values: { code: 'sent' }, expiresAt: START + 9000 }
      return { outcome: 'continue', state: { code: 'sent' }, message }
    },
    view: (state) => ({ hasCode: (state as { code?: string }).code !== undefined }),
  } satisfies Ceremony,
}

describe('flow/dispatch, in ceremonies', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  it('tries a message again by itself, and its code is right', async () => {
    const { handed, sender, texts } = failing(2)
    const { show, answer, bench } = await challenge({ more: { ...RETRIES, sender } })
    assert.equal(wordOf(await show()), 'not-sent')
    await wait(bench, 10)
    assert.equal(handed.length, 2)
    await wait(bench, 60)
    assert.deepEqual(texts(), ['secret-1', 'secret-1', 'secret-1'])
    assert.equal(wordOf(await answer('secret-1')), 'accepted')
  })

  it('tries no longer what a newer message has replaced', async () => {
    const { sender, texts } = failing(1)
    const { show, answer, bench } = await challenge({ more: { ...RETRIES, sender } })
    await show()
    await wait(bench, 5)
    assert.equal(wordOf(await answer('more')), 'open')
    await wait(bench, 100)
    assert.deepEqual(texts(), ['secret-1', 'secret-2'])
  })

  it('tries no longer what was answered rightly', async () => {
    const { sender, texts } = failing(9)
    const { show, answer, bench } = await challenge({ more: { ...RETRIES, sender } })
    await show()
    assert.equal(wordOf(await answer('secret-1')), 'accepted')
    await wait(bench, 100)
    assert.deepEqual(texts(), ['secret-1'])
  })

  it('goes on trying after a wrong answer, and for another page of the account', async () => {
    const { sender, texts } = failing(2)
    const { show, answer, bench, factor } = await challenge({ more: { ...RETRIES, sender } })
    await show()
    assert.equal(wordOf(await answer('wrong')), 'invalid')
    await bench.ceremonies.show(placeOf(factor, 'challenge', { id: 'another' }))
    await wait(bench, 10)
    assert.deepEqual(texts(), ['secret-1', 'secret-2', 'secret-1', 'secret-2'])
  })

  for (const [reason, sendable] of [
    ['paused', 0],
    ['exhausted', 1],
  ] as const)
    it(`AC-14: a further code that is ${reason} leaves the earlier one as it was`, async () => {
      const budgets = [{ per: 'account', messages: 1, windowSeconds: 3600 }] as const
      const { show, answer, bench, messages } = await challenge({ more: sendable === 1 ? { budgets } : {} })
      await show()
      if (sendable === 1) bench.advance(30)
      for (let ask = 0; ask < 4; ask += 1) assert.equal(wordOf(await answer('more')), reason)
      assert.equal(messages.length, 1)
      assert.equal(wordOf(await answer('secret-1')), 'accepted')
    })

  it('a step that cannot be sent leaves the state that it holds for that, with what was sent before', async () => {
    const { factor } = codeFactor()
    const submit = ({ code }: { code: string }, { code: given }: Input): Step => {
      if (given === code) return { outcome: 'accepted', authenticatorId: PHONE.id }
      const message = { to: '+49301', template: 'code', values: { code: 'new' }, expiresAt: START + 9000 }
      return { outcome: 'continue', state: { code: 'new' }, message, held: { code, typed: given } }
    }
    const view = (state: unknown) => ({ typed: (state as { typed?: string }).typed })
    const { show, answer, messages, bench } = await challenge({
      more: { challenge: { ...factor.challenge, submit, view } },
    })
    await show()
    const paused = await answer('other')
    assert.deepEqual(paused.outcome === 'open' && [paused.view, wordOf(paused)], [{ typed: 'other' }, 'paused'])
    const again = await show()
    assert.deepEqual(again.outcome === 'open' && again.view, { typed: 'other' })
    assert.equal(messages.length, 1)
    assert.equal(wordOf(await answer('secret-1')), 'accepted')
    assert.deepEqual((await recordOf(bench)).failures, {})
  })

  it('AC-14: the code of one page answers no other page, whatever of them was opened last', async () => {
    const one = await challenge()
    const { bench, factor, messages } = one
    const other = placeOf(factor, 'challenge', { id: 'another' })
    await one.show()
    bench.advance(30)
    await bench.ceremonies.show(other)
    assert.deepEqual(
      messages.map(({ text }) => text),
      ['secret-1', 'secret-2'],
    )
    assert.equal(wordOf(await bench.ceremonies.answer(other, { code: 'secret-1' })), 'invalid')
    assert.equal(wordOf(await one.answer('secret-2')), 'invalid')
    assert.equal(wordOf(await one.answer('secret-1')), 'accepted')
  })

  it('AC-23: of many pages opened at once, for one or for many sign-ins, one message goes out', async () => {
    const { bench, factor, messages } = await challenge()
    const words = await race(12, (index) =>
      bench.ceremonies.show(placeOf(factor, 'challenge', { id: `sign-in ${index % 4}` })).then(wordOf),
    )
    assert.equal(messages.length, 1)
    assert.ok(words.every((word) => ['open', 'paused'].includes(word)))
  })

  it('AC-23: a right answer ends the pause', async () => {
    const { bench, factor, show, answer, messages } = await challenge()
    await show()
    assert.equal(wordOf(await answer('secret-1')), 'accepted')
    assert.equal(wordOf(await bench.ceremonies.show(placeOf(factor, 'challenge', { id: 'another' }))), 'open')
    assert.equal(messages.length, 2)
  })

  it('AC-23: a wrong one does not, nor does a page that has ended', async () => {
    const { bench, factor, show, answer } = await challenge()
    await show()
    for (let guess = 0; guess < 4; guess += 1) assert.equal(wordOf(await answer('wrong')), 'invalid')
    assert.equal(wordOf(await bench.ceremonies.show(placeOf(factor, 'challenge', { id: 'another' }))), 'paused')
  })

  it('a step that could not be committed sends nothing and makes nobody wait', async () => {
    let broken = false
    const store = hoardingStore()
    const put: typeof store.put = async (key, ...rest) =>
      broken && key.kind === 'challenge' ? false : store.put(key, ...rest)
    const bench = createBench({ store: { ...store, put } })
    const { show, answer, messages } = await challenge({ bench })
    await show()
    bench.advance(30)
    broken = true
    assert.equal(wordOf(await answer('more')), 'gone')
    assert.equal(messages.length, 1)
    broken = false
    assert.equal(wordOf(await answer('more')), 'open')
    assert.equal(messages.length, 2)
  })

  it('an input that is no proof is a problem, counts as no refusal and keeps what was sent before', async () => {
    const scene = sceneOf('enroll', { more: asking })
    const { bench, place, show, messages } = scene
    const type = (input: Record<string, string>) => bench.ceremonies.answer(place, input)
    await show()
    for (let typed = 0; typed < 12; typed += 1) {
      const page = await type({ number: '123' })
      assert.deepEqual(noticeOf(page), { reason: 'problem', id: 'sms.problem.number' })
    }
    assert.deepEqual([(await recordOf(bench)).failures, messages.length], [{}, 0])
    assert.equal(wordOf(await type({ number: '+49151' })), 'open')
    assert.equal(wordOf(await type({ number: '1' })), 'problem')
    assert.equal(wordOf(await type({ code: 'sent' })), 'accepted')
    assert.deepEqual([messages.length, (await recordOf(bench)).authenticators.length], [1, 1])
  })

  it('a suspect is out of use at once, with remembered browsers, and others of the account are not', async () => {
    const suspectId = PHONE.id
    const submit = () => ({ outcome: 'refused', reason: 'suspect', suspectId }) as const
    const scene = await challenge()
    const more = { challenge: { ...scene.factor.challenge, submit } }
    const { bench, show, answer } = await challenge({ more })
    const other = { ...PHONE, id: 'other-phone' }
    await give(bench, 'alice', PHONE, other, { ...PHONE, id: 'totp-1', factor: 'totp' })
    const { factorsVersion } = await recordOf(bench)
    const told: unknown[] = []
    bench.events.on('authenticator.suspected', ({ at: _at, ...event }) => void told.push(event))
    await show()
    assert.equal(wordOf(await answer('secret-1')), 'suspect')
    const after = await recordOf(bench)
    assert.deepEqual(
      after.authenticators.map(({ id, status }) => [id, status]),
      [
        [suspectId, 'suspect'],
        ['other-phone', 'active'],
        ['totp-1', 'active'],
      ],
    )
    assert.notEqual(after.factorsVersion, factorsVersion)
    assert.deepEqual(told, [{ accountId: 'alice', factor: 'code', clientId: 'app', authenticatorId: suspectId }])
    const page = await show()
    assert.equal(page.outcome === 'open' && page.authenticators.length, 1)
  })
})
