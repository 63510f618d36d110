import type { Level } from '../../src/assurance/levels.ts'
import {
  MULTI_FACTOR as MFA,
  SINGLE_FACTOR as ONE,
  PHISHING_RESISTANT as PHR,
  standard,
} from '../../src/assurance/presets.ts'
import * as make from './makers.ts'
import { account, type Case, did, here, login, may, must, needs, own, refused, reported, signedIn } from './makers.ts'

const [, mfa] = standard as [Level, Level]
const unmet = refused('unmet_authentication_requirements')
const withTotp = account({ has: ['totp'] })
const within = (maxAgeSeconds: number, asking: Parameters<typeof needs>[0] = {}) => needs({ ...asking, maxAgeSeconds })
const carriers = own({ needs: { kinds: 2 }, maxAgeSeconds: 300 })
const overall = own({ needs: { kinds: 2 }, overallMaxAgeSeconds: 300 })

const ages: readonly Case[] = [
  [
    'maxAgeSeconds binds what carries, not the login',
    { ...carriers, evidence: [signedIn(900), did('totp', 300)] },
    reported('own', 'pwd otp mfa', 300),
  ],
  [
    'what carries and is older is asked anew',
    { ...carriers, evidence: [signedIn(900), did('totp', 301)], ...withTotp },
    must('totp'),
  ],
  [
    'a fresh password makes no old second factor fresh',
    { ...carriers, evidence: [did('totp', 301), signedIn(5, here)], ...withTotp },
    must('totp'),
  ],
  ['nor in auth_time', { evidence: [did('totp', 301), signedIn(5, here)] }, reported(MFA, 'otp pwd mfa', 301)],
  [
    'a step-up moves auth_time',
    { evidence: [signedIn(900), did('totp', 301), did('totp', 5)] },
    reported(MFA, 'pwd otp mfa', 5),
  ],
  [
    'a passkey login carries by itself',
    { ...carriers, evidence: [signedIn(300, {}, 'passkey')] },
    reported('own', 'swk user mfa', 300),
  ],
  [
    'overallMaxAgeSeconds binds the login too',
    { ...overall, evidence: [signedIn(301), did('totp', 5)], ...withTotp },
    login,
  ],
  ['and the factor', { ...overall, evidence: [signedIn(5), did('totp', 301)], ...withTotp }, must('totp')],
  ['both too old: the login first', { ...overall, evidence: [signedIn(301), did('totp', 301)], ...withTotp }, login],
  ['then the factor', { ...overall, evidence: [did('totp', 301), signedIn(5, here)], ...withTotp }, must('totp')],
  ['no login where none would help', { ...overall, evidence: [signedIn(301), did('totp', 301)] }, unmet],
  [
    'a login that came back as old as before is not asked again',
    { ...overall, evidence: [signedIn(900, here), did('totp', 5)], ...withTotp, loggedInNow: true },
    must(),
  ],
  [
    'a stale phishing-resistant login is not refreshed by a code',
    {
      ...own({ needs: { traits: ['phishing-resistant'] }, maxAgeSeconds: 300 }),
      evidence: [signedIn(301, {}, 'passkey'), did('totp', 5)],
      ...withTotp,
    },
    must(),
  ],
  [
    'but by itself, anew',
    {
      ...own({ needs: { traits: ['phishing-resistant'] }, maxAgeSeconds: 300 }),
      evidence: [signedIn(301, {}, 'passkey'), did('totp', 5)],
      login: make.PROOFS.passkey,
    },
    login,
  ],
  [
    'an event of this authorization is fresh for flowSeconds',
    {
      ...own({ needs: { kinds: 2 }, maxAgeSeconds: 1, overallMaxAgeSeconds: 1 }),
      evidence: [signedIn(600, here), did('totp', 5, here)],
    },
    reported('own', 'pwd otp mfa', 5),
  ],
  [
    'and no longer',
    { ...own({ needs: { kinds: 2 }, overallMaxAgeSeconds: 1 }), evidence: [signedIn(601, here), did('totp', 5, here)] },
    login,
  ],
]

