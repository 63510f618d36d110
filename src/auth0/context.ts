import type { Location } from '../policy/facts.ts'
import { assessmentOf, fill, type Known, metadataOf, methodsOf, rolesOf, strategyOf, unnamed } from './known.ts'
import type { Notes } from './notes.ts'
import type { Settings } from './options.ts'

/** The user as a Rule gets it. What it changes in it, only the rules after it see. */
export interface Auth0User {
  user_id: string
  name: string
  email?: string
  email_verified: boolean
  phone_number?: string
  app_metadata: Record<string, unknown>
  user_metadata: Record<string, unknown>
  /** Providers that the account has enrolled; absent where there are none. */
  multifactor?: string[]
  [name: string]: unknown
}

/** The context as a Rule gets it. */
export interface Auth0Context {
  clientID: string
  clientName: string
  clientMetadata: Record<string, unknown>
  connection: string
  connectionStrategy: string
  protocol: string
  request: Record<string, unknown> & { ip?: string; userAgent?: string; query: Record<string, unknown> }
  authentication: { methods: { name: string; timestamp: number }[] }
  authorization: { roles: string[] }
  /** What the rule asks for. */
  multifactor?: unknown
  [name: string]: unknown
}

const PROVIDER_OF: Readonly<Record<string, string>> = {
  totp: 'google-authenticator',
  push: 'guardian',
  sms: 'guardian',
  duo: 'duo',
  webauthn: 'webauthn-roaming',
}

/** What Auth0 calls what the account has enrolled, each once; recovery codes are nothing by themselves there. */
const providersOf = (enrolled: readonly string[]) => [
  ...new Set(enrolled.filter((id) => id !== 'recovery-codes').map((id) => PROVIDER_OF[id] ?? id)),
]

/** The user, from the account. */
export const userOf = ({ account, enrolled, login }: Known, { connection }: Settings): Auth0User => {
  const { id, label, email, emailVerified = false, phone } = account
  const providers = providersOf(enrolled)
  const metadata = metadataOf(account)
  return {
    user_id: id,
    name: label,
    ...(email === undefined ? {} : { email }),
    email_verified: emailVerified,
    ...(phone === undefined ? {} : { phone_number: phone }),
    identities: [{ connection: connection(login), provider: strategyOf(login), user_id: id, isSocial: false }],
    app_metadata: metadata.app as Record<string, unknown>,
    user_metadata: metadata.user as Record<string, unknown>,
    ...(providers.length === 0 ? {} : { multifactor: providers }),
  }
}

const geoip = ({ country, region, city, latitude, longitude, timeZone }: Location) => ({
  country_code: country,
  country_code3: undefined,
  country_name: undefined,
  continent_code: undefined,
  subdivision_code: region,
  subdivision_name: undefined,
  city_name: city,
  latitude,
  longitude,
  time_zone: timeZone,
})

const requestOf = (
  { address, userAgent, scopes, resources, client, location }: Known,
  notes: Notes,
  { reads }: Settings,
) => {
  const request = {}
  const query = {
    client_id: client.id,
    scope: scopes.join(' '),
    ...(resources[0] === undefined ? {} : { audience: resources[0] }),
  }
  fill(request, 'context.request', { ip: address, userAgent, query, hostname: undefined }, notes.unknown)
  if (!reads.includes('location')) {
    notes.barred(request, 'context.request.geoip', unnamed('context.request.geoip', 'location'))
    return request
  }
  const place = {}
  fill(place, 'context.request.geoip', geoip(location ?? {}), notes.unknown)
  return Object.assign(request, { geoip: place })
}

/** What nobody here can tell: whether the login was a new one, and how many there were. */
const untold = (name: string, members: readonly string[], notes: Notes) => {
  const object = {}
  for (const member of members) notes.unknown(object, `context.${name}.${member}`)
  return object
}

const authorizationOf = ({ account }: Known, notes: Notes) => {
  const roles = rolesOf(account)
  const authorization = {}
  if (roles === undefined) notes.unknown(authorization, 'context.authorization.roles', [])
  else Object.assign(authorization, { roles })
  return authorization
}

/** The context, of what is known. */
export const contextOf = (known: Known, notes: Notes, settings: Settings): Auth0Context => {
  const { client, account, login, risk } = known
  const { tenant } = account
  const context = {
    clientID: client.id,
    clientName: client.name ?? '',
    clientMetadata: client.metadata ?? {},
    connection: settings.connection(login),
    connectionStrategy: strategyOf(login),
    connectionMetadata: {},
    protocol: 'oidc-basic-profile',
    request: requestOf(known, notes, settings),
    authentication: { methods: methodsOf(known).map(({ name, at }) => ({ name, timestamp: at * 1000 })) },
    authorization: authorizationOf(known, notes),
    ...(tenant === undefined ? {} : { organization: { id: tenant, name: tenant, metadata: {} } }),
    stats: untold('stats', ['loginsCount'], notes),
    sso: untold('sso', ['with_auth0', 'with_dbconn', 'current_clients'], notes),
    samlConfiguration: {},
    jwtConfiguration: {},
    idToken: {},
    accessToken: {},
  }
  const path = 'context.riskAssessment'
  if (!settings.reads.includes('risk')) notes.barred(context, path, unnamed(path, 'risk'))
  else fill(context, 'context', { riskAssessment: risk && assessmentOf(risk) }, notes.unknown)
  return context as unknown as Auth0Context
}
