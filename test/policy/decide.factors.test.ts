import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Proof } from '../../src/assurance/evidence.ts'
import type { Level } from '../../src/assurance/levels.ts'
import { MULTI_FACTOR as MFA, nist, SINGLE_FACTOR as ONE, standard } from '../../src/assurance/presets.ts'
import { decide } from '../../src/policy/decide.ts'
import type { FactorStanding, Situation } from '../../src/policy/decision.ts'
import { situations } from './arbitraries.ts'
import {
  account,
  bare,
  type Case,
  decides,
  did,
  here,
  may,
  mayEnroll,
  must,
  mustEnroll,
  needs,
  PROOFS,
  refused,
  reported,
  signedIn,
} from './makers.ts'

const [, mfa] = standard as [Level, Level, Level, Level]
const AAL2 = 'http://idmanagement.gov/ns/assurance/aal/2'
const essential = { requirement: needs({ essential: [MFA] }) }
const voluntary = { requirement: needs({ voluntary: [MFA] }) }
const owed = { requirement: needs({ floors: [mfa] }) }

/** An account with addresses that stand only beside others. */
const withMail = (methods: Parameters<typeof account>[0]) => {
  const { hasAuthenticators, factors } = account({ implied: ['email'], ...methods })
  return {
    hasAuthenticators,
    factors: factors.map((one): FactorStanding => (one.id === 'email' ? { ...one, besideOthers: true } : one)),
  }
}

const askMail = (declinable = false) => ({
  outcome: 'challenge',
  for: 'enrollment',
  factors: ['email'],
  declinable,
  rememberable: false,
})
const mailed = did('email', 5, here)
const mailedBefore = did('email', 50)
const noMail = reported(ONE, 'pwd', 100)

const onlyAddresses = { hasAuthenticators: true, hasStandalone: false, hasOnlyAddresses: true } as const

const nothingElse: readonly Case[] = [
  ['its code is asked before the first enrolment', { ...essential, ...withMail({ may: ['totp'] }) }, askMail()],
  ['also for a floor', { ...owed, ...withMail({ may: ['totp'] }) }, askMail()],
  ['and can be left where the level can', { ...voluntary, ...withMail({ may: ['totp'] }) }, askMail(true)],
  [
    'the code answered, the enrolment comes, and nothing is met yet',
    { ...essential, ...withMail({ may: ['totp'] }), evidence: [signedIn(100), mailed] },
    mustEnroll('totp'),
  ],
  [
    'the same for a level that can be left',
    { ...voluntary, ...withMail({ may: ['totp'] }), evidence: [signedIn(100), mailed] },
    mayEnroll('totp'),
  ],
  [
    'left then, the password alone is reported',
    { ...voluntary, ...withMail({ may: ['totp'] }), evidence: [signedIn(100), mailed], declined: true },
    noMail,
  ],
  [
    'the enrolment done, its confirmation meets it and not the address',
    {
      ...essential,
      ...withMail({ has: ['totp'] }),
      evidence: [signedIn(100), mailed, did('totp', 2, { ...here, enrolled: 'first' })],
    },
    reported(MFA, 'pwd mail otp mfa', 5 - 3),
  ],
  [
    'where nothing can be enrolled, nothing is left',
    { ...essential, ...withMail({}) },
    refused('unmet_authentication_requirements'),
  ],
  ['nothing is left for a floor either', { ...owed, ...withMail({}) }, refused('unmet_authentication_requirements')],
  ['what can be left is left', { ...voluntary, ...withMail({}) }, noMail],
  [
    'a code of another sign-in meets nothing, and is asked again',
    { ...essential, ...withMail({ may: ['totp'] }), evidence: [signedIn(100), mailedBefore] },
    askMail(),
  ],
  ['and is not reported', { ...withMail({ may: ['totp'] }), evidence: [signedIn(100), mailedBefore] }, noMail],
  [
    'with prompt=none it meets nothing',
    {
      requirement: needs({ essential: [MFA], prompt: 'none' }),
      ...withMail({ may: ['totp'] }),
      evidence: [signedIn(100), mailedBefore],
    },
    refused('interaction_required'),
  ],
  [
    'by ticket only, no code is asked for a page that explains',
    { ...essential, ...withMail({ may: ['totp'] }), ticketOnly: true },
    must(),
  ],
  [
    'who has enrolled but addresses is as good as who has nothing',
    { ...essential, ...withMail({ may: ['totp'] }), ...onlyAddresses },
    askMail(),
  ],
  [
    'and may enroll after the code',
    {
      ...essential,
      ...withMail({ may: ['totp'] }),
      ...onlyAddresses,
      evidence: [signedIn(100), mailed],
    },
    mustEnroll('totp'),
  ],
  [
    'who has but codes left enrolls nothing on the password, and on the address neither',
    { ...essential, ...withMail({ may: ['totp'] }), ...onlyAddresses, hasOnlyAddresses: false },
    must(),
  ],
]

