import assert from 'node:assert/strict'
import { type Evidence, LOGIN, type Proof } from '../../src/assurance/evidence.ts'
import type { Level } from '../../src/assurance/levels.ts'
import { standard } from '../../src/assurance/presets.ts'
import { decide } from '../../src/policy/decide.ts'
import type { Decision, FactorStanding, Situation } from '../../src/policy/decision.ts'
import { askedLevels, type Requirement } from '../../src/policy/requirement.ts'
import type { RefusalError } from '../../src/policy/trace.ts'

/** The moment of every decision in these tests, in epoch seconds. */
export const NOW = 1_800_000_000
/** The authorization that is being decided. */
export const OWN = 'own'
/** An authorization of another time. */
export const EARLIER = 'earlier'

/** What the methods of these tests show. */
export const PROOFS = {
  password: { kinds: ['knowledge'], traits: [], amr: ['pwd'] },
  pin: { kinds: ['knowledge'], traits: [], amr: ['pin'] },
  totp: { kinds: ['possession'], traits: ['replay-resistant'], amr: ['otp'] },
  sms: { kinds: ['possession'], traits: ['out-of-band', 'restricted'], amr: ['sms'] },
  email: { kinds: ['possession'], traits: ['address'], amr: ['mail'] },
  recovery: { kinds: ['possession'], traits: ['recovery'], amr: ['rec'] },
  /** Without user verification. */
  key: { kinds: ['possession'], traits: ['phishing-resistant', 'hardware'], amr: ['hwk'] },
  /** Synced, with user verification: two kinds, no hardware. */
  passkey: {
    kinds: ['possession', 'inherence'],
    traits: ['phishing-resistant', 'user-verified'],
    amr: ['swk', 'user'],
  },
  token: { kinds: ['possession'], traits: ['hardware'], amr: ['otp'] },
} as const satisfies Record<string, Proof>

/** The name of one of them; it serves as factor id too. */
export type Method = keyof typeof PROOFS

/** An event so many seconds ago, in an earlier authorization unless told otherwise. */
export const did = (method: Method, secondsAgo: number, more: Partial<Evidence> = {}): Evidence => ({
  ...PROOFS[method],
  factor: method,
  at: NOW - secondsAgo,
  cid: EARLIER,
  ...more,
})

/** A login so many seconds ago; by password unless told otherwise. */
export const signedIn = (secondsAgo: number, more: Partial<Evidence> = {}, method: Method = 'password'): Evidence =>
  did(method, secondsAgo, { factor: LOGIN, ...more })

/** In the authorization that is being decided. */
export const here = { cid: OWN } as const

/** What an account has, by its own enrolment or implied, and may enroll; in the order to be offered. */
export const account = (methods: { has?: Method[]; implied?: Method[]; may?: Method[] }) => {
  const { has = [], implied = [], may = [] } = methods
  const factors: FactorStanding[] = [...new Set([...implied, ...has, ...may])].map((id) => ({
    id,
    ...PROOFS[id],
    usable: has.includes(id) || implied.includes(id),
    enrollable: may.includes(id),
  }))
  return { hasAuthenticators: has.length > 0, factors }
}

interface Asking {
  readonly essential?: readonly string[]
  readonly voluntary?: readonly string[]
  readonly floors?: readonly Level[]
  readonly maxAgeSeconds?: number
  readonly prompt?: 'none' | 'login'
}

/** What a request needs; the levels it names are looked up in `levels`. */
export const needs = ({ essential, voluntary = [], ...rest }: Asking, levels = standard): Requirement => ({
  asked: askedLevels({ values: essential ?? voluntary, essential: essential !== undefined }, undefined, levels),
  floors: [],
  ...rest,
})

/** An essential request for a level of the host's own, beside the standard ones. */
export const own = (level: Omit<Level, 'acr'>) => {
  const levels = [...standard, { acr: 'own', ...level }]
  return { levels, requirement: needs({ essential: ['own'] }, levels) }
}

/** Somebody who signed in by password 100 s ago in another authorization, has nothing and is asked nothing. */
export const situation = (given: Partial<Situation> = {}): Situation => ({
  now: NOW,
  cid: OWN,
  flowSeconds: 600,
  levels: standard,
  requirement: needs({}),
  accountActive: true,
  evidence: [signedIn(100)],
  hasAuthenticators: false,
  factors: [],
  login: PROOFS.password,
  loggedInNow: false,
  declined: false,
  ...given,
})

/** The outcomes, shortly. `may` says that the user can go on without. */
export const reported = (acr: string | undefined, amr: string, secondsAgo: number) => ({
  outcome: 'satisfied',
  ...(acr === undefined ? {} : { acr }),
  amr: amr.split(' '),
  authTime: NOW - secondsAgo,
  offers: [],
})
export const login = { outcome: 'login' } as const
const challenge = { outcome: 'challenge', for: 'level', rememberable: false } as const
export const must = (...factors: Method[]) => ({ ...challenge, factors, declinable: false })
export const may = (...factors: Method[]) => ({ ...challenge, factors, declinable: true })
export const mustEnroll = (...factors: Method[]) => ({ outcome: 'enroll', factors, declinable: false })
export const mayEnroll = (...factors: Method[]) => ({ outcome: 'enroll', factors, declinable: true })
export const refused = (error: RefusalError) => ({ outcome: 'refuse', error })

/** A decision without its explanation. */
export const bare = ({ trace: _, ...rest }: Decision) => rest

/** One row: how it differs from `situation()`, and what is decided. */
export type Case = readonly [name: string, given: Partial<Situation>, decision: object]

/** Runs tables of cases, by the name of their section. */
export const decides = (sections: Readonly<Record<string, readonly Case[]>>) => {
  for (const [section, cases] of Object.entries(sections))
    describe(section, () => {
      for (const [name, given, decision] of cases)
        it(name, () => assert.deepEqual(bare(decide(situation(given))), decision))
    })
}
