import { type Clock, systemClock } from '../clock.ts'
import { joinFields } from '../crypto/fields.ts'
import { StepUpError } from '../errors.ts'
import { type AccountEntry, type Accounts, sealingKeyOf } from './accounts.ts'
import type { Store, StoreEntry, StoreKey } from './store.ts'

/** Settings of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * Judges when a short-lived record has ended.
   *
   * @default the machine's clock
   */
  readonly clock?: Clock
}

interface StoredRecord extends StoreEntry {
  readonly key: StoreKey
  /** The last epoch second in which the record is still there. */
  readonly lastAt: number
}

/*
 * Records looked at by every write, in turn. A write adds one at most, so with more than one all are visited
 * again and again, and ended ones cannot pile up.
 */
const SWEEP = 4

// Two stores of one process never give the same version, so a caller that outlives one cannot mix them up.
let lastVersion = 0
const nextVersion = (): number => {
  lastVersion += 1
  return lastVersion
}

const nameOf = (...parts: string[]): string => joinFields(parts)

const shortLived = (clock: Clock): Store => {
  const records = new Map<string, StoredRecord>()
  const idsOf = new Map<string, Set<string>>()
  const indexName = ({ accountId, kind }: StoreKey): string => nameOf(accountId, kind)
  const recordName = ({ kind, accountId, id }: StoreKey): string => nameOf(kind, accountId, id)

  const drop = (key: StoreKey): void => {
    const ids = idsOf.get(indexName(key))
    ids?.delete(key.id)
    if (ids?.size === 0) idsOf.delete(indexName(key))
    records.delete(recordName(key))
  }
  const find = (key: StoreKey): StoredRecord | undefined => {
    const record = records.get(recordName(key))
    if (!record || clock() <= record.lastAt) return record
    drop(key)
    return undefined
  }

  let cursor = records.values()
  const sweep = (): void => {
    for (let looked = 0; looked < SWEEP; looked += 1) {
      const next = cursor.next()
      if (next.done) cursor = records.values()
      else find(next.value.key)
    }
  }
  const write = ({ kind, accountId, id }: StoreKey, value: string, ttlSeconds: number): void => {
    const key = { kind, accountId, id }
    const ids = idsOf.get(indexName(key)) ?? new Set()
    idsOf.set(indexName(key), ids.add(id))
    // The present second may be almost over: the one it reaches into belongs to the record as well.
    records.set(recordName(key), { key, value, version: nextVersion(), lastAt: clock() + ttlSeconds })
  }
  const entryOf = (record: StoredRecord | undefined): StoreEntry | undefined =>
    record && { value: record.value, version: record.version }

  return {
    get: async (key) => entryOf(find(key)),
    put: async (key, value, { expectedVersion, ttlSeconds }) => {
      if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1) {
        throw new StepUpError('ERR_STORE', 'ttlSeconds must be a whole number of at least 1')
      }
      sweep()
      if ((find(key)?.version ?? null) !== expectedVersion) return false
      write(key, value, ttlSeconds)
      return true
    },
    take: async (key) => {
      const entry = entryOf(find(key))
      drop(key)
      return entry
    },
    delete: async (key) => drop(key),
    list: async (accountId, kind) => {
      const ids = [...(idsOf.get(nameOf(accountId, kind)) ?? [])]
      return ids.filter((id) => find({ kind, accountId, id }))
    },
  }
}

const durable = (): Accounts => {
  const entries = new Map<string, AccountEntry>()
  const owners = new Map<string, string>()
  return {
    load: async (accountId) => {
      const entry = entries.get(accountId)
      return entry && { ...entry }
    },
    save: async (accountId, record, expectedVersion) => {
      if ((entries.get(accountId)?.version ?? null) !== expectedVersion) return false
      entries.set(accountId, { version: nextVersion(), record })
      return true
    },
    claim: async (key, accountId) => {
      if (!owners.has(key)) owners.set(key, accountId)
      return owners.get(key) === accountId
    },
    owner: async (key) => owners.get(key),
    release: async (key) => {
      owners.delete(key)
    },
    countByOtherKeys: async (keyIds) => {
      const counts = new Map<string, number>()
      for (const { record } of entries.values()) {
        const keyId = sealingKeyOf(record)
        if (keyId !== undefined && !keyIds.includes(keyId)) counts.set(keyId, (counts.get(keyId) ?? 0) + 1)
      }
      return counts
    },
  }
}

/**
 * Both stores in the memory of one process: for development, tests and demonstrations.
 *
 * All is lost when the process ends, authenticators included, and a second process sees nothing of it.
 */
export const memoryStore = ({ clock = systemClock }: MemoryStoreOptions = {}): Store & Accounts =>
  Object.freeze({ ...shortLived(clock), ...durable() })
