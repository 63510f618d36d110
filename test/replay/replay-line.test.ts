import assert from 'node:assert/strict'
import fc from 'fast-check'
import { MULTI_FACTOR, PHISHING_RESISTANT, standard } from '../../src/assurance/presets.ts'
import { accountHas, confidenceAtMost, country, group, not, when } from '../../src/policy/index.ts'
import type { Policy } from '../../src/policy/policy.ts'
import type { DecisionRecord } from '../../src/recording/decision-record.ts'
import { lineOf } from '../../src/recording/record.ts'
import { NO_RULE } from '../../src/replay/compare.ts'
import { readLine } from '../../src/replay/read-record.ts'
import { createReplay } from '../../src/replay/replay.ts'
import { replayLine } from '../../src/replay/replay-line.ts'
import { situations } from '../policy/arbitraries.ts'
import { PROOFS, signedIn } from '../policy/makers.ts'
import { FACTORS, factsOf, policiesOver, record, replayed, type Stage, stage } from './recordings.ts'

const written = (recorded: DecisionRecord): DecisionRecord => {
  const line = lineOf(recorded)
  assert.match(line, /^[ -~]+$/)
  return readLine(line)?.record as DecisionRecord
}

const recorded = (given: Parameters<typeof stage>[0] = {}, named?: Parameters<typeof record>[1]) =>
  written((record(stage(given), named) as NonNullable<ReturnType<typeof record>>).recorded)

const stages: fc.Arbitrary<Stage> = situations.chain((situation) =>
  fc.record({
    policy: policiesOver(situation.levels),
    levels: fc.constant(situation.levels),
    situation: fc
      .record({
        besideOthers: fc.boolean(),
        hasOnlyAddresses: fc.boolean(),
        ticketOnly: fc.boolean(),
        remembered: fc.option(fc.constant({ factor: 'totp', ...PROOFS.totp }), { nil: undefined }),
      })
      .map(({ besideOthers, ...more }) => ({
        ...situation,
        ...more,
        cid: situation.loggedInNow ? situation.cid : undefined,
        declined: false,
        evidence: [...situation.evidence]
          .map((event) => (event.factor === 'login' ? event : { ...event, cid: 'earlier' }))
          .sort((one, other) => one.at - other.at),
        factors: situation.factors.map((factor) =>
          factor.id === 'email' && besideOthers ? { ...factor, besideOthers: true as const } : factor,
        ),
      })),
    facts: factsOf,
    client: fc.constantFrom('app', 'shop'),
    scopes: fc.subarray(['openid', 'pay']),
  }),
)

