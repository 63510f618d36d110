import assert from 'node:assert/strict'
import { MULTI_FACTOR, PHISHING_RESISTANT, SINGLE_FACTOR, standard } from '../../src/assurance/presets.ts'
import { createFloors, multiFactorLevel, type Policy } from '../../src/policy/policy.ts'

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
        createFloors(policy, standard)(clientId).map(({ acr }) => acr),
        floors,
      ),
    )

  it('finds the first level that needs two kinds', () => {
    assert.equal(multiFactorLevel(standard)?.acr, MULTI_FACTOR)
    assert.equal(multiFactorLevel([{ acr: 'phr', needs: { traits: ['phishing-resistant'] } }]), undefined)
  })
})
