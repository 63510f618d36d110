import assert from 'node:assert/strict'
import { MULTI_FACTOR, PHISHING_RESISTANT, SINGLE_FACTOR, standard } from '../../src/assurance/presets.ts'
import type { RequestFacts } from '../../src/policy/floors.ts'
import { createJudge } from '../../src/policy/judge.ts'
import { multiFactorLevel, type Policy } from '../../src/policy/policy.ts'

/** What the tables of a policy make of a request. */
const createFloors = (policy: Policy, levels: typeof standard) => (request: RequestFacts) =>
  createJudge(policy, levels, []).owes(request, {})

describe('policy/policy', () => {
  const bank = (floor: string) => ({ bank: { floor } })
  const cases: readonly [string, Policy, string, readonly string[]][] = [
    ['owes multi-factor by default', {}, 'shop', [MULTI_FACTOR]],
    ['owes it always', { default: 'always' }, 'shop', [MULTI_FACTOR]],
    ['owes nothing by itself', { default: 'never' }, 'shop', []],
    ['a client’s floor joins', { clients: bank(PHISHING_RESISTANT) }, 'bank', [MULTI_FACTOR, PHISHING_RESISTANT]],
    ['for that client only', { clients: bank(PHISHING_RESISTANT) }, 'shop', [MULTI_FACTOR]],
    ['a lower floor takes nothing away', { clients: bank(SINGLE_FACTOR) }, 'bank', [MULTI_FACTOR, SINGLE_FACTOR]],
    ['the same floor is owed once', { clients: bank('urn:okta:loa:2fa:any') }, 'bank', [MULTI_FACTOR]],
    ['a floor by its alias', { default: 'never', clients: bank('urn:okta:loa:2fa:any') }, 'bank', [MULTI_FACTOR]],
    ['a name that every object has is no client', { default: 'never', clients: {} }, 'constructor', []],
  ]
  for (const [name, policy, clientId, floors] of cases)
    it(name, () =>
      assert.deepEqual(
        createFloors(policy, standard)({ clientId, scopes: [], resources: [] }).floors.map(({ acr }) => acr),
        floors,
      ),
    )

  const PAYMENTS = 'https://api.example.com/payments'
  const facts = (scopes: readonly string[], resources: readonly string[]) => ({ clientId: 'bank', scopes, resources })
  const raised: Policy = {
    default: 'never',
    clients: bank(SINGLE_FACTOR),
    scopes: { transfer: { floor: MULTI_FACTOR } },
    resources: { [PAYMENTS]: { floor: PHISHING_RESISTANT } },
  }
  const byRequest: readonly [string, readonly string[], readonly string[], readonly string[]][] = [
    ['the client alone', ['openid'], [], [SINGLE_FACTOR]],
    ['a scope joins', ['openid', 'transfer'], [], [SINGLE_FACTOR, MULTI_FACTOR]],
    ['a resource joins', ['openid'], [PAYMENTS], [SINGLE_FACTOR, PHISHING_RESISTANT]],
    ['all join, each once', ['transfer', 'transfer'], [PAYMENTS], [SINGLE_FACTOR, MULTI_FACTOR, PHISHING_RESISTANT]],
    ['others do not', ['constructor', 'transferx'], [`${PAYMENTS}/`], [SINGLE_FACTOR]],
  ]
  for (const [name, scopes, resources, floors] of byRequest)
    it(`by what is requested: ${name}`, () =>
      assert.deepEqual(
        createFloors(raised, standard)(facts(scopes, resources)).floors.map(({ acr }) => acr),
        floors,
      ))

  it('owes a resource’s floor under every spelling of its indicator', () => {
    const floors = createFloors(
      { default: 'never', resources: { 'https://api.example': { floor: MULTI_FACTOR } } },
      standard,
    )
    for (const spelled of ['https://api.example', 'https://api.example/', 'HTTPS://API.EXAMPLE:443'])
      assert.equal(floors(facts([], [spelled])).floors.length, 1, spelled)
    assert.deepEqual(floors(facts([], ['https://api.example/other', 'urn:api'])).floors, [])
  })

  const aged = [...standard, { acr: 'aged', needs: { kinds: 2 as const }, maxAgeSeconds: 3600 }]
  const liftable: readonly [string, Policy, readonly string[]][] = [
    ['every floor', { clients: bank(PHISHING_RESISTANT) }, [MULTI_FACTOR, PHISHING_RESISTANT]],
    ['none of a client that takes no remembered browser', { clients: { bank: { allowRememberBrowser: false } } }, []],
    [
      'not a scope’s own that says no, whoever else owes it',
      { scopes: { transfer: { floor: MULTI_FACTOR, allowRememberBrowser: false } }, clients: bank(PHISHING_RESISTANT) },
      [PHISHING_RESISTANT],
    ],
    [
      'not a resource’s own that says no',
      { resources: { [PAYMENTS]: { floor: PHISHING_RESISTANT, allowRememberBrowser: false } } },
      [MULTI_FACTOR],
    ],
    ['not a level that limits how old a proof may be', { clients: bank('aged') }, [MULTI_FACTOR]],
  ]
  for (const [name, policy, acrs] of liftable)
    it(`a remembered browser may lift: ${name}`, () =>
      assert.deepEqual(
        createFloors(policy, aged)(facts(['openid', 'transfer'], [PAYMENTS])).liftable.map(({ acr }) => acr),
        acrs,
      ))

  it('finds the first level that needs two kinds', () => {
    assert.equal(multiFactorLevel(standard)?.acr, MULTI_FACTOR)
    assert.equal(multiFactorLevel([{ acr: 'phr', needs: { traits: ['phishing-resistant'] } }]), undefined)
  })
})
