import type { KoaContextWithOIDC, Session } from 'oidc-provider'
import type { Account } from '../account.ts'
import { LOGIN, type Proof, standing } from '../assurance/evidence.ts'
import { PASSWORD } from '../config.ts'
import type { AnyFactor } from '../factors/factor.ts'
import { type AccountRecord, usableAuthenticators } from '../flow/account-record.ts'
import { decide } from '../policy/decide.ts'
import type { Decision, FactorStanding } from '../policy/decision.ts'
import { type GatherTools, gather, readAll } from './gather.ts'
import { type Pass, passOf } from './oidc.ts'
import { type RequestTools, requirementOf } from './request.ts'

/** Decides once per request; every further caller of the same request gets the same answer. */
export type Decider = (ctx: KoaContextWithOIDC) => Promise<Decision | undefined>

/** What deciding works with. */
export interface DecisionTools extends GatherTools, RequestTools {
  /** How long a session lives from now, in seconds: what the host configured as `ttl.Session`. */
  readonly sessionSeconds: (ctx: KoaContextWithOIDC, session: Session) => number
}

const standingOf = (factor: AnyFactor, account: Account, record: AccountRecord): FactorStanding => {
  const { id, kinds, traits, amr, enroll, implied } = factor
  return {
    id,
    kinds,
    traits,
    amr,
    usable: usableAuthenticators(record, id).length > 0 || (implied?.(account).length ?? 0) > 0,
    enrollable: enroll !== undefined && record.disabledFactors[id] === undefined,
  }
}

const strength = ({ kinds, traits }: Proof) =>
  (traits.includes('phishing-resistant') ? 8 : 0) +
  (kinds.length > 1 ? 4 : 0) +
  (traits.includes('hardware') ? 2 : 0) -
  (traits.some((trait) => trait === 'restricted' || trait === 'address' || trait === 'recovery') ? 1 : 0)

/** The account's last choice first, else the strongest; the sort is stable, so ties keep the host's order. */
const inOrder = (factors: readonly FactorStanding[], { lastFactor }: AccountRecord) =>
  [...factors].sort(
    (one, other) => Number(other.id === lastFactor) - Number(one.id === lastFactor) || strength(other) - strength(one),
  )

const situate = async (ctx: KoaContextWithOIDC, pass: Pass, tools: DecisionTools): Promise<Decision> => {
  const { config, sessionSeconds } = tools
  const { session, interaction } = pass
  const requirement = requirementOf(ctx, pass, config, tools)
  const read = await readAll(pass, tools)
  const { events, loggedInNow, declined } = await gather(ctx, pass, read, sessionSeconds(ctx, session), tools)
  const { account = { id: session.accountId, label: '', disabled: true }, record } = read
  return decide({
    now: config.clock(),
    cid: interaction?.cid,
    flowSeconds: config.flowSeconds,
    levels: config.levels,
    requirement,
    accountActive: account.disabled !== true,
    evidence: standing(events, {
      activeAuthenticatorIds: new Set(usableAuthenticators(record).map(({ id }) => id)),
      securityStamp: account.securityStamp,
    }),
    hasAuthenticators: record.authenticators.length > 0,
    factors: inOrder(
      config.factors.map((factor) => standingOf(factor, account, record)),
      record,
    ),
    login: events.findLast(({ factor }) => factor === LOGIN) ?? PASSWORD,
    loggedInNow,
    declined,
  })
}

/**
 * The one place where facts are gathered and `decide()` is called. Undefined where nobody is signed in.
 *
 * The promise never goes unhandled: a pass may fail for a reason of its own before anybody awaits it.
 */
export const createDecider = (tools: DecisionTools): Decider => {
  const decisions = new WeakMap<KoaContextWithOIDC, Promise<Decision | undefined>>()
  return (ctx) => {
    const known = decisions.get(ctx)
    if (known !== undefined) return known
    const pass = passOf(ctx)
    const decision = pass === undefined ? Promise.resolve(undefined) : situate(ctx, pass, tools)
    decision.catch(() => undefined)
    decisions.set(ctx, decision)
    return decision
  }
}
