import { generateKeyPairSync } from 'node:crypto'

/** The signing key that all variants of a run share. */
export const generateSigningKey = () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...privateKey.export({ format: 'jwk' }), kid: 'bench', use: 'sig', alg: 'ES256' }
}

const variant = (id, stepUp, storage, factor = 'totp') => Object.freeze({ id, stepUp, storage, factor })

/**
 * The servers. `bare` is oidc-provider with a second prompt that accepts anything; `straightforward` is the adapter
 * that a host writes by hand, `redis` are our store and adapter on one connection.
 */
export const VARIANTS = Object.freeze({
  bareMemory: variant('bare, memory', false, 'memory'),
  oursMemory: variant('ours, memory', true, 'memory'),
  bareRedis: variant('bare, straightforward Redis', false, 'straightforward'),
  bareAdapter: variant('bare, our Redis adapter', false, 'redis'),
  oursRedis: variant('ours, Redis', true, 'redis'),
  oursWebauthn: variant('ours, memory, a security key', true, 'memory', 'webauthn'),
  oursEmail: variant('ours, memory, mail', true, 'memory', 'email'),
  oursPush: variant('ours, memory, a device', true, 'memory', 'push'),
  oursPushRedis: variant('ours, Redis, a device', true, 'redis', 'push'),
})

const { bareMemory, oursMemory, bareRedis, bareAdapter, oursRedis, oursWebauthn, oursEmail, oursPush } = VARIANTS

/** Prefixes of keys, which tell our own records from oidc-provider's rows. */
export const PREFIXES = Object.freeze({ store: 'own', adapter: 'rows' })

/** Whether a variant needs a Redis server. */
export const needsRedis = ({ storage }) => storage !== 'memory'

const TARGETS = { login: 1.2, 'step-up': 1.2, sso: 1.1 }
const FLOWS = Object.keys(TARGETS)

const compare = (flow, bare, ours, more = {}) => ({
  flow,
  bareFlow: flow,
  storage: needsRedis(ours) ? 'redis' : 'memory',
  note: needsRedis(ours) ? 'Redis' : 'memory',
  bare,
  ours,
  ...more,
})

/**
 * What is set beside what. `target` is the ratio of CPU time that must not be exceeded.
 *
 * On Redis the bare server stands on the adapter that a host would have without us; beside it for comparison on ours.
 */
const COMPARISONS = Object.freeze([
  ...FLOWS.map((flow) => compare(flow, bareMemory, oursMemory, { target: TARGETS[flow] })),
  ...FLOWS.map((flow) => compare(flow, bareRedis, oursRedis, { target: TARGETS[flow] })),
  ...FLOWS.map((flow) => compare(flow, bareAdapter, oursRedis, { note: 'Redis, our adapter in both' })),
  compare('login', bareRedis, oursRedis, { bareFlow: 'password', note: 'Redis, bare without any factor', target: 1 }),
  compare('webauthn', bareMemory, oursWebauthn, { bareFlow: 'login', note: 'memory, a security key' }),
  compare('email', bareMemory, oursEmail, { bareFlow: 'login', note: 'memory, a code by mail over SMTP' }),
  compare('push', bareMemory, oursPush, { bareFlow: 'login', note: 'memory, a number typed on a device' }),
  compare('password', bareRedis, bareAdapter, { note: 'Redis, bare in both, our adapter in one' }),
])

const STORAGES = ['memory', 'redis']
const CHOICES = [...STORAGES, ...FLOWS, 'webauthn', 'email', 'push', 'password']

const fits = (words, own) => words.length === 0 || words.some((word) => own.includes(word))

/**
 * The comparisons of some storages and some flows; all where none is named.
 *
 * @param {readonly string[]} words
 * @throws Error where a word is neither
 */
export const chosenBy = (words) => {
  const strange = words.find((word) => !CHOICES.includes(word))
  if (strange !== undefined) throw new Error(`--only: found ${strange}; allowed: ${CHOICES.join(', ')}`)
  const storages = words.filter((word) => STORAGES.includes(word))
  const flows = words.filter((word) => !STORAGES.includes(word))
  return COMPARISONS.filter(({ storage, flow, bareFlow }) => fits(storages, [storage]) && fits(flows, [flow, bareFlow]))
}

/** @param {{ flow: string, variant: { id: string } }} window */
export const windowId = ({ flow, variant: { id } }) => `${flow}: ${id}`

const windowsOf = (comparisons) => {
  const all = comparisons.flatMap(({ flow, bareFlow, ours, bare }) => [
    { flow: bareFlow, variant: bare },
    { flow, variant: ours },
  ])
  return [...new Map(all.map((window) => [windowId(window), window])).values()]
}

const LOGINS = ['login', 'password', 'webauthn', 'email', 'push']

/** The comparisons that share a window, or nearly do, are measured side by side. */
const groupOf = ({ flow, storage }) => `${LOGINS.includes(flow) ? 'login' : flow} ${storage}`

/**
 * The windows of these comparisons, each once, in groups that are measured side by side.
 *
 * @param {ReturnType<typeof chosenBy>} comparisons
 */
export const groupsOf = (comparisons) =>
  [...new Set(comparisons.map(groupOf))].map((group) => windowsOf(comparisons.filter((one) => groupOf(one) === group)))
