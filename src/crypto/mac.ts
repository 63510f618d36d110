import { createHmac, createSecretKey } from 'node:crypto'
import { StepUpError } from '../errors.ts'
import { equalSecret } from './equal.ts'
import { encodeFields } from './fields.ts'
import type { Sealer } from './seal.ts'

/** Makes and verifies message authentication codes over fields that cannot slide into each other. */
export interface Mac {
  /** The code of the fields, in base64url (43 characters). */
  sign(...fields: string[]): string
  /** Whether `mac` is the code of exactly these fields, judged in constant time. Any text may be given. */
  verify(mac: string, ...fields: string[]): boolean
}

// RFC 2104 section 3 discourages keys that are shorter than the hash's output.
const KEY_BYTES = 32

/**
 * HMAC-SHA256 under one key.
 *
 * @param key - At least 32 random bytes; they are copied.
 * @throws StepUpError `ERR_CONFIG` when the key is shorter.
 * @see RFC 2104 section 2
 */
export const createMac = (key: Uint8Array): Mac => {
  if (key.length < KEY_BYTES) throw new StepUpError('ERR_CONFIG', `a MAC key needs at least ${KEY_BYTES} bytes`)
  const secret = createSecretKey(key)
  const sign = (...fields: string[]): string =>
    createHmac('sha256', secret).update(encodeFields(fields)).digest('base64url')
  return Object.freeze({
    sign,
    verify: (mac: string, ...fields: string[]) => equalSecret(mac, sign(...fields)),
  })
}

/** One for each key of a ring, the first key's first, under keys derived for this purpose alone. */
export const macsOf = ({ deriveAll }: Pick<Sealer, 'deriveAll'>, purpose: string): readonly [Mac, ...Mac[]] => {
  const [first, ...older] = deriveAll(purpose)
  return [createMac(first), ...older.map(createMac)]
}
