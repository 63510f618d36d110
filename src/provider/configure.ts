import type { Configuration } from 'oidc-provider'
import type { Config } from '../config.ts'
import { StepUpError } from '../errors.ts'
import { owesAnything } from '../policy/policy.ts'
import type { Pieces } from './pieces.ts'

const refuse = (message: string): never => {
  throw new StepUpError('ERR_CONFIG', `configure(): ${message}`)
}

const assertUsable = ({ features, cookies, interactions }: Configuration, { policy, factors }: Config) => {
  if (features?.devInteractions?.enabled === true)
    refuse('features.devInteractions is on, and would take the place of every page; turn it off')
  if (features?.ciba?.enabled === true && owesAnything(policy) && !factors.some(({ devices }) => devices !== undefined))
    refuse(
      'features.ciba is on, but backchannel requests pass no interaction policy and so no floor of yours; a factor with devices would ask',
    )
  const keys: readonly unknown[] = Array.isArray(cookies?.keys) ? cookies.keys : []
  if (keys.length === 0)
    refuse('cookies.keys is missing, so that no cookie would be signed; set at least one random text')
  const empty = keys.findIndex((key) => !key)
  if (empty >= 0) refuse(`cookies.keys[${empty}] is missing, as a variable that is not set; set it to a random text`)
  if (typeof interactions?.url !== 'function')
    refuse('interactions.url is missing; set the function that tells where your login and consent pages are')
}

/** What oidc-provider does by itself: whoever signed in exists. */
const anybody: NonNullable<Configuration['findAccount']> = (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) })

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
export const configure = (host: Configuration, config: Config, pieces: Pieces): Configuration => {
  if (typeof host !== 'object' || host === null)
    refuse(
      `found ${host === undefined ? 'nothing' : `a value of type ${typeof host}`}; allowed: the configuration of your provider`,
    )
  assertUsable(host, config)
  const { interactions, findAccount = anybody } = host
  type Url = Parameters<Pieces['interactionUrl']>[0]
  return {
    ...host,
    acrValues: pieces.acrValues(host.acrValues),
    claims: pieces.claims(host.claims),
    interactions: {
      ...interactions,
      policy: pieces.policy(interactions?.policy),
      url: pieces.interactionUrl(interactions?.url as Url),
    },
    features: pieces.features(host.features),
    findAccount: pieces.findAccount(findAccount),
    extraTokenClaims: pieces.extraTokenClaims(host.extraTokenClaims),
  }
}
