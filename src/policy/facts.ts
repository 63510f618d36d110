import type { Account } from '../account.ts'
import type { LoginProof } from '../assurance/evidence.ts'

export type { Upstream } from '../assurance/evidence.ts'

/** What hides where somebody is, or stands in a data centre. */
export type NetworkType = 'anonymous' | 'hosting' | 'proxy' | 'residential-proxy' | 'tor' | 'vpn'

/** Where an address is, as far as a geolocation database tells; every member may be missing. */
export interface Location {
  /** ISO 3166-1 alpha-2, upper case: `DE`. */
  readonly country?: string
  /** The part of an ISO 3166-2 code that follows the country, upper case: `BY`. */
  readonly region?: string
  readonly city?: string
  /** WGS 84, in degrees; always both or neither. */
  readonly latitude?: number
  readonly longitude?: number
  /** How far off that may be. */
  readonly accuracyKm?: number
  /** An IANA time zone. */
  readonly timeZone?: string
  /** Number of the autonomous system, without `AS`. */
  readonly asn?: number
  /** Who runs it. */
  readonly organization?: string
  /** What kind of network it is; empty where a database knows of none, absent where no database could tell. */
  readonly networks?: readonly NetworkType[]
}

/** The relying party. */
export interface ClientFact {
  readonly id: string
  readonly name?: string
  /** The client's metadata as the provider keeps it, without its secret. */
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** The login that this session stands on. */
export interface LoginFact extends LoginProof {
  /** Epoch seconds. */
  readonly at: number
}

/** Whether this browser is one that the account has signed in from. */
export interface DeviceFact {
  /** By a cookie of ours. */
  readonly cookie: 'known' | 'unknown'
  /** By what kind of browser it says it is. */
  readonly userAgent: 'known' | 'unknown'
  /** How many browsers of the account are known. */
  readonly known: number
}

/** When and where the account signed in before. */
export interface LastLogin {
  /** Epoch seconds. */
  readonly at: number
  readonly location?: Location
}

/** What is known of failures and of strange company. */
export interface VelocityFact {
  /** Refused answers of the account in a row, over all its factors. */
  readonly failures: number
  /** How many different accounts signed in from this address within the last hour, this one included. */
  readonly accounts: number
}

/** What risk signals say about a sign-in: `low` is what calls for more. */
export type Confidence = 'low' | 'medium' | 'high'

/** What one assessor says. */
export interface Assessment {
  /** `unknown` where the signal is missing: it never makes anything look better. */
  readonly confidence: Confidence | 'unknown'
  /** Why, in a stable word. */
  readonly code: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** All that was assessed, in the shape of Auth0's `riskAssessment`. */
export interface RiskAssessment {
  /** The whole, by the overall rule. */
  readonly confidence: Confidence
  readonly version: '1'
  /** By the name of the assessor: `NewDevice`, `ImpossibleTravel`. */
  readonly assessments: Readonly<Record<string, Assessment>>
}

/**
 * Facts of the host's own, by name; what each is comes from `policy.facts`. Declare them so that rules can read them:
 *
 * @example
 * ```ts
 * declare module 'oidc-step-up/policy' {
 *   interface HostFacts { readonly payroll: 'open' | 'closed' }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: hosts add their facts to it
export interface HostFacts {}

/** All that rules and assessors can read; each is fetched only where one of them reads it. */
export interface Facts extends HostFacts {
  readonly client: ClientFact
  /** Requested scopes, and those whose claims are requested one by one. */
  readonly scopes: readonly string[]
  /** Requested resource indicators, and the audiences they stand for. */
  readonly resources: readonly string[]
  readonly account: Account
  /** Epoch seconds. */
  readonly now: number
  /** Where the request comes from: an IP address in its shortest form, IPv4 never mapped into IPv6. */
  readonly address: string | undefined
  /** As it was sent. */
  readonly userAgent: string | undefined
  readonly location: Location | undefined
  /** Undefined where nobody has signed in: in the backchannel. */
  readonly login: LoginFact | undefined
  /** When this session last proved a factor beside its login, in epoch seconds; undefined where it has not. */
  readonly lastFactorAt: number | undefined
  /** Ids of factors that the account has enrolled, or that follow from facts about it and can stand alone. */
  readonly enrolled: readonly string[]
  readonly device: DeviceFact | undefined
  readonly lastLogin: LastLogin | undefined
  readonly velocity: VelocityFact | undefined
  readonly risk: RiskAssessment | undefined
}

/** The name of a fact. */
export type FactName = keyof Facts

/** Facts as a rule gets them: those it reads. A fact that could not be had is undefined. */
export type FactsOf<Name extends FactName> = Readonly<Pick<Facts, Name>>

/** What a source of a host's fact is asked with. */
export interface FactRequest {
  /** Aborted when the answer would come too late. */
  readonly signal: AbortSignal
  /** A header of the request; undefined where it has none, or there is no request. */
  header(name: string): string | undefined
  /** Another fact; it is fetched if it was not yet. */
  fact<Name extends FactName>(name: Name): Promise<Facts[Name]>
}

/**
 * Tells one fact. What throws, rejects or takes longer than two seconds leaves the fact unknown.
 *
 * A source named like a fact of ours stands in its place.
 */
export type FactSource<Value = unknown> = (request: FactRequest) => Value | Promise<Value>

/** Sources by the name of their fact. */
export type FactSources = { readonly [Name in FactName]?: FactSource<Facts[Name]> }

const NAMES: { readonly [Name in Exclude<keyof Facts, keyof HostFacts>]: true } = {
  client: true,
  scopes: true,
  resources: true,
  account: true,
  now: true,
  address: true,
  userAgent: true,
  location: true,
  login: true,
  lastFactorAt: true,
  enrolled: true,
  device: true,
  lastLogin: true,
  velocity: true,
  risk: true,
}

/** The names of all facts of ours. */
export const FACT_NAMES: readonly string[] = Object.keys(NAMES)
