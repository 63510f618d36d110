import { load } from 'cheerio'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { ClientMetadata, Configuration } from 'oidc-provider'
import * as client from 'openid-client'
import type { Browser, Page } from '../support/browser.ts'
import { CLIENT, type Host } from '../support/host.ts'

/** Where every flow's answers go: oidc-provider takes only https where tokens come through the browser. */
const CALLBACK = 'https://rp.example/callback'

/** A redirect URI of another sector. */
export const OTHER_CALLBACK = 'https://other.example/callback'

export const CALLBACKS: readonly string[] = [CALLBACK, OTHER_CALLBACK]

export const RESPONSE_TYPES = [
  'code',
  'code id_token',
  'code token',
  'code id_token token',
  'id_token',
  'id_token token',
] as const

export type ResponseType = (typeof RESPONSE_TYPES)[number]

/** The parameters of a request, in their order. */
export type Parameters = Readonly<Record<string, string>>

/** What the relying parties sign their request objects with. */
const signing = await generateKeyPair('ES256', { extractable: true })
const publicKey = { ...(await exportJWK(signing.publicKey)), alg: 'ES256', use: 'sig', kid: 'rp' }

/** A client that may use every flow. */
export const flowClient = (more: Partial<ClientMetadata> = {}): ClientMetadata => ({
  client_id: 'flows',
  client_secret: 'a secret of flows with at least 256 bits',
  redirect_uris: [CALLBACK],
  post_logout_redirect_uris: ['https://rp.example/bye'],
  grant_types: ['authorization_code', 'implicit', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  response_types: [...RESPONSE_TYPES],
  id_token_signed_response_alg: 'ES256',
  jwks: { keys: [publicKey] } as never,
  ...more,
})

/** The client by which `useStage().enrolled` sets people up, beside those that a test is about. */
export const beside = (...clients: readonly ClientMetadata[]): ClientMetadata[] => [
  {
    ...CLIENT,
    redirect_uris: [...CLIENT.redirect_uris],
    grant_types: [...CLIENT.grant_types],
    response_types: ['code'],
  },
  ...clients,
]

/** One grant for each session and client, with these scopes and claims, and scopes of these resources. */
export const grantOf =
  (
    scopes: string,
    claims: string[] = [],
    resources: Parameters = {},
  ): NonNullable<Configuration['loadExistingGrant']> =>
  async ({ oidc: { session, provider, client: asking } }) => {
    const clientId = asking?.clientId ?? ''
    const known = session?.grantIdFor(clientId)
    const grant = known === undefined ? undefined : await provider.Grant.find(known)
    if (grant !== undefined) return grant
    const fresh = new provider.Grant({ accountId: session?.accountId ?? '', clientId })
    fresh.addOIDCScope(scopes)
    fresh.addOIDCClaims(claims)
    for (const [resource, scope] of Object.entries(resources)) fresh.addResourceScope(resource, scope)
    await fresh.save()
    return fresh
  }

/** A provider on which every flow is open. */
export const flowConfiguration: Configuration = {
  enableHttpPostMethods: true,
  cookies: { keys: ['test cookie key'], long: { sameSite: 'none', signed: true }, short: { signed: true } },
  features: {
    deviceFlow: { enabled: true },
    introspection: { enabled: true },
    requestObjects: { enabled: true },
  },
  issueRefreshToken: async (_ctx, asking) => asking.grantTypeAllowed('refresh_token'),
  loadExistingGrant: grantOf('openid profile offline_access'),
  responseTypes: [...RESPONSE_TYPES],
  rotateRefreshToken: true,
}

/** A relying party on openid-client that can use every flow. */
export const createParty = async (host: Pick<Host, 'issuer'>, metadata: ClientMetadata = flowClient()) => {
  const { client_id: clientId, client_secret: secret = '' } = metadata
  const authentication = client.ClientSecretBasic(secret)
  const config = await client.discovery(new URL(host.issuer), clientId, undefined, authentication, {
    execute: [client.allowInsecureRequests],
  })

  /** The library is told beforehand which flow it is in. */
  const configFor = (responseType: ResponseType): client.Configuration => {
    const one = new client.Configuration(config.serverMetadata(), clientId, undefined, authentication)
    client.allowInsecureRequests(one)
    if (responseType.startsWith('code id_token')) client.useCodeIdTokenResponseType(one)
    if (responseType.startsWith('id_token')) client.useIdTokenResponseType(one)
    return one
  }

  /** A whole request in the order given, with fresh state and nonce, and PKCE where there will be a code. */
  const request = async (parameters: Parameters = {}) => {
    const responseType = (parameters.response_type ?? 'code') as ResponseType
    const verifier = client.randomPKCECodeVerifier()
    const state = client.randomState()
    const nonce = client.randomNonce()
    const pkce = {
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }
    const all: Parameters = {
      redirect_uri: metadata.redirect_uris?.[0] ?? CALLBACK,
      scope: 'openid',
      state,
      nonce,
      ...(responseType.includes('code') ? pkce : {}),
      ...parameters,
      response_type: responseType,
    }
    return { all, responseType, verifier, state, nonce, maxAge: Number(parameters.max_age ?? Number.NaN) }
  }

  return { clientId, secret, config, configFor, request }
}

export type Party = Awaited<ReturnType<typeof createParty>>

/** The address of an authorization request, and what a browser does with it. */
export interface Asked {
  readonly url: URL
  readonly method: 'GET' | 'POST'
}

/** Opens a request, with what the browser's owner adds to it. */
export const openAsked = (browser: Browser, { url, method }: Asked, added: Parameters = {}): Promise<Page> => {
  const sent = new URL(url)
  for (const [name, value] of Object.entries(added)) sent.searchParams.append(name, value)
  return method === 'GET' ? browser.get(sent) : browser.send(sent.pathname, { form: sent.searchParams.toString() })
}

type Asking = (party: Party, all: Parameters) => Promise<Asked> | Asked

const withObject: (party: Party, all: Parameters) => Promise<URL> = ({ config }, all) =>
  client.buildAuthorizationUrlWithJAR(config, { ...all }, { key: signing.privateKey, kid: 'rp' })

const withSecret = async ({ config, clientId, secret }: Party, all: Parameters) => {
  const request = await new SignJWT({ ...all, client_id: clientId })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(clientId)
    .setAudience(config.serverMetadata().issuer)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(secret))
  return client.buildAuthorizationUrl(config, { request })
}

