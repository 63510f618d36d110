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

/** How long it is remembered by what somebody came in: longer than hosts let interactions live. */
const CAME_IN_SECONDS = 86_400

/** Where it stands by which authenticator a login page was answered; it is read, never taken. */
const cameInKey = (accountId: string, interactionUid: string): StoreKey => ({
  kind: 'came-in',
  accountId,
  id: interactionUid,
})

/** Notes that a login page was answered by an authenticator: whatever resumes it, nobody has typed a password there. */
export const noteCameIn = (
  vault: Vault,
  accountId: string,
  interactionUid: string,
  event: Evidence,
  now: number,
): Promise<void> =>
  vault.update<Evidence>(cameInKey(accountId, interactionUid), () => ({
    value: event,
    expiresAt: now + CAME_IN_SECONDS,
  }))

/** What the login page was answered with, where that was an authenticator; only of that very authorization. */
export const readCameIn = async (
  vault: Vault,
  accountId: string,
  { uid, cid }: { readonly uid: string; readonly cid: string },
): Promise<Evidence | undefined> => {
  const { value } = await vault.read<Evidence>(cameInKey(accountId, uid))
  return value?.cid === cid ? value : undefined
}

/** Takes what waits there; it is gone afterwards. Only events made in that very authorization come out. */
export const takeVerified = async (vault: Vault, key: StoreKey, cid: string): Promise<readonly Evidence[]> =>
  ((await vault.take<readonly Evidence[]>(key)) ?? []).filter((event) => event.cid === cid)
