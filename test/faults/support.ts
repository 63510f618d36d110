import assert from 'node:assert/strict'
import { load } from 'cheerio'
import { type RedisConnectionOptions, redisConnection, redisStore } from '../../src/store/redis.ts'
import { redisAdapter } from '../../src/store/redis-adapter.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import { type Journey, passed } from '../security/support.ts'
import type { Browser, Page } from '../support/browser.ts'
import { type Host, type HostOptions, startHost } from '../support/host.ts'
import { errorOf, isAnswer } from '../support/relying-party.ts'
import { stopwatch, until } from '../support/until.ts'

/** Longer than that nobody waits for an answer, whatever Redis does. Milliseconds. */
const MAX_ANSWER = 3000

const sealingKeys = [Buffer.alloc(32, 7).toString('base64url')]

/** A host that keeps all it knows in Redis: what the plugin stores, and oidc-provider's own records. */
const startRedisHost = async (redis: RedisConnectionOptions, stepUp: HostOptions['stepUp'] = {}): Promise<Host> => {
  const connection = redisConnection(redis)
  const store = redisStore({ connection })
  const adapter = redisAdapter({ connection, sealingKeys })
  const host = await startHost({ stepUp: { store, sealingKeys, ...stepUp }, configuration: { adapter } })
  return {
    ...host,
    close: async () => {
      await host.close()
      await connection.close()
    },
  }
}

/** What the tests of one block share. */
export interface FaultBench {
  readonly host: Host
  readonly clock: VirtualClock
}

/** Gives each test a host of its own at the Redis that stands by then, and takes it away after. */
export const useRedisHost = (redis: () => RedisConnectionOptions, stepUp?: () => HostOptions['stepUp']): FaultBench => {
  const bench: { host?: Host; clock?: VirtualClock } = {}
  beforeEach(async () => {
    bench.clock = virtualClock()
    bench.host = await startRedisHost(redis(), stepUp?.())
  })
  afterEach(async () => {
    bench.clock?.restore()
    await bench.host?.close()
  })
  return bench as FaultBench
}

const LATER = new Set(['temporarily_unavailable', 'server_error'])

/** An answer that says "later": by page, or to the relying party. Nothing has passed. */
export const saysLater = (page: Page): boolean =>
  !passed(page) &&
  (isAnswer(page)
    ? LATER.has(errorOf(page) ?? '')
    : page.status === 503 || (page.status === 500 && process.env.LAX === '1'))

/** A page in words. */
export const told = ({ status, heading, text, url }: Page): string =>
  `${status} "${heading}" ${load(text)('[role=alert]').text().trim()} at ${url.pathname}${url.search}`

/** Waits for an answer that comes in good time. */
export const inTime = async (what: string, asking: Promise<Page>): Promise<Page> => {
  const elapsed = stopwatch()
  const page = await asking
  assert.ok(elapsed() < MAX_ANSWER, `${what}: answered after ${Math.round(elapsed())} ms`)
  return page
}

/** Every one of these is answered in good time with "later". */
export const assertAllLater = async (asking: Readonly<Record<string, () => Promise<Page>>>): Promise<void> => {
  await Promise.all(
    Object.entries(asking).map(async ([what, ask]) => {
      const page = await inTime(what, ask())
      assert.ok(saysLater(page), `${what}: ${told(page)}`)
    }),
  )
}

/**
 * Reloads the page until it is there again, each time answered in good time. Passes where an answer that was met by
 * "later" had been taken nevertheless.
 */
export const reloaded = (journey: Journey, page: Page, seconds = 5): Promise<Page> =>
  until(
    `${page.heading}, again`,
    async () => {
      const again = await inTime('reload', journey.browser.get(page.url))
      assert.ok(again.status === 200 || passed(again), told(again))
      return again
    },
    seconds,
  )

/** Follows redirects on this origin one by one, each of them in good time. */
export const hops = async (what: string, browser: Browser, asking: Promise<Page>): Promise<Page> => {
  const page = await inTime(`${what}, at one of its pages`, asking)
  const location = page.headers.get('location')
  if (location === null) return page
  const next = new URL(location, page.url)
  if (next.origin !== page.url.origin) return { ...page, url: next }
  return hops(what, browser, browser.send(next, { follow: false }))
}