const get = (url: URL): Asked => ({ url, method: 'GET' })
const post = (url: URL): Asked => ({ url, method: 'POST' })

/** Every way to bring an authorization request to the provider. */
export const ASKING = {
  query: ({ config }, all) => get(client.buildAuthorizationUrl(config, { ...all })),
  POST: ({ config }, all) => post(client.buildAuthorizationUrl(config, { ...all })),
  PAR: async ({ config }, all) => get(await client.buildAuthorizationUrlWithPAR(config, { ...all })),
  'JAR by ES256': async (party, all) => get(await withObject(party, all)),
  'JAR by HS256': async (party, all) => get(await withSecret(party, all)),
  'JAR in a POST': async (party, all) => post(await withObject(party, all)),
  'JAR in a PAR': async (party, all) => {
    const { searchParams } = await withObject(party, all)
    return get(await client.buildAuthorizationUrlWithPAR(party.config, searchParams))
  },
} as const satisfies Readonly<Record<string, Asking>>

export type AskingWay = keyof typeof ASKING

export const ASKING_WAYS = Object.keys(ASKING) as AskingWay[]

/** Sends the page's first form with its hidden fields, and those that its reader fills in or presses. */
export const fill = (browser: Browser, page: Page, fields: Parameters = {}): Promise<Page> => {
  const $ = load(page.text)
  const hidden = $('form')
    .first()
    .find('input[type=hidden]')
    .map((_index, input) => [[$(input).attr('name') ?? '', $(input).attr('value') ?? '']])
    .get()
  const action = new URL($('form').first().attr('action') ?? '', page.url)
  return browser.send(action, { form: { ...Object.fromEntries(hidden), ...fields } })
}
