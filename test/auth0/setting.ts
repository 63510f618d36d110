import { type Auth0Options, type Auth0Rule, auth0Rule } from '../../src/auth0/index.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import type { FactRequest, Facts } from '../../src/policy/facts.ts'
import type { Demand, Rule } from '../../src/policy/rule.ts'

/** A sign-in of which everything is known. */
export const FACTS = {
  client: { id: 'bank', name: 'The Bank', metadata: { requires: 'more' } },
  account: {
    id: 'alice',
    label: 'alice@example.com',
    email: 'alice@example.com',
    emailVerified: true,
    phone: '+4930123456',
    tenant: 'acme',
    metadata: { roles: ['admin'], app_metadata: { plan: 'gold' }, user_metadata: { country: 'DE' } },
  },
  address: '192.0.2.7',
  userAgent: 'Browser/1',
  enrolled: ['totp'],
  login: { kinds: ['knowledge'], traits: [], amr: ['pwd'], at: 1_800_000_000 },
  lastFactorAt: undefined,
  scopes: ['openid', 'profile'],
  resources: ['https://api.example/'],
  location: { country: 'DE', region: 'BE', city: 'Berlin', latitude: 52.5, longitude: 13.4, timeZone: 'Europe/Berlin' },
  risk: {
    confidence: 'low',
    version: '1',
    assessments: { NewDevice: { confidence: 'low', code: 'no_match' }, Own: { confidence: 'unknown', code: 'none' } },
  },
} as const satisfies Partial<Facts>

/** What of a sign-in is otherwise. */
export type Otherwise = { readonly [Name in keyof Facts]?: Facts[Name] | undefined }

/** Asks for facts as a sign-in does, and notes which. */
export const requestWith = (otherwise: Otherwise = {}, asked: string[] = []): FactRequest => {
  const facts: Otherwise = { ...FACTS, ...otherwise }
  return {
    signal: new AbortController().signal,
    header: () => undefined,
    fact: async (name) => {
      asked.push(name)
      return facts[name] as never
    },
  }
}

/** What a rule comes to say of a sign-in, and why. */
export const judged = async (
  rule: Rule,
  otherwise: Otherwise = {},
): Promise<{ readonly demand: Demand | undefined; readonly because: string | undefined }> => {
  const request = requestWith(otherwise)
  const brought = await Promise.all(
    Object.entries(rule.sources ?? {}).map(async ([name, source]) => [name, await source(request)] as const),
  )
  const facts = { ...FACTS, ...otherwise, ...Object.fromEntries(brought) } as Facts
  return { demand: rule.demand(facts), because: rule.because?.(facts) }
}

// Rules of tenants are JavaScript, which looks into what it gets as it likes.
// biome-ignore lint/suspicious/noExplicitAny: as above
export type Loose = any

/** A rule as tenants have it. */
export type Legacy = (user: Loose, context: Loose, callback: (...all: Loose[]) => void) => unknown

/** A rule of ours made of one. */
export const ruleOf = (rule: Legacy, options?: Auth0Options) => auth0Rule(rule as Auth0Rule, options)

/** What asks for more. */
export const MORE: Demand = { floor: MULTI_FACTOR }
/** What asks for more in whatever browser. */
export const EVERY_TIME: Demand = { floor: MULTI_FACTOR, allowRememberBrowser: false }
/** What exempts. */
export const EXEMPT: Demand = { exempt: true }

/** The demand of Auth0's own documents. */
export const asking = { provider: 'any', allowRememberBrowser: false }

/** A rule that says this of everybody. */
export const saying =
  (multifactor: unknown): Legacy =>
  (user, context, callback) => {
    context.multifactor = multifactor
    callback(null, user, context)
  }

/** A rule that throws. */
export const throwing =
  (error: unknown): Legacy =>
  () => {
    throw error
  }

/** A rule that looks at roles. */
export const byRole: Legacy = (user, context, callback) => {
  if (context.authorization.roles.includes('admin')) context.multifactor = { provider: 'any' }
  callback(null, user, context)
}

/** A login at another identity provider. */
export const upstream = { ...FACTS.login, upstream: { issuer: 'https://idp.example' } }
