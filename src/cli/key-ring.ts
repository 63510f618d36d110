import { generateKeyPairSync } from 'node:crypto'
import type { JWK, JWKS } from 'oidc-provider'
import { z } from 'zod'
import { strict } from '../config-schema.ts'
import { digest } from '../crypto/digest.ts'
import { randomToken } from '../crypto/random.ts'
import { createSealer } from '../crypto/seal.ts'

/** What keys are for: records at rest, cookies, tokens, pushes to browsers (VAPID, RFC 8292). */
export const KEY_KINDS = ['sealing', 'cookie', 'signing', 'vapid'] as const
/** @see {@link KEY_KINDS} */
export type KeyKind = (typeof KEY_KINDS)[number]

/** Those that change without anybody's noticing. A VAPID key is not: whoever subscribed with it subscribes anew. */
export const ROUTINE_KINDS = ['sealing', 'cookie', 'signing'] as const satisfies readonly KeyKind[]

/** One key with its history. */
export interface KeptKey {
  /** A JSON Web Key for signing and VAPID, else a text. */
  readonly key: string | JWK
  /** Epoch seconds. */
  readonly madeAt: number
  /** It only opens and verifies yet; the next rotation puts it in front. */
  readonly next?: true | undefined
}

/** All keys of one provider; of each kind the first seals or signs, all open or verify. Of VAPID there may be none. */
export type KeyRing = Readonly<Record<KeyKind, readonly KeptKey[]>>

const SEALING_KEY = '32 random bytes in base64url, which is 43 characters'
const COOKIE_KEY = 'a text of at least 32 characters'
const SIGNING_KEY = 'a private JSON Web Key with a kid'
const VAPID_KEY = 'a private JSON Web Key on P-256 with a kid'
const MADE_AT = 'epoch seconds'

const listOf = (key: z.ZodType<string | JWK>) =>
  z.array(
    strict({ key, madeAt: z.int(MADE_AT).min(0, MADE_AT), next: z.literal(true, 'true').optional() }),
    'a list of keys',
  )

const kept = (key: z.ZodType<string | JWK>) => listOf(key).min(1, 'at least one key')

const coordinate = z.string(VAPID_KEY).regex(/^[\w-]{43}$/, VAPID_KEY)

/** The shape of a {@link KeyRing}, with words for what is allowed. */
export const keyRing = strict({
  sealing: kept(z.string(SEALING_KEY).regex(/^[\w+/-]{43}=?$/, SEALING_KEY)),
  cookie: kept(z.string(COOKIE_KEY).min(32, COOKIE_KEY)),
  signing: kept(z.looseObject({ kty: z.string(), kid: z.string(), d: z.string() }, SIGNING_KEY) as z.ZodType<JWK>),
  // Files from before there were pushes have none.
  vapid: listOf(
    z.looseObject(
      { crv: z.literal('P-256', VAPID_KEY), kid: z.string(VAPID_KEY), x: coordinate, y: coordinate, d: coordinate },
      VAPID_KEY,
    ) as unknown as z.ZodType<JWK>,
  ).default([]),
})

const signingKey = (): JWK => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...(privateKey.export({ format: 'jwk' }) as JWK), kid: randomToken(8), use: 'sig', alg: 'ES256' }
}

/** One ES256 signing key: signing with it costs a fifth of RS256. */
export const generateSigningKeys = (): JWKS => ({ keys: [signingKey()] })

const MAKERS: Readonly<Record<KeyKind, () => string | JWK>> = {
  sealing: randomToken,
  cookie: randomToken,
  signing: signingKey,
  vapid: signingKey,
}

/** A new key. */
export const makeKey = (kind: KeyKind, madeAt: number): KeptKey => ({ key: MAKERS[kind](), madeAt })

/** One new key of each kind. */
export const makeRing = (madeAt: number): KeyRing => ({
  sealing: [makeKey('sealing', madeAt)],
  cookie: [makeKey('cookie', madeAt)],
  signing: [makeKey('signing', madeAt)],
  vapid: [makeKey('vapid', madeAt)],
})

/** The key pair as RFC 8292 section 3.2 spells it: 65 and 32 bytes in base64url. */
export const vapidPair = ({ key }: KeptKey): { readonly publicKey: string; readonly privateKey: string } => {
  const { x = '', y = '', d = '' } = key as JWK
  const point = [x, y].map((half) => Buffer.from(half, 'base64url'))
  return { publicKey: Buffer.concat([Buffer.from([4]), ...point]).toString('base64url'), privateKey: d }
}

/** What tells a key apart and gives nothing of it away: in sealed records and tokens it stands in the clear as well. */
export const keyId = (kind: KeyKind, { key }: KeptKey): string => {
  if (typeof key !== 'string') return key.kid ?? ''
  if (kind === 'sealing') return createSealer([key]).keyIds[0] ?? ''
  return digest('oidc-step-up', 'cookie key id', key).slice(0, 8)
}

/** Puts a key in front: the one that waits to be next, else a new one. */
export const rotated = (keys: readonly KeptKey[], fresh: KeptKey): readonly KeptKey[] => {
  const waiting = keys.find(({ next }) => next)
  if (waiting === undefined) return [fresh, ...keys]
  const { key, madeAt } = waiting
  return [{ key, madeAt }, ...keys.filter((one) => one !== waiting)]
}

/** Puts a key behind the first, where it waits to be next; keys with one that waits stay as they are. Of none it is the first. */
export const staged = (keys: readonly KeptKey[], fresh: KeptKey): readonly KeptKey[] => {
  const [first, ...others] = keys
  if (first === undefined) return [fresh]
  if (keys.some(({ next }) => next)) return keys
  return [first, { ...fresh, next: true }, ...others]
}

/** The key that a retirement takes away: the oldest that neither comes first nor waits to be next. */
export const retiring = (keys: readonly KeptKey[]): KeptKey | undefined =>
  keys
    .slice(1)
    .filter(({ next }) => !next)
    .at(-1)
