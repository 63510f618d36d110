import assert from 'node:assert/strict'
import { StepUpError } from '../../src/errors.ts'
import { type CodeJudge, type SmsOptions, sms } from '../../src/factors/sms.ts'
import { at, going, MOBILE, make, messageOf, NOW, phone, sender, TABLET } from './sms-support.ts'

describe('factors/sms', () => {
  describe('codes that others make', () => {
    const judge = (check: CodeJudge['check']) => {
      const asked: string[] = []
      const verify: CodeJudge = {
        send: sender,
        check: (to, code) => {
          asked.push(`${to} ${code}`)
          return check(to, code)
        },
      }
      return { asked, factor: sms({ verify, countries: ['DE'] }) }
    }
    const context = at(NOW, [phone('one')])

    const words = [
      ['approved', 'accepted', undefined],
      ['pending', 'refused', 'invalid'],
      ['gone', 'refused', 'expired'],
    ] as const
    for (const [word, outcome, reason] of words)
      it(`takes ${word} for ${reason ?? outcome}`, async () => {
        const { factor, asked } = judge(async () => word)
        const step = await factor.challenge.begin(context)
        assert.equal(messageOf(step).template, 'sms/verify')
        assert.equal(messageOf(step).values.code, undefined)
        const answer = await factor.challenge.submit(going(step).state, { code: '123 456' }, context)
        assert.deepEqual([answer.outcome, 'reason' in answer ? answer.reason : undefined], [outcome, reason])
        assert.deepEqual(asked, [`${MOBILE} 123456`])
      })

    it('AC-88: a judge that is down, or says anything else, approves nothing', async () => {
      const odd = ['Approved', 'canceled', '', true, undefined, null, {}, 'constructor', '__proto__']
      const checks = [
        async () => {
          throw new Error('down')
        },
        ...odd.map((word) => async () => word as 'approved'),
      ]
      for (const check of checks) {
        const { factor } = judge(check)
        const { state } = going(await factor.challenge.begin(context))
        const answer = await factor.challenge.submit(state, { code: '123456' }, context)
        assert.deepEqual(answer, { outcome: 'refused', reason: 'unavailable' })
      }
    })

    it('asks nobody about what is no code, too late or of a number that was removed', async () => {
      const { factor, asked } = judge(async () => 'approved')
      const { state } = going(await factor.challenge.begin(context))
      await factor.challenge.submit(state, { code: '12345' }, context)
      await factor.challenge.submit(state, { code: '123456' }, at(NOW + 300, [phone('one')]))
      await factor.challenge.submit(state, { code: '123456' }, at(NOW))
      assert.deepEqual(asked, [])
    })
  })

  describe('what the networks know', () => {
    const withFacts = (facts: object, more: Partial<SmsOptions> = {}) => {
      const asked: string[] = []
      const lookup = async (number: string) => {
        asked.push(number)
        if (facts instanceof Error) throw facts
        return facts
      }
      return { asked, factor: make({ lookup, ...more }) }
    }
    const type = async (factor: ReturnType<typeof make>, number = MOBILE) => {
      const { enroll } = factor
      assert.ok(enroll)
      return enroll.submit({ step: 'number' }, { number, country: 'DE' }, at(NOW))
    }

    const lines: readonly (readonly [object, Partial<SmsOptions>, string])[] = [
      [{ lineType: 'mobile' }, {}, 'continue'],
      [{}, {}, 'continue'],
      [{ lineType: 'fixedVoip' }, {}, 'invalid'],
      [{ lineType: 'premium' }, {}, 'invalid'],
      [{ lineType: 'landline' }, {}, 'invalid'],
      [{ lineType: 'landline' }, { voice: true }, 'continue'],
      [{ lineType: 'fixedVoip' }, { lineTypes: ['fixedVoip'] }, 'continue'],
      [{ simSwappedAt: NOW - 10 }, {}, 'continue'],
      [{ simSwappedAt: NOW - 10 }, { simSwapSeconds: 11 }, 'suspect'],
      [{ simSwappedAt: NOW - 11 }, { simSwapSeconds: 11 }, 'continue'],
      [new Error('down'), {}, 'unavailable'],
      [new StepUpError('ERR_ADDRESS', 'none'), {}, 'invalid'],
    ]
    for (const [facts, more, expected] of lines)
      it(`AC-22: a number with ${facts instanceof Error ? facts.message : JSON.stringify(facts)} and ${JSON.stringify(more)}: ${expected}`, async () => {
        const step = await type(withFacts(facts, more).factor)
        assert.equal(step.outcome === 'refused' ? step.reason : step.outcome, expected)
      })

    it('AC-22: asks only about numbers that the checks that cost nothing let pass', async () => {
      const { factor, asked } = withFacts({ lineType: 'mobile' })
      for (const number of ['+1 900 555 1212', '030 123456', 'nobody']) await type(factor, number)
      assert.deepEqual(asked, [])
      const { challenge } = factor
      const step = going(await challenge.begin(at(NOW, [phone('one')])))
      await challenge.submit(step.state, { resend: 'yes' }, at(NOW, [phone('one')]))
      assert.deepEqual(asked, [], 'nor at a challenge, where the SIM card does not matter')
    })

    it('sends no code to a number whose SIM card is new, and offers the others', async () => {
      const { factor, asked } = withFacts({ simSwappedAt: NOW - 10 }, { simSwapSeconds: 86_400 })
      const { challenge } = factor
      const context = at(NOW, [phone('one', MOBILE, 5), phone('two', TABLET)])
      const step = going(await challenge.begin(context))
      assert.equal(step.message, undefined)
      assert.deepEqual(await challenge.view(step.state, context), {
        step: 'swapped',
        to: '••• ••• •• 78',
        others: [{ id: 'two', name: '••• ••• •• 67' }],
      })
      assert.deepEqual(await challenge.submit(step.state, { code: '123456' }, context), {
        outcome: 'continue',
        state: step.state,
      })
      assert.equal(going(await challenge.submit(step.state, { to: 'two' }, context)).state.step, 'swapped')
      assert.deepEqual(asked, [MOBILE, TABLET])
    })

    it('sends no code where nobody says how new the SIM card is, as long as that was asked', async () => {
      const down = withFacts(new Error('down'), { simSwapSeconds: 86_400 }).factor
      const context = at(NOW, [phone('one')])
      assert.deepEqual(await down.challenge.begin(context), { outcome: 'refused', reason: 'unavailable' })
      const gone = withFacts(new StepUpError('ERR_ADDRESS', 'none'), { simSwapSeconds: 86_400 }).factor
      assert.equal(messageOf(await gone.challenge.begin(context)).to, MOBILE, 'sending tells that better')
    })
  })
})
