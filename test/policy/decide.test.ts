import assert from 'node:assert/strict'
import type { Level } from '../../src/assurance/levels.ts'
import {
  MULTI_FACTOR as MFA,
  SINGLE_FACTOR as ONE,
  PHISHING_RESISTANT as PHR,
  PHISHING_RESISTANT_HARDWARE as PHRH,
  standard,
} from '../../src/assurance/presets.ts'
import { decide } from '../../src/policy/decide.ts'
import type { Situation } from '../../src/policy/decision.ts'
import * as make from './makers.ts'
import { account, type Case, did, here, may, must, needs, own, refused, reported, signedIn } from './makers.ts'

const REFEDS = 'https://refeds.org/profile/mfa'
const [, mfa, phr] = standard as [Level, Level, Level, Level]
const unmet = refused('unmet_authentication_requirements')
const essential = (...acrs: string[]) => needs({ essential: acrs })
const voluntary = (...acrs: string[]) => needs({ voluntary: acrs })
const coded = [signedIn(100), did('totp', 50)]

const levels: readonly Case[] = [
  ['reports the highest level met in the order of levels', { evidence: coded }, reported(MFA, 'pwd otp mfa', 50)],
  ['reports a password as what it is', {}, reported(ONE, 'pwd', 100)],
  ['two kinds make multi-factor', { requirement: essential(MFA), evidence: coded }, reported(MFA, 'pwd otp mfa', 50)],
  [
    'the same kind twice is one kind',
    { requirement: essential(MFA), evidence: [signedIn(100), did('pin', 50)] },
    unmet,
  ],
  [
    'a passkey login is multi-factor by itself',
    { requirement: essential(MFA), evidence: [signedIn(9, {}, 'passkey')] },
    reported(MFA, 'swk user mfa', 9),
  ],
  [
    'a touched key is not',
    { requirement: essential(MFA), evidence: [signedIn(9, {}, 'key')], login: make.PROOFS.key },
    unmet,
  ],
  [
    'and nothing but another kind helps',
    {
      requirement: essential(MFA),
      evidence: [signedIn(9, {}, 'key')],
      login: make.PROOFS.key,
      ...account({ has: ['sms'] }),
    },
    must(),
  ],
  [
    'a level is tested by its needs, never by rank',
    { requirement: essential(MFA), evidence: [signedIn(9, here, 'key')] },
    unmet,
  ],
  [
    'traits must meet in one event',
    { requirement: essential(PHRH), evidence: [signedIn(9), did('passkey', 8), did('token', 7)] },
    unmet,
  ],
  [
    'AC-40: a recovery code is multi-factor',
    { requirement: essential(MFA), evidence: [signedIn(9), did('recovery', 8)] },
    reported(MFA, 'pwd rec mfa', 8),
  ],
  [
    'AC-40: but never phishing-resistant',
    { requirement: essential(PHR), evidence: [signedIn(9), did('recovery', 8)], ...account({ has: ['recovery'] }) },
    must(),
  ],
  [
    'AC-40: a level can refuse it',
    {
      ...own({ needs: { kinds: 2, without: ['recovery'] } }),
      evidence: [signedIn(9), did('recovery', 8)],
      ...account({ has: ['recovery', 'totp'] }),
    },
    must('totp'),
  ],
  [
    'a level can refuse addresses',
    { ...own({ needs: { kinds: 2, without: ['address'] } }), ...account({ implied: ['email'] }) },
    unmet,
  ],
  [
    'a level can name its factors',
    { ...own({ needs: { factors: ['sms'] } }), evidence: coded, ...account({ has: ['totp', 'sms'] }) },
    must('sms'),
  ],
  [
    'and is met by one of them',
    { ...own({ needs: { factors: ['sms', 'totp'] } }), evidence: coded },
    reported('own', 'pwd otp mfa', 50),
  ],
  [
    'factors and traits must meet in one event',
    {
      ...own({ needs: { factors: ['totp', 'key'], traits: ['hardware'] } }),
      evidence: coded,
      ...account({ has: ['token', 'totp', 'key'] }),
    },
    must('key'),
  ],
]

