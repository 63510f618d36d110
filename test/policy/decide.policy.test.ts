import assert from 'node:assert/strict'
import fc from 'fast-check'
import { MULTI_FACTOR, PHISHING_RESISTANT, SINGLE_FACTOR, standard } from '../../src/assurance/presets.ts'
import { decide } from '../../src/policy/decide.ts'
import type { Requirement } from '../../src/policy/requirement.ts'
import { situations } from './arbitraries.ts'
import {
  account,
  bare,
  decides,
  did,
  here,
  login,
  may,
  must,
  mustEnroll,
  needs,
  refused,
  reported,
  signedIn,
} from './makers.ts'

const level = (acr: string) => standard.find((one) => one.acr === acr) ?? assert.fail(acr)
const mfa = level(MULTI_FACTOR)
const byRisk = { floors: [mfa], verifying: [mfa], byAddress: [mfa], risk: { level: mfa, asks: true } }
const waived = { risk: { level: mfa, asks: false } }
const owing = (more: Partial<Requirement>, asking: Parameters<typeof needs>[0] = {}): { requirement: Requirement } => ({
  requirement: { ...needs(asking), ...more },
})

/** An account with nothing enrolled and a verified address, where email only stands beside others. */
const addressOnly = (methods: Parameters<typeof account>[0] = {}) => {
  const { factors, ...rest } = account({ implied: ['email'], may: ['totp'], ...methods })
  return {
    ...rest,
    factors: factors.map((one) => (one.id === 'email' ? { ...one, besideOthers: true as const } : one)),
  }
}
const code = did('email', 10, here)
/** The host offers what would serve it better. */
const due = ({ factors, ...rest }: ReturnType<typeof account>) => ({
  ...rest,
  factors: factors.map((one) => ({ ...one, due: 'better' as const })),
})

