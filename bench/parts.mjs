import { stepUp } from 'oidc-step-up'
import { email } from 'oidc-step-up/factors/email'
import { push } from 'oidc-step-up/factors/push'
import { totp } from 'oidc-step-up/factors/totp'
import { webauthn } from 'oidc-step-up/factors/webauthn'
import { smtp } from 'oidc-step-up/senders/smtp'
import { memoryStore } from 'oidc-step-up/store/memory'
import { redisConnection, redisStore } from 'oidc-step-up/store/redis'
import { redisAdapter } from 'oidc-step-up/store/redis-adapter'
import { memoryAdapter } from '../dist/cli/memory-adapter.js'
import { systemClock } from '../dist/clock.js'
import { createSealer } from '../dist/crypto/seal.js'
import { applyAcceptance, createAccountRecords } from '../dist/flow/account-record.js'
import { hostConfiguration, policyWithSecondPrompt } from './host.mjs'
import { accountId, addressOf, credentialIdOf, deviceIdOf, secretOf } from './people.mjs'
import { PREFIXES } from './plan.mjs'
import { CLIENTS, MULTI_FACTOR } from './registration.mjs'
import { straightforwardAdapter } from './straightforward-adapter.mjs'

const SEALING_KEYS = [Buffer.alloc(32, 7).toString('base64url')]
const BATCH = 500

/** More messages than any run sends: a benchmark is the flood that budgets are against. */
const BUDGETS = [{ per: 'total', messages: 1_000_000, windowSeconds: 3600 }]

/** The longest there is, for screens that wait while others are still being opened. */
const PUSH_SECONDS = 300

/** The factors that a variant can have, and what everybody has of each, as if it had been set up some day. */
const FACTORS = {
  totp: { make: () => totp({ issuer: 'Bench' }), dataOf: (id) => ({ secret: secretOf(id), lastStep: 0 }) },
  webauthn: {
    make: () => webauthn({ relyingPartyName: 'Bench' }),
    dataOf: (id, { publicKey }) => ({
      credentialId: credentialIdOf(id),
      publicKey,
      counter: 0,
      transports: ['internal'],
      aaguid: '00000000-0000-0000-0000-000000000000',
      backupEligible: false,
      backedUp: false,
      userVerified: true,
      userHandle: secretOf(id),
    }),
  },
  email: {
    make: ({ smtpUrl }) =>
      email({
        alone: true,
        budgets: BUDGETS,
        sender: smtp({ url: smtpUrl, from: 'bench@example.com' }),
      }),
  },
  push: {
    make: () => push({ budgets: BUDGETS, lifeSeconds: PUSH_SECONDS }),
    dataOf: (id, { deviceKey }) => ({ deviceId: deviceIdOf(id), publicKey: deviceKey, name: 'Bench' }),
    claimOf: deviceIdOf,
  },
}

/** Gives everybody what they have. */
const enroll = async (accounts, settings) => {
  const { people, variant } = settings
  const { dataOf, claimOf } = FACTORS[variant.factor]
  if (dataOf === undefined) return
  const records = createAccountRecords(accounts, createSealer(SEALING_KEYS))
  const one = async (id) => {
    const claim = claimOf?.(id)
    if (claim !== undefined) await records.claim(claim, id)
    const change = { add: dataOf(id, settings), claim }
    return records.update(id, (record) => applyAcceptance(record, variant.factor, { change }, systemClock()).record)
  }
  const ids = Array.from({ length: people }, (_, index) => accountId(index))
  for (let start = 0; start < people; start += BATCH) await Promise.all(ids.slice(start, start + BATCH).map(one))
}

/** With every guard on: nothing is turned off that is on by default. */
const withStepUp = async (host, store, settings) => {
  const mfa = stepUp({
    account: (id) => ({ id, label: addressOf(id), email: addressOf(id), emailVerified: true }),
    factors: [FACTORS[settings.variant.factor].make(settings)],
    sealingKeys: SEALING_KEYS,
    store,
    policy: { default: 'never', clients: { [CLIENTS.guarded]: { floor: MULTI_FACTOR } } },
  })
  await enroll(store, settings)
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
 * @param {{ variant: { stepUp: boolean, storage: string, factor: string }, jwk: object, people: number, redisUrl?: string, smtpUrl?: string, publicKey?: string, deviceKey?: object, ttl?: object }} settings
 */
export const createParts = async (settings) => {
  const { variant, jwk, ttl } = settings
  const { adapter, store } = await storages[variant.storage](settings)
  const host = hostConfiguration({ jwk, adapter, ttl })
  return variant.stepUp ? withStepUp(host, store, settings) : bare(host)
}
