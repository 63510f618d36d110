import type { Account } from '../account.ts'
import type { EnrolledBy } from '../events.ts'
import type { AnyFactor } from '../factors/factor.ts'
import type { StoreKey } from '../store/store.ts'
import { type AccountRecord, usableAuthenticators } from './account-record.ts'

/**
 * Allows one enrolment at one place, whatever the account has enrolled: it is taken when the enrolment is
 * accepted, and so never serves twice.
 */
export interface Permit {
  readonly by: EnrolledBy
  /** Ids of the factors that may be enrolled. */
  readonly factors: readonly string[]
  /** What it stands on; a ticket's permit stands on what its account has when it is used. */
  readonly standing?: Standing
}

/** What the account had and was when something was allowed. */
export interface Standing {
  readonly authenticatorIds: readonly string[]
  readonly revokedAt?: number
  readonly securityStamp?: string
}

/** What the account stands on now. */
export const standingOf = (record: AccountRecord, { securityStamp }: Account): Standing => {
  const { revokedAt } = record
  return {
    authenticatorIds: usableAuthenticators(record).map(({ id }) => id),
    ...(revokedAt === undefined ? {} : { revokedAt }),
    ...(securityStamp === undefined ? {} : { securityStamp }),
  }
}

/** Whether nothing was taken away in between: an authenticator, by a reset or alone, or the host's own trust. */
export const stillStands = (then: Standing, now: Standing): boolean =>
  then.securityStamp === now.securityStamp &&
  then.revokedAt === now.revokedAt &&
  then.authenticatorIds.every((id) => now.authenticatorIds.includes(id))

/** Where the permit of one authorization lies: bound to the account, its session and the authorization's `cid`. */
export const signInPermitKey = (accountId: string, sessionUid: string, cid: string): StoreKey => ({
  kind: 'permit',
  accountId,
  id: `${sessionUid}.${cid}`,
})

/** Where the permit of one setup by ticket lies; another kind, so that no sign-in can name it. */
export const setupPermitKey = (accountId: string, setupId: string): StoreKey => ({
  kind: 'setup-permit',
  accountId,
  id: setupId,
})

/** How long a permit waits to be used, in seconds: as long as an interaction. */
export const PERMIT_SECONDS = 3600

/** Recovery codes stand beside other factors: never the first, never what allows managing others. */
export const isRecovery = ({ traits }: Pick<AnyFactor, 'traits'>): boolean => traits.includes('recovery')

/** Whether a factor only stands beside others. */
export const standsBeside = (factor: AnyFactor): boolean => factor.standsAlone === false || isRecovery(factor)

/** An account is offered a new set when fewer than this are left. */
const FEW = 3
/** A new set of codes that was turned down is not offered again for that long. */
const OFFER_PAUSE_SECONDS = 30 * 86_400

const idsOf = (factors: readonly AnyFactor[]) => factors.map(({ id }) => id)

const PER_ACCOUNT = 10

/** Whether the account can have one more of it; a set of recovery codes replaces the one before. */
export const hasRoom = ({ authenticators }: AccountRecord, factor: AnyFactor): boolean =>
  isRecovery(factor) ||
  authenticators.filter((one) => one.factor === factor.id).length < (factor.perAccount ?? PER_ACCOUNT)

const canEnroll = (record: AccountRecord, factor: AnyFactor) =>
  factor.enroll !== undefined && record.disabledFactors[factor.id] === undefined && hasRoom(record, factor)

/** Ids of the factors that can be an account's first authenticator, and are not switched off for it. */
export const enrollableFactors = (factors: readonly AnyFactor[], record: AccountRecord): readonly string[] =>
  idsOf(factors.filter((factor) => canEnroll(record, factor) && !standsBeside(factor)))

/** Whether the account has an authenticator, in whatever state, of a factor that can stand alone. */
export const hasStandalone = (factors: readonly AnyFactor[], { authenticators }: AccountRecord): boolean => {
  const beside = new Set(idsOf(factors.filter(standsBeside)))
  return authenticators.some(({ factor }) => !beside.has(factor))
}

