import { X509Certificate } from 'node:crypto'
import { decodeAttestationObject } from '@simplewebauthn/server/helpers'

const MAX_CHAIN = 6

const isCurrent = ({ validFrom, validTo }: X509Certificate, now: number) =>
  Date.parse(validFrom) <= now * 1000 && now * 1000 <= Date.parse(validTo)

const isIssuedBy = (certificate: X509Certificate, issuer: X509Certificate) =>
  issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)

/** Whether each certificate was issued by the one after it, and the last by an anchor, or is one. */
const leadsTo = (anchors: readonly X509Certificate[], x5c: readonly Uint8Array[], now: number) => {
  if (x5c.length > MAX_CHAIN) return false
  const chain = x5c.map((bytes) => new X509Certificate(bytes))
  const last = chain.at(-1)
  return (
    last !== undefined &&
    chain.every((one) => isCurrent(one, now)) &&
    chain.slice(1).every((issuer, index) => isIssuedBy(chain[index] ?? last, issuer)) &&
    anchors.some((anchor) => isCurrent(anchor, now) && (anchor.raw.equals(last.raw) || isIssuedBy(last, anchor)))
  )
}

/**
 * Whether the attestation is of the sort that was asked for. Without anchors only what browsers then hand over: none,
 * or one that the key itself signed, which says nothing about it. Else a statement whose certificates lead to an anchor.
 *
 * To be asked before the statement is verified: the verification of some formats follows addresses inside
 * certificates that anybody could have made.
 *
 * @param attestationObject - In base64url.
 * @param now - Epoch seconds.
 * @see WebAuthn Level 3 sections 5.1.3 (step 22) and 7.1 (steps 21 to 24)
 */
export const isAskedFor = (attestationObject: string, anchors: readonly X509Certificate[], now: number): boolean => {
  try {
    const decoded = decodeAttestationObject(new Uint8Array(Buffer.from(attestationObject, 'base64url')))
    const x5c = decoded.get('attStmt').get('x5c')
    if (anchors.length > 0) return x5c !== undefined && leadsTo(anchors, x5c, now)
    return x5c === undefined && ['none', 'packed'].includes(decoded.get('fmt'))
  } catch {
    return false
  }
}
