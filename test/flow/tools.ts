import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createMac } from '../../src/crypto/mac.ts'
import { createSealer } from '../../src/crypto/seal.ts'
import { createEvents } from '../../src/events.ts'
import type { AnyFactor, Authenticator } from '../../src/factors/factor.ts'
import { createAccountRecords } from '../../src/flow/account-record.ts'
import { type Ceremonies, createCeremonies, type Notice, type Outcome } from '../../src/flow/ceremony.ts'
import { createChanges } from '../../src/flow/changes.ts'
import { type Compose, createDispatcher } from '../../src/flow/dispatch.ts'
import { signInPermitKey } from '../../src/flow/permit.ts'
import type { Place, Purpose } from '../../src/flow/place.ts'
import { createSummonses } from '../../src/flow/summons.ts'
import { createThrottle, type Throttle } from '../../src/flow/throttle.ts'
import { createVault } from '../../src/flow/vault.ts'
import type { Accounts } from '../../src/store/accounts.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store, StoreKey } from '../../src/store/store.ts'

/** The moment at which every bench begins, in epoch seconds: the beginning of a time step. */
export const START = 1_800_000_000

/** A sealing key that nothing else has. */
export const newKey = () => randomBytes(32).toString('base64url')

/** A real store that never lets go of a record by itself: whatever ends, ends by our clock. */
export const hoardingStore = (): Store & Accounts => memoryStore({ clock: () => START })

interface BenchOptions {
  readonly store?: Store & Accounts
  /** Stands in for the real throttle. */
  readonly throttle?: Throttle
  /** All that is configured, for what stands beside others. */
  readonly factors?: readonly AnyFactor[]
}

/** The code itself, in no words. */
const compose: Compose = ({ to, values, channel = 'text', expiresAt }, locale) => ({
  to,
  channel,
  locale,
  text: values.code ?? '',
  expiresAt,
})

/** The flow room on one store, one sealer and one clock. */
export const createBench = ({ store = hoardingStore(), throttle: other, factors = [] }: BenchOptions = {}) => {
  let at = START
  const clock = () => at
  const sealer = createSealer([newKey()])
  const vault = createVault(store, sealer, clock)
  const records = createAccountRecords(store, sealer)
  const throttle = other ?? createThrottle(vault, clock)
  const { events, announce } = createEvents(clock)
  const mac = createMac(randomBytes(32))
  const dispatcher = createDispatcher({ vault, clock, announce, compose, mac, drop: async () => undefined })
  const awaiting = { summonses: createSummonses(vault, clock), changes: createChanges() }
  const made = createCeremonies({
    vault,
    records,
    throttle,
    dispatcher,
    ...awaiting,
    clock,
    factors,
    announce,
  })
  // As a page does: what follows an acceptance is written before anybody hears of it.
  const ceremonies: Ceremonies = {
    ...made,
    answer: async (...at) => {
      const outcome = await made.answer(...at)
      if (outcome.outcome === 'accepted') await outcome.left
      return outcome
    },
  }
  const advance = (seconds: number) => {
    at += seconds
  }
  return {
    store,
    clock,
    sealer,
    vault,
    records,
    throttle,
    dispatcher,
    ...awaiting,
    ceremonies,
    events,
    announce,
    advance,
  }
}

/** What {@link createBench} gives. */
export type Bench = ReturnType<typeof createBench>

/** Lets every answer through to the ceremony, so that only what lies behind it can stop one. */
export const openThrottle: Throttle = {
  read: async () => ({ value: undefined, version: null }),
  reserve: async () => ({ granted: true }),
  giveBack: async () => undefined,
  clear: async () => undefined,
  pauseLeft: async () => 0,
}

/** Runs an operation many times at once. */
export const race = <Result>(count: number, run: (index: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => run(index)))

/** Something that happens once and can be waited for. */
export const signal = () => {
  let resolveIt: (() => void) | undefined
  const sent = new Promise<void>((resolve) => {
    resolveIt = resolve
  })
  return { send: () => resolveIt?.(), sent }
}

/** A point that lets everybody on once so many have arrived. */
export const meetingOf = (count: number) => {
  const all = signal()
  let arrived = 0
  return async () => {
    arrived += 1
    if (arrived >= count) all.send()
    await all.sent
  }
}

/** Writes text under a key as somebody would who can write to the store. */
export const plant = async (store: Store, key: StoreKey, text: string) => {
  await store.delete(key)
  await store.put(key, text, { expectedVersion: null, ttlSeconds: 86_400 })
}

/** What stands in the store under a key, sealed. */
export const textAt = async (store: Store, key: StoreKey) => {
  const entry = await store.get(key)
  assert.ok(entry, `nothing stands under ${JSON.stringify(key)}`)
  return entry.value
}

/** A ceremony's place: alice at the client `app`, unless told otherwise. */
export const placeOf = (factor: AnyFactor, purpose: Purpose, more: Partial<Place> = {}): Place => ({
  id: 'interaction',
  cid: 'cid',
  permitKey: signInPermitKey('alice', 'session', 'cid'),
  openEnrollment: true,
  account: { id: 'alice', label: 'alice@example.com' },
  factor,
  purpose,
  client: { id: 'app', name: 'Test App' },
  origin: 'https://login.example.com',
  issuer: 'https://login.example.com',
  url: 'https://login.example.com/interaction/step',
  locale: 'de',
  ...more,
})

/** An enrolled authenticator of a factor. */
export const enrolled = (factor: string, more: Partial<Authenticator> = {}): Authenticator => ({
  id: `${factor}-1`,
  factor,
  status: 'active',
  createdAt: START - 1000,
  data: {},
  ...more,
})

/** Gives an account its authenticators. */
export const give = (bench: Bench, accountId: string, ...authenticators: readonly Authenticator[]) =>
  bench.records.update(accountId, (record) => ({ ...record, authenticators }))

/** What the screen has to say. */
export const noticeOf = (outcome: Outcome): Notice | undefined => {
  assert.equal(outcome.outcome, 'open')
  return outcome.outcome === 'open' ? outcome.notice : undefined
}

/** One short word for what came out: its outcome, or the reason of its notice. */
export const wordOf = (outcome: Outcome): string =>
  outcome.outcome === 'open' ? (outcome.notice?.reason ?? 'open') : outcome.outcome
