import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import { digest } from '../crypto/digest.ts'
import type { Mac } from '../crypto/mac.ts'
import { randomToken } from '../crypto/random.ts'
import { StepUpError } from '../errors.ts'
import type { DeviceFact, LastLogin, Location } from '../policy/facts.ts'
import type { StoreKey } from '../store/store.ts'
import { networkOf } from './dispatch/network.ts'
import type { Vault } from './vault.ts'

/** What a browser shows of itself. */
export interface Visit {
  /** The value of the account's device cookie in this browser. */
  readonly deviceCookie?: string | undefined
  readonly userAgent?: string | undefined
}

/** A sign-in to remember. */
export interface SignIn extends Visit {
  readonly location?: Location | undefined
  /** `false`: a known browser stays known, and the last sign-in is the one before. Default true. */
  readonly counts?: boolean
  /** Epoch seconds; an instant that is still to come counts as now. */
  readonly at: number
}

/** The value that the account's device cookie is to have, and when it is to end, in epoch seconds. */
export interface DeviceCookie {
  readonly value: string
  readonly until: number
}

/** What an account's sign-ins so far say. */
export interface Past {
  readonly device: DeviceFact
  readonly lastLogin: LastLogin | undefined
}

/**
 * Remembers from which browsers, when and where accounts have signed in. It is never evidence, and lifts nothing.
 *
 * Where the store fails all reject with `ERR_STORE`.
 */
export interface History {
  /** One reading. A browser that was not used for the whole of its life is unknown. */
  read(accountId: string, visit: Visit): Promise<Past>
  /**
   * Remembers a sign-in, and loses nothing that another tab writes at the same time.
   *
   * A browser with a known cookie keeps its value. Any other gets a new one of 256 random bits: a value that came from
   * a browser and is not known may have been planted there, by somebody who then were known too.
   *
   * @throws StepUpError `ERR_CONTENTION`, `ERR_STORE`.
   */
  learn(accountId: string, signIn: SignIn): Promise<DeviceCookie>
  /**
   * Counts the account, and answers how many different ones came from the address within the last hour: 50 at most,
   * and 50 where so many come at once that they cannot be counted.
   */
  countAccount(address: string, accountId: string): Promise<number>
  /** What {@link History.countAccount} would answer, without counting. */
  foreseeCount(address: string, accountId: string): Promise<number>
  /** Forgets all browsers and the last sign-in of an account. */
  forget(accountId: string): Promise<void>
}

/** What {@link createHistory} works with. */
export interface HistoryParts {
  readonly vault: Vault
  readonly clock: Clock
  /** Hides addresses from who reads the store. */
  readonly mac: Mac
  /** How long a browser is known from its last use, in whole days: 1 to 365. Default 30. */
  readonly rememberDeviceDays?: number
}

interface Device {
  /** The digest of account and cookie: the one cookie is worth nothing to another account, and the store to nobody. */
  readonly id: string
  /** The kind of browser; absent where it did not say. */
  readonly agent?: string
  /** Epoch seconds. */
  readonly lastAt: number
}

interface HistoryRecord {
  readonly devices: readonly Device[]
  readonly last?: LastLogin
}

interface Neighbor {
  readonly id: string
  /** Epoch seconds. */
  readonly at: number
}

interface NeighborRecord {
  readonly accounts: readonly Neighbor[]
}

const SECONDS_PER_DAY = 86_400
const DEFAULT_DAYS = 30
const MAX_DEVICE_DAYS = 365
/** Longer than any time after which an account may count as dormant. */
const RECORD_SECONDS = 400 * SECONDS_PER_DAY
const MAX_DEVICES = 20
const NEIGHBOR_SECONDS = 3600
const MAX_NEIGHBORS = 50
/** Nobody gets far in this time, so a second sign-in from the same place within it tells nothing new. */
const UNCHANGED_SECONDS = 300
/** How far the clocks of two machines may be apart. */
const CLOCK_SKEW_SECONDS = 60
/** 32 random bytes in base64url. */
const COOKIE = /^[\w-]{43}$/
const MAX_AGENT_LENGTH = 512

