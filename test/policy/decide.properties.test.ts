import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Evidence, LOGIN, standing } from '../../src/assurance/evidence.ts'
import { decide } from '../../src/policy/decide.ts'
import type { Decision, Situation } from '../../src/policy/decision.ts'
import { accounts, situations } from './arbitraries.ts'
import { bare, OWN } from './makers.ts'
import { counting, meets } from './oracle.ts'

const RUNS = { numRuns: 500 }

const holds = (predicate: (situation: Situation, decision: Decision) => void) =>
  fc.assert(
    fc.property(situations, (situation) => predicate(situation, decide(situation))),
    RUNS,
  )

const freeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null)
    for (const member of Object.values(Object.freeze(value))) freeze(member)
  return value
}

/** The last login and nothing else, at any age. */
const loginAlone = (situation: Situation): Situation => {
  const logins = counting(situation).filter(({ factor }) => factor === LOGIN)
  const last = Math.max(...logins.map(({ at }) => at))
  const { maxAgeSeconds: _, ...requirement } = situation.requirement
  return { ...situation, requirement, evidence: logins.filter(({ at }) => at === last).slice(-1) }
}

/** The situation on coming back without having done anything. */
const resumed = (situation: Situation): Situation => ({ ...situation, loggedInNow: false })

describe('policy/decide: what always holds', () => {
  it('is pure, the same for the same situation, and never throws', () => {
    fc.assert(
      fc.property(situations, (situation) => {
        const before = structuredClone(situation)
        assert.deepEqual(decide(freeze(situation)), decide(structuredClone(situation)))
        assert.deepEqual(structuredClone(situation), before)
      }),
      RUNS,
    )
  })

  it('AC-44: reports the first level met as asked, else the last met in order, and none that evidence does not meet', () =>
    holds((situation, decision) => {
      if (decision.outcome !== 'satisfied') return
      const { asked } = situation.requirement
      const met = asked.levels.find(({ level }) => meets(level, situation))?.spelled
      const last = situation.levels.findLast((level) => meets(level, situation))?.acr
      assert.equal(decision.acr, met ?? last)
    }))

  it('traces every level as evidence meets it', () =>
    holds((situation, { trace }) => {
      if (trace.evidence.length === 0 || !counting(situation).some(({ factor }) => factor === LOGIN)) return
      assert.deepEqual(
        trace.levels.map(({ met }) => met),
        situation.levels.map((level) => meets(level, situation)),
      )
    }))

  it('is satisfied only if every floor and what is essential is met, by an active account that is signed in', () =>
    holds((situation, { outcome }) => {
      if (outcome !== 'satisfied') return
      const { asked, floors } = situation.requirement
      assert.ok(situation.accountActive)
      assert.ok(counting(situation).some(({ factor }) => factor === LOGIN))
      assert.ok(floors.every((floor) => meets(floor, situation)))
      assert.ok(!asked.essential || asked.levels.some(({ level }) => meets(level, situation)))
    }))

  it('owes no less for one floor more', () => {
    const raised = situations.chain((situation) =>
      fc.record({ situation: fc.constant(situation), floor: fc.constantFrom(...situation.levels), last: fc.boolean() }),
    )
    fc.assert(
      fc.property(raised, ({ situation, floor, last }) => {
        const { requirement } = situation
        const floors = last ? [...requirement.floors, floor] : [floor, ...requirement.floors]
        const before = decide(situation)
        const after = decide({ ...situation, requirement: { ...requirement, floors } })
        if (after.outcome !== 'satisfied') return
        // Where a floor is above the login, max_age binds the floor's factor and no longer the login.
        if (before.trace.reason === 'max-age') assert.ok(!meets(floor, loginAlone(situation)))
        else assert.deepEqual(bare(before), bare(after))
        assert.ok(meets(floor, situation))
      }),
      RUNS,
    )
  })

  it('AC-47: asks nothing under prompt=none, and answers the same whatever the account has', () =>
    fc.assert(
      fc.property(situations, accounts, (any, other) => {
        const situation: Situation = { ...any, requirement: { ...any.requirement, prompt: 'none' } }
        const decision = decide(situation)
        assert.ok(['satisfied', 'login', 'refuse'].includes(decision.outcome), decision.outcome)
        assert.deepEqual(decide({ ...situation, ...other }), decision)
      }),
      RUNS,
    ))

  it('AC-52: reports mfa last, if and only if the events it counts proved two different kinds', () =>
    holds((situation, decision) => {
      if (decision.outcome !== 'satisfied') return
      const counted = situation.evidence.filter(({ amr }) => decision.amr.includes(amr[0] ?? ''))
      const [first, ...others] = counted.flatMap(({ kinds }) => kinds)
      assert.ok(counted.every((event) => counting(situation).includes(event)))
      assert.equal(
        decision.amr.at(-1) === 'mfa',
        others.some((kind) => kind !== first),
      )
      assert.equal(decision.amr.length, counted.length + (decision.amr.includes('mfa') ? 1 : 0))
    }))

  it('reports an auth_time at which something was proved, and one within max_age', () =>
    holds((situation, decision) => {
      if (decision.outcome !== 'satisfied') return
      const { now, cid, flowSeconds, requirement } = situation
      const then = counting(situation).filter(({ at }) => at === decision.authTime)
      const young = (event: Evidence) => event.cid === cid && now - event.at <= flowSeconds
      assert.ok(then.length > 0)
      assert.ok(now - decision.authTime <= (requirement.maxAgeSeconds ?? Infinity) || then.some(young))
    }))

  it('never ends a voluntary request as unmet, and never lets one decline what is owed', () =>
    holds((situation, decision) => {
      const { asked, floors } = situation.requirement
      const unmet = decision.outcome === 'refuse' && decision.error === 'unmet_authentication_requirements'
      assert.ok(!unmet || asked.essential || floors.length > 0)
      const declinable = (decision.outcome === 'challenge' || decision.outcome === 'enroll') && decision.declinable
      assert.ok(
        !declinable || (!asked.essential && !situation.declined && floors.every((floor) => meets(floor, situation))),
      )
    }))

  it('AC-49: decides as if events that are void had never been', () => {
    const gaps = fc.array(fc.tuple(fc.nat(6), fc.boolean()), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(situations, gaps, (situation, places) => {
        const strongest: Evidence = {
          factor: LOGIN,
          kinds: ['knowledge', 'possession', 'inherence'],
          traits: ['phishing-resistant', 'hardware'],
          amr: ['void'],
          at: situation.now,
          cid: OWN,
        }
        const evidence = [...situation.evidence]
        for (const [place, gone] of places)
          evidence.splice(
            place,
            0,
            gone
              ? { ...strongest, securityStamp: 'present', authenticatorId: 'gone' }
              : { ...strongest, securityStamp: 'former' },
          )
        const facts = { activeAuthenticatorIds: new Set<string>(), securityStamp: 'present' }
        assert.deepEqual(decide({ ...situation, evidence: standing(evidence, facts) }), decide(situation))
      }),
      RUNS,
    )
  })

  it('offers only what is usable and was not used in this authorization, and never accepts who did nothing', () =>
    holds((situation, decision) => {
      if (decision.outcome !== 'challenge' && decision.outcome !== 'enroll') return
      const { now, cid, flowSeconds, evidence, factors } = situation
      const used = evidence.filter((event) => cid !== undefined && event.cid === cid && now - event.at <= flowSeconds)
      for (const id of decision.factors) {
        const found = factors.find((factor) => factor.id === id)
        assert.ok(decision.outcome === 'enroll' ? found?.enrollable : found?.usable)
        assert.ok(!used.some(({ factor }) => factor === id))
      }
      assert.ok(decision.outcome === 'challenge' || (decision.factors.length > 0 && !situation.hasAuthenticators))
      assert.notEqual(decide(resumed(situation)).outcome, 'satisfied')
    }))

  it('offers only what helps: shown in full, it meets a level that was not met', () =>
    holds((situation, decision) => {
      const { now, cid = 'new', factors, evidence } = situation
      if (decision.outcome !== 'enroll' && !(decision.outcome === 'challenge' && decision.for === 'level')) return
      for (const id of decision.factors) {
        const shown = factors.filter((factor) => factor.id === id).map(({ kinds, traits }) => ({ kinds, traits }))
        const events = shown.map((most): Evidence => ({ ...most, amr: [], factor: id, at: now, cid }))
        const after = decide({ ...situation, cid, evidence: [...evidence, ...events] })
        assert.ok(after.trace.levels.some(({ met }, index) => met && !decision.trace.levels[index]?.met))
      }
    }))
})
