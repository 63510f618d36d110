import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { PushState } from '../../src/factors/push.ts'
import {
  answered,
  at,
  type Context,
  createOutbox,
  going,
  held,
  make,
  NOW,
  refusal,
  soft,
  stateOf,
} from './push-support.ts'

describe('factors/push: challenge', () => {
  const factor = make()
  const { challenge } = factor
  const device = soft()
  const phone = held(device)
  const other = soft()
  const tablet = held(other, 'tablet', { channel: { service: 'pigeon' } })
  const both = at(NOW, [phone, tablet])

  const begin = async (context: Context = both) => {
    const step = going(await challenge.begin(context))
    return { step, state: stateOf(step, 'challenge') }
  }
  const shown = (state: PushState, context = both) => challenge.outline?.(state, context) ?? {}
  const submit = async (state: PushState, input: Record<string, string>, now = NOW) =>
    challenge.submit(state, input, at(now, [phone, tablet]))
  const approval = (state: PushState, more = {}) => {
    const { number } = state as { number?: string }
    return device.answer(shown(state), 'approve', { number, ...more })
  }

  it('asks all devices at once, by a message that names nobody', async () => {
    const { step, state } = await begin()
    const { message, awaits } = step
    assert.deepEqual(message, {
      to: JSON.stringify([{ authenticatorId: 'phone' }, { authenticatorId: 'tablet', channel: { service: 'pigeon' } }]),
      template: 'push/challenge',
      values: {},
      reference: state.reference,
      expiresAt: NOW + 120,
    })
    assert.deepEqual(awaits, { reference: state.reference, expiresAt: NOW + 120 })
    assert.equal(Buffer.from(state.reference, 'base64url').length, 16)
  })

  it('AC-21: shows a device who asks, from where and when, and never the number', async () => {
    const located = make({ locate: async (address) => `Berlin\n(${address})` })
    const context = at(NOW, [phone])
    const step = await located.challenge.begin(context)
    const state = stateOf(step, 'challenge')
    const outline = located.challenge.outline?.(state, context)
    assert.deepEqual(outline, {
      reference: state.reference,
      account: 'bob@example.com',
      client: 'App',
      browser: 'Chrome on Windows',
      address: '192.0.2.7',
      place: 'Berlin (192.0.2.7)',
      at: NOW,
      expiresAt: NOW + 120,
      match: 'number',
    })
    assert.ok(!JSON.stringify([outline, going(step).message, going(step).awaits]).includes(`"${state.number}"`))
  })

  it('shows what it knows and no more', async () => {
    const lost = make({
      locate: () => {
        throw new Error('no map')
      },
    })
    const { client: _client, requester: _requester, ...bare } = at(NOW, [phone])
    for (const [one, context] of [
      [factor, bare],
      [lost, { ...bare, requester: { address: 'unknown', userAgent: '<b>' } }],
      [make({ locate: () => undefined }), { ...bare, requester: {} }],
    ] as const) {
      const state = stateOf(await one.challenge.begin(context), 'challenge')
      assert.deepEqual(Object.keys(shown(state)), ['reference', 'match', 'account', 'at', 'expiresAt'])
    }
    const state = stateOf(await lost.challenge.begin({ ...bare, requester: { address: '2001:db8::1' } }), 'challenge')
    assert.deepEqual([state.address, state.place], ['2001:db8::1', undefined])
  })

  it('does not wait for a map that does not answer', async () => {
    const slow = make({ locate: () => new Promise(() => undefined) })
    const state = stateOf(await slow.challenge.begin(at(NOW, [phone])), 'challenge')
    assert.equal(state.place, undefined)
  })

  it('AC-21: the number has the digits that are asked for, never a zero in front, and any is as likely', async () => {
    for (const digits of [2, 3, 6]) {
      const { challenge: asking } = make({ digits })
      const numbers = await Promise.all(
        Array.from({ length: 2000 }, async () => stateOf(await asking.begin(both), 'challenge').number ?? ''),
      )
      for (const number of numbers) assert.match(number, new RegExp(`^[1-9][0-9]{${digits - 1}}$`))
      // 222 begin with each digit; 100 are eight standard deviations away.
      for (const digit of '123456789') assert.ok(numbers.filter((number) => number.startsWith(digit)).length > 100)
    }
  })

  it('accepts the number that the page shows, signed by the device', async () => {
    const { state } = await begin()
    const view = Object(await challenge.view(state, both))
    assert.deepEqual(view, {
      step: 'challenge',
      number: state.number,
      seconds: 120,
      expiresAt: NOW + 120,
      isExpired: false,
    })
    const statement = device.answer(shown(state), 'approve', { number: view.number, userVerified: true })
    assert.deepEqual(await answered(factor, state, statement, phone, both), {
      outcome: 'accepted',
      authenticatorId: 'phone',
      proof: { kinds: ['possession'], traits: ['out-of-band', 'replay-resistant'], amr: ['mca', 'pop', 'swk'] },
    })
  })

  it('counts the device’s own lock as a second kind only where the app is trusted, and says that it did', async () => {
    const trusting = make({ userVerification: 'trusted' })
    assert.deepEqual([trusting.kinds, trusting.traits.includes('user-verified')], [['possession', 'inherence'], true])
    assert.deepEqual([factor.kinds, factor.traits.includes('user-verified')], [['possession'], false])
    for (const [one, said, kinds] of [
      [trusting, { userVerified: true }, ['possession', 'inherence']],
      [trusting, { userVerified: false }, ['possession']],
      [trusting, {}, ['possession']],
      [factor, { userVerified: true }, ['possession']],
    ] as const) {
      const { state } = await begin()
      const step = await answered(one, state, approval(state, said), phone, both)
      assert.deepEqual(step.outcome === 'accepted' && step.proof?.kinds, kinds)
    }
  })

  it('AC-21: three tries, and no other number than the one that is shown', async () => {
    assert.equal(challenge.maxFailures, 3)
    const { state } = await begin()
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.integer({ min: 0, max: 999 }).map(String), fc.string({ maxLength: 16 })),
        async (number) => {
          const step = await answered(factor, state, approval(state, { number }), phone, both)
          assert.equal(step.outcome, number === state.number ? 'accepted' : 'refused')
        },
      ),
      { numRuns: 60 },
    )
    assert.deepEqual(
      await answered(factor, state, approval(state, { number: undefined }), phone, both),
      refusal('invalid'),
    )
  })

  it('AC-82: an answer to another question, account or time passes for none', async () => {
    const { state } = await begin()
    const before = (await begin()).state
    const swaps = {
      reference: before.reference,
      account: 'eve@example.com',
      expiresAt: state.expiresAt + 1,
    }
    for (const [name, value] of Object.entries(swaps))
      for (const decision of ['approve', 'deny', 'report'] as const) {
        const statement = device.answer({ ...shown(state), [name]: value }, decision, { number: state.number })
        assert.deepEqual(await answered(factor, state, statement, phone, both), refusal('invalid'), name)
      }
    const replayed = device.answer(shown(before), 'approve', { number: state.number })
    assert.deepEqual(await answered(factor, state, replayed, phone, both), refusal('invalid'))
  })

  it('AC-82: only a device that can answer here does', async () => {
    const { state } = await begin()
    for (const context of [at(NOW, []), at(NOW, [tablet])])
      assert.deepEqual(await answered(factor, state, approval(state), phone, context), refusal('not-enrolled'))
    assert.deepEqual(await challenge.receive?.(state, {}, both), refusal('not-enrolled'))
    assert.deepEqual(await challenge.receive?.(state, {}, both, phone), refusal('invalid'))
  })

  it('AC-82: deny and "it was not me" end it, and so does an answer too late', async () => {
    const { state } = await begin()
    for (const [decision, reason, more] of [
      ['deny', 'denied', {}],
      ['report', 'reported', { detail: 'unknown-place' }],
    ] as const) {
      const statement = device.answer(shown(state), decision, { reason: 'unknown-place' })
      assert.deepEqual(await answered(factor, state, statement, phone, both), { ...refusal(reason, true), ...more })
    }
    const late = soft(undefined, NOW + 120)
    const { number } = state
    const holder = held(late)
    for (const decision of ['approve', 'deny', 'report'] as const)
      assert.deepEqual(
        await answered(factor, state, late.answer(shown(state), decision, { number }), holder, at(NOW + 120, [holder])),
        refusal('expired', true),
      )
  })

  it('says that the time is over at a reload, and asks nobody again by itself', async () => {
    const { state } = await begin()
    const late = at(NOW + 120, [phone, tablet])
    assert.deepEqual(await challenge.view(state, late), {
      step: 'challenge',
      seconds: 0,
      expiresAt: NOW + 120,
      isExpired: true,
    })
    assert.ok(challenge.ttlSeconds > 120)
    for (const now of [NOW, NOW + 119, NOW + 500])
      assert.deepEqual(await submit(state, {}, now), { outcome: 'continue', state })
  })

  it('AC-20: "send again" asks the same while half the time is left, else anew', async () => {
    const { state } = await begin()
    const soon = going(await submit(state, { again: 'yes' }, NOW + 60))
    assert.deepEqual([soon.state, soon.awaits, soon.message?.reference], [state, undefined, state.reference])
    for (const now of [NOW + 61, NOW + 500]) {
      const step = going(await submit(state, { again: 'yes' }, now))
      const next = stateOf(step, 'challenge')
      assert.notEqual(next.reference, state.reference)
      assert.deepEqual(step.awaits, { reference: next.reference, expiresAt: now + 120 })
    }
  })

  it('AC-20: three pushes in ten minutes for an account, and off after ten without an approval', () => {
    assert.deepEqual(factor.budgets?.[0], { per: 'account', messages: 3, windowSeconds: 600 })
    assert.equal(factor.maxUnanswered, 10)
  })

  it('cannot begin without a device', async () => {
    assert.deepEqual(await challenge.begin(at(NOW)), refusal('unavailable'))
    const { state } = await begin()
    assert.deepEqual(await challenge.submit(state, { again: 'yes' }, at(NOW + 500)), refusal('unavailable'))
  })

  it('sends by the account’s devices only, and keeps no dead address', async () => {
    const { sender } = createOutbox()
    const kept = make({ senders: [sender] }).withoutAddress(tablet)
    assert.deepEqual(kept, { deviceId: other.deviceId, publicKey: other.publicKey, name: 'Soft device' })
    assert.equal(factor.describe(phone), 'Soft device')
    assert.equal(factor.describe({ ...phone, nickname: 'Blue one' }), 'Blue one')
  })
})
