import { type Evidence, LOGIN, type Proof } from '../assurance/evidence.ts'
import { isFresh, type Level } from '../assurance/levels.ts'
import type { Decision, FactorStanding, OfferReason } from './decision.ts'
import { carriageAt, type Desk, isLifted } from './desk.ts'

/** A decision before its trace is written. */
export type Bare<T> = T extends unknown ? Omit<T, 'trace'> : never

/** A decision that asks the user for something. */
export type Move = Bare<Exclude<Decision, { outcome: 'satisfied' | 'refuse' }>>

/** A level that is owed and not met. */
export interface Gap {
  readonly reason: 'address-unproved' | 'essential-unmet' | 'floor-unmet' | 'voluntary-unmet' | 'enrollment-owed'
  /** Any one of them closes the gap; in order of preference. */
  readonly levels: readonly Level[]
}

const supposed = ({ now, cid = '' }: Desk, factor: string, { kinds, traits, amr }: Proof): Evidence => ({
  factor,
  kinds,
  traits,
  amr,
  at: now,
  cid,
})

const wouldMeet = (desk: Desk, level: Level, more: readonly Evidence[]) => carriageAt(desk, level, more) !== undefined

/** A factor with what it can be expected to show. */
interface Candidate {
  readonly id: string
  readonly proofs: readonly Proof[]
}

const challengeable = ({ id, proofs, ...most }: FactorStanding): Candidate => ({ id, proofs: proofs ?? [most] })
const enrollable = ({ id, kinds, traits, amr }: FactorStanding): Candidate => ({ id, proofs: [{ kinds, traits, amr }] })

/** The candidates any one of which would meet the level, beside what is there and `more`. */
const closing = (desk: Desk, level: Level, candidates: readonly Candidate[], more: readonly Evidence[] = []) =>
  candidates
    .filter(({ id }) => !desk.spent.has(id))
    .filter(({ id, proofs }) => proofs.some((proof) => wouldMeet(desk, level, [...more, supposed(desk, id, proof)])))
    .map(({ id }) => id)

/**
 * Enrolling, after a proof by an authenticator that merely follows from facts, where there is one: a code to
 * the verified address comes before the first authenticator.
 */
const enrolling = (
  desk: Desk,
  usable: readonly FactorStanding[],
  factors: readonly string[],
  declinable: boolean,
): Move => {
  const proven = usable.some(({ id }) => desk.spent.has(id))
  return usable.length === 0 || proven
    ? { outcome: 'enroll', factors, declinable }
    : {
        outcome: 'challenge',
        for: 'enrollment',
        factors: usable.map(({ id }) => id),
        declinable,
        rememberable: false,
      }
}

/** A floor that is owed and not met, is asked now, and could be lifted from then on. */
const couldBeLifted = (desk: Desk) =>
  (desk.requirement.liftable ?? []).some((floor) => carriageAt(desk, floor) === undefined && !isLifted(desk, floor))

const challenge = (desk: Desk, factors: readonly string[], declinable: boolean): Move => ({
  outcome: 'challenge',
  for: 'level',
  factors,
  declinable,
  rememberable: factors.length > 0 && couldBeLifted(desk),
})

/** Whether a login alone, made anew, would meet the level: then that is what is asked, and no factor. */
export const needsOnlyLogin = (desk: Desk, level: Level): boolean =>
  !desk.loginSpent && wouldMeet(desk, level, [supposed(desk, LOGIN, desk.login)])

/**
 * Whether the floor is not asked, as what would have met it cannot ask and the policy says so: never one that this could
 * not have met either.
 */
export const isExempt = (desk: Desk, floor: Level): boolean => {
  const { unavailable, requirement, factors } = desk
  if (unavailable === undefined || requirement.exemptible !== true || !requirement.floors.includes(floor)) return false
  const missing = factors.filter(({ id }) => id === unavailable).map(challengeable)
  return closing(desk, floor, missing).length > 0
}

/** The levels for which a verified address has to be proved, and was not, or too long ago. */
const unverified = ({ requirement, hasNothing, addresses, moment }: Desk): readonly Level[] =>
  hasNothing
    ? (requirement.verifying ?? []).filter(
        ({ maxAgeSeconds }) => !addresses.some((event) => isFresh(event, maxAgeSeconds, moment)),
      )
    : []

/** The floors in whose place a verified address does: of an account that has nothing to prove more with. */
export const floorsByAddress = (desk: Desk): readonly Level[] =>
  desk.hasNothing ? (desk.requirement.byAddress ?? []) : []

/** A code to a verified address; undefined where the account has none that could be asked. */
const byAddress = (desk: Desk, aim: Level | undefined): { move: Move; aim: Level | undefined } | undefined => {
  const closers = desk.factors
    .filter(({ id, usable, besideOthers }) => usable && besideOthers && !desk.spent.has(id))
    .map(({ id }) => id)
  const move = { outcome: 'challenge', for: 'level', factors: closers, declinable: false, rememberable: false } as const
  return closers.length === 0 ? undefined : { move, aim }
}

/** What an account may set up on the password; where there are addresses, one has to be at hand: its code comes first. */
const openToEnroll = (desk: Desk, usable: readonly FactorStanding[]): readonly FactorStanding[] => {
  // Else whoever has the password would set up what proves more.
  if (usable.length === 0 && unverified(desk).length > 0) return []
  const isOpen = !desk.hasAuthenticators || (desk.hasOnlyAddresses && usable.length > 0)
  return isOpen && desk.ticketOnly !== true ? desk.factors.filter((one) => one.enrollable) : []
}

