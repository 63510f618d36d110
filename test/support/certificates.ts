import { createSign, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'

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

/** A distinguished name. */
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
  /** The host that it is for, also at 127.0.0.1. */
  readonly host?: string
}

/** Subject alternative names (RFC 5280 section 4.2.1.6): the host and the address of this machine. */
const namesOf = (host: string) => sequence(tlv(0x82, Buffer.from(host)), tlv(0x87, Buffer.from([127, 0, 0, 1])))

/** An X.509 certificate of version 3, in DER. */
export const certificate = (said: Said, signer: KeyObject) => {
  const { subject, issuer, key, isAuthority, host, from = '2020-01-01', to = '2099-01-01' } = said
  const constraints = sequence(...(isAuthority ? [tlv(1, Buffer.from([0xff]))] : []))
  const extensions = sequence(
    sequence(oid('2.5.29.19'), tlv(1, Buffer.from([0xff])), tlv(4, constraints)),
    ...(host === undefined ? [] : [sequence(oid('2.5.29.17'), tlv(4, namesOf(host)))]),
  )
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

/** A key pair on P-256. */
export const newPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** A certificate for `localhost` that nobody else has signed, with its key; both in PEM. */
export const ownCertificate = () => {
  const { privateKey, publicKey } = newPair()
  const name = { CN: 'localhost' }
  const der = certificate(
    { subject: name, issuer: name, key: publicKey, isAuthority: true, host: 'localhost' },
    privateKey,
  )
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: new X509Certificate(der).toString(),
  }
}
