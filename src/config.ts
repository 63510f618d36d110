import type { InteractionResults, KoaContextWithOIDC } from 'oidc-provider'
import { z } from 'zod'
import type { Account } from './account.ts'
import type { Proof } from './assurance/evidence.ts'
import { acrValues, findLevel, type Level } from './assurance/levels.ts'
import { type Preset, presets } from './assurance/presets.ts'
import { type Clock, systemClock } from './clock.ts'
import { configError } from './config-error.ts'
import { StepUpError } from './errors.ts'
import type { AnyFactor } from './factors/factor.ts'
import { multiFactorLevel, type Policy } from './policy/policy.ts'
import type { AcrValuesReading, MaxAgeReading } from './policy/requirement.ts'
import type { Accounts } from './store/accounts.ts'
import { memoryStore } from './store/memory.ts'
import type { Store } from './store/store.ts'

/** What a host passes to `stepUp()`. */
export interface StepUpOptions {
  /**
   * The host's user behind an `accountId`, asked at every decision; undefined or `null` where it no longer
   * exists, which passes no authorization.
   */
  readonly account: (accountId: string) => Account | null | undefined | Promise<Account | null | undefined>
  /** The factors people can use, made by their factories; ties on screen are broken by this order. */
  readonly factors: readonly AnyFactor[]
  /**
   * Keys that seal all that is stored: 32 random bytes each, in base64url. The first seals, all open, so a
   * new key is put in front and an old one removed when nothing is sealed with it any more.
   */
  readonly sealingKeys: readonly (string | undefined)[]
  /** Short-lived records and, unless `accounts` is set, durable ones. Default: `memoryStore()`, lost at every restart. */
  readonly store?: Store & Partial<Accounts>
  /** Durable records, for a host that keeps them in its own database. Default: `store`. */
  readonly accounts?: Accounts
  /** Assurance levels, weakest first, or the name of a preset. Default `standard`. */
  readonly levels?: Preset | readonly Level[]
  /**
   * What the host's login page proved, from the `login` result it submitted, for instance by an `amr` of its
   * own. Asked once, when the login happened. Default: one knowledge event with `amr` `pwd`. The result's own
   * `acr` and `amr` alone prove nothing.
   */
  readonly login?: (result: NonNullable<InteractionResults['login']>, ctx: KoaContextWithOIDC) => Proof | Promise<Proof>
  /**
   * How levels asked by `acr_values`, or by an acr claim that is not essential, are read. `voluntary`: asked,
   * and reported as it is where the user declines or cannot. `strict`: as if essential. Default `voluntary`.
   */
  readonly acrValues?: AcrValuesReading
  /**
   * What a request's `max_age` binds where a level above the login is owed. `carrying-events`: what carries
   * that level. `every-event`: the login as well. Default `carrying-events`.
   */
  readonly maxAge?: MaxAgeReading
  /** When more than the login is owed. Default `{ default: 'always' }`. */
  readonly policy?: Policy
  /**
   * How a first authenticator comes to an account: `open` offers enrolment inside the login where a level is
   * asked or owed. Default `open`.
   */
  readonly enrollment?: 'open'
  /**
   * How long, in seconds, what was proved in one authorization counts as fresh for that authorization,
   * whatever was asked. Default 600, at most 3600.
   */
  readonly flowSeconds?: number
  /** The process clock. Default: the machine's. */
  readonly clock?: Clock
}

/** Validated options with every default in place. */
export interface Config {
  readonly account: (accountId: string) => Promise<Account | undefined>
  readonly factors: readonly AnyFactor[]
  readonly sealingKeys: StepUpOptions['sealingKeys']
  readonly store: Store
  readonly accounts: Accounts
  /** The records are lost when the process ends. */
  readonly volatile: boolean
  readonly levels: readonly Level[]
  readonly login: NonNullable<StepUpOptions['login']>
  readonly acrValues: AcrValuesReading
  readonly maxAge: MaxAgeReading
  readonly policy: Policy
  readonly flowSeconds: number
  readonly clock: Clock
}

/** A login page proves what people know, unless its host says more. */
export const PASSWORD: Proof = Object.freeze<Proof>({ kinds: ['knowledge'], traits: [], amr: ['pwd'] })

const PRESETS = Object.keys(presets) as [Preset, ...Preset[]]
const DEFAULT_FLOW_SECONDS = 600
const MAX_FLOW_SECONDS = 3600

/** An object of these settings and no others. */
const strict = <Shape extends z.core.$ZodLooseShape>(shape: Shape, what = 'an object') =>
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
const FACTOR_ID = 'lower-case letters, digits and hyphens'

const isCallable = (value: unknown) => typeof value === 'function'

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

