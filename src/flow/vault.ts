import type { Clock } from '../clock.ts'
import type { Sealer } from '../crypto/seal.ts'
import { StepUpError } from '../errors.ts'
import type { Store, StoreKey } from '../store/store.ts'

/** What stands under a key. */
export interface Slot<T> {
  /** Absent where nothing stands, or it has expired, or it could not be opened. */
  readonly value: T | undefined
  /** What a write has to expect; `null` where nothing is stored at all. */
  readonly version: number | null
  /** Epoch seconds; present with a value. */
  readonly expiresAt?: number
  /** Something stands there that we did not seal, or not for this key. */
  readonly broken?: true
}

/** The store as the flow uses it: JSON in, sealed and bound to its key at rest, expiry judged by our clock. */
export interface Vault {
  read<T>(key: StoreKey): Promise<Slot<T>>
  /** Writes if the slot is still as it was read; answers whether it did. */
  write<T>(key: StoreKey, slot: Pick<Slot<T>, 'version'>, value: T, expiresAt: number): Promise<boolean>
  /** Reads and deletes; of any number of callers one gets the value. */
  take<T>(key: StoreKey): Promise<T | undefined>
  delete(key: StoreKey): Promise<void>
  /** Ids of the account's records of one kind; may name records that are gone already. */
  list(accountId: string, kind: string): Promise<readonly string[]>
  /**
   * Reads, computes and writes until no other writer came between. `change` answers what to write with its
   * expiry, or undefined to leave it.
   *
   * @throws StepUpError `ERR_CONTENTION` after 50 lost races.
   */
  update<T>(key: StoreKey, change: (slot: Slot<T>) => { value: T; expiresAt: number } | undefined): Promise<void>
}

const MAX_RACES = 50

/**
 * The form of what is stored, in every record. It changes where an earlier release would misread a record: what is
 * of another form is never read.
 */
export const FORMAT = 1

interface Sealed<T> {
  readonly format: number
  readonly value: T
  readonly expiresAt: number
}

const unavailable = (cause: unknown) => new StepUpError('ERR_STORE', 'the store did not answer', { cause })

/** Waits for the store; any failure of it becomes `ERR_STORE`. */
export const fromStore = <T>(answer: Promise<T>): Promise<T> =>
  answer.catch((cause) => {
    throw unavailable(cause)
  })

/** Wraps a store. @see {@link Vault} */
export const createVault = (store: Store, sealer: Sealer, clock: Clock): Vault => {
  const aad = ({ kind, accountId, id }: StoreKey) => [kind, accountId, id]

  const open = <T>(key: StoreKey, text: string): Sealed<T> | undefined => {
    try {
      return JSON.parse(sealer.open(text, aad(key)))
    } catch {
      return undefined
    }
  }

  const vault: Vault = {
    async read(key) {
      const entry = await fromStore(store.get(key))
      if (entry === undefined) return { value: undefined, version: null }
      const sealed = open<never>(key, entry.value)
      if (sealed === undefined) return { value: undefined, version: entry.version, broken: true }
      const { value, expiresAt, format } = sealed
      // Of a later release beside this one: what it stands for starts again here.
      return clock() < expiresAt && format === FORMAT
        ? { value, version: entry.version, expiresAt }
        : { value: undefined, version: entry.version }
    },
    write(key, { version }, value, expiresAt) {
      const text = sealer.seal(JSON.stringify({ format: FORMAT, value, expiresAt }), aad(key))
      return fromStore(store.put(key, text, { expectedVersion: version, ttlSeconds: Math.max(1, expiresAt - clock()) }))
    },
    async take(key) {
      const entry = await fromStore(store.take(key))
      const sealed = entry && open<never>(key, entry.value)
      return sealed && clock() < sealed.expiresAt && sealed.format === FORMAT ? sealed.value : undefined
    },
    delete: (key) => fromStore(store.delete(key)),
    list: (accountId, kind) => fromStore(store.list(accountId, kind)),
    async update<T>(key: StoreKey, change: (slot: Slot<T>) => { value: T; expiresAt: number } | undefined) {
      for (let race = 0; race < MAX_RACES; race += 1) {
        const slot = await vault.read<T>(key)
        const next = change(slot)
        if (next === undefined || (await vault.write(key, slot, next.value, next.expiresAt))) return
      }
      throw new StepUpError('ERR_CONTENTION', 'lost too many races for one record')
    },
  }
  return Object.freeze(vault)
}
