import {
  createHash,
  createHmac,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'

type Claims = Readonly<Record<string, unknown>>

/** What a device can be made to do wrong in one statement. */
export interface Lies {
  /** Over the header's members; undefined leaves one out. */
  readonly header?: Readonly<Record<string, unknown>>
  /** Over all claims, those included that a device makes by itself; undefined leaves one out. */
  readonly claims?: Claims
  /** Signs with another key than its own. */
  readonly key?: KeyObject
  /** Signs with this as an HMAC key (RFC 7518 section 3.2) in place of its own. */
  readonly secret?: string
  /** The signature's 64 bytes, changed. */
  readonly forge?: (signature: Buffer) => Buffer
  /** The payload's text, in place of the claims as JSON. */
  readonly payload?: string | Uint8Array
}

/** What it is told at the start. */
export interface SoftDeviceOptions {
  readonly issuer: string
  /** Epoch seconds of its clock; default: the process's. */
  readonly clock?: () => number
  /** Elliptic curve of its key; default P-256, the only one that is taken. */
  readonly curve?: 'P-256' | 'P-384' | 'secp256k1'
}

/** How it calls itself, and where pushes for it go. */
export interface SoftDeviceFacts {
  readonly name?: string
  readonly channel?: unknown
}

/** An authenticator app in software: it signs what docs/push-protocol.md says, and lies where it is told to. */
export interface SoftDevice {
  readonly deviceId: string
  readonly issuer: string
  /** Its present public key. */
  readonly publicKey: JsonWebKey
  readonly privateKey: KeyObject
  /** A statement: `act` and what belongs to it are the claims, all else it adds by itself. */
  statement(claims: Claims, lies?: Lies): string
  /** What it sends to enroll. */
  enrollment(
    ticket: string,
    facts?: SoftDeviceFacts,
    lies?: Lies,
  ): { readonly ticket: string; readonly statement: string }
  /** An answer to a challenge as `pending` shows it. */
  answer(challenge: Claims, decision: 'approve' | 'deny' | 'report', more?: Claims, lies?: Lies): string
  /** A statement that hands over to a new key, and what makes it the only one from then on. `proof` changes the proof. */
  rotation(lies?: Lies, proof?: Lies): { readonly statement: string; readonly done: () => void }
}

const encode = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64url')

/** SHA-256 of a text in base64url: what the server knows a ticket by. */
export const ticketHash = (ticket: string): string => createHash('sha256').update(ticket).digest('base64url')

const keyPair = (namedCurve: string) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
  const jwk = { kty, crv, x, y } as JsonWebKey
  const thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
  return { privateKey, jwk, thumbprint }
}

/** Signs a header and a payload as they are. */
const jws = (
  header: Claims,
  payload: string | Uint8Array,
  key: KeyObject,
  { secret, forge = (same) => same }: Lies,
) => {
  const input = `${encode(JSON.stringify(header))}.${encode(payload)}`
  const signature =
    secret === undefined
      ? sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
      : createHmac('sha256', secret).update(input).digest()
  return `${input}.${encode(forge(signature))}`
}

/** Makes a device with a key of its own. */
export const createSoftDevice = ({ issuer, clock, curve = 'P-256' }: SoftDeviceOptions): SoftDevice => {
  const first = keyPair(curve)
  const deviceId = first.thumbprint
  const now = clock ?? (() => Math.floor(Date.now() / 1000))
  let present = first
  const complete = (claims: Claims): Claims => ({
    iss: deviceId,
    aud: issuer,
    iat: now(),
    exp: now() + 60,
    jti: randomBytes(16).toString('base64url'),
    ...claims,
  })
  const signed = (claims: Claims, lies: Lies, own: { readonly key: KeyObject; readonly jwk?: JsonWebKey }) => {
    const header = {
      alg: 'ES256',
      typ: 'push-device+jwt',
      kid: deviceId,
      ...(own.jwk === undefined ? {} : { jwk: own.jwk }),
      ...lies.header,
    }
    const payload = lies.payload ?? JSON.stringify({ ...claims, ...lies.claims })
    return jws(header, payload, lies.key ?? own.key, lies)
  }
  const statement: SoftDevice['statement'] = (claims, lies = {}) =>
    signed(complete(claims), lies, { key: present.privateKey })
  return {
    deviceId,
    issuer,
    get publicKey() {
      return present.jwk
    },
    get privateKey() {
      return present.privateKey
    },
    statement,
    enrollment(ticket, { name = 'Soft device', channel } = {}, lies = {}) {
      const claims = complete({
        act: 'enroll',
        ticket: ticketHash(ticket),
        name,
        ...(channel === undefined ? {} : { channel }),
      })
      return { ticket, statement: signed(claims, lies, { key: present.privateKey, jwk: present.jwk }) }
    },
    answer: ({ reference, account, expiresAt }, decision, more = {}, lies = {}) =>
      statement({ act: 'answer', reference, account, expiresAt, decision, ...more }, lies),
    rotation(lies = {}, proofLies = {}) {
      const next = keyPair('P-256')
      const claims = complete({ act: 'rotate' })
      const proof = signed(claims, proofLies, { key: next.privateKey, jwk: next.jwk })
      const done = () => {
        present = next
      }
      return { statement: signed({ ...claims, proof }, lies, { key: present.privateKey }), done }
    },
  }
}

/** A private key of P-256 that belongs to no device. */
export const strangersKey = (): KeyObject => keyPair('P-256').privateKey
