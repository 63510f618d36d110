import { randomInt } from 'node:crypto'
import { StepUpError } from '../errors.ts'
import { type Accounts, sealingKeyOf } from './accounts.ts'
import { connectionOf, createConnection, type RedisConnection, script } from './redis/connection.ts'
import { addUntilEnd } from './redis/index-script.ts'
import { createNames, decodePart, encodePart, type Names } from './redis/names.ts'
import { type RedisConnectionOptions, readPrefix, type SharedConnection } from './redis/options.ts'
import type { Store, StoreEntry } from './store.ts'

export type { RedisConnection, Script } from './redis/connection.ts'
export type { Reply } from './redis/links.ts'
export type {
  RedisCluster,
  RedisConnectionOptions,
  RedisSentinel,
  RedisSingle,
  SharedConnection,
} from './redis/options.ts'

/** Settings of {@link redisStore}: a connection of its own, or one to share. */
export type RedisStoreOptions = (RedisConnectionOptions | SharedConnection) & {
  /**
   * Begins every key. Providers that share one Redis need one each, and sealing keys of their own.
   *
   * @default 'oidc-step-up'
   */
  readonly prefix?: string
}

/** A store on Redis, and the end of its connection. */
export interface RedisStore extends Store, Accounts {
  /** Ends the connection, unless it was given. */
  close(): Promise<void>
}

/*
 * 48 random bits in front of every value. No counter would outlive the deletion of its key, a restart without data
 * and a failover to a replica that lags behind.
 */
const VERSION_DIGITS = 12
const MAX_VERSION = 2 ** 48 - 1

const textOf = (version: number) => version.toString(16).padStart(VERSION_DIGITS, '0')
const versioned = (value: string) => `${textOf(randomInt(MAX_VERSION))}${value}`
const expected = (version: number | null) => (version === null ? '' : textOf(version))

const split = (text: string): StoreEntry => ({
  value: text.slice(VERSION_DIGITS),
  version: Number.parseInt(text.slice(0, VERSION_DIGITS), 16),
})

const HELD = `redis.call('GETRANGE', KEYS[1], 0, ${VERSION_DIGITS - 1})`

const PUT = script(`
if ${HELD} ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
${addUntilEnd('KEYS[2]', 'ARGV[4]', 'ARGV[3]')}
return 1`)

const SAVE = script(`
if ${HELD} ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`)

const CLAIM = script(`
local owner = redis.call('GET', KEYS[1])
if not owner then
  redis.call('SET', KEYS[1], ARGV[1])
  owner = ARGV[1]
end
return owner == ARGV[1] and 1 or 0`)

/** Where in a stored text the part of a sealed record is that names its key. */
const SEALED_START = [VERSION_DIGITS, VERSION_DIGITS + 'v1.12345678.'.length - 1].map(String)

const shortLived = (redis: RedisConnection, names: Names): Store => ({
  async get({ kind, accountId, id }) {
    const text = await redis.command('GET', names.record(kind, accountId, id))
    return typeof text === 'string' ? split(text) : undefined
  },
  async put({ kind, accountId, id }, value, { expectedVersion, ttlSeconds }) {
    if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1)
      throw new StepUpError('ERR_STORE', 'ttlSeconds must be a whole number of at least 1')
    const keys = [names.record(kind, accountId, id), names.index(kind, accountId)] as const
    const done = await redis.run(
      PUT,
      keys,
      expected(expectedVersion),
      versioned(value),
      String(ttlSeconds),
      encodePart(id),
    )
    return done === 1
  },
  async take({ kind, accountId, id }) {
    const text = await redis.command('GETDEL', names.record(kind, accountId, id))
    return typeof text === 'string' ? split(text) : undefined
  },
  async delete({ kind, accountId, id }) {
    await redis.command('UNLINK', names.record(kind, accountId, id))
  },
  async list(accountId, kind) {
    const ids = await redis.command('ZRANGE', names.index(kind, accountId), '0', '-1')
    return Array.isArray(ids) ? ids.map((id) => decodePart(String(id))) : []
  },
})

const durable = (redis: RedisConnection, names: Names): Accounts => {
  const registered = new Set<string>()
  /** Written down before the first record under a key, so that no key in use is ever missing from the list. */
  const register = async (record: string) => {
    const keyId = sealingKeyOf(record)
    if (keyId === undefined || registered.has(keyId)) return
    await redis.command('SADD', names.sealingKeys, keyId)
    registered.add(keyId)
  }
  const countKey = async (key: string, known: ReadonlySet<string>, counts: Map<string, number>) => {
    const keyId = sealingKeyOf(String(await redis.command('GETRANGE', key, ...SEALED_START)))
    if (keyId !== undefined && !known.has(keyId)) counts.set(keyId, (counts.get(keyId) ?? 0) + 1)
  }
  return {
    async load(accountId) {
      const text = await redis.command('GET', names.account(accountId))
      if (typeof text !== 'string') return undefined
      const { value, version } = split(text)
      return { version, record: value }
    },
    async save(accountId, record, expectedVersion) {
      await register(record)
      const done = await redis.run(SAVE, [names.account(accountId)], expected(expectedVersion), versioned(record))
      return done === 1
    },
    claim: async (key, accountId) => (await redis.run(CLAIM, [names.claim(key)], accountId)) === 1,
    async owner(key) {
      const owner = await redis.command('GET', names.claim(key))
      return typeof owner === 'string' ? owner : undefined
    },
    async release(key) {
      await redis.command('UNLINK', names.claim(key))
    },
    async countByOtherKeys(keyIds) {
      const known = new Set(keyIds)
      const used = await redis.command('SMEMBERS', names.sealingKeys)
      const counts = new Map<string, number>()
      // Without a key that is unknown here, nothing can be sealed with one.
      if (!Array.isArray(used) || used.every((keyId) => known.has(String(keyId)))) return counts
      for await (const keys of redis.scan(names.everyAccount))
        await Promise.all(keys.map((key) => countKey(key, known, counts)))
      return counts
    },
  }
}

/**
 * Connects store and adapter to one Redis.
 *
 * @example
 * ```ts
 * const connection = redisConnection({ url: process.env.REDIS_URL })
 * const store = redisStore({ connection })
 * const adapter = redisAdapter({ connection, sealingKeys })
 * ```
 * @throws StepUpError `ERR_CONFIG` where a setting is missing, unknown or wrong. Redis itself is not asked before
 * the first command.
 */
export const redisConnection = (options: RedisConnectionOptions): RedisConnection =>
  createConnection(options, 'redisConnection(options)')

/**
 * Both stores on Redis 6.2 or newer: one server, Sentinel or Cluster. Everything with security meaning in it is
 * sealed before it gets here.
 *
 * Every operation is one command or one script on one key, and for short-lived records on the index that stands in
 * the same hash slot. Account records and claims have no expiry: Redis has to keep them (`appendonly yes`, no
 * eviction), or pass `accounts` a database of your own.
 *
 * @throws StepUpError `ERR_CONFIG` where a setting is missing, unknown or wrong. An operation that Redis did not
 * answer within the deadline rejects.
 */
export const redisStore = (settings: RedisStoreOptions): RedisStore => {
  const { prefix = 'oidc-step-up', ...options } = Object(settings) as RedisStoreOptions
  const caller = 'redisStore(options)'
  const names = createNames(readPrefix(prefix, caller))
  const { connection, close } = connectionOf(options, caller)
  return Object.freeze({ ...shortLived(connection, names), ...durable(connection, names), close })
}
