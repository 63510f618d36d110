import { z } from 'zod'
import { type Preset, presets } from './assurance/presets.ts'

const PRESETS = Object.keys(presets) as [Preset, ...Preset[]]
const MAX_FLOW_SECONDS = 3600

/** An object of these settings and no others. */
export const strict = <Shape extends z.core.$ZodLooseShape>(shape: Shape, what = 'an object') =>
  z.strictObject(shape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? `only ${Object.keys(shape).join(', ')}` : what),
  })

const TEXT = 'a text that is not empty'
const KINDS = ['knowledge', 'possession', 'inherence'] as const
const TRAITS = [
  'phishing-resistant',
  'replay-resistant',
  'user-verified',
  'hardware',
  'out-of-band',
  'restricted',
  'recovery',
  'address',
] as const
const SEALING_KEY = `32 random bytes in base64url, from node -p "require('crypto').randomBytes(32).toString('base64url')"`
const SECONDS = 'a whole number of seconds, at least 1'
/** An acr travels in a space-separated list, so it has no space in it. */
const ACR = 'printable ASCII without spaces'
const FLOW_SECONDS = `a whole number of seconds from 1 to ${MAX_FLOW_SECONDS}`
const MAX_BROWSER_SECONDS = 34_560_000
const BROWSER_SECONDS = `a whole number of seconds from 60 to ${MAX_BROWSER_SECONDS}, which is 400 days`
const PER_ACCOUNT = 'a whole number from 1 to 100'
const REMEMBER = 'false, or an object with lifeSeconds, idleSeconds, perAccount'
const DEVICE_DAYS = 'a whole number of days from 1 to 365'
const FACTOR_ID = 'lower-case letters, digits and hyphens'

/** Whether it can be called; what it answers is judged when it is. */
export const isCallable = (value: unknown) => typeof value === 'function'

const flag = z.boolean('true or false')
const DEVICE_DAYS_RANGE = z.int(DEVICE_DAYS).min(1, DEVICE_DAYS).max(365, DEVICE_DAYS)
const text = z.string(TEXT).min(1, TEXT)
const seconds = z.int(SECONDS).min(1, SECONDS)
const acr = z.string(ACR).regex(/^[\x21-\x7e]+$/, ACR)
const callable = z.custom<never>(isCallable, 'a function')
const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, `one of ${values.join(', ')}`)
const listOf = <Item extends z.ZodType>(item: Item, allowed: string) => z.array(item, allowed)

const withFunctions = (...names: readonly string[]) =>
  z.custom<never>(
    (value) => Object(value) === value && names.every((name) => isCallable(Reflect.get(Object(value), name))),
    `an object with the functions ${names.join(', ')}`,
  )

const traits = listOf(oneOf(TRAITS), `a list of ${TRAITS.join(', ')}`)

/** What a host's `login()` answers. */
export const loginProof = strict({
  kinds: listOf(oneOf(KINDS), `a list of ${KINDS.join(', ')}`),
  traits,
  amr: listOf(text, 'a list of amr values'),
  method: text.optional(),
  upstream: strict({
    issuer: text,
    acr: text.optional(),
    amr: listOf(text, 'a list of amr values').optional(),
  }).optional(),
})

const level = strict({
  acr,
  aliases: listOf(acr, 'a list of names').optional(),
  needs: strict({
    kinds: z.union([z.literal(1), z.literal(2)], 'how many different kinds: 1 or 2').optional(),
    traits: traits.optional(),
    without: traits.optional(),
    factors: listOf(text, 'a list of factor ids').min(1, 'at least one factor id').optional(),
  }),
  maxAgeSeconds: seconds.optional(),
  overallMaxAgeSeconds: seconds.optional(),
})

const ceremony = z.object(
  {
    ttlSeconds: seconds,
    fields: listOf(text, 'a list of form field names'),
    begin: callable,
    submit: callable,
    view: callable,
  },
  'a ceremony',
)

const COUNT = 'a whole number, at least 1'
const budget = strict({
  per: oneOf(['target', 'block', 'address', 'account', 'total']),
  messages: z.int(COUNT).min(1, COUNT),
  windowSeconds: seconds,
})

const scriptFiles = listOf(z.instanceof(URL, { error: 'a file URL' }), 'a list of file URLs')

const factor = z.object(
  {
    id: z.string(FACTOR_ID).regex(/^[a-z][a-z0-9-]*$/, FACTOR_ID),
    kinds: listOf(oneOf(KINDS), `a list of ${KINDS.join(', ')}`).min(1, 'at least one kind'),
    traits,
    amr: listOf(text, 'a list of amr values'),
    challenge: ceremony,
    enroll: ceremony.optional(),
    describe: callable,
    atMost: callable.optional(),
    usesLeft: callable.optional(),
    issue: callable.optional(),
    sender: callable.optional(),
    budgets: listOf(budget, 'a list of budgets').optional(),
    retriesAfterSeconds: listOf(z.number().min(0), 'a list of seconds').optional(),
    standsAlone: flag.optional(),
    perAccount: z.int(PER_ACCOUNT).min(1, PER_ACCOUNT).max(100, PER_ACCOUNT).optional(),
    scripts: scriptFiles.optional(),
    identify: z
      .object({ ttlSeconds: seconds, scripts: scriptFiles, begin: callable, claimOf: callable, submit: callable })
      .optional(),
  },
  'a factor, such as totp({ issuer })',
)

