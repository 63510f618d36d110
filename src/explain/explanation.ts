import type { Account } from '../account.ts'
import type { Proof } from '../assurance/evidence.ts'
import { type Carriage, carriage, type Level, type Moment, type Needs } from '../assurance/levels.ts'
import { type Missing, missingFrom } from '../assurance/missing.ts'
import type { Config } from '../config.ts'
import { type AccountRecord, usableAuthenticators } from '../flow/account-record.ts'
import type { Decision, FactorStanding, Situation } from '../policy/decision.ts'
import { type Desk, deskOf, isLifted } from '../policy/desk.ts'
import { floorsByAddress } from '../policy/plan.ts'
import type { RuleTrace, TrialTrace } from '../policy/trace.ts'

/** How a level that is asked or owed stands. */
export interface ExplainedLevel {
  /** As the relying party spelled it where it asked for it. */
  readonly acr: string
  /** The relying party asks for it. */
  readonly asked?: 'essential' | 'voluntary'
  /** The policy owes it. */
  readonly floor?: true
  /** As the rule that demands it narrows it, where one does. */
  readonly needs: Needs
  readonly maxAgeSeconds?: number
  readonly overallMaxAgeSeconds?: number
  readonly met: boolean
  /** When what carries it was proved, in epoch seconds; present where it is met. */
  readonly authTime?: number
  /** What stands in its place where it is not met and not asked. */
  readonly lifted?: 'remembered-browser' | 'address'
  /** What the session lacks; present where it is not met. */
  readonly missing?: Missing
  /** Factors any one of which would meet it, beside what the session has proved; present where it is not met. */
  readonly closedBy?: {
    /** Those that the account can be asked by. */
    readonly has: readonly string[]
    /** Those that it has none of, and could set up at some time. */
    readonly toSetUp: readonly string[]
  }
}

/** What the account has of one factor. */
export interface ExplainedFactor {
  readonly factor: string
  /** How many authenticators are enrolled and active. */
  readonly enrolled: number
  /** How many follow from what the host says of the account. */
  readonly implied: number
  /** Whether the account can be asked by it now. */
  readonly usable: boolean
  /** Why not, though there is one: it was refused or left unanswered too often, or is used up. */
  readonly off?: 'refused' | 'unanswered' | 'used-up'
}

/** Whom a decision is about; no secret, no name and no address. */
export interface ExplainedAccount {
  readonly id: string
  readonly tenant?: string
  /** Whether it passes any authorization at all. */
  readonly active: boolean
  /** Configured factors, in the order to be offered. */
  readonly factors: readonly ExplainedFactor[]
}

/** The request that was asked about, with its defaults. Instants are epoch seconds. */
export interface ExplainedRequest {
  readonly accountId: string
  readonly clientId: string
  readonly at: number
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
}

/** Why a sign-in would come to what it comes to: plain JSON. */
export interface Explanation {
  readonly request: ExplainedRequest
  /** With its trace. */
  readonly decision: Decision
  /** What rules and risk read, by name; `null` where it could not be had. Of the account its tenant, of the client its id. */
  readonly facts: Readonly<Record<string, unknown>>
  /** The rules that spoke, in order. */
  readonly rules: readonly RuleTrace[]
  /** What it would have come to, were all on trial in effect. */
  readonly reportOnly?: TrialTrace
  /** The levels that are asked or owed; one that is both stands there once. */
  readonly levels: readonly ExplainedLevel[]
  readonly account: ExplainedAccount
}

interface Wanted extends Pick<ExplainedLevel, 'acr' | 'asked' | 'floor'> {
  readonly level: Level
}

const wantedIn = ({ requirement: { asked, floors } }: Situation): readonly Wanted[] => {
  const how = asked.essential ? 'essential' : 'voluntary'
  const spelled = asked.levels.map((one): Wanted => ({ acr: one.spelled, level: one.level, asked: how }))
  const isFloor = (level: Level) => floors.includes(level)
  const rest = floors.filter((floor) => !spelled.some(({ level }) => level === floor))
  return [
    ...spelled.map((one): Wanted => (isFloor(one.level) ? { ...one, floor: true } : one)),
    ...rest.map((level): Wanted => ({ acr: level.acr, level, floor: true })),
  ]
}

/** Where no login stands, nothing does. */
const standingIn = (situation: Situation, desk: Desk | undefined) => {
  const { now, cid, flowSeconds, requirement } = situation
  const moment: Moment = desk?.moment ?? { now, cid, flowSeconds, maxAgeSeconds: requirement.maxAgeSeconds }
  return { moment, events: desk?.events ?? [], desk }
}

