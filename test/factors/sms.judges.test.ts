import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { StepUpError } from '../../src/errors.ts'
import type { OutgoingMessage } from '../../src/factors/factor.ts'
import { type CodeJudge, type NumberFacts, type SmsOptions, sms } from '../../src/factors/sms.ts'
import { at, going, MOBILE, make, messageOf, NOW, outgoing, phone, type Result, sender } from './sms-support.ts'

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
    const withFacts = (facts: unknown, more: Partial<SmsOptions> = {}) => {
      const asked: string[] = []
      const sent: string[] = []
      const lookup = async (number: string) => {
        asked.push(number)
        if (facts instanceof Error) throw facts
        return facts as NumberFacts
      }
      const { verify, ...others } = more
      const factor = sms({
        ...(verify === undefined ? { sender: async ({ to }: OutgoingMessage) => void sent.push(to) } : { verify }),
        countries: ['DE', 'AT'],
        lookup,
        ...others,
      })
      const hand = async (step: Result) => factor.sender?.(outgoing(step))
      return { asked, sent, factor, hand }
    }
    const type = async ({ enroll }: ReturnType<typeof make>, number = MOBILE) => {
      assert.ok(enroll)
      return enroll.submit({ step: 'number' }, { number, country: 'DE' }, at(NOW))
    }

    const lines: readonly (readonly [unknown, Partial<SmsOptions>, 'sent' | 'unreachable' | 'fault'])[] = [
      [{ lineType: 'mobile' }, {}, 'sent'],
      [{}, {}, 'sent'],
      [{ lineType: 'fixedVoip' }, {}, 'unreachable'],
      [{ lineType: 'premium' }, {}, 'unreachable'],
      [{ lineType: 'landline' }, {}, 'unreachable'],
      [{ lineType: 'landline' }, { voice: true }, 'sent'],
      [{ lineType: 'fixedVoip' }, { lineTypes: ['fixedVoip'] }, 'sent'],
      [{ simSwappedAt: NOW - 10 }, {}, 'sent'],
      [{ simSwappedAt: NOW - 10 }, { simSwapSeconds: 11 }, 'unreachable'],
      [{ simSwappedAt: NOW + 60 }, { simSwapSeconds: 11 }, 'unreachable'],
      [{ simSwappedAt: NOW - 11 }, { simSwapSeconds: 11 }, 'sent'],
      [new Error('down'), {}, 'fault'],
      [undefined, {}, 'fault'],
      [new StepUpError('ERR_ADDRESS', 'none'), {}, 'unreachable'],
    ]
    for (const [facts, more, expected] of lines)
      it(`AC-22: a number with ${facts instanceof Error ? facts.message : JSON.stringify(facts)} and ${JSON.stringify(more)}: ${expected}`, async () => {
        const { factor, hand, sent, asked } = withFacts(facts, more)
        const context = at(NOW, [phone('one')])
        const begun = await factor.challenge.begin(context)
        const steps = [
          await type(factor),
          begun,
          await factor.challenge.submit(going(begun).state, { resend: 'yes' }, context),
        ]
        assert.deepEqual(asked, [], 'asked only once the message was counted')
        for (const step of steps)
          if (expected === 'sent') await hand(step)
          else
            await assert.rejects(hand(step), ({ code }: { code?: string }) => {
              assert.equal(code, expected === 'unreachable' ? 'ERR_ADDRESS' : undefined)
              return true
            })
        assert.deepEqual([asked.length, sent.length], [3, expected === 'sent' ? 3 : 0])
      })

    it('AC-22: asks only about numbers that the checks that cost nothing let pass', async () => {
      const { factor } = withFacts({ lineType: 'mobile' })
      for (const number of ['+1 900 555 1212', '030 123456', 'nobody'])
        assert.equal(going(await type(factor, number)).message, undefined)
    })

    it('asks before a code that others make, too', async () => {
      const verify = { send: async () => assert.fail('sent'), check: async () => 'gone' as const }
      const { factor, hand } = withFacts({ lineType: 'premium' }, { verify })
      await assert.rejects(hand(await type(factor)), { code: 'ERR_ADDRESS' })
    })

    it('waits no longer than 5 s for what a network says, and sends nothing then', async () => {
      const timers = mock.timers
      timers.enable({ apis: ['setTimeout'] })
      try {
        const sent: string[] = []
        const factor = make({
          sender: async ({ to }) => void sent.push(to),
          lookup: () => new Promise<NumberFacts>(() => undefined),
        })
        const handed = factor.sender?.(outgoing(await type(factor)))
        const refused = assert.rejects(async () => handed, /did not answer in time/)
        timers.tick(5000)
        await refused
        assert.deepEqual(sent, [])
      } finally {
        timers.reset()
      }
    })
  })
})
