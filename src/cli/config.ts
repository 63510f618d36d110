import type { CIBAConfigurationBase, ClientMetadata, Configuration, JWKS } from 'oidc-provider'
import { z } from 'zod'
import type { Account } from '../account.ts'
import type { StepUpOptions } from '../config.ts'
import { configError, found } from '../config-error.ts'
import { strict } from '../config-schema.ts'
import { StepUpError } from '../errors.ts'
import type { Accounts } from '../store/accounts.ts'
import type { RedisConnectionOptions } from '../store/redis.ts'
import type { Store } from '../store/store.ts'

/** An account as tokens describe it: {@link Account} and the `name` claim. */
export interface Person extends Account {
  /** The full name that relying parties get with the scope `profile`. */
  readonly name?: string
}

/** One person of a fixed list of accounts. */
export interface ListedAccount extends Omit<Person, 'label'> {
  /** What is typed at sign-in; upper and lower case are the same. */
  readonly username: string
  /** Plain text in the file; only a salted scrypt hash of it is kept in the process. */
  readonly password: string
}

/** A host's own user database. */
export interface AccountSource {
  /** The `accountId` for a right user name and password, else `undefined`. The wait between guesses is ours. */
  authenticate(username: string, password: string): string | undefined | Promise<string | undefined>
  /** The account behind an id; undefined where it no longer exists. */
  find(accountId: string): Person | undefined | Promise<Person | undefined>
  /**
   * Whom a client means by `login_hint` in the backchannel (OpenID Connect CIBA Core 1.0 section 7.1): the `accountId`.
   * Default: the hint is one.
   */
  identify?(loginHint: string): string | undefined | Promise<string | undefined>
}

type Features = NonNullable<Configuration['features']>

/** oidc-provider's settings. Of `features.ciba`, `enabled` is enough: serve knows whom a hint means. */
export interface ServedConfiguration extends Omit<Configuration, 'features'> {
  readonly features?: Omit<Features, 'ciba'> & { readonly ciba?: CIBAConfigurationBase }
}

/** Settings of `oidc-step-up serve`. */
export interface ServeConfig
  extends Pick<
    StepUpOptions,
    | 'sealingKeys'
    | 'factors'
    | 'levels'
    | 'acrValues'
    | 'maxAge'
    | 'policy'
    | 'enrollment'
    | 'rememberBrowser'
    | 'offers'
    | 'risk'
    | 'geo'
    | 'trustedProxies'
    | 'recordDecisions'
  > {
  /** The issuer identifier, OpenID Connect Discovery 1.0 section 2; `http:` only on a loopback address. */
  readonly issuer: string
  readonly port: number
  /** The address to listen on. @default 127.0.0.1 for a loopback issuer, else 0.0.0.0 */
  readonly host?: string
  /** OpenID Connect Dynamic Client Registration 1.0 section 2, as oidc-provider reads it. */
  readonly clients: readonly ClientMetadata[]
  readonly accounts: readonly ListedAccount[] | AccountSource
  /** @default on `redis` where that is set, else memory: authenticators are lost on restart */
  readonly store?: Store & Accounts
  /**
   * Keeps everything in Redis, so that several processes share it: what `store` keeps, and what
   * `configuration.adapter` does, unless these are set. Providers that share one Redis need a `prefix` each.
   */
  readonly redis?: RedisConnectionOptions & { readonly prefix?: string }
  /** Texts of at least 32 characters; the first signs cookies, all verify. */
  readonly cookieKeys: readonly (string | undefined)[]
  /** Private signing keys, RFC 7517. @default one ES256 key, made anew at every start */
  readonly jwks?: JWKS
  /** Further oidc-provider settings, such as `ttl`, `adapter` or `features`. */
  readonly configuration?: ServedConfiguration
  /** Believe `X-Forwarded-*` headers: only behind a proxy that sets them. @default false */
  readonly trustProxy?: boolean
  /**
   * How long open requests may take to finish when the server is to end.
   *
   * @default 9: a second less than the time after which Docker kills a container
   */
  readonly graceSeconds?: number
}

