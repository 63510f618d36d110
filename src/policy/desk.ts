import { type Evidence, LOGIN } from '../assurance/evidence.ts'
import { type Carriage, carriage, type Level, type Moment } from '../assurance/levels.ts'
import { once } from '../once.ts'
import type { Situation } from './decision.ts'

/** A situation with what the steps of a decision share. */
export interface Desk extends Situation {
  readonly hasStandalone: boolean
  readonly hasOnlyAddresses: boolean
  /** Nothing but addresses, neither enrolled nor known from the account. */
  readonly hasNothing: boolean
  /** Proofs of verified addresses, where nothing stands that they could stand beside. */
  readonly addresses: readonly Evidence[]
  /** The events that count for this request at all. */
  readonly events: readonly Evidence[]
  readonly moment: Moment
  readonly lastLogin: Evidence
  /** A login of this authorization is fresh already: asking for another would lead nowhere. */
  readonly loginSpent: boolean
  /** What was proved in this authorization a moment ago. */
  readonly own: readonly Evidence[]
  /** Factors used in this authorization a moment ago, which are not offered again. */
  readonly spent: ReadonlySet<string>
  /** How each level is met by what is there; worked out once, as every step of a decision asks. */
  readonly carried: (level: Level) => Carriage | undefined
}

/**
 * Of events that prove the same by the same means, in this authorization or outside it, only the newest: it is
 * as good as any older one for every level, and the work of deciding stays bounded.
 */
const telling = (events: readonly Evidence[], cid: string | undefined): readonly Evidence[] => {
  const newestOfSort = new Map<string, Evidence>()
  for (const event of events) {
    const { factor, authenticatorId = '', kinds, traits, amr } = event
    // A character that is in none of them keeps them apart; nothing is asked as often as this.
    const sort = [factor, authenticatorId, kinds, traits, amr.join('\u0000'), event.cid === cid].join('\u0001')
    newestOfSort.set(sort, event)
  }
  return newestOfSort.size === events.length ? events : [...newestOfSort.values()]
}

/** Whether the account has something beside which other factors can stand. */
const hasStandalone = ({ hasAuthenticators, hasStandalone = hasAuthenticators }: Situation): boolean => hasStandalone

const hasNothing = ({ hasOnlyAddresses, hasAuthenticators, factors }: Situation): boolean =>
  (hasOnlyAddresses ?? !hasAuthenticators) && !factors.some((one) => one.usable && one.besideOthers !== true)

/**
 * For `prompt=login` only what was proved in this authorization counts; a further authenticator never in its own; and
 * what only stands beside others not where there are none.
 */
const countable = (situation: Situation) => {
  const { evidence, requirement, cid, factors } = situation
  const beside = new Set(hasStandalone(situation) ? [] : factors.filter((one) => one.besideOthers).map(({ id }) => id))
  const counted = evidence.filter((event) => {
    const own = cid !== undefined && event.cid === cid
    return own ? event.enrolled !== 'further' : requirement.prompt !== 'login'
  })
  if (beside.size === 0) return { counted, addresses: [] }
  const isBeside = ({ factor }: Evidence) => beside.has(factor)
  return { counted: counted.filter((event) => !isBeside(event)), addresses: counted.filter(isBeside) }
}

/** Neither the login nor the authenticator that somebody came in by: what closes a gap was not asked there. */
const isAnswer = ({ factor, authenticatorId }: Evidence, index: number, own: readonly Evidence[]) => {
  const before = own[index - 1]
  const cameIn = before?.factor === LOGIN && before.authenticatorId !== undefined
  return factor !== LOGIN && !(cameIn && before.authenticatorId === authenticatorId)
}

const newest = (events: readonly Evidence[]) =>
  events.reduce<Evidence | undefined>(
    (best, event) => (best === undefined || event.at >= best.at ? event : best),
    undefined,
  )

/** Lays the situation out; undefined where no login stands, and so nothing else does. */
export const deskOf = (situation: Situation): Desk | undefined => {
  const { now, cid, flowSeconds, requirement, evidence, loggedInNow } = situation
  const { counted, addresses } = countable(situation)
  const events = telling(counted, cid)
  const lastLogin = newest(events.filter(({ factor }) => factor === LOGIN))
  if (lastLogin === undefined) return undefined
  const moment = { now, cid, flowSeconds, maxAgeSeconds: requirement.maxAgeSeconds }
  const own = evidence.filter((event) => cid !== undefined && event.cid === cid && now - event.at <= flowSeconds)
  // Written out: spreading this many members makes an object that every later step is slow to read.
  return {
    now,
    cid,
    flowSeconds,
    levels: situation.levels,
    requirement,
    accountActive: situation.accountActive,
    evidence,
    hasAuthenticators: situation.hasAuthenticators,
    hasStandalone: hasStandalone(situation),
    hasOnlyAddresses: situation.hasOnlyAddresses ?? !situation.hasAuthenticators,
    hasNothing: hasNothing(situation),
    addresses,
    ticketOnly: situation.ticketOnly,
    remembered: situation.remembered,
    factors: situation.factors,
    login: situation.login,
    loggedInNow,
    declined: situation.declined,
    unavailable: situation.unavailable,
    events,
    moment,
    carried: once((level) => carriage(level, events, moment)),
    lastLogin,
    own,
    loginSpent: loggedInNow || own.some(({ factor }) => factor === LOGIN),
    spent: new Set(own.filter(isAnswer).map(({ factor }) => factor)),
  }
}

/**
 * Whether this browser's being remembered lifts the floor: only one that the verification it was remembered after
 * would meet beside the login, and never where the request asks for something fresh.
 */
export const isLifted = (desk: Desk, floor: Level): boolean => {
  const { remembered, requirement, lastLogin, now, cid = '', moment } = desk
  if (remembered === undefined || requirement.liftable?.includes(floor) !== true) return false
  if (requirement.prompt === 'login' || requirement.maxAgeSeconds !== undefined) return false
  return carriage(floor, [lastLogin, { ...remembered, at: now, cid }], moment) !== undefined
}

/** How the level is met now, or would be with `more`; undefined where it is not. */
export const carriageAt = (
  { events, moment, carried }: Desk,
  level: Level,
  more: readonly Evidence[] = [],
): Carriage | undefined => (more.length === 0 ? carried(level) : carriage(level, [...events, ...more], moment))
