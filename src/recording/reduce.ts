import ipaddr from 'ipaddr.js'
import type { Account } from '../account.ts'
import {
  FACT_NAMES,
  type FactName,
  type Facts,
  type LastLogin,
  type Location,
  type RiskAssessment,
} from '../policy/facts.ts'
import type { RecordedAccount, RecordedFacts, RecordedRisk } from './decision-record.ts'

/** What a host wants to stand in its recording beside what always does. */
export interface Named {
  /** Members of `account.metadata`: `department`, `org.unit`. */
  readonly metadata: readonly string[]
  /** Facts of the host's own, and those of ours that no rule reads yet. */
  readonly facts: readonly string[]
}

const IPV4_BITS = 24
const IPV6_BITS = 48

/** The first address of the network that an address is in; undefined for what is none. */
export const networkAddress = (text: string): string | undefined => {
  if (!ipaddr.isValid(text)) return undefined
  const address = ipaddr.process(text)
  const kept = address.kind() === 'ipv4' ? IPV4_BITS : IPV6_BITS
  const bytes = address.toByteArray().map((byte, index) => (index < kept / 8 ? byte : 0))
  return ipaddr.fromByteArray(bytes).toString()
}

/** A tenth of a degree is 11 km; half of that in both directions is less than this. */
const ROUNDED_KM = 8

const tenth = (degrees: number) => Math.round(degrees * 10) / 10

/** What is left out of a place makes it less exact, and it says so. */
const placeOf = (location: Location): Location => {
  const { country, region, city, latitude, longitude, accuracyKm, timeZone, asn, networks } = location
  const isPlaced = latitude !== undefined && longitude !== undefined
  const rest = { country, region, city, timeZone, asn, networks }
  return {
    ...(rest as Location),
    ...(isPlaced ? { latitude: tenth(latitude), longitude: tenth(longitude) } : {}),
    ...(isPlaced && accuracyKm !== undefined ? { accuracyKm: accuracyKm + ROUNDED_KM } : {}),
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const own = (value: unknown, key: string) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined)

const put = (into: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: unknown): void => {
  if (rest.length === 0) into[key] = value
  else {
    const inner = isObject(into[key]) ? { ...into[key] } : {}
    put(inner, rest, value)
    into[key] = inner
  }
}

/** Those members, each where it lay; undefined where the account has none of them. */
const pick = (metadata: Account['metadata'], paths: readonly string[]) => {
  const picked: Record<string, unknown> = {}
  for (const path of paths) {
    const parts = path.split('.')
    const value = parts.reduce<unknown>(own, metadata)
    if (value !== undefined) put(picked, parts, value)
  }
  return Object.keys(picked).length === 0 ? undefined : picked
}

const accountOf = (account: Account, paths: readonly string[]): RecordedAccount => {
  const { tenant, disabled, emailVerified, metadata } = account
  const picked = pick(metadata, paths)
  return {
    ...(tenant === undefined ? {} : { tenant }),
    ...(disabled === true ? { disabled } : {}),
    ...(emailVerified === undefined ? {} : { emailVerified }),
    ...(picked === undefined ? {} : { metadata: picked }),
  }
}

/** A stable word; what else an assessor of a host's own may say could be anything. */
const CODE = /^[A-Za-z][\w.-]{0,63}$/

const riskOf = ({ confidence, assessments }: RiskAssessment): RecordedRisk => ({
  is: confidence,
  by: Object.fromEntries(
    Object.entries(assessments).map(([name, { confidence: said, code }]) => [
      name,
      CODE.test(code) ? `${said} ${code}` : said,
    ]),
  ),
})

const lastLoginOf = ({ at, location }: LastLogin, now: number) => ({
  age: now - at,
  ...(location === undefined ? {} : { location: placeOf(location) }),
})

/** Facts of ours that a record tells in full, where they were fetched. */
const PLAIN = ['enrolled', 'device', 'velocity'] as const satisfies readonly FactName[]

/** Facts that the rest of a record tells already, unless a host has put its own in their place and named them. */
const TOLD: ReadonlySet<string> = new Set(['client', 'scopes', 'resources', 'now', 'login', 'lastFactorAt'])

const REDUCED: ReadonlySet<string> = new Set(['address', 'account', 'location', 'lastLogin', 'risk', ...PLAIN])

/** Read in any case: they cost nothing, and any policy may want them. */
const ALWAYS = ['address', 'account', 'enrolled'] as const

const isOurs = (name: string) => FACT_NAMES.includes(name)

/** The facts to fetch for a record: those that are read anyway and may be told, those that are named, and three more. */
export const factsToRecord = (reads: readonly FactName[], { facts }: Named): readonly FactName[] => {
  const told = reads.filter((name) => isOurs(name) && name !== 'userAgent' && !TOLD.has(name))
  return [...new Set<FactName>([...ALWAYS, ...told, ...(facts as readonly FactName[])])]
}

/** Facts without what tells of whom they are: that is cut or left out. Of the host's own, those it named, as they are. */
export const reducedFacts = (facts: Partial<Facts>, now: number, named: Named): RecordedFacts => {
  const { address, account, location, lastLogin, risk } = facts
  const network = address === undefined ? undefined : networkAddress(address)
  const asTheyAre = [...PLAIN, ...named.facts.filter((name) => !REDUCED.has(name))] as readonly FactName[]
  return {
    ...(network === undefined ? {} : { address: network }),
    ...(account === undefined ? {} : { account: accountOf(account, named.metadata) }),
    ...(location === undefined ? {} : { location: placeOf(location) }),
    ...(lastLogin === undefined ? {} : { lastLogin: lastLoginOf(lastLogin, now) }),
    ...(risk === undefined ? {} : { risk: riskOf(risk) }),
    ...Object.fromEntries(asTheyAre.flatMap((name) => (facts[name] === undefined ? [] : [[name, facts[name]]]))),
  }
}
