import { z } from 'zod'
import type { Account } from '../account.ts'
import type { Proof } from '../assurance/evidence.ts'
import { readOptions, type StepUpOptions } from '../config.ts'
import { configError } from '../config-error.ts'
import { strict } from '../config-schema.ts'
import { StepUpError } from '../errors.ts'
import type { Explanation } from '../explain/explanation.ts'
import { AN_INSTANT, instantOf } from '../explain/instant.ts'
import type { Question } from '../explain/question.ts'
import { createExplain } from '../explain.ts'
import type { AnyFactor, Authenticator } from '../factors/factor.ts'
import type { AccountRecord } from '../flow/account-record.ts'
import { judgingOf } from '../judging.ts'
import type { RefusalError } from '../policy/trace.ts'

type Shared =
  | 'policy'
  | 'levels'
  | 'factors'
  | 'risk'
  | 'geo'
  | 'acrValues'
  | 'maxAge'
  | 'enrollment'
  | 'rememberBrowser'

/** What is tested: the settings of `stepUp()` that decisions depend on, and who there is. */
export interface PolicyTesterOptions extends Pick<StepUpOptions, Shared | 'flowSeconds'> {
  /** Whom cases name by id; who is not among them is an account of that id and nothing else. */
  readonly accounts?: readonly Account[]
  /** The moment of cases that name none: epoch seconds. Default: noon in UTC on Monday, 5 January 2026. */
  readonly at?: number
}

/** Something that an account has set up, which shows less than its factor can. */
export interface EnrolledFactor {
  readonly factor: string
  /** What it shows at most. Default: the most that its factor can. */
  readonly proof?: Proof
}

/** What a case expects; what it does not name is not looked at. */
export interface PolicyExpectation {
  readonly outcome: Explanation['decision']['outcome']
  /** The factors that are asked by, or that can be set up, in any order. */
  readonly factors?: readonly string[]
  /** The level that is reported, or that is aimed at where more is asked. */
  readonly acr?: string
  /** The error that the relying party gets. */
  readonly refusal?: RefusalError
  /** The names of the rules that spoke with effect, in order. */
  readonly rules?: readonly string[]
}

type Asked = Omit<Question, 'accountId' | 'clientId' | 'acrValues' | 'at'>

/** One row of a table: a sign-in, and what it is to come to. */
export interface PolicyCase extends Asked {
  /** Default: what is asked, in a few words. */
  readonly name?: string
  /** An id, or an account. Default: one that is not listed. */
  readonly account?: string | Account
  /** What the account has set up, by the id of the factor. Default nothing. */
  readonly enrolled?: readonly (string | EnrolledFactor)[]
  /** The `client_id`. */
  readonly client: string
  readonly acr?: string | readonly string[]
  /** In short, for a location of which no more is known. */
  readonly country?: string
  /** Epoch seconds, or a date and time with its zone: `2026-11-22T23:30+01:00`. */
  readonly at?: number | string
  readonly expect?: PolicyExpectation
}

/** Decides cases by a policy. */
export interface PolicyTester {
  /**
   * What a case comes to.
   *
   * @throws StepUpError `ERR_CONFIG` naming what is wrong with the case; `ERR_POLICY` where a rule fails.
   */
  decide(one: PolicyCase): Promise<Explanation>
}

/** A Monday at noon. */
const DEFAULT_AT = 1_767_614_400

const SOMEBODY = 'somebody'

/** It seals nothing: no record is ever written. */
const NO_KEY = Buffer.alloc(32).toString('base64url')

const ANY = z.unknown().optional()
const OUTCOME = 'one of satisfied, login, challenge, enroll, refuse'

/** The names only; what they are, `explain` judges, and a misspelled one must not make a case pass. */
const CASE = strict({
  name: ANY,
  account: ANY,
  enrolled: ANY,
  client: z.string('a client_id'),
  acr: ANY,
  essential: ANY,
  scopes: ANY,
  resources: ANY,
  address: ANY,
  userAgent: ANY,
  location: ANY,
  country: ANY,
  at: ANY,
  maxAgeSeconds: ANY,
  prompt: ANY,
  device: ANY,
  headers: ANY,
  facts: ANY,
  evidence: ANY,
  remembered: ANY,
  expect: strict({
    outcome: z.enum(['satisfied', 'login', 'challenge', 'enroll', 'refuse'], OUTCOME),
    factors: z.array(z.string(), 'a list of factor ids').optional(),
    acr: z.string('the name of a level').optional(),
    refusal: z.string('an error code').optional(),
    rules: z.array(z.string(), 'a list of names of rules').optional(),
  }).optional(),
})