const requests: readonly Case[] = [
  [
    'AC-43: an essential level is asked of a session that has it not',
    { requirement: essential(MFA), ...account({ has: ['totp', 'sms'] }) },
    must('totp', 'sms'),
  ],
  [
    'a voluntary one may be declined',
    { requirement: voluntary(MFA), ...account({ has: ['sms', 'totp'] }) },
    may('sms', 'totp'),
  ],
  [
    'and then the truth is reported',
    { requirement: voluntary(MFA), ...account({ has: ['totp'] }), declined: true },
    reported(ONE, 'pwd', 100),
  ],
  ['or if the account cannot', { requirement: voluntary(PHR) }, reported(ONE, 'pwd', 100)],
  [
    'an essential one cannot be declined',
    { requirement: essential(MFA), ...account({ has: ['totp'] }), declined: true },
    must('totp'),
  ],
  ['an essential one out of reach is refused', { requirement: essential(PHR) }, unmet],
  [
    'an alias is reported as it was asked',
    { requirement: essential(REFEDS), evidence: coded },
    reported(REFEDS, 'pwd otp mfa', 50),
  ],
  [
    'the first met in the client’s order is reported',
    { requirement: essential(PHR, 'urn:okta:loa:1fa:any', MFA), evidence: coded },
    reported('urn:okta:loa:1fa:any', 'pwd otp mfa', 50),
  ],
  [
    'a listed level already met satisfies without asking',
    { requirement: voluntary(PHR, ONE), ...account({ has: ['passkey'] }) },
    reported(ONE, 'pwd', 100),
  ],
  [
    'aims at the first in the client’s order',
    { requirement: essential(PHR, MFA), ...account({ has: ['totp', 'key'] }) },
    must('key'),
  ],
  [
    'not at the lowest',
    { requirement: essential(MFA, PHR), ...account({ has: ['totp', 'key'] }) },
    must('totp', 'key'),
  ],
  [
    'aims at the first that can be reached',
    { requirement: essential(PHR, MFA), ...account({ has: ['totp'] }) },
    must('totp'),
  ],
  [
    'AC-44: an unknown value is never reported',
    { requirement: voluntary('urn:x'), evidence: coded },
    reported(MFA, 'pwd otp mfa', 50),
  ],
  [
    'AC-44: nor a level that was asked and not reached',
    { requirement: voluntary(PHR), evidence: coded },
    reported(MFA, 'pwd otp mfa', 50),
  ],
  [
    'an unknown value is skipped',
    { requirement: essential('urn:x', MFA), ...account({ has: ['totp'] }) },
    must('totp'),
  ],
  [
    'an essential that no level names is refused at once',
    { requirement: essential('urn:x'), evidence: coded, ...account({ has: ['totp'] }) },
    unmet,
  ],
  ['an essential without values asks nothing', { requirement: essential() }, reported(ONE, 'pwd', 100)],
]

