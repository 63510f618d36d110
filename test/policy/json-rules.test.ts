import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { rulesFromJson, rulesSchema } from '../../src/policy/json-rules.ts'
import { everyCondition } from './every-condition.ts'

const floor = { floor: 'phr' }
const rule = (when: unknown, more: object = {}) => [{ when, demand: floor, ...more }]

const nested = (depth: number): unknown => (depth === 1 ? { client: ['a'] } : { not: nested(depth - 1) })
const endless: Record<string, unknown> = {}
endless.all = [endless]

const refused: readonly (readonly [value: unknown, message: RegExp])[] = [
  [null, /^rules: found null; allowed: a list of rules$/],
  [{}, /^rules: found a value of type object; allowed: a list of rules$/],
  [[3], /^rules\[0\]: found 3; allowed: an object with when and demand$/],
  [
    [{ demand: floor }],
    /^rules\[0\]\.when: found nothing; allowed: an object with exactly one of all, any, not, client,/,
  ],
  [
    rule({ client: ['a'] }, { reportonly: true }),
    /^rules\[0\]\.reportonly: found an unknown setting; allowed: only name,/,
  ],
  [rule({ client: ['a'] }, { reportOnly: 'yes' }), /^rules\[0\]\.reportOnly: found "yes"; allowed: true or false$/],
  [rule({ client: ['a'] }, { name: '' }), /^rules\[0\]\.name: found ""; allowed: a text of at most 200 letters$/],
  [rule({}), /^rules\[0\]\.when: .*exactly one of .*; it has none$/],
  [rule({ country: ['DE'], client: ['a'] }), /^rules\[0\]\.when: .*exactly one of .*; it has client and country$/],
  [rule({ countri: ['DE'] }), /^rules\[0\]\.when\.countri: found an unknown setting; allowed: only all, [^;]*$/],
  [rule('always'), /^rules\[0\]\.when: found "always"; allowed: an object with exactly one of/],
  [rule({ all: [] }), /^rules\[0\]\.when\.all: found an empty list; allowed: a list of conditions, at least one$/],
  [
    rule({ any: { client: ['a'] } }),
    /^rules\[0\]\.when\.any: found a value of type object; allowed: a list of conditions$/,
  ],
  [rule({ not: [{ client: ['a'] }] }), /^rules\[0\]\.when\.not: found a list; allowed: an object with exactly one/],
  [rule({ country: 'DE' }), /^rules\[0\]\.when\.country: found "DE"; allowed: a list of texts$/],
  [rule({ country: [] }), /^rules\[0\]\.when\.country: found an empty list; allowed: a list of texts, at least one$/],
  [rule({ client: ['a', 3] }), /^rules\[0\]\.when\.client\[1\]: found 3; allowed: a text that is not empty$/],
  [rule({ client: Array(10_001).fill('a') }), /^rules\[0\]\.when\.client: found a list; allowed: .*, at most 10000$/],
  [Array(1001).fill(rule({ client: ['a'] })[0]), /^rules: found a list; allowed: a list of rules, at most 1000$/],
  [
    [...rule({ client: ['a'] }), ...rule({ client: ['a'] }), ...rule({ all: [{ country: ['Germany'] }] })],
    /^rules\[2\]\.when\.all\[0\]\.country: found "Germany"; allowed: two capital letters, ISO 3166-1$/,
  ],
  [
    rule({ any: [{ not: { ipRange: ['10.0.0.1/8'] } }] }),
    /^rules\[0\]\.when\.any\[0\]\.not\.ipRange: found "10\.0\.0\.1\/8"/,
  ],
  [
    rule({ timeOfDay: { from: '22:00', to: '06:00', timeZone: 'Mars' } }),
    /^rules\[0\]\.when\.timeOfDay\.timeZone: found "Mars"; allowed: the name of an IANA time zone/,
  ],
  [
    rule({ timeOfDay: { from: '22:00', to: '06:00' } }),
    /^rules\[0\]\.when\.timeOfDay\.timeZone: found nothing; allowed: a text that is not empty$/,
  ],
  [rule({ weekday: { days: ['funday'], timeZone: 'UTC' } }), /^rules\[0\]\.when\.weekday\.days\[0\]: found "funday"/],
  [rule({ newDevice: false }), /^rules\[0\]\.when\.newDevice: found false; allowed: true$/],
  [rule({ group: 3 }), /^rules\[0\]\.when\.group: found 3; allowed: a list of names, or \{ names, path \}$/],
  [rule({ known: 'constructor' }), /^rules\[0\]\.when\.known: found "constructor"; allowed: client, scopes,/],
  [rule({ fact: { name: 'userAgent', values: ['x'] } }), /^rules\[0\]\.when\.fact\.name: found "userAgent"/],
  [
    rule({ accountAttribute: { path: '__proto__.x', values: ['x'] } }),
    /^rules\[0\]\.when\.accountAttribute\.path: found/,
  ],
  [rule(nested(17)), /^rules\[0\]\.when(?:\.not){16}: .*; allowed: conditions inside each other, 16 deep at most$/],
  [rule(nested(100_000 / 20)), /16 deep at most$/],
  [rule(endless), /^rules\[0\]\.when(?:\.all\[0\]){16}: .*16 deep at most$/],
  [
    JSON.parse('[{"when":{"__proto__":{},"client":["a"]},"demand":{"floor":"x"}}]'),
    /^rules\[0\]\.when\.__proto__: found an/,
  ],
  [
    JSON.parse('[{"when":{"client":["a"]},"demand":{"floor":"x","__proto__":{"exempt":true}}}]'),
    /^rules\[0\]\.demand\.__proto__: found an unknown/,
  ],
  [rule({ client: ['a'] }, { demand: {} }), /^rules\[0\]\.demand: .*; allowed: at least one thing that is demanded$/],
  [rule({ client: ['a'] }, { demand: { exempt: true, ...floor } }), /^rules\[0\]\.demand: .*; allowed: exempt alone$/],
  [rule({ client: ['a'] }, { demand: { exempt: false } }), /^rules\[0\]\.demand\.exempt: found false; allowed: true$/],
  [
    rule({ client: ['a'] }, { demand: { flor: 'x' } }),
    /^rules\[0\]\.demand\.flor: found an unknown setting; allowed: only floor,/,
  ],
  [
    rule({ client: ['a'] }, { demand: { maxAgeSeconds: 0 } }),
    /^rules\[0\]\.demand\.maxAgeSeconds: found 0; allowed: a whole/,
  ],
]

