import { randomBytes } from 'node:crypto'
import { createMac } from '../../src/crypto/mac.ts'
import { createHistory, type SignIn, type Visit } from '../../src/flow/history.ts'
import type { StoreKey } from '../../src/store/store.ts'
import { createBench, hoardingStore } from './tools.ts'

/** In seconds. */
export const DAY = 86_400
/** How long a browser is known, unless told otherwise, in seconds. */
export const LIFE = 30 * DAY
/** What a browser says of itself. */
export const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'
/** What another says of itself. */
export const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0'
/** All that is kept of a place. */
export const BERLIN = {
  country: 'DE',
  region: 'BE',
  latitude: 52.52,
  longitude: 13.405,
  accuracyKm: 10,
  timeZone: 'Europe/Berlin',
}
/** Where the history of alice stands. */
export const KEY: StoreKey = { kind: 'history', accountId: 'alice', id: 'sign-ins' }

interface Hooks {
  /** Awaited between reading and answering. */
  readonly onGet?: () => Promise<void>
}

/** A history on a store of its own, with every operation on it. */
export const remembering = (days?: number, { onGet }: Hooks = {}) => {
  const operations: string[] = []
  const keys: StoreKey[] = []
  const real = hoardingStore()
  const store: ReturnType<typeof hoardingStore> = {
    ...real,
    async get(key) {
      operations.push('get')
      keys.push(key)
      const entry = await real.get(key)
      await onGet?.()
      return entry
    },
    put(key, ...more) {
      operations.push('put')
      return real.put(key, ...more)
    },
  }
  const { vault, clock, advance, sealer } = createBench({ store })
  const mac = createMac(randomBytes(32))
  const history = createHistory({ vault, clock, mac, ...(days === undefined ? {} : { rememberDeviceDays: days }) })
  const learn = async (more: Partial<SignIn> = {}, accountId = 'alice') =>
    (await history.learn(accountId, { userAgent: CHROME, location: BERLIN, at: clock(), ...more })).value
  const device = async (visit: Visit = {}, accountId = 'alice') => (await history.read(accountId, visit)).device
  const cookieOf = async (deviceCookie: string, accountId = 'alice') =>
    (await device({ deviceCookie }, accountId)).cookie
  return { history, store, vault, clock, advance, sealer, operations, keys, learn, device, cookieOf }
}
