import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'

/** What CBOR is made of here (RFC 8949). */
type Cbor = number | string | Uint8Array | readonly Cbor[] | ReadonlyMap<Cbor, Cbor>

const head = (major: number, value: number): Buffer => {
  if (value < 24) return Buffer.from([(major << 5) | value])
  if (value < 0x1_00) return Buffer.from([(major << 5) | 24, value])
  if (value < 0x1_00_00) return Buffer.from([(major << 5) | 25, value >> 8, value & 0xff])
  return Buffer.from([(major << 5) | 26, value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff])
}

/** CBOR of integers, texts, bytes, lists and maps. */
const cbor = (value: Cbor): Buffer => {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value])
  if (value instanceof Map)
    return Buffer.concat([head(5, value.size), ...[...value].flatMap(([key, item]) => [cbor(key), cbor(item)])])
  const list = value as readonly Cbor[]
  return Buffer.concat([head(4, list.length), ...list.map(cbor)])
}

const encode = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64url')
const decode = (text: string | undefined) => Buffer.from(text ?? '', 'base64url')
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest()

/** What an authenticator can be told to be, or to lie about in one answer. */
export interface Manner {
  /** Where the browser says it is. */
  origin: string
  /** Default: as it is asked. */
  rpId?: string
  challenge?: string
  /** Of the client data. */
  type?: string
  crossOrigin?: boolean
  topOrigin?: string
  /** User present, user verified, backup-eligible, backed up. */
  up: boolean
  uv: boolean
  be: boolean
  bs: boolean
  /** The count it tells; default: it counts on. */
  counter?: number
  /** Whether it counts at all. */
  counts: boolean
  /** In base64url; null for none. Default: none where it was asked for by name. */
  userHandle?: string | null
  /** ES384 is none that anybody asks for. */
  algorithm: 'ES256' | 'EdDSA' | 'RS256' | 'ES384'
  /** 16 bytes in hex. */
  aaguid: string
  attestation: 'none' | 'self' | Maker
  transports: readonly string[]
  /** The signature's bytes, changed; at enrolment those of the attestation. */
  forge?: (signature: Buffer) => Buffer
  /** Another credential id than its own. */
  id?: string
}

/** Who attests: a private key and the certificates that vouch for it, in DER. */
export interface Maker {
  readonly key: KeyObject
  readonly x5c: readonly Uint8Array[]
  readonly format?: string
}

/** A key that an authenticator has made. */
interface SoftKey {
  readonly id: string
  readonly rpId: string
  readonly userHandle: string
  readonly algorithm: Manner['algorithm']
  readonly privateKey: KeyObject
  counter: number
}

const pairOf = (algorithm: Manner['algorithm']) => {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  if (algorithm === 'ES384') return generateKeyPairSync('ec', { namedCurve: 'P-384' })
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519')
  return generateKeyPairSync('rsa', { modulusLength: 2048 })
}

const coseOf = (algorithm: Manner['algorithm'], publicKey: KeyObject) => {
  const { x, y, n, e } = publicKey.export({ format: 'jwk' })
  const entries: Readonly<Record<Manner['algorithm'], readonly (readonly [number, number | Buffer])[]>> = {
    ES256: [
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, decode(x)],
      [-3, decode(y)],
    ],
    EdDSA: [
      [1, 1],
      [3, -8],
      [-1, 6],
      [-2, decode(x)],
    ],
    ES384: [
      [1, 2],
      [3, -35],
      [-1, 2],
      [-2, decode(x)],
      [-3, decode(y)],
    ],
    RS256: [
      [1, 3],
      [3, -257],
      [-1, decode(n)],
      [-2, decode(e)],
    ],
  }
  return cbor(new Map(entries[algorithm]))
}

const signed = (algorithm: Manner['algorithm'], key: KeyObject, data: Buffer) =>
  sign(algorithm === 'EdDSA' ? null : algorithm === 'ES384' ? 'sha384' : 'sha256', data, key)

const ALG = { ES256: -7, EdDSA: -8, RS256: -257, ES384: -35 } as const

const FLAG = { up: 1, uv: 4, be: 8, bs: 16 } as const

const flagsOf = (manner: Manner) =>
  (Object.keys(FLAG) as (keyof typeof FLAG)[]).reduce((flags, name) => flags | (manner[name] ? FLAG[name] : 0), 0)

const authenticatorData = (manner: Manner, rpId: string, counter: number, attested?: Buffer) => {
  const count = Buffer.alloc(4)
  count.writeUInt32BE(counter)
  const flags = Buffer.from([flagsOf(manner) | (attested === undefined ? 0 : 64)])
  return Buffer.concat([sha256(rpId), flags, count, attested ?? Buffer.alloc(0)])
}

