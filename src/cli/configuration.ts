import {
  type ClientMetadata,
  type Configuration,
  errors,
  type JWK,
  type JWKS,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import type { Clock } from '../clock.ts'
import type { CheckedConfig, Person } from './config.ts'
import type { Directory } from './directory.ts'
import { memoryAdapter } from './memory-adapter.ts'
import { providerPages } from './provider-pages.ts'
import type { Screens } from './screens.ts'

/** What {@link buildConfiguration} needs beside the settings. */
export interface Parts {
  readonly directory: Pick<Directory, 'find' | 'identify'>
  readonly screens: Screens
  readonly jwks: JWKS
  readonly clock: Clock
}

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Where the pages of one login or consent are; the cookie that binds them to a browser has this path. */
export const interactionPath = (uid: string) => `/interaction/${uid}`

const CURVES: Readonly<Record<string, string>> = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' }

/** The algorithm that clients' ID tokens are signed with where neither client nor key names one. */
const signingAlgorithm = ({ keys: [first] }: JWKS) => {
  const { alg, kty, crv = '' } = (first ?? {}) as JWK
  return alg ?? CURVES[crv] ?? (kty === 'OKP' ? 'EdDSA' : 'RS256')
}

const claimsOf = (person: Person) => ({
  sub: person.id,
  preferred_username: person.label,
  name: person.name,
  email: person.email,
  email_verified: person.email === undefined ? undefined : (person.emailVerified ?? false),
  phone_number: person.phone,
})

const findAccount = (directory: Pick<Directory, 'find'>) => async (_ctx: KoaContextWithOIDC, accountId: string) => {
  const person = await directory.find(accountId)
  return person && !person.disabled ? { accountId: person.id, claims: () => claimsOf(person) } : undefined
}

const ttl: Configuration['ttl'] = {
  AccessToken: HOUR,
  AuthorizationCode: MINUTE,
  // CIBA Core 1.0 section 7.1: a client can want less.
  BackchannelAuthenticationRequest: ({ oidc }) => {
    const wanted = Number(oidc?.params?.requested_expiry)
    return wanted > 0 ? Math.min(wanted, 10 * MINUTE) : 10 * MINUTE
  },
  ClientCredentials: 10 * MINUTE,
  DeviceCode: 10 * MINUTE,
  Grant: 14 * DAY,
  IdToken: HOUR,
  Interaction: HOUR,
  // RFC 9700 section 4.14.2: rotation must not prolong the life of a public client's refresh tokens.
  RefreshToken: ({ oidc }, token, client) =>
    client.clientAuthMethod === 'none' && oidc?.entities.RotatedRefreshToken && !token.isSenderConstrained()
      ? oidc.entities.RotatedRefreshToken.remainingTTL
      : 14 * DAY,
  Session: DAY,
}

const features = ({ screens, directory }: Parts): Configuration['features'] => {
  const { device, logout } = providerPages(screens)
  return {
    ciba: {
      enabled: false,
      processLoginHint: async (_ctx, loginHint = '') => directory.identify(loginHint),
      processLoginHintToken: async () => {
        throw new errors.InvalidRequest('login_hint_token is not supported')
      },
    },
    claimsParameter: { enabled: true },
    devInteractions: { enabled: false },
    deviceFlow: { enabled: true, ...device },
    introspection: {
      enabled: true,
      allowedPolicy: (_ctx, client, token) => client.clientAuthMethod !== 'none' || token.clientId === client.clientId,
    },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => {
        throw new errors.InvalidTarget()
      },
    },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    rpInitiatedLogout: { enabled: true, ...logout },
  }
}

const originsOf = (uris: readonly string[] = []) =>
  uris.map((uri) => new URL(uri).origin).filter((origin) => origin !== 'null')

const defaults = (parts: Parts): Configuration => ({
  adapter: memoryAdapter(parts.clock),
  claims: {
    openid: ['sub'],
    profile: ['name', 'preferred_username'],
    email: ['email', 'email_verified'],
    phone: ['phone_number'],
  },
  clientBasedCORS: (_ctx, origin, client) => originsOf(client.redirectUris).includes(origin),
  clientDefaults: {
    id_token_signed_response_alg: signingAlgorithm(parts.jwks) as ClientMetadata['id_token_signed_response_alg'],
  },
  features: features(parts),
  // A client that is registered for refresh tokens gets them; without `offline_access` they end with the session.
  issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  pkce: { required: () => true },
  renderError: providerPages(parts.screens).renderError,
  ttl,
})

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

const merge = (base: Record<string, unknown>, extra: Record<string, unknown>): Record<string, unknown> => ({
  ...base,
  ...Object.fromEntries(
    Object.entries(extra).map(([key, value]) => {
      const under = base[key]
      return [key, isPlain(under) && isPlain(value) ? merge(under, value) : value]
    }),
  ),
})

/**
 * oidc-provider's configuration for a served provider, before the plugin adds its part.
 *
 * The file's own `configuration` refines the defaults; what serve answers for itself stands above both.
 */
export const buildConfiguration = (config: CheckedConfig, parts: Parts): Configuration => {
  const refined: Configuration = merge({ ...defaults(parts) }, { ...config.configuration })
  return {
    ...refined,
    clients: [...config.clients],
    cookies: { ...refined.cookies, keys: [...config.cookieKeys] },
    findAccount: findAccount(parts.directory),
    interactions: { url: (_ctx, interaction) => interactionPath(interaction.uid) },
    jwks: structuredClone(parts.jwks),
  }
}
