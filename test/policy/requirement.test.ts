import assert from 'node:assert/strict'
import { MULTI_FACTOR, SINGLE_FACTOR, standard } from '../../src/assurance/presets.ts'
import { askedLevels, asksOnlyUnknown, readAcrClaim } from '../../src/policy/requirement.ts'

const acr = (request: unknown) => readAcrClaim({ id_token: { acr: request } })

describe('policy/requirement', () => {
  describe('readAcrClaim', () => {
    const nothing = { values: [], essential: false }
    const read: readonly [string, unknown, object][] = [
      ['no claims parameter', undefined, nothing],
      ['claims without id_token', { userinfo: { sub: null } }, nothing],
      ['userinfo.acr, which is not counted', { userinfo: { acr: { essential: true, value: 'a' } } }, nothing],
      ['null, which means report it', { id_token: { acr: null } }, nothing],
      [
        'essential without values, which means report it',
        { id_token: { acr: { essential: true } } },
        { values: [], essential: true },
      ],
      ['one value', { id_token: { acr: { value: 'a' } } }, { values: ['a'], essential: false }],
      [
        'values in their order',
        { id_token: { acr: { values: ['b', 'a'] } } },
        { values: ['b', 'a'], essential: false },
      ],
      [
        'value and values united',
        { id_token: { acr: { value: 'c', values: ['b', 'c', 'b'], essential: true } } },
        { values: ['c', 'b'], essential: true },
      ],
      [
        'a value beside an empty list',
        { id_token: { acr: { essential: true, value: 'a', values: [] } } },
        { values: ['a'], essential: true },
      ],
      ['a voluntary empty list', { id_token: { acr: { values: [] } } }, nothing],
      [
        'members it does not know',
        { id_token: { acr: { value: 'a', other: 1 } } },
        { values: ['a'], essential: false },
      ],
    ]
    for (const [name, claims, expected] of read)
      it(`reads ${name}`, () => assert.deepEqual(readAcrClaim(claims), expected))

    const malformed: readonly [string, unknown][] = [
      ['text', 'a'],
      ['a list', ['a']],
      ['true', true],
      ['a number as value', { value: 2 }],
      ['null as value', { value: null }],
      ['an empty value', { value: '' }],
      ['text as values', { values: 'a b' }],
      ['null as values', { values: null }],
      ['a number among values', { values: ['a', 1] }],
      ['an empty text among values', { values: [''] }],
      ['text as essential', { value: 'a', essential: 'true' }],
      ['null as essential', { value: 'a', essential: null }],
      ['an empty essential list', { values: [], essential: true }],
    ]
    for (const [name, request] of malformed)
      it(`answers ${name} as malformed`, () => assert.ok('malformed' in acr(request), JSON.stringify(acr(request))))
  })

  describe('askedLevels', () => {
    const spelled = (values: readonly string[], essential: boolean, acrValues?: string) => {
      const { levels, unknown, ...rest } = askedLevels({ values, essential }, acrValues, standard)
      return { ...rest, unknown, levels: levels.map((asked) => [asked.spelled, asked.level.acr]) }
    }
    const one = [SINGLE_FACTOR, SINGLE_FACTOR]
    const alias = ['https://refeds.org/profile/mfa', MULTI_FACTOR]

    it('reads acr_values in order, each once, as voluntary', () => {
      const asked = spelled([], false, ` ${alias[0]}  urn:x ${SINGLE_FACTOR} ${alias[0]}`)
      assert.deepEqual(asked, { essential: false, unknown: ['urn:x'], levels: [alias, one] })
    })
    it('AC-41: acr_values never erase an essential claim', () => {
      const asked = spelled([MULTI_FACTOR], true, SINGLE_FACTOR)
      assert.deepEqual(asked, { essential: true, unknown: [], levels: [[MULTI_FACTOR, MULTI_FACTOR]] })
    })
    it('AC-42: nor where the claim names no level here', () => {
      assert.deepEqual(spelled(['urn:x'], true, SINGLE_FACTOR), { essential: true, unknown: ['urn:x'], levels: [] })
    })
    it('lets acr_values speak where the claim only says to report it', () => {
      assert.deepEqual(spelled([], true, SINGLE_FACTOR), { essential: false, unknown: [], levels: [one] })
    })
    it('asks nothing where nothing is asked', () => {
      assert.deepEqual(spelled([], false), { essential: false, unknown: [], levels: [] })
      assert.deepEqual(spelled([], false, ''), { essential: false, unknown: [], levels: [] })
    })
  })

  describe('asksOnlyUnknown', () => {
    const cases: readonly [string, readonly string[], boolean, boolean][] = [
      ['essential, and none exists', ['urn:x', 'urn:y'], true, true],
      ['essential, and one exists', ['urn:x', SINGLE_FACTOR], true, false],
      ['voluntary, and none exists', ['urn:x'], false, false],
      ['nothing asked', [], true, false],
    ]
    for (const [name, values, essential, expected] of cases)
      it(name, () => assert.equal(asksOnlyUnknown(askedLevels({ values, essential }, undefined, standard)), expected))
  })
})
