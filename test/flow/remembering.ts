import assert from 'node:assert/strict'
import { randomToken } from '../../src/crypto/random.ts'
import type { Announce } from '../../src/events.ts'
import type { BrowserRecord, BrowserStanding } from '../../src/flow/browser-record.ts'
import { createBrowsers } from '../../src/flow/browsers.ts'
import type { Store, StoreKey } from '../../src/store/store.ts'
import { createBench, hoardingStore } from './tools.ts'

/** A month of life, two weeks of idling, three browsers for each account. */
export const LIMITS = { lifeSeconds: 2_592_000, idleSeconds: 1_209_600, perAccount: 3 }

/** What alice stands on. */
export const STANDING = { factorsVersion: 'f1', securityStamp: 's1' }

/** What she proved before her browser was remembered. */
export const PROOF = { factor: 'totp', kinds: ['possession'], traits: [], amr: ['otp'] } as const

/** What her browsers are remembered with, unless told otherwise. */
export const GIVEN = { proof: PROOF, ...STANDING, clientId: 'app' }

/** The id that a cookie's value begins with. */
export const idOf = (value: string) => value.slice(0, 22)

/** What all values of one cookie begin with: the id, and what tells a copy from a guess. */
export const familyOf = (value: string) => value.slice(0, 45)

/** Values by who knows only the id of a browser, or has read its current secret somewhere, but no whole cookie. */
export const guessesAt = (value: string): readonly string[] => [
  `${idOf(value)}.${randomToken(16)}.${randomToken()}`,
  `${idOf(value)}.${idOf(value)}.${randomToken()}`,
  `${idOf(value)}.${randomToken(16)}${value.slice(45)}`,
]

/** Alice's remembered browsers on a bench of their own, all that they announce, and every operation on the store. */
export const remembering = (limits: Partial<typeof LIMITS> = {}) => {
  const events: ({ readonly name: string } & Readonly<Record<string, unknown>>)[] = []
  const announce: Announce = (name, event) => void events.push({ name, ...event })
  const operations: string[] = []
  const real = hoardingStore()
  const told =
    <Args extends unknown[], Answer>(name: keyof Store, operation: (...args: Args) => Answer) =>
    (...args: Args) => {
      operations.push(name)
      return operation(...args)
    }
  const watched = { get: told('get', real.get), put: told('put', real.put), take: told('take', real.take) }
  const bench = createBench({ store: { ...real, ...watched, list: told('list', real.list) } })
  const { vault, clock } = bench
  const browsers = createBrowsers({ vault, clock, announce, limits: { ...LIMITS, ...limits } })

  const remember = async (label?: string) =>
    (await browsers.remember('alice', { ...GIVEN, ...(label === undefined ? {} : { label }) })).value
  const recognize = async (value: string, standing: BrowserStanding = STANDING) =>
    browsers.recognize(await browsers.read('alice', value), standing)
  const use = async (value: string) => {
    const recognized = await recognize(value)
    return recognized && browsers.use(recognized, 'app')
  }
  /** Uses a value that is current, and answers the next one. */
  const rotate = async (value: string) => {
    const cookie = (await use(value))?.cookie
    assert.ok(cookie)
    return cookie.value
  }
  const list = (standing: BrowserStanding = STANDING) => browsers.list('alice', standing)
  const keyOf = (value: string): StoreKey => ({ kind: 'browser', accountId: 'alice', id: idOf(value) })
  const stored = async (value: string) => (await vault.read<BrowserRecord>(keyOf(value))).value
  return { ...bench, browsers, events, operations, remember, recognize, use, rotate, list, keyOf, stored }
}

/** The names of events, in their order. */
export const names = (events: readonly { readonly name: string }[]) => events.map(({ name }) => name)
