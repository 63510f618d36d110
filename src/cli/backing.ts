import { setTimeout } from 'node:timers/promises'
import type { AdapterFactory } from 'oidc-provider'
import type { Clock } from '../clock.ts'
import { StepUpError } from '../errors.ts'
import type { Accounts } from '../store/accounts.ts'
import type { RedisConnectionOptions } from '../store/redis.ts'
import type { Store } from '../store/store.ts'

/** Where everything is kept: the plugin's records and oidc-provider's own. */
export interface Backing {
  readonly store: Store & Accounts
  readonly adapter: AdapterFactory
  /** Ends its connections. */
  close(): Promise<void>
}

/** Which Redis, and how its keys begin. */
export type RedisSettings = RedisConnectionOptions & { readonly prefix?: string }

/** For whom. */
export interface RedisUse {
  readonly sealingKeys: readonly (string | undefined)[]
  /** How the setting is called that a mistake is in. */
  readonly name: string
  readonly clock: Clock
}

// The process is about to end; a Redis that hangs does not keep it.
const FAREWELL_MILLISECONDS = 500

const missingPackage = (name: string, cause: unknown) =>
  new StepUpError('ERR_CONFIG', `${name}: found no package redis; allowed: npm install redis`, { cause })

/** The package is an optional one, so it is loaded where it is asked for. */
const load = async (name: string) => {
  try {
    const [connection, store, adapter] = await Promise.all([
      import('../store/redis/connection.ts'),
      import('../store/redis.ts'),
      import('../store/redis-adapter.ts'),
    ])
    return { ...connection, ...store, ...adapter }
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND' ? missingPackage(name, cause) : cause
  }
}

/**
 * Keeps everything in Redis, over one connection, which opens at its first use.
 *
 * @throws StepUpError ERR_CONFIG for a mistake in the settings, and where the package `redis` is not installed
 */
export const openRedis = async (
  { prefix, ...options }: RedisSettings,
  { sealingKeys, name, clock }: RedisUse,
): Promise<Backing> => {
  const { createConnection, redisStore, redisAdapter } = await load(name)
  const connection = createConnection(options, name)
  const shared = { connection, ...(prefix === undefined ? {} : { prefix }) }
  const store = redisStore(shared)
  const adapter = redisAdapter({ ...shared, sealingKeys, clock })
  return Object.freeze({
    store,
    adapter,
    async close() {
      await Promise.race([connection.close(), setTimeout(FAREWELL_MILLISECONDS, undefined, { ref: false })])
    },
  })
}
