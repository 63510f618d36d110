import assert from 'node:assert/strict'
import fc from 'fast-check'
import { LOGIN } from '../../src/assurance/evidence.ts'
import type { Level } from '../../src/assurance/levels.ts'
import { MULTI_FACTOR as MFA, SINGLE_FACTOR as ONE, standard } from '../../src/assurance/presets.ts'
import { decide } from '../../src/policy/decide.ts'
import type { OfferReason, Situation } from '../../src/policy/decision.ts'
import { situations } from './arbitraries.ts'
import {
  account,
  bare,
  type Case,
  decides,
  did,
  here,
  may,
  must,
  mustEnroll,
  NOW,
  needs,
  PROOFS,
  refused,
  reported,
  signedIn,
  situation,
} from './makers.ts'
import { meets } from './oracle.ts'

const [, mfa, phr] = standard as [Level, Level, Level, Level]
const withTotp = account({ has: ['totp'] })
const byTotp = { remembered: { factor: 'totp', ...PROOFS.totp } }
const byKey = { remembered: { factor: 'key', ...PROOFS.key } }
const owing = (more: Parameters<typeof needs>[0] = {}, liftable: readonly Level[] = [mfa]) => ({
  ...needs({ floors: [mfa], ...more }),
  liftable,
})
const lifted = { ...reported(ONE, 'pwd', 100), lifted: 'remembered-browser' }
const rememberable = (decision: object) => ({ ...decision, rememberable: true })

const lifting: readonly Case[] = [
  ['a floor is lifted, and the login alone reported', { requirement: owing(), ...withTotp, ...byTotp }, lifted],
  ['also where nothing can be asked', { requirement: owing({ prompt: 'none' }), ...withTotp, ...byTotp }, lifted],
  [
    'AC-70f: a voluntary level is asked all the same',
    { requirement: owing({ voluntary: [MFA] }), ...withTotp, ...byTotp },
    may('totp'),
  ],
  [
    'and turned down, the floor stays lifted',
    { requirement: owing({ voluntary: [MFA] }), ...withTotp, ...byTotp, declined: true },
    lifted,
  ],
  [
    'AC-70f: an essential level is asked all the same',
    { requirement: owing({ essential: [MFA] }), ...withTotp, ...byTotp },
    must('totp'),
  ],
  [
    'AC-70f: not under prompt=login',
    { requirement: owing({ prompt: 'login' }), evidence: [signedIn(5, here)], ...withTotp, ...byTotp },
    rememberable(must('totp')),
  ],
  [
    'AC-70f: not under max_age',
    { requirement: owing({ maxAgeSeconds: 300 }), ...withTotp, ...byTotp },
    rememberable(must('totp')),
  ],
  ['not a floor that forbids it', { requirement: owing({}, []), ...withTotp, ...byTotp }, must('totp')],
  [
    'not a floor that the remembered proof would not meet',
    { requirement: owing({ floors: [phr] }, [phr]), ...account({ has: ['totp', 'key'] }), ...byTotp },
    rememberable(must('key')),
  ],
  [
    'but by one that would',
    { requirement: owing({ floors: [mfa, phr] }, [mfa, phr]), ...account({ has: ['totp', 'key'] }), ...byKey },
    lifted,
  ],
  [
    'one of two floors',
    { requirement: owing({ floors: [mfa, phr] }, [mfa]), ...account({ has: ['totp', 'key'] }), ...byKey },
    must('key'),
  ],
  [
    'AC-70e: not without a login that stands',
    { requirement: owing(), evidence: [], ...withTotp, ...byTotp },
    { outcome: 'login' },
  ],
  [
    'not for an account that is disabled',
    { requirement: owing(), accountActive: false, ...byTotp },
    refused('access_denied'),
  ],
  [
    'nothing is lifted that is met',
    { requirement: owing(), evidence: [signedIn(100), did('totp', 50)], ...withTotp, ...byTotp },
    reported(MFA, 'pwd otp mfa', 50),
  ],
  [
    'an account with nothing left enrolled is let through as well',
    { requirement: owing(), ...account({ may: ['totp'] }), ...byTotp },
    lifted,
  ],
]

const remembering: readonly Case[] = [
  ['a challenge for a floor can be remembered', { requirement: owing(), ...withTotp }, rememberable(must('totp'))],
  ['one for a level asked cannot', { requirement: needs({ essential: [MFA] }), ...withTotp }, must('totp')],
  ['one for both can', { requirement: owing({ essential: [MFA] }), ...withTotp }, rememberable(must('totp'))],
  ['an enrolment cannot', { requirement: owing(), ...account({ may: ['totp'] }) }, mustEnroll('totp')],
  ['nor one without anything to choose from', { requirement: owing({ floors: [phr] }, [phr]), ...withTotp }, must()],
]

const codes = { id: 'recovery', ...PROOFS.recovery, usable: false, enrollable: false, due: 'running-out' } as const
const recovered = [signedIn(100), did('recovery', 5, here)]
const both = account({ has: ['totp'], may: ['totp', 'key'] })
const beside = (more: Partial<Situation>): Partial<Situation> => ({
  ...more,
  factors: [...(more.factors ?? []), codes],
})
const done = (acr: string, amr: string, offers: string[], offerReason: OfferReason = 'running-out') => ({
  ...reported(acr, amr, 5),
  offers,
  offerReason,
})

