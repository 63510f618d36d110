import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Evidence, LOGIN, type Proof } from '../../src/assurance/evidence.ts'
import { decide } from '../../src/policy/decide.ts'
import type { Decision, FactorStanding, Situation } from '../../src/policy/decision.ts'
import { type Answer, answers, situations } from './arbitraries.ts'
import { OWN } from './makers.ts'

/** Pages that one authorization may show at most, whatever people do: a fixed part, and one for each factor. */
const BOUND = 12
const MOST_FACTORS = 4

const weakened = ({ kinds, traits, amr }: Proof, { weaker }: Answer): Proof => ({
  kinds: kinds.slice(0, weaker === 1 ? 1 : undefined),
  traits: traits.slice(weaker),
  amr,
})

const later = (situation: Situation, { waitSeconds }: Answer): Situation => ({
  ...situation,
  now: situation.now + waitSeconds,
  cid: OWN,
  loggedInNow: false,
})

const proving = (
  situation: Situation,
  event: Pick<Evidence, 'factor' | 'at' | 'enrolled'>,
  shown: Proof,
): Situation => ({
  ...situation,
  evidence: [...situation.evidence, { ...shown, ...event, cid: OWN }],
})

const signingIn = (situation: Situation, answer: Answer): Situation => {
  const event = { factor: LOGIN, at: situation.now - answer.loginAgeSeconds }
  return { ...proving(situation, event, weakened(situation.login, answer)), loggedInNow: true }
}

const enrolling = (situation: Situation, factor: FactorStanding, answer: Answer): Situation => ({
  ...proving(situation, { factor: factor.id, at: situation.now, enrolled: 'first' }, weakened(factor, answer)),
  hasAuthenticators: true,
  factors: situation.factors.map((one) => (one === factor ? { ...one, usable: true } : one)),
})

/** The situation after the answer; undefined where the person gave up. */
const answered = (before: Situation, decision: Decision, answer: Answer): Situation | undefined => {
  const situation = later(before, answer)
  if (answer.act === 'cancel') return undefined
  if (decision.outcome === 'login') return signingIn(situation, answer)
  if (decision.outcome !== 'challenge' && decision.outcome !== 'enroll') return undefined
  if (answer.act === 'decline' && decision.declinable) return { ...situation, declined: true }
  const id = decision.factors[answer.pick % decision.factors.length]
  const factor = situation.factors.find((one) => one.id === id)
  if (factor === undefined) return decision.declinable ? { ...situation, declined: true } : undefined
  return decision.outcome === 'enroll'
    ? enrolling(situation, factor, answer)
    : proving(situation, { factor: factor.id, at: situation.now }, weakened(factor, answer))
}

const isEmpty = (decision: Decision) => decision.outcome === 'challenge' && decision.factors.length === 0

const assertProgress = (situation: Situation, decision: Decision, before: readonly Decision[]) => {
  assert.ok(!(situation.loggedInNow && decision.outcome === 'login'), 'asked for a login right after one')
  if (decision.outcome !== 'challenge' && decision.outcome !== 'enroll') return
  const { now, evidence } = situation
  const used = evidence.filter(({ cid, at }) => cid === situation.cid && now - at <= 600).map(({ factor }) => factor)
  assert.deepEqual(
    decision.factors.filter((id) => used.includes(id)),
    [],
    'offered again',
  )
  assert.ok(!(situation.declined && decision.declinable), 'asked again after a decline')
  const explained = before.some((one) => isEmpty(one) && one.trace.reason === decision.trace.reason)
  assert.ok(decision.factors.length > 0 || !explained, 'explained twice')
}

/** All decisions of one authorization, up to where it ends or the person gives up. */
const journey = (start: Situation, people: readonly Answer[]): readonly Decision[] => {
  const decisions: Decision[] = []
  let situation: Situation | undefined = start
  for (const answer of people) {
    const decision = decide(situation)
    assertProgress(situation, decision, decisions)
    decisions.push(decision)
    if (start.requirement.prompt === 'none') break
    situation = answered(situation, decision, answer)
    if (situation === undefined) break
  }
  return decisions
}

describe('policy/decide: journeys', () => {
  const people = answers(BOUND + MOST_FACTORS + 1)

  it('ends, whatever people do, and never asks what was answered', () =>
    fc.assert(
      fc.property(situations, people, (start, all) => {
        const bound = BOUND + start.factors.length
        const decisions = journey(start, all)
        assert.ok(decisions.length <= bound, decisions.map(({ outcome }) => outcome).join(' '))
      }),
      { numRuns: 1000 },
    ))
})
