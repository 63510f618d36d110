import assert from 'node:assert/strict'
import { systemClock } from '../src/clock.ts'
import { sourcesWith } from './crypto/sources.ts'

describe('clock', () => {
  it('tells whole epoch seconds', () => {
    const before = Math.floor(Date.now() / 1000)
    const now = systemClock()
    assert.ok(Number.isInteger(now))
    assert.ok(now >= before && now <= Date.now() / 1000)
  })

  // The SDK runs on other machines, on their clocks.
  it('is the only reader of the time of day in the package', () => {
    assert.deepEqual(
      sourcesWith(/Date\.now\(|new Date\(\)/, 'clock.ts', 'testing/virtual-clock.ts', 'device/platform.ts'),
      [],
    )
  })
})
