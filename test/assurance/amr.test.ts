import assert from 'node:assert/strict'
import fc from 'fast-check'
import { amrOf } from '../../src/assurance/amr.ts'
import type { Kind, Proof } from '../../src/assurance/evidence.ts'

const proof = (kinds: readonly Kind[], ...amr: string[]): Proof => ({ kinds, traits: [], amr })

describe('assurance/amr', () => {
  const cases: readonly [string, readonly Proof[], string][] = [
    ['is empty where nothing was done', [], ''],
    ['says what one event did', [proof(['knowledge'], 'pwd')], 'pwd'],
    ['ends in mfa after two kinds', [proof(['knowledge'], 'pwd'), proof(['possession'], 'otp')], 'pwd otp mfa'],
    ['counts two kinds in one event', [proof(['possession', 'inherence'], 'hwk', 'user')], 'hwk user mfa'],
    ['AC-52: the same kind twice is not mfa', [proof(['possession'], 'otp'), proof(['possession'], 'sms')], 'otp sms'],
    ['AC-52: takes nobody’s word for mfa', [proof(['knowledge'], 'mfa', 'pwd')], 'pwd'],
    ['moves mfa to the end', [proof(['knowledge'], 'mfa', 'pwd'), proof(['possession'], 'otp')], 'pwd otp mfa'],
    ['names each value once', [proof(['possession'], 'otp'), proof(['possession'], 'otp', 'sms')], 'otp sms'],
  ]
  for (const [name, events, expected] of cases) it(name, () => assert.equal(amrOf(events).join(' '), expected))

  it('AC-52: has mfa exactly once and last, if and only if two different kinds were proved', () => {
    const kinds = fc.subarray<Kind>(['knowledge', 'possession', 'inherence'])
    const amr = fc.array(fc.constantFrom('pwd', 'otp', 'hwk', 'mfa'))
    const events = fc.array(fc.record({ kinds, traits: fc.constant([]), amr }), { maxLength: 4 })
    fc.assert(
      fc.property(events, (proofs) => {
        const values = amrOf(proofs)
        const several = proofs.some((one) =>
          one.kinds.some((kind) => proofs.some((other) => other.kinds.some((second) => second !== kind))),
        )
        assert.equal(values.at(-1) === 'mfa', several)
        assert.equal(values.filter((value) => value === 'mfa').length, several ? 1 : 0)
        assert.equal(new Set(values).size, values.length)
      }),
    )
  })
})
