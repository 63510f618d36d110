import type { StoreKey } from '../store/store.ts'
import type { Vault } from './vault.ts'

/** Where it stands that an account could not be asked in one authorization: bound to both, and to the session. */
export const outageKey = (accountId: string, sessionUid: string, cid: string): StoreKey => ({
  kind: 'outage',
  accountId,
  id: `${sessionUid}.${cid}`,
})

/** Notes that the factor could not ask; it is read by every later pass of the same authorization. */
export const noteOutage = (vault: Vault, key: StoreKey, factor: string, expiresAt: number): Promise<void> =>
  vault.update<string>(key, () => ({ value: factor, expiresAt }))

/** The factor that could not ask, if any. */
export const readOutage = async (vault: Vault, key: StoreKey): Promise<string | undefined> =>
  (await vault.read<string>(key)).value
