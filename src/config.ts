import type { InteractionResults, KoaContextWithOIDC } from 'oidc-provider'
import type { Account } from './account.ts'
import { type LoginProof, PASSWORD } from './assurance/evidence.ts'
import { acrValues, type Level } from './assurance/levels.ts'
import { type Preset, presets } from './assurance/presets.ts'
import { type Clock, systemClock } from './clock.ts'
import { configError } from './config-error.ts'
import { assertPolicy, completePolicy } from './config-policy.ts'
import { isCallable, loginProof, schemaFor } from './config-schema.ts'
import { StepUpError } from './errors.ts'
import type { AnyFactor } from './factors/factor.ts'
import { standsBeside } from './flow/permit.ts'
import type { Geo } from './policy/geo.ts'
import type { Policy } from './policy/policy.ts'
import type { AcrValuesReading, MaxAgeReading } from './policy/requirement.ts'
import type { DecisionRecorder } from './recording/recorder.ts'
import type { Assessor, Risk } from './risk/assessor.ts'
import type { Accounts } from './store/accounts.ts'
import { memoryStore } from './store/memory.ts'
import type { Store } from './store/store.ts'

/** How a first authenticator comes to an account. */
export type Enrollment = 'open' | 'ticket'

/** How long browsers are remembered. */
export interface RememberBrowser {
  /** Life from the moment it is remembered, in seconds; use does not prolong it. Default 30 days, at most 400. */
  readonly lifeSeconds?: number
  /** Life since it was last used, in seconds. Default 14 days. */
  readonly idleSeconds?: number
  /** How many browsers an account can have remembered; the one unused for longest gives way. Default 10. */
  readonly perAccount?: number
}

/** How often people are offered something better than they have. */
export interface Offers {
  /** At most one offer to an account in that time, in seconds. Default 30 days. */
  readonly everySeconds?: number
}

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
   * `acr` and `amr` alone prove nothing. What it says of an identity provider before, rules can read.
   */
  readonly login?: (
    result: NonNullable<InteractionResults['login']>,
    ctx: KoaContextWithOIDC,
  ) => LoginProof | Promise<LoginProof>
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
  /**
   * When more than the login is owed. A floor that no factor meets beside a password is refused, unless `login` is set.
   * Default `{ default: 'always' }`.
   */
  readonly policy?: Policy
  /** What risk signals to look at; at every decision, for `adaptive`, for rules and for the traces. Default none. */
  readonly risk?: readonly Assessor[] | Risk
  /** Where addresses are; rules and assessors that ask for places know none without. */
  readonly geo?: Geo
  /**
   * The proxies before this server, by address, CIDR range or the word `loopback`: of what they pass on in
   * `X-Forwarded-For` only the last hop that is none of them is believed. Default: the provider's `proxy` setting,
   * which stands for one proxy.
   */
  readonly trustedProxies?: readonly string[]
  /**
   * How a first authenticator comes to an account. `open`: enrolment is offered inside the login where a level is
   * asked or owed. `ticket`: only by a link from `mfa.accounts.issueTicket`. Default `open`.
   */
  readonly enrollment?: Enrollment
  /**
   * Lets users have a browser remembered, which lifts floors of the policy in it, and nothing else. `false` turns
   * it off; the preset `nist` knows no other value. Default: on, for 30 days at most and 14 days unused.
   */
  readonly rememberBrowser?: false | RememberBrowser
  /**
   * Offers people, after a sign-in, to set up what would serve them better than what they have: a passkey beside an
   * app, anything to who has nothing. Each can be turned down, comes at most once in a while, and never under
   * `prompt=none`. Default false.
   */
  readonly offers?: boolean | Offers
  /**
   * How long, in seconds, what was proved in one authorization counts as fresh for that authorization,
   * whatever was asked. Default 600, at most 3600.
   */
  readonly flowSeconds?: number
  /**
   * Records decisions, one line each and pseudonymous, so that another policy can be tried on them by
   * `oidc-step-up replay`. `recordToFile` of `oidc-step-up/recording` makes one. Default: nothing is recorded.
   */
  readonly recordDecisions?: DecisionRecorder
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
  /** Undefined where nothing is assessed. */
  readonly risk: Risk | undefined
  readonly geo: Geo | undefined
  readonly trustedProxies: readonly string[] | undefined
  readonly enrollment: Enrollment
  /** Undefined where browsers are not remembered. */
  readonly rememberBrowser: Required<RememberBrowser> | undefined
  /** Undefined where nothing is offered. */
  readonly offers: Required<Offers> | undefined
  readonly flowSeconds: number
  /** Undefined where nothing is recorded. */
  readonly recordDecisions: DecisionRecorder | undefined
  readonly clock: Clock
}

