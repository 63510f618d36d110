import assert from 'node:assert/strict'
import type { CeremonyContext } from '../../src/factors/factor.ts'
import { at, codeOf, going, MOBILE, make, messageOf, NOW, phone, type Result, TABLET, wrongFor } from './sms-support.ts'

describe('factors/sms', () => {
  describe('challenge', () => {
    const factor = make({ voice: true })
    const { challenge } = factor
    const one = phone('one', MOBILE, NOW - 50)
    const other = phone('other', TABLET, NOW - 10)
    const both = at(NOW, [one, other])
    const begin = async (context = both) => challenge.begin(context)
    const submit = async (step: Result, input: Record<string, string>, context = both) =>
      challenge.submit(going(step).state, input, context)

    it('sends to the number that was used last', async () => {
      assert.equal(messageOf(await begin()).to, TABLET)
      assert.equal(messageOf(await begin()).template, 'sms/challenge')
      assert.equal(messageOf(await begin(at(NOW, [phone('new'), other].toReversed()))).to, TABLET)
    })

    it('accepts the code for the number it went to, once it comes back', async () => {
      const step = await begin()
      const typed = codeOf(step).replace(/(...)/, '$1 ')
      assert.deepEqual(await submit(step, { code: typed }), {
        outcome: 'accepted',
        authenticatorId: 'other',
        proof: { kinds: ['possession'], traits: ['out-of-band', 'restricted'], amr: ['sms'] },
      })
    })

    it('AC-14: the code of one challenge, or of one number, answers no other', async () => {
      const first = await begin()
      const second = await begin()
      // One in a million is the same by chance.
      const differs = codeOf(first) !== codeOf(second)
      assert.equal((await submit(second, { code: codeOf(first) })).outcome, differs ? 'refused' : 'accepted')
      const moved = await submit(first, { to: 'one' })
      assert.equal(messageOf(moved).to, MOBILE)
      const isSame = codeOf(moved) === codeOf(first)
      assert.equal((await submit(moved, { code: codeOf(first) })).outcome, isSame ? 'accepted' : 'refused')
      const accepted = await submit(moved, { code: codeOf(moved) })
      assert.equal(accepted.outcome === 'accepted' && accepted.authenticatorId, 'one')
    })

    it('AC-14: a code answers nothing once its number was removed or is another', async () => {
      const step = await begin()
      for (const context of [at(NOW, [one]), at(NOW, [one, phone('other', '+436641234568')])])
        assert.deepEqual(await submit(step, { code: codeOf(step) }, context), {
          outcome: 'refused',
          reason: 'not-enrolled',
        })
    })

    it('refuses all that is no code, wrong or late', async () => {
      const step = await begin()
      const code = codeOf(step)
      for (const typed of ['', ' ', code.slice(1), `${code}0`, `-${code}`, '1e5000', wrongFor(code)])
        if (typed !== `-${code}`)
          assert.deepEqual(await submit(step, { code: typed }), { outcome: 'refused', reason: 'invalid' }, typed)
      assert.deepEqual(await submit(step, {}), { outcome: 'refused', reason: 'invalid' })
      const late = await submit(step, { code }, at(NOW + 300, [one, other]))
      assert.deepEqual(late, { outcome: 'refused', reason: 'expired' })
    })

    it('sends the same code again while half of its life is left, then a new one', async () => {
      const step = await begin()
      const soon = await submit(step, { resend: 'yes' }, at(NOW + 150, [one, other]))
      assert.deepEqual(going(soon).state, going(step).state)
      assert.equal(messageOf(soon).values.seconds, '150')
      assert.equal(messageOf(soon).expiresAt, NOW + 300)
      const later = await submit(step, { resend: 'yes' }, at(NOW + 151, [one, other]))
      assert.equal(messageOf(later).expiresAt, NOW + 451)
    })

    it('AC-14: where the first message is held back no code is right, until one was sent', async () => {
      const { held } = going(await begin())
      assert.ok(held?.step === 'code' && held.code !== undefined)
      const code = held.code
      assert.deepEqual(await challenge.submit(held, { code }, both), { outcome: 'refused', reason: 'expired' })
      const shown = await challenge.view(held, both)
      assert.deepEqual([shown.step, shown.step === 'code' && shown.to], ['code', '••• ••• •• 67'])
      const sent = await challenge.submit(held, { resend: 'yes' }, at(NOW + 30, [one, other]))
      assert.equal(messageOf(sent).expiresAt, NOW + 330, 'a code of its own')
      assert.equal((await submit(sent, { code: codeOf(sent) })).outcome, 'accepted')
    })

    it('AC-14: a later message that is held back leaves the code that was sent', async () => {
      const step = await begin()
      for (const input of [{ resend: 'yes' }, { voice: 'yes' }, { to: 'one' }])
        assert.equal(going(await submit(step, input, at(NOW + 200, [one, other]))).held, undefined)
    })

    it('calls instead, with a code of its own that proves a call', async () => {
      const step = await begin()
      const call = await submit(step, { voice: 'yes' })
      assert.deepEqual([messageOf(call).channel, messageOf(call).template], ['voice', 'sms/voice'])
      const answer = await submit(call, { code: codeOf(call) })
      assert.deepEqual(answer.outcome === 'accepted' && answer.proof?.amr, ['tel'])
      const back = await submit(call, { resend: 'yes' })
      assert.equal(messageOf(back).channel, 'text')
    })

    it('makes no call where calls are off, and none to a number of nobody here', async () => {
      const silent = make()
      const step = await silent.challenge.begin(both)
      const { state } = going(step)
      for (const input of [{ voice: 'yes' }, { to: 'nobody' }, { to: 'other' }])
        assert.deepEqual(await silent.challenge.submit(state, input, both), { outcome: 'continue', state })
    })

    it('sends nothing to a country that was taken off the list', async () => {
      const narrow = make({ countries: ['DE'] })
      assert.equal(messageOf(await narrow.challenge.begin(both)).to, MOBILE)
      assert.deepEqual(await narrow.challenge.begin(at(NOW, [other])), { outcome: 'refused', reason: 'unavailable' })
    })

    it('AC-50: shows a number masked, always at the same length, and no code', async () => {
      const masks = [MOBILE, TABLET, '+4312345678', '+49151123456789'].map((number) =>
        factor.describe(phone('x', number)),
      )
      assert.deepEqual(masks, ['••• ••• •• 78', '••• ••• •• 67', '••• ••• •• 78', '••• ••• •• 89'])
      const step = await begin()
      const view = await challenge.view(going(step).state, both)
      assert.deepEqual(view, {
        step: 'code',
        digits: 6,
        to: '••• ••• •• 67',
        channel: 'text',
        channels: ['text', 'voice'],
        others: [{ id: 'one', name: '••• ••• •• 78' }],
      })
    })

    it('names the app on one short line, and the host where there is no app', async () => {
      const named = async (client: CeremonyContext['client']) =>
        messageOf(await begin(at(NOW, [one], { client }))).values.app
      assert.equal(await named({ id: 'x', name: 'A\n@evil.example #111111\u0000\u202e' }), 'A @evil.example #111111')
      assert.equal([...((await named({ id: 'x', name: '🔑'.repeat(100) })) ?? '')].length, 40)
      assert.equal(await named({ id: 'x', name: ' ' }), 'login.example.com')
      assert.equal(await named(undefined), 'login.example.com')
    })
  })
})
