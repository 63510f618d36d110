import {
  type AuthenticationResponseJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type WebAuthnCredential,
} from '@simplewebauthn/server'

/** ES256, EdDSA and RS256 (RFC 9053 section 2, RFC 8812 section 2), by preference: every browser and key has one. */
export const ALGORITHMS: readonly number[] = [-7, -8, -257]

/** What an answer has to fit. */
export interface Checks {
  readonly expectedChallenge: string
  readonly expectedOrigin: string[]
  readonly expectedRPID: string
  readonly requireUserVerification: boolean
}

/** A new key, verified; undefined where anything about it is wrong. */
export const verifiedKey = async (response: RegistrationResponseJSON, checks: Checks) => {
  try {
    const supportedAlgorithmIDs = [...ALGORITHMS]
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      ...checks,
      response,
      supportedAlgorithmIDs,
    })
    return verified ? registrationInfo : undefined
  } catch {
    return undefined
  }
}

/**
 * What a key has signed, verified; undefined where anything about it is wrong. Its count is left to the caller, who
 * then knows that it is signed: a count that anybody could have made up says nothing about the key.
 */
export const verifiedAnswer = async (
  response: AuthenticationResponseJSON,
  credential: Pick<WebAuthnCredential, 'id' | 'publicKey'>,
  checks: Checks,
) => {
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      ...checks,
      response,
      credential: { ...credential, counter: 0 },
    })
    return verified ? authenticationInfo : undefined
  } catch {
    return undefined
  }
}

/** Whether a key that counts has counted on: where it has not, there may be two of it (WebAuthn Level 3 section 6.1.1). */
export const countsOn = (before: number, now: number): boolean => now > before || (now === 0 && before === 0)
