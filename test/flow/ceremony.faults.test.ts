import assert from 'node:assert/strict'
import type { AnyFactor } from '../../src/factors/factor.ts'
import { applyRefusal } from '../../src/flow/account-record.ts'
import { ceremonyKey } from '../../src/flow/place.ts'
import { verifiedKey } from '../../src/flow/verified.ts'
import type { Accounts } from '../../src/store/accounts.ts'
import type { Store } from '../../src/store/store.ts'
import { challenge, codeFactor, enrollment, left, PHONE, recordOf, sceneOf } from './scene.ts'
import { type Bench, createBench, enrolled, give, hoardingStore, START, wordOf } from './tools.ts'

const APP = enrolled('totp')
const CAUSE = new Error('connection lost')
const DOWN = { name: 'StepUpError', code: 'ERR_STORE', cause: CAUSE }

/** A bench where, once armed, a rival writes to the account's record just before we do. */
const withRival = (rival: (bench: Bench) => Promise<unknown>) => {
  const store = hoardingStore()
  let due = 0
  const save: Accounts['save'] = async (...record) => {
    const rest = due - 1
    due = 0
    if (rest >= 0) await rival(bench)
    if (rest >= 0) due = rest
    return store.save(...record)
  }
  const bench = createBench({ store: { ...store, save } })
  const arm = (times = 1) => {
    due = times
  }
  return { bench, arm }
}

describe('flow/ceremony, faults', () => {
  describe('an accepted answer that another writer came before', () => {
    it('is judged again on what that writer left, and takes nothing from it', async () => {
      const { bench, arm } = withRival(({ records }) =>
        records.update('alice', (record) => applyRefusal(record, 'other', START)),
      )
      const { show, answer, calls } = await challenge({ bench })
      await show()
      arm()
      assert.equal(wordOf(await answer('secret-1')), 'accepted')
      assert.equal(calls.submit, 2)
      assert.deepEqual((await recordOf(bench)).failures, { other: 1 })
      assert.equal((await left(bench)).length, 1)
    })

    it('proves nothing by an authenticator that was disabled meanwhile', async () => {
      const { bench, arm } = withRival((ours) => give(ours, 'alice', { ...PHONE, status: 'disabled' }))
      const { show, answer } = await challenge({ bench })
      await show()
      arm()
      assert.equal(wordOf(await answer('secret-1')), 'gone')
      assert.deepEqual(await left(bench), [])
      assert.deepEqual((await recordOf(bench)).authenticators, [{ ...PHONE, status: 'disabled' }])
    })

    const implied = { implied: () => [PHONE] }
    const scenes: Readonly<Record<string, (bench: Bench) => ReturnType<typeof challenge>>> = {
      enrolled: (bench) => challenge({ bench }),
      implied: async (bench) => sceneOf('challenge', { bench, more: implied }),
      new: async (bench) => enrollment({ bench }),
    }
    for (const [name, open] of Object.entries(scenes))
      it(`AC-01: proves nothing by a factor that was switched off meanwhile (${name})`, async () => {
        const { bench, arm } = withRival(({ records }) =>
          records.update('alice', (record) => ({ ...record, disabledFactors: { code: START } })),
        )
        const { show, answer } = await open(bench)
        await show()
        arm()
        assert.notEqual(wordOf(await answer('secret-1')), 'accepted')
        assert.deepEqual(await left(bench), [])
      })

    it('AC-32: enrolls nothing beside an authenticator that was added meanwhile', async () => {
      const { bench, arm } = withRival((ours) => give(ours, 'alice', APP))
      const { show, answer } = enrollment({ bench })
      await show()
      arm()
      assert.equal(wordOf(await answer('secret-1')), 'gone')
      assert.deepEqual(await left(bench), [])
      assert.deepEqual((await recordOf(bench)).authenticators, [APP])
    })

    it('is refused after five lost races, and counted', async () => {
      const touch = ({ records }: Bench) => records.update('alice', (record) => ({ ...record }))
      const { bench, arm } = withRival(touch)
      const { show, answer } = await challenge({ bench })
      await show()
      arm(5)
      assert.equal(wordOf(await answer('secret-1')), 'used')
      assert.deepEqual((await recordOf(bench)).failures, { code: 1 })
      assert.deepEqual(await left(bench), [])
    })

    it('keeps its ceremony with its end where it is refused now', async () => {
      const { factor } = codeFactor()
      const submit: AnyFactor['challenge']['submit'] = (_state, _input, { authenticators: [first] }) =>
        first?.lastUsedAt === undefined
          ? { outcome: 'accepted', authenticatorId: PHONE.id }
          : { outcome: 'refused', reason: 'used' }
      const { bench, arm } = withRival((ours) => give(ours, 'alice', { ...PHONE, lastUsedAt: START }))
      const more = { challenge: { ...factor.challenge, submit } }
      const { show, answer } = await challenge({ bench, more })
      await show()
      bench.advance(599)
      arm()
      assert.equal(wordOf(await answer('')), 'used')
      assert.equal(wordOf(await answer('')), 'used')
      bench.advance(1)
      assert.equal(wordOf(await answer('')), 'gone')
    })

    it('keeps its ceremony where its judge is away now', async () => {
      const { factor } = codeFactor()
      let asked = 0
      const submit = () => {
        asked += 1
        if (asked === 2) return { outcome: 'refused', reason: 'unavailable' } as const
        return { outcome: 'accepted', authenticatorId: PHONE.id } as const
      }
      const { bench, arm } = withRival(({ records }) => records.update('alice', (record) => ({ ...record })))
      const { show, answer } = await challenge({ bench, more: { challenge: { ...factor.challenge, submit } } })
      await show()
      arm()
      assert.equal(wordOf(await answer('')), 'unavailable')
      assert.equal(wordOf(await answer('')), 'accepted')
    })
  })

  describe('a store that fails', () => {
    it('proves nothing where the evidence could not be left, and the next answer can', async () => {
      const store = hoardingStore()
      let down = false
      const put: Store['put'] = (key, ...rest) =>
        down && key.kind === verifiedKey('', '').kind ? Promise.reject(CAUSE) : store.put(key, ...rest)
      const { bench, show, answer, place, latest } = await challenge({
        bench: createBench({ store: { ...store, put } }),
      })
      await show()
      down = true
      await assert.rejects(answer('secret-1'), DOWN)
      assert.deepEqual(await left(bench), [])
      assert.equal(await store.get(ceremonyKey(place)), undefined)
      down = false
      await show()
      assert.equal(wordOf(await answer(latest())), 'accepted')
      assert.equal((await left(bench)).length, 1)
    })

    it('opens neither a page nor an enrolment where the account’s record cannot be read', async () => {
      const store = hoardingStore()
      const load = () => Promise.reject(CAUSE)
      const { show, answer, calls } = enrollment({ bench: createBench({ store: { ...store, load } }) })
      await assert.rejects(show(), DOWN)
      await assert.rejects(answer('secret-1'), DOWN)
      assert.equal(calls.begin, 0)
    })

    it('AC-75: nor where it was altered', async () => {
      const { bench, show, answer, calls } = enrollment()
      await bench.store.save('alice', '{"authenticators":[]}', null)
      await assert.rejects(show(), { code: 'ERR_SEAL' })
      await assert.rejects(answer('secret-1'), { code: 'ERR_SEAL' })
      assert.equal(calls.begin, 0)
    })
  })
})
