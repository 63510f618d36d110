import { createSign, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import type { Maker } from './soft-authenticator.ts'

const tlv = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  const { length } = body
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}

const sequence = (...parts: readonly Uint8Array[]) => tlv(0x30, ...parts)

const oid = (dotted: string) => {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const septets = (value: number): number[] =>
    value < 128 ? [value] : [...septets(Math.floor(value / 128)).map((byte) => byte | 128), value % 128]
  return tlv(6, Buffer.from([first * 40 + second, ...rest.flatMap(septets)]))
}

const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'))
const NAMES = { C: '2.5.4.6', O: '2.5.4.10', OU: '2.5.4.11', CN: '2.5.4.3' } as const

type Name = Partial<Record<keyof typeof NAMES, string>>

const nameOf = (name: Name) =>
  sequence(
    ...Object.entries(name).map(([part, text]) =>
      tlv(0x31, sequence(oid(NAMES[part as keyof typeof NAMES]), tlv(part === 'C' ? 0x13 : 0x0c, Buffer.from(text)))),
    ),
  )

const timeOf = (at: Date) => tlv(0x18, Buffer.from(`${at.toISOString().replace(/[-:T]|\..*$/g, '')}Z`))

/** What a certificate says. */
interface Said {
  readonly subject: Name
  readonly issuer: Name
  readonly key: KeyObject
  readonly isAuthority: boolean
  readonly from?: string
  readonly to?: string
}

const certificate = (said: Said, signer: KeyObject) => {
  const { subject, issuer, key, isAuthority, from = '2020-01-01', to = '2099-01-01' } = said
  const constraints = sequence(...(isAuthority ? [tlv(1, Buffer.from([0xff]))] : []))
  const extensions = sequence(sequence(oid('2.5.29.19'), tlv(1, Buffer.from([0xff])), tlv(4, constraints)))
  const body = sequence(
    tlv(0xa0, tlv(2, Buffer.from([2]))),
    tlv(2, Buffer.from([1])),
    ECDSA_SHA256,
    nameOf(issuer),
    sequence(timeOf(new Date(from)), timeOf(new Date(to))),
    nameOf(subject),
    key.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, extensions),
  )
  const signature = createSign('sha256').update(body).sign(signer)
  return sequence(body, ECDSA_SHA256, tlv(3, Buffer.from([0]), signature))
}

const newPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** What may be odd about a maker's certificates. */
interface Odd {
  /** The period of the authenticators' certificate. */
  readonly from?: string
  readonly to?: string
  /** Whether the certificate above it is one of an authority. */
  readonly isAuthority?: boolean
}

/**
 * A maker of authenticators: its root certificate in PEM, and what its authenticators attest with (X.509 version 3,
 * WebAuthn Level 3 section 8.2.1).
 */
export const softMaker = (
  name: string,
  { from, to, isAuthority = true }: Odd = {},
): Maker & { readonly root: string } => {
  const [root, middle, own] = [newPair(), newPair(), newPair()]
  const named = (CN: string) => ({ C: 'NO', O: name, CN })
  const subject = { C: 'NO', O: name, OU: 'Authenticator Attestation', CN: 'Model' }
  const rootDer = certificate(
    { subject: named('Root'), issuer: named('Root'), key: root.publicKey, isAuthority: true },
    root.privateKey,
  )
  const middleDer = certificate(
    { subject: named('Batch'), issuer: named('Root'), key: middle.publicKey, isAuthority },
    root.privateKey,
  )
  const period = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
  const ownDer = certificate(
    { subject, issuer: named('Batch'), key: own.publicKey, isAuthority: false, ...period },
    middle.privateKey,
  )
  return { root: new X509Certificate(rootDer).toString(), key: own.privateKey, x5c: [ownDer, middleDer] }
}
