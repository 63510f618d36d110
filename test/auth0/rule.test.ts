import assert from 'node:assert/strict'
import { standard } from '../../src/assurance/presets.ts'
import { type Auth0Options, type Auth0Rule, auth0Rule, auth0Rules } from '../../src/auth0/index.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import type { Facts } from '../../src/policy/facts.ts'
import { createJudge } from '../../src/policy/judge.ts'
import type { Demand } from '../../src/policy/rule.ts'
import {
  asking,
  byRole,
  EVERY_TIME,
  EXEMPT,
  FACTS,
  judged,
  type Legacy,
  MORE,
  requestWith,
  ruleOf,
  saying,
  throwing,
} from './setting.ts'

const strange = (found: string) => ({
  refuse: `TypeError: context.multifactor.provider: found ${found}; allowed: any, guardian, google-authenticator, duo, none`,
})

const SAID: readonly (readonly [multifactor: unknown, expected: Demand | undefined, options?: Auth0Options])[] = [
  [undefined, undefined],
  [null, undefined],
  [false, undefined],
  [{ provider: 'any' }, MORE],
  [{ provider: 'any', allowRememberBrowser: true }, MORE],
  [{ provider: 'any', allowRememberBrowser: 0 }, EVERY_TIME],
  [{ provider: 'any', ignoreCookie: true }, EVERY_TIME],
  [
    { provider: 'any', selfServiceEnrollment: false },
    { floor: MULTI_FACTOR, enrollment: 'ticket' },
  ],
  [{ provider: 'any' }, { floor: 'phr' }, { floor: 'phr' }],
  [{ provider: 'guardian' }, MORE],
  [
    { provider: 'guardian' },
    { floor: MULTI_FACTOR, factors: ['push', 'totp'] },
    { factors: { guardian: ['push', 'totp'] } },
  ],
  [
    { provider: 'google-authenticator', issuer: 'x', key: 'y' },
    { floor: MULTI_FACTOR, factors: ['totp'] },
  ],
  [
    { provider: 'duo', ikey: 'x', skey: 'y', host: 'z' },
    { floor: MULTI_FACTOR, factors: ['duo'] },
  ],
  [{ provider: 'duo' }, MORE, { factors: { duo: 'any' } }],
  [
    { provider: 'duo' },
    { refuse: 'no factor that the account can use stands for duo: see the option factors' },
    { factors: { duo: [] } },
  ],
  [{ provider: 'none', allowRememberBrowser: false }, EXEMPT],
  [{}, strange('a value of type undefined')],
  ['any', strange('a value of type undefined')],
  [{ provider: ['any'] }, strange('["any"]')],
  [{ provider: 'constructor' }, strange('"constructor"')],
  [Object.create({ provider: 'none' }), strange('a value of type undefined')],
]

describe('auth0/rule', () => {
  it('reads what a rule said as Auth0 does, and nothing that Auth0 does not know', async () => {
    for (const [multifactor, expected, options] of SAID)
      assert.deepEqual(
        (await judged(ruleOf(saying(multifactor), options))).demand,
        expected,
        JSON.stringify(multifactor),
      )
  })

  it('counts the first call only, and no error after it', async () => {
    const twice: Legacy = (user, _context, callback) => {
      callback(null, user, { multifactor: asking })
      callback(null, user, { multifactor: { provider: 'none' } })
      callback(new Error('too late'))
      throw new Error('later still')
    }
    assert.deepEqual((await judged(ruleOf(twice))).demand, EVERY_TIME)
    const other: Legacy = (user, context, callback) => {
      callback(new Error('first'))
      callback(null, user, context)
    }
    assert.deepEqual((await judged(ruleOf(other))).demand, { refuse: 'Error: first' })
  })

  it('hands one context through several rules, of which the last word counts', async () => {
    const seen: string[] = []
    const marking =
      (mark: string): Legacy =>
      (user, context, callback) => {
        seen.push(`${mark} after ${user.mark ?? 'none'}`)
        user.mark = mark
        callback(null, user, context)
      }
    const chain = (...rules: Legacy[]) => auth0Rules(rules as Auth0Rule[], { name: 'chain' })
    const [any, none] = [saying({ provider: 'any' }), saying({ provider: 'none' })]
    assert.deepEqual((await judged(chain(marking('a'), any, marking('b'), none))).demand, EXEMPT)
    assert.deepEqual(seen, ['a after none', 'b after a'])
    assert.deepEqual((await judged(chain(none, any))).demand, MORE)
    assert.deepEqual((await judged(chain(any, saying(undefined)))).demand, undefined)
    seen.length = 0
    assert.deepEqual((await judged(chain(none, throwing(new Error('stop')), marking('c')))).demand, {
      refuse: 'Error: stop',
    })
    assert.deepEqual(seen, [])
  })

  it('is a rule that nobody can change, with a fact of its own', async () => {
    const rules = [ruleOf(saying(asking)), ruleOf(saying({ provider: 'none' })), ruleOf(saying(asking))]
    assert.equal(new Set(rules.map(({ reads }) => reads[0])).size, 3)
    const [rule = ruleOf(byRole)] = rules
    const { demand } = await judged(rule)
    for (const one of [rule, rule.sources, rule.reads, demand, rule.demands]) assert.ok(Object.isFrozen(one))
    assert.deepEqual(ruleOf(byRole).name, 'byRole')
    assert.deepEqual(ruleOf(byRole, { name: 'x', reportOnly: true }).reportOnly, true)
    assert.deepEqual(ruleOf(byRole, { floor: 'phr', factors: { duo: ['own'], otp: 'any', email: [] } }).demands, [
      { floor: 'phr' },
      { floor: 'phr', factors: ['own'] },
    ])
  })

  it('exempts from what is owed by default, never from what a table says', async () => {
    const rule = ruleOf(saying({ provider: 'none' }))
    const fact = rule.reads[0] ?? ''
    const facts = { ...FACTS, [fact]: await rule.sources?.[fact]?.(requestWith()) } as unknown as Facts
    const owed = (clientId: string) =>
      createJudge({ default: 'always', clients: { bank: { floor: 'phr' } }, rules: [rule] }, standard, ['totp'])
        .owes({ clientId, scopes: [], resources: [] }, facts)
        .floors.map(({ acr }) => acr)
    assert.deepEqual(owed('shop'), [])
    assert.deepEqual(owed('bank'), ['phr'])
  })

  it('refuses what cannot be meant', () => {
    const wrong: readonly (readonly [unknown, unknown, RegExp])[] = [
      ['function (user, context, callback) {}', {}, /auth0Rules\(\): found something else; allowed: functions/],
      [byRole, { reads: ['device'] }, /auth0Rules\(\): reads\[0\]: found "device"; allowed: location or risk/],
      [
        byRole,
        { factors: { voice: ['sms'] } },
        /factors\.voice: found an unknown setting; allowed: an object by guardian/,
      ],
      [byRole, { factors: { duo: 'duo' } }, /factors\.duo: found "duo"; allowed: any, or a list of ids/],
      [byRole, { configuration: {} }, /configuration: found an unknown setting; allowed: only name/],
      [byRole, { floor: '' }, /floor: found ""; allowed: a text that is not empty/],
    ]
    for (const [rule, options, message] of wrong)
      assert.throws(() => auth0Rule(rule as Auth0Rule, options as Auth0Options), { code: 'ERR_CONFIG', message })
    for (const none of [[], undefined]) assert.throws(() => auth0Rules(none as never), { code: 'ERR_CONFIG' })
  })
})