const PREFIX = 'policyTester: '

const refuse = (path: string, found: string, allowed: string): never => {
  throw new StepUpError('ERR_CONFIG', `${PREFIX}${path}: found ${found}; allowed: ${allowed}`)
}

/** What authenticators hold is nothing here, so none of the factor's own looks at it. */
const bareFactor = (factor: AnyFactor): AnyFactor => {
  const { atMost: _atMost, usesLeft: _usesLeft, ...rest } = factor
  return { ...rest, atMost: ({ data }: Authenticator<Partial<EnrolledFactor>>) => data.proof ?? factor }
}

const recordOf = (enrolled: NonNullable<PolicyCase['enrolled']>, factors: readonly AnyFactor[]): AccountRecord => {
  const ids = factors.map(({ id }) => id)
  const authenticators = enrolled.map((one, index): Authenticator => {
    const data: EnrolledFactor = typeof one === 'string' ? { factor: one } : one
    const { factor } = data
    if (!ids.includes(factor)) refuse(`enrolled[${index}]`, JSON.stringify(factor), ids.join(', '))
    return { id: `${factor}-${index}`, factor, status: 'active', createdAt: 0, data }
  })
  return { authenticators, failures: {}, disabledFactors: {}, factorsVersion: '0' }
}

const questionOf = (one: PolicyCase, accountId: string, usual: number): Question => {
  const { name: _name, account: _account, enrolled: _enrolled, expect: _expect, ...asked } = one
  const { client, acr, country, at = usual, ...rest } = asked
  const moment = typeof at === 'string' ? instantOf(at) : at
  if (moment === undefined) return refuse('at', JSON.stringify(at), AN_INSTANT)
  return {
    ...(country === undefined ? {} : { location: { country } }),
    ...rest,
    accountId,
    clientId: client,
    at: moment,
    ...(acr === undefined ? {} : { acrValues: acr }),
  }
}

/** Nobody has signed in before; what a case says of it stands in place of that. */
const NO_HISTORY = {
  read: async () => ({ device: { cookie: 'unknown', userAgent: 'unknown', known: 0 } as const, lastLogin: undefined }),
  foreseeCount: async () => 1,
}

/**
 * Tests a policy without a server: no store, no network of ours, no clock. What the policy brings of its own, facts and
 * assessors, is asked as at a sign-in, unless the case tells them.
 *
 * @example
 * ```ts
 * const tester = policyTester({ factors: [totp({ issuer: 'Acme' })], policy })
 * const { decision } = await tester.decide({ client: 'bank', enrolled: ['totp'], country: 'DE' })
 * ```
 * @throws StepUpError `ERR_CONFIG` for what `stepUp()` would refuse.
 */
export const policyTester = (options: PolicyTesterOptions): PolicyTester => {
  const { accounts = [], at: usual = DEFAULT_AT, factors, ...settings } = options
  const known = new Map(accounts.map((account) => [account.id, account]))
  const account = (id: string) => known.get(id) ?? { id, label: id }
  const config = readOptions({ ...settings, factors: factors.map(bareFactor), sealingKeys: [NO_KEY], account })
  const judging = judgingOf(config)
  return Object.freeze<PolicyTester>({
    async decide(one) {
      const { error } = CASE.safeParse(one)
      if (error !== undefined) throw configError(one, error, PREFIX)
      const { account: named = SOMEBODY, enrolled = [] } = one
      const who = typeof named === 'string' ? account(named) : named
      const record = recordOf(enrolled, factors)
      const explain = createExplain({
        ...judging,
        config: { ...config, account: async () => who },
        reading: { records: { load: async () => ({ record, version: null }) }, historyAt: () => NO_HISTORY },
        client: async (clientId) => ({ clientId }),
      })
      return explain(questionOf(one, who.id, usual))
    },
  })
}
