import type Provider from 'oidc-provider'
import type { BackchannelAuthenticationRequest, Grant } from 'oidc-provider'
import { errors } from 'oidc-provider'
import type { AccountRecords } from '../../flow/account-record.ts'
import type { DeviceEnding } from '../../flow/devices.ts'
import { activeIds } from '../../flow/place.ts'
import type { Decision } from '../../policy/decision.ts'
import { announceDecision, type BackchannelPlace, type JudgementTools, judge, refusalOf } from './judgement.ts'
import { detailsOf, linger } from './request.ts'

/** What concluding works with. */
export interface ConcludeTools extends JudgementTools {
  readonly records: Pick<AccountRecords, 'load'>
  readonly provider: () => Provider
}

type Satisfied = Decision & { readonly outcome: 'satisfied' }
type Result = Parameters<Provider['backchannelResult']>

const notApproved = () => new errors.AccessDenied('the request was not approved')

/** What an approval reaches, judged anew on what stands now. */
const judgeEnding = async (
  tools: ConcludeTools,
  place: BackchannelPlace,
  { proof, authenticatorId, at }: DeviceEnding,
): Promise<Satisfied | errors.OIDCProviderError> => {
  if (proof === undefined) return notApproved()
  const { record } = await tools.records.load(place.account.id)
  const { factors } = tools.config
  if (authenticatorId !== undefined && !activeIds(factors, place.account, record).has(authenticatorId))
    return notApproved()
  const decision = judge(tools, place, record, { proof, authenticatorId, at })
  announceDecision(tools, place, decision)
  return decision.outcome === 'satisfied' ? decision : (refusalOf(decision) ?? notApproved())
}

/** What was asked for, as it was approved. */
const grantOf = async (provider: Provider, request: BackchannelAuthenticationRequest): Promise<Grant> => {
  const { accountId, clientId = '', scope = '', claims, resource } = request
  const grant = new provider.Grant({ ...(accountId === undefined ? {} : { accountId }), clientId })
  grant.addOIDCScope(scope)
  const asked = Object.values((claims ?? {}) as Record<string, Record<string, unknown> | undefined>)
  grant.addOIDCClaims([...new Set(asked.flatMap((member) => Object.keys(member ?? {})))])
  for (const indicator of [resource ?? []].flat()) grant.addResourceScope(indicator, scope)
  await grant.save()
  return grant
}

/** Writes the result. A client that could not be told of it finds it when it asks (CIBA Core 1.0 section 10.2). */
const deliver = async (provider: Provider, request: BackchannelAuthenticationRequest, ...how: Result) => {
  linger(request)
  try {
    await provider.backchannelResult(...how)
  } catch (fault) {
    const written = await provider.BackchannelAuthenticationRequest.find(request.jti)
    if (written?.grantId === undefined && written?.error === undefined) throw fault
    const message = `client "${request.clientId}" could not be told of a result: ${(fault as Error).message}`
    process.emitWarning(message, { type: 'StepUpWarning', code: 'STEP_UP_CIBA_PING' })
  }
}

/** Ends a request as its device has answered. One that has expired is left as it is. */
export const createConclude =
  (tools: ConcludeTools) =>
  async (ending: DeviceEnding): Promise<void> => {
    const { place } = ending
    const { backchannel } = place
    if (backchannel === undefined) return
    const provider = tools.provider()
    const request = await provider.BackchannelAuthenticationRequest.find(backchannel.authReqId)
    if (request === undefined) return
    const judged = await judgeEnding(tools, { ...place, backchannel }, ending)
    if (judged instanceof Error) {
      // What the library writes there itself is lost with the next reading.
      request.errorDescription = judged.error_description
      return deliver(provider, request, request, judged)
    }
    const { acr, amr, authTime } = judged
    const rar = detailsOf((request.params as Readonly<Record<string, unknown>>).authorization_details)
    await deliver(provider, request, request, await grantOf(provider, request), {
      ...(acr === undefined ? {} : { acr }),
      amr: [...amr],
      authTime,
      ...(rar === undefined ? {} : { rar: rar as never }),
    })
  }
