import { type Evidence, type Kind, LOGIN, type Trait } from './evidence.ts'

/** What evidence a level needs; all members that are present must hold. */
export interface Needs {
  /** How many different kinds the counted events must have proved together. Default 1. */
  readonly kinds?: 1 | 2
  /** Traits that one single event must all have shown. */
  readonly traits?: readonly Trait[]
  /** Events with any of these traits do not count. */
  readonly without?: readonly Trait[]
  /** Ids of factors, one of which must have been used; where `traits` is set too, in the same event. */
  readonly factors?: readonly string[]
}

/**
 * A named assurance level, tested by its needs and never by rank.
 *
 * The order of a list of levels, weakest first, only decides which met level is reported where the relying
 * party asked for none.
 */
export interface Level {
  /** The value in `acr_values`, in the `acr` claim and in discovery. */
  readonly acr: string
  /** Other spellings; a relying party that asks with an alias is answered with that alias. */
  readonly aliases?: readonly string[]
  readonly needs: Needs
  /** How old the events that carry the level may be, in seconds. Default: no limit. */
  readonly maxAgeSeconds?: number
  /** How old every event that counts for the level may be, in seconds. Default: no limit. */
  readonly overallMaxAgeSeconds?: number
}

/** The moment and the authorization that freshness is judged for. */
export interface Moment {
  /** Epoch seconds. */
  readonly now: number
  /** The authorization being decided; undefined on its first pass, when nothing was proved in it yet. */
  readonly cid: string | undefined
  /** How long an event counts as fresh, whatever was asked, for the authorization it was made in. */
  readonly flowSeconds: number
  /** The request's `max_age` where it binds levels. */
  readonly maxAgeSeconds?: number | undefined
}

/** How a level is met. */
export interface Carriage {
  /** The newest event that carries the level: what `auth_time` says. */
  readonly authTime: number
  /** All events that count for the level. */
  readonly counted: readonly Evidence[]
}

/** Whether the event is at most `limit` seconds old, or was made in this very authorization a moment ago. */
export const isFresh = (event: Evidence, limit: number | undefined, { now, cid, flowSeconds }: Moment): boolean => {
  const age = now - event.at
  return limit === undefined || age <= limit || (event.cid === cid && age <= flowSeconds)
}

/** The different kinds that the events proved together. */
export const kindsOf = (events: readonly Pick<Evidence, 'kinds'>[]): readonly Kind[] => {
  const kinds: Kind[] = []
  for (const event of events) for (const kind of event.kinds) if (!kinds.includes(kind)) kinds.push(kind)
  return kinds
}

const includesAll = <T>(all: readonly T[], some: readonly T[] = []) => some.every((one) => all.includes(one))

const isAnchor = ({ traits, factors }: Needs, event: Evidence) =>
  includesAll(event.traits, traits) && (factors === undefined || factors.includes(event.factor))

const enoughKinds = ({ kinds = 1 }: Needs, events: readonly Evidence[]) => kindsOf(events).length >= kinds

const meets = (needs: Needs, events: readonly Evidence[]) =>
  events.some((event) => isAnchor(needs, event)) && enoughKinds(needs, events)

/**
 * The events that carry the level in twos, without the login. One that meets the level alone is left out:
 * beside it the other would not be needed, and so must not make it look fresh.
 */
const together = (needs: Needs, usable: readonly Evidence[], alone: readonly Evidence[]) => {
  const partial = alone.length === 0 ? usable : usable.filter((event) => !alone.includes(event))
  const carrying: Evidence[][] = []
  for (const [index, one] of partial.entries())
    for (const other of partial.slice(index + 1)) {
      const pair = [one, other]
      if (meets(needs, pair)) carrying.push(pair.filter(({ factor }) => factor !== LOGIN))
    }
  return carrying
}

const tighter = (one: number | undefined, other: number | undefined) =>
  one === undefined ? other : other === undefined ? one : Math.min(one, other)

/**
 * How the evidence meets the level at this moment, or undefined where it does not.
 *
 * An event carries a level if it meets the level alone; where no single event does, every needed event
 * except the login carries it. `maxAgeSeconds` binds the events that carry, `overallMaxAgeSeconds` all.
 */
export const carriage = (level: Level, evidence: readonly Evidence[], moment: Moment): Carriage | undefined => {
  const { needs, overallMaxAgeSeconds } = level
  const limit = tighter(level.maxAgeSeconds, moment.maxAgeSeconds)
  const usable = evidence.filter(
    (event) =>
      isFresh(event, overallMaxAgeSeconds, moment) &&
      (needs.without === undefined || !event.traits.some((trait) => needs.without?.includes(trait))),
  )
  const fresh = (set: readonly Evidence[]) => set.length > 0 && set.every((event) => isFresh(event, limit, moment))
  const alone = usable.filter((event) => meets(needs, [event]))
  const byOne = alone.map((event) => [event]).filter(fresh)
  const carrying = byOne.length > 0 ? byOne : together(needs, usable, alone).filter(fresh)
  if (carrying.length === 0) return undefined
  return {
    authTime: Math.max(...carrying.flat().map(({ at }) => at)),
    counted: usable.filter((event) => event.factor === LOGIN || isFresh(event, limit, moment)),
  }
}

/** The level of that name, by its `acr` or one of its aliases. */
export const findLevel = (levels: readonly Level[], acr: string): Level | undefined =>
  levels.find((level) => level.acr === acr || level.aliases?.includes(acr))

/** Every name that levels answer to, in order: what discovery lists as `acr_values_supported`. */
export const acrValues = (levels: readonly Level[]): readonly string[] =>
  levels.flatMap(({ acr, aliases = [] }) => [acr, ...aliases])