decides({
  'a rule that refuses': [
    ['nobody passes', owing({ refusal: 'embargo' }), refused('access_denied')],
    [
      'whatever was proved',
      { ...owing({ refusal: 'x' }), evidence: [signedIn(9), did('totp', 5)] },
      refused('access_denied'),
    ],
    ['nor silently, which tells no more', owing({ refusal: 'x' }, { prompt: 'none' }), refused('interaction_required')],
  ],
  'low confidence': [
    ['asks who has something', { ...owing(byRisk), ...account({ has: ['totp'] }) }, must('totp')],
    [
      'reports what was proved, and that risk decided',
      { ...owing(byRisk), ...account({ has: ['totp'] }), evidence: [signedIn(9, here), did('totp', 5, here)] },
      reported(MULTI_FACTOR, 'pwd otp rba mfa', 5),
    ],
    ['asks who has nothing for a code to the verified address', { ...owing(byRisk), ...addressOnly() }, must('email')],
    [
      'which closes it, and proves no level',
      { ...owing(byRisk), ...addressOnly(), evidence: [signedIn(9, here), code] },
      { ...reported(SINGLE_FACTOR, 'pwd rba', 9) },
    ],
    [
      'refuses who has no address either',
      { ...owing(byRisk), ...account({ may: ['totp'] }) },
      refused('unmet_authentication_requirements'),
    ],
    [
      'an address helps nobody who has more',
      { ...owing(byRisk), ...addressOnly({ has: ['totp'], implied: ['email'], may: [] }), evidence: [signedIn(9)] },
      must('email', 'totp'),
    ],
    [
      'asks for the address before anything is set up for a level that is asked',
      { ...owing(byRisk, { voluntary: [PHISHING_RESISTANT] }), ...addressOnly({ may: ['key'] }) },
      must('email'),
    ],
    [
      'and then goes on to that',
      {
        ...owing(byRisk, { voluntary: [MULTI_FACTOR] }),
        ...addressOnly({ may: ['totp'] }),
        evidence: [signedIn(9, here), code],
      },
      { outcome: 'enroll', factors: ['totp'], declinable: true },
    ],
    [
      'is told silently to who has nothing',
      { ...owing(byRisk, { prompt: 'none' }), ...addressOnly() },
      refused('interaction_required'),
    ],
    [
      'is told silently to who has something, in the same words',
      { ...owing(byRisk, { prompt: 'none' }), ...account({ has: ['totp'] }) },
      refused('interaction_required'),
    ],
    [
      'max_age wants a fresh login where only an address was proved',
      { ...owing({ ...byRisk, maxAgeSeconds: 30 }), ...addressOnly(), evidence: [signedIn(100), did('email', 90)] },
      login,
    ],
  ],
  'high confidence': [
    [
      'asks nothing, and says that it was that',
      { ...owing(waived), evidence: [signedIn(9)] },
      { ...reported(SINGLE_FACTOR, 'pwd rba', 9), lifted: 'confidence' },
    ],
    [
      'decided nothing where more was proved anyway',
      { ...owing(waived), ...account({ has: ['totp'] }), evidence: [signedIn(9), did('totp', 5)] },
      reported(MULTI_FACTOR, 'pwd otp mfa', 5),
    ],
    [
      'spares nobody what the relying party asks',
      { ...owing(waived, { essential: [MULTI_FACTOR] }), ...account({ has: ['totp'] }) },
      must('totp'),
    ],
    [
      'nor what it would like',
      { ...owing(waived, { voluntary: [MULTI_FACTOR] }), ...account({ has: ['totp'] }) },
      may('totp'),
    ],
  ],
  'low confidence that is exempt': [
    [
      'asks nothing of who has nothing, and offers nothing on the password',
      { ...owing({ verifying: [mfa] }), ...due(account({ may: ['totp'] })) },
      reported(SINGLE_FACTOR, 'pwd', 100),
    ],
    [
      'sets nothing up for what the relying party insists on',
      { ...owing({ verifying: [mfa] }, { essential: [MULTI_FACTOR] }), ...account({ may: ['totp'] }) },
      refused('unmet_authentication_requirements'),
    ],
    [
      'goes on without what it would like',
      { ...owing({ verifying: [mfa] }, { voluntary: [MULTI_FACTOR] }), ...account({ may: ['totp'] }) },
      reported(SINGLE_FACTOR, 'pwd', 100),
    ],
    [
      'asks for the address before it sets up what is insisted on',
      { ...owing({ verifying: [mfa] }, { essential: [MULTI_FACTOR] }), ...addressOnly() },
      { ...must('email'), for: 'enrollment' },
    ],
  ],
  'enrolment that is demanded': [
    [
      'is asked of who has nothing',
      { ...owing({ mustEnroll: true }), ...account({ may: ['totp', 'key'] }) },
      mustEnroll('totp', 'key'),
    ],
    [
      'not of who has something',
      { ...owing({ mustEnroll: true }), ...account({ has: ['totp'], may: ['key'] }) },
      reported(SINGLE_FACTOR, 'pwd', 100),
    ],
    [
      'after a code to the verified address',
      { ...owing({ mustEnroll: true }), ...addressOnly() },
      { ...must('email'), for: 'enrollment' },
    ],
    [
      'explains itself where a ticket is needed',
      { ...owing({ mustEnroll: true }), ...account({ may: ['totp'] }), ticketOnly: true },
      must(),
    ],
    [
      'does not tell a silent request what an account has',
      { ...owing({ mustEnroll: true }, { prompt: 'none' }), ...account({ may: ['totp'] }) },
      reported(SINGLE_FACTOR, 'pwd', 100),
    ],
    [
      'comes before what can be declined',
      {
        ...owing({ mustEnroll: true }, { voluntary: [PHISHING_RESISTANT] }),
        ...account({ may: ['totp', 'key'] }),
        declined: true,
      },
      mustEnroll('totp', 'key'),
    ],
  ],
})

describe('policy/decide: risk and addresses', () => {
  it('never change what is reported of the same evidence, but that rba was used', () => {
    const policies = situations.chain((situation) =>
      fc.record({
        situation: fc.constant(situation),
        risk: fc.record({ level: fc.constantFrom(...situation.levels), asks: fc.boolean() }),
        byAddress: fc.subarray([...situation.requirement.floors]),
        beside: fc.boolean(),
      }),
    )
    fc.assert(
      fc.property(policies, ({ situation, risk, byAddress, beside }) => {
        const factors = situation.factors.map((one) =>
          beside && one.id === 'email' ? { ...one, besideOthers: true as const } : one,
        )
        const { requirement } = situation
        const owed = bare(decide({ ...situation, factors, requirement: { ...requirement, risk, byAddress } }))
        const free = bare(decide({ ...situation, factors, requirement: { ...requirement, floors: [] } }))
        if (owed.outcome !== 'satisfied' || free.outcome !== 'satisfied') return
        assert.equal(owed.acr, free.acr)
        assert.equal(owed.authTime, free.authTime)
        assert.deepEqual(
          owed.amr.filter((value) => value !== 'rba'),
          free.amr,
        )
      }),
      { numRuns: 500 },
    )
  })
})