/** A validated configuration with its defaults filled in. */
export interface CheckedConfig extends ServeConfig {
  readonly cookieKeys: readonly string[]
  readonly host: string
  readonly trustProxy: boolean
  readonly graceSeconds: number
}

/** Gives a configuration file its types: `export default defineConfig({ … })`. */
export const defineConfig = (config: ServeConfig): ServeConfig => config

/** One spelling for all ways to type a user name. */
export const foldUsername = (username: string) => username.normalize('NFKC').trim().toLowerCase()

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])
/** Whether a URL names this very machine. */
export const isLoopback = (url: string) => LOOPBACK.has(new URL(url).hostname)

const OWNED = ['clients', 'findAccount', 'interactions', 'jwks']

const text = (allowed = 'a text of 1 to 256 characters') => z.string(allowed).min(1, allowed).max(256, allowed)
const listOf = <Item extends z.ZodType>(item: Item, allowed: string) => z.array(item, allowed).min(1, allowed)
const like = (methods: readonly string[], allowed: string) =>
  z.custom<object>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((method) => typeof Reflect.get(value, method) === 'function'),
    allowed,
  )

const isIssuer = (value: string) => {
  const url = URL.canParse(value) ? new URL(value) : undefined
  // The parsed form hides an empty query and fragment.
  if (url?.pathname !== '/' || url.username || /[?#]/.test(value)) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname))
}
const ISSUER = 'an https: URL without path, query and fragment; http: only on localhost, 127.0.0.1 and [::1]'
const PORT = 'a whole number from 1 to 65535'
const GRACE = 'seconds, from 0 to 300'
const GRACE_SECONDS = 9
const SEALING_KEY = '32 random bytes in base64url, which is 43 characters'
const COOKIE_KEY = 'a text of at least 32 characters'

const listedAccount = strict({
  id: text(),
  username: text(),
  password: text('a text of 1 to 1024 characters').max(1024),
  name: text().optional(),
  email: z.email('an email address').optional(),
  emailVerified: z.boolean('true or false').optional(),
  phone: z
    .string()
    .regex(/^\+[1-9]\d{6,14}$/, 'a phone number such as +4930123456')
    .optional(),
  tenant: text().optional(),
  securityStamp: text().optional(),
  disabled: z.boolean('true or false').optional(),
  metadata: z.record(z.string(), z.unknown(), 'an object').optional(),
})

const unique =
  (key: string, fold = (value: string) => value) =>
  (list: readonly object[], context: z.core.$RefinementCtx) => {
    const seen = new Set<string>()
    list.forEach((item, index) => {
      const value = fold(String(Reflect.get(item, key)))
      if (seen.has(value)) {
        context.addIssue({ code: 'custom', path: [index, key], message: 'a value no other entry has', input: value })
      }
      seen.add(value)
    })
  }

const accountList = listOf(listedAccount, 'at least one account')
  .superRefine(unique('id'))
  .superRefine(unique('username', foldUsername))
const accountSource = like(
  ['authenticate', 'find'],
  'a list of accounts, or an object with authenticate() and find()',
).refine(({ identify }: Partial<AccountSource>) => identify === undefined || typeof identify === 'function', {
  path: ['identify'],
  message: 'a function',
})
const client = z.looseObject({ client_id: text() }, 'an object')
const clients = listOf(client, 'a list with at least one client').superRefine(unique('client_id'))

const configuration = z
  .record(z.string(), z.unknown(), "an object of oidc-provider's settings")
  .superRefine((settings, context) => {
    for (const key of OWNED.filter((owned) => owned in settings)) {
      context.addIssue({ code: 'custom', path: [key], message: 'nothing: serve sets it itself', input: settings })
    }
  })

const schemaFor = (accounts: z.ZodType) =>
  strict({
    issuer: z.string(ISSUER).refine(isIssuer, ISSUER),
    port: z.int(PORT).min(1, PORT).max(65535, PORT),
    host: text('a host name or address').optional(),
    clients,
    accounts,
    store: like(['get', 'put', 'take', 'load', 'save', 'claim'], 'a store, such as memoryStore()').optional(),
    sealingKeys: listOf(
      z.string(SEALING_KEY).regex(/^[\w+/-]{43}=?$/, SEALING_KEY),
      `at least one key: ${SEALING_KEY}`,
    ),
    cookieKeys: listOf(z.string(COOKIE_KEY).min(32, COOKIE_KEY), `at least one key: ${COOKIE_KEY}`),
    jwks: z.looseObject({ keys: listOf(z.looseObject({}), 'at least one key') }, 'a JSON Web Key Set').optional(),
    factors: z.array(like([], 'a factor, such as totp({ issuer })'), 'a list of factors'),
    levels: z.union([z.string(), z.array(z.unknown())], 'the name of a preset, or a list of levels').optional(),
    acrValues: z.string('a text').optional(),
    maxAge: z.string('a text').optional(),
    policy: z.looseObject({}, 'an object').optional(),
    enrollment: z.string('a text').optional(),
    rememberBrowser: z.union([z.literal(false), z.looseObject({})], 'false or an object').optional(),
    offers: z.union([z.boolean(), z.looseObject({})], 'true, false or an object').optional(),
    risk: z.union([z.array(z.unknown()), z.looseObject({})], 'a list of assessors, or an object').optional(),
    geo: like(['locate'], 'an object with locate()').optional(),
    trustedProxies: z.array(z.unknown(), 'a list').optional(),
    recordDecisions: like(['write'], 'an object with write(), such as recordToFile({ path })').optional(),
    configuration: configuration.optional(),
    trustProxy: z.boolean('true or false').optional(),
    redis: z.looseObject({}, 'an object with url, cluster or sentinel').optional(),
    graceSeconds: z.number(GRACE).min(0, GRACE).max(300, GRACE).optional(),
  })

/** Requests in the backchannel that nothing could answer would each fail when it comes. */
const assertAnswered = ({ factors, configuration: { features } = {} }: ServeConfig) => {
  const { enabled, triggerAuthenticationDevice } = features?.ciba ?? {}
  if (enabled !== true || triggerAuthenticationDevice !== undefined) return
  if (factors.some(({ devices }) => devices !== undefined)) return
  const allowed = 'that beside a factor with devices, such as push()'
  throw new StepUpError('ERR_CONFIG', `configuration.features.ciba.enabled: found true; allowed: ${allowed}`)
}

/**
 * Validates a configuration and fills in its defaults.
 *
 * Clients are judged by oidc-provider, levels, factors and policy by the plugin; both still before the server listens.
 *
 * @throws StepUpError ERR_CONFIG naming the full path, what was found (never a secret) and what is allowed
 */
export const checkConfig = (config: unknown): CheckedConfig => {
  const list = Array.isArray(Object(config).accounts)
  const result = schemaFor(list ? accountList : accountSource).safeParse(config)
  if (result.error !== undefined) throw configError(config, result.error)
  const checked = config as ServeConfig
  assertAnswered(checked)
  if (new URL(checked.issuer).protocol === 'https:' && !checked.trustProxy) {
    const why = 'this server speaks http:, so a proxy with the certificate has to stand before an https: issuer'
    throw new StepUpError(
      'ERR_CONFIG',
      `trustProxy: found ${found(checked.trustProxy, [])}; allowed: true, because ${why}`,
    )
  }
  return Object.freeze({
    ...checked,
    host: checked.host ?? (isLoopback(checked.issuer) ? '127.0.0.1' : '0.0.0.0'),
    cookieKeys: checked.cookieKeys.map(String),
    trustProxy: checked.trustProxy ?? false,
    graceSeconds: checked.graceSeconds ?? GRACE_SECONDS,
  })
}