const besides: readonly Case[] = [
  [
    'it is offered after the others, and closes the gap',
    { ...essential, ...withMail({ has: ['totp'] }) },
    {
      ...must('email', 'totp'),
    },
  ],
  [
    'its code meets two kinds',
    { ...essential, ...withMail({ has: ['totp'] }), evidence: [signedIn(100), mailed] },
    reported(MFA, 'pwd mail mfa', 5),
  ],
  [
    'also from another sign-in',
    { ...essential, ...withMail({ has: ['totp'] }), evidence: [signedIn(100), mailedBefore] },
    reported(MFA, 'pwd mail mfa', 50),
  ],
  [
    'until the last of the others is gone',
    { ...essential, ...withMail({ may: ['totp'] }), evidence: [signedIn(100), mailedBefore] },
    askMail(),
  ],
]

const aal = (more: Partial<Situation>): Partial<Situation> => ({
  levels: nist,
  requirement: needs({ essential: [AAL2] }, nist),
  ...more,
})
const never: readonly Case[] = [
  ['it is not asked beside an app', aal(withMail({ has: ['totp'] })), must('totp')],
  [
    'and its code meets nothing',
    aal({ ...withMail({ has: ['totp'] }), evidence: [signedIn(100), mailed] }),
    must('totp'),
  ],
  [
    'nor where it can stand alone',
    aal({ ...account({ implied: ['email'] }), evidence: [signedIn(100), mailed] }),
    refused('unmet_authentication_requirements'),
  ],
]

const alone: readonly Case[] = [
  [
    'its code is asked, and no enrolment',
    { ...essential, ...account({ implied: ['email'], may: ['totp'] }) },
    must('email'),
  ],
  ['can be left where the level can', { ...voluntary, ...account({ implied: ['email'] }) }, may('email')],
  [
    'and meets two kinds',
    { ...essential, ...account({ implied: ['email'] }), evidence: [signedIn(100), mailed] },
    reported(MFA, 'pwd mail mfa', 5),
  ],
]

const SYNCED: Proof = PROOFS.passkey
const PLAIN: Proof = PROOFS.key

describe('policy/decide: factors beside others, and authenticators that differ', () => {
  decides({
    'AC-31: an address, of an account that has nothing else': nothingElse,
    'an address beside an app': besides,
    'an address never meets aal2': never,
    'an address that can stand alone': alone,
  })

  const RUNS = { numRuns: 300, seed: 20261122 }
  const besideMarked = (situation: Situation, marked: ReadonlySet<string>): Situation => ({
    ...situation,
    factors: situation.factors.map((one) => (marked.has(one.id) ? { ...one, besideOthers: true } : one)),
  })
  const some = fc.uniqueArray(fc.constantFrom('totp', 'sms', 'email', 'key', 'passkey'), { maxLength: 3 })

  it('what stands beside others is, for who has nothing, as if it had not been shown', () =>
    fc.assert(
      fc.property(situations, some, (any, ids) => {
        const marked = new Set(ids)
        const given = besideMarked({ ...any, hasAuthenticators: false }, marked)
        const known = new Set(given.factors.filter(({ besideOthers }) => besideOthers).map(({ id }) => id))
        const decision = decide(given)
        const { acr, amr, authTime } = { acr: undefined, amr: undefined, authTime: undefined, ...bare(decision) } as {
          [name: string]: unknown
        }
        const without = { ...given, evidence: given.evidence.filter(({ factor }) => !known.has(factor)) }
        const other = decide(without)
        if (decision.outcome !== 'satisfied' || other.outcome !== 'satisfied') {
          // What was spent may close the way to more; it never opens one to the end.
          assert.ok(decision.outcome !== 'satisfied' || other.outcome !== 'refuse')
          return
        }
        assert.deepEqual([acr, amr, authTime], [other.acr, other.amr, other.authTime])
      }),
      RUNS,
    ))

  it('for who has something of its own it makes no difference', () =>
    fc.assert(
      fc.property(situations, some, (any, ids) => {
        const given = { ...any, hasAuthenticators: true }
        assert.deepEqual(decide(besideMarked(given, new Set(ids))), decide(given))
      }),
      RUNS,
    ))

  it('an account whose authenticators show less is never asked for more, nor let through sooner', () =>
    fc.assert(
      fc.property(situations, fc.constantFrom(SYNCED, PLAIN, PROOFS.sms), (any, proof) => {
        const factors = any.factors.map((one) => ({ ...one, proofs: one.usable ? [one, proof] : [] }))
        const lesser = any.factors.map((one) => ({ ...one, proofs: one.usable ? [one] : [] }))
        assert.deepEqual(bare(decide({ ...any, factors: lesser })), bare(decide(any)))
        const none = any.factors.map((one) => ({ ...one, proofs: [] }))
        const [wide, narrow] = [decide({ ...any, factors }), decide({ ...any, factors: none })]
        assert.equal(wide.outcome === 'satisfied', decide(any).outcome === 'satisfied')
        if (narrow.outcome === 'challenge' && narrow.for === 'level') assert.deepEqual(narrow.factors, [])
      }),
      RUNS,
    ))
})