type Standing = ReturnType<typeof standingIn>

const wouldMeet = (level: Level, factor: string, proofs: readonly Proof[], { events, moment }: Standing) =>
  proofs.some((proof) => {
    const { kinds, traits, amr } = proof
    const supposed = { factor, kinds, traits, amr, at: moment.now, cid: moment.cid ?? '' }
    return carriage(level, [...events, supposed], moment) !== undefined
  })

const closersOf = (level: Level, { factors, hasStandalone = false }: Situation, standing: Standing) => {
  const closes = (one: FactorStanding, proofs: readonly Proof[]) => wouldMeet(level, one.id, proofs, standing)
  const stands = ({ besideOthers }: FactorStanding) => hasStandalone || besideOthers !== true
  const has = factors.filter((one) => one.usable && stands(one) && closes(one, one.proofs ?? [one]))
  const toSetUp = factors.filter((one) => !one.usable && one.enrollable && closes(one, [one]))
  return { has: has.map(({ id }) => id), toSetUp: toSetUp.map(({ id }) => id) }
}

const liftOf = (level: Level, desk: Desk | undefined): Pick<ExplainedLevel, 'lifted'> => {
  if (desk === undefined) return {}
  if (isLifted(desk, level)) return { lifted: 'remembered-browser' }
  return floorsByAddress(desk).includes(level) ? { lifted: 'address' } : {}
}

const explainLevel = ({ level, ...wanted }: Wanted, situation: Situation, standing: Standing): ExplainedLevel => {
  const { needs, maxAgeSeconds, overallMaxAgeSeconds } = level
  const { events, moment, desk } = standing
  const how: Carriage | undefined = carriage(level, events, moment)
  const missing = missingFrom(level, events, moment)
  return {
    ...wanted,
    needs,
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    ...(overallMaxAgeSeconds === undefined ? {} : { overallMaxAgeSeconds }),
    met: how !== undefined,
    ...(how === undefined ? {} : { authTime: how.authTime }),
    ...(how === undefined ? liftOf(level, desk) : {}),
    ...(missing === undefined ? {} : { missing, closedBy: closersOf(level, situation, standing) }),
  }
}

const offOf = (id: string, { disabledFactors }: AccountRecord, enrolled: number, max = Infinity, unanswered = 0) => {
  if (disabledFactors[id] !== undefined) return { off: 'refused' as const }
  if (enrolled === 0) return {}
  return { off: unanswered >= max ? ('unanswered' as const) : ('used-up' as const) }
}

const explainFactor = (
  { id, usable }: FactorStanding,
  { factors }: Config,
  account: Account,
  record: AccountRecord,
) => {
  const factor = factors.find((one) => one.id === id)
  const enrolled = usableAuthenticators(record, id).length
  const implied = factor?.implied?.(account).length ?? 0
  const off = usable ? {} : offOf(id, record, enrolled, factor?.maxUnanswered, record.unanswered?.[id])
  return { factor: id, enrolled, implied, usable, ...off } satisfies ExplainedFactor
}

/** What an explanation is made of. */
export interface Explained {
  readonly request: ExplainedRequest
  readonly situation: Situation
  readonly decision: Decision
  readonly account: Account
  readonly record: AccountRecord
}

/** What JSON cannot hold is written in words, so that a fact of the host's own hinders nobody. */
const plain = <Value>(value: Value): Value =>
  JSON.parse(JSON.stringify(value, (_name, one) => (typeof one === 'bigint' ? String(one) : one)))

/** Puts a decision in words of data. */
export const explanationOf = (explained: Explained, config: Config): Explanation => {
  const { request, situation, decision, account, record } = explained
  const { policy } = decision.trace
  const standing = standingIn(situation, deskOf(situation))
  return plain<Explanation>({
    request,
    decision,
    facts: policy?.facts ?? {},
    rules: policy?.rules ?? [],
    ...(policy?.reportOnly === undefined ? {} : { reportOnly: policy.reportOnly }),
    levels: wantedIn(situation).map((one) => explainLevel(one, situation, standing)),
    account: {
      id: account.id,
      ...(account.tenant === undefined ? {} : { tenant: account.tenant }),
      active: account.disabled !== true && record.disabledAt === undefined,
      factors: situation.factors.map((one) => explainFactor(one, config, account, record)),
    },
  })
}
