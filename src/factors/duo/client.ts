import type { JWTPayload } from 'jose'
import { outage } from './complaints.ts'
import type { DuoSettings } from './options.ts'
import { createPost } from './post.ts'
import { createTokens } from './tokens.ts'

/** What is asked of Duo. */
export interface Asked {
  readonly state: string
  readonly nonce: string
  readonly username: string
  /** Where the browser is sent back to: an absolute URL. */
  readonly redirectUri: string
}

/** Duo's three endpoints. `now` is in epoch seconds. */
export interface DuoClient {
  /**
   * Asks whether Duo is there for us.
   *
   * @throws Error where it is not, with the reason.
   */
  checkHealth(now: number): Promise<void>
  /** Where the browser goes to. Nothing is asked of Duo. */
  authorizeUrl(asked: Asked, now: number): Promise<string>
  /**
   * Exchanges a code for what Duo says of the sign-in; undefined where Duo does not know the code, or the answer is not
   * one that Duo made for us just now.
   *
   * @throws Error where Duo cannot be asked, with the reason.
   */
  exchange(code: string, redirectUri: string, now: number): Promise<JWTPayload | undefined>
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Duo's own name or number of an error, where it is one. */
const errorIn = (...values: readonly unknown[]) => {
  const found = values.find((value) => /^\w{1,60}$/.test(String(value ?? '')))
  return found === undefined ? '' : ` and error ${found}`
}

const faultBy = (status: number, message: string) => (status >= 500 ? outage(message) : new Error(message))

/**
 * A client of Duo's OIDC Auth API. What the claims say of the sign-in is for the caller to judge, the nonce included.
 *
 * @see Duo, OIDC Auth API; OpenID Connect Core 1.0 section 3.1.3.7.
 */
export const createClient = (settings: DuoSettings): DuoClient => {
  const { clientId, apiHost, timeoutSeconds, ca } = settings
  const base = `https://${apiHost}`
  const health = `${base}/oauth/v1/health_check`
  const token = `${base}/oauth/v1/token`
  const tokens = createTokens(settings)
  const post = createPost(timeoutSeconds, ca)
  return {
    checkHealth: async (now) => {
      const form = { client_id: clientId, client_assertion: await tokens.assertion(health, now) }
      const { status, body } = await post(health, form)
      if (status !== 200 || body.stat !== 'OK')
        throw faultBy(status, `Duo answered the health check with status ${status}${errorIn(body.code)}`)
    },
    authorizeUrl: async ({ state, nonce, username, redirectUri }, now) => {
      const asked = { response_type: 'code', scope: 'openid', client_id: clientId, redirect_uri: redirectUri }
      const own = { aud: base, state, nonce, duo_uname: username, use_duo_code_attribute: true }
      const request = await tokens.request({ ...asked, ...own }, now)
      return `${base}/oauth/v1/authorize?${new URLSearchParams({ ...asked, request })}`
    },
    exchange: async (code, redirectUri, now) => {
      const { status, body } = await post(token, {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        client_id: clientId,
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: await tokens.assertion(token, now),
      })
      if (status === 400 && body.error === 'invalid_grant') return undefined
      const { id_token: idToken, token_type: type } = body
      if (status === 200 && typeof idToken === 'string' && type === 'Bearer') return tokens.verify(idToken, token, now)
      throw faultBy(status, `Duo answered the code with status ${status}${errorIn(body.error, body.code)}`)
    },
  }
}
