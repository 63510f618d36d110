import { randomBytes, randomInt } from 'node:crypto'

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
