import assert from 'node:assert/strict'
import { pauseAfter } from '../../src/flow/throttle.ts'
import type { Store, StoreKey } from '../../src/store/store.ts'
import { type Bench, createBench, hoardingStore, plant, race, textAt } from './tools.ts'

const GRANTED = { granted: true }
const denied = (retryAfterSeconds: number) => ({ granted: false, retryAfterSeconds })
const KEY: StoreKey = { kind: 'throttle', accountId: 'alice', id: 'totp' }

/** Fails so many times as fast as it may; every answer is looked at. */
const fail = async ({ throttle, advance }: Bench, count: number) => {
  for (let done = 0; done < count; done += 1) {
    advance(await throttle.pauseLeft('alice', 'totp'))
    assert.deepEqual(await throttle.reserve('alice', 'totp', 0), GRANTED)
  }
}

describe('flow/throttle', () => {
  describe('pauses', () => {
    const PAUSES = [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600]

    it('begin with the fifth refusal and double up to an hour', () => {
      assert.deepEqual(
        PAUSES.map((_, failures) => pauseAfter(failures)),
        PAUSES,
      )
      assert.equal(pauseAfter(100), 3600)
      assert.equal(pauseAfter(5000), 3600)
    })

    it('hold back every answer until their last second is over', async () => {
      const bench = createBench()
      const { throttle, advance } = bench
      for (const pause of PAUSES.slice(1)) {
        await fail(bench, 1)
        assert.equal(await throttle.pauseLeft('alice', 'totp'), pause)
        if (pause === 0) continue
        advance(pause - 1)
        assert.deepEqual(await throttle.reserve('alice', 'totp', 0), denied(1))
        assert.equal(await throttle.pauseLeft('alice', 'totp'), 1)
      }
    })

    it('are not prolonged by answers that were not looked at', async () => {
      const bench = createBench()
      await fail(bench, 5)
      await race(20, () => bench.throttle.reserve('alice', 'totp', 0))
      assert.equal(await bench.throttle.pauseLeft('alice', 'totp'), 30)
    })

    it('are forgotten after a quiet day', async () => {
      const bench = createBench()
      await fail(bench, 8)
      bench.advance(86_399)
      await fail(bench, 1)
      assert.equal(await bench.throttle.pauseLeft('alice', 'totp'), 480)
      bench.advance(86_400)
      await fail(bench, 1)
      assert.equal(await bench.throttle.pauseLeft('alice', 'totp'), 0)
    })
  })

  describe('counting', () => {
    it('AC-04: comes before looking: what nobody has judged yet counts as refused', async () => {
      const bench = createBench()
      await fail(bench, 5)
      assert.deepEqual(await bench.throttle.reserve('alice', 'totp', 0), denied(30))
    })

    it('takes back what was given back, with its pause', async () => {
      const bench = createBench()
      await fail(bench, 4)
      for (let round = 0; round < 20; round += 1) {
        await fail(bench, 1)
        await bench.throttle.giveBack('alice', 'totp')
        assert.equal(await bench.throttle.pauseLeft('alice', 'totp'), 0)
      }
      await fail(bench, 1)
      assert.equal(await bench.throttle.pauseLeft('alice', 'totp'), 30)
    })

    it('never falls below nothing', async () => {
      const bench = createBench()
      await bench.throttle.giveBack('alice', 'totp')
      await fail(bench, 1)
      await race(3, () => bench.throttle.giveBack('alice', 'totp'))
      await fail(bench, 4)
      assert.equal(await bench.throttle.pauseLeft('alice', 'totp'), 0)
      await fail(bench, 1)
      assert.equal(await bench.throttle.pauseLeft('alice', 'totp'), 30)
    })

    it('forgets one factor and neither its neighbor nor another account', async () => {
      const { throttle } = createBench()
      const all = ['alice totp', 'alice sms', 'bob totp'].map((pair) => pair.split(' ') as [string, string])
      for (const [account, factor] of all)
        for (let done = 0; done < 5; done += 1) await throttle.reserve(account, factor, 0)
      await throttle.clear('alice', 'totp')
      const left = await Promise.all(all.map(([account, factor]) => throttle.pauseLeft(account, factor)))
      assert.deepEqual(left, [0, 30, 30])
      assert.deepEqual(await throttle.reserve('alice', 'totp', 0), GRANTED)
    })

    it('AC-05: has one key for an account and a factor, and no other part in it', async () => {
      const keys: StoreKey[] = []
      const store = hoardingStore()
      const put: Store['put'] = (key, value, options) => {
        keys.push(key)
        return store.put(key, value, options)
      }
      const { throttle } = createBench({ store: { ...store, put } })
      for (let known = 0; known < 3; known += 1) await throttle.reserve('alice', 'totp', known)
      await throttle.giveBack('alice', 'totp')
      assert.deepEqual(keys, [KEY, KEY, KEY, KEY])
    })
  })

  describe('many at once', () => {
    it('a lost race is throttled for a second', async () => {
      const { throttle } = createBench()
      const answers = await race(5, () => throttle.reserve('alice', 'totp', 0))
      assert.deepEqual(answers, [GRANTED, denied(1), denied(1), denied(1), denied(1)])
    })

    it('AC-04: two hundred get no more than the free ones, however they arrive', async () => {
      const { throttle } = createBench()
      const answers = await race(200, async (index) => {
        for (let turn = 0; turn < index % 23; turn += 1) await Promise.resolve()
        return throttle.reserve('alice', 'totp', 0)
      })
      const granted = answers.filter((answer) => answer.granted).length
      assert.ok(granted >= 1 && granted <= 5, `${granted}`)
    })

    it('AC-04: two hundred after four refusals get one', async () => {
      const bench = createBench()
      await fail(bench, 4)
      const answers = await race(200, () => bench.throttle.reserve('alice', 'totp', 0))
      assert.equal(answers.filter((answer) => answer.granted).length, 1)
      assert.deepEqual(await bench.throttle.reserve('alice', 'totp', 0), denied(30))
    })
  })

  describe('a pace that was lost', () => {
    const losses: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
      'F-02: with the whole store': ({ store }) => store.delete(KEY),
      'AC-75: by a record altered at rest': async ({ store }) =>
        plant(store, KEY, `${(await textAt(store, KEY)).slice(0, -4)}AAAA`),
    }
    for (const [title, lose] of Object.entries(losses))
      it(`${title} begins again where the durable count stands`, async () => {
        const bench = createBench()
        await fail(bench, 8)
        await lose(bench)
        assert.deepEqual(await bench.throttle.reserve('alice', 'totp', 8), GRANTED)
        assert.deepEqual(await bench.throttle.reserve('alice', 'totp', 8), denied(480))
      })

    it('the durable count never lowers the pace', async () => {
      const bench = createBench()
      await fail(bench, 8)
      bench.advance(240)
      assert.deepEqual(await bench.throttle.reserve('alice', 'totp', 0), GRANTED)
      assert.equal(await bench.throttle.pauseLeft('alice', 'totp'), 480)
    })
  })

  it('grants nothing where the store does not answer', async () => {
    const cause = new Error('connection lost')
    const { throttle } = createBench({ store: { ...hoardingStore(), put: () => Promise.reject(cause) } })
    await assert.rejects(throttle.reserve('alice', 'totp', 0), { code: 'ERR_STORE', cause })
  })
})
