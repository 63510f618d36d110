import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { StepUpError } from '../errors.ts'
import { digest } from './digest.ts'
import { encodeFields } from './fields.ts'
import { randomBytes } from './random.ts'

/**
 * Keeps records secret and unaltered in a store that others may write to.
 *
 * `aad` names the place a record belongs to (kind, account, id); a record moved elsewhere does not open.
 */
export interface Sealer {
  /**
   * Encrypts well-formed Unicode text, such as `JSON.stringify` gives, under the first key. The result is
   * `v1.<key id>.<nonce, ciphertext and tag in base64url>`.
   */
  seal(plain: string, aad: readonly string[]): string
  /**
   * Decrypts what any key of the ring has sealed for the same place.
   *
   * @throws StepUpError `ERR_SEAL`, with the same message for every cause.
   */
  open(sealed: string, aad: readonly string[]): string
  /** Names of the ring's keys, the first key's first: what stands between `v1.` and the next dot of a sealed record. */
  readonly keyIds: readonly string[]
  /** Whether the first key has sealed this; what an older key has sealed is to be sealed anew. */
  isCurrent(sealed: string): boolean
  /**
   * 32 bytes for another purpose, such as a MAC, from every key of the ring, the first key's first: make new values
   * under that, and look for old ones under all.
   *
   * @see RFC 5869 section 2
   */
  deriveAll(purpose: string): readonly [Uint8Array, ...Uint8Array[]]
}

interface RingKey {
  readonly id: string
  readonly cipherKey: KeyObject
  readonly derive: (purpose: string) => Uint8Array
}

const KEY_BYTES = 32
/*
 * Random nonces of 96 bits allow at most 2^32 seals under one key (NIST SP 800-38D section 8.3). At 100 seals
 * a second that is 16 months over all processes: put a new first key before that.
 */
const NONCE_BYTES = 12
const TAG_BYTES = 16
const CIPHER = 'aes-256-gcm'
const RECIPE = `make one with: node -p "require('crypto').randomBytes(32).toString('base64url')"`

// A host's environment variable may be unset.
const readKey = (key = '', index: number): RingKey => {
  const bytes = /^[\w+/-]{43}=?$/.test(key) ? Buffer.from(key, 'base64') : Buffer.alloc(0)
  if (bytes.length !== KEY_BYTES) {
    throw new StepUpError('ERR_CONFIG', `sealingKeys[${index}] must be 32 random bytes in base64url; ${RECIPE}`)
  }
  const derive = (...info: string[]): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', bytes, '', encodeFields(['oidc-step-up', ...info]), KEY_BYTES))
  return {
    // 48 bits tell the keys of a ring apart; one way from 256 random bits, they give nothing away.
    id: digest('oidc-step-up', 'key id', bytes.toString('base64url')).slice(0, 8),
    cipherKey: createSecretKey(derive('cipher')),
    derive: (purpose) => derive('purpose', purpose),
  }
}

const readRing = (keys: readonly (string | undefined)[]): readonly [RingKey, ...RingKey[]] => {
  const ring = keys.map(readKey)
  ring.forEach(({ id }, index) => {
    const earlier = ring.findIndex((other) => other.id === id)
    if (earlier === index) return
    throw new StepUpError('ERR_CONFIG', `sealingKeys[${index}] repeats sealingKeys[${earlier}]; ${RECIPE}`)
  })
  const [first, ...others] = ring
  if (!first) throw new StepUpError('ERR_CONFIG', `sealingKeys[0] is missing; ${RECIPE}`)
  return [first, ...others]
}

const place = (keyId: string, aad: readonly string[]): Buffer => encodeFields(['v1', keyId, ...aad])

const unseal = (ring: readonly RingKey[], sealed: string, aad: readonly string[]): string | undefined => {
  const [, keyId = '', body = ''] = /^v1\.([\w-]{8})\.([\w-]+)$/.exec(sealed) ?? []
  const key = ring.find(({ id }) => id === keyId)
  const bytes = Buffer.from(body, 'base64url')
  if (!key || bytes.length < NONCE_BYTES + TAG_BYTES) return undefined
  // The last character can hold bits that decoding drops: one record has one text.
  if (bytes.toString('base64url') !== body) return undefined
  const decipher = createDecipheriv(CIPHER, key.cipherKey, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(place(keyId, aad)).setAuthTag(bytes.subarray(-TAG_BYTES))
  const plain = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES))
  try {
    decipher.final()
    return plain.toString()
  } catch {
    // Only a wrong tag throws here; what was wrong is nobody's business.
    return undefined
  }
}

/**
 * A sealer over a ring of keys: the first seals, all open, so a new key is put in front and an old one is
 * removed when nothing sealed with it is left.
 *
 * @param keys - 32 random bytes each, in base64url or base64.
 * @throws StepUpError `ERR_CONFIG` when the list is empty, or a key is of another form or repeated.
 * @see NIST SP 800-38D section 8.2.2
 */
export const createSealer = (keys: readonly (string | undefined)[]): Sealer => {
  const ring = readRing(keys)
  const [first] = ring
  return Object.freeze({
    seal: (plain: string, aad: readonly string[]) => {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, first.cipherKey, nonce)
      cipher.setAAD(place(first.id, aad))
      const ciphertext = cipher.update(plain, 'utf8')
      // In counter mode nothing is left over for the end but the tag.
      cipher.final()
      return `v1.${first.id}.${Buffer.concat([nonce, ciphertext, cipher.getAuthTag()]).toString('base64url')}`
    },
    open: (sealed: string, aad: readonly string[]) => {
      const plain = unseal(ring, sealed, aad)
      if (plain === undefined) throw new StepUpError('ERR_SEAL', 'a sealed record could not be opened')
      return plain
    },
    keyIds: Object.freeze(ring.map(({ id }) => id)),
    isCurrent: (sealed: string) => sealed.startsWith(`v1.${first.id}.`),
    deriveAll: (purpose: string): readonly [Uint8Array, ...Uint8Array[]] => [
      first.derive(purpose),
      ...ring.slice(1).map((key) => key.derive(purpose)),
    ],
  })
}
