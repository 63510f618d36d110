import fc from 'fast-check'
import type { Level } from '../../src/assurance/levels.ts'
import { standard } from '../../src/assurance/presets.ts'
import { decide } from '../../src/policy/decide.ts'
import type { Decision, Situation } from '../../src/policy/decision.ts'
import type { Facts } from '../../src/policy/facts.ts'
import {
  all,
  always,
  country,
  daysSinceFactor,
  enrolled,
  ipRange,
  known,
  loginMethod,
  newDevice,
  not,
  tenant,
  when,
} from '../../src/policy/index.ts'
import { createJudge } from '../../src/policy/judge.ts'
import type { Policy } from '../../src/policy/policy.ts'
import { requirementOf } from '../../src/policy/requirement.ts'
import type { DecisionRecord } from '../../src/recording/decision-record.ts'
import { isFirstPass, recordOf } from '../../src/recording/record.ts'
import type { Named } from '../../src/recording/reduce.ts'
import { ageLimitsOf, type ReplayedPolicy } from '../../src/replay/policy.ts'
import { NOW, PROOFS, signedIn } from '../policy/makers.ts'

/** What a recorded decision was made of. */
export interface Stage {
  readonly policy: Policy
  readonly levels: readonly Level[]
  /** Floors and the like are replaced by what the policy owes. */
  readonly situation: Situation
  readonly facts: Partial<Facts>
  readonly client: string
  readonly scopes: readonly string[]
}

const NOTHING_NAMED: Named = { metadata: [], facts: [] }

/** A policy as replays know it, over these factors. */
export const replayed = (
  policy: Policy,
  levels: readonly Level[],
  factors: ReplayedPolicy['factors'],
): ReplayedPolicy => {
  const judge = createJudge(
    policy,
    levels,
    factors.map(({ id }) => id),
  )
  return {
    judge,
    reads: judge.reads,
    levels,
    factors,
    flowSeconds: 600,
    ageLimits: ageLimitsOf(policy, levels, 600),
    acrValues: 'voluntary',
    maxAge: 'carrying-events',
    byTicket: false,
    remembers: true,
  }
}

/** Factors that the configuration has and the account knows nothing of: what they proved still stands. */
const absentFrom = ({ factors }: Situation) =>
  ['totp', 'sms', 'key', 'email']
    .filter((id) => factors.every((factor) => factor.id !== id))
    .map((id) => ({ id, ...PROOFS.totp }))

/** Decides as a provider would, and records it; undefined where it is not to be recorded. */
export const record = (stage: Stage, named: Named = NOTHING_NAMED) => {
  const { policy, levels, facts, client: clientId, scopes } = stage
  const replay = replayed(
    policy,
    levels,
    [...stage.situation.factors, ...absentFrom(stage.situation)].map((factor) => ({ ...factor, enrolls: false })),
  )
  const request = { clientId, scopes, resources: [] }
  const { requirement: wish, evidence } = stage.situation
  const login = evidence.findLast(({ factor }) => factor === 'login')
  const owed = replay.judge.owes(request, {
    ...facts,
    client: { id: clientId },
    scopes,
    resources: [],
    now: stage.situation.now,
    ...(login === undefined ? {} : { login }),
    lastFactorAt: evidence.findLast(({ factor }) => factor !== 'login')?.at,
  })
  const situation: Situation = {
    ...stage.situation,
    levels,
    requirement: requirementOf(
      { maxAge: 'carrying-events', maxAgeSeconds: undefined, ...wish },
      owed,
      !(replay.reads.includes('risk') && facts.risk?.confidence === 'low'),
    ),
    ticketOnly: stage.situation.ticketOnly === true || owed.byTicket === true,
    policy: { facts: {}, rules: owed.spoken },
  }
  const decision: Decision = decide(situation)
  if (!isFirstPass(situation, decision)) return undefined
  const recorded: DecisionRecord = recordOf({
    situation,
    decision,
    request,
    facts,
    pseudonym: 'pseudonym-pseudonym-22',
    allByTicket: false,
    named,
  })
  return { recorded, decision, replay }
}

