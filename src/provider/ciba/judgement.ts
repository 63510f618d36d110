import { errors } from 'oidc-provider'
import { type Evidence, LOGIN, type Proof } from '../../assurance/evidence.ts'
import type { Config } from '../../config.ts'
import type { Announce } from '../../events.ts'
import type { AccountRecord } from '../../flow/account-record.ts'
import type { Place } from '../../flow/place.ts'
import { decide } from '../../policy/decide.ts'
import type { Decision } from '../../policy/decision.ts'
import { UNMET } from '../request.ts'

/** A place where a device answers a client's request. */
export type BackchannelPlace = Place & { readonly backchannel: NonNullable<Place['backchannel']> }

/** What was shown, by which authenticator and when; epoch seconds. */
export interface Showing {
  readonly proof: Proof
  readonly authenticatorId?: string | undefined
  readonly at: number
}

/** What judging works with. */
export interface JudgementTools {
  readonly config: Config
  readonly announce: Announce
}

/** Whose device answers has signed in by it and proved what it proves: both at once, and nothing beside. */
const eventsOf = ({ id, account, factor }: Place, { proof, authenticatorId, at }: Showing): readonly Evidence[] => {
  const { kinds, traits, amr } = proof
  const shown = {
    kinds,
    traits,
    amr,
    at,
    cid: id,
    ...(authenticatorId === undefined ? {} : { authenticatorId }),
    ...(account.securityStamp === undefined ? {} : { securityStamp: account.securityStamp }),
  }
  return [
    { ...shown, factor: LOGIN },
    { ...shown, factor: factor.id },
  ]
}

/** What the request comes to if this is shown. */
export const judge = (
  { config }: JudgementTools,
  place: BackchannelPlace,
  record: AccountRecord,
  showing: Showing,
): Decision =>
  decide({
    now: config.clock(),
    cid: place.id,
    flowSeconds: config.flowSeconds,
    levels: config.levels,
    requirement: place.backchannel.requirement,
    accountActive: place.account.disabled !== true && record.disabledAt === undefined,
    evidence: eventsOf(place, showing),
    hasAuthenticators: true,
    factors: [],
    login: showing.proof,
    loggedInNow: true,
    // Nobody can be asked for more: what is voluntary is left, and what is reported is what there is.
    declined: true,
  })

/** The error of a decision; undefined where it is satisfied. Anything else cannot be mended: there is no page to ask on. */
export const refusalOf = (decision: Decision): errors.OIDCProviderError | undefined => {
  if (decision.outcome === 'satisfied') return undefined
  return decision.outcome === 'refuse' && decision.error === 'access_denied'
    ? new errors.AccessDenied('the account cannot be used')
    : new errors.UnmetAuthenticationRequirements(UNMET)
}

/** Tells the host how a request was decided. */
export const announceDecision = (
  { announce }: JudgementTools,
  { account, client }: BackchannelPlace,
  decision: Decision,
): void => announce('authorization.decided', { accountId: account.id, clientId: client?.id ?? '', decision })
