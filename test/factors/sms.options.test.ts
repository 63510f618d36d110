import assert from 'node:assert/strict'
import { StepUpError } from '../../src/errors.ts'
import { BUDGETS, type SmsOptions, sms } from '../../src/factors/sms.ts'
import { make, sender } from './sms-support.ts'

describe('factors/sms', () => {
  describe('options', () => {
    it('is frozen, with budgets that can be replaced', () => {
      const factor = make()
      assert.ok(Object.isFrozen(factor))
      assert.deepEqual([factor.id, factor.perAccount, factor.budgets], ['sms', 3, BUDGETS])
      const budgets = [{ per: 'total', messages: 1, windowSeconds: 60 }] as const
      assert.deepEqual(make({ budgets, perAccount: 1, otpAmr: true }).budgets, budgets)
      assert.deepEqual(make({ otpAmr: true }).amr, ['sms', 'otp'])
      assert.deepEqual(
        [factor.kinds, factor.traits, factor.amr],
        [['possession'], ['out-of-band', 'restricted'], ['sms']],
      )
    })

    const verify = { send: sender, check: async () => 'gone' as const }
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ sender }, /^sms\(\)\.countries: found nothing; allowed: 'any' or a list/],
      [{ sender, countries: [] }, /countries: found a list of 0/],
      [{ sender, countries: ['de'] }, /^sms\(\)\.countries\[0\]: found "de"; allowed: .*capitals/],
      [{ sender, countries: ['DE', 'UK'] }, /^sms\(\)\.countries\[1\]: found "UK"; allowed: .*'DE'/],
      [{ sender, countries: ['DE', undefined] }, /^sms\(\)\.countries\[1\]: found nothing/],
      [{ sender, countries: 'DE' }, /countries/],
      [{ countries: ['DE'] }, /^sms\(\)\.sender: found nothing; allowed: a function, or verify in its place$/],
      [{ sender, verify, countries: ['DE'] }, /verify/],
      [{ verify: { send: sender }, countries: ['DE'] }, /verify: .*send and check/],
      [{ sender: 'twilio', countries: ['DE'] }, /sender: found a value of type string/],
      [{ sender, countries: ['DE'], lineTypes: ['mobile'] }, /lookup: .*lineTypes needs it/],
      [{ sender, countries: ['DE'], simSwapSeconds: 1 }, /lookup: .*simSwapSeconds needs it/],
      [{ sender, countries: ['DE'], codeSeconds: 601 }, /codeSeconds: found 601; allowed: .*60 to 600/],
      [{ sender, countries: ['DE'], codeSeconds: 59 }, /codeSeconds/],
      [{ sender, countries: ['DE'], perAccount: 0 }, /perAccount/],
      [{ sender, countries: ['DE'], voice: 'yes' }, /voice/],
      [{ sender, countries: ['DE'], otpAmr: 1 }, /otpAmr/],
      [{ sender, countries: ['DE'], budgets: [] }, /budgets/],
      [{ sender, countries: ['DE'], budgets: [{ per: 'user', messages: 1, windowSeconds: 1 }] }, /budgets\[0\]: found/],
      [{ sender, countries: ['DE'], budgets: [{ per: 'total', messages: 0, windowSeconds: 1 }] }, /budgets/],
      [{ sender, countries: ['DE'], region: 'EU' }, /region: found an unknown setting; allowed: sender, verify/],
    ]
    for (const [options, message] of wrong)
      it(`refuses ${JSON.stringify(options)}: ${message.source}`, () => {
        assert.throws(
          () => sms(options as SmsOptions),
          (thrown: unknown) =>
            thrown instanceof StepUpError && thrown.code === 'ERR_CONFIG' && message.test(thrown.message),
        )
      })

    it('refuses to be made of nothing', () => {
      for (const nothing of [undefined, null, 'sms']) assert.throws(() => sms(nothing as never), { code: 'ERR_CONFIG' })
    })
  })
})
