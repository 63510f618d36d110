import assert from 'node:assert/strict'
import { NodeCryptoPlugin } from '@otplib/plugin-crypto-node'
import { generateSync } from 'otplib'
import type { AnyFactor } from '../../src/factors/factor.ts'
import { totp } from '../../src/factors/totp.ts'
import type { Store } from '../../src/store/store.ts'
import { challenge, enrollment, left, recordOf } from './scene.ts'
import {
  createBench,
  enrolled,
  give,
  hoardingStore,
  meetingOf,
  openThrottle,
  placeOf,
  race,
  START,
  signal,
  wordOf,
} from './tools.ts'

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const APP = enrolled('totp', { data: { secret: SECRET, lastStep: 0 } })
const CAUSE = new Error('connection lost')
const DOWN = { name: 'StepUpError', code: 'ERR_STORE', cause: CAUSE }

const codeNow = () => ({ code: generateSync({ secret: SECRET, epoch: START, crypto: new NodeCryptoPlugin() }) })

const sorted = (words: readonly string[]) => [...words].sort()

describe('flow/ceremony, races', () => {
  describe('two pages opened at once', () => {
    it('begin one ceremony and send one message, whose code is right', async () => {
      const { show, answer, messages } = await challenge()
      const pages = await race(2, show)
      assert.deepEqual(pages[0], pages[1])
      assert.equal(messages.length, 1)
      assert.equal(wordOf(await answer(messages[0]?.text ?? '')), 'accepted')
    })

    it('find nothing where what won is gone already', async () => {
      const put: Store['put'] = async () => false
      const { show, messages } = await challenge({ bench: createBench({ store: { ...hoardingStore(), put } }) })
      assert.equal(wordOf(await show()), 'gone')
      assert.deepEqual(messages, [])
    })
  })

  describe('a message', () => {
    it('is sent after its code was committed', async () => {
      const order: string[] = []
      const store = hoardingStore()
      const put: Store['put'] = async (key, ...rest) => {
        const won = await store.put(key, ...rest)
        if (key.kind === 'challenge') order.push('committed')
        return won
      }
      const sender = async () => {
        order.push('sent')
      }
      const scene = await challenge({ bench: createBench({ store: { ...store, put } }), more: { sender } })
      await scene.show()
      scene.bench.advance(30)
      await scene.answer('more')
      assert.deepEqual(order, ['committed', 'sent', 'committed', 'sent'])
    })

    it('is not sent where the store does not answer', async () => {
      const put = () => Promise.reject(CAUSE)
      const { show, messages } = await challenge({ bench: createBench({ store: { ...hoardingStore(), put } }) })
      await assert.rejects(show(), DOWN)
      assert.deepEqual(messages, [])
    })

    it('is not sent for a further step that lost its race', async () => {
      const { show, answer, messages, bench } = await challenge({ bench: createBench({ throttle: openThrottle }) })
      await show()
      bench.advance(30)
      const words = (await race(5, () => answer('more'))).map(wordOf)
      assert.deepEqual(sorted(words), ['open', 'paused', 'paused', 'paused', 'paused'])
      assert.equal(messages.length, 2)
      assert.equal(wordOf(await answer(messages[1]?.text ?? '')), 'accepted')
    })
  })

  describe('answers at once', () => {
    for (const [name, throttle] of [
      ['throttled', {}],
      ['all let through', { throttle: openThrottle }],
    ] as const) {
      it(`AC-11: of fifty right ones, ${name}, one is accepted and leaves one event`, async () => {
        const { show, answer, bench } = await challenge({ bench: createBench(throttle) })
        await show()
        const words = (await race(50, () => answer('secret-1'))).map(wordOf)
        assert.equal(words.filter((word) => word === 'accepted').length, 1)
        assert.equal((await left(bench)).length, 1)
      })

      it(`AC-11: of fifty confirmations of an enrolment, ${name}, one adds one authenticator`, async () => {
        const { show, answer, bench } = enrollment({ bench: createBench(throttle) })
        await show()
        const words = (await race(50, () => answer('secret-1'))).map(wordOf)
        assert.equal(words.filter((word) => word === 'accepted').length, 1)
        assert.equal((await recordOf(bench)).authenticators.length, 1)
        assert.equal((await left(bench)).length, 1)
      })
    }

    it('give the attempts back that came after the accepted one', async () => {
      let given = 0
      const giveBack = async () => {
        given += 1
      }
      const bench = createBench({ throttle: { ...openThrottle, giveBack } })
      const { show, answer } = await challenge({ bench })
      await show()
      const words = (await race(5, () => answer('secret-1'))).map(wordOf)
      assert.deepEqual(sorted(words), ['accepted', 'gone', 'gone', 'gone', 'gone'])
      assert.equal(given, 4)
    })

    it('AC-11: of one code in two interactions one is accepted, the other was used', async () => {
      const bench = createBench()
      const meet = meetingOf(2)
      const app = totp({ issuer: 'Test' })
      const looked = signal()
      const submit: AnyFactor['challenge']['submit'] = async (...answer) => {
        looked.send()
        await meet()
        return app.challenge.submit(...answer)
      }
      const factor: AnyFactor = { ...app, challenge: { ...app.challenge, submit } }
      await give(bench, 'alice', APP)
      const [one, other] = ['one', 'other'].map((id) => placeOf(factor, 'challenge', { id }))
      assert.ok(one && other)
      await bench.ceremonies.show(one)
      await bench.ceremonies.show(other)
      const first = bench.ceremonies.answer(one, codeNow())
      await looked.sent
      const outcomes = await Promise.all([first, bench.ceremonies.answer(other, codeNow())])
      assert.deepEqual(sorted(outcomes.map(wordOf)), ['accepted', 'used'])
      assert.equal((await left(bench, 'one')).length + (await left(bench, 'other')).length, 1)
      assert.deepEqual((await recordOf(bench)).failures, { totp: 1 })
    })

    it('AC-11: of one code in five interactions one is accepted, though all were let through', async () => {
      const bench = createBench({ throttle: openThrottle })
      await give(bench, 'alice', APP)
      const places = ['a', 'b', 'c', 'd', 'e'].map((id) => placeOf(totp({ issuer: 'Test' }), 'challenge', { id }))
      for (const place of places) await bench.ceremonies.show(place)
      const outcomes = await Promise.all(places.map((place) => bench.ceremonies.answer(place, codeNow())))
      assert.deepEqual(sorted(outcomes.map(wordOf)), ['accepted', 'used', 'used', 'used', 'used'])
    })

    it('AC-30: of two enrolments of an account one is taken', async () => {
      const { bench, place, show, answer } = enrollment({ bench: createBench({ throttle: openThrottle }) })
      const other = { ...place, id: 'other' }
      await show()
      await bench.ceremonies.show(other)
      const outcomes = [answer('secret-1'), bench.ceremonies.answer(other, { code: 'secret-2' })]
      assert.deepEqual(sorted((await Promise.all(outcomes)).map(wordOf)), ['accepted', 'gone'])
      assert.equal((await recordOf(bench)).authenticators.length, 1)
      assert.equal((await left(bench)).length + (await left(bench, 'other')).length, 1)
    })
  })
})
