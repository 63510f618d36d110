import assert from 'node:assert/strict'
import { UnauthorizedError } from '../../src/auth0/index.ts'
import type { Facts } from '../../src/policy/facts.ts'
import { asking, byRole, FACTS, judged, type Legacy, type Loose, requestWith, ruleOf, throwing } from './setting.ts'

const REFUSED: readonly (readonly [title: string, rule: Legacy, reason: string])[] = [
  [
    'an error called back with',
    (_user, _context, callback) => callback(new UnauthorizedError('Not you.')),
    'UnauthorizedError: Not you.',
  ],
  ['a text called back with', (_user, _context, callback) => callback('not you'), 'not you'],
  ['an error thrown', throwing(new RangeError('off')), 'RangeError: off'],
  ['nothing thrown', throwing(undefined), 'an error without words'],
  [
    'an error of many lines',
    throwing(new Error(`a\n\u0000b\u2028c\u202e${'x'.repeat(500)}`)),
    `Error: a b c ${'x'.repeat(187)}`,
  ],
  ['a promise rejected', async () => Promise.reject(new Error('later')), 'Error: later'],
  [
    'a missing global',
    () => (globalThis as Loose).configuration.KEY,
    "TypeError: Cannot read properties of undefined (reading 'KEY')",
  ],
  [
    'an error that cannot be read',
    throwing(
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('no')
          },
        },
      ),
    ),
    'an error that cannot be read',
  ],
  [
    'a redirect',
    (user, context, callback) => {
      context.redirect = { url: 'https://elsewhere.example' }
      callback(null, user, context)
    },
    'context.redirect was set, and no rule can send people elsewhere here',
  ],
  [
    'a place without naming it',
    (_user, context) => context.request.geoip.country_code,
    'context.request.geoip was looked at, and the option reads does not name location',
  ],
  [
    'an assessment without naming it, though the rule does not care',
    (user, context, callback) => {
      try {
        if (context.riskAssessment.confidence === 'low') context.multifactor = asking
      } catch {}
      callback(null, user, context)
    },
    'context.riskAssessment was looked at, and the option reads does not name risk',
  ],
]

describe('auth0/rule that fails', () => {
  for (const [title, rule, refuse] of REFUSED)
    it(`F-19: lets nobody pass: ${title}`, async () =>
      assert.deepEqual((await judged(ruleOf(rule))).demand, { refuse }))

  it('F-19: lets nobody pass where no answer comes, or comes too late', async () => {
    for (const [name, called] of [
      ['hanging', () => undefined],
      ['promising', () => new Promise(() => undefined)],
    ] as const) {
      const rule = ruleOf(called, { name })
      const [source] = Object.values(rule.sources ?? {})
      const late = await Promise.race([
        source?.(requestWith()),
        new Promise((resolve) => setTimeout(resolve, 5, 'late')),
      ])
      assert.equal(late, 'late')
      const refuse = `${name} gave no answer in time, or what it looks at could not be had`
      for (const said of [{}, { [rule.reads[0] ?? '']: null }])
        assert.deepEqual(rule.demand({ ...FACTS, ...said } as unknown as Facts), { refuse })
    }
  })

  it('lets nobody pass whose metadata has no end', async () => {
    const metadata: Record<string, unknown> = {}
    metadata.self = metadata
    const [source] = Object.values(ruleOf(byRole).sources ?? {})
    await assert.rejects(async () => source?.(requestWith({ account: { id: 'a', label: 'a', metadata } })), RangeError)
  })

  it('has errors like Auth0’s, with new and without', () => {
    const { name, message } = new UnauthorizedError('no')
    assert.deepEqual([name, message], ['UnauthorizedError', 'no'])
    assert.ok(new UnauthorizedError() instanceof Error)
  })
})
