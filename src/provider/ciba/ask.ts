import type Provider from 'oidc-provider'
import type {
  BackchannelAuthenticationRequest,
  Client,
  KoaContextWithOIDC,
  Account as OidcAccount,
} from 'oidc-provider'
import { errors } from 'oidc-provider'
import type { Account } from '../../account.ts'
import { digest } from '../../crypto/digest.ts'
import type { AnyFactor } from '../../factors/factor.ts'
import type { AccountRecords, LoadedRecord } from '../../flow/account-record.ts'
import type { Ceremonies } from '../../flow/ceremony.ts'
import { answering, contextOf, isTired } from '../../flow/place.ts'
import type { FactName } from '../../policy/facts.ts'
import type { Judge } from '../../policy/judge.ts'
import { requirementOf } from '../../policy/requirement.ts'
import { owedBy } from '../owed.ts'
import { type RequestTools, requestFactsOf, UNMET, wishOf } from '../request.ts'
import { factsOf, type SourceTools } from '../sources.ts'
import { announceDecision, type BackchannelPlace, type JudgementTools, judge, refusalOf } from './judgement.ts'
import { linger, textOf, transactionOf } from './request.ts'

/** What asking works with. */
export interface AskTools extends RequestTools, JudgementTools, SourceTools {
  readonly judge: Judge
  /** The facts that are read at every decision. */
  readonly reads: readonly FactName[]
  readonly records: Pick<AccountRecords, 'load'>
  readonly ceremonies: Pick<Ceremonies, 'show'>
  readonly provider: () => Provider
  readonly negotiate: (uiLocales: string | undefined, acceptLanguage: string) => string
}

/** One request in the backchannel. */
interface Asking {
  readonly ctx: KoaContextWithOIDC
  readonly request: BackchannelAuthenticationRequest
  readonly accountId: string
  readonly client: Client
}

/** Asks an account's devices. What they are asked goes out after `before`, which can still refuse. */
export type Ask = (
  ctx: KoaContextWithOIDC,
  request: BackchannelAuthenticationRequest,
  account: OidcAccount,
  client: Client,
  before: () => unknown,
) => Promise<void>

/**
 * What the request needs. Who asks is the client, not the user: where the user is, and by what, is not known, which
 * counts against the sign-in wherever the policy asks for it.
 */
const requirementIn = async (asking: Asking, account: Account, loaded: LoadedRecord, tools: AskTools) => {
  const { ctx, request, accountId, client } = asking
  const { config, judge, reads } = tools
  const pass = { params: request.params as Readonly<Record<string, unknown>>, client }
  const facts = requestFactsOf(ctx, pass, tools)
  const subject = { accountId, client, request: facts, requester: undefined }
  const read = await factsOf(
    { ...subject, account: async () => account, record: async () => loaded.record, evidence: async () => [] },
    tools,
  ).read(reads)
  return requirementOf(wishOf(ctx, pass, config), owedBy(judge, facts, read), false)
}

const placeOf = async (
  tools: AskTools,
  factor: AnyFactor,
  asking: Asking,
  loaded: LoadedRecord,
): Promise<BackchannelPlace> => {
  const { request, accountId, client } = asking
  const { config, provider, negotiate } = tools
  const account = await config.account(accountId)
  if (account === undefined) throw new errors.UnknownUserId('could not identify end-user')
  const params = request.params as Readonly<Record<string, unknown>>
  const { issuer } = provider()
  const id = `ciba.${digest(request.jti)}`
  return {
    id,
    permitKey: { kind: 'permit', accountId, id },
    openEnrollment: false,
    account,
    factor,
    purpose: 'challenge',
    client: { id: client.clientId, name: client.clientName ?? client.clientId },
    origin: new URL(issuer).origin,
    issuer,
    url: issuer,
    locale: negotiate(textOf(params.ui_locales), ''),
    transaction: { ...transactionOf(params), expiresAt: config.clock() + request.expiration },
    backchannel: { authReqId: request.jti, requirement: await requirementIn(asking, account, loaded, tools) },
  }
}

/** Refuses what no answer of the account's devices could meet: then nobody is asked. */
const assertReachable = (tools: AskTools, place: BackchannelPlace, { record }: LoadedRecord) => {
  const { account, factor } = place
  const decision = judge(tools, place, record, { proof: factor, at: tools.config.clock() })
  const refusal = refusalOf(decision)
  if (refusal !== undefined) {
    announceDecision(tools, place, decision)
    throw refusal
  }
  if (answering(factor, account, record).length === 0 || isTired(factor, record))
    throw new errors.UnmetAuthenticationRequirements(UNMET)
}

const busy = (ctx: KoaContextWithOIDC, retryAfterSeconds?: number): Error => {
  if (retryAfterSeconds !== undefined) ctx.set('Retry-After', String(retryAfterSeconds))
  return new errors.TemporarilyUnavailable('the account is asked already, or cannot be asked now')
}

/**
 * The request ends when its devices can answer no more, or before. That is written before anybody is asked: whoever
 * answers at once would else be written over. Beginning a ceremony only computes, so it tells how long one would last.
 */
const limit = async (tools: AskTools, place: BackchannelPlace, loaded: LoadedRecord, { ctx, request }: Asking) => {
  const now = tools.config.clock()
  const step = await place.factor.challenge.begin(contextOf(place, loaded, now))
  if (step.outcome === 'refused' || step.awaits === undefined) throw busy(ctx)
  const life = Math.max(1, Math.min(request.expiration, step.awaits.expiresAt - now))
  request.exp = now + life
  linger(request)
  await request.save()
  ctx.body = { ...(ctx.body as object), expires_in: life }
}

const open = async ({ ceremonies }: AskTools, place: BackchannelPlace, { ctx }: Asking) => {
  const outcome = await ceremonies.show(place)
  if (outcome.outcome !== 'open') throw busy(ctx)
  const { waiting, notice } = outcome
  // A push that did not go out hinders nobody whose app is open.
  if (waiting === undefined) throw busy(ctx, notice?.reason === 'paused' ? notice.retryAfterSeconds : undefined)
}

/**
 * Asks the account's devices, as long as one of them answering would be enough. Of a request that is refused nothing
 * stays.
 */
export const createAsk =
  (tools: AskTools, factor: AnyFactor): Ask =>
  async (ctx, request, { accountId }, client, before) => {
    const asking: Asking = { ctx, request, accountId, client }
    try {
      const loaded = await tools.records.load(accountId)
      const place = await placeOf(tools, factor, asking, loaded)
      assertReachable(tools, place, loaded)
      await before()
      await limit(tools, place, loaded, asking)
      await open(tools, place, asking)
    } catch (fault) {
      // Nobody knows its name: where even that fails, it runs out by itself.
      await request.destroy().catch(() => undefined)
      throw fault
    }
  }
