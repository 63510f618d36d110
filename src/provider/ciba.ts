import type Provider from 'oidc-provider'
import type {
  BackchannelAuthenticationRequest,
  Client,
  Configuration,
  Grant,
  KoaContextWithOIDC,
  Account as OidcAccount,
} from 'oidc-provider'
import { errors } from 'oidc-provider'
import type { Account } from '../account.ts'
import { type Evidence, LOGIN, type Proof } from '../assurance/evidence.ts'
import type { Config } from '../config.ts'
import { digest } from '../crypto/digest.ts'
import type { AnyFactor, Transaction } from '../factors/factor.ts'
import type { AccountRecord, AccountRecords } from '../flow/account-record.ts'
import type { Ceremonies } from '../flow/ceremony.ts'
import type { DeviceEnding } from '../flow/devices.ts'
import { activeIds, answering, isTired, type Place } from '../flow/place.ts'
import { decide } from '../policy/decide.ts'
import type { Decision, Situation } from '../policy/decision.ts'
import type { Requirement } from '../policy/requirement.ts'
import { type RequestTools, requirementOf, UNMET } from './request.ts'

type Features = NonNullable<Configuration['features']>
type Ciba = NonNullable<Features['ciba']>

/** What the backchannel works with. */
export interface BackchannelTools extends RequestTools {
  readonly config: Config
  readonly records: AccountRecords
  readonly ceremonies: Pick<Ceremonies, 'show'>
  readonly provider: () => Provider
  readonly negotiate: (uiLocales: string | undefined, acceptLanguage: string) => string
}

/** Client-initiated backchannel authentication on the devices of accounts. */
export interface Backchannel {
  /** The feature with our part in it; the host's own functions are called as well. */
  feature(own: Ciba): Ciba
  /** Ends a request as its device has answered. */
  conclude(ending: DeviceEnding): Promise<void>
}

const MAX_MESSAGE = 200
const NO = 'the user said no'

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

const detailsOf = (value: unknown): Transaction['authorizationDetails'] => {
  const text = textOf(value)
  return text === undefined ? undefined : JSON.parse(text)
}

const transactionOf = (params: Readonly<Record<string, unknown>>): Transaction => {
  const bindingMessage = textOf(params.binding_message)
  const authorizationDetails = detailsOf(params.authorization_details)
  return {
    ...(bindingMessage === undefined ? {} : { bindingMessage }),
    ...(authorizationDetails === undefined ? {} : { authorizationDetails }),
  }
}

/**
 * A bare yes ties nobody's answer to anything, so there has to be something to compare (NIST SP 800-63B-4 section
 * 3.1.3; CIBA Core 1.0 section 7.1).
 */
const assertComparable: NonNullable<Ciba['validateBindingMessage']> = (ctx, message) => {
  if (message !== undefined && (message.length > MAX_MESSAGE || /\p{Cc}/u.test(message)))
    throw new errors.InvalidBindingMessage(`binding_message must be one line of at most ${MAX_MESSAGE} characters`)
  if (textOf(message) === undefined && textOf(ctx.oidc.params?.authorization_details) === undefined)
    throw new errors.InvalidBindingMessage('binding_message is needed, for the user to compare')
}

/** Nothing is known by which a code could be checked. */
const refuseUserCode: NonNullable<Ciba['verifyUserCode']> = (_ctx, _account, code) => {
  if (code !== undefined) throw new errors.InvalidRequest('user_code is not supported')
}

/** Whose device answers has signed in by it, and by nothing else. */
const eventOf = ({ kinds, traits, amr }: Proof, account: Account, at: number, authenticatorId?: string): Evidence => ({
  factor: LOGIN,
  kinds,
  traits,
  amr,
  at,
  cid: '',
  ...(authenticatorId === undefined ? {} : { authenticatorId }),
  ...(account.securityStamp === undefined ? {} : { securityStamp: account.securityStamp }),
})

const situationOf = (
  { config }: BackchannelTools,
  account: Account,
  record: AccountRecord,
  requirement: Requirement,
  event: Evidence,
): Situation => ({
  now: config.clock(),
  cid: undefined,
  flowSeconds: config.flowSeconds,
  levels: config.levels,
  requirement,
  accountActive: account.disabled !== true && record.disabledAt === undefined,
  evidence: [event],
  hasAuthenticators: true,
  factors: [],
  login: event,
  loggedInNow: true,
  // Nobody can be asked for more: what is voluntary is left, and what is reported is what there is.
  declined: true,
})

/** Anything but satisfied cannot be mended: there is no page to ask on. */
const refusalOf = (decision: Decision): Error | undefined => {
  if (decision.outcome === 'satisfied') return undefined
  return decision.outcome === 'refuse' && decision.error === 'access_denied'
    ? new errors.AccessDenied('the account cannot be used')
    : new errors.UnmetAuthenticationRequirements(UNMET)
}

/** The default: what was asked for. */
const grantAll = async (provider: Provider, request: BackchannelAuthenticationRequest): Promise<Grant> => {
  const { accountId, clientId = '', scope = '', claims, resource } = request
  const grant = new provider.Grant({ ...(accountId === undefined ? {} : { accountId }), clientId })
  grant.addOIDCScope(scope)
  const names = Object.values((claims ?? {}) as Record<string, Record<string, unknown> | undefined>)
  grant.addOIDCClaims([...new Set(names.flatMap((member) => Object.keys(member ?? {})))])
  for (const indicator of [resource ?? []].flat()) grant.addResourceScope(indicator, scope)
  return grant
}

