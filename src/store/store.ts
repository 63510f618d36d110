/** Names one short-lived record. Every record belongs to an account. */
export interface StoreKey {
  /** What the record is: `ledger`, `challenge`, `throttle`. Lower-case letters and hyphens. */
  readonly kind: string
  readonly accountId: string
  readonly id: string
}

/** One stored value with its bookkeeping. */
export interface StoreEntry {
  /** Opaque text; everything with security meaning is sealed before it gets here. */
  readonly value: string
  /** Changes with every write and is never used again for that key, not even after a deletion. */
  readonly version: number
}

/** Conditions and life of a write. */
export interface PutOptions {
  /** The version the caller read, or `null` for "must not exist". */
  readonly expectedVersion: number | null
  /** Whole seconds, at least 1. The store may drop the record after that; it must not before. */
  readonly ttlSeconds: number
}

/**
 * Short-lived records: evidence, open ceremonies, throttles, remembered browsers.
 *
 * Every operation touches one key and is atomic, except `list`. An operation that cannot be carried out
 * rejects; it never pretends. Time to live only collects garbage: what a record means is judged by the
 * `expiresAt` inside it and the process clock.
 */
export interface Store {
  /** The record under the key; undefined where there is none. */
  get(key: StoreKey): Promise<StoreEntry | undefined>
  /** Writes if the present version is the expected one; answers whether it did. */
  put(key: StoreKey, value: string, options: PutOptions): Promise<boolean>
  /** Reads and deletes in one step: of any number of callers, one gets the entry. */
  take(key: StoreKey): Promise<StoreEntry | undefined>
  /** Removes the record; one that is not there stays so. */
  delete(key: StoreKey): Promise<void>
  /** Ids of the account's records of one kind, in no order; may name records that are gone already. */
  list(accountId: string, kind: string): Promise<readonly string[]>
}
