import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** A salted password hash; the plain text cannot be had back from it. */
export interface PasswordHash {
  readonly salt: Buffer
  readonly key: Buffer
}

// RFC 7914 section 2. One of the equivalent settings of OWASP's Password Storage Cheat Sheet, "scrypt": the one that
// takes 16 MiB, so that a few at once fit into a small machine.
const COST = { N: 2 ** 14, r: 8, p: 5, maxmem: 64 * 2 ** 20 } as const
const KEY_BYTES = 32
const SALT_BYTES = 16

const derive = (password: string, salt: Buffer) =>
  new Promise<Buffer>((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, KEY_BYTES, COST, (error, key) => (error ? reject(error) : resolve(key)))
  })

/** Hashes a password with a salt of its own. */
export const hashPassword = async (password: string): Promise<PasswordHash> => {
  const salt = randomBytes(SALT_BYTES)
  return Object.freeze({ salt, key: await derive(password, salt) })
}

/** The hash of no password at all. */
export const unknownPassword = (): PasswordHash =>
  Object.freeze({ salt: randomBytes(SALT_BYTES), key: randomBytes(KEY_BYTES) })

/** Whether the password made this hash; takes the same time either way. */
export const verifyPassword = async (password: string, { salt, key }: PasswordHash) =>
  timingSafeEqual(await derive(password, salt), key)
