import type { Level } from '../../src/assurance/levels.ts'
import {
  MULTI_FACTOR as MFA,
  SINGLE_FACTOR as ONE,
  PHISHING_RESISTANT as PHR,
  standard,
} from '../../src/assurance/presets.ts'
import * as make from './makers.ts'
import {
  account,
  type Case,
  did,
  here,
  login,
  may,
  mayEnroll,
  must,
  mustEnroll,
  needs,
  own,
  refused,
  reported,
  signedIn,
} from './makers.ts'

const [, mfa, phr] = standard as [Level, Level, Level, Level]
const unmet = refused('unmet_authentication_requirements')
const essential = (...acrs: string[]) => needs({ essential: acrs })
const voluntary = (...acrs: string[]) => needs({ voluntary: acrs })
const silently = (asking: Parameters<typeof needs>[0]) => needs({ ...asking, prompt: 'none' })
const coded = [signedIn(100), did('totp', 50)]
const withTotp = account({ has: ['totp'] })
const overall = own({ needs: { kinds: 2 }, overallMaxAgeSeconds: 300 })

const silent: readonly Case[] = [
  ['without a login that stands: login_required', { requirement: silently({ essential: [MFA] }), evidence: [] }, login],
  ['a login older than max_age: login_required', { requirement: silently({ maxAgeSeconds: 60 }) }, login],
  [
    'also where an essential level is the login’s own',
    { requirement: silently({ essential: [ONE], maxAgeSeconds: 60 }) },
    login,
  ],
  [
    'AC-47: an essential level not met, by one who could',
    { requirement: silently({ essential: [MFA] }), ...account({ has: ['totp'] }) },
    refused('interaction_required'),
  ],
  [
    'AC-47: by one who could enroll',
    { requirement: silently({ essential: [MFA] }), ...account({ may: ['totp'] }) },
    refused('interaction_required'),
  ],
  ['AC-47: by one who never can', { requirement: silently({ essential: [MFA] }) }, refused('interaction_required')],
  [
    'AC-47: a floor not met, by one who could',
    { requirement: silently({ floors: [mfa] }), ...account({ has: ['totp'] }) },
    refused('interaction_required'),
  ],
  ['AC-47: by one who never can', { requirement: silently({ floors: [mfa] }) }, refused('interaction_required')],
  [
    'a floor whose factor is older than max_age',
    { requirement: silently({ floors: [mfa], maxAgeSeconds: 20 }), evidence: coded, ...account({ has: ['totp'] }) },
    refused('interaction_required'),
  ],
  [
    'an unknown value beside an essential one',
    { requirement: silently({ essential: ['urn:x', MFA] }) },
    refused('interaction_required'),
  ],
  ['an essential that no level names', { requirement: silently({ essential: ['urn:x'] }) }, unmet],
  [
    'a voluntary level goes on and the truth is reported',
    { requirement: silently({ voluntary: [MFA] }), ...account({ has: ['totp'] }) },
    reported(ONE, 'pwd', 100),
  ],
  [
    'what is met is reported',
    { requirement: silently({ essential: [MFA], floors: [mfa] }), evidence: coded },
    reported(MFA, 'pwd otp mfa', 50),
  ],
  [
    'a voluntary level does not save a login from max_age',
    { requirement: silently({ voluntary: [MFA], maxAgeSeconds: 60 }) },
    login,
  ],
]

const progress: readonly Case[] = [
  [
    'a factor is not asked again for what it could not show',
    {
      requirement: essential(PHR),
      evidence: [signedIn(9, here), did('passkey', 5, { ...here, traits: [] })],
      ...account({ has: ['passkey'] }),
    },
    unmet,
  ],
  [
    'another is',
    {
      requirement: essential(PHR),
      evidence: [signedIn(9, here), did('passkey', 5, { ...here, traits: [] })],
      ...account({ has: ['passkey', 'key'] }),
    },
    must('key'),
  ],
  [
    'a voluntary level goes on instead',
    {
      requirement: voluntary(PHR),
      evidence: [signedIn(9, here), did('passkey', 5, { ...here, traits: [] })],
      ...account({ has: ['passkey'] }),
    },
    reported(MFA, 'pwd swk user mfa', 5),
  ],
  [
    'a floor is refused',
    {
      requirement: needs({ floors: [phr] }),
      evidence: [signedIn(9, here), did('passkey', 5, { ...here, traits: [] })],
      ...account({ has: ['passkey'] }),
    },
    unmet,
  ],
  [
    'an earlier authorization spends nothing',
    {
      requirement: essential(PHR),
      evidence: [signedIn(9), did('passkey', 5, { traits: [] })],
      ...account({ has: ['passkey'] }),
    },
    must('passkey'),
  ],
  [
    'a login that showed less than it could is not asked again',
    { requirement: essential(MFA), evidence: [signedIn(9, here)], login: make.PROOFS.passkey },
    unmet,
  ],
  [
    'that of an earlier authorization is',
    { requirement: essential(MFA), evidence: [signedIn(9)], login: make.PROOFS.passkey },
    login,
  ],
  [
    'coming back without an event shows the same again',
    { requirement: essential(MFA), evidence: [signedIn(9, here)], ...account({ has: ['totp'] }) },
    must('totp'),
  ],
]

