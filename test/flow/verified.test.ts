import assert from 'node:assert/strict'
import { leaveVerified, takeVerified, verifiedKey } from '../../src/flow/verified.ts'
import { did, EARLIER, OWN } from '../policy/makers.ts'
import { createBench, plant, race, START, textAt } from './tools.ts'

const KEY = verifiedKey('alice', 'interaction')
const EVENT = did('totp', 0, { cid: OWN })

describe('flow/verified', () => {
  it('gives all that was left there, in its order', async () => {
    const { vault } = createBench()
    const other = did('sms', 0, { cid: OWN })
    await leaveVerified(vault, KEY, [EVENT], START)
    await leaveVerified(vault, KEY, [other], START)
    assert.deepEqual(await takeVerified(vault, KEY, OWN), [EVENT, other])
  })

  it('loses nothing of what is left at the same moment', async () => {
    const { vault } = createBench()
    await race(5, (index) => leaveVerified(vault, KEY, [did('totp', index, { cid: OWN })], START))
    assert.equal((await takeVerified(vault, KEY, OWN)).length, 5)
  })

  it('AC-11: is taken by one of fifty, and is gone', async () => {
    const { vault, store } = createBench()
    await leaveVerified(vault, KEY, [EVENT], START)
    const taken = await race(50, () => takeVerified(vault, KEY, OWN))
    assert.deepEqual(taken.flat(), [EVENT])
    assert.equal(await store.get(KEY), undefined)
  })

  it('AC-14: gives nothing of another authorization, and destroys it', async () => {
    const { vault } = createBench()
    await leaveVerified(vault, KEY, [did('totp', 0, { cid: EARLIER }), EVENT], START)
    assert.deepEqual(await takeVerified(vault, KEY, OWN), [EVENT])
    await leaveVerified(vault, KEY, [EVENT], START)
    assert.deepEqual(await takeVerified(vault, KEY, EARLIER), [])
    assert.deepEqual(await takeVerified(vault, KEY, OWN), [])
  })

  it('AC-75: gives nothing to another interaction or account, not even moved there', async () => {
    const { vault, store } = createBench()
    await leaveVerified(vault, KEY, [EVENT], START)
    const text = await textAt(store, KEY)
    for (const key of [verifiedKey('bob', 'interaction'), verifiedKey('alice', 'other')]) {
      assert.deepEqual(await takeVerified(vault, key, OWN), [])
      await plant(store, key, text)
      assert.deepEqual(await takeVerified(vault, key, OWN), [])
    }
    assert.deepEqual(await takeVerified(vault, KEY, OWN), [EVENT])
  })

  it('waits an hour and no longer, though the store still holds it', async () => {
    const { vault, advance } = createBench()
    await leaveVerified(vault, KEY, [EVENT], START)
    advance(3600)
    assert.deepEqual(await takeVerified(vault, KEY, OWN), [])
  })
})
