import type { Account } from '../account.ts'
import { type Evidence, type Proof, standing } from '../assurance/evidence.ts'
import type { Config } from '../config.ts'
import type { AccountRecord } from '../flow/account-record.ts'
import {
  besideOthers,
  dueFactors,
  enrollableFactors,
  hasOnlyAddresses,
  hasStandalone,
  strengthOf,
} from '../flow/permit.ts'
import { activeIds, answering, isTired } from '../flow/place.ts'
import { decide } from '../policy/decide.ts'
import type { FactorStanding, Situation } from '../policy/decision.ts'
import type { FactName, Facts } from '../policy/facts.ts'
import type { Owed } from '../policy/judge.ts'
import type { Requirement } from '../policy/requirement.ts'
import { requirementOf, type Wish } from '../policy/requirement.ts'
import { shownFacts } from '../policy/shown.ts'
import type { PolicyTrace, TrialTrace } from '../policy/trace.ts'

/** All that was read for one decision. */
export interface Laid {
  readonly account: Account
  readonly record: AccountRecord
  readonly facts: Partial<Facts>
  readonly wish: Wish
  readonly owed: Owed
  /** Whether browsers are remembered at all; low confidence relies on none. */
  readonly relies: boolean
  /** What stands, oldest first. */
  readonly evidence: readonly Evidence[]
  /** Factors that this browser turned down. */
  readonly notHere: readonly string[]
  readonly session: Pick<Situation, 'cid' | 'login' | 'loggedInNow' | 'declined' | 'unavailable'>
}

/** What laying it out works with. */
export interface LayingTools {
  readonly config: Config
  /** The facts that are read at every decision: of the policy, and of risk where it is assessed. */
  readonly reads: readonly FactName[]
}

/** The events that still stand, by what the account has now. */
export const standingEvents = (
  { factors }: Pick<Config, 'factors'>,
  events: readonly Evidence[],
  account: Account,
  record: AccountRecord,
): readonly Evidence[] =>
  standing(events, {
    activeAuthenticatorIds: activeIds(factors, account, record),
    securityStamp: account.securityStamp,
    revokedAt: record.revokedAt,
  })

/** What planning needs to know about every configured factor and this account, in the order to be offered. */
const standingsOf = (
  { factors, clock, offers }: Config,
  account: Account,
  record: AccountRecord,
  notHere: readonly string[],
): readonly FactorStanding[] => {
  const enrollable = enrollableFactors(factors, record)
  const due = dueFactors(factors, record, clock(), offers?.everySeconds)
  const isDue = (id: string) => due.factors.includes(id) && !notHere.includes(id)
  const standings = factors.map((factor): FactorStanding => {
    const { id, kinds, traits, amr } = factor
    const able = answering(factor, account, record)
    return {
      id,
      kinds,
      traits,
      amr,
      usable: able.length > 0 && !isTired(factor, record),
      ...(factor.atMost === undefined ? {} : { proofs: able.map((one) => factor.atMost?.(one) ?? factor) }),
      ...besideOthers(factor),
      enrollable: enrollable.includes(id),
      ...(isDue(id) ? { due: due.reason } : {}),
    }
  })
  return inOrder(standings, record)
}

/** Nobody means to choose these again by having used them once. */
const isFallback = ({ traits }: Proof) => traits.includes('recovery') || traits.includes('address')

/** The account's last choice first, else the strongest; the sort is stable, so ties keep the host's order. */
const inOrder = (factors: readonly FactorStanding[], { lastFactor }: AccountRecord) => {
  const isChoice = (one: FactorStanding) => one.id === lastFactor && !isFallback(one)
  return [...factors].sort(
    (one, other) => Number(isChoice(other)) - Number(isChoice(one)) || strengthOf(other) - strengthOf(one),
  )
}

/** What is on trial would have come to, with the same evidence. */
const trialOf = (
  situate: (requirement: Requirement) => Situation,
  wish: Wish,
  { trial }: Owed,
  relies: boolean,
): TrialTrace | undefined => {
  if (trial === undefined || 'fault' in trial) return trial
  const decision = decide(situate(requirementOf(wish, trial, relies)))
  return {
    outcome: decision.outcome,
    ...(decision.outcome === 'refuse' ? { error: decision.error } : {}),
    reason: decision.trace.reason,
    floors: decision.trace.floors,
    rules: trial.spoken,
  }
}

/** How the policy came to what is owed; undefined where no rule was asked. */
const policyTraceOf = (
  reads: readonly FactName[],
  facts: Partial<Facts>,
  { spoken }: Owed,
  reportOnly: TrialTrace | undefined,
): PolicyTrace | undefined =>
  reads.length === 0 && spoken.length === 0 && reportOnly === undefined
    ? undefined
    : {
        facts: shownFacts(reads, facts),
        rules: spoken,
        ...(reportOnly === undefined ? {} : { reportOnly }),
      }

/** Lays out what was read, as decisions want it: here and nowhere else, so that all who ask get the same answer. */
export const situationOf = (laid: Laid, { config, reads }: LayingTools): Situation => {
  const { account, record, wish, owed, facts, evidence, session } = laid
  // Where risk is assessed and cannot be told, it is low.
  const isDoubtful = reads.includes('risk') && (facts.risk?.confidence ?? 'low') === 'low'
  const relies = laid.relies && !isDoubtful
  const factors = standingsOf(config, account, record, laid.notHere)
  // Written out, and made twice where something is on trial: a spread of so many members is slow to read.
  const situate = (requirement: Requirement, policy?: PolicyTrace): Situation => ({
    now: config.clock(),
    cid: session.cid,
    flowSeconds: config.flowSeconds,
    levels: config.levels,
    requirement,
    accountActive: account.disabled !== true && record.disabledAt === undefined,
    evidence,
    hasAuthenticators: record.authenticators.length > 0,
    hasStandalone: hasStandalone(config.factors, record),
    hasOnlyAddresses: hasOnlyAddresses(config.factors, record),
    ticketOnly: config.enrollment === 'ticket' || record.enrollment === 'ticket' || owed.byTicket === true,
    factors,
    login: session.login,
    loggedInNow: session.loggedInNow,
    declined: session.declined,
    unavailable: session.unavailable,
    policy,
  })
  const trial = trialOf(situate, wish, owed, relies)
  return situate(requirementOf(wish, owed, relies), policyTraceOf(reads, facts, owed, trial))
}