const APPS = {
  totp: { id: 'totp', ...PROOFS.totp, enrolls: true },
  key: { id: 'key', ...PROOFS.passkey, enrolls: true },
} as const

/** The factors of the tables. */
export const FACTORS: ReplayedPolicy['factors'] = Object.values(APPS)

/** Somebody who has just signed in by password at `app`, and has an app for codes. */
export const stage = (given: Partial<Stage> & { readonly account?: Partial<Situation> } = {}): Stage => ({
  policy: { default: 'never' },
  levels: standard,
  facts: { address: '192.0.2.77', account: { id: 'alice', label: 'alice' }, enrolled: ['totp'] },
  client: 'app',
  scopes: ['openid'],
  ...given,
  situation: {
    now: NOW,
    cid: 'own',
    flowSeconds: 600,
    levels: standard,
    requirement: { asked: { levels: [], unknown: [], essential: false }, floors: [] },
    accountActive: true,
    evidence: [signedIn(0, { cid: 'own' })],
    hasAuthenticators: true,
    factors: [
      { id: 'totp', ...PROOFS.totp, usable: true, enrollable: true },
      { id: 'key', ...PROOFS.passkey, usable: false, enrollable: true },
    ],
    login: PROOFS.password,
    loggedInNow: true,
    declined: false,
    ...given.account,
  },
})

/** Facts whose reduced form tells these policies all that the whole did. */
export const factsOf: fc.Arbitrary<Partial<Facts>> = fc
  .record({
    address: fc.constantFrom('192.0.2.77', '10.1.2.3', '2001:db8:1::7', undefined),
    account: fc.constantFrom({ id: 'a', label: 'a' }, { id: 'a', label: 'a', tenant: 'acme' }),
    enrolled: fc.subarray(['totp', 'sms']),
    location: fc.constantFrom({ country: 'DE', latitude: 52.5167, longitude: 13.3833 }, {}, undefined),
    device: fc.constantFrom({ cookie: 'known' as const, userAgent: 'known' as const, known: 2 }, undefined),
    risk: fc.constantFrom(
      ...(['low', 'medium', 'high'] as const).map((confidence) => ({
        confidence,
        version: '1' as const,
        assessments: { NewDevice: { confidence, code: 'x' } },
      })),
      undefined,
    ),
  })
  .map((facts) => facts as Partial<Facts>)

/** Policies that read much, over any levels. */
export const policiesOver = (levels: readonly Level[]): fc.Arbitrary<Policy> => {
  const floor = fc.constantFrom(...levels.map(({ acr }) => acr))
  const isMany = levels.some(({ needs }) => needs.kinds === 2)
  const rule = floor.chain((acr) =>
    fc.constantFrom(
      always({ floor: acr, maxAgeSeconds: 300 }),
      when(not(country('DE')), { floor: acr }),
      when(ipRange('10.0.0.0/8', '2001:db8::/32'), { exempt: true }),
      when(all(known('location'), not(country('DE'))), { refuse: 'elsewhere' }),
      when(newDevice(), { floor: acr, allowRememberBrowser: false }),
      when(enrolled('sms'), { floor: acr, factors: ['totp'] }),
      when(loginMethod('pwd'), { enrollment: 'required' }),
      when(tenant('acme'), { enrollment: 'ticket' }),
      when(daysSinceFactor(0.01), { floor: acr }),
      ...(isMany ? [when(newDevice(), { verifiedAddress: true as const })] : []),
    ),
  )
  return fc.record({
    default: fc.constantFrom('never', 'always', ...(isMany ? (['adaptive'] as const) : [])),
    clients: floor.map((acr) => ({ app: { floor: acr, allowRememberBrowser: false } })),
    scopes: floor.map((acr) => ({ pay: { floor: acr } })),
    rules: fc.array(rule, { maxLength: 3 }),
  }) as fc.Arbitrary<Policy>
}
