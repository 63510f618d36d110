import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Evidence, type Kind, LOGIN, type Trait } from '../../src/assurance/evidence.ts'
import { carriage, type Level, type Moment, type Needs } from '../../src/assurance/levels.ts'
import { type Missing, missingFrom } from '../../src/assurance/missing.ts'

const NOW = 1_000_000
const KINDS: readonly Kind[] = ['knowledge', 'possession', 'inherence']
const TRAITS: readonly Trait[] = ['phishing-resistant', 'hardware', 'address']

const event = (factor: string, age = 0, traits: readonly Trait[] = [], kind: Kind = 'possession'): Evidence => ({
  factor,
  kinds: [factor === LOGIN ? 'knowledge' : kind],
  traits,
  amr: [],
  at: NOW - age,
  cid: '',
})
const moment = (maxAgeSeconds?: number): Moment => ({ now: NOW, cid: undefined, flowSeconds: 600, maxAgeSeconds })
const PASSWORD = event(LOGIN, 500)

describe('assurance/missing', () => {
  const rows: readonly (readonly [what: string, level: Omit<Level, 'acr'>, events: readonly Evidence[], Missing?])[] = [
    ['nothing where the level is met', { needs: { kinds: 2 } }, [PASSWORD, event('totp')]],
    ['a kind', { needs: { kinds: 2 } }, [PASSWORD], { kinds: 1 }],
    ['the traits of one proof', { needs: { traits: TRAITS.slice(0, 2) } }, [PASSWORD], { traits: TRAITS.slice(0, 2) }],
    [
      'the fewest traits that would do',
      { needs: { traits: TRAITS.slice(0, 2) } },
      [PASSWORD, event('webauthn', 0, ['phishing-resistant'])],
      { traits: ['hardware'] },
    ],
    [
      'one of the factors that a rule names',
      { needs: { kinds: 2, factors: ['webauthn', 'push'] } },
      [PASSWORD, event('totp')],
      { factors: ['webauthn', 'push'] },
    ],
    [
      'another way than one that does not count',
      { needs: { kinds: 2, without: ['address'] } },
      [PASSWORD, event('email', 0, ['address'])],
      { kinds: 1, without: ['address'] },
    ],
    [
      'how fresh what carries it has to be',
      { needs: { kinds: 2 }, maxAgeSeconds: 60 },
      [PASSWORD, event('totp', 90)],
      { fresherThanSeconds: 60 },
    ],
    [
      'how fresh all of it has to be',
      { needs: { kinds: 2 }, maxAgeSeconds: 60, overallMaxAgeSeconds: 400 },
      [PASSWORD, event('totp', 30)],
      { fresherThanSeconds: 400 },
    ],
    [
      'two logins carry nothing together',
      { needs: { kinds: 2 } },
      [PASSWORD, { ...event(LOGIN), kinds: ['inherence'] }],
      { kinds: 1 },
    ],
  ]
  for (const [what, level, events, missing] of rows)
    it(`says ${what}`, () => assert.deepEqual(missingFrom({ acr: 'level', ...level }, events, moment()), missing))

  it('says what the max_age of a request asks', () => {
    const events = [PASSWORD, event('totp', 90)]
    assert.deepEqual(missingFrom({ acr: 'level', needs: { kinds: 2 } }, events, moment(10)), { fresherThanSeconds: 10 })
  })

  const needs: fc.Arbitrary<Needs> = fc.record(
    {
      kinds: fc.constantFrom(1, 2),
      traits: fc.subarray([...TRAITS.slice(0, 2)]),
      without: fc.subarray<Trait>(['address']),
      factors: fc.subarray(['totp', 'webauthn'], { minLength: 1 }),
    },
    { requiredKeys: [] },
  )
  const level: fc.Arbitrary<Level> = fc.record(
    {
      acr: fc.constant('level'),
      needs,
      maxAgeSeconds: fc.constantFrom(60, 600),
      overallMaxAgeSeconds: fc.constantFrom(300, 900),
    },
    { requiredKeys: ['acr', 'needs'] },
  )
  const evidence: fc.Arbitrary<Evidence> = fc.record({
    factor: fc.constantFrom(LOGIN, 'totp', 'webauthn', 'email'),
    kinds: fc.subarray([...KINDS], { minLength: 1 }),
    traits: fc.subarray([...TRAITS]),
    amr: fc.constant([]),
    at: fc.integer({ min: NOW - 1000, max: NOW }),
    cid: fc.constant(''),
  })

  it('says something exactly where the level is not met, and what it says would help', () => {
    const property = fc.property(level, fc.array(evidence, { maxLength: 4 }), (one, events) => {
      const missing = missingFrom(one, events, moment())
      assert.equal(missing === undefined, carriage(one, events, moment()) !== undefined)
      if (missing === undefined) return
      assert.ok(Object.keys(missing).length > 0)
      const fresh = events.map((each) => ({ ...each, at: NOW }))
      if (missing.fresherThanSeconds !== undefined) assert.equal(missingFrom(one, fresh, moment()), undefined)
      const { traits = [], factors = ['totp'] } = one.needs
      const best = { ...event(factors[0] ?? 'totp', 0, traits), kinds: KINDS }
      assert.equal(missingFrom(one, [...events, best], moment()), undefined)
    })
    fc.assert(property, { numRuns: 500 })
  })
})
