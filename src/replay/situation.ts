import { type Evidence, LOGIN, type Proof } from '../assurance/evidence.ts'
import type { FactorStanding, Situation } from '../policy/decision.ts'
import type { Facts } from '../policy/facts.ts'
import type { Owed } from '../policy/judge.ts'
import { askedLevels, requirementOf } from '../policy/requirement.ts'
import type { DecisionRecord, RecordedEvent } from '../recording/decision-record.ts'
import { readProof } from '../recording/proof-text.ts'
import type { ReplayedFactor, ReplayedPolicy } from './policy.ts'

const OWN = 'own'
const OTHER = 'other'
/** What came in again is told apart from what did not; which it was is not. */
const SAME = 'same'
const PASSWORD = ['pwd']

const eventOf = (event: RecordedEvent, next: RecordedEvent | undefined, at: number): Evidence => {
  const { by, proof, age, own, again, enrolled, amr, method, upstream } = event
  const isSame = again === true || next?.again === true
  return {
    factor: by,
    ...readProof(proof),
    amr: amr ?? (by === LOGIN ? PASSWORD : []),
    at: at - age,
    cid: own === true ? OWN : OTHER,
    ...(isSame ? { authenticatorId: SAME } : {}),
    ...(enrolled === undefined ? {} : { enrolled }),
    ...(method === undefined ? {} : { method }),
    ...(upstream === undefined ? {} : { upstream }),
  }
}

/** What the session had proved, but for what factors did that are no more. */
export const evidenceOf = (
  { events, at }: DecisionRecord,
  isKnown: (factorId: string) => boolean,
): readonly Evidence[] =>
  events
    .map((event, index) =>
      eventOf(
        event,
        events.slice(index + 1).find(({ own }) => own),
        at,
      ),
    )
    .filter(({ factor }) => factor === LOGIN || isKnown(factor))

const standingOf = ({ factors, proofs }: DecisionRecord, factor: ReplayedFactor): FactorStanding => {
  const { id, kinds, traits, amr, besideOthers, enrolls } = factor
  const recorded = Object.hasOwn(factors, id) ? factors[id] : undefined
  const own = proofs !== undefined && Object.hasOwn(proofs, id) ? proofs[id] : undefined
  return {
    id,
    kinds,
    traits,
    amr,
    usable: recorded?.includes('u') === true,
    // Nobody has what was not there yet, and everybody may set it up.
    enrollable: recorded === undefined ? enrolls : recorded.includes('e'),
    ...(besideOthers === undefined ? {} : { besideOthers }),
    ...(own === undefined ? {} : { proofs: own.map((text): Proof => ({ ...readProof(text), amr })) }),
  }
}

const proofOf = (text: string): Proof => ({ ...readProof(text), amr: [] })

const rememberedOf = ({ remembered }: DecisionRecord): Pick<Situation, 'remembered'> => {
  if (remembered === undefined) return {}
  const [factor, proof] = remembered
  return { remembered: { factor, ...proofOf(proof) } }
}

const LOGIN_PAGE: Proof = { kinds: ['knowledge'], traits: [], amr: PASSWORD }

/** The situation of a record, as another policy lays it out. */
export const situationOf = (
  record: DecisionRecord,
  policy: ReplayedPolicy,
  { evidence, facts, owed }: { evidence: readonly Evidence[]; facts: Partial<Facts>; owed: Owed },
): Situation => {
  const { at, acr = [], essential = false, maxAge, prompt, has = false } = record
  const { levels, flowSeconds } = policy
  const asked = askedLevels({ values: acr, essential }, undefined, levels, policy.acrValues)
  const wish = { asked, maxAgeSeconds: maxAge, maxAge: policy.maxAge, prompt }
  const relies = policy.remembers && facts.risk?.confidence !== 'low'
  return {
    now: at,
    cid: record.loggedIn === true || evidence.some(({ cid }) => cid === OWN) ? OWN : undefined,
    flowSeconds,
    levels,
    requirement: requirementOf(wish, owed, relies),
    accountActive: record.inactive !== true,
    evidence,
    hasAuthenticators: has,
    hasStandalone: record.alone ?? has,
    hasOnlyAddresses: record.addresses ?? !has,
    ticketOnly: policy.byTicket || record.ticket === true || owed.byTicket === true,
    ...rememberedOf(record),
    factors: policy.factors.map((factor) => standingOf(record, factor)),
    login:
      record.login === undefined
        ? (evidence.findLast(({ factor }) => factor === LOGIN) ?? LOGIN_PAGE)
        : proofOf(record.login),
    loggedInNow: record.loggedIn === true,
    declined: false,
    unavailable: record.unavailable,
    policy: { facts: {}, rules: owed.spoken },
  }
}