describe('rules in JSON', () => {
  it('ask what the same rules ask in code', () => {
    for (const [condition, json] of everyCondition) {
      const [made] = rulesFromJson(JSON.parse(JSON.stringify(rule(json))))
      assert.equal(made?.name, condition.text)
      assert.deepEqual(made?.reads, condition.reads)
    }
  })

  it('keep their order, their names and what they demand', () => {
    const demand = {
      floor: 'phr',
      maxAgeSeconds: 300,
      factors: ['webauthn'],
      allowRememberBrowser: false,
      enrollment: 'ticket',
      verifiedAddress: true,
      refuse: 'closed',
    }
    const rules = rulesFromJson([
      { name: 'first', when: { any: [{ client: ['a'] }, { not: { known: 'location' } }] }, demand, reportOnly: true },
      { when: { all: [{ client: ['b'] }, { scope: ['x'] }] }, demand: { exempt: true }, reportOnly: false },
    ])
    assert.deepEqual(
      rules.map(({ name, reportOnly }) => [name, reportOnly]),
      [
        ['first', true],
        ['client is b and scope is x', undefined],
      ],
    )
    assert.deepEqual(rules[0]?.demand({ client: { id: 'c' } } as never), demand)
    assert.equal(rules[0]?.demand({ client: { id: 'c' }, location: {} } as never), undefined)
    assert.deepEqual(rules[1]?.demand({ client: { id: 'b' }, scopes: ['x'] } as never), { exempt: true })
    assert.equal(rules[1]?.demand({ client: { id: 'b' } } as never), undefined)
    assert.ok(Object.isFrozen(rules))
  })

  it('may be none, and go sixteen deep', () => {
    assert.deepEqual(rulesFromJson([]), [])
    assert.equal(rulesFromJson(rule(nested(16))).length, 1)
  })

  it('are refused with the full path of what is wrong, what was found and what is allowed', () => {
    for (const [value, message] of refused)
      assert.throws(
        () => rulesFromJson(value),
        (error: Error & { code?: string }) => {
          assert.match(error.message, message)
          return error.code === 'ERR_CONFIG'
        },
      )
  })

  // Written by: node --import ./test/setup/typescript.mjs --input-type=module -e "
  //   import { writeFileSync } from 'node:fs'
  //   import { rulesSchema } from './src/policy/json-rules.ts'
  //   writeFileSync('policy-rules.schema.json', JSON.stringify(rulesSchema(), null, 2) + '\n')"
  it('are described by the published JSON Schema', () => {
    const published = readFileSync(new URL('../../policy-rules.schema.json', import.meta.url), 'utf8')
    assert.deepEqual(JSON.parse(published), JSON.parse(JSON.stringify(rulesSchema())))
  })

  it('have a schema that explains every condition and every member of a demand', () => {
    interface Described {
      readonly description?: string
      readonly $ref?: string
      readonly properties?: Readonly<Record<string, Described>>
      readonly items?: Described
      readonly $defs?: Readonly<Record<string, Described>>
    }
    const schema = rulesSchema() as Described
    const described = [schema.items, schema.items?.properties?.demand, schema.$defs?.condition]
    assert.equal((schema as { $schema?: string }).$schema, 'https://json-schema.org/draft/2020-12/schema')
    for (const { properties = {} } of described.filter((one) => one !== undefined))
      for (const [name, { description, $ref }] of Object.entries(properties)) assert.ok(description ?? $ref, name)
  })
})
