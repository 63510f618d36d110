import type { Account } from '../account.ts'
import type { AnyFactor, Ceremony, CeremonyContext } from '../factors/factor.ts'
import type { StoreKey } from '../store/store.ts'
import { type LoadedRecord, usableAuthenticators } from './account-record.ts'

/** Enrolment or challenge; it is also the kind that seals the state, so that neither passes for the other. */
export type Purpose = 'enroll' | 'challenge'

/** One ceremony's place: the authorization, the interaction, the account, the factor. */
export interface Place {
  readonly interactionUid: string
  /** The chain of prompts the interaction belongs to: one authorization. */
  readonly cid: string
  readonly account: Account
  readonly factor: AnyFactor
  readonly purpose: Purpose
  readonly client: CeremonyContext['client']
  readonly origin: string
  readonly issuer: string
  readonly url: string
  readonly locale: string
}

/** The factor's ceremony for this purpose, if it has one. */
export const ceremonyOf = ({ factor, purpose }: Place): Ceremony | undefined => factor[purpose]

/** Where the ceremony's state is kept: bound to account, purpose, interaction and factor. */
export const ceremonyKey = ({ account, purpose, interactionUid, factor }: Place): StoreKey => ({
  kind: purpose,
  accountId: account.id,
  id: `${interactionUid}.${factor.id}`,
})

/** What can answer the challenge now: usable enrolled authenticators, then implied ones. */
const answering = ({ factor, account }: Place, { record }: LoadedRecord) => [
  ...usableAuthenticators(record, factor.id),
  ...(factor.implied?.(account) ?? []),
]

/**
 * Whether the ceremony may run at all, by the account's record as it is now. An account's first authenticator
 * is enrolled inside the login; a further one never, whatever became of those it has.
 */
export const isAllowed = (place: Place, loaded: LoadedRecord): boolean =>
  place.purpose === 'enroll' ? loaded.record.authenticators.length === 0 : answering(place, loaded).length > 0

/** What the ceremony gets to see. */
export const contextOf = (place: Place, loaded: LoadedRecord, now: number): CeremonyContext => {
  const { account, client, origin, issuer, url, locale } = place
  return { account, authenticators: answering(place, loaded), client, origin, issuer, url, locale, now }
}
