import { type Adapter, type AdapterFactory, errors } from 'oidc-provider'
import { type Clock, systemClock } from '../clock.ts'
import { withMemory } from '../crypto/opened.ts'
import { createSealer } from '../crypto/seal.ts'
import { openRequestScopes } from '../request-scope.ts'
import { connectionOf } from './redis/connection.ts'
import { createNames } from './redis/names.ts'
import { type RedisConnectionOptions, readPrefix, type SharedConnection } from './redis/options.ts'
import { createRows, lifeOf, type RowTools } from './redis/rows.ts'

/** Settings of {@link redisAdapter}. */
export type RedisAdapterOptions = (RedisConnectionOptions | SharedConnection) & {
  /**
   * 32 random bytes each, in base64url: the first seals, all open. They may be those of `stepUp()`. A row whose key
   * is gone counts as not there: its session has to sign in again.
   */
  readonly sealingKeys: readonly (string | undefined)[]
  /**
   * Begins every key. Providers that share one Redis need one each, and sealing keys of their own.
   *
   * @default 'oidc-step-up'
   */
  readonly prefix?: string
  /** @default the machine's clock */
  readonly clock?: Clock
}

/** What `configuration.adapter` takes, and the end of its connection. */
export type RedisAdapterFactory = AdapterFactory & {
  /** Ends the connection, unless it was given. */
  close(): Promise<void>
}

/** What is redeemed once (`consume`). */
const CONSUMABLE = new Set([
  'AuthorizationCode',
  'BackchannelAuthenticationRequest',
  'DeviceCode',
  'PreAuthorizedCode',
  'PushedAuthorizationRequest',
  'RefreshToken',
])
/** These name a grant, and do not end with it. */
const NOT_GRANTED = new Set(['Grant', 'Interaction', 'Session'])
const UID = 'uid'
const CODE = 'code'
const GRANT = 'grant'

let adapters = 0

type Rows = ReturnType<typeof createRows>

/** A session is looked up by its uid far more often than it is renewed, so a copy of it stands there. */
const createSessions = (rows: Rows): Pick<Adapter, 'upsert' | 'findByUid' | 'destroy'> => ({
  async upsert(id, payload, expiresIn) {
    const name = rows.nameOf(id)
    const life = lifeOf(expiresIn)
    await Promise.all([
      rows.write(name, payload, life, false),
      payload.uid === undefined ? undefined : rows.writeCopy(UID, payload.uid, name, payload, life),
    ])
  },
  async findByUid(uid) {
    const payload = await rows.readCopy(UID, uid)
    return payload?.uid === uid ? payload : undefined
  },
  async destroy(id) {
    const name = rows.nameOf(id)
    const { uid } = (await rows.read(name)) ?? {}
    // The copy first: a session that could not be ended is still there to be ended again.
    if (uid !== undefined) await rows.removeCopy(UID, uid, name)
    await rows.remove(name)
  },
})

const createModel = (model: string, tools: RowTools, clock: Clock): Adapter => {
  const rows = createRows(model, tools)
  const isConsumable = CONSUMABLE.has(model)
  return Object.freeze<Adapter>({
    async upsert(id, payload, expiresIn) {
      const { userCode, grantId } = payload
      const name = rows.nameOf(id)
      const life = lifeOf(expiresIn)
      await Promise.all([
        rows.write(name, payload, life, isConsumable),
        userCode === undefined ? undefined : rows.point(CODE, userCode, name, life),
        grantId === undefined || NOT_GRANTED.has(model) ? undefined : rows.join(GRANT, grantId, name, life),
      ])
    },
    find: (id) => rows.read(rows.nameOf(id)),
    // Of sessions only.
    findByUid: async () => undefined,
    async findByUserCode(userCode) {
      const name = await rows.pointed(CODE, userCode)
      const payload = name === undefined ? undefined : await rows.read(name)
      // Whoever can write an index must not choose which row it leads to.
      return payload?.userCode === userCode ? payload : undefined
    },
    async consume(id) {
      if (!(await rows.consume(rows.nameOf(id), clock()))) throw new errors.InvalidGrant('already consumed')
    },
    destroy: (id) => rows.remove(rows.nameOf(id)),
    revokeByGrantId: (grantId) => rows.removeJoined(GRANT, grantId),
    ...(model === 'Session' ? createSessions(rows) : {}),
  })
}

/**
 * oidc-provider's own records on Redis 6.2 or newer: one server, Sentinel or Cluster.
 *
 * Every row is sealed and bound to its place, and its key holds a digest: who can read Redis gets no token and no
 * session, and who can write it can delete or put back an old row, but make none. A code or refresh token is consumed
 * by one of any number of requests; the others get `invalid_grant`. Every command touches one key; an index that
 * leads nowhere is as good as none.
 *
 * @throws StepUpError `ERR_CONFIG` where a setting is missing, unknown or wrong.
 */
export const redisAdapter = ({
  sealingKeys,
  prefix = 'oidc-step-up',
  clock = systemClock,
  ...options
}: RedisAdapterOptions): RedisAdapterFactory => {
  const caller = 'redisAdapter(options)'
  const names = createNames(readPrefix(prefix, caller))
  const sealer = withMemory(createSealer(sealingKeys))
  const { connection: redis, close } = connectionOf(options, caller)
  openRequestScopes()
  adapters += 1
  const tools = { redis, names, sealer, memoName: `${adapters} ` }
  return Object.freeze(Object.assign((model: string) => createModel(model, tools, clock), { close }))
}
