import type { Sealer } from '../crypto/seal.ts'
import { StepUpError } from '../errors.ts'
import type { Accounts } from '../store/accounts.ts'
import { fromStore } from './vault.ts'

/** Whether every account's record can be opened with the keys that are configured. */
export interface KeyCheck {
  /**
   * Asks the store.
   *
   * @throws StepUpError `ERR_CONFIG` with a count where a key is missing that records are sealed with; `ERR_STORE`
   * where the store did not answer.
   */
  check(): Promise<void>
  /** Throws what the last check found. */
  assert(): void
}

const recordsOf = (count: number) => (count === 1 ? '1 account record is' : `${count} account records are`)

/**
 * A key that was taken away too early would make its accounts look broken one by one; so nothing is decided then,
 * and the operator is told at once.
 */
export const createKeyCheck = (accounts: Accounts, { keyIds }: Pick<Sealer, 'keyIds'>): KeyCheck => {
  let refusal: StepUpError | undefined
  return Object.freeze<KeyCheck>({
    async check() {
      const counts =
        (await fromStore(Promise.resolve(accounts.countByOtherKeys?.(keyIds)))) ?? new Map<string, number>()
      const missing = [...counts].map(([keyId, count]) => `${recordsOf(count)} sealed with ${keyId}`)
      refusal =
        missing.length === 0
          ? undefined
          : new StepUpError(
              'ERR_CONFIG',
              `sealingKeys: a key is missing that is still in use: ${missing.join(', ')}; found ${keyIds.join(', ')}; put the key back at the end of the list`,
            )
      if (refusal !== undefined) throw refusal
    },
    assert() {
      if (refusal !== undefined) throw refusal
    },
  })
}
