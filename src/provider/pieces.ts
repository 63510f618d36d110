import type { Configuration, KoaContextWithOIDC, Session } from 'oidc-provider'
import { acrValues } from '../assurance/levels.ts'
import type { Config } from '../config.ts'
import { StepUpError } from '../errors.ts'
import { isWithinReach } from '../policy/reach.ts'
import type { Backchannel } from './ciba.ts'
import type { Decider } from './decision.ts'
import type { TokenGuard } from './grants.ts'
import { mountPathOf, PROMPT } from './oidc.ts'
import { withStepUp } from './prompt.ts'
import { tokenClaims } from './report.ts'
import { assertAcrClaim } from './request.ts'

/** Where our pages stand, below the provider's mount path. */
export const PAGES = '/mfa'

const DEFAULT_SESSION_SECONDS = 14 * 86_400

const claimNames = (claims: unknown): readonly string[] => (Array.isArray(claims) ? claims : Object.keys(claims ?? {}))

/** The claims of the `openid` scope, as a list or as an object, with ours among them. */
const withClaims = (claims: Configuration['claims']): NonNullable<Configuration['claims']> => {
  return { ...claims, openid: [...new Set(['sub', ...claimNames(claims?.openid), 'acr', 'amr', 'auth_time'])] }
}

/** The scopes of the host's `claims` that release any of these claims. */
export const scopesByClaim =
  ({ claims = {} }: Configuration) =>
  (requested: ReadonlySet<string>): readonly string[] =>
    Object.entries(claims)
      .filter(([, released]) => released !== null)
      .filter(([, released]) => claimNames(released).some((claim) => requested.has(claim)))
      .map(([scope]) => scope)

/** How long a session lives from now, by the host's own `ttl.Session`. */
export const sessionLife =
  ({ ttl }: Configuration) =>
  (ctx: KoaContextWithOIDC, session: Session): number => {
    const life = ttl?.Session ?? DEFAULT_SESSION_SECONDS
    return typeof life === 'function' ? life(ctx, session) : life
  }

/** Whether some configured factor would meet the level beside a password. */
const offeredBy =
  ({ factors, levels }: Pick<Config, 'factors' | 'levels'>) =>
  (acr: string): boolean => {
    const level = levels.find((one) => one.acr === acr)
    return level !== undefined && isWithinReach(factors, level)
  }

/** What the pieces call. */
export interface PieceTools {
  readonly decide: Decider
  /** Throws where our pages are not served. */
  readonly assertAttached: () => void
  readonly isDead: TokenGuard
  /** Present where a configured factor has devices, which answer in the backchannel. */
  readonly backchannel?: Backchannel | undefined
}

type FindAccount = NonNullable<Configuration['findAccount']>

/** What a decision needs is read while the host looks its account up; dead tokens find no account. */
const findingAccount =
  (findAccount: FindAccount, decide: Decider, isDead: TokenGuard): FindAccount =>
  async (ctx, sub, token) => {
    if (ctx?.oidc !== undefined) void decide(ctx)
    if (token !== undefined && (await isDead(sub, token))) return undefined
    return findAccount(ctx, sub, token)
  }

type Introspection = NonNullable<Features['introspection']>

/** oidc-provider's own rule: a public client may ask about its own tokens only. */
const ownTokensOfPublicClients: NonNullable<Introspection['allowedPolicy']> = (_ctx, client, token) =>
  client.clientAuthMethod !== 'none' || token.clientId === client.clientId

/** Introspection asks nobody about the account: dead tokens are made inactive here. */
const guarded = (introspection: Introspection, isDead: TokenGuard): Introspection => {
  if (introspection.enabled !== true) return introspection
  const allowedPolicy: NonNullable<Introspection['allowedPolicy']> = async (ctx, client, token) => {
    if (!(await (introspection.allowedPolicy ?? ownTokensOfPublicClients)(ctx, client, token))) return false
    const { accountId } = token as { readonly accountId?: string }
    return accountId === undefined || !(await isDead(accountId, token))
  }
  return { ...introspection, allowedPolicy }
}

type Features = NonNullable<Configuration['features']>

const featuresOf = (
  features: Features = {},
  { levels }: Config,
  { isDead, backchannel }: Pick<PieceTools, 'isDead' | 'backchannel'>,
): Features => {
  const { claimsParameter, introspection, ciba } = features
  const ours: Pick<Features, 'devInteractions' | 'claimsParameter'> = {
    devInteractions: { enabled: false },
    claimsParameter: {
      ...claimsParameter,
      enabled: claimsParameter?.enabled ?? true,
      assertClaimsParameter: async (ctx, claims, client) => {
        await claimsParameter?.assertClaimsParameter?.(ctx, claims, client)
        assertAcrClaim(ctx, claims, levels)
      },
    },
  }
  const introspected = introspection === undefined ? {} : { introspection: guarded(introspection, isDead) }
  const asked = ciba?.enabled === true && backchannel !== undefined ? { ciba: backchannel.feature(ciba) } : {}
  // The types tell an enabled feature from a disabled one by literals, which a copy of either loses.
  return { ...features, ...ours, ...introspected, ...asked } as Features
}

