import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type SmsOptions, type SmsState, sms } from '../../src/factors/sms.ts'
import {
  at,
  BERLIN,
  codeOf,
  going,
  MOBILE,
  make,
  messageOf,
  NOW,
  phone,
  sender,
  TABLET,
  wrongFor,
} from './sms-support.ts'

describe('factors/sms', () => {
  describe('enrolment', () => {
    const factor = make()
    const { enroll } = factor
    assert.ok(enroll)
    const begin = async (context = at(NOW)) => going(await enroll.begin(context)).state
    const type = async (number: string, country = 'DE', options: Partial<SmsOptions> = {}) => {
      const ceremony = make(options).enroll
      assert.ok(ceremony)
      return ceremony.submit({ step: 'number' }, { number, country }, at(NOW))
    }
    const problemOf = async (number: string, country?: string, options?: Partial<SmsOptions>) => {
      const step = going(await type(number, country, options))
      assert.equal(step.message, undefined)
      return step.problem
    }

    it('takes a number as people type it, in E.164 form', async () => {
      for (const number of [
        '0151 12345678',
        '+49 (0)151 123 456 78',
        '0049-151-12345678',
        ' 0151/12345678 ',
        '151.12345678',
      ])
        assert.equal(messageOf(await type(number)).to, MOBILE, number)
      assert.equal(messageOf(await type('+43 664 1234567')).to, TABLET, 'the number itself says its country')
    })

    it('sends one message, bound to host, code and time', async () => {
      const step = await type(MOBILE)
      const { code = '' } = messageOf(step).values
      assert.match(code, /^[0-9]{6}$/)
      assert.deepEqual(messageOf(step), {
        to: MOBILE,
        template: 'sms/enroll',
        values: { app: 'login.example.com', host: 'login.example.com', seconds: '300', code },
        channel: 'text',
        expiresAt: NOW + 300,
        block: '+491511234',
      })
    })

    it('names no app to whoever may be a stranger, by whatever way', async () => {
      const verify = { send: sender, check: async () => 'gone' as const }
      for (const ceremony of [make({ voice: true }).enroll, sms({ verify, countries: ['DE'], voice: true }).enroll]) {
        assert.ok(ceremony)
        const context = at(NOW, [], { client: { id: 'x', name: 'Call +1 900 5550100' } })
        const first = await ceremony.submit({ step: 'number' }, { number: MOBILE, country: 'DE' }, context)
        for (const again of [first, await ceremony.submit(going(first).state, { voice: 'yes' }, context)])
          assert.equal(messageOf(again).values.app, 'login.example.com')
      }
    })

    it('goes back to asking where the message is held back, and keeps the code that was sent', async () => {
      const first = going(await type(MOBILE))
      assert.deepEqual(first.held, { step: 'number', typed: MOBILE, country: 'DE' })
      assert.equal(going(await enroll.submit(first.state, { resend: 'yes' }, at(NOW + 200))).held, undefined)
    })

    it('accepts the code once the number is proved, and nothing else', async () => {
      const step = await type(MOBILE)
      const answer = (code: string, now = NOW) => enroll.submit(going(step).state, { code }, at(now))
      assert.deepEqual(await answer(codeOf(step)), {
        outcome: 'accepted',
        change: { add: { number: MOBILE } },
        proof: { kinds: ['possession'], traits: ['out-of-band', 'restricted'], amr: ['sms'] },
      })
      assert.deepEqual(await answer(wrongFor(codeOf(step))), { outcome: 'refused', reason: 'invalid' })
      assert.deepEqual(await answer(codeOf(step), NOW + 299), await answer(codeOf(step)))
      assert.deepEqual(await answer(codeOf(step), NOW + 300), { outcome: 'refused', reason: 'expired' })
    })

    it('chooses the country of the account’s own number, and tells no number to who has but the password', async () => {
      const { view } = enroll
      const shown = async (phoneNumber: string) => {
        const context = at(NOW, [], { account: { id: 'bob', label: 'bob', phone: phoneNumber } })
        const page = await view(await begin(context), context)
        return page.step === 'number' ? [page.typed, page.country] : undefined
      }
      assert.deepEqual(await shown(TABLET), ['', 'AT'])
      for (const number of ['+12125551212', BERLIN, 'call me', ''])
        assert.deepEqual(await shown(number), ['', 'DE'], number)
    })

    it('lists the countries by name in the language of the page', async () => {
      const page = await enroll.view({ step: 'number' }, at(NOW, [], { locale: 'de' }))
      assert.deepEqual(page.step === 'number' && page.countries, [
        { code: 'DE', name: 'Deutschland', callingCode: '+49' },
        { code: 'AT', name: 'Österreich', callingCode: '+43' },
      ])
      const any = await make({ countries: 'any' }).enroll?.view({ step: 'number' }, at(NOW))
      assert.ok(any?.step === 'number' && any.countries.length > 200 && any.country === undefined)
    })

    const tricks: readonly (readonly [string, string, string])[] = [
      ['+1 900 555 1212', 'country', 'a premium number of another country'],
      ['+49 900 1234567', 'unsuitable', 'a premium number'],
      ['0180 5 123456', 'unsuitable', 'shared cost'],
      ['0800 1234567', 'unsuitable', 'toll-free'],
      ['0700 12345678', 'unsuitable', 'a personal number'],
      ['030 123456', 'unsuitable', 'a landline where nobody calls'],
      ['+881 6 12345678', 'country', 'a satellite'],
      ['+882 16 12345678', 'country', 'a network of no country'],
      ['+800 12345678', 'country', 'an international toll-free number'],
      ['+1 416 555 0123', 'country', 'a country that shares a calling code'],
      ['0151 12345678 ext. 900', 'invalid', 'an extension'],
      ['0151 12345678;ext=9', 'invalid', 'an extension'],
      ['0151 12345678 x9', 'invalid', 'an extension'],
      ['0151 12345678#9', 'invalid', 'an extension'],
      ['0151 12345678,,9', 'invalid', 'pauses'],
      ['0151-FLOWERS', 'invalid', 'letters'],
      ['O151 12345678', 'invalid', 'a letter'],
      ['tel:+4915112345678', 'invalid', 'a URI'],
      ['+4915112345678\u0000', 'invalid', 'a null character'],
      ['+4915112345678 +4915112345679', 'invalid', 'two numbers'],
      ['++4915112345678', 'invalid', 'two plus signs'],
      ['110', 'invalid', 'an emergency number'],
      ['+49151123456789012', 'invalid', 'too many digits'],
      ['0151 123', 'invalid', 'too few'],
      ['', 'invalid', 'nothing'],
      ['０151 12345678', 'invalid', 'a wide digit'],
    ]
    for (const [number, problem, what] of tricks)
      it(`AC-26: takes no ${JSON.stringify(number)}: ${what}`, async () => {
        assert.equal(await problemOf(number), `sms.number.${problem}`)
      })

    it('AC-26: takes a landline only where calls are made, and calls it', async () => {
      const message = messageOf(await type(BERLIN, 'DE', { voice: true }))
      assert.deepEqual([message.channel, message.template], ['voice', 'sms/voice'])
      assert.equal(await problemOf('+49 900 1234567', 'DE', { voice: true }), 'sms.number.unsuitable')
    })

    it('AC-26: whatever is typed, a message goes to a mobile number of a country on the list or nowhere', async () => {
      const number = fc.oneof(
        fc.string({ maxLength: 60, unit: fc.constantFrom(...'+0123456789 ()-./x;#eE') }),
        fc
          .tuple(fc.constantFrom('+49', '+43', '+1', '+881', '0049'), fc.nat(), fc.nat())
          .map((parts) => parts.join('')),
      )
      await fc.assert(
        fc.asyncProperty(number, async (typed) => {
          const { message, state } = going(await type(typed))
          if (message !== undefined) assert.match(message.to, /^\+(491[567]|436)[0-9]{6,12}$/)
          else assert.equal(state.step, 'number')
        }),
        { numRuns: 500 },
      )
    })

    it('AC-94: looks at nothing that is too long', async () => {
      for (const long of [
        '1'.repeat(1_000_000),
        '+'.repeat(1_000_000),
        `${'(('.repeat(400_000)}1`,
        ' '.repeat(1_000_000),
      ]) {
        const begun = performance.now()
        assert.equal(await problemOf(long), 'sms.number.invalid')
        assert.ok(performance.now() - begun < 100)
      }
    })

    it('takes no number that the account has, not even one that was enrolled meanwhile', async () => {
      const known = at(NOW, [phone('old')])
      assert.equal(
        going(await enroll.submit({ step: 'number' }, { number: MOBILE }, known)).problem,
        'sms.number.known',
      )
      const step = await type(MOBILE)
      assert.deepEqual(await enroll.submit(going(step).state, { code: codeOf(step) }, known), {
        outcome: 'refused',
        reason: 'used',
      })
    })

    it('goes back to the number, as it was, and throws the code away', async () => {
      const step = await type(MOBILE)
      const back = going(await enroll.submit(going(step).state, { change: 'yes' }, at(NOW)))
      const state: SmsState = { step: 'number', typed: '+49 1511 2345678', country: 'DE' }
      assert.deepEqual<unknown>(back, { outcome: 'continue', state })
      const stale = await enroll.submit(state, { code: codeOf(step) }, at(NOW))
      assert.deepEqual<unknown>(stale, { outcome: 'continue', state })
    })

    it('F-22: the second of two clicks sends nothing', async () => {
      const { state } = going(await type(MOBILE))
      const twice = await enroll.submit(state, { number: '0151 12345678', country: 'DE' }, at(NOW))
      assert.deepEqual(twice, { outcome: 'continue', state })
    })

    it('another number in the form of an old tab gets a code of its own', async () => {
      const first = await type(MOBILE)
      const second = await enroll.submit(going(first).state, { number: TABLET, country: 'AT' }, at(NOW))
      assert.equal(messageOf(second).to, TABLET)
      const codes = fc.sample(fc.nat(), 20).map(async () => codeOf(await type(MOBILE)))
      assert.ok(new Set(await Promise.all(codes)).size > 15, 'codes differ')
    })
  })
})
