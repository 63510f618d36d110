import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/index.ts'

describe('testing/virtual-clock', () => {
  const realNow = Date.now
  const RealDate = Date
  let clock: VirtualClock

  beforeEach(() => {
    clock = virtualClock()
  })
  afterEach(() => clock.restore())

  it('starts at the real time', () => {
    assert.ok(Math.abs(clock.now() - realNow() / 1000) < 2)
  })
  it('moves Date.now, new Date and the clock of this package together', () => {
    clock.set(2_000_000_000)
    clock.advance(3600)
    for (const seconds of [
      clock.now(),
      systemClock(),
      Date.now() / 1000,
      Date.parse(new Date().toISOString()) / 1000,
    ]) {
      assert.ok(seconds >= 2_000_003_600 && seconds < 2_000_003_602, `${seconds}`)
    }
  })
  it('moves back as well', () => {
    clock.set(2_000_000_000)
    clock.advance(-3600)
    assert.ok(Math.abs(clock.now() - 1_999_996_400) < 2)
  })
  it('leaves dates that are given alone', () => {
    clock.set(2_000_000_000)
    const date = new Date(0)
    assert.equal(date.toISOString(), '1970-01-01T00:00:00.000Z')
    assert.ok(date instanceof Date && date instanceof RealDate)
    assert.equal(new Date(2020, 1, 29).getDate(), 29)
    assert.equal(Date.UTC(1970, 0, 1), 0)
  })
  it('ends the records of a store', async () => {
    const store = memoryStore()
    const key = { kind: 'ledger', accountId: 'alice', id: 'session' }
    await store.put(key, 'value', { expectedVersion: null, ttlSeconds: 60 })
    clock.advance(62)
    assert.equal(await store.get(key), undefined)
  })
  it('gives the real time back, once or many times', () => {
    clock.set(2_000_000_000)
    clock.restore()
    clock.restore()
    assert.equal(Date, RealDate)
    assert.equal(Date.now, realNow)
  })
  it('leaves a later clock alone when an earlier one is restored again', () => {
    clock.restore()
    const later = virtualClock()
    later.set(2_000_000_000)
    clock.restore()
    assert.ok(Date.now() >= 2_000_000_000_000)
    later.restore()
  })
  it('refuses to be installed twice', () => {
    assert.throws(() => virtualClock(), { code: 'ERR_CONFIG', message: /restore\(\)/ })
  })
})
