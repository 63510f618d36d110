import { randomFillSync, randomInt } from 'node:crypto'

/** Asking the operating system for a few bytes costs as much as asking for many. */
const POOL_BYTES = 4096
const pool = Buffer.alloc(POOL_BYTES)
let used = POOL_BYTES

/**
 * Random bytes, each given out once and then wiped from where they were.
 *
 * @param count - How many; the pool is refilled for more than are left.
 */
export const randomBytes = (count: number): Buffer => {
  if (count > POOL_BYTES) return randomFillSync(Buffer.alloc(count))
  if (used + count > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  const given = Buffer.from(pool.subarray(used, used + count))
  pool.fill(0, used, used + count)
  used += count
  return given
}

/**
 * An unguessable token in base64url.
 *
 * @param bytes - Bytes of randomness. 32 bytes are 256 bits and 43 characters.
 * @default 32
 */
export const randomToken = (bytes = 32): string => randomBytes(bytes).toString('base64url')

/**
 * A code of decimal digits, leading zeros included. Six digits are just under 20 bits, so whoever takes
 * such a code must count attempts.
 *
 * @param count - Number of digits.
 */
export const randomDigits = (count: number): string => Array.from({ length: count }, () => randomInt(10)).join('')
