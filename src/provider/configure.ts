import type { Configuration, KoaContextWithOIDC, Session } from 'oidc-provider'
import { acrValues, carriage, type Level } from '../assurance/levels.ts'
import type { Config } from '../config.ts'
import { StepUpError } from '../errors.ts'
import { owesAnything } from '../policy/policy.ts'
import type { Decider } from './decision.ts'
import type { TokenGuard } from './grants.ts'
import { mountPathOf, PROMPT } from './oidc.ts'
import { withStepUp } from './prompt.ts'
import { tokenClaims } from './report.ts'
import { assertAcrClaim } from './request.ts'

/** Where our pages stand, below the provider's mount path. */
export const PAGES = '/mfa'

const DEFAULT_SESSION_SECONDS = 14 * 86_400

const refuse = (message: string): never => {
  throw new StepUpError('ERR_CONFIG', `configure(): ${message}`)
}

const assertUsable = ({ features, cookies, interactions }: Configuration, { policy }: Config) => {
  if (features?.devInteractions?.enabled === true)
    refuse('features.devInteractions is on, and would take the place of every page; turn it off')
  if (features?.ciba?.enabled === true && owesAnything(policy))
    refuse('features.ciba is on, but backchannel requests pass no interaction policy and so no floor of yours')
  if (!Array.isArray(cookies?.keys) || cookies.keys.length === 0)
    refuse('cookies.keys is missing, so that no cookie would be signed; set at least one random text')
  if (typeof interactions?.url !== 'function')
    refuse('interactions.url is missing; set the function that tells where your login and consent pages are')
}

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

/** Whether the strongest that any configured factor shows, beside a password, would meet the level. */
const offeredBy =
  ({ factors, levels }: Pick<Config, 'factors' | 'levels'>) =>
  (acr: string): boolean => {
    const level: Level | undefined = levels.find((one) => one.acr === acr)
    const moment = { now: 0, cid: undefined, flowSeconds: 0 }
    const at = { at: 0, cid: '' }
    const password = { ...at, factor: 'login', kinds: ['knowledge'], traits: [], amr: [] } as const
    return factors.some(
      ({ id, kinds, traits, amr }) =>
        level !== undefined &&
        carriage(level, [password, { ...at, factor: id, kinds, traits, amr }], moment) !== undefined,
    )
  }

/** What the configured functions call. */
export interface ConfigureTools {
  readonly decide: Decider
  /** Throws where our pages are not served. */
  readonly assertAttached: () => void
  readonly isDead: TokenGuard
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

const featuresOf = (features: Features = {}, { levels }: Config, isDead: TokenGuard): Features => {
  const { claimsParameter, introspection } = features
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
  // The types tell an enabled feature from a disabled one by literals, which a copy of either loses.
  return { ...features, ...ours, ...introspected } as Features
}

/**
 * The host's configuration with step-up in it. Pure: the host's object and all that hangs on it stay as they
 * are.
 *
 * Adds our prompt and check to a copy of the interaction policy, our levels to `acrValues`, `acr`, `amr` and
 * `auth_time` to the `openid` scope and to tokens, and turns the claims parameter on unless the host said no.
 *
 * @throws StepUpError `ERR_CONFIG` where development interactions are on, or cookie keys or
 * `interactions.url` are missing.
 */
export const configure = (
  host: Configuration,
  config: Config,
  { decide, assertAttached, isDead }: ConfigureTools,
): Configuration => {
  assertUsable(host, config)
  const { interactions, features, findAccount, extraTokenClaims } = host
  const hostUrl = interactions?.url as NonNullable<NonNullable<Configuration['interactions']>['url']>
  return {
    ...host,
    acrValues: [...new Set([...(host.acrValues ?? []), ...acrValues(config.levels)])],
    claims: withClaims(host.claims),
    interactions: {
      ...interactions,
      policy: withStepUp(interactions?.policy, decide, offeredBy(config)),
      url: (ctx, interaction) => {
        if (interaction.prompt.name !== PROMPT) return hostUrl(ctx, interaction)
        assertAttached()
        return `${mountPathOf(ctx)}${PAGES}/${interaction.uid}`
      },
    },
    features: featuresOf(features, config, isDead),
    ...(findAccount === undefined ? {} : { findAccount: findingAccount(findAccount, decide, isDead) }),
    extraTokenClaims: async (ctx, token) => {
      const claims = { ...(await extraTokenClaims?.(ctx, token)), ...tokenClaims(ctx) }
      return Object.keys(claims).length > 0 ? claims : undefined
    },
  }
}
