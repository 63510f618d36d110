import type { Location } from '../policy/facts.ts'
import { assessmentOf, fill, type Known, metadataOf, methodsOf, rolesOf, strategyOf, unnamed } from './known.ts'
import type { Notes } from './notes.ts'
import type { Settings } from './options.ts'

/** The event as an Action gets it. */
export interface Auth0Event {
  user: Record<string, unknown> & { user_id: string; email?: string; email_verified: boolean }
  client: { client_id: string; name: string; metadata: Record<string, unknown> }
  connection: { name: string; strategy: string; metadata: Record<string, unknown> }
  authentication: Record<string, unknown> & { methods: { name: string; timestamp: string }[] }
  authorization: { roles: string[] }
  request: Record<string, unknown> & { ip?: string; user_agent?: string; query: Record<string, unknown> }
  transaction: { protocol: string; requested_scopes: string[]; acr_values: string[] }
  secrets: Record<string, string>
  [name: string]: unknown
}

const METHOD_OF: Readonly<Record<string, string>> = {
  totp: 'otp',
  push: 'push-notification',
  sms: 'phone',
  webauthn: 'webauthn-roaming',
  'recovery-codes': 'recovery-code',
}

const userOf = ({ account, enrolled }: Known) => {
  const { id, label, email, emailVerified = false, phone } = account
  const metadata = metadataOf(account)
  return {
    user_id: id,
    name: label,
    ...(email === undefined ? {} : { email }),
    email_verified: emailVerified,
    ...(phone === undefined ? {} : { phone_number: phone }),
    app_metadata: metadata.app,
    user_metadata: metadata.user,
    enrolledFactors: enrolled.map((factor) => ({ method: METHOD_OF[factor] ?? factor })),
  }
}

const geoip = ({ country, region, city, latitude, longitude, timeZone }: Location) => ({
  countryCode: country,
  countryCode3: undefined,
  countryName: undefined,
  continentCode: undefined,
  subdivisionCode: region,
  subdivisionName: undefined,
  cityName: city,
  latitude,
  longitude,
  timeZone,
})

const requestOf = (
  { address, userAgent, client, scopes, resources, location }: Known,
  notes: Notes,
  { reads }: Settings,
) => {
  const path = 'event.request'
  const request = {}
  const query = {
    client_id: client.id,
    scope: scopes.join(' '),
    ...(resources[0] === undefined ? {} : { audience: resources[0] }),
  }
  const values = { ip: address, user_agent: userAgent, asn: location?.asn, hostname: undefined, language: undefined }
  fill(request, path, { ...values, query, body: {} }, notes.unknown)
  if (!reads.includes('location')) {
    notes.barred(request, `${path}.geoip`, unnamed(`${path}.geoip`, 'location'))
    return request
  }
  const place = {}
  fill(place, `${path}.geoip`, geoip(location ?? {}), notes.unknown)
  return Object.assign(request, { geoip: place })
}

const authenticationOf = (known: Known, notes: Notes, { reads }: Settings) => {
  const path = 'event.authentication.riskAssessment'
  const authentication = {
    methods: methodsOf(known).map(({ name, at }) => ({ name, timestamp: new Date(at * 1000).toISOString() })),
  }
  const { risk } = known
  if (!reads.includes('risk')) notes.barred(authentication, path, unnamed(path, 'risk'))
  else fill(authentication, 'event.authentication', { riskAssessment: risk && assessmentOf(risk) }, notes.unknown)
  return authentication
}

/** The event, of what is known. */
export const eventOf = (known: Known, notes: Notes, settings: Settings): Auth0Event => {
  const { client, account, login, scopes, resources } = known
  const { tenant } = account
  const [authorization, stats] = [{}, {}]
  const roles = rolesOf(account)
  if (roles === undefined) notes.unknown(authorization, 'event.authorization.roles', [])
  else Object.assign(authorization, { roles })
  notes.unknown(stats, 'event.stats.logins_count')
  const event = {
    user: userOf(known),
    client: { client_id: client.id, name: client.name ?? '', metadata: client.metadata ?? {} },
    connection: { name: settings.connection(login), strategy: strategyOf(login), metadata: {} },
    ...(tenant === undefined ? {} : { organization: { id: tenant, name: tenant, metadata: {} } }),
    ...(resources[0] === undefined ? {} : { resource_server: { identifier: resources[0] } }),
    authentication: authenticationOf(known, notes, settings),
    authorization,
    request: requestOf(known, notes, settings),
    transaction: { protocol: 'oidc-basic-profile', requested_scopes: [...scopes], acr_values: [] },
    stats,
    secrets: { ...settings.secrets },
  }
  return event as unknown as Auth0Event
}
