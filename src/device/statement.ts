import { base64url, utf8 } from './encoding.ts'
import { DeviceError } from './error.ts'
import type { DeviceCrypto, DeviceKeyPair } from './platform.ts'

/** What a device can want. */
export type Act = 'enroll' | 'pending' | 'listen' | 'answer' | 'update' | 'rotate' | 'remove'

/** What every statement says. */
export interface Claims extends Readonly<Record<string, unknown>> {
  /** The `deviceId`. */
  readonly iss: string
  /** The issuer. */
  readonly aud: string
  readonly iat: number
  readonly exp: number
  readonly jti: string
  readonly act: Act
}

const MAX_LENGTH = 8192
const LIFE_SECONDS = 60
const ID_BYTES = 16

/** A new key pair. The private key can be used, and never read. */
export const createKeys = (crypto: DeviceCrypto): Promise<DeviceKeyPair> =>
  crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])

const publicJwk = async (crypto: DeviceCrypto, { publicKey }: DeviceKeyPair) => {
  const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', publicKey)
  // The members and their order that a thumbprint is made of (RFC 7638 section 3.2).
  return { crv, kty, x, y }
}

/** SHA-256 of a text, in base64url. */
export const sha256 = async (crypto: DeviceCrypto, text: string): Promise<string> =>
  base64url(await crypto.subtle.digest('SHA-256', utf8(text)))

/** The thumbprint of a public key. @see RFC 7638 */
export const thumbprint = async (crypto: DeviceCrypto, keys: DeviceKeyPair): Promise<string> =>
  sha256(crypto, JSON.stringify(await publicJwk(crypto, keys)))

/** Claims for now. `more` is what this `act` needs. */
export const claimsFor = (
  crypto: DeviceCrypto,
  { deviceId, issuer, act, now }: { deviceId: string; issuer: string; act: Act; now: number },
  more: Readonly<Record<string, unknown>> = {},
): Claims => {
  const id = new Uint8Array(ID_BYTES)
  crypto.getRandomValues(id)
  return { ...more, iss: deviceId, aud: issuer, iat: now, exp: now + LIFE_SECONDS, jti: base64url(id.buffer), act }
}

/**
 * A statement: a JWS in compact form (RFC 7515 section 7.1; its signature by RFC 7518 section 3.4).
 *
 * @param introduced whether the public key goes along, as for a key that the server does not know.
 * @throws DeviceError `invalid_request` where it would be longer than any server reads.
 */
export const sign = async (
  crypto: DeviceCrypto,
  keys: DeviceKeyPair,
  claims: Claims,
  introduced = false,
): Promise<string> => {
  const header = {
    alg: 'ES256',
    typ: 'push-device+jwt',
    kid: claims.iss,
    ...(introduced ? { jwk: await publicJwk(crypto, keys) } : {}),
  }
  const input = [header, claims].map((part) => base64url(utf8(JSON.stringify(part)))).join('.')
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, keys.privateKey, utf8(input))
  const statement = `${input}.${base64url(signature)}`
  if (statement.length > MAX_LENGTH) throw new DeviceError('invalid_request', 'The statement is too long.')
  return statement
}
