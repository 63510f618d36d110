import { isDeepStrictEqual } from 'node:util'
import type { Evidence } from '../assurance/evidence.ts'
import type { Clock } from '../clock.ts'
import type { StoreKey } from '../store/store.ts'
import type { BrowserNote } from './browser-record.ts'
import type { Slot, Vault } from './vault.ts'

/** A session's evidence, as stored. */
export interface LedgerRecord {
  /** Oldest first. */
  readonly events: readonly Evidence[]
  /** Authorizations in which the user chose to go on without, with the epoch second. */
  readonly declined?: readonly { readonly cid: string; readonly at: number }[]
  /** The remembered browser that lifted a floor in this session. */
  readonly browser?: BrowserNote
}

/** How long all events are kept apart, up to a number; of others only the newest of each sort. */
const RECENT_SECONDS = 3600
const MAX_RECENT = 64

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
  const recent = new Set(events.filter((event) => now - event.at <= RECENT_SECONDS).slice(-MAX_RECENT))
  return events.filter((event) => recent.has(event) || newestOfSort.get(sortOf(event)) === event)
}

const isSame = (one: Evidence, other: Evidence) =>
  one.cid === other.cid && one.at === other.at && sortOf(one) === sortOf(other)

/** The events with the new ones in their places by time; one that is there already is not added again. */
export const withEvents = (events: readonly Evidence[], added: readonly Evidence[]): readonly Evidence[] =>
  [...events, ...added.filter((event) => !events.some((present) => isSame(present, event)))].sort(
    (one, other) => one.at - other.at,
  )

/** What one pass adds to a ledger. */
export interface LedgerEntry {
  readonly added: readonly Evidence[]
  /** The events to begin with where no ledger stands yet. */
  readonly base: readonly Evidence[]
  /** The authorization in which the user just declined. */
  readonly declinedCid?: string | undefined
  /** How long the ledger is to be kept from now, in seconds. */
  readonly lifeSeconds: number
}

const recordWith = (record: LedgerRecord | undefined, entry: LedgerEntry, now: number): LedgerRecord => {
  const { added, base, declinedCid } = entry
  const declined = [
    ...(record?.declined ?? []).filter(({ at }) => now - at <= RECENT_SECONDS).slice(1 - MAX_RECENT),
    ...(declinedCid === undefined ? [] : [{ cid: declinedCid, at: now }]),
  ]
  const events = pruned(withEvents(record?.events ?? base, added), now)
  const { browser } = record ?? {}
  return { events, ...(browser === undefined ? {} : { browser }), ...(declined.length === 0 ? {} : { declined }) }
}

/**
 * Adds to a ledger that was just read; loses nothing that another tab writes at the same time. Answers the
 * events that stand in it now.
 *
 * @throws StepUpError `ERR_CONTENTION`, `ERR_STORE`.
 */
export const appendEvents = async (
  vault: Vault,
  clock: Clock,
  key: StoreKey,
  slot: Slot<LedgerRecord>,
  entry: LedgerEntry,
): Promise<readonly Evidence[]> => {
  const now = clock()
  const expiresAt = now + entry.lifeSeconds
  let record = recordWith(slot.value, entry, now)
  if (await vault.write(key, slot, record, expiresAt)) return record.events
  await vault.update<LedgerRecord>(key, ({ value }) => {
    record = recordWith(value, entry, now)
    return { value: record, expiresAt }
  })
  return record.events
}

/** Whether the user chose to go on without, in this authorization. */
export const hasDeclined = (record: LedgerRecord | undefined, cid: string): boolean =>
  record?.declined?.some((one) => one.cid === cid) ?? false

/** Notes a remembered browser that has lifted a floor in a session, whose later requests rely on the note. */
export const noteBrowser = (vault: Vault, key: StoreKey, browser: BrowserNote): Promise<void> =>
  vault.update<LedgerRecord>(key, ({ value, expiresAt }) =>
    value === undefined || expiresAt === undefined || isDeepStrictEqual(value.browser, browser)
      ? undefined
      : { value: { ...value, browser }, expiresAt },
  )

/** Takes the note of that browser back. */
export const dropBrowser = (vault: Vault, key: StoreKey, id: string): Promise<void> =>
  vault.update<LedgerRecord>(key, ({ value, expiresAt }) => {
    if (value?.browser?.id !== id || expiresAt === undefined) return undefined
    const { browser: _dropped, ...record } = value
    return { value: record, expiresAt }
  })