const byName = (by: string, floor: z.ZodType) => {
  const entry = strict({ floor, allowRememberBrowser: flag.optional() }, "{ floor: '…' } with the acr of a level")
  return z.record(text, entry, `an object by ${by}`).optional()
}

const client = strict(
  {
    floor: text.optional(),
    allowRememberBrowser: flag.optional(),
    whenUnavailable: oneOf(['refuse', 'exempt']).optional(),
  },
  "{ floor: '…' } with the acr of a level",
)

const policyParts = {
  default: oneOf(['never', 'always', 'adaptive']).optional(),
  adaptive: strict({
    askAt: oneOf(['low', 'medium']).optional(),
    unenrolled: oneOf(['verify', 'refuse']).optional(),
  }).optional(),
  clients: z.record(text, client, 'an object by client_id').optional(),
  scopes: byName('scope', text),
  resources: byName('resource indicator', text),
  // Each is judged with its path against levels, factors and facts.
  rules: z.array(z.unknown(), 'a list of rules').optional(),
}

const policy = strict({
  ...policyParts,
  facts: z.record(text, callable, 'an object of functions by the name of their fact').optional(),
  reportOnly: strict(policyParts).optional(),
})

const assessor = z.object(
  { name: text, reads: listOf(text, 'a list of names of facts'), assess: callable },
  'an assessor, such as newDevice()',
)
const assessors = listOf(assessor, 'a list of assessors').min(1, 'at least one assessor')
const risk = z.union(
  [assessors, strict({ assessors, overall: callable.optional(), rememberDeviceDays: DEVICE_DAYS_RANGE.optional() })],
  'a list of assessors, or { assessors, overall, rememberDeviceDays }',
)

const days = z.int(SECONDS).min(60, BROWSER_SECONDS).max(MAX_BROWSER_SECONDS, BROWSER_SECONDS)

const rememberBrowser = strict({
  lifeSeconds: days.optional(),
  idleSeconds: days.optional(),
  perAccount: z.int(PER_ACCOUNT).min(1, PER_ACCOUNT).max(100, PER_ACCOUNT).optional(),
})

const PER_SECOND = 'a whole number from 1 to 10000'
const MEMBER = 'the name of a member, and of one inside it after a dot'

/** A recorder may have more to it than we ask for, such as what closes it. */
const recordDecisions = z.object(
  {
    write: callable,
    metadata: listOf(
      z.string(MEMBER).regex(/^[^.]+(?:\.[^.]+){0,7}$/, MEMBER),
      'a list of members of metadata',
    ).optional(),
    facts: listOf(text, 'a list of names of facts').optional(),
    maxPerSecond: z.int(PER_SECOND).min(1, PER_SECOND).max(10_000, PER_SECOND).optional(),
  },
  'an object with the function write, such as recordToFile({ path })',
)

/** The shape of the options; `levels` is looked at to say the right thing about the other of its two forms. */
export const schemaFor = (levels: unknown) =>
  strict({
    account: callable,
    factors: listOf(factor, 'a list of factors').min(1, 'at least one factor'),
    sealingKeys: listOf(z.string(SEALING_KEY), `a list of keys: ${SEALING_KEY}`).min(
      1,
      `at least one key: ${SEALING_KEY}`,
    ),
    store: withFunctions('get', 'put', 'take', 'delete', 'list').optional(),
    accounts: withFunctions('load', 'save', 'claim', 'owner', 'release').optional(),
    levels: Array.isArray(levels)
      ? z.array(level).min(1, 'at least one level')
      : z.enum(PRESETS, `${PRESETS.join(', ')} or a list of levels`).optional(),
    login: callable.optional(),
    acrValues: oneOf(['voluntary', 'strict']).optional(),
    maxAge: oneOf(['carrying-events', 'every-event']).optional(),
    policy: policy.optional(),
    risk: risk.optional(),
    geo: withFunctions('locate').optional(),
    trustedProxies: listOf(text, 'a list of addresses, CIDR ranges or the word loopback').optional(),
    enrollment: oneOf(['open', 'ticket']).optional(),
    rememberBrowser: z.union([z.literal(false), rememberBrowser], REMEMBER).optional(),
    offers: z.union([flag, strict({ everySeconds: seconds.optional() })], 'true, false or { everySeconds }').optional(),
    flowSeconds: z.int(FLOW_SECONDS).min(1, FLOW_SECONDS).max(MAX_FLOW_SECONDS, FLOW_SECONDS).optional(),
    recordDecisions: recordDecisions.optional(),
    clock: callable.optional(),
  })