const floors: readonly Case[] = [
  [
    'a floor is owed though nothing was asked',
    { requirement: needs({ floors: [mfa] }), ...account({ has: ['totp'] }) },
    must('totp'),
  ],
  [
    'a floor raises a lower request',
    { requirement: needs({ essential: [ONE], floors: [mfa] }), ...account({ has: ['totp'] }) },
    must('totp'),
  ],
  [
    'which is reported as asked',
    { requirement: needs({ essential: [ONE], floors: [mfa] }), evidence: coded },
    reported(ONE, 'pwd otp mfa', 50),
  ],
  [
    'a lower floor lowers nothing',
    { requirement: needs({ essential: [PHR], floors: [mfa] }), evidence: coded, ...account({ has: ['totp', 'key'] }) },
    must('key'),
  ],
  [
    'all floors are owed',
    { requirement: needs({ floors: [mfa, phr] }), evidence: coded, ...account({ has: ['totp', 'key'] }) },
    must('key'),
  ],
  [
    'a floor cannot be declined',
    { requirement: needs({ floors: [mfa] }), ...account({ has: ['totp'] }), declined: true },
    must('totp'),
  ],
  [
    'a floor comes before a voluntary level',
    { requirement: needs({ voluntary: [PHR], floors: [mfa] }), ...account({ has: ['totp', 'key'] }) },
    must('totp', 'key'),
  ],
  [
    'which may be declined after it',
    { requirement: needs({ voluntary: [PHR], floors: [mfa] }), evidence: coded, ...account({ has: ['totp', 'key'] }) },
    may('key'),
  ],
  [
    'declining does not lift the floor',
    { requirement: needs({ voluntary: [PHR], floors: [mfa] }), ...account({ has: ['totp'] }), declined: true },
    must('totp'),
  ],
  [
    'an essential level comes before a floor',
    { requirement: needs({ essential: [PHR], floors: [mfa] }), ...account({ has: ['totp', 'key'] }) },
    must('key'),
  ],
  [
    'and leaves the floor open',
    {
      requirement: needs({ essential: [PHR], floors: [mfa] }),
      evidence: [signedIn(9, here, 'key')],
      ...account({ has: ['pin', 'totp'] }),
    },
    must('pin'),
  ],
  ['a floor that the account can never meet is refused', { requirement: needs({ floors: [mfa] }) }, unmet],
  ['even where the request is met', { requirement: needs({ voluntary: [ONE], floors: [mfa] }) }, unmet],
]

describe('policy/decide', () => {
  make.decides({ levels, requests, floors })

  describe('trace', () => {
    const traceOf = (given: Partial<Situation>) => decide(make.situation(given)).trace

    it('tells what was asked, owed and there', () => {
      const asking = { essential: ['urn:x', REFEDS], floors: [phr], maxAgeSeconds: 60, prompt: 'none' } as const
      assert.deepEqual(traceOf({ requirement: needs(asking), evidence: coded }), {
        at: make.NOW,
        reason: 'floor-unmet',
        asked: [REFEDS],
        unknown: ['urn:x'],
        essential: true,
        floors: [PHR],
        maxAgeSeconds: 60,
        prompt: 'none',
        levels: [
          { acr: ONE, met: true, authTime: make.NOW - 50 },
          { acr: MFA, met: true, authTime: make.NOW - 50 },
          { acr: PHR, met: false },
          { acr: PHRH, met: false },
        ],
        evidence: ['login', 'totp'],
        aim: PHR,
      })
    })

    const reasons: readonly [string, Partial<Situation>][] = [
      ['account-inactive', { accountActive: false }],
      ['login-void', { evidence: [] }],
      ['max-age', { requirement: needs({ maxAgeSeconds: 60 }) }],
      ['acr-unknown', { requirement: essential('urn:x') }],
      ['essential-unmet', { requirement: needs({ essential: [PHR], floors: [mfa] }) }],
      ['floor-unmet', { requirement: needs({ voluntary: [PHR], floors: [mfa] }) }],
      ['voluntary-unmet', { requirement: voluntary(PHR) }],
      ['nothing-owed', { requirement: voluntary(ONE) }],
    ]
    for (const [reason, given] of reasons) it(`says ${reason}`, () => assert.equal(traceOf(given).reason, reason))

    it('names the level that is aimed at: the first in the client’s order that can be reached', () => {
      assert.equal(traceOf({ requirement: essential(PHR, MFA), ...account({ has: ['totp', 'key'] }) }).aim, PHR)
      assert.equal(traceOf({ requirement: essential(PHR, MFA), ...account({ has: ['totp'] }) }).aim, MFA)
    })
  })
})
