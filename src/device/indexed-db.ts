import type { DeviceStorage } from './storage.ts'

interface Request<Result> {
  readonly result: Result
  readonly error: unknown
  onsuccess: unknown
  onerror: unknown
}

interface Table {
  get(key: string): Request<unknown>
  put(value: unknown, key: string): Request<unknown>
  delete(key: string): Request<unknown>
  getAllKeys(): Request<unknown[]>
}

interface Transaction {
  readonly error: unknown
  oncomplete: unknown
  onabort: unknown
  objectStore(name: string): Table
}

interface Database {
  onversionchange: unknown
  createObjectStore(name: string): unknown
  transaction(name: string, mode: 'readonly' | 'readwrite', options: { durability: 'strict' }): Transaction
  close(): void
}

interface Factory {
  open(name: string, version: number): Request<Database> & { onupgradeneeded: unknown }
}

const TABLE = 'accounts'

const open = (name: string) =>
  new Promise<Database>((resolve, reject) => {
    const { indexedDB } = globalThis as { indexedDB?: Factory }
    if (indexedDB === undefined) throw new TypeError('this runtime has no IndexedDB')
    const request = indexedDB.open(name, 1)
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE)
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

const run = <Result>(database: Database, mode: 'readonly' | 'readwrite', work: (table: Table) => Request<Result>) =>
  new Promise<Result>((resolve, reject) => {
    // Not every browser waits for the disk unless told so, and a lost key locks its owner out.
    const transaction = database.transaction(TABLE, mode, { durability: 'strict' })
    const request = work(transaction.objectStore(TABLE))
    transaction.oncomplete = () => resolve(request.result)
    transaction.onabort = () => reject(transaction.error ?? request.error)
  })

/**
 * Keeps everything in the browser's IndexedDB, where keys stay that cannot be exported. Opened at first use.
 *
 * @param name of the database. Default `oidc-step-up-device`.
 */
export const indexedDbStorage = (name = 'oidc-step-up-device'): DeviceStorage => {
  let opened: Promise<Database> | undefined
  const database = () => {
    opened ??= open(name).then((one) => {
      // Another tab wants to delete or upgrade it.
      one.onversionchange = () => {
        opened = undefined
        one.close()
      }
      return one
    })
    opened.catch(() => {
      opened = undefined
    })
    return opened
  }
  return Object.freeze({
    get: async (key: string) => run(await database(), 'readonly', (table) => table.get(key)),
    set: async (key: string, value: unknown) => {
      await run(await database(), 'readwrite', (table) => table.put(value, key))
    },
    delete: async (key: string) => {
      await run(await database(), 'readwrite', (table) => table.delete(key))
    },
    keys: async () => (await run(await database(), 'readonly', (table) => table.getAllKeys())).map(String),
  })
}
