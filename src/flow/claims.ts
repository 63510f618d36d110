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
  records: Pick<AccountRecords, 'load' | 'claim' | 'release'>,
  accountId: string,
  key: string | undefined,
): Promise<void> => {
  if (key === undefined || holds((await records.load(accountId)).record, key)) return
  await records.release(key)
  // Written by another request of this account meanwhile.
  if (holds((await records.load(accountId)).record, key)) await records.claim(key, accountId)
}

/**
 * Gives up the keys of authenticators that are gone by now. One that the account has enrolled anew meanwhile stays its
 * own: it is claimed after it is written ({@link keepClaim}), and looked for here after it is given up.
 */
export const releaseClaims = async (
  records: Pick<AccountRecords, 'load' | 'claim' | 'release'>,
  accountId: string,
  gone: readonly Authenticator[],
): Promise<void> => {
  const keys = gone.flatMap(({ claim }) => claim ?? [])
  if (keys.length === 0) return
  await Promise.all(keys.map((key) => records.release(key)))
  const { record } = await records.load(accountId)
  await Promise.all(keys.filter((key) => holds(record, key)).map((key) => records.claim(key, accountId)))
}

/** Makes sure of a key whose authenticator is written: one of the same name may have been removed a moment before. */
export const keepClaim = async (
  records: Pick<AccountRecords, 'claim'>,
  accountId: string,
  key: string | undefined,
): Promise<void> => {
  if (key !== undefined) await records.claim(key, accountId)
}
