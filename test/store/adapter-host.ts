import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import * as client from 'openid-client'
import type { Account } from '../../src/index.ts'
import { type RedisConnection, redisConnection, redisStore } from '../../src/store/redis.ts'
import { type RedisAdapterFactory, redisAdapter } from '../../src/store/redis-adapter.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import { grantOf } from '../journeys/flows.ts'
import type { Browser } from '../support/browser.ts'
import { CLIENT, type Host, startHost } from '../support/host.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { createJourney, errorOf, isAnswer } from '../support/relying-party.ts'
import { newKey } from './adapter-subject.ts'

/** The grant type by which a device gets its tokens (RFC 8628). */
export const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'

/** One user at one browser. */
export type Journey = Awaited<ReturnType<typeof createJourney>>

/** Who can sign in, beside `bob` and `mallory`. */
export const PEOPLE: readonly string[] = Array.from({ length: 40 }, (_none, index) => `person${index}`)

/** What each of several answers was: `ok`, or its error. */
export const told = async (works: readonly Promise<unknown>[]): Promise<readonly string[]> =>
  (await Promise.allSettled(works)).map((result) =>
    result.status === 'fulfilled' ? 'ok' : String((result.reason as { error?: string }).error ?? result.reason),
  )

/** Gives the browser a cookie as if the provider had set it. */
export const withCookie = (browser: Browser, name: string, value: string, path = '/'): Browser => {
  const signature = createHmac('sha1', 'test cookie key').update(`${name}=${value}`).digest('base64url')
  const cookie = { path, expiresAt: Number.POSITIVE_INFINITY }
  browser.load([
    { ...cookie, name, value },
    { ...cookie, name: `${name}.sig`, value: signature },
  ])
  return browser
}

/** The value of a browser's cookie. */
export const cookieOf = (browser: Browser, name: string): string =>
  browser.cookies().find((cookie) => cookie.name === name)?.value ?? ''

/** What tests of one `describe` share. */
export interface Bench {
  readonly redis: Redis
  readonly connection: RedisConnection
  readonly adapter: RedisAdapterFactory
  readonly host: Host
  readonly clock: VirtualClock
}

const startOn = (connection: RedisConnection, adapter: RedisAdapterFactory, key: string) =>
  startHost({
    accounts: new Map(
      ['bob', 'mallory', ...PEOPLE].map((id): [string, Account] => [id, { id, label: `${id}@example.com` }]),
    ),
    clients: [
      {
        ...CLIENT,
        grant_types: [...CLIENT.grant_types, DEVICE],
        redirect_uris: [...CLIENT.redirect_uris],
        response_types: ['code'],
      },
    ],
    stepUp: { store: redisStore({ connection }), sealingKeys: [key] },
    configuration: {
      adapter,
      features: {
        deviceFlow: { enabled: true },
        introspection: { enabled: true },
        revocation: { enabled: true },
      },
      issueRefreshToken: async () => true,
      loadExistingGrant: grantOf('openid profile offline_access'),
      rotateRefreshToken: true,
    },
  })

/** A provider whose records, and ours, stand in one Redis that is empty before each test. */
export const useAdapterHost = () => {
  const bench: { -readonly [Name in keyof Bench]?: Bench[Name] } = {}
  const here = bench as Bench
  before(async () => {
    const key = newKey()
    bench.redis = await startRedis()
    bench.connection = redisConnection({ url: bench.redis.url, deadlineSeconds: 5 })
    bench.adapter = redisAdapter({ connection: bench.connection, sealingKeys: [key] })
    bench.host = await startOn(bench.connection, bench.adapter, key)
  })
  after(async () => {
    await here.host.close()
    await here.connection.close()
    await here.redis.stop()
  })
  beforeEach(async () => {
    await here.redis.command('FLUSHALL')
    bench.clock = virtualClock()
  })
  afterEach(() => {
    here.clock.restore()
    assert.deepEqual(here.host.errors.splice(0), [])
  })

  const signedIn = async (login = 'bob', parameters: Readonly<Record<string, string>> = {}) => {
    const person = await createJourney(here.host, login)
    const { page, redeem } = await person.go(parameters)
    assert.ok(isAnswer(page), page.heading)
    return { person, page, redeem }
  }
  return {
    bench: here,
    /** Somebody who has just signed in by a password. */
    signedIn,
    /** The tokens of a new sign-in. */
    tokensOf: async (login = 'bob') => {
      const { person, page, redeem } = await signedIn(login)
      const { access_token: access, refresh_token: refresh = '', id_token: hint = '' } = (await redeem(page.url)).tokens
      return { person, access, refresh, hint }
    },
    isActive: async ({ rp }: Pick<Journey, 'rp'>, token: string) =>
      (await client.tokenIntrospection(rp.config, token)).active,
    /** The status of the userinfo endpoint for a token. */
    userinfo: async (access: string) =>
      (await fetch(`${here.host.issuer}/me`, { headers: { authorization: `Bearer ${access}` } })).status,
    refreshed: ({ rp }: Pick<Journey, 'rp'>, refresh: string) => client.refreshTokenGrant(rp.config, refresh),
    /** What a browser's session says without any page. */
    silently: async ({ rp, browser }: Pick<Journey, 'rp' | 'browser'>, more = {}) => {
      const { url, redeem } = await rp.request({ prompt: 'none', ...more })
      const page = await browser.get(url)
      return { error: errorOf(page), who: async () => (await redeem(page.url)).sub }
    },
  }
}
