import { type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { JOSEError } from 'jose/errors'
import { randomToken } from '../../crypto/random.ts'
import type { DuoSettings } from './options.ts'

/** What is signed for Duo and by Duo, with the one secret that both have. `now` is in epoch seconds. */
export interface Tokens {
  /** Signs what Duo is asked for; it can be used for five minutes. */
  request(claims: JWTPayload, now: number): Promise<string>
  /** Shows one endpoint that it is we who ask (RFC 7523 section 3). */
  assertion(endpoint: string, now: number): Promise<string>
  /** The claims of an ID token that `issuer` made for us just now; undefined for any other text. */
  verify(idToken: string, issuer: string, now: number): Promise<JWTPayload | undefined>
}

const ALGORITHM = 'HS512'
const LIFE_SECONDS = 300
/** How far Duo's clock and ours may be apart, in seconds. */
const LEEWAY_SECONDS = 60
/** 216 bits, in the 36 characters that Duo's own clients use. */
const JTI_BYTES = 27

/** Builds them. @see {@link Tokens} */
export const createTokens = ({ clientId, clientSecret }: Pick<DuoSettings, 'clientId' | 'clientSecret'>): Tokens => {
  const secret = new TextEncoder().encode(clientSecret)
  const request: Tokens['request'] = (claims, now) =>
    new SignJWT({ ...claims, iss: clientId, exp: now + LIFE_SECONDS })
      .setProtectedHeader({ alg: ALGORITHM })
      .sign(secret)
  return {
    request,
    assertion: (endpoint, now) => request({ sub: clientId, aud: endpoint, jti: randomToken(JTI_BYTES), iat: now }, now),
    verify: async (idToken, issuer, now) => {
      try {
        const { payload } = await jwtVerify(idToken, secret, {
          algorithms: [ALGORITHM],
          issuer,
          audience: clientId,
          requiredClaims: ['exp', 'iat'],
          clockTolerance: LEEWAY_SECONDS,
          maxTokenAge: LIFE_SECONDS,
          currentDate: new Date(now * 1000),
        })
        return payload
      } catch (fault) {
        if (fault instanceof JOSEError) return undefined
        throw fault
      }
    },
  }
}
