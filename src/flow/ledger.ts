import type { Evidence } from '../assurance/evidence.ts'
import type { Clock } from '../clock.ts'
import type { StoreKey } from '../store/store.ts'
import type { Slot, Vault } from './vault.ts'

/** A session's evidence, as stored. */
export interface LedgerRecord {
  /** Oldest first. */
  readonly events: readonly Evidence[]
}

/** How long all events are kept apart; of older ones only the newest of each sort. */
const RECENT_SECONDS = 3600

/** Where a session's ledger stands: bound to the session and to its account. */
export const ledgerKey = (accountId: string, sessionUid: string): StoreKey => ({
  kind: 'ledger',
  accountId,
  id: sessionUid,
})

const sortOf = ({ factor, authenticatorId, kinds, traits, securityStamp }: Evidence) =>
  JSON.stringify([factor, authenticatorId, kinds, traits, securityStamp])

/** Keeps the ledger short: of events that prove the same by the same means an old one adds nothing to a newer. */
export const pruned = (events: readonly Evidence[], now: number): readonly Evidence[] => {
  const newestOfSort = new Map(events.map((event) => [sortOf(event), event]))
  return events.filter((event) => now - event.at <= RECENT_SECONDS || newestOfSort.get(sortOf(event)) === event)
}

const isSame = (one: Evidence, other: Evidence) =>
  one.cid === other.cid && one.at === other.at && sortOf(one) === sortOf(other)

/** The events with the new ones in their places by time; one that is there already is not added again. */
export const withEvents = (events: readonly Evidence[], added: readonly Evidence[]): readonly Evidence[] =>
  [...events, ...added.filter((event) => !events.some((present) => isSame(present, event)))].sort(
    (one, other) => one.at - other.at,
  )

/**
 * Adds events to a ledger that was just read; loses nothing that another tab writes at the same time.
 * `lifeSeconds` is how long the ledger is to be kept from now.
 *
 * @throws StepUpError `ERR_CONTENTION`, `ERR_STORE`.
 */
export const appendEvents = async (
  vault: Vault,
  clock: Clock,
  key: StoreKey,
  slot: Slot<LedgerRecord>,
  { added, base, lifeSeconds }: { added: readonly Evidence[]; base: readonly Evidence[]; lifeSeconds: number },
): Promise<readonly Evidence[]> => {
  const now = clock()
  const expiresAt = now + lifeSeconds
  const first = pruned(withEvents(slot.value?.events ?? base, added), now)
  if (await vault.write<LedgerRecord>(key, slot, { events: first }, expiresAt)) return first

  let events: readonly Evidence[] = first
  await vault.update<LedgerRecord>(key, ({ value }) => {
    events = pruned(withEvents(value?.events ?? base, added), now)
    return { value: { events }, expiresAt }
  })
  return events
}
