import type { Evidence } from '../assurance/evidence.ts'
import type { StoreKey } from '../store/store.ts'
import type { Vault } from './vault.ts'

/** How long a verification may wait to be taken into the ledger: oidc-provider's default life of an interaction. */
const WAITING_SECONDS = 3600

/** Where a verification waits for its interaction to be resumed: bound to both, and to the account. */
export const verifiedKey = (accountId: string, interactionUid: string): StoreKey => ({
  kind: 'verified',
  accountId,
  id: interactionUid,
})

/** Leaves events to be taken into the ledger, once, when this interaction is resumed by this account. */
export const leaveVerified = async (
  vault: Vault,
  key: StoreKey,
  events: readonly Evidence[],
  now: number,
): Promise<void> => {
  const expiresAt = now + WAITING_SECONDS
  // Hardly ever does anything wait there already, so that is found out by writing.
  if (await vault.write(key, { version: null }, events, expiresAt)) return
  await vault.update<readonly Evidence[]>(key, ({ value = [] }) => ({ value: [...value, ...events], expiresAt }))
}

/** Takes what waits there; it is gone afterwards. Only events made in that very authorization come out. */
export const takeVerified = async (vault: Vault, key: StoreKey, cid: string): Promise<readonly Evidence[]> =>
  ((await vault.take<readonly Evidence[]>(key)) ?? []).filter((event) => event.cid === cid)