type Claims = Configuration['claims']
type InteractionPolicy = NonNullable<NonNullable<Configuration['interactions']>['policy']>
type InteractionUrl = NonNullable<NonNullable<Configuration['interactions']>['url']>
type ExtraTokenClaims = NonNullable<Configuration['extraTokenClaims']>

/**
 * The parts of what `configure` returns, for a host that composes its configuration by hand. Each takes the host's
 * own and answers what to put in its place; the host's stays as it is. All of them belong into one configuration:
 * `connect` refuses a provider as long as one was never asked for.
 *
 * @example
 * ```ts
 * const own = mfa.pieces({ claims, ttl })
 * const provider = new Provider(issuer, {
 *   claims: own.claims(claims),
 *   ttl,
 *   acrValues: own.acrValues(),
 *   interactions: { policy: own.policy(), url: own.interactionUrl(url) },
 *   features: own.features(features),
 *   findAccount: own.findAccount(findAccount),
 *   extraTokenClaims: own.extraTokenClaims(),
 *   cookies,
 * })
 * ```
 */
export interface Pieces {
  /** Our levels, for `acrValues`. */
  acrValues(own?: Iterable<string>): string[]
  /** `claims` with `acr`, `amr` and `auth_time` in the `openid` scope, so that ID tokens carry them. */
  claims(own?: Claims): NonNullable<Claims>
  /**
   * `interactions.policy`: a copy of the host's, or of oidc-provider's own, with our prompt after `login`.
   *
   * @throws StepUpError `ERR_CONFIG` where it has no prompt `login`, or one called `mfa` already.
   */
  policy(own?: InteractionPolicy): InteractionPolicy
  /** `interactions.url`: our pages for our prompt, the host's for all others. */
  interactionUrl(own: InteractionUrl): InteractionUrl
  /**
   * `features`: claims parameter on unless the host said no, malformed `acr` requests refused, dead tokens inactive
   * at introspection, development interactions off; backchannel requests are answered by the devices of accounts.
   */
  features(own?: Features): Features
  /** `findAccount`: tokens from before a revocation find nobody. */
  findAccount(own: FindAccount): FindAccount
  /** `extraTokenClaims`: `acr`, `amr` and `auth_time` in access tokens and at introspection, beside the host's. */
  extraTokenClaims(own?: ExtraTokenClaims): ExtraTokenClaims
}

/** Makes the pieces, which share one decision. `asked` learns the name of each that was asked for. */
export const createPieces = (config: Config, tools: PieceTools, asked: (name: keyof Pieces) => void): Pieces => {
  const { decide, assertAttached, isDead } = tools
  const told =
    <Args extends readonly unknown[], Result>(name: keyof Pieces, make: (...args: Args) => Result) =>
    (...args: Args): Result => {
      asked(name)
      return make(...args)
    }
  return Object.freeze<Pieces>({
    acrValues: told('acrValues', (own = []) => [...new Set([...own, ...acrValues(config.levels)])]),
    claims: told('claims', withClaims),
    policy: told('policy', (own) => withStepUp(own, decide, offeredBy(config)) as InteractionPolicy),
    interactionUrl: told('interactionUrl', (own) => (ctx, interaction) => {
      if (interaction.prompt.name !== PROMPT) return own(ctx, interaction)
      assertAttached()
      return `${mountPathOf(ctx)}${PAGES}/${interaction.uid}`
    }),
    features: told('features', (own) => featuresOf(own, config, tools)),
    findAccount: told('findAccount', (own) => findingAccount(own, decide, isDead)),
    extraTokenClaims: told('extraTokenClaims', (own) => async (ctx, token) => {
      const claims = { ...(await own?.(ctx, token)), ...tokenClaims(ctx) }
      return Object.keys(claims).length > 0 ? claims : undefined
    }),
  })
}

const NAMES: readonly (keyof Pieces)[] = [
  'acrValues',
  'claims',
  'policy',
  'interactionUrl',
  'features',
  'findAccount',
  'extraTokenClaims',
]

/** Refuses to go on while a piece is missing: without it something would be reported wrongly, or never end. */
export const assertWhole = (asked: ReadonlySet<string>): void => {
  const missing = NAMES.filter((name) => !asked.has(name))
  if (missing.length > 0)
    throw new StepUpError('ERR_CONFIG', `connect(): these pieces are in no configuration yet: ${missing.join(', ')}`)
}