const historyKey = (accountId: string): StoreKey => ({ kind: 'history', accountId, id: 'sign-ins' })

const idOf = (accountId: string, cookie: string | undefined) =>
  cookie !== undefined && COOKIE.test(cookie) ? digest('device', accountId, cookie) : undefined

/** The same for all versions of a browser: what it says of itself, without numbers. */
const agentOf = (userAgent: string | undefined) =>
  userAgent === undefined || userAgent === ''
    ? undefined
    : digest('agent', userAgent.slice(0, MAX_AGENT_LENGTH).replace(/[\d._]+/g, ''))

const placeOf = (location: Location): Location => {
  const { country, region, latitude, longitude, accuracyKm, timeZone } = location
  const kept = Object.entries({ country, region, latitude, longitude, accuracyKm, timeZone })
  return Object.fromEntries(kept.filter(([, value]) => value !== undefined))
}

/** Whether a record has seen a later time than this: then the clock was ahead, or has gone back. */
const isAhead = ({ devices, last }: HistoryRecord, now: number) =>
  Math.max(last?.at ?? 0, ...devices.map(({ lastAt }) => lastAt)) > now + CLOCK_SKEW_SECONDS

/*
 * Where time is in doubt nobody can tell whose life has ended, so no browser is known: a clock that goes back must not
 * bring back one that was forgotten, and one that was ahead must not make a browser live longer.
 */
const liveDevices = (record: HistoryRecord | undefined, now: number, lifeSeconds: number): readonly Device[] =>
  record === undefined || isAhead(record, now) ? [] : record.devices.filter(({ lastAt }) => now - lastAt < lifeSeconds)

// Digests of 256 random bits: how long comparing them takes tells nothing that helps to make one.
const deviceOf = (devices: readonly Device[], id: string | undefined) => devices.find((device) => device.id === id)

const factOf = (devices: readonly Device[], id: string | undefined, agent: string | undefined): DeviceFact => {
  const own = deviceOf(devices, id)
  const isAgentKnown = agent !== undefined && (own ? [own] : devices).some((device) => device.agent === agent)
  return {
    cookie: own === undefined ? 'unknown' : 'known',
    userAgent: isAgentKnown ? 'known' : 'unknown',
    known: devices.length,
  }
}

const lastOf = ({ location, at }: SignIn, now: number): LastLogin => ({
  at: Math.min(at, now),
  ...(location === undefined ? {} : { location: placeOf(location) }),
})

/** Of two sign-ins that are written in another order than they happened, the later one counts. */
const laterOf = (one: LastLogin | undefined, other: LastLogin, now: number) =>
  one !== undefined && one.at > other.at && one.at <= now + CLOCK_SKEW_SECONDS ? one : other

/** Whether a device and a place were remembered so shortly before that nothing is to be written. */
const isUnchanged = (record: HistoryRecord | undefined, device: Device, known: Device | undefined, last: LastLogin) => {
  const isRecent = (at: number | undefined, now: number) => at !== undefined && Math.abs(now - at) < UNCHANGED_SECONDS
  return (
    known?.agent === device.agent &&
    isRecent(known?.lastAt, device.lastAt) &&
    isRecent(record?.last?.at, last.at) &&
    isDeepStrictEqual(record?.last?.location, last.location)
  )
}