const accounts: readonly Case[] = [
  [
    'an inactive account is refused whatever it proved',
    { accountActive: false, evidence: coded },
    refused('access_denied'),
  ],
  ['also silently', { accountActive: false, requirement: silently({}) }, refused('access_denied')],
  ['AC-49: a ledger whose login is void asks for the login', { evidence: [did('totp', 5)] }, login],
  ['AC-49: an empty one too', { evidence: [], requirement: essential(MFA), ...account({ has: ['totp'] }) }, login],
  ['never twice in a row', { evidence: [], loggedInNow: true }, refused('login_required')],
]

const emailFirst = {
  outcome: 'challenge',
  for: 'enrollment',
  factors: ['email'],
  declinable: false,
  rememberable: false,
}
const everything = account({ implied: ['email'], may: ['totp', 'key'] })
const enrolled = (kind: 'first' | 'further', cid: string) => did('totp', 5, { cid, enrolled: kind })
const enrollment: readonly Case[] = [
  [
    'opens where a level is owed and the account has nothing',
    { requirement: needs({ floors: [mfa] }), ...account({ may: ['totp', 'key'] }) },
    mustEnroll('totp', 'key'),
  ],
  [
    'offers only what would meet the level',
    { requirement: needs({ essential: [PHR] }), ...account({ may: ['totp', 'key'] }) },
    mustEnroll('key'),
  ],
  [
    'may be declined where the level is voluntary',
    { requirement: needs({ voluntary: [MFA] }), ...account({ may: ['totp'] }) },
    mayEnroll('totp'),
  ],
  [
    'stays away after that',
    { requirement: needs({ voluntary: [MFA] }), ...account({ may: ['totp'] }), declined: true },
    reported(ONE, 'pwd', 100),
  ],
  ['stays away where nothing is owed', { ...account({ may: ['totp'] }) }, reported(ONE, 'pwd', 100)],
  [
    'never opens for an account that has something',
    { requirement: needs({ floors: [mfa] }), ...account({ has: ['totp'], may: ['key'] }) },
    must('totp'),
  ],
  [
    'which gets a page that explains',
    { requirement: needs({ essential: [PHR] }), ...account({ has: ['totp'], may: ['key'] }) },
    must(),
  ],
  [
    'declinable where the level is voluntary',
    { requirement: needs({ voluntary: [PHR] }), ...account({ has: ['totp'] }) },
    may(),
  ],
  [
    'and after it the lower level',
    { requirement: needs({ voluntary: [PHR] }), ...account({ has: ['totp'] }), declined: true },
    reported(ONE, 'pwd', 100),
  ],
  ['also for a floor', { requirement: needs({ floors: [phr] }), ...account({ has: ['totp'] }) }, must()],
  [
    'also where what it has cannot be used now',
    { requirement: needs({ floors: [mfa] }), hasAuthenticators: true },
    must(),
  ],
  [
    'but no page once something was used here',
    {
      requirement: needs({ voluntary: [PHR] }),
      evidence: [signedIn(9, here), did('totp', 5, here)],
      ...account({ has: ['totp'] }),
    },
    reported(MFA, 'pwd otp mfa', 5),
  ],
  [
    'the page comes again in another authorization',
    {
      requirement: needs({ voluntary: [PHR] }),
      evidence: [signedIn(9), did('totp', 5)],
      ...account({ has: ['totp'] }),
    },
    may(),
  ],
  ['asks for the code sent to the address first', { requirement: needs({ floors: [phr] }), ...everything }, emailFirst],
  [
    'in this very authorization',
    { requirement: needs({ floors: [phr] }), evidence: [signedIn(9), did('email', 5)], ...everything },
    emailFirst,
  ],
  [
    'and opens after it',
    { requirement: needs({ floors: [phr] }), evidence: [signedIn(9), did('email', 5, here)], ...everything },
    mustEnroll('key'),
  ],
  [
    'an implied authenticator can meet a level itself',
    { requirement: needs({ floors: [mfa] }), ...everything },
    must('email'),
  ],
  [
    'a first confirmation counts',
    { requirement: needs({ floors: [mfa] }), evidence: [signedIn(9, here), enrolled('first', make.OWN)], ...withTotp },
    reported(MFA, 'pwd otp mfa', 5),
  ],
  [
    'a further one does not count in its own authorization',
    {
      requirement: needs({ essential: [MFA] }),
      evidence: [signedIn(9, here), enrolled('further', make.OWN)],
      ...account({ has: ['totp', 'sms'] }),
    },
    must('sms'),
  ],
  [
    'nor is it reported there',
    { evidence: [signedIn(9, here), enrolled('further', make.OWN)] },
    reported(ONE, 'pwd', 9),
  ],
  [
    'it counts later',
    { requirement: needs({ essential: [MFA] }), evidence: [signedIn(9), enrolled('further', make.EARLIER)] },
    reported(MFA, 'pwd otp mfa', 5),
  ],
  [
    'a login in reach comes before enrolment',
    { ...overall, evidence: [signedIn(301), did('pin', 301)], ...account({ may: ['totp'] }) },
    login,
  ],
]

describe('policy/decide: moves', () => make.decides({ 'prompt=none': silent, progress, accounts, enrollment }))
