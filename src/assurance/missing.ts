import { type Evidence, LOGIN, type Trait } from './evidence.ts'
import { carriage, isFresh, kindsOf, type Level, type Moment, type Needs } from './levels.ts'

/** What evidence lacks to meet a level; at least one member is there. */
export interface Missing {
  /** So many kinds that were not shown yet. */
  readonly kinds?: number
  /** Traits that no counted event has shown, or none together with the others that the level needs. */
  readonly traits?: readonly Trait[]
  /** One of these factors. */
  readonly factors?: readonly string[]
  /** What was shown would do, were it not by means with one of these traits. */
  readonly without?: readonly Trait[]
  /** What was shown would do, were it at most so old. */
  readonly fresherThanSeconds?: number
}

const lackIn = ({ kinds = 1, traits = [], factors }: Needs, events: readonly Evidence[]): Missing => {
  const named = factors === undefined ? events : events.filter(({ factor }) => factors.includes(factor))
  const lacking = named.map((event) => traits.filter((trait) => !event.traits.includes(trait)))
  const fewest = lacking.reduce((best, one) => (one.length < best.length ? one : best), traits)
  const left = kinds - kindsOf(events).length
  return {
    ...(left > 0 ? { kinds: left } : {}),
    ...(fewest.length > 0 ? { traits: fewest } : {}),
    ...(factors !== undefined && named.length === 0 ? { factors } : {}),
  }
}

const sizeOf = ({ kinds = 0, traits = [], factors }: Missing) => kinds + traits.length + (factors === undefined ? 0 : 1)

/** Two logins carry nothing together, so each is looked at with all that is no login. */
const leastLack = (needs: Needs, events: readonly Evidence[]): Missing => {
  const others = events.filter(({ factor }) => factor !== LOGIN)
  const logins = events.filter(({ factor }) => factor === LOGIN)
  const sets = logins.length === 0 ? [others] : logins.map((login) => [login, ...others])
  return sets.map((set) => lackIn(needs, set)).reduce((best, one) => (sizeOf(one) < sizeOf(best) ? one : best))
}

const ageLimit = (level: Level, evidence: readonly Evidence[], moment: Moment): number => {
  const { acr, needs, overallMaxAgeSeconds } = level
  const anyAge: Moment = { ...moment, maxAgeSeconds: undefined }
  if (
    overallMaxAgeSeconds !== undefined &&
    carriage({ acr, needs, overallMaxAgeSeconds }, evidence, anyAge) === undefined
  )
    return overallMaxAgeSeconds
  return Math.min(level.maxAgeSeconds ?? Infinity, moment.maxAgeSeconds ?? Infinity)
}

/**
 * What the evidence lacks to meet the level at this moment; undefined where it lacks nothing.
 *
 * Where events of the right sort are there and merely too old, only how fresh they have to be is said. Of what is
 * missing altogether the least is said that would do.
 */
export const missingFrom = (level: Level, evidence: readonly Evidence[], moment: Moment): Missing | undefined => {
  if (carriage(level, evidence, moment) !== undefined) return undefined
  const { acr, needs, overallMaxAgeSeconds } = level
  const { without = [], ...wanted } = needs
  const anyAge: Moment = { ...moment, maxAgeSeconds: undefined }
  if (carriage({ acr, needs }, evidence, anyAge) !== undefined)
    return { fresherThanSeconds: ageLimit(level, evidence, moment) }
  const fresh = evidence.filter((event) => isFresh(event, overallMaxAgeSeconds, moment))
  const counted = fresh.filter((event) => !event.traits.some((trait) => without.includes(trait)))
  const refused = without.filter((trait) => fresh.some((event) => event.traits.includes(trait)))
  const isRefused = refused.length > 0 && carriage({ acr, needs: wanted }, fresh, anyAge) !== undefined
  return { ...leastLack(needs, counted), ...(isRefused ? { without: refused } : {}) }
}
