import assert from 'node:assert/strict'
import { randomDigits, randomToken } from '../../src/crypto/random.ts'
import { sourcesWith } from './sources.ts'

/** Pearson's statistic of how far digits are from uniform: 9 degrees of freedom. */
const chiSquare = (digits: string): number => {
  const expected = digits.length / 10
  return Array.from('0123456789')
    .map((digit) => digits.split(digit).length - 1 - expected)
    .reduce((sum, distance) => sum + distance ** 2 / expected, 0)
}

// Exceeded by chance once in about 10^13 runs.
const BOUND = 80

describe('crypto/random', () => {
  it('makes tokens of 32 bytes in base64url', () => {
    assert.match(randomToken(), /^[\w-]{43}$/)
  })
  it('makes tokens of the asked size', () => {
    for (const bytes of [1, 16, 33]) assert.equal(Buffer.from(randomToken(bytes), 'base64url').length, bytes)
  })
  it('never makes the same token twice', () => {
    assert.equal(new Set(Array.from({ length: 10_000 }, () => randomToken(16))).size, 10_000)
  })
  it('makes codes of the asked length, leading zeros included', () => {
    const codes = Array.from({ length: 1000 }, () => randomDigits(6))
    assert.ok(codes.every((code) => /^\d{6}$/.test(code)))
    assert.ok(codes.some((code) => code.startsWith('0')))
    assert.equal(randomDigits(40).length, 40)
  })
  it('AC-16: draws the digits of codes evenly, at every position', () => {
    const codes = Array.from({ length: 100_000 / 8 }, () => randomDigits(8))
    assert.ok(chiSquare(codes.join('')) < BOUND)
    for (let position = 0; position < 8; position += 1) {
      assert.ok(chiSquare(codes.map((code) => code.charAt(position)).join('')) < BOUND, `position ${position}`)
    }
  })
  it('AC-16: would notice digits that are not even', () => {
    const skewed = Array.from({ length: 100_000 }, (_, index) => (index % 16) % 10).join('')
    assert.ok(chiSquare(skewed) > BOUND)
  })
  it('AC-16: uses no weak generator anywhere', () => {
    assert.deepEqual(sourcesWith(/Math\.random/), [])
  })
})
