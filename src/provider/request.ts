import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import type { Level } from '../assurance/levels.ts'
import type { Config } from '../config.ts'
import type { RequestFacts } from '../policy/floors.ts'
import { type AcrClaim, askedLevels, asksOnlyUnknown, readAcrClaim, type Wish } from '../policy/requirement.ts'
import type { Pass } from './oidc.ts'

const acrClaimOf = (claims: unknown): AcrClaim => {
  const claim = readAcrClaim(claims)
  if ('malformed' in claim) throw new errors.InvalidRequest(claim.malformed)
  return claim
}

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

const parsed = (claims: string | undefined): unknown => (claims === undefined ? undefined : JSON.parse(claims))

/** A device's own `prompt` never reaches the browser leg; oidc-provider writes `max_age=0` there as `prompt=login`. */
const promptsOf = (ctx: KoaContextWithOIDC, { params }: Pick<Pass, 'params'>): readonly string[] => {
  const device = ctx.oidc.entities.DeviceCode?.params as Readonly<Record<string, unknown>> | undefined
  return [textOf(params.prompt), textOf(device?.prompt)].flatMap((value) => value?.split(' ') ?? [])
}

/** What reading a request works with. */
export interface RequestTools {
  /** The scopes that the host would release these claims for. */
  readonly scopesOf: (claims: ReadonlySet<string>) => readonly string[]
}

/** What the request is about, as far as the policy's tables depend on it. */
export const requestFactsOf = (
  ctx: KoaContextWithOIDC,
  { params, client }: Pick<Pass, 'params' | 'client'>,
  { scopesOf }: RequestTools,
): RequestFacts => ({
  clientId: client.clientId,
  scopes: [...(textOf(params.scope)?.split(' ') ?? []), ...scopesOf(ctx.oidc.requestParamClaims)],
  resources: Object.entries(ctx.oidc.resourceServers ?? {}).flatMap(([indicator, { audience }]) => [
    indicator,
    ...(typeof audience === 'string' ? [audience] : []),
  ]),
})

/**
 * What the request asks for. The essential acr is read from the raw `claims` parameter: in the parsed claims,
 * `acr_values` and the client's `default_acr_values` have replaced it by now.
 */
export const wishOf = (
  ctx: KoaContextWithOIDC,
  pass: Pick<Pass, 'params' | 'client'>,
  { levels, acrValues, maxAge: reading }: Pick<Config, 'levels' | 'acrValues' | 'maxAge'>,
): Wish => {
  const { params } = pass
  const prompts = promptsOf(ctx, pass)
  const maxAge = params.max_age === undefined ? undefined : Number(params.max_age)
  return {
    asked: askedLevels(acrClaimOf(parsed(textOf(params.claims))), textOf(params.acr_values), levels, acrValues),
    maxAgeSeconds: maxAge,
    maxAge: reading,
    prompt: prompts.includes('none') ? 'none' : prompts.includes('login') ? 'login' : undefined,
  }
}

/** Said whenever an essential level cannot be had; the same words whatever the account has. */
export const UNMET = 'the requested authentication level cannot be met'

/**
 * Refuses a `claims` parameter before any page is shown: malformed acr requests as `invalid_request`, an
 * essential acr that no level names as `unmet_authentication_requirements`.
 *
 * Pushed requests are judged when they are used, and a silent request without a session is left to
 * `login_required`.
 */
export const assertAcrClaim = ({ oidc }: KoaContextWithOIDC, claims: unknown, levels: readonly Level[]): void => {
  const claim = acrClaimOf(claims)
  if (oidc.route === 'pushed_authorization_request') return
  const silent = oidc.prompts.has('none') && oidc.session?.accountId === undefined
  if (!silent && asksOnlyUnknown(askedLevels(claim, undefined, levels)))
    throw new errors.UnmetAuthenticationRequirements(UNMET)
}
