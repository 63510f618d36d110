import assert from 'node:assert/strict'
import { mock } from 'node:test'
import type { Proof } from '../../src/assurance/evidence.ts'
import type { AnyFactor, Sender } from '../../src/factors/factor.ts'
import type { Outcome } from '../../src/flow/ceremony.ts'
import { ceremonyKey, type Place } from '../../src/flow/place.ts'
import { challenge, codeFactor, enrollment, left, PHONE, recordOf } from './scene.ts'
import { createBench, enrolled, give, noticeOf, placeOf, plant, START, signal, textAt, wordOf } from './tools.ts'

describe('flow/ceremony', () => {
  describe('showing', () => {
    it('begins once, and shows the same when shown again', async () => {
      const { show, calls, messages, bench, place } = await challenge()
      const first = await show()
      const text = await textAt(bench.store, ceremonyKey(place))
      assert.deepEqual(first, { outcome: 'open', view: { digits: 6, to: '+49•••' }, authenticators: ['My phone'] })
      assert.deepEqual(await show(), first)
      assert.equal(await textAt(bench.store, ceremonyKey(place)), text)
      assert.equal(calls.begin, 1)
      const expiresAt = START + 100_000
      assert.deepEqual(messages, [{ to: '+49301', channel: 'text', locale: 'de', text: 'secret-1', expiresAt }])
    })

    it('shows what the factor’s view made of it, and never the state or a message', async () => {
      const { show, answer } = await challenge()
      const pages = [await show(), await answer('wrong'), await answer('more'), await answer('down')]
      for (const page of pages) assert.ok(!JSON.stringify(page).includes('secret-'), JSON.stringify(page))
    })

    it('names no authenticator that its factor has no name for', async () => {
      const { show } = await challenge({ more: { describe: () => '' } })
      const page = await show()
      assert.deepEqual(page.outcome === 'open' && page.authenticators, [])
    })

    it('says why where the ceremony cannot begin, keeps nothing and tries again', async () => {
      let down = true
      const step = { outcome: 'continue', state: { code: 'secret-1' } } as const
      const begin = () => (down ? ({ outcome: 'refused', reason: 'unavailable' } as const) : step)
      const more = { challenge: { ...codeFactor().factor.challenge, begin } }
      const { show, answer, bench, place } = await challenge({ more })
      const notice = { reason: 'unavailable' }
      assert.deepEqual(await show(), { outcome: 'open', authenticators: ['My phone'], notice })
      assert.equal(await bench.store.get(ceremonyKey(place)), undefined)
      down = false
      assert.equal(wordOf(await show()), 'open')
      assert.equal(wordOf(await answer('secret-1')), 'accepted')
    })

    it('finds nothing where the factor has no such ceremony or the account nothing to answer with', async () => {
      const bench = createBench()
      const { enroll: _, ...factor } = codeFactor().factor
      assert.equal(wordOf(await bench.ceremonies.show(placeOf(factor, 'enroll'))), 'gone')
      assert.equal(wordOf(await bench.ceremonies.answer(placeOf(factor, 'enroll'), {})), 'gone')
      assert.equal(wordOf(await bench.ceremonies.show(placeOf(factor, 'challenge'))), 'gone')
      await give(bench, 'alice', enrolled('code', { status: 'suspect' }), enrolled('other'))
      assert.equal(wordOf(await bench.ceremonies.show(placeOf(factor, 'challenge'))), 'gone')
    })

    it('begins anew when the old one has ended, and the old code is worth nothing', async () => {
      const { show, answer, bench, latest } = await challenge()
      await show()
      bench.advance(600)
      assert.equal(wordOf(await answer('secret-1')), 'gone')
      await show()
      assert.equal(latest(), 'secret-2')
      assert.equal(wordOf(await answer('secret-1')), 'invalid')
      assert.equal(wordOf(await answer('secret-2')), 'accepted')
    })
  })

  describe('sending', () => {
    const failing: Sender = () => Promise.reject(new Error('refused by the carrier'))

    it('says that nothing was sent, and keeps the ceremony', async () => {
      const { show, answer } = await challenge({ more: { sender: failing } })
      assert.deepEqual(noticeOf(await show()), { reason: 'not-sent' })
      assert.equal(noticeOf(await show()), undefined)
      assert.deepEqual(noticeOf(await answer('more')), { reason: 'not-sent' })
      assert.equal(wordOf(await answer('secret-2')), 'accepted')
    })

    it('waits a second and a half for a sender that takes its time, and then shows the page', async () => {
      mock.timers.enable({ apis: ['setTimeout'] })
      const asked = signal()
      const sender: Sender = () => {
        asked.send()
        return new Promise(() => undefined)
      }
      try {
        const { show } = await challenge({ more: { sender } })
        const page = show()
        await asked.sent
        mock.timers.tick(1500)
        assert.equal(noticeOf(await page), undefined)
        assert.equal(noticeOf(await show()), undefined)
      } finally {
        mock.timers.reset()
      }
    })

    it('goes on with what the factor wants kept where a message comes too soon', async () => {
      const { factor } = codeFactor()
      const held = { code: 'held' }
      const submit: AnyFactor['challenge']['submit'] = async (state, input, context) => {
        const step = await factor.challenge.submit(state, input, context)
        return step.outcome === 'continue' ? { ...step, held } : step
      }
      const { show, answer } = await challenge({ more: { challenge: { ...factor.challenge, submit } } })
      await show()
      assert.equal(wordOf(await answer('more')), 'paused')
      assert.equal(wordOf(await answer('secret-1')), 'invalid')
      assert.equal(wordOf(await answer('held')), 'accepted')
    })

    it('sends the new code of a further step, and the old one is void', async () => {
      const { show, answer, messages, bench } = await challenge()
      await show()
      bench.advance(30)
      assert.equal(wordOf(await answer('more')), 'open')
      assert.deepEqual(
        messages.map(({ text }) => text),
        ['secret-1', 'secret-2'],
      )
      assert.equal(wordOf(await answer('secret-1')), 'invalid')
      assert.equal(wordOf(await answer('secret-2')), 'accepted')
    })
  })

  describe('accepting', () => {
    it('takes the challenge, clears the count, notes the use and leaves the evidence', async () => {
      const { show, answer, bench, place } = await challenge()
      await show()
      await answer('wrong')
      const proof = { kinds: ['possession'], traits: ['out-of-band'], amr: ['otp'] }
      const { factorsVersion } = await recordOf(bench)
      const { left: written, ...accepted } = (await answer('secret-1')) as Outcome & { outcome: 'accepted' }
      await written
      assert.deepEqual(accepted, { outcome: 'accepted', proof, factorsVersion })
      assert.equal(await bench.store.get(ceremonyKey(place)), undefined)
      const { authenticators, failures, lastFactor } = await recordOf(bench)
      assert.deepEqual(authenticators, [{ ...PHONE, lastUsedAt: START }])
      assert.deepEqual([failures, lastFactor], [{}, 'code'])
      assert.deepEqual(await left(bench), [
        { factor: 'code', ...proof, at: START, cid: 'cid', authenticatorId: PHONE.id },
      ])
      assert.equal(wordOf(await answer('secret-1')), 'gone')
    })

    it('leaves what was really shown, under the account’s present stamp', async () => {
      const proof: Proof = { kinds: ['possession', 'inherence'], traits: ['hardware'], amr: ['hwk', 'user'] }
      const { factor } = codeFactor()
      const submit = () => ({ outcome: 'accepted', proof, authenticatorId: PHONE.id }) as const
      const account = { id: 'alice', label: 'alice', securityStamp: 'stamp-7' }
      const more = { challenge: { ...factor.challenge, submit } }
      const { show, answer, bench } = await challenge({ more, place: { account } })
      await show()
      bench.advance(5)
      await answer('')
      const seen = { at: START + 5, cid: 'cid', authenticatorId: PHONE.id, securityStamp: 'stamp-7' }
      assert.deepEqual(await left(bench), [{ factor: 'code', ...proof, ...seen }])
    })

    it('names no authenticator where it is implied, and stores none', async () => {
      const bench = createBench()
      const { factor } = codeFactor()
      const submit = () => ({ outcome: 'accepted' }) as const
      const implied = () => [enrolled('code', { id: 'implied', nickname: 'a•••@example.com' })]
      const place = placeOf({ ...factor, implied, challenge: { ...factor.challenge, submit } }, 'challenge')
      const page = await bench.ceremonies.show(place)
      assert.deepEqual(page.outcome === 'open' && page.authenticators, ['a•••@example.com'])
      assert.equal(wordOf(await bench.ceremonies.answer(place, {})), 'accepted')
      const [event] = await left(bench)
      assert.ok(event && !('authenticatorId' in event) && !('enrolled' in event))
      assert.deepEqual((await recordOf(bench)).authenticators, [])
    })
  })

  describe('enrolling', () => {
    it('AC-35: adds nothing before its own confirmation, and then an active one', async () => {
      const { show, answer, bench } = enrollment()
      await show()
      await answer('wrong')
      assert.deepEqual((await recordOf(bench)).authenticators, [])
      assert.deepEqual(await left(bench), [])
      assert.equal(wordOf(await answer('secret-1')), 'accepted')
      const [added] = (await recordOf(bench)).authenticators
      assert.deepEqual([added?.status, added?.data], ['active', { code: 'secret-1' }])
      const [event] = await left(bench)
      assert.deepEqual([event?.enrolled, event?.authenticatorId], ['first', added?.id])
    })

    it('AC-35: is not confirmed by the code of another one', async () => {
      const { bench, place, show, answer } = enrollment()
      const other = { ...place, id: 'other' }
      await show()
      await bench.ceremonies.show(other)
      assert.equal(wordOf(await answer('secret-2')), 'invalid')
      assert.equal(wordOf(await bench.ceremonies.answer(other, { code: 'secret-1' })), 'invalid')
    })

    for (const status of ['active', 'suspect', 'disabled'] as const)
      for (const factor of ['code', 'other'])
        it(`AC-32: is not open to an account with an authenticator (${factor}, ${status}), not even half done`, async () => {
          const { show, answer, bench, calls } = enrollment()
          await show()
          await give(bench, 'alice', enrolled(factor, { status }))
          assert.equal(wordOf(await answer('secret-1')), 'gone')
          assert.equal(wordOf(await show()), 'gone')
          assert.deepEqual([calls.begin, calls.submit], [1, 0])
          assert.equal((await recordOf(bench)).authenticators.length, 1)
          assert.deepEqual(await left(bench), [])
        })
  })

  describe('one ceremony’s state in another', () => {
    const moves: Readonly<Record<string, Partial<Place>>> = {
      'AC-15: of an enrolment answers no challenge': { purpose: 'challenge' },
      'AC-14: of one interaction answers no other': { id: 'other' },
      'AC-14: of one account answers no other': { account: { id: 'bob', label: 'bob' } },
      'AC-76: of one factor answers no other': { factor: { ...codeFactor().factor, id: 'other' } },
    }
    // An implied authenticator lets challenges and enrolments stand side by side.
    const implied = () => [enrolled('code')]

    for (const [title, move] of Object.entries(moves))
      it(`${title}, nor the other way round, not even moved there in the store`, async () => {
        const { factor } = codeFactor({ implied })
        const one = placeOf(factor, 'enroll')
        const other: Place = { ...one, ...move }
        for (const [from, to] of [
          [one, other],
          [other, one],
        ] as const) {
          const { ceremonies, store, advance } = createBench()
          const code = codeFactor({ implied })
          const [source, target] = [from, to].map((place) => ({
            ...place,
            factor: { ...code.factor, id: place.factor.id },
          }))
          assert.ok(source && target)
          await ceremonies.show(source)
          assert.equal(wordOf(await ceremonies.answer(target, { code: 'secret-1' })), 'gone')
          await plant(store, ceremonyKey(target), await textAt(store, ceremonyKey(source)))
          assert.equal(wordOf(await ceremonies.answer(target, { code: 'secret-1' })), 'gone')
          advance(30)
          assert.equal(wordOf(await ceremonies.show(target)), 'open')
          assert.equal(wordOf(await ceremonies.answer(target, { code: 'secret-1' })), 'invalid')
          assert.equal(wordOf(await ceremonies.answer(source, { code: 'secret-1' })), 'accepted')
        }
      })
  })
})