/**
 * Whether the account has nothing, or nothing but addresses: only then is anything enrolled on the password. Recovery
 * codes are more, and may be all that is left.
 */
export const hasOnlyAddresses = (factors: readonly AnyFactor[], { authenticators }: AccountRecord): boolean => {
  const addresses = new Set(idsOf(factors.filter((factor) => besideOthers(factor).besideOthers === true)))
  return authenticators.every(({ factor }) => addresses.has(factor))
}

/** How planning is told of a factor that is not recovery and still only stands beside others. */
export const besideOthers = (factor: AnyFactor): { readonly besideOthers?: true } =>
  standsBeside(factor) && !isRecovery(factor) ? { besideOthers: true } : {}

/** How many uses of what stands beside others are left to the account; undefined where that is not few. */
export const fewLeft = (factors: readonly AnyFactor[], record: AccountRecord): number | undefined => {
  const left = factors.filter(isRecovery).reduce((sum, factor) => sum + usesLeft(factor, record), 0)
  return left < FEW ? left : undefined
}

/** How often the account's authenticators of this factor can still be used together. */
const usesLeft = ({ id, usesLeft: leftOf }: AnyFactor, { authenticators }: AccountRecord) =>
  authenticators.filter(({ factor }) => factor === id).reduce((sum, one) => sum + (leftOf?.(one) ?? Infinity), 0)

/** How well a proof protects: only for an order on screens, and for what is worth offering; no level is judged by it. */
export const strengthOf = ({ kinds, traits }: Pick<AnyFactor, 'kinds' | 'traits'>): number =>
  (traits.includes('phishing-resistant') ? 8 : 0) +
  (kinds.length > 1 ? 4 : 0) +
  (traits.includes('hardware') ? 2 : 0) -
  (traits.includes('recovery') ? 3 : traits.includes('address') ? 2 : traits.includes('restricted') ? 1 : 0)

const wasOffered = ({ declinedOffers }: AccountRecord, { id }: AnyFactor, now: number, pauseSeconds: number) =>
  now < (declinedOffers?.[id] ?? -Infinity) + pauseSeconds

/** What stands beside others and of which the account has none left, or few. It has to have another factor. */
const runningOut = (factors: readonly AnyFactor[], record: AccountRecord, now: number) => {
  if (!hasStandalone(factors, record)) return []
  return factors.filter(
    (factor) =>
      isRecovery(factor) &&
      canEnroll(record, factor) &&
      usesLeft(factor, record) < FEW &&
      !wasOffered(record, factor, now, OFFER_PAUSE_SECONDS),
  )
}

/** What would serve the account better than all it has, and it has none of. */
const better = (factors: readonly AnyFactor[], record: AccountRecord, now: number, everySeconds: number) => {
  const own = factors.filter(({ id }) => record.authenticators.some(({ factor }) => factor === id))
  const best = Math.max(-Infinity, ...own.filter((factor) => !standsBeside(factor)).map(strengthOf))
  const all = factors.filter((factor) => !standsBeside(factor))
  // One offer in that time, whatever it was of: another browser may be offered what this one was not.
  if (all.some((factor) => wasOffered(record, factor, now, everySeconds))) return []
  return all.filter((factor) => canEnroll(record, factor) && strengthOf(factor) > best)
}

/** What to offer an account, and why. */
export interface Due {
  /** Ids of the factors. */
  readonly factors: readonly string[]
  readonly reason: 'running-out' | 'better'
}

/**
 * What to offer: what stands beside others and runs out; else, where the host wants offers, what would serve the
 * account better. An offer made lately is not due.
 *
 * @param everySeconds - At most one offer in that time; undefined where the host wants none.
 */
export const dueFactors = (
  factors: readonly AnyFactor[],
  record: AccountRecord,
  now: number,
  everySeconds: number | undefined,
): Due => {
  const running = runningOut(factors, record, now)
  // One thing at a time: what keeps people from being locked out comes first.
  if (running.length > 0 || everySeconds === undefined) return { factors: idsOf(running), reason: 'running-out' }
  return { factors: idsOf(better(factors, record, now, everySeconds)), reason: 'better' }
}
