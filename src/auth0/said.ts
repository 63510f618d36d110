import type { Demand } from '../policy/rule.ts'
import { oneLine, own } from './copy.ts'
import { type Auth0Factor, PROVIDERS, type Settings } from './options.ts'

/** What rules or Actions said of a sign-in, in Auth0's words; empty where they were silent. */
export interface Said {
  /** Nobody passes, and why. */
  readonly refused?: string
  readonly provider?: (typeof PROVIDERS)[number]
  readonly allowRememberBrowser?: false
  readonly selfServiceEnrollment?: false
  /** Types of factors of which one is to be proved. */
  readonly challenge?: readonly Auth0Factor[]
  /** Types of factors of which one is to be set up. */
  readonly enroll?: readonly Auth0Factor[]
  /** What was looked at and could not be told. */
  readonly unknown?: readonly string[]
}

/** What a name stands for, as the text of an error shows it. */
const shown = (value: unknown) => oneLine(JSON.stringify(value) ?? `a value of type ${typeof value}`)

/** Whether a value is a provider that Auth0 knows. */
export const isProvider = (value: unknown): value is (typeof PROVIDERS)[number] =>
  PROVIDERS.some((one) => one === value)

/**
 * Reads `context.multifactor`, of which keys and hosts of other services are left out.
 *
 * @throws TypeError where it is nothing that Auth0 knows.
 */
export const readMultifactor = (value: unknown): Said => {
  if (value === undefined || value === null || value === false) return {}
  const provider = own(value, 'provider')
  if (!isProvider(provider))
    throw new TypeError(`context.multifactor.provider: found ${shown(provider)}; allowed: ${PROVIDERS.join(', ')}`)
  const remember = own(value, 'allowRememberBrowser') ?? true
  const ignore = own(value, 'ignoreCookie') ?? false
  return {
    provider,
    // Anything but the plain word for it asks every time.
    ...(remember === true && ignore === false ? {} : { allowRememberBrowser: false }),
    ...((own(value, 'selfServiceEnrollment') ?? true) === true ? {} : { selfServiceEnrollment: false }),
  }
}

const nothingFor = (names: readonly string[]): Demand => ({
  refuse: `no factor that the account can use stands for ${names.join(', ')}: see the option factors`,
})

/** Ids that the names stand for; undefined where any will do. What the host named counts, of the rest what is enrolled. */
const idsOf = (names: readonly Auth0Factor[], { factors, named }: Settings, enrolled: readonly string[]) => {
  if (names.some((name) => factors[name] === 'any')) return undefined
  const known = (name: Auth0Factor) => {
    const ids = factors[name] ?? []
    return named[name] === undefined ? [...ids].filter((id) => enrolled.includes(id)) : ids
  }
  return [...new Set(names.flatMap(known))]
}

/** Factors that are named one after the other leave what is in both. */
const both = (one: readonly string[] | undefined, other: readonly string[] | undefined) =>
  one === undefined || other === undefined ? (one ?? other) : one.filter((id) => other.includes(id))

const providerIds = ({ provider }: Said, { factors }: Settings) => {
  const ids = provider === undefined || provider === 'any' || provider === 'none' ? 'any' : factors[provider]
  return ids === 'any' ? undefined : (ids ?? [])
}

const askedBy = (said: Said, settings: Settings, enrolled: readonly string[]): Demand => {
  const { challenge, enroll, allowRememberBrowser, selfServiceEnrollment } = said
  const { floor, named } = settings
  const setsUp = enroll !== undefined && enrolled.length === 0
  // What is to be set up is not there yet: only the host can say which of it there is.
  const setUp = setsUp && enroll.every((name) => named[name] !== undefined) ? idsOf(enroll, settings, []) : undefined
  const ids = both(
    providerIds(said, settings),
    challenge === undefined || setsUp ? setUp : idsOf(challenge, settings, enrolled),
  )
  if (ids?.length === 0) return nothingFor([said.provider, challenge, enroll].flatMap((names) => names ?? []))
  return {
    floor,
    ...(ids === undefined ? {} : { factors: ids }),
    ...(allowRememberBrowser === undefined ? {} : { allowRememberBrowser }),
    ...(setsUp ? { enrollment: 'required' } : {}),
    ...(selfServiceEnrollment === undefined ? {} : { enrollment: 'ticket' }),
  }
}

/** Who looked at what is not known might have asked for more. */
const silent = ({ unknown = [], provider }: Said, { floor }: Settings): Demand | undefined => {
  if (unknown.length > 0) return { floor, allowRememberBrowser: false }
  return provider === 'none' ? { exempt: true } : undefined
}

const isAsking = ({ provider, challenge, enroll }: Said) =>
  challenge !== undefined || enroll !== undefined || (provider !== undefined && provider !== 'none')

/** What is demanded where Auth0's words say this; undefined where that is nothing. */
export const demandOf = (said: Said, settings: Settings, enrolled: readonly string[]): Demand | undefined => {
  if (said.refused !== undefined) return { refuse: said.refused }
  return isAsking(said) ? askedBy(said, settings, enrolled) : silent(said, settings)
}
