import type { JWTPayload } from 'jose'
import type { Proof } from '../../assurance/evidence.ts'
import { equalSecret } from '../../crypto/equal.ts'
import { proofOf } from './proof.ts'

/** Why the claims of a genuine ID token are not enough. `unasked`: Duo let somebody pass who had shown nothing. */
export type Failure = 'invalid' | 'denied' | 'reported' | 'unasked'

const membersOf = (value: unknown) => Object(value) as Readonly<Record<string, unknown>>

const isFraud = (context: Readonly<Record<string, unknown>>) =>
  context.result === 'fraud' || context.reason === 'user_marked_fraud'

/**
 * What a genuine ID token proves of this user, in this ceremony; else why not. Duo answers with a token whatever came
 * of the sign-in, so that both members of `auth_result` have to allow it.
 */
export const verdictOf = (
  claims: JWTPayload,
  expected: { readonly nonce: string; readonly username: string },
): Proof | Failure => {
  const { nonce, preferred_username: username } = claims
  if (typeof nonce !== 'string' || !equalSecret(nonce, expected.nonce)) return 'invalid'
  if (username !== expected.username) return 'invalid'
  const context = membersOf(claims.auth_context)
  if (isFraud(context)) return 'reported'
  const { result, status } = membersOf(claims.auth_result)
  if (result !== 'allow' || status !== 'allow') return 'denied'
  return proofOf(context) ?? 'unasked'
}
