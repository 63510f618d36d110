import type { Authenticator, Step } from '../factors/factor.ts'
import type { AccountRecord, AccountRecords } from './account-record.ts'

type Added = Step & { readonly outcome: 'accepted' }

/** The globally unique key that an acceptance asks for. */
export const claimIn = ({ change }: Added): string | undefined =>
  change !== undefined && 'add' in change ? change.claim : undefined

const holds = ({ authenticators }: AccountRecord, key: string) => authenticators.some(({ claim }) => claim === key)

/** Takes the key for the account; false where any authenticator has it already, one of this account included. */
export const takeClaim = async (
  records: Pick<AccountRecords, 'claim'>,
  accountId: string,
  record: AccountRecord,
  key: string | undefined,
): Promise<boolean> => key === undefined || (!holds(record, key) && (await records.claim(key, accountId)))

/** Gives a key up that was taken for nothing. */
export const dropClaim = async (
  records: Pick<AccountRecords, 'load' | 'release'>,
  accountId: string,
  key: string | undefined,
): Promise<void> => {
  if (key !== undefined && !holds((await records.load(accountId)).record, key)) await records.release(key)
}

/** Gives up the keys of authenticators that are gone by now. */
export const releaseClaims = async (
  records: Pick<AccountRecords, 'release'>,
  gone: readonly Authenticator[],
): Promise<void> => {
  await Promise.all(gone.flatMap(({ claim }) => (claim === undefined ? [] : [records.release(claim)])))
}
