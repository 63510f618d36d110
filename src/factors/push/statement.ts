import { compactVerify, decodeProtectedHeader } from 'jose'
import { z } from 'zod'
import { sha256 } from '../../crypto/digest.ts'
import type { PublicKey } from './state.ts'

/** Looked at before anything is parsed. The longest channel that is known takes a sixth. */
const MAX_LENGTH = 8192
/** How far a device's clock may be off. */
const TOLERANCE_SECONDS = 5
const MAX_LIFE_SECONDS = 60

const ALGORITHM = 'ES256'

const thumbprint = z.string().regex(/^[A-Za-z0-9_-]{43}$/)

/** 32 bytes in their one spelling: base64url has four for a last character, and a key is to have one name. */
const coordinate = thumbprint.refine((text) => Buffer.from(text, 'base64url').toString('base64url') === text)

const header = z.object({
  alg: z.literal(ALGORITHM),
  typ: z.literal('push-device+jwt'),
  kid: thumbprint,
  jwk: z.unknown().optional(),
  // No extension is understood here (RFC 7515 section 4.1.11), not even one that the library knows.
  crit: z.undefined().optional(),
})

/** `d` is the private key's: a device that has told it has none of its own any more. */
const publicKey = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: coordinate,
  y: coordinate,
  d: z.undefined().optional(),
})

const seconds = z.int().nonnegative()

/** What every statement says (RFC 7519 section 4.1). */
const common = z.object({
  iss: thumbprint,
  aud: z.string(),
  iat: seconds,
  exp: seconds,
  jti: z.string().regex(/^[A-Za-z0-9_-]{22,86}$/),
  act: z.string(),
})

/** A statement's protected header, as far as anybody looks at it; nothing of it is verified. */
export interface StatementHeader {
  /** The device that it claims to be from. */
  readonly kid: string
  /** A key that it brings along. */
  readonly jwk?: unknown
}

/** The claims of a statement whose signature, parties and time are right. */
export type Claims = z.infer<typeof common> & Readonly<Record<string, unknown>>

/** By whom, for whom and when a statement is right. */
export interface Expected {
  readonly deviceId: string
  readonly issuer: string
  /** Epoch seconds. */
  readonly now: number
}

/** The header of a statement; undefined for all that is none of ours. */
export const headerOf = (statement: string): StatementHeader | undefined => {
  if (statement.length > MAX_LENGTH) return undefined
  try {
    const { data } = header.safeParse(decodeProtectedHeader(statement))
    return data
  } catch {
    return undefined
  }
}

/** The public key that a statement brings along; undefined for any but a plain one of P-256. */
export const keyIn = ({ jwk }: StatementHeader): PublicKey | undefined => {
  const { data } = publicKey.safeParse(jwk)
  return data && { kty: data.kty, crv: data.crv, x: data.x, y: data.y }
}

/** The name of a key (RFC 7638 section 3: these members, in this order). */
export const thumbprintOf = ({ crv, kty, x, y }: PublicKey): string => sha256(JSON.stringify({ crv, kty, x, y }))

const payloadIn = async (statement: string, key: PublicKey) => {
  try {
    const { payload } = await compactVerify(statement, { ...key }, { algorithms: [ALGORITHM] })
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as unknown
  } catch {
    return undefined
  }
}

/** Until when a statement is taken, in epoch seconds. */
export const lastsUntil = ({ exp }: Pick<Claims, 'exp'>): number => exp + TOLERANCE_SECONDS

/**
 * What a statement says that this key has signed. `invalid`: it has not, or says it to somebody else or for longer than
 * is allowed; `expired`: its time is not ours, which is told to nobody but who has the key.
 */
export const claimsOf = async (
  statement: string,
  key: PublicKey,
  { deviceId, issuer, now }: Expected,
): Promise<Claims | 'invalid' | 'expired'> => {
  const payload = await payloadIn(statement, key)
  const { data } = common.safeParse(payload)
  if (data === undefined || data.iss !== deviceId || data.aud !== issuer) return 'invalid'
  const life = data.exp - data.iat
  if (life <= 0 || life > MAX_LIFE_SECONDS) return 'invalid'
  if (now >= lastsUntil(data) || data.iat > now + TOLERANCE_SECONDS) return 'expired'
  return { ...(payload as object), ...data }
}