const createLearning = ({ vault, clock }: HistoryParts, lifeSeconds: number): History['learn'] => {
  const deviceFor = (id: string, { userAgent }: Visit, lastAt: number): Device => {
    const agent = agentOf(userAgent)
    return { id, ...(agent === undefined ? {} : { agent }), lastAt }
  }
  return async (accountId, signIn) => {
    const { deviceCookie = '' } = signIn
    const fresh = randomToken()
    let cookie: DeviceCookie = { value: fresh, until: 0 }
    await vault.update<HistoryRecord>(historyKey(accountId), ({ value: record }) => {
      const now = clock()
      const devices = liveDevices(record, now, lifeSeconds)
      const known = deviceOf(devices, idOf(accountId, deviceCookie))
      const last = signIn.counts === false && record?.last !== undefined ? record.last : lastOf(signIn, now)
      const value = known === undefined ? fresh : deviceCookie
      const id = known?.id ?? digest('device', accountId, fresh)
      const device = deviceFor(id, signIn, Math.max(Math.min(signIn.at, now), known?.lastAt ?? 0))
      if (known !== undefined && isUnchanged(record, device, known, last)) {
        cookie = { value, until: known.lastAt + lifeSeconds }
        return undefined
      }
      cookie = { value, until: device.lastAt + lifeSeconds }
      const others = devices.filter((one) => one !== known).sort((one, other) => other.lastAt - one.lastAt)
      return {
        value: { devices: [device, ...others.slice(0, MAX_DEVICES - 1)], last: laterOf(record?.last, last, now) },
        expiresAt: now + RECORD_SECONDS,
      }
    })
    return cookie
  }
}

const neighborsOf = (record: NeighborRecord | undefined, id: string, now: number) => {
  const recent = (record?.accounts ?? []).filter(({ at }) => Math.abs(now - at) < NEIGHBOR_SECONDS)
  const own = recent.find((one) => one.id === id)
  return { own, others: recent.filter((one) => one !== own).slice(1 - MAX_NEIGHBORS) }
}

const createCounting = ({ vault, clock, mac }: HistoryParts): Pick<History, 'countAccount' | 'foreseeCount'> => {
  const keyOf = (address: string): StoreKey => ({
    kind: 'neighbors',
    accountId: mac.sign('address', networkOf(address)),
    id: 'accounts',
  })
  const signed = (accountId: string) => mac.sign('neighbor', accountId)
  return {
    async countAccount(address, accountId) {
      const id = signed(accountId)
      let count = MAX_NEIGHBORS
      try {
        await vault.update<NeighborRecord>(keyOf(address), ({ value }) => {
          const now = clock()
          const { own, others } = neighborsOf(value, id, now)
          count = others.length + 1
          if (own !== undefined && Math.abs(now - own.at) < UNCHANGED_SECONDS) return undefined
          return { value: { accounts: [...others, { id, at: now }] }, expiresAt: now + NEIGHBOR_SECONDS }
        })
        return count
      } catch (fault) {
        // Else a crowd would be counted only as long as it does not hurry.
        if (fault instanceof StepUpError && fault.code === 'ERR_CONTENTION') return MAX_NEIGHBORS
        throw fault
      }
    },
    async foreseeCount(address, accountId) {
      const { value } = await vault.read<NeighborRecord>(keyOf(address))
      return neighborsOf(value, signed(accountId), clock()).others.length + 1
    },
  }
}

/**
 * Keeps the history of sign-ins, sealed, in the vault: one record per account and one per address, bounded. Of an
 * account's browsers it keeps 20; the one that was not used for longest gives way. The record ends 400 days after the
 * last sign-in.
 *
 * @throws StepUpError `ERR_CONFIG` for other days than 1 to 365.
 * @see {@link History}
 */
export const createHistory = (parts: HistoryParts): History => {
  const { vault, clock, rememberDeviceDays = DEFAULT_DAYS } = parts
  if (!Number.isInteger(rememberDeviceDays) || rememberDeviceDays < 1 || rememberDeviceDays > MAX_DEVICE_DAYS)
    throw new StepUpError(
      'ERR_CONFIG',
      `rememberDeviceDays: found ${rememberDeviceDays}; allowed: a whole number of days from 1 to ${MAX_DEVICE_DAYS}`,
    )
  const lifeSeconds = rememberDeviceDays * SECONDS_PER_DAY
  return Object.freeze<History>({
    async read(accountId, { deviceCookie, userAgent }) {
      const { value: record } = await vault.read<HistoryRecord>(historyKey(accountId))
      const devices = liveDevices(record, clock(), lifeSeconds)
      return { device: factOf(devices, idOf(accountId, deviceCookie), agentOf(userAgent)), lastLogin: record?.last }
    },
    learn: createLearning(parts, lifeSeconds),
    ...createCounting(parts),
    forget: (accountId) => vault.delete(historyKey(accountId)),
  })
}