describe('replay/replay-line', () => {
  it('decides what was recorded as it was decided, under the same policy, whatever the situation', () => {
    let count = 0
    fc.assert(
      fc.property(stages, (given) => {
        const made = record(given)
        if (made === undefined) return
        count += 1
        const answer = replayLine(written(made.recorded), made.replay)
        assert.deepEqual([answer.category, answer.now], ['same', made.recorded.outcome])
        assert.equal(answer.fault, undefined)
      }),
      { numRuns: 200 },
    )
    assert.ok(count > 80, `${count} were to be recorded`)
  })

  it('comes to the same over a whole recording, of which it remembers most', () => {
    const factors = ['totp', 'sms', 'key', 'email'].map((id) => ({ id, ...PROOFS.totp, enrolls: false }))
    const lines = fc
      .sample(stages, { numRuns: 150, seed: 1 })
      .flatMap((given) => record(given)?.recorded ?? [])
      .map(lineOf)
    for (const policy of fc.sample(policiesOver(standard), { numRuns: 6, seed: 2 })) {
      const other = replayed(policy, standard, factors)
      const counts = { same: 0, asked: 0, enrolled: 0, refused: 0, passed: 0, other: 0 }
      for (const line of lines) counts[replayLine(readLine(line)?.record as DecisionRecord, other).category] += 2
      const whole = createReplay(other)
      whole.push(Buffer.from(`${[...lines, ...lines].join('\n')}\n`))
      assert.deepEqual(whole.summary().counts, counts)
    }
  })

  const always: Policy = { default: 'always' }
  const nothing = {
    hasAuthenticators: false,
    factors: stage().situation.factors.map((one) => ({ ...one, usable: false })),
  }
  const changes: readonly [
    name: string,
    given: Parameters<typeof stage>[0],
    policy: Policy,
    category: string,
    rules: readonly string[],
  ][] = [
    ['the same', {}, { default: 'never' }, 'same', []],
    ['more is asked', {}, always, 'asked', [NO_RULE]],
    ['more is asked of who has nothing', { account: nothing }, always, 'enrolled', [NO_RULE]],
    ['nothing is asked any more', { policy: always }, { default: 'never' }, 'passed', [NO_RULE]],
    ['a table', {}, { default: 'never', clients: { app: { floor: MULTI_FACTOR } } }, 'asked', [NO_RULE]],
    ['a table of another client', {}, { default: 'never', clients: { shop: { floor: MULTI_FACTOR } } }, 'same', []],
    [
      'what the account has does not do, and nothing else may be set up',
      {},
      { default: 'never', rules: [when(not(country('DE')), { floor: PHISHING_RESISTANT }, { name: 'abroad' })] },
      'refused',
      ['abroad'],
    ],
    [
      'nobody passes',
      { policy: always },
      { ...always, rules: [when(country('DE'), { refuse: 'closed' }, { name: 'closed' })] },
      'refused',
      ['closed'],
    ],
    [
      'who was refused is asked',
      { policy: { ...always, rules: [when(country('DE'), { refuse: 'closed' }, { name: 'closed' })] } },
      always,
      'other',
      ['closed'],
    ],
    ['risk that was assessed then', {}, { default: 'adaptive' }, 'asked', ['adaptive']],
  ]
  for (const [name, given, policy, category, rules] of changes)
    it(`tells what became of a decision: ${name}`, () => {
      const answer = replayLine(recorded(given), replayed(policy, standard, FACTORS))
      assert.equal(answer.category, category, JSON.stringify(answer))
      const { speaks = [], silent = [] } = answer.difference ?? {}
      assert.deepEqual([...speaks, ...silent], rules)
    })

  it('tells which facts were read and not recorded, and lets them speak against the sign-in', () => {
    const rules = [
      when(not(country('DE')), { floor: MULTI_FACTOR }),
      when(group('admins'), { floor: MULTI_FACTOR }),
      when(accountHas('phone'), { floor: MULTI_FACTOR }),
    ]
    const policy = replayed({ default: 'never', rules }, standard, FACTORS)
    const answer = replayLine(recorded(), policy)
    assert.equal(answer.category, 'asked')
    assert.deepEqual(answer.missed, ['location', 'account.metadata.groups', 'account.phone'])
    const facts = { location: { country: 'DE' }, account: { id: 'a', label: 'a', metadata: { groups: [], more: 1 } } }
    const known = recorded({ facts }, { metadata: ['groups'], facts: [] })
    assert.deepEqual(replayLine(known, policy).missed, ['account.phone'])
    assert.equal(replayLine(known, policy).category, 'same')
  })

  it('takes the confidence that was recorded', () => {
    const rules = [when(confidenceAtMost('low'), { floor: MULTI_FACTOR }, { name: 'low' })]
    const policy = replayed({ default: 'never', rules }, standard, FACTORS)
    for (const [confidence, category] of [
      ['high', 'same'],
      ['low', 'asked'],
    ] as const) {
      const risk = { confidence, version: '1' as const, assessments: { X: { confidence, code: 'why so' } } }
      assert.equal(replayLine(recorded({ facts: { risk } }), policy).category, category)
    }
  })

  it('drops factors that are no more, with what they proved', () => {
    const evidence = [signedIn(60), { ...PROOFS.totp, factor: 'totp', at: signedIn(50).at, cid: 'earlier' }]
    const line = recorded({ policy: always, account: { evidence, loggedInNow: false, cid: undefined } })
    assert.equal(line.outcome.is, 'satisfied')
    const without = FACTORS.filter(({ id }) => id !== 'totp')
    const answer = replayLine(line, replayed(always, standard, without))
    assert.deepEqual([answer.gone, answer.category, answer.now.stuck], [['totp'], 'refused', true])
  })

  it('lets nobody pass where a rule fails', () => {
    const rule = { reads: [], demand: () => assert.fail('broken') }
    const answer = replayLine(recorded(), replayed({ default: 'never', rules: [rule] }, standard, FACTORS))
    assert.deepEqual([answer.category, answer.fault], ['refused', '"rules[0]": broken'])
  })
})
