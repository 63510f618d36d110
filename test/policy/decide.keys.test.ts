import type { Evidence, Proof } from '../../src/assurance/evidence.ts'
import { MULTI_FACTOR as MFA, standard } from '../../src/assurance/presets.ts'
import type { Situation } from '../../src/policy/decision.ts'
import { type Case, decides, did, here, must, needs, PROOFS, refused, reported, signedIn } from './makers.ts'

const essential = { requirement: needs({ essential: [MFA] }) }

const SYNCED: Proof = { ...PROOFS.passkey, traits: ['phishing-resistant', 'user-verified'] }
const BOUND: Proof = { ...PROOFS.passkey, traits: ['phishing-resistant', 'user-verified', 'hardware'], amr: ['hwk'] }
const PLAIN: Proof = { ...PROOFS.key }
/** Keys of which each can show something else; the factor's own proof is the most of all. */
const keys = (...proofs: readonly Proof[]): Partial<Situation> => ({
  hasAuthenticators: true,
  factors: [{ id: 'passkey', ...BOUND, usable: true, enrollable: true, proofs }],
})
const levelOf = (acr: string) => ({ requirement: needs({ essential: [acr] }) })
const single = { evidence: [signedIn(100)] }

const planned: readonly Case[] = [
  ['a synced key meets phr', { ...levelOf('phr'), ...keys(SYNCED) }, must('passkey')],
  ['and never phrh, which is explained', { ...levelOf('phrh'), ...keys(SYNCED) }, must()],
  ['one of two that is bound does', { ...levelOf('phrh'), ...keys(SYNCED, BOUND) }, must('passkey')],
  ['in whatever order', { ...levelOf('phrh'), ...keys(BOUND, SYNCED) }, must('passkey')],
  ['two synced ones do not add up', { ...levelOf('phrh'), ...keys(SYNCED, SYNCED) }, must()],
  [
    'a key without its user’s PIN makes two kinds with the password',
    { ...essential, ...single, ...keys(PLAIN) },
    must('passkey'),
  ],
  [
    'and not by itself',
    {
      ...levelOf('own'),
      levels: [...standard, { acr: 'own', needs: { kinds: 2, factors: ['passkey'] } }],
      requirement: needs({ essential: ['own'] }, [
        ...standard,
        { acr: 'own', needs: { kinds: 2, factors: ['passkey'] } },
      ]),
      ...keys(PLAIN),
    },
    must('passkey'),
  ],
  [
    'where nothing is said of each, the factor’s most counts',
    {
      ...levelOf('phrh'),
      hasAuthenticators: true,
      factors: [{ id: 'passkey', ...BOUND, usable: true, enrollable: true }],
    },
    must('passkey'),
  ],
  [
    'where nothing is enrolled, the factor’s most is what is enrolled for',
    { ...levelOf('phrh'), factors: [{ id: 'passkey', ...BOUND, usable: false, enrollable: true, proofs: [] }] },
    { outcome: 'enroll', factors: ['passkey'], declinable: false },
  ],
  ['none that can answer now meets nothing', { ...levelOf('phr'), ...keys() }, must()],
  [
    'what was really shown is what counts, not what was hoped for',
    { ...levelOf('phrh'), ...keys(SYNCED, BOUND), evidence: [signedIn(100), did('passkey', 5, here)] },
    refused('unmet_authentication_requirements'),
  ],
]

const by = { authenticatorId: 'own' }
/** Somebody who came in by a key, and what the ledger has of it. */
const cameIn = (proof: Proof, ...more: readonly Evidence[]): Partial<Situation> => ({
  loggedInNow: true,
  evidence: [signedIn(5, { ...here, ...proof, ...by }), did('passkey', 5, { ...here, ...proof, ...by }), ...more],
})
const answered = (proof: Proof) => did('passkey', 2, { ...here, ...proof, authenticatorId: 'other' })

const came: readonly Case[] = [
  [
    'it meets what it shows',
    { ...levelOf('phr'), ...keys(SYNCED), ...cameIn(SYNCED) },
    reported('phr', 'swk user mfa', 5),
  ],
  [
    'the one that would do is asked',
    { ...levelOf('phrh'), ...keys(SYNCED, BOUND), ...cameIn(SYNCED) },
    must('passkey'),
  ],
  ['and where there is none, that is explained', { ...levelOf('phrh'), ...keys(SYNCED), ...cameIn(SYNCED) }, must()],
  [
    'the one that would do meets it',
    { ...levelOf('phrh'), ...keys(SYNCED, BOUND), ...cameIn(SYNCED, answered(BOUND)) },
    reported('phrh', 'swk user hwk mfa', 2),
  ],
  [
    'what was asked and did not do is not asked again',
    { ...levelOf('phrh'), ...keys(SYNCED, BOUND), ...cameIn(SYNCED, answered(SYNCED)) },
    refused('unmet_authentication_requirements'),
  ],
  [
    'nor where it was the same key',
    { ...levelOf('phrh'), ...keys(SYNCED, BOUND), ...cameIn(SYNCED, did('passkey', 2, { ...here, ...SYNCED, ...by })) },
    refused('unmet_authentication_requirements'),
  ],
]

describe('policy/decide: keys that differ', () => {
  decides({ 'what each key can show': planned, 'who came in by a key': came })
})
