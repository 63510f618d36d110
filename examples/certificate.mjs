import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

// Distinguished Encoding Rules: a tag, a length, the content (ITU-T X.690 section 8.1).
const der = (tag, ...parts) => {
  const content = Buffer.concat(parts)
  const { length } = content
  const long = length > 255 ? [0x82, length >> 8, length & 255] : [0x81, length]
  return Buffer.concat([Buffer.from([tag, ...(length < 128 ? [length] : long)]), content])
}
const sequence = (...parts) => der(0x30, ...parts)
const oid = (hex) => der(0x06, Buffer.from(hex, 'hex'))
const integer = (bytes) => der(0x02, bytes)
const utcTime = (date) => der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`))

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'))
const COMMON_NAME = oid('550403')
const SUBJECT_ALT_NAME = oid('551d11')
const VERSION_3 = der(0xa0, integer(Buffer.from([2])))
const DAY = 86_400_000

/** A key and its self-signed certificate for one day and one host name (RFC 5280 section 4.1). For trying only. */
export const selfSigned = (hostname) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(hostname)))))
  const now = Date.now()
  const alternativeName = sequence(SUBJECT_ALT_NAME, der(0x04, sequence(der(0x82, Buffer.from(hostname)))))
  const toBeSigned = sequence(
    VERSION_3,
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    name,
    sequence(utcTime(new Date(now - DAY)), utcTime(new Date(now + DAY))),
    name,
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(alternativeName)),
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', toBeSigned, privateKey))
  const body = sequence(toBeSigned, ECDSA_WITH_SHA256, signature).toString('base64').replace(/.{64}/g, '$&\n')
  return {
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }),
    cert: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
  }
}
