import { X509Certificate } from 'node:crypto'
import { certificate, newPair } from './certificates.ts'
import type { Maker } from './soft-authenticator.ts'

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