/** Setting something up because that is demanded. Where nothing can be, the screen explains. */
const towardsEnrollment = (desk: Desk): Move => {
  const usable = desk.factors.filter((factor) => factor.usable)
  const open = openToEnroll(desk, usable).map(({ id }) => id)
  return open.length === 0 ? challenge(desk, [], false) : enrolling(desk, usable, open, false)
}

/** The next move towards one level, or undefined where this account has none. */
const towards = (desk: Desk, level: Level, declinable: boolean): Move | undefined => {
  if (needsOnlyLogin(desk, level)) return { outcome: 'login' }

  const usable = desk.factors.filter((factor) => factor.usable)
  const closers = usable.filter(({ besideOthers }) => desk.hasStandalone || besideOthers !== true).map(challengeable)
  const byChallenge = closing(desk, level, closers)
  if (byChallenge.length > 0) return challenge(desk, byChallenge, declinable)

  const candidates = openToEnroll(desk, usable).map(enrollable)
  const byEnrollment = closing(desk, level, candidates)
  if (byEnrollment.length > 0) return enrolling(desk, usable, byEnrollment, declinable)

  const afterLogin = closing(desk, level, [...closers, ...candidates], [supposed(desk, LOGIN, desk.login)])
  return !desk.loginSpent && afterLogin.length > 0 ? { outcome: 'login' } : undefined
}

/**
 * The move that closes the gap, with the level it aims at. Where the account has authenticators but none that
 * would do, that is a challenge with nothing to choose from, whose screen explains; undefined where nothing
 * is left to do.
 */
export const close = (desk: Desk, { levels, reason }: Gap): { move: Move; aim: Level | undefined } | undefined => {
  const declinable = reason === 'voluntary-unmet'
  if (reason === 'enrollment-owed') return { move: towardsEnrollment(desk), aim: undefined }
  if (reason === 'address-unproved') return byAddress(desk, levels[0])
  for (const level of levels) {
    const move = towards(desk, level, declinable)
    if (move !== undefined) return { move, aim: level }
  }
  const explain = (desk.hasAuthenticators || desk.ticketOnly === true) && desk.spent.size === 0
  return explain ? { move: challenge(desk, [], declinable), aim: levels[0] } : undefined
}

/**
 * What is owed and not met, in the order to be asked. What an essential request needs may close a floor as
 * well, so it goes first; what can be declined goes last.
 */
export const gapsOf = (desk: Desk): readonly Gap[] => {
  const { asked, floors, mustEnroll = false } = desk.requirement
  const isMet = (level: Level) => wouldMeet(desk, level, [])
  const levels = asked.levels.map(({ level }) => level)
  const open = levels.length > 0 && !levels.some(isMet)
  const askedGaps: readonly Gap[] = open
    ? [{ reason: asked.essential ? 'essential-unmet' : 'voluntary-unmet', levels }]
    : []
  const standing = floorsByAddress(desk)
  const owedAddresses = unverified(desk).filter((level) => floors.includes(level))
  const addressGaps = owedAddresses.map((level): Gap => ({ reason: 'address-unproved', levels: [level] }))
  const floorGaps = floors
    .filter((floor) => !isMet(floor) && !standing.includes(floor) && !isLifted(desk, floor) && !isExempt(desk, floor))
    .map((floor): Gap => ({ reason: 'floor-unmet', levels: [floor] }))
  const owed: readonly Gap[] =
    mustEnroll && desk.hasOnlyAddresses && !desk.hasStandalone
      ? [...floorGaps, { reason: 'enrollment-owed', levels: [] }]
      : floorGaps
  // Nothing is set up before the address is proved: else whoever has the password would set up what proves more.
  return [...addressGaps, ...(asked.essential ? [...askedGaps, ...owed] : [...owed, ...askedGaps])]
}

const REFRESHED: ReadonlySet<Evidence['enrolled']> = new Set([undefined, 'first'])

/** A real proof of something the account had, or of its first: no password, and no address, which proves less than codes do. */
const isProper = ({ factor, enrolled, traits }: Evidence) =>
  factor !== LOGIN && REFRESHED.has(enrolled) && !traits.includes('address')

/**
 * What to offer before going on. After a recovery code, one new authenticator, which that code authorizes. After
 * a verification or a first enrolment in this authorization, what is due. An account that has nothing needs no
 * verification first, unless a code to its address is to come before.
 */
export const offersOf = (desk: Desk): Pick<Decision & { outcome: 'satisfied' }, 'offers' | 'offerReason'> => {
  const { requirement, declined, own, factors, hasAuthenticators, ticketOnly } = desk
  if (requirement.prompt === 'none' || declined) return NOTHING
  if (own.some(({ traits }) => traits.includes('recovery'))) {
    const isDone = own.some(({ enrolled }) => enrolled !== undefined)
    return isDone
      ? NOTHING
      : offering(
          'recovered',
          factors.filter((one) => one.enrollable),
        )
  }
  const isOpen =
    !hasAuthenticators && ticketOnly !== true && !factors.some(({ usable }) => usable) && unverified(desk).length === 0
  if (!isOpen && !own.some(isProper)) return NOTHING
  // Who has just set something up has done enough for one sign-in.
  const isEnough = own.some(({ enrolled }) => enrolled !== undefined)
  const due = factors.filter((one) => one.due === 'running-out' || (one.due === 'better' && !isEnough))
  return offering(due[0]?.due ?? 'better', due)
}

const NOTHING = { offers: [] } as const

const offering = (offerReason: OfferReason, factors: readonly FactorStanding[]) =>
  factors.length === 0 ? NOTHING : { offers: factors.map(({ id }) => id), offerReason }
