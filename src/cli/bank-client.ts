import * as oidc from 'openid-client'
import type { SignedIn, Trip } from './bank-sessions.ts'
import type { Demand } from './bank-words.ts'

/** How Bank is registered with its sign-in service. */
export interface BankRegistration {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** The address of Bank itself, without a slash at the end. */
  readonly origin: string
}

/** A request that waits for a device. */
export interface AskedPhone {
  readonly expiresInSeconds: number
  /** What was said once the device had answered; rejects with openid-client's errors, and where the signal is aborted. */
  answered(signal: AbortSignal): Promise<SignedIn['claims']>
}

/** Bank's end of OpenID Connect. */
export interface BankClient {
  /** Where to send the browser, and what to keep until it comes back. */
  depart(purpose: string, demand: Demand): Promise<{ url: URL; state: string; trip: Trip }>
  /** Redeems the response; rejects with openid-client's errors. */
  arrive(currentUrl: URL, state: string, trip: Trip, demand: Demand): Promise<SignedIn>
  /**
   * Asks the devices of whom the ID token is about for a number, away from any browser; rejects with openid-client's
   * errors. OpenID Connect CIBA Core 1.0 section 7.1.
   */
  askPhone(idToken: string, number: string): Promise<AskedPhone>
  /** Where to send the browser to sign out everywhere; OpenID Connect RP-Initiated Logout 1.0 section 2. */
  depose(idToken: string): Promise<URL>
}

const SCOPE = 'openid profile email'

const connect = ({ issuer, clientId, clientSecret }: BankRegistration) => {
  const insecure = issuer.startsWith('http:') ? { execute: [oidc.allowInsecureRequests] } : {}
  const metadata = { id_token_signed_response_alg: 'ES256' }
  return oidc.discovery(new URL(issuer), clientId, metadata, oidc.ClientSecretBasic(clientSecret), insecure)
}

const scopeOf = ({ scope }: Demand) => (scope === undefined ? SCOPE : `${SCOPE} ${scope}`)

/** OpenID Connect Core 1.0 section 5.5.1.1: essential, so that less is an error and not a silent success. */
const demandParameters = ({ acr, maxAgeSeconds }: Demand): Record<string, string> => ({
  ...(acr === undefined ? {} : { claims: JSON.stringify({ id_token: { acr: { essential: true, value: acr } } }) }),
  ...(maxAgeSeconds === undefined ? {} : { max_age: String(maxAgeSeconds) }),
})

const nameOf = (claims: object) => {
  const [name] = ['name', 'preferred_username', 'sub'].map((key) => Reflect.get(claims, key)).filter(Boolean)
  return String(name)
}

/** Bank's client; it meets the sign-in service at the first trip and again after a failure. */
export const createBankClient = (registration: BankRegistration): BankClient => {
  const { origin } = registration
  let connecting: Promise<oidc.Configuration> | undefined
  const connected = () => {
    connecting ??= connect(registration)
    connecting.catch(() => {
      connecting = undefined
    })
    return connecting
  }

  return Object.freeze({
    async depart(purpose: string, demand: Demand) {
      const trip: Trip = { purpose, codeVerifier: oidc.randomPKCECodeVerifier(), nonce: oidc.randomNonce() }
      const state = oidc.randomState()
      const url = oidc.buildAuthorizationUrl(await connected(), {
        redirect_uri: `${origin}/callback`,
        scope: scopeOf(demand),
        state,
        nonce: trip.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(trip.codeVerifier),
        code_challenge_method: 'S256',
        ...demandParameters(demand),
      })
      return { url, state, trip }
    },
    async arrive(currentUrl: URL, state: string, trip: Trip, demand: Demand): Promise<SignedIn> {
      const { maxAgeSeconds } = demand
      const configuration = await connected()
      const tokens = await oidc.authorizationCodeGrant(configuration, currentUrl, {
        expectedState: state,
        expectedNonce: trip.nonce,
        pkceCodeVerifier: trip.codeVerifier,
        idTokenExpected: true,
        ...(maxAgeSeconds === undefined ? {} : { maxAge: maxAgeSeconds }),
      })
      const claims = tokens.claims() as SignedIn['claims'] & { sub: string }
      const profile = await oidc.fetchUserInfo(configuration, tokens.access_token, claims.sub)
      // RFC 6749 section 5.1: what is granted is said, unless it is what was asked for.
      const scopes = (tokens.scope ?? scopeOf(demand)).split(' ')
      return { sub: claims.sub, name: nameOf(profile), claims, scopes, idToken: tokens.id_token ?? '' }
    },
    async askPhone(idToken: string, number: string): Promise<AskedPhone> {
      const configuration = await connected()
      const parameters = { scope: 'openid', id_token_hint: idToken, binding_message: number }
      const asked = await oidc.initiateBackchannelAuthentication(configuration, parameters)
      return {
        expiresInSeconds: asked.expires_in,
        async answered(signal) {
          const tokens = await oidc.pollBackchannelAuthenticationGrant(configuration, asked, undefined, { signal })
          return tokens.claims() as SignedIn['claims']
        },
      }
    },
    depose: async (idToken: string) =>
      oidc.buildEndSessionUrl(await connected(), {
        id_token_hint: idToken,
        post_logout_redirect_uri: `${origin}/signed-out`,
      }),
  })
}
