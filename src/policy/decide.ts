import { amrOf } from '../assurance/amr.ts'
import type { Proof } from '../assurance/evidence.ts'
import { carriage, isFresh, type Level, type Moment } from '../assurance/levels.ts'
import type { Decision, Situation } from './decision.ts'
import { carriageAt, type Desk, deskOf, isLifted } from './desk.ts'
import { type Bare, close, floorsByAddress, type Gap, gapsOf, isExempt, needsOnlyLogin, offersOf } from './plan.ts'
import { type AskedLevel, asksOnlyUnknown } from './requirement.ts'
import type { Reason, RefusalError, Trace } from './trace.ts'

/** A decision with why it is so, before its trace is written. */
interface Verdict {
  readonly reason: Reason
  readonly decision: Bare<Decision>
  /** The level aimed at. */
  readonly aim?: string | undefined
}

const refuse = (reason: Reason, error: RefusalError, aim?: string): Verdict => ({
  reason,
  decision: { outcome: 'refuse', error },
  aim,
})

const askLogin = (reason: Reason, inVain: boolean): Verdict =>
  inVain ? refuse(reason, 'login_required') : { reason, decision: { outcome: 'login' } }

/** What no evidence could mend. */
const beforeEvidence = ({ accountActive, requirement }: Situation): Verdict | undefined => {
  if (!accountActive) return refuse('account-inactive', 'access_denied')
  // A rule may look at what the account has enrolled, which a silent request is never told.
  if (requirement.refusal !== undefined)
    return refuse('refused-by-rule', requirement.prompt === 'none' ? 'interaction_required' : 'access_denied')
  return asksOnlyUnknown(requirement.asked) ? refuse('acr-unknown', 'unmet_authentication_requirements') : undefined
}

/** Nothing can be asked. The answer depends on the session alone, never on what the account has enrolled. */
const silently = (desk: Desk, { reason, levels }: Gap): Verdict | undefined => {
  // That an account has nothing enrolled is not told, and the next sign-in that can ask does.
  if (reason === 'voluntary-unmet' || reason === 'enrollment-owed') return undefined
  const aim = levels[0]?.acr
  return levels.some((level) => needsOnlyLogin(desk, level))
    ? { reason, decision: { outcome: 'login' }, aim }
    : refuse(reason, 'interaction_required', aim)
}

/** What one gap leads to, or undefined where the request may go on with the gap open. */
const facing = (desk: Desk, gap: Gap): Verdict | undefined => {
  const { reason } = gap
  if (desk.requirement.prompt === 'none') return silently(desk, gap)
  if (reason === 'voluntary-unmet' && desk.declined) return undefined
  const closed = close(desk, gap)
  if (closed !== undefined) return { reason, decision: closed.move, aim: closed.aim?.acr }
  return reason === 'voluntary-unmet'
    ? undefined
    : refuse(reason, 'unmet_authentication_requirements', gap.levels[0]?.acr)
}

const firstOf = <T, R>(all: readonly T[], find: (one: T) => R | undefined): R | undefined => {
  for (const one of all) {
    const found = find(one)
    if (found !== undefined) return found
  }
  return undefined
}

const loginIsFresh = ({ requirement, lastLogin, moment }: Desk) => isFresh(lastLogin, requirement.maxAgeSeconds, moment)

/**
 * Whether the login itself is too old. `max_age` binds the join of what is asked and owed; where the login
 * alone does not meet that join, the events that do are bound instead. It is never voluntary: with a gap left
 * open the login has to be within it.
 */
const loginTooOld = (desk: Desk, leftOpen: readonly Gap[]): boolean => {
  const { asked, floors } = desk.requirement
  if (loginIsFresh(desk)) return false
  const met = asked.levels.find(({ level }) => carriageAt(desk, level) !== undefined)
  const join = [...(met === undefined ? [] : [met.level]), ...floors]
  const atAnyAge: Moment = { ...desk.moment, maxAgeSeconds: undefined }
  const above = join.some((level) => carriage(level, [desk.lastLogin], atAnyAge) === undefined)
  // Where a floor is exempt, or an address does for it, nothing stands for it: the login itself has to be within.
  return !above || leftOpen.length > 0 || exemptFloors(desk).length > 0 || floorsByAddress(desk).length > 0
}

/** The floors that are owed, not met, and lifted. */
const liftedFloors = (desk: Desk): readonly Level[] =>
  desk.requirement.floors.filter((floor) => carriageAt(desk, floor) === undefined && isLifted(desk, floor))

/** The floors that are owed, not met, and exempt. */
const exemptFloors = (desk: Desk): readonly Level[] =>
  desk.requirement.floors.filter((floor) => carriageAt(desk, floor) === undefined && isExempt(desk, floor))