const maxAge: readonly Case[] = [
  ['asks for a login that is too old', { requirement: within(99) }, login],
  ['is content with one within it', { requirement: within(100) }, reported(ONE, 'pwd', 100)],
  [
    'is content with the login of this authorization',
    { requirement: within(1), evidence: [signedIn(100, here)] },
    reported(ONE, 'pwd', 100),
  ],
  ['for flowSeconds', { requirement: within(1), evidence: [signedIn(601, here)] }, login],
  [
    'asks for the login, though a factor is fresh, where only the login is owed',
    { requirement: within(60, { essential: [ONE] }), evidence: [signedIn(100), did('totp', 5)] },
    login,
  ],
  [
    'asks the floor’s factor anew, not the password',
    { requirement: within(60, { floors: [mfa] }), evidence: [signedIn(900), did('totp', 61)], ...withTotp },
    must('totp'),
  ],
  [
    'and is content with it',
    {
      requirement: within(60, { floors: [mfa] }),
      evidence: [signedIn(900), did('totp', 61), did('totp', 5, here)],
      ...withTotp,
    },
    reported(MFA, 'pwd otp mfa', 5),
  ],
  [
    'asks the essential level’s factor anew',
    {
      requirement: within(60, { essential: [PHR] }),
      evidence: [signedIn(5), did('key', 61)],
      ...account({ has: ['totp', 'key'] }),
    },
    must('key'),
  ],
  [
    'asks the login where it is what meets the floor',
    {
      requirement: within(60, { floors: [mfa] }),
      evidence: [signedIn(61, {}, 'passkey')],
      login: make.PROOFS.passkey,
      ...withTotp,
    },
    login,
  ],
  [
    'asks the voluntary level’s factor anew',
    { requirement: within(60, { voluntary: [MFA] }), evidence: [signedIn(900), did('totp', 61)], ...withTotp },
    may('totp'),
  ],
  [
    'after a decline the login must be within it',
    {
      requirement: within(60, { voluntary: [MFA] }),
      evidence: [signedIn(61), did('totp', 61)],
      ...withTotp,
      declined: true,
    },
    login,
  ],
  [
    'even where a floor’s factor is within it',
    {
      requirement: within(60, { voluntary: [PHR], floors: [mfa] }),
      evidence: [signedIn(61), did('totp', 5)],
      ...withTotp,
      declined: true,
    },
    login,
  ],
  [
    'and then only what is within it is reported',
    {
      requirement: within(60, { voluntary: [MFA] }),
      evidence: [did('totp', 61), signedIn(5, here)],
      ...withTotp,
      declined: true,
    },
    reported(ONE, 'pwd', 5),
  ],
  [
    'so too where nothing was asked',
    { requirement: within(60), evidence: [did('totp', 61), signedIn(5)] },
    reported(ONE, 'pwd', 5),
  ],
  [
    'where the level is out of reach the login must be within it',
    { requirement: within(60, { voluntary: [MFA] }) },
    login,
  ],
  [
    'a login that came back too old ends it',
    { requirement: within(60), evidence: [signedIn(900, here)], loggedInNow: true },
    refused('login_required'),
  ],
  [
    'also after a decline',
    {
      requirement: within(60, { voluntary: [MFA] }),
      evidence: [signedIn(900, here)],
      ...withTotp,
      declined: true,
      loggedInNow: true,
    },
    refused('login_required'),
  ],
]

const promptLogin = (asking: Parameters<typeof needs>[0] = {}) => needs({ ...asking, prompt: 'login' })
const anew: readonly Case[] = [
  [
    'asks for a login on the first pass',
    { requirement: promptLogin(), cid: undefined, evidence: [signedIn(1, { cid: '' })] },
    login,
  ],
  ['counts no login of another authorization', { requirement: promptLogin(), evidence: [signedIn(1)] }, login],
  [
    'is content with its own',
    { requirement: promptLogin(), evidence: [signedIn(900), signedIn(5, here)] },
    reported(ONE, 'pwd', 5),
  ],
  [
    'AC-45: counts no factor of another authorization',
    {
      requirement: promptLogin({ floors: [mfa] }),
      evidence: [signedIn(900), did('totp', 20), signedIn(5, here)],
      ...withTotp,
    },
    must('totp'),
  ],
  [
    'AC-45: nor reports it',
    { requirement: promptLogin(), evidence: [did('totp', 20), signedIn(5, here)] },
    reported(ONE, 'pwd', 5),
  ],
  [
    'counts its own factor',
    { requirement: promptLogin({ essential: [MFA] }), evidence: [signedIn(9, here), did('totp', 5, here)] },
    reported(MFA, 'pwd otp mfa', 5),
  ],
  [
    'other applications keep what was proved',
    { requirement: needs({ essential: [MFA] }), cid: 'another', evidence: [did('totp', 20), signedIn(5, here)] },
    reported(MFA, 'otp pwd mfa', 20),
  ],
]

describe('policy/decide: freshness', () =>
  make.decides({ 'ages of levels': ages, max_age: maxAge, 'prompt=login': anew }))