const offering: Case[] = [
  [
    'codes after the first enrolment',
    { ...beside(withTotp), evidence: [signedIn(9), did('totp', 5, { ...here, enrolled: 'first' })] },
    done(MFA, 'pwd otp mfa', ['recovery']),
  ],
  [
    'codes after a verification',
    { ...beside(withTotp), evidence: [signedIn(9), did('totp', 5, here)] },
    done(MFA, 'pwd otp mfa', ['recovery']),
  ],
  ['no codes on the password alone', { ...beside(withTotp), evidence: [signedIn(5, here)] }, reported(ONE, 'pwd', 5)],
  [
    'no codes after a verification of another authorization',
    { ...beside(withTotp), evidence: [signedIn(9), did('totp', 5)] },
    reported(MFA, 'pwd otp mfa', 5),
  ],
  [
    'AC-40: after a recovery code something new, and no codes',
    { ...beside(both), evidence: recovered },
    done(MFA, 'pwd rec mfa', ['totp', 'key'], 'recovered'),
  ],
  [
    'AC-40: and nothing more after that',
    { ...beside(both), evidence: [...recovered, did('totp', 5, { ...here, enrolled: 'further' })] },
    reported(MFA, 'pwd rec mfa', 5),
  ],
  [
    'nothing where an offer was turned down',
    { ...beside(both), evidence: recovered, declined: true },
    reported(MFA, 'pwd rec mfa', 5),
  ],
  [
    'nothing where nothing can be asked',
    { ...beside(both), evidence: recovered, requirement: needs({ prompt: 'none' }) },
    reported(MFA, 'pwd rec mfa', 5),
  ],
]

const better = { id: 'key', ...PROOFS.key, usable: false, enrollable: true, due: 'better' } as const
const withBetter = { hasAuthenticators: true, factors: [...withTotp.factors, better] }
offering.push(
  [
    'something better after a verification',
    { ...withBetter, evidence: [signedIn(9), did('totp', 5, here)] },
    done(MFA, 'pwd otp mfa', ['key'], 'better'),
  ],
  ['nothing better on the password alone', { ...withBetter, evidence: [signedIn(5, here)] }, reported(ONE, 'pwd', 5)],
  [
    'something to who has nothing, on the password',
    { hasAuthenticators: false, factors: [better], evidence: [signedIn(5, here)] },
    done(ONE, 'pwd', ['key'], 'better'),
  ],
  [
    'nothing where enrolment needs a ticket',
    { hasAuthenticators: false, factors: [better], ticketOnly: true, evidence: [signedIn(5, here)] },
    reported(ONE, 'pwd', 5),
  ],
  [
    'nothing before a code to the address was answered',
    { ...account({ implied: ['email'] }), factors: [...account({ implied: ['email'] }).factors, better] },
    reported(ONE, 'pwd', 100),
  ],
)

const byTicket: readonly Case[] = [
  [
    'no enrolment, but an explanation',
    { requirement: owing(), ...account({ may: ['totp'] }), ticketOnly: true },
    must(),
  ],
  [
    'that can be left where the level is voluntary',
    { requirement: needs({ voluntary: [MFA] }), ...account({ may: ['totp'] }), ticketOnly: true },
    may(),
  ],
  [
    'who has something is asked for it',
    { requirement: owing(), ...withTotp, ticketOnly: true },
    rememberable(must('totp')),
  ],
]

describe('policy/decide: remembered browsers, offers and tickets', () => {
  decides({ lifting, remembering, offering, 'AC-31: enrolment by ticket only': byTicket })

  it('traces the floors that were lifted', () => {
    assert.deepEqual(decide(situation({ requirement: owing(), ...byTotp })).trace.lifted, [MFA])
  })

  const remembered = fc.constantFrom(...(['totp', 'key', 'passkey', 'email'] as const)).map((factor) => ({
    factor,
    ...PROOFS[factor],
  }))
  const RUNS = { numRuns: 3000, seed: 20261122 }

  it('AC-70f: a remembered browser changes nothing but unmet floors that may be lifted, and nothing that is reported', () =>
    fc.assert(
      fc.property(situations, remembered, fc.boolean(), (any, proof, all) => {
        const liftable = all ? any.requirement.floors : any.requirement.floors.slice(0, 1)
        const given: Situation = { ...any, requirement: { ...any.requirement, liftable } }
        const decision = decide({ ...given, remembered: proof })
        const kept = given.requirement.floors.filter((floor) => !decision.trace.lifted?.includes(floor.acr))
        const without = decide({ ...given, requirement: { ...given.requirement, floors: kept, liftable: [] } })
        const { lifted: _lifted, rememberable: _rememberable, ...same } = bare(decision) as Record<string, unknown>
        const { rememberable: _other, ...expected } = bare(without) as Record<string, unknown>
        assert.deepEqual(same, expected)
        for (const acr of decision.trace.lifted ?? []) {
          const floor = liftable.find((one) => one.acr === acr)
          assert.ok(floor !== undefined && !meets(floor, given))
          assert.ok(given.requirement.prompt !== 'login' && given.requirement.maxAgeSeconds === undefined)
          assert.ok(given.evidence.some(({ factor }) => factor === LOGIN))
        }
      }),
      RUNS,
    ))

  it('never tells a time at which nothing was proved, whatever was lifted', () =>
    fc.assert(
      fc.property(situations, remembered, (any, proof) => {
        const requirement = { ...any.requirement, liftable: any.requirement.floors }
        const decision = decide({ ...any, requirement, remembered: proof })
        if (decision.outcome !== 'satisfied') return
        assert.ok(any.evidence.some(({ at }) => at === decision.authTime) && decision.authTime <= NOW + 5)
      }),
      RUNS,
    ))
})
