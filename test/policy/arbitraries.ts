import fc from 'fast-check'
import { type Evidence, type Kind, LOGIN, type Proof, type Trait } from '../../src/assurance/evidence.ts'
import type { Level } from '../../src/assurance/levels.ts'
import { standard } from '../../src/assurance/presets.ts'
import type { FactorStanding, Situation } from '../../src/policy/decision.ts'
import { EARLIER, NOW, OWN } from './makers.ts'

const IDS = ['totp', 'sms', 'key', 'email'] as const
const KINDS: Kind[] = ['knowledge', 'possession', 'inherence']
const TRAITS: Trait[] = ['phishing-resistant', 'hardware', 'recovery', 'address']

const maybe = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: undefined, freq: 2 })

const seldom = <T>(some: fc.Arbitrary<T>) =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 3 }, { arbitrary: some, weight: 1 })

/** The members that are not undefined: what `exactOptionalPropertyTypes` wants. */
const defined = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }

/** Up to two of them, in any order. */
const several = <T>(all: readonly T[]) => fc.shuffledSubarray([...all]).map((some) => some.slice(0, 2))

const limit = maybe(fc.constantFrom(1, 30, 300, 3600))

const proof: fc.Arbitrary<Proof> = fc.record({
  kinds: fc.subarray(KINDS, { minLength: 1, maxLength: 2 }),
  traits: fc.subarray(TRAITS),
  amr: fc.constant(['x']),
})

const needs: fc.Arbitrary<Level['needs']> = fc
  .record({
    kinds: maybe(fc.constantFrom(1 as const, 2 as const)),
    traits: maybe(fc.subarray(TRAITS, { maxLength: 2 })),
    without: maybe(fc.subarray(TRAITS, { maxLength: 1 })),
    factors: seldom(fc.subarray<string>([LOGIN, ...IDS], { minLength: 1 })),
  })
  .map(defined)

const custom: fc.Arbitrary<readonly Level[]> = fc
  .array(fc.record({ needs, maxAgeSeconds: limit, overallMaxAgeSeconds: limit }).map(defined), {
    minLength: 1,
    maxLength: 4,
  })
  .map((all) => all.map((level, index) => ({ acr: `level-${index}`, aliases: [`alias-${index}`], ...level })))

const event: fc.Arbitrary<Evidence> = fc
  .record({
    factor: fc.constantFrom(LOGIN, LOGIN, ...IDS),
    proof,
    secondsAgo: fc.constantFrom(-5, 0, 1, 30, 45, 200, 600, 601, 3000, 9000),
    cid: fc.constantFrom(OWN, EARLIER, ''),
    enrolled: seldom(fc.constantFrom('first' as const, 'further' as const)),
  })
  .map(({ proof: shown, secondsAgo, enrolled, ...rest }) => ({
    ...rest,
    ...shown,
    at: NOW - secondsAgo,
    securityStamp: 'present',
    ...(enrolled === undefined || rest.factor === LOGIN ? {} : { enrolled }),
  }))

/** Each event has an amr value of its own, so that a report tells which events it counted. */
const evidence = fc
  .array(event, { maxLength: 6 })
  .map((events) => events.map((one, index) => ({ ...one, amr: [`event-${index}`] })))

const factor = (id: string): fc.Arbitrary<FactorStanding> =>
  fc.record({ proof, usable: fc.boolean(), enrollable: fc.boolean() }).map(({ proof: most, ...rest }) => ({
    id,
    ...most,
    ...rest,
  }))

/** What the account has, in every order. */
export const accounts: fc.Arbitrary<Pick<Situation, 'factors' | 'hasAuthenticators'>> = fc.record({
  hasAuthenticators: fc.boolean(),
  factors: fc.shuffledSubarray([...IDS]).chain((ids) => fc.tuple(...ids.map(factor))),
})

const requirement = (levels: readonly Level[]) =>
  fc
    .record({
      levels: several(levels),
      byAlias: fc.boolean(),
      unknown: fc.subarray(['urn:x']),
      essential: fc.boolean(),
      floors: several(levels),
      maxAgeSeconds: maybe(fc.constantFrom(0, 1, 30, 300, 5000)),
      prompt: fc.constantFrom(undefined, undefined, 'none' as const, 'login' as const),
    })
    .map(({ levels: asked, byAlias, unknown, essential, ...rest }) => ({
      asked: {
        levels: asked.map((level) => ({ level, spelled: (byAlias && level.aliases?.[0]) || level.acr })),
        unknown,
        essential: essential && asked.length + unknown.length > 0,
      },
      ...rest,
    }))

/** Any situation at all, of which about every third is satisfied. */
export const situations: fc.Arbitrary<Situation> = fc.oneof(fc.constant(standard), custom).chain((levels) =>
  fc
    .record({
      requirement: requirement(levels),
      account: accounts,
      evidence,
      cid: fc.constantFrom(OWN, OWN, OWN, undefined),
      accountActive: fc.constantFrom(true, true, true, true, true, true, true, false),
      login: proof,
      loggedInNow: fc.boolean(),
      declined: fc.boolean(),
    })
    .map(({ account, ...rest }) => ({ now: NOW, flowSeconds: 600, levels, ...account, ...rest })),
)

/** What a person does on a page; numbers pick among what the page offers. */
export interface Answer {
  readonly act: 'prove' | 'decline' | 'cancel'
  readonly pick: number
  readonly waitSeconds: number
  /** How much less is shown than the factor could show. */
  readonly weaker: number
  /** How old the login is that comes back. */
  readonly loginAgeSeconds: number
}

/** People, most of whom want to get in. */
export const answers = (length: number): fc.Arbitrary<readonly Answer[]> =>
  fc.array(
    fc.record({
      act: fc.constantFrom<Answer['act'][]>(...Array(16).fill('prove'), 'decline', 'decline', 'cancel'),
      pick: fc.nat(9),
      waitSeconds: fc.nat(30),
      weaker: fc.nat(3),
      loginAgeSeconds: fc.constantFrom(0, 0, 20, 400, 601, 10_000),
    }),
    { minLength: length, maxLength: length },
  )