/** Asks the account's devices, as long as one of them answering would be enough. */
const createTrigger =
  (tools: BackchannelTools, factor: AnyFactor) =>
  async (
    ctx: KoaContextWithOIDC,
    request: BackchannelAuthenticationRequest,
    { accountId }: OidcAccount,
    client: Client,
  ) => {
    const { config, records, ceremonies, provider } = tools
    const [account, { record }] = await Promise.all([config.account(accountId), records.load(accountId)])
    if (account === undefined) throw new errors.AccessDenied('the account cannot be used')
    const params = request.params as Readonly<Record<string, unknown>>
    const requirement = requirementOf(ctx, { params, client }, config, tools)
    const refused = refusalOf(
      decide(situationOf(tools, account, record, requirement, eventOf(factor, account, config.clock()))),
    )
    if (refused !== undefined) throw refused
    if (answering(factor, account, record).length === 0 || isTired(factor, record))
      throw new errors.UnmetAuthenticationRequirements(UNMET)
    const { issuer } = provider()
    const place: Place = {
      id: `ciba.${digest(request.jti)}`,
      permitKey: { kind: 'permit', accountId, id: `ciba.${digest(request.jti)}` },
      openEnrollment: false,
      account,
      factor,
      purpose: 'challenge',
      client: { id: client.clientId, name: client.clientName ?? client.clientId },
      origin: new URL(issuer).origin,
      issuer,
      url: issuer,
      locale: tools.negotiate(textOf(params.ui_locales), ''),
      transaction: transactionOf(params),
      backchannel: { authReqId: request.jti, requirement },
    }
    const outcome = await ceremonies.show(place)
    if (outcome.outcome !== 'open' || outcome.notice !== undefined) {
      await request.destroy()
      throw new errors.TemporarilyUnavailable('the account is asked already, or cannot be asked now')
    }
    await shorten(ctx, request, outcome.waiting?.expiresAt ?? config.clock(), config.clock())
  }

/** Who asks later than the device can answer is told so, and not kept waiting. */
const shorten = async (
  ctx: KoaContextWithOIDC,
  request: BackchannelAuthenticationRequest,
  expiresAt: number,
  now: number,
) => {
  const life = Math.max(1, Math.min(request.exp ?? expiresAt, expiresAt) - now)
  request.exp = now + life
  await request.save()
  ctx.body = { ...(ctx.body as object), expires_in: life }
}

/** What an approval reaches, judged anew on what stands now. */
const judge = async (tools: BackchannelTools, { place, proof, authenticatorId, at }: DeviceEnding) => {
  const { backchannel, account } = place
  const { config, records } = tools
  const no = new errors.AccessDenied(NO)
  if (backchannel === undefined || proof === undefined) return no
  const { record } = await records.load(account.id)
  const event = eventOf(proof, account, at, authenticatorId)
  const stands = authenticatorId === undefined || activeIds(config.factors, account, record).has(authenticatorId)
  if (!stands) return no
  const decision = decide(situationOf(tools, account, record, backchannel.requirement, event))
  return decision.outcome === 'satisfied' ? decision : (refusalOf(decision) ?? no)
}

const createConclude =
  (tools: BackchannelTools): Backchannel['conclude'] =>
  async (ending) => {
    const { backchannel } = ending.place
    const provider = tools.provider()
    const request = backchannel && (await provider.BackchannelAuthenticationRequest.find(backchannel.authReqId))
    if (request === undefined) return
    const judged = await judge(tools, ending)
    if (judged instanceof Error) {
      // What the library writes there itself is lost with the next reading.
      request.errorDescription = (judged as errors.OIDCProviderError).error_description
      return provider.backchannelResult(request, judged as errors.OIDCProviderError)
    }
    const grantId = await (await grantAll(provider, request)).save()
    const { acr, amr, authTime } = judged
    const rar = detailsOf((request.params as Record<string, unknown>).authorization_details)
    await provider.backchannelResult(request, grantId, {
      ...(acr === undefined ? {} : { acr }),
      amr: [...amr],
      authTime,
      ...(rar === undefined ? {} : { rar: rar as never }),
    })
  }

/**
 * Builds it; undefined where no configured factor has devices.
 *
 * @see OpenID Connect Client-Initiated Backchannel Authentication Flow - Core 1.0
 */
export const createBackchannel = (tools: BackchannelTools): Backchannel | undefined => {
  const factor = tools.config.factors.find(({ devices }) => devices !== undefined)
  if (factor === undefined) return undefined
  const trigger = createTrigger(tools, factor)
  return Object.freeze<Backchannel>({
    feature: (own) => ({
      validateRequestContext: () => undefined,
      verifyUserCode: refuseUserCode,
      ...own,
      async validateBindingMessage(ctx, message) {
        await own.validateBindingMessage?.(ctx, message)
        await assertComparable(ctx, message)
      },
      async triggerAuthenticationDevice(ctx, request, account, client) {
        await trigger(ctx, request, account, client)
        await own.triggerAuthenticationDevice?.(ctx, request, account, client)
      },
    }),
    conclude: createConclude(tools),
  })
}
