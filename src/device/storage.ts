/** Where a device keeps its accounts. Values can be cloned as by `structuredClone`: they hold keys, and are no JSON. */
export interface DeviceStorage {
  /** The value; undefined where there is none. */
  get(key: string): Promise<unknown>
  /** Resolves once the value is safe. */
  set(key: string, value: unknown): Promise<void>
  /** Removes the value; one that is not there stays so. */
  delete(key: string): Promise<void>
  /** All keys, in no order. */
  keys(): Promise<readonly string[]>
}

/** Keeps everything until the process ends: for tests and trials. */
export const memoryStorage = (): DeviceStorage => {
  const values = new Map<string, unknown>()
  return Object.freeze({
    get: async (key: string) => values.get(key),
    set: async (key: string, value: unknown) => {
      values.set(key, value)
    },
    delete: async (key: string) => {
      values.delete(key)
    },
    keys: async () => [...values.keys()],
  })
}