const clientData = (type: string, challenge: string, manner: Manner) => {
  const { origin, crossOrigin = false, topOrigin } = manner
  return Buffer.from(
    JSON.stringify({
      type: manner.type ?? type,
      challenge: manner.challenge ?? challenge,
      origin,
      crossOrigin,
      ...(topOrigin === undefined ? {} : { topOrigin }),
    }),
  )
}

const statementOf = (
  { attestation, algorithm, forge = (bytes) => bytes }: Manner,
  own: KeyObject,
  base: Buffer,
): [string, Map<Cbor, Cbor>] => {
  if (attestation === 'none') return ['none', new Map()]
  if (attestation === 'self')
    return [
      'packed',
      new Map<Cbor, Cbor>([
        ['alg', ALG[algorithm]],
        ['sig', forge(signed(algorithm, own, base))],
      ]),
    ]
  const sig = forge(sign('sha256', base, attestation.key))
  return [
    attestation.format ?? 'packed',
    new Map<Cbor, Cbor>([
      ['alg', -7],
      ['sig', sig],
      ['x5c', attestation.x5c],
    ]),
  ]
}

const handleIn = (
  { userHandle }: Manner,
  key: SoftKey,
  { allowCredentials = [] }: PublicKeyCredentialRequestOptionsJSON,
) => (userHandle === undefined ? (allowCredentials.length > 0 ? null : key.userHandle) : userHandle)

/**
 * An authenticator and its browser in software: answers as a page would get them, honest unless told otherwise.
 *
 * @see Web Authentication Level 3 sections 6.1 (authenticator data) and 6.5 (attestation)
 */
export const softAuthenticator = (own: Partial<Manner> & Pick<Manner, 'origin'>) => {
  const honest: Manner = {
    up: true,
    uv: true,
    be: false,
    bs: false,
    counts: true,
    algorithm: 'ES256',
    aaguid: '0'.repeat(32),
    attestation: 'none',
    transports: ['usb'],
    ...own,
  }
  const keys: SoftKey[] = []

  const create = (
    options: PublicKeyCredentialCreationOptionsJSON,
    lies: Partial<Manner> = {},
  ): RegistrationResponseJSON => {
    const manner = { ...honest, ...lies }
    const { privateKey, publicKey } = pairOf(manner.algorithm)
    const id = manner.id ?? encode(randomBytes(32))
    const rpId = manner.rpId ?? options.rp.id ?? ''
    const raw = decode(id)
    const length = Buffer.from([raw.length >> 8, raw.length & 0xff])
    const cose = coseOf(manner.algorithm, publicKey)
    const counter = manner.counter ?? (manner.counts ? 1 : 0)
    const data = authenticatorData(
      manner,
      rpId,
      counter,
      Buffer.concat([Buffer.from(manner.aaguid, 'hex'), length, raw, cose]),
    )
    const client = clientData('webauthn.create', options.challenge, manner)
    const [fmt, statement] = statementOf(manner, privateKey, Buffer.concat([data, sha256(client)]))
    keys.push({ id, rpId, userHandle: options.user.id, algorithm: manner.algorithm, privateKey, counter })
    return {
      id,
      rawId: id,
      type: 'public-key',
      response: {
        clientDataJSON: encode(client),
        attestationObject: encode(
          cbor(
            new Map<Cbor, Cbor>([
              ['fmt', fmt],
              ['attStmt', statement],
              ['authData', data],
            ]),
          ),
        ),
        transports: [...manner.transports],
      },
      clientExtensionResults: { credProps: { rk: true } },
    }
  }

  /** Answers with the newest key that was asked for, or with the newest of all where nothing was asked for. */
  const get = (
    options: PublicKeyCredentialRequestOptionsJSON,
    lies: Partial<Manner> = {},
    key = keys.findLast(({ id }) => options.allowCredentials?.some((one) => one.id === id)) ?? keys.at(-1),
  ): AuthenticationResponseJSON => {
    if (key === undefined) throw new Error('this authenticator has no key')
    const manner = { ...honest, ...lies }
    if (manner.counts) key.counter += 1
    const rpId = manner.rpId ?? options.rpId ?? ''
    const data = authenticatorData(manner, rpId, manner.counter ?? key.counter)
    const client = clientData('webauthn.get', options.challenge, manner)
    const signature = signed(key.algorithm, key.privateKey, Buffer.concat([data, sha256(client)]))
    const userHandle = handleIn(manner, key, options)
    const id = manner.id ?? key.id
    return {
      id,
      rawId: id,
      type: 'public-key',
      response: {
        clientDataJSON: encode(client),
        authenticatorData: encode(data),
        signature: encode(manner.forge?.(signature) ?? signature),
        ...(userHandle === null ? {} : { userHandle }),
      },
      clientExtensionResults: {},
    }
  }

  return { create, get, keys }
}

/** An authenticator as tests hold it. */
export type SoftAuthenticator = ReturnType<typeof softAuthenticator>
