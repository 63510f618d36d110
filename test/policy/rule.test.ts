import assert from 'node:assert/strict'
import { standard } from '../../src/assurance/presets.ts'
import { all, any, type Condition } from '../../src/policy/condition.ts'
import { createJudge } from '../../src/policy/judge.ts'
import { always, type RuleOptions, when } from '../../src/policy/rule.ts'

const yes: Condition<never> = { text: 'yes', reads: [], test: () => true }

describe('policy/rule', () => {
  const mistakes: readonly [string, () => unknown, RegExp][] = [
    ['a mistyped reportOnly', () => when(yes, { refuse: 'x' }, { reportonly: true } as RuleOptions), /reportonly/],
    ['a demand of nothing', () => when(yes, {}), /demand/],
    ['what is no condition', () => when((() => true) as never, { floor: 'phr' }), /condition/],
    ['all of none', () => when(all(), { exempt: true }), /all/],
    ['any of none', () => when(any(), { floor: 'phr' }), /any/],
  ]
  for (const [what, make, names] of mistakes)
    it(`refuses ${what}`, () => assert.throws(make, { code: 'ERR_CONFIG', message: names }))

  it('tells in traces what an exemption took back, and nothing else', () => {
    const rules = [
      always({ floor: 'phr' }, { name: 'before' }),
      always({ refuse: 'x' }, { name: 'refusal' }),
      always({ exempt: true }, { name: 'exemption' }),
      always({ floor: 'phr' }, { name: 'after' }),
    ]
    const judge = createJudge({ default: 'never', rules }, standard, [])
    const { spoken } = judge.owes({ clientId: 'app', scopes: [], resources: [] }, {})
    assert.deepEqual(
      spoken.filter(({ exempted }) => exempted === true).map(({ rule }) => rule),
      ['before'],
    )
  })
})