const DEFAULT_FLOW_SECONDS = 600

const PREFIX = 'stepUp(options): '

const refuse = (path: string, found: string, allowed: string): never => {
  throw new StepUpError('ERR_CONFIG', `${PREFIX}${path}: found ${found}; allowed: ${allowed}`)
}

const firstDuplicate = (values: readonly string[]) => values.find((value, index) => values.indexOf(value) !== index)

const assertConsistent = ({ factors, levels }: Pick<Config, 'factors' | 'levels'>) => {
  const ids = factors.map(({ id }) => id)
  const twice = firstDuplicate(ids)
  if (twice !== undefined) refuse('factors', `"${twice}" twice`, 'each factor once')

  const spelledTwice = firstDuplicate(acrValues(levels))
  if (spelledTwice !== undefined) refuse('levels', `"${spelledTwice}" twice`, 'each acr and alias once')

  levels.forEach((one, index) => {
    const strange = one.needs.factors?.find((id) => !ids.includes(id))
    if (strange !== undefined) refuse(`levels[${index}].needs.factors`, `"${strange}"`, ids.join(', '))
  })
  if (factors.every(standsBeside))
    refuse('factors', `${ids.join(' and ')} only`, 'at least one other factor beside what cannot stand alone')
}

const NO_ADDRESS = 'account() answers emailVerified: true without an email, and such an account gets no code by mail'

/** Databases answer `null` for what they do not have; an answer about somebody else is no answer. */
const checkedAccount = ({ account, factors }: StepUpOptions): Config['account'] => {
  let isTold = !factors.some(({ traits }) => traits.includes('address'))
  return async (accountId) => {
    const answer = (await account(accountId)) ?? undefined
    if (answer !== undefined && answer.id !== accountId)
      throw new StepUpError('ERR_CONFIG', 'account() answered an account with another id than it was asked for')
    if (!isTold && answer?.emailVerified === true && !answer.email?.includes('@')) {
      isTold = true
      process.emitWarning(NO_ADDRESS, { type: 'StepUpWarning', code: 'STEP_UP_EMAIL' })
    }
    return answer
  }
}

/** The host's function with its answer checked: what it says becomes evidence. */
const checkedLogin = (login: StepUpOptions['login']): Config['login'] => {
  if (login === undefined) return () => PASSWORD
  return async (result, ctx) => {
    const said = await login(result, ctx)
    const { data, error } = loginProof.safeParse(said)
    if (error !== undefined) throw configError(said, error, 'login() answered ')
    return data as LoginProof
  }
}

const durable = ({ accounts, store }: StepUpOptions, fallback: Accounts): Accounts => {
  if (accounts !== undefined) return accounts
  if (store === undefined) return fallback
  if (!isCallable(store.load) || !isCallable(store.save))
    refuse('accounts', 'nothing', 'durable records, here or as part of store')
  return store as Store & Accounts
}

const DAY = 86_400

/** NIST SP 800-63B-4, "Session Secrets": a cookie is never used in place of an authentication. */
const rememberBrowserOf = ({ rememberBrowser, levels }: StepUpOptions): Config['rememberBrowser'] => {
  if (rememberBrowser === false) return undefined
  if (levels === 'nist' && rememberBrowser !== undefined)
    refuse('rememberBrowser', 'an object beside levels "nist"', 'false: that preset takes no cookie for a proof')
  if (levels === 'nist') return undefined
  return { lifeSeconds: 30 * DAY, idleSeconds: 14 * DAY, perAccount: 10, ...rememberBrowser }
}

const riskOf = ({ risk }: StepUpOptions): Config['risk'] =>
  risk === undefined || 'assessors' in risk ? risk : { assessors: risk }

const offersOf = ({ offers = false }: StepUpOptions): Config['offers'] =>
  offers === false ? undefined : { everySeconds: 30 * DAY, ...(offers === true ? {} : offers) }

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
  const { factors } = input
  assertConsistent({ factors, levels })
  const policy = completePolicy(input.policy, factors)
  const around = {
    factors,
    levels,
    hasRisk: input.risk !== undefined,
    hasLogin: input.login !== undefined,
    recorded: input.recordDecisions?.facts ?? [],
  }
  assertPolicy(policy, around, PREFIX)
  return Object.freeze({
    account: checkedAccount(input),
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
    risk: riskOf(input),
    geo: input.geo,
    trustedProxies: input.trustedProxies,
    enrollment: input.enrollment ?? 'open',
    rememberBrowser: rememberBrowserOf(input),
    offers: offersOf(input),
    flowSeconds: input.flowSeconds ?? DEFAULT_FLOW_SECONDS,
    recordDecisions: input.recordDecisions,
    clock,
  })
}
