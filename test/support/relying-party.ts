import * as client from 'openid-client'
import type { Browser, Page } from './browser.ts'
import { CLIENT, codeAt, type Host, REDIRECT_URI } from './host.ts'

/** What the ID token says, as a relying party that checks it sees it. */
export interface Signed {
  readonly sub: string
  readonly acr: string | undefined
  readonly amr: readonly string[] | undefined
  readonly authTime: number | undefined
  readonly tokens: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers
}

/** A relying party on openid-client, for one host. */
export const createRelyingParty = async (
  host: Pick<Host, 'issuer'>,
  metadata: { client_id: string; client_secret: string } = CLIENT,
) => {
  const config = await client.discovery(
    new URL(host.issuer),
    metadata.client_id,
    undefined,
    client.ClientSecretBasic(metadata.client_secret),
    { execute: [client.allowInsecureRequests] },
  )

  /** A request with fresh state, nonce and PKCE, and what it takes to redeem its answer. */
  const request = async (parameters: Readonly<Record<string, string>> = {}) => {
    const verifier = client.randomPKCECodeVerifier()
    const state = client.randomState()
    const nonce = client.randomNonce()
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT_URI,
      scope: 'openid',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      ...parameters,
    })
    const redeem = async (answer: URL): Promise<Signed> => {
      const maxAge = parameters.max_age === undefined ? undefined : Number(parameters.max_age)
      const tokens = await client.authorizationCodeGrant(config, answer, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
        ...(maxAge === undefined ? {} : { maxAge }),
      })
      const claims = tokens.claims()
      if (claims === undefined) throw new Error('no ID token')
      return {
        sub: claims.sub,
        acr: claims.acr as string | undefined,
        amr: claims.amr as readonly string[] | undefined,
        authTime: claims.auth_time,
        tokens,
      }
    }
    return { url, redeem }
  }
  return { config, request }
}

/** Whether the page is the relying party's, by redirect. */
export const isAnswer = (page: Page): boolean => page.url.href.startsWith(REDIRECT_URI)

/** The error the relying party was sent, or undefined. */
export const errorOf = (page: Page): string | undefined =>
  isAnswer(page) ? (page.url.searchParams.get('error') ?? undefined) : undefined

/** The secret that an enrolment page shows, without its spaces. */
export const secretOn = (page: Page): string => {
  const found = /secret=([A-Z2-7]+)/.exec(page.text)?.[1]
  if (found === undefined) throw new Error(`no secret on "${page.heading}"`)
  return found
}

/** Answers the host's login page. */
export const signIn = (browser: Browser, page: Page, login: string): Promise<Page> =>
  browser.send(page.action, { form: { login } })

/** One user at one browser, at one relying party: what most journeys need. */
export const createJourney = async (host: Host, login = 'bob') => {
  const rp = await createRelyingParty(host)
  const browser = host.browser()
  let secret: string | undefined

  const journey = {
    rp,
    browser,
    get secret(): string {
      if (secret === undefined) throw new Error('nothing enrolled yet')
      return secret
    },
    set secret(value: string) {
      secret = value
    },
    /** Goes to the provider and through the host's login page where it comes. */
    go: async (parameters: Readonly<Record<string, string>> = {}) => {
      const { url, redeem } = await rp.request(parameters)
      let page = await browser.get(url)
      if (page.heading === 'host login') page = await signIn(browser, page, login)
      return { page, redeem }
    },
    /** Enrols an app on the enrolment page that is open. */
    enroll: async (page: Page) => {
      secret = secretOn(page)
      return browser.post(page, { code: codeAt(secret) })
    },
    /** Answers the challenge page that is open. */
    answer: (page: Page, code = codeAt(journey.secret)) => browser.post(page, { code }),
  }
  return journey
}
