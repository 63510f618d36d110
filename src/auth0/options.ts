import { z } from 'zod'
import { MULTI_FACTOR } from '../assurance/presets.ts'
import { configError } from '../config-error.ts'
import type { LoginFact } from '../policy/facts.ts'
import type { Demand } from '../policy/rule.ts'
import { copied } from './copy.ts'

/** What `context.multifactor.provider` can be. */
export const PROVIDERS = ['any', 'guardian', 'google-authenticator', 'duo', 'none'] as const

/** A `type` of the factors that Actions name. */
export const TYPES = [
  'otp',
  'push-notification',
  'phone',
  'email',
  'webauthn-roaming',
  'webauthn-platform',
  'recovery-code',
] as const

const NAMES = ['guardian', 'google-authenticator', 'duo', ...TYPES] as const

/** What Auth0 calls a way to prove more: a provider of Rules, or a `type` of Actions. */
export type Auth0Factor = (typeof NAMES)[number]

/** What each stands for: ids of factors, of which one has to be used, or `any` for whatever the account can use. */
export type Auth0Factors = { readonly [Name in Auth0Factor]?: readonly string[] | 'any' }

/** How a rule or an Action is run. */
export interface Auth0Options {
  /** What traces call it. Default: the name of the function. */
  readonly name?: string
  /** It has no effect; what it would have led to stands in the trace. Default false. */
  readonly reportOnly?: boolean
  /** The `acr` or an alias of the level that it asks for. Default: multi-factor of the preset `standard`. */
  readonly floor?: string
  /**
   * What Auth0's names stand for here, beside the defaults: `guardian` any, `google-authenticator` and `otp` `totp`,
   * `duo` `duo`, `push-notification` `push`, `phone` `sms`, `email` `email`, `webauthn-roaming` and `webauthn-platform`
   * `webauthn`, `recovery-code` `recovery-codes`. An empty list stands for nothing, so that who asks for it is refused.
   */
  readonly factors?: Auth0Factors
  /**
   * What it looks at that takes time to find out: `location` for geoip, `risk` for the risk assessment. One that looks
   * at what it has not named lets nobody pass. Default none.
   */
  readonly reads?: readonly ('location' | 'risk')[]
  /**
   * The name of the connection that somebody signed in by. Default: the issuer of the identity provider before ours, else
   * `Username-Password-Authentication`.
   */
  readonly connection?: string | ((login: LoginFact) => string)
}

/** How an Action is run. */
export interface Auth0ActionOptions extends Auth0Options {
  /** What it finds in `event.secrets`. */
  readonly secrets?: Readonly<Record<string, string>>
}

/** Options as they count. */
export interface Settings extends Auth0Options {
  readonly floor: string
  readonly factors: Auth0Factors
  /** Those of `factors` that the host named. */
  readonly named: Auth0Factors
  readonly reads: readonly ('location' | 'risk')[]
  readonly connection: (login: LoginFact) => string
  readonly secrets: Readonly<Record<string, string>>
}

const DEFAULT_FACTORS: Auth0Factors = Object.freeze<Auth0Factors>({
  guardian: 'any',
  'google-authenticator': ['totp'],
  duo: ['duo'],
  otp: ['totp'],
  'push-notification': ['push'],
  phone: ['sms'],
  email: ['email'],
  'webauthn-roaming': ['webauthn'],
  'webauthn-platform': ['webauthn'],
  'recovery-code': ['recovery-codes'],
})

const DATABASE = 'Username-Password-Authentication'

const TEXT = 'a text that is not empty'
const IDS = 'any, or a list of ids of factors'
const text = z.string(TEXT).min(1, TEXT)
const flag = z.boolean('true or false')
const ids = z.union([z.literal('any'), z.array(text)], IDS)

const SHAPE = {
  name: text.optional(),
  reportOnly: flag.optional(),
  floor: text.optional(),
  factors: z.partialRecord(z.enum(NAMES), ids, `an object by ${NAMES.join(', ')}`).optional(),
  reads: z.array(z.enum(['location', 'risk'], 'location or risk'), 'a list of location and risk').optional(),
  connection: z
    .union([text, z.custom<never>((value) => typeof value === 'function')], 'a text, or a function of the login')
    .optional(),
  secrets: z.record(z.string(), z.string(), 'an object of texts').optional(),
}

/**
 * Options with their defaults.
 *
 * @param where - The function they were given to.
 * @throws StepUpError `ERR_CONFIG` with what was found and what is allowed.
 */
export const settingsOf = (where: string, options: Auth0ActionOptions): Settings => {
  const schema = z.strictObject(SHAPE, {
    error: ({ code }) => (code === 'unrecognized_keys' ? `only ${Object.keys(SHAPE).join(', ')}` : 'an object'),
  })
  const { error } = schema.safeParse(options)
  if (error !== undefined) throw configError(options, error, `${where}(): `)
  const { connection, reads = [], secrets = {}, floor = MULTI_FACTOR, name, reportOnly } = options
  const factors = copied(options.factors ?? {})
  return Object.freeze<Settings>({
    ...(name === undefined ? {} : { name }),
    ...(reportOnly === undefined ? {} : { reportOnly }),
    floor,
    factors: { ...DEFAULT_FACTORS, ...factors },
    named: factors,
    reads: [...new Set(reads)],
    secrets: copied(secrets),
    connection:
      typeof connection === 'function' ? connection : ({ upstream }) => connection ?? upstream?.issuer ?? DATABASE,
  })
}

/** What a rule with these settings can demand of what the host named, so that it is checked at the start. */
export const demandsOf = ({ floor, named }: Settings): readonly Demand[] => {
  const lists = Object.values(named).filter((ids) => typeof ids === 'object' && ids.length > 0)
  return Object.freeze([{ floor }, ...lists.map((factors) => ({ floor, factors: factors as readonly string[] }))])
}
