import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

const { scrypt } = crypto

const cheap = (...[secret, salt, length, , done]: [never, never, never, unknown, never]) =>
  scrypt(secret, salt, length, { N: 32 }, done)

const use = (one: typeof cheap | typeof scrypt) => {
  crypto.scrypt = one as typeof scrypt
  syncBuiltinESMExports()
}

/** Scrypt at a thousandth of its price, for the whole process: the tests would spend a quarter of their time on it. */
export const cheapenHashes = () => use(cheap)

/** Scrypt as it is, for the tests of one `describe`: those that check what it costs. */
export const useFullHashes = () => {
  before(() => use(scrypt))
  after(cheapenHashes)
}
