import { stepUp } from 'oidc-step-up'
import { totp } from 'oidc-step-up/factors/totp'
import { memoryStore } from 'oidc-step-up/store/memory'
import { redisConnection, redisStore } from 'oidc-step-up/store/redis'
import { redisAdapter } from 'oidc-step-up/store/redis-adapter'
import { memoryAdapter } from '../dist/cli/memory-adapter.js'
import { systemClock } from '../dist/clock.js'
import { createSealer } from '../dist/crypto/seal.js'
import { applyAcceptance, createAccountRecords } from '../dist/flow/account-record.js'
import { hostConfiguration, policyWithSecondPrompt } from './host.mjs'
import { accountId, secretOf } from './people.mjs'
import { PREFIXES } from './plan.mjs'
import { CLIENTS, MULTI_FACTOR } from './registration.mjs'
import { straightforwardAdapter } from './straightforward-adapter.mjs'

const SEALING_KEYS = [Buffer.alloc(32, 7).toString('base64url')]
const BATCH = 500

/** Gives everybody an authenticator app, as if it had been set up some day. */
const enroll = async (accounts, people) => {
  const records = createAccountRecords(accounts, createSealer(SEALING_KEYS))
  const one = (id) => {
    const change = { add: { secret: secretOf(id), lastStep: 0 } }
    return records.update(id, (record) => applyAcceptance(record, 'totp', { change }, systemClock()).record)
  }
  const ids = Array.from({ length: people }, (_, index) => accountId(index))
  for (let start = 0; start < people; start += BATCH) await Promise.all(ids.slice(start, start + BATCH).map(one))
}

/** With every guard on: nothing is turned off that is on by default. */
const withStepUp = async (host, store, { people }) => {
  const mfa = stepUp({
    account: (id) => ({ id, label: `${id}@example.com` }),
    factors: [totp({ issuer: 'Bench' })],
    sealingKeys: SEALING_KEYS,
    store,
    policy: { default: 'never', clients: { [CLIENTS.guarded]: { floor: MULTI_FACTOR } } },
  })
  await enroll(store, people)
  return { configuration: mfa.configure(host), attach: (provider) => mfa.attach(provider) }
}

const bare = (host) => ({
  configuration: { ...host, interactions: { ...host.interactions, policy: policyWithSecondPrompt() } },
  attach: () => undefined,
})

const storages = {
  memory: () => ({ adapter: memoryAdapter(systemClock), store: memoryStore() }),
  straightforward: ({ redisUrl }) => straightforwardAdapter(redisUrl),
  redis({ redisUrl }) {
    const connection = redisConnection({ url: redisUrl })
    return {
      adapter: redisAdapter({ connection, sealingKeys: SEALING_KEYS, prefix: PREFIXES.adapter }),
      store: redisStore({ connection, prefix: PREFIXES.store }),
    }
  },
}

/**
 * What the server of one variant is made of.
 *
 * @param {{ variant: { stepUp: boolean, storage: string }, jwk: object, people: number, redisUrl?: string, ttl?: object }} settings
 */
export const createParts = async (settings) => {
  const { variant, jwk, ttl } = settings
  const { adapter, store } = await storages[variant.storage](settings)
  const host = hostConfiguration({ jwk, adapter, ttl })
  return variant.stepUp ? withStepUp(host, store, settings) : bare(host)
}