const proof = strict({
  kinds: listOf(oneOf(KINDS), `a list of ${KINDS.join(', ')}`),
  traits,
  amr: listOf(text, 'a list of amr values'),
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

const factor = z.object(
  {
    id: z.string(FACTOR_ID).regex(/^[a-z][a-z0-9-]*$/, FACTOR_ID),
    kinds: listOf(oneOf(KINDS), `a list of ${KINDS.join(', ')}`).min(1, 'at least one kind'),
    traits,
    amr: listOf(text, 'a list of amr values'),
    challenge: ceremony,
    enroll: ceremony.optional(),
    describe: callable,
  },
  'a factor, such as totp({ issuer })',
)

const floors = (by: string) =>
  z.record(text, strict({ floor: text }, "{ floor: '…' } with the acr of a level"), `an object by ${by}`).optional()

const policy = strict({
  default: oneOf(['never', 'always']).optional(),
  clients: floors('client_id'),
  scopes: floors('scope'),
  resources: floors('resource indicator'),
})

const schemaFor = (levels: unknown) =>
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
    enrollment: z.literal('open', "'open'").optional(),
    flowSeconds: z.int(FLOW_SECONDS).min(1, FLOW_SECONDS).max(MAX_FLOW_SECONDS, FLOW_SECONDS).optional(),
    clock: callable.optional(),
  })

const PREFIX = 'stepUp(options): '

const refuse = (path: string, found: string, allowed: string): never => {
  throw new StepUpError('ERR_CONFIG', `${PREFIX}${path}: found ${found}; allowed: ${allowed}`)
}

const firstDuplicate = (values: readonly string[]) => values.find((value, index) => values.indexOf(value) !== index)

const assertConsistent = ({ factors, levels, policy }: Pick<Config, 'factors' | 'levels' | 'policy'>) => {
  const ids = factors.map(({ id }) => id)
  const twice = firstDuplicate(ids)
  if (twice !== undefined) refuse('factors', `"${twice}" twice`, 'each factor once')

  const spelledTwice = firstDuplicate(acrValues(levels))
  if (spelledTwice !== undefined) refuse('levels', `"${spelledTwice}" twice`, 'each acr and alias once')

  levels.forEach((one, index) => {
    const strange = one.needs.factors?.find((id) => !ids.includes(id))
    if (strange !== undefined) refuse(`levels[${index}].needs.factors`, `"${strange}"`, ids.join(', '))
  })
  if (policy.default !== 'never' && multiFactorLevel(levels) === undefined)
    refuse('policy.default', '"always"', '"never", as no level has needs.kinds 2')
  for (const by of ['clients', 'scopes', 'resources'] as const)
    for (const [name, { floor }] of Object.entries(policy[by] ?? {}))
      if (findLevel(levels, floor) === undefined)
        refuse(`policy.${by}.${name}.floor`, `"${floor}"`, acrValues(levels).join(', '))
}

/** Databases answer `null` for what they do not have; an answer about somebody else is no answer. */
const checkedAccount =
  (account: StepUpOptions['account']): Config['account'] =>
  async (accountId) => {
    const answer = (await account(accountId)) ?? undefined
    if (answer !== undefined && answer.id !== accountId)
      throw new StepUpError('ERR_CONFIG', 'account() answered an account with another id than it was asked for')
    return answer
  }

/** The host's function with its answer checked: what it says becomes evidence. */
const checkedLogin = (login: StepUpOptions['login']): Config['login'] => {
  if (login === undefined) return () => PASSWORD
  return async (result, ctx) => {
    const said = await login(result, ctx)
    const { data, error } = proof.safeParse(said)
    if (error !== undefined) throw configError(said, error, 'login() answered ')
    return data
  }
}

const durable = ({ accounts, store }: StepUpOptions, fallback: Accounts): Accounts => {
  if (accounts !== undefined) return accounts
  if (store === undefined) return fallback
  if (!isCallable(store.load) || !isCallable(store.save))
    refuse('accounts', 'nothing', 'durable records, here or as part of store')
  return store as Store & Accounts
}

/**
 * Validates options and fills in defaults.
 *
 * @throws StepUpError `ERR_CONFIG` naming the full path, what was found and what is allowed.
 */
export const readOptions = (input: StepUpOptions): Config => {
  const { error } = schemaFor((input as Partial<StepUpOptions> | undefined)?.levels).safeParse(input)
  if (error !== undefined) throw configError(input, error, PREFIX)
  const clock = input.clock ?? systemClock
  const memory = memoryStore({ clock })
  const { levels: chosen = 'standard' } = input
  const levels = typeof chosen === 'string' ? presets[chosen] : chosen
  const policy: Policy = { default: 'always', ...input.policy }
  assertConsistent({ factors: input.factors, levels, policy })
  return Object.freeze({
    account: checkedAccount(input.account),
    factors: input.factors,
    sealingKeys: input.sealingKeys,
    store: input.store ?? memory,
    accounts: durable(input, memory),
    volatile: input.store === undefined,
    levels,
    login: checkedLogin(input.login),
    acrValues: input.acrValues ?? 'voluntary',
    maxAge: input.maxAge ?? 'carrying-events',
    policy,
    flowSeconds: input.flowSeconds ?? DEFAULT_FLOW_SECONDS,
    clock,
  })
}
