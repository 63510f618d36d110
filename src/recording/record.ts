import { type Evidence, LOGIN, type Proof } from '../assurance/evidence.ts'
import type { Decision, FactorStanding, Situation } from '../policy/decision.ts'
import type { Facts } from '../policy/facts.ts'
import type { RequestFacts } from '../policy/floors.ts'
import type { DecisionRecord, RecordedEvent, RecordedOutcome } from './decision-record.ts'
import { proofText } from './proof-text.ts'
import { type Named, reducedFacts } from './reduce.ts'

/** One pass that was decided, with all that a record tells of it. */
export interface Recordable {
  readonly situation: Situation
  readonly decision: Decision
  readonly request: RequestFacts
  readonly facts: Partial<Facts>
  /** In place of the account's id. */
  readonly pseudonym: string
  /** The configuration asks every account for a ticket. */
  readonly allByTicket: boolean
  readonly named: Named
}

const isOwn = ({ cid }: Situation, event: Evidence) => cid !== undefined && event.cid === cid

/** Who came in by an authenticator has not been asked for it. */
const isAgain = (event: Evidence, before: Evidence | undefined) =>
  event.factor !== LOGIN &&
  before?.factor === LOGIN &&
  before.authenticatorId !== undefined &&
  before.authenticatorId === event.authenticatorId

/**
 * Whether a pass is the first of its authorization that is decided after its login: what comes later follows from what
 * it asked. One that asks for the login anew is none, but for where nothing can be asked.
 */
export const isFirstPass = (situation: Situation, { outcome }: Pick<Decision, 'outcome'>): boolean => {
  const { cid, loggedInNow, declined, evidence, requirement } = situation
  if (declined || (cid !== undefined && !loggedInNow)) return false
  const own = evidence.filter((event) => isOwn(situation, event))
  if (own.some((event, index) => event.factor !== LOGIN && !isAgain(event, own[index - 1]))) return false
  return outcome !== 'login' || requirement.prompt === 'none'
}

const isPassword = ([first, ...more]: readonly string[]) => first === 'pwd' && more.length === 0

const loginMembers = ({ amr, method, upstream }: Evidence) => ({
  ...(isPassword(amr) ? {} : { amr }),
  ...(method === undefined ? {} : { method }),
  ...(upstream === undefined ? {} : { upstream }),
})

/** Of events that prove the same by the same means, the newest: it is as good as any before it. */
const eventsOf = (situation: Situation): readonly RecordedEvent[] => {
  const { now, evidence } = situation
  const newest = new Map<string, RecordedEvent>()
  const own = evidence.filter((event) => isOwn(situation, event))
  for (const event of evidence) {
    const { factor, at, enrolled, amr } = event
    const place = own.indexOf(event)
    const told = {
      by: factor,
      proof: proofText(event),
      ...(place === -1 ? {} : { own: true as const }),
      ...(place > 0 && isAgain(event, own[place - 1]) ? { again: true as const } : {}),
      ...(place !== -1 && enrolled !== undefined ? { enrolled } : {}),
      ...(factor === LOGIN ? loginMembers(event) : {}),
    }
    newest.set(JSON.stringify([told, amr]), { ...told, age: now - at })
  }
  return [...newest.values()]
}

const factorsOf = (factors: readonly FactorStanding[]) =>
  Object.fromEntries(factors.map(({ id, usable, enrollable }) => [id, `${usable ? 'u' : ''}${enrollable ? 'e' : ''}`]))

const proofsOf = (factors: readonly FactorStanding[]) => {
  const differing = factors.flatMap(({ id, proofs, kinds, traits }) => {
    const texts = proofs?.map(proofText) ?? []
    const most = proofText({ kinds, traits })
    return texts.every((one) => one === most) ? [] : [[id, texts] as const]
  })
  return differing.length === 0 ? {} : { proofs: Object.fromEntries(differing) }
}

const askedOf = ({ requirement: { asked, maxAgeSeconds, prompt } }: Situation) => {
  const acr = [...asked.levels.map(({ spelled }) => spelled), ...asked.unknown]
  return {
    ...(acr.length === 0 ? {} : { acr }),
    ...(asked.essential ? { essential: true as const } : {}),
    ...(maxAgeSeconds === undefined ? {} : { maxAge: maxAgeSeconds }),
    ...(prompt === undefined ? {} : { prompt }),
  }
}

const rulesOf = ({ policy }: Decision['trace']) => policy?.rules.filter(({ reportOnly }) => reportOnly !== true) ?? []

const accountMembers = (situation: Situation, decision: Decision, allByTicket: boolean) => {
  const { hasAuthenticators: has, hasStandalone = has, hasOnlyAddresses = !has, ticketOnly } = situation
  const byRule = rulesOf(decision.trace).some(({ demand }) => demand.enrollment === 'ticket')
  return {
    ...(has ? { has } : {}),
    ...(hasStandalone === has ? {} : { alone: hasStandalone }),
    ...(hasOnlyAddresses === !has ? {} : { addresses: hasOnlyAddresses }),
    ...(ticketOnly === true && !allByTicket && !byRule ? { ticket: true as const } : {}),
    ...(situation.accountActive ? {} : { inactive: true as const }),
  }
}

const sessionMembers = ({ loggedInNow, login, remembered, unavailable, evidence }: Situation) => {
  const last: Proof | undefined = evidence.findLast(({ factor }) => factor === LOGIN)
  const expected = proofText(login)
  return {
    ...(loggedInNow ? { loggedIn: true as const } : {}),
    ...(last !== undefined && proofText(last) === expected ? {} : { login: expected }),
    ...(remembered === undefined ? {} : { remembered: [remembered.factor, proofText(remembered)] as const }),
    ...(unavailable === undefined ? {} : { unavailable }),
  }
}

/** What a decision came to, as a record tells it. */
export const outcomeOf = (decision: Decision): RecordedOutcome => {
  const { outcome, trace } = decision
  const rules = [...new Set(rulesOf(trace).map(({ rule }) => rule))]
  const isStuck = outcome === 'challenge' && decision.factors.length === 0 && !decision.declinable
  return {
    is: outcome,
    ...(outcome === 'challenge' && decision.for === 'enrollment' ? { for: 'enrollment' } : {}),
    ...(isStuck ? { stuck: true } : {}),
    ...(outcome === 'refuse' ? { error: decision.error } : {}),
    reason: trace.reason,
    floors: trace.floors,
    ...(outcome === 'satisfied' && decision.lifted !== undefined ? { lifted: decision.lifted } : {}),
    ...(rules.length === 0 ? {} : { rules }),
  }
}

/** Tells of one decided pass what planning needs to decide it again, and of whom it is nothing but a pseudonym. */
export const recordOf = (recordable: Recordable): DecisionRecord => {
  const { situation, decision, request, facts, pseudonym, allByTicket, named } = recordable
  const { clientId, scopes, resources } = request
  return {
    v: 1,
    at: situation.now,
    account: pseudonym,
    client: clientId,
    scopes,
    ...(resources.length === 0 ? {} : { resources }),
    ...askedOf(situation),
    events: eventsOf(situation),
    factors: factorsOf(situation.factors),
    ...proofsOf(situation.factors),
    ...accountMembers(situation, decision, allByTicket),
    ...sessionMembers(situation),
    facts: reducedFacts(facts, situation.now, named),
    outcome: outcomeOf(decision),
  }
}

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Any value as one line of ASCII, without the line break. */
export const lineOf = (value: object): string => JSON.stringify(value).replace(/[\u007f-\uffff]/g, escaped)
