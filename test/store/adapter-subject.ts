import { randomBytes } from 'node:crypto'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { RedisConnection } from '../../src/store/redis.ts'
import { type RedisAdapterOptions, redisAdapter } from '../../src/store/redis-adapter.ts'
import type { Redis } from '../support/redis.ts'
import { keysOn } from './redis-subject.ts'

/** Redis of one topology, as tests of the adapter use it. */
export interface AdapterSubject {
  /** Two connections of their own. */
  readonly connections: readonly [RedisConnection, RedisConnection]
  /** The servers that hold keys. */
  readonly masters: () => Promise<readonly Redis[]>
}

export const newKey = (): string => randomBytes(32).toString('base64url')
const KEY = newKey()

/** Seconds that most rows of tests are given. */
export const LIFE = 100

/** What is redeemed once. */
export const CONSUMABLE = [
  'AuthorizationCode',
  'BackchannelAuthenticationRequest',
  'DeviceCode',
  'PreAuthorizedCode',
  'PushedAuthorizationRequest',
  'RefreshToken',
] as const

/** What ends with a grant. */
export const GRANTED = [
  'AccessToken',
  'AuthorizationCode',
  'BackchannelAuthenticationRequest',
  'DeviceCode',
  'PreAuthorizedCode',
  'RefreshToken',
] as const

/** Every model that oidc-provider has an adapter for. */
export const MODELS = [
  ...GRANTED,
  'Client',
  'ClientCredentials',
  'Grant',
  'InitialAccessToken',
  'Interaction',
  'PushedAuthorizationRequest',
  'RegistrationAccessToken',
  'ReplayDetection',
  'Session',
] as const

/** A row as the library writes it, with what leads to it. */
export const rowOf = (model: string, id: string, more: AdapterPayload = {}): AdapterPayload => ({
  kind: model,
  jti: id,
  iat: 1_700_000_000,
  exp: 4_000_000_000,
  accountId: 'alice',
  unknown: { deep: [1, null, 'é', { last: false }] },
  ...(model === 'Session' ? { uid: `uid of ${id}` } : {}),
  ...(model === 'DeviceCode' ? { userCode: `code of ${id}` } : {}),
  ...((GRANTED as readonly string[]).includes(model) || model === 'Grant' || model === 'Interaction'
    ? { grantId: `grant of ${id}` }
    : {}),
  ...more,
})

let places = 0

/** A part of Redis that no other test looks at. */
export const createPlace = ({ connections: [connection, other], masters }: AdapterSubject) => {
  places += 1
  const prefix = `place-${places}`
  const open = (model: string, options: Partial<RedisAdapterOptions> = {}): Adapter =>
    redisAdapter({ connection, sealingKeys: [KEY], prefix, ...options } as RedisAdapterOptions)(model)
  const keys = async () => (await keysOn(await masters())).filter((key) => key.startsWith(`${prefix}:`)).sort()
  const raw: RedisConnection['command'] = (...command) => connection.command(...command)
  return {
    prefix,
    /** The adapter of one model. */
    open,
    /** The same in another process. */
    openElsewhere: (model: string) => open(model, { connection: other }),
    keys,
    /** Any command on any key, past the adapter. */
    raw,
    /** What stands under each key. */
    dump: async (): Promise<readonly (readonly [key: string, value: string])[]> =>
      Promise.all(
        (await keys()).map(async (key) => {
          const read = (await raw('TYPE', key)) === 'zset' ? raw('ZRANGE', key, '0', '-1') : raw('GET', key)
          return [key, JSON.stringify(await read)] as const
        }),
      ),
    /** The one key of these that came while this was done. */
    keyOf: async (kind: string, write: () => Promise<unknown>): Promise<string> => {
      const before = new Set(await keys())
      await write()
      const fresh = (await keys()).filter((key) => !before.has(key) && key.startsWith(`${prefix}:${kind}:`))
      if (fresh.length !== 1) throw new Error(`${fresh.length} new keys of ${kind}`)
      return fresh[0] as string
    },
  }
}

export type Place = ReturnType<typeof createPlace>

/** A connection that tells what was sent: the command, or `run`, and the key. */
export const watch = (connection: RedisConnection) => {
  const sent: string[] = []
  const watched: RedisConnection = {
    ...connection,
    command(name, key, ...rest) {
      sent.push(`${name} ${key}`)
      return connection.command(name, key, ...rest)
    },
    run(script, keys, ...args) {
      sent.push(`run ${keys.join(' ')}`)
      return connection.run(script, keys, ...args)
    },
  }
  return { connection: watched, taken: () => sent.splice(0) }
}
