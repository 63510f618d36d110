import { z } from 'zod'
import { configError } from '../../config-error.ts'
import { strict } from '../../config-schema.ts'
import type { RedisConnection } from './connection.ts'

/** One server, or whatever stands behind one address. */
export interface RedisSingle {
  /**
   * `redis[s]://[[user][:password]@]host[:port][/database]`.
   *
   * @see https://www.iana.org/assignments/uri-schemes/prov/redis
   */
  readonly url: string | undefined
}

/** A Redis Cluster. */
export interface RedisCluster {
  /** URLs of some of its nodes, three or so; user, password and TLS are those of the first, for all nodes. */
  readonly cluster: readonly string[]
}

/** A master watched by Redis Sentinel. */
export interface RedisSentinel {
  readonly sentinel: {
    /** The name that the sentinels know the master by. */
    readonly name: string
    /** URLs of the sentinels; user, password and TLS are those of the first, for all sentinels. */
    readonly urls: readonly string[]
    /** Of the master, where it differs from nobody: none by default. */
    readonly username?: string
    readonly password?: string
    /** Whether the master speaks TLS. @default false */
    readonly tls?: boolean
  }
}

/** Which Redis, and how long to wait for it. */
export type RedisConnectionOptions = (RedisSingle | RedisCluster | RedisSentinel) & {
  /**
   * How long one command may take. After that it counts as failed, whether or not Redis carries it out later.
   *
   * @default 1
   */
  readonly deadlineSeconds?: number
}

/** A connection made by `redisConnection`, for store and adapter to share. */
export interface SharedConnection {
  readonly connection: RedisConnection
}

const URL_TEXT = 'redis://host:6379 or rediss://host:6379'
const LIST = 'a list of URLs, at least one'
const ONE = 'one of url, cluster, sentinel'
const PREFIX = 'a text that is not empty'
const DEADLINE = 'seconds, more than 0 and at most 30'

const isRedisUrl = (text: string) => URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol)

const url = z.string(URL_TEXT).refine(isRedisUrl, URL_TEXT)
const urls = z.array(url, LIST).min(1, LIST)
const deadlineSeconds = z.number(DEADLINE).positive(DEADLINE).max(30, DEADLINE).optional()
const text = z.string('a text').optional()

const servers = z.union(
  [
    z.strictObject({ url, deadlineSeconds }),
    z.strictObject({ cluster: urls, deadlineSeconds }),
    z.strictObject({
      sentinel: z.strictObject({
        name: z.string(PREFIX).min(1, PREFIX),
        urls,
        username: text,
        password: text,
        tls: z.boolean('true or false').optional(),
      }),
      deadlineSeconds,
    }),
  ],
  ONE,
)

/** The schema that fits what was meant, so that a message names the one wrong thing. */
const schemaOf = (options: object) => {
  const [single, cluster, sentinel] = servers.options
  const named = [
    ...('url' in options ? [single] : []),
    ...('cluster' in options ? [cluster] : []),
    ...('sentinel' in options ? [sentinel] : []),
  ]
  return named.length === 1 && named[0] !== undefined ? named[0] : servers
}

/**
 * Checks the settings of a connection.
 *
 * @throws StepUpError `ERR_CONFIG` naming the setting, what was found (never a URL, which may hold a password) and
 * what is allowed.
 */
export const readConnectionOptions = (options: RedisConnectionOptions, caller: string): RedisConnectionOptions => {
  const result = schemaOf(Object(options)).safeParse(options)
  if (result.success) return options
  throw configError(options, result.error, `${caller}: `)
}

const CONNECTION = 'what redisConnection() answers'
const isConnection = (value: unknown) =>
  Object(value) === value &&
  ['command', 'run', 'scan', 'close'].every((name) => typeof Reflect.get(Object(value), name) === 'function')

/** Checks that it is a connection, and no server stands beside it. @throws StepUpError `ERR_CONFIG` */
export const readSharedConnection = (options: SharedConnection, caller: string): RedisConnection => {
  const result = strict({ connection: z.custom<never>(isConnection, CONNECTION) }).safeParse(options)
  if (result.success) return options.connection
  throw configError(options, result.error, `${caller}: `)
}

/** Checks a prefix of keys. @throws StepUpError `ERR_CONFIG` */
export const readPrefix = (prefix: string, caller: string): string => {
  const result = z.strictObject({ prefix: z.string(PREFIX).min(1, PREFIX) }).safeParse({ prefix })
  if (result.success) return prefix
  throw configError({ prefix }, result.error, `${caller}: `)
}
