import { type Evidence, LOGIN } from '../assurance/evidence.ts'
import { decide } from '../policy/decide.ts'
import type { Facts } from '../policy/facts.ts'
import type { Owed } from '../policy/judge.ts'
import type { DecisionRecord, RecordedOutcome } from '../recording/decision-record.ts'
import { outcomeOf } from '../recording/record.ts'
import { type Category, categoryOf, differenceOf, type RuleDifference } from './compare.ts'
import { factsOf } from './facts.ts'
import type { ReplayedPolicy } from './policy.ts'
import { evidenceOf, situationOf } from './situation.ts'

/** What another policy makes of one recorded decision. */
export interface Replayed {
  readonly client: string
  readonly category: Category
  readonly before: RecordedOutcome
  readonly now: RecordedOutcome
  /** Present where it is not the same. */
  readonly difference?: RuleDifference
  /** Facts that were read and were not recorded. */
  readonly missed: readonly string[]
  /** Factors that were usable then and are no more. */
  readonly gone: readonly string[]
  /** Why a rule failed. Nobody passes then. */
  readonly fault?: string
}

const FAILED: RecordedOutcome = { is: 'refuse', reason: 'refused-by-rule', floors: [] }

/** What a policy makes of the facts of a record, before anything is decided. */
export interface Judged {
  readonly evidence: readonly Evidence[]
  readonly facts: Partial<Facts>
  /** What is owed; a text where a rule failed, which says why. */
  readonly owed: Owed | string
  readonly missed: readonly string[]
}

/** What the session of a record had proved, as far as the policy knows the factors. */
export const provedIn = (record: DecisionRecord, { factors }: ReplayedPolicy): readonly Evidence[] =>
  evidenceOf(record, (id) => factors.some((factor) => factor.id === id))

/** Asks the policy what a recorded pass owes. */
export const judgeLine = (
  record: DecisionRecord,
  policy: ReplayedPolicy,
  evidence: readonly Evidence[] = provedIn(record, policy),
): Judged => {
  const missing = new Set<string>()
  const facts = factsOf(policy.reads, record, evidence, (name) => missing.add(name))
  const { client: clientId, scopes, resources = [] } = record
  const owe = () => {
    try {
      return policy.judge.owes({ clientId, scopes, resources }, facts)
    } catch (fault) {
      return fault instanceof Error ? fault.message : String(fault)
    }
  }
  return { evidence, facts, owed: owe(), missed: [...missing] }
}

const goneFrom = ({ factors, events }: DecisionRecord, policy: ReplayedPolicy) => {
  const used = Object.keys(factors).filter((id) => factors[id]?.includes('u'))
  const proved = events.map(({ by }) => by).filter((by) => by !== LOGIN)
  return [...new Set([...used, ...proved])].filter((id) => policy.factors.every((factor) => factor.id !== id))
}

/** Decides a recorded pass again, and compares. */
export const decideLine = (record: DecisionRecord, policy: ReplayedPolicy, judged: Judged): Replayed => {
  const { owed, missed } = judged
  const isFailed = typeof owed === 'string'
  const now = isFailed ? FAILED : outcomeOf(decide(situationOf(record, policy, { ...judged, owed })))
  const { outcome: before, client } = record
  const category = categoryOf(before, now)
  return {
    client,
    category,
    before,
    now,
    ...(category === 'same' ? {} : { difference: differenceOf(before, now) }),
    missed,
    gone: goneFrom(record, policy),
    ...(isFailed ? { fault: owed } : {}),
  }
}

/**
 * Decides a recorded pass again, by another policy, and compares. A fact that the policy reads and the record does not
 * have is not known, which speaks against the sign-in.
 *
 * @throws RangeError where the record is none.
 */
export const replayLine = (record: DecisionRecord, policy: ReplayedPolicy): Replayed =>
  decideLine(record, policy, judgeLine(record, policy))