/** Whether risk alone made the difference: it asked for what nothing else did, or left unasked what is not met. */
const riskDecided = (desk: Desk): boolean => {
  const { risk, asked } = desk.requirement
  if (risk === undefined) return false
  return risk.asks
    ? !asked.levels.some(({ level }) => level === risk.level)
    : carriageAt(desk, risk.level) === undefined
}

/** Risk-based authentication was used (RFC 8176 section 2); it proves nothing by itself. */
const RISK_BASED: Proof = { kinds: [], traits: [], amr: ['rba'] }

const liftedBy = (desk: Desk): Pick<Decision & { outcome: 'satisfied' }, 'lifted'> => {
  if (exemptFloors(desk).length > 0) return { lifted: 'exempt' }
  if (liftedFloors(desk).length > 0) return { lifted: 'remembered-browser' }
  return desk.requirement.risk?.asks === false && riskDecided(desk) ? { lifted: 'confidence' } : {}
}

/** The first level asked for that is met, under the name it was asked by; else the last that is met in order. */
const satisfied = (desk: Desk, leftOpen: readonly Gap[]): Verdict => {
  const configured = desk.levels.map((level): AskedLevel => ({ level, spelled: level.acr }))
  const candidates = [...desk.requirement.asked.levels, ...configured.reverse()]
  const reported = firstOf(candidates, ({ level, spelled }) => {
    const how = carriageAt(desk, level)
    return how && { acr: spelled, how }
  })
  const { authTime, counted } = reported?.how ?? { authTime: desk.lastLogin.at, counted: [desk.lastLogin] }
  return {
    reason: leftOpen[0]?.reason ?? 'nothing-owed',
    decision: {
      outcome: 'satisfied',
      ...(reported === undefined ? {} : { acr: reported.acr }),
      amr: amrOf(riskDecided(desk) ? [...counted, RISK_BASED] : counted),
      authTime,
      ...offersOf(desk),
      ...liftedBy(desk),
    },
  }
}

const byEvidence = (desk: Desk): Verdict => {
  if (desk.requirement.maxAge === 'every-event' && !loginIsFresh(desk)) return askLogin('max-age', desk.loginSpent)
  const gaps = gapsOf(desk)
  const faced = firstOf(gaps, (gap) => facing(desk, gap))
  if (faced !== undefined) return faced
  return loginTooOld(desk, gaps) ? askLogin('max-age', desk.loginSpent) : satisfied(desk, gaps)
}

const traceOf = (situation: Situation, desk: Desk | undefined, { reason, aim }: Verdict): Trace => {
  const { now, requirement, levels, ticketOnly = false, hasAuthenticators, unavailable = '' } = situation
  const { asked, floors, maxAgeSeconds, prompt } = requirement
  const lifted = desk === undefined ? [] : liftedFloors(desk).map(({ acr }) => acr)
  const exempted = desk === undefined ? [] : exemptFloors(desk).map(({ acr }) => acr)
  return {
    at: now,
    reason,
    asked: asked.levels.map(({ spelled }) => spelled),
    unknown: asked.unknown,
    essential: asked.essential,
    floors: floors.map(({ acr }) => acr),
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    ...(prompt === undefined ? {} : { prompt }),
    levels: levels.map((level) => {
      const how = desk && carriageAt(desk, level)
      return { acr: level.acr, met: how !== undefined, ...(how === undefined ? {} : { authTime: how.authTime }) }
    }),
    evidence: [...(desk?.events ?? []), ...(desk?.hasNothing ? desk.addresses : [])].map(({ factor }) => factor),
    ...(aim === undefined ? {} : { aim }),
    ...(ticketOnly && !hasAuthenticators ? { ticketOnly } : {}),
    ...(lifted.length === 0 ? {} : { lifted }),
    ...(exempted.length === 0 ? {} : { exempted: { factor: unavailable, floors: exempted } }),
    ...(requirement.exemptible === true && reason === 'floor-unmet' ? { exemptible: true } : {}),
    ...(situation.policy === undefined ? {} : { policy: situation.policy }),
  }
}

/**
 * Decides what one pass of one authorization request leads to. Pure: the same situation, the same decision.
 *
 * An essential level or a floor that cannot be met ends in `refuse`; a voluntary one never does. With
 * `prompt=none` nothing is asked, and the error never depends on what the account has enrolled.
 *
 * @see OpenID Connect Core 1.0, sections 3.1.2.1, 3.1.2.6 and 5.5.1.1; OpenID Connect Core Error Code
 * unmet_authentication_requirements 1.0.
 */
export const decide = (situation: Situation): Decision => {
  const desk = deskOf(situation)
  const verdict =
    beforeEvidence(situation) ?? (desk === undefined ? askLogin('login-void', situation.loggedInNow) : byEvidence(desk))
  return { ...verdict.decision, trace: traceOf(situation, desk, verdict) }
}
