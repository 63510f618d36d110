import { createHash, generateKeyPairSync, sign } from 'node:crypto'

const UP_AND_UV = 0x05
const sha256 = (bytes) => createHash('sha256').update(bytes).digest()

/** One key pair for everybody: what a server checks costs the same, and no account waits for a key of its own. */
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const coordinate = (text) => Buffer.from(text, 'base64url')

/** The public key as a server keeps it: COSE for ES256 (RFC 9053 section 2.1), in base64url. */
export const PUBLIC_KEY = (() => {
  const { x, y } = publicKey.export({ format: 'jwk' })
  const before = Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20])
  return Buffer.concat([before, coordinate(x), Buffer.from([0x22, 0x58, 0x20]), coordinate(y)]).toString('base64url')
})()

/**
 * What a device-bound key answers that has verified its user and counts nothing.
 *
 * @param {{ challenge: string, rpId: string }} options - Of the page
 * @param {{ id: string, origin: string }} given
 */
export const answerOf = ({ challenge, rpId }, { id, origin }) => {
  const clientData = Buffer.from(JSON.stringify({ type: 'webauthn.get', challenge, origin, crossOrigin: false }))
  const data = Buffer.concat([sha256(rpId), Buffer.from([UP_AND_UV, 0, 0, 0, 0])])
  const signature = sign('sha256', Buffer.concat([data, sha256(clientData)]), privateKey)
  return JSON.stringify({
    id,
    rawId: id,
    type: 'public-key',
    clientExtensionResults: {},
    response: {
      clientDataJSON: clientData.toString('base64url'),
      authenticatorData: data.toString('base64url'),
      signature: signature.toString('base64url'),
    },
  })
}
