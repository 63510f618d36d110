import type { Account } from '../account.ts'
import type { AnyFactor, Authenticator, Ceremony, CeremonyContext, Transaction } from '../factors/factor.ts'
import type { Requirement } from '../policy/requirement.ts'
import type { StoreKey } from '../store/store.ts'
import { type AccountRecord, type LoadedRecord, usableAuthenticators } from './account-record.ts'
import { hasOnlyAddresses, hasRoom, type Permit, standingOf, standsBeside, stillStands } from './permit.ts'

/** Enrolment or challenge; it is also the kind that seals the state, so that neither passes for the other. */
export type Purpose = 'enroll' | 'challenge'

/** One ceremony's place: the authorization, the interaction, the account, the factor. */
export interface Place {
  /** The interaction's uid, or the id of a setup by ticket. */
  readonly id: string
  /** The chain of prompts the interaction belongs to: one authorization. Absent in a setup by ticket. */
  readonly cid?: string
  /** Where a permit for an enrolment here would lie. */
  readonly permitKey: StoreKey
  /** Whether an account that has nothing may enroll here without a permit. */
  readonly openEnrollment: boolean
  readonly account: Account
  readonly factor: AnyFactor
  readonly purpose: Purpose
  /** Whether an authenticator can show what is asked for here; absent where any will do. */
  readonly suits?: (authenticator: Authenticator) => boolean
  readonly client?: NonNullable<CeremonyContext['client']>
  readonly origin: string
  readonly issuer: string
  readonly url: string
  readonly locale: string
  /** The IP address that asks. */
  readonly address?: string
  readonly requester?: NonNullable<CeremonyContext['requester']>
  readonly transaction?: Transaction
  /** Present where no browser waits: a device's answer ends it at once. */
  readonly backchannel?: BackchannelPlace
}

/** What a request in the backchannel leaves to be judged when its device has answered. */
export interface BackchannelPlace {
  readonly authReqId: string
  readonly requirement: Requirement
}

/** As much of a place as is known before its screen is: where the ceremony's records stand. */
export interface Spot extends Pick<Place, 'id' | 'purpose' | 'permitKey'> {
  readonly account: Pick<Account, 'id'>
  readonly factor: Pick<AnyFactor, 'id'>
}

/** The factor's ceremony for this purpose, if it has one. */
export const ceremonyOf = ({ factor, purpose }: Place): Ceremony | undefined => factor[purpose]

/** Where the ceremony's state is kept: bound to account, purpose, interaction and factor. */
export const ceremonyKey = ({ account, purpose, id, factor }: Spot): StoreKey => ({
  kind: purpose,
  accountId: account.id,
  id: `${id}.${factor.id}`,
})

/** What can answer a challenge of the factor now: enrolled authenticators that are not used up, then implied ones. */
export const answering = (factor: AnyFactor, account: Account, record: AccountRecord): readonly Authenticator[] =>
  factor.exclusive === true && record.authenticators.length > 0
    ? []
    : [
        ...usableAuthenticators(record, factor.id).filter((one) => factor.usesLeft?.(one) !== 0),
        ...(factor.implied?.(account) ?? []),
      ]

/** Whether so many challenges of it stayed unanswered in a row that the account is asked by it no more. */
export const isTired = ({ id, maxUnanswered = Infinity }: AnyFactor, { unanswered = {} }: AccountRecord): boolean =>
  (unanswered[id] ?? 0) >= maxUnanswered

/** Ids of all that evidence can stand on: what the account has enrolled and can use, and what follows from facts about it. */
export const activeIds = (
  factors: readonly AnyFactor[],
  account: Account,
  record: AccountRecord,
): ReadonlySet<string> => {
  const ids = new Set(usableAuthenticators(record).map(({ id }) => id))
  for (const factor of factors) for (const { id } of factor.implied?.(account) ?? []) ids.add(id)
  return ids
}

/** What can answer here: what suits, or all where nothing does. */
const suiting = ({ factor, account, suits }: Place, record: AccountRecord) => {
  const all = answering(factor, account, record)
  const some = suits === undefined ? all : all.filter(suits)
  return some.length > 0 ? some : all
}

/** Whether an enrolment needs no permit: an account's first authenticator that can stand alone, where that is open. */
export const isOpen = (
  { openEnrollment, factor }: Place,
  { record }: LoadedRecord,
  factors: readonly AnyFactor[],
): boolean =>
  openEnrollment && !standsBeside(factor) && record.enrollment !== 'ticket' && hasOnlyAddresses(factors, record)

/** Whether the ceremony may run at all, by the account's record as it is now. */
export const isAllowed = (
  place: Place,
  loaded: LoadedRecord,
  permit: Permit | undefined,
  factors: readonly AnyFactor[],
): boolean => {
  const { purpose, factor, account } = place
  if (loaded.record.disabledAt !== undefined) return false
  if (purpose === 'challenge') return answering(factor, account, loaded.record).length > 0
  if (!hasRoom(loaded.record, factor)) return false
  if (isOpen(place, loaded, factors)) return true
  if (permit === undefined || !permit.factors.includes(factor.id)) return false
  return permit.standing === undefined || stillStands(permit.standing, standingOf(loaded.record, account))
}

/** What the ceremony gets to see. */
export const contextOf = (place: Place, { record }: LoadedRecord, now: number): CeremonyContext => {
  const { account, factor, purpose, client, origin, issuer, url, locale, requester, transaction } = place
  const own =
    purpose === 'enroll' ? record.authenticators.filter((one) => one.factor === factor.id) : suiting(place, record)
  return {
    account,
    authenticators: own,
    ...(client === undefined ? {} : { client }),
    origin,
    issuer,
    url,
    locale,
    ...(requester === undefined ? {} : { requester }),
    ...(transaction === undefined ? {} : { transaction }),
    now,
  }
}
