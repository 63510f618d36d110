import assert from 'node:assert/strict'
import fc from 'fast-check'
import { distanceKm, type Point } from '../../src/policy/distance.ts'

const at = (latitude: number, longitude: number): Point => ({ latitude, longitude })
const HALF_EARTH_KM = 20_015.1

const somewhere = fc.record({
  latitude: fc.double({ min: -90, max: 90, noNaN: true }),
  longitude: fc.double({ min: -180, max: 180, noNaN: true }),
})

describe('policy/distance', () => {
  it('is as long as the great circle', () => {
    const known: readonly (readonly [Point, Point, number])[] = [
      [at(52.52, 13.405), at(48.137, 11.575), 504.3],
      [at(52.52, 13.405), at(-33.87, 151.21), 16_089],
      [at(0, 179.9), at(0, -179.9), 22.2],
      [at(90, 0), at(90, 123), 0],
      [at(90, 0), at(-90, 0), HALF_EARTH_KM],
      [at(12.3, 45.6), at(-12.3, -134.4), HALF_EARTH_KM],
    ]
    for (const [one, other, km] of known) assert.ok(Math.abs(distanceKm(one, other) - km) < km / 500 + 0.1)
  })

  it('is the same both ways, nothing to the same place, and never more than half around the earth', () => {
    fc.assert(
      fc.property(somewhere, somewhere, (one, other) => {
        const km = distanceKm(one, other)
        assert.ok(km >= 0 && km <= HALF_EARTH_KM + 0.1)
        assert.ok(Math.abs(km - distanceKm(other, one)) < 1e-3)
        assert.equal(distanceKm(one, one), 0)
      }),
    )
  })

  it('is no number where a coordinate is none', () => {
    assert.ok(Number.isNaN(distanceKm(at(Number.NaN, 0), at(0, 0))))
  })
})
