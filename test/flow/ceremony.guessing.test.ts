import assert from 'node:assert/strict'
import type { AnyFactor } from '../../src/factors/factor.ts'
import { ceremonyKey } from '../../src/flow/place.ts'
import { challenge, codeFactor, recordOf } from './scene.ts'
import { noticeOf, placeOf, race, wordOf } from './tools.ts'

/** Answers wrongly, waiting out every pause before. */
const fail = async ({ bench, show, answer }: Awaited<ReturnType<typeof challenge>>, count: number) => {
  for (let done = 0; done < count; done += 1) {
    bench.advance(await bench.throttle.pauseLeft('alice', 'code'))
    await show()
    await answer('wrong')
  }
}

describe('flow/ceremony, guessing', () => {
  it('AC-01: is dead at the fifth refusal, and the right code no longer opens it', async () => {
    const { show, answer, calls, latest } = await challenge()
    await show()
    const words: string[] = []
    for (let done = 0; done < 5; done += 1) words.push(wordOf(await answer('wrong')))
    assert.deepEqual(words, ['invalid', 'invalid', 'invalid', 'invalid', 'dead'])
    for (const page of [await answer(latest()), await show()])
      assert.deepEqual(noticeOf(page), { reason: 'dead', retryAfterSeconds: 30 })
    assert.deepEqual({ submit: calls.submit, begin: calls.begin }, { submit: 5, begin: 1 })
  })

  it('AC-01: begins anew after the pause, with a new code', async () => {
    const { show, answer, bench, messages } = await challenge()
    await show()
    for (let done = 0; done < 5; done += 1) await answer('wrong')
    bench.advance(30)
    assert.equal((await answer('secret-1')).outcome, 'gone')
    assert.equal(noticeOf(await show()), undefined)
    assert.equal(messages.length, 2)
    assert.equal(wordOf(await answer('secret-2')), 'accepted')
  })

  it('AC-01: counts from nothing again after an acceptance', async () => {
    const { show, answer, latest } = await challenge()
    for (let round = 0; round < 3; round += 1) {
      await show()
      for (let done = 0; done < 3; done += 1) assert.equal(wordOf(await answer('wrong')), 'invalid')
      assert.equal(wordOf(await answer(latest())), 'accepted')
    }
  })

  it('AC-02: an answer that came too fast, from wherever, is not looked at', async () => {
    const { show, answer, bench, calls, factor } = await challenge()
    const elsewhere = placeOf(factor, 'challenge', { id: 'other', cid: 'other' })
    await show()
    await bench.ceremonies.show(elsewhere)
    for (let done = 0; done < 5; done += 1) await answer('wrong')
    const page = await bench.ceremonies.answer(elsewhere, { code: 'secret-2' })
    assert.deepEqual(noticeOf(page), { reason: 'throttled', retryAfterSeconds: 30 })
    assert.equal(calls.submit, 5)
    bench.advance(30)
    assert.equal(wordOf(await bench.ceremonies.answer(elsewhere, { code: 'secret-2' })), 'accepted')
  })

  it('AC-03: a new code resets neither the challenge’s count nor the pause', async () => {
    const { show, answer, latest, bench } = await challenge()
    await show()
    for (let done = 0; done < 4; done += 1) {
      await answer('wrong')
      bench.advance(30 * 2 ** done)
      assert.equal(wordOf(await answer('more')), 'open')
    }
    assert.equal(wordOf(await answer('wrong')), 'dead')
    assert.equal(wordOf(await answer(latest())), 'dead')
  })

  it('AC-05: however the account is spelled and wherever it is reached, its count is one', async () => {
    const { bench, factor } = await challenge()
    const spelled = ['alice', 'ALICE', 'ａｌｉｃｅ', 'alice+tag', 'a.lice'].map((label, index) =>
      placeOf(factor, 'challenge', {
        id: `interaction-${index}`,
        account: { id: 'alice', label, email: `${label}@example.com` },
      }),
    )
    for (const place of spelled) {
      await bench.ceremonies.show(place)
      assert.equal(wordOf(await bench.ceremonies.answer(place, { code: 'wrong' })), 'invalid')
    }
    for (const place of spelled)
      assert.equal(wordOf(await bench.ceremonies.answer(place, { code: 'wrong' })), 'throttled')
  })

  it('does not count what its judge could not look at', async () => {
    const { show, answer, bench, latest } = await challenge()
    await show()
    for (let done = 0; done < 12; done += 1) assert.equal(wordOf(await answer('down')), 'unavailable')
    assert.deepEqual((await recordOf(bench)).failures, {})
    assert.equal(wordOf(await answer(latest())), 'accepted')
  })

  it('does not count a fault of the factor, and passes it on', async () => {
    const { factor } = codeFactor()
    const fault = new Error('a bug')
    let broken = true
    const submit: AnyFactor['challenge']['submit'] = (...answer) =>
      broken ? Promise.reject(fault) : factor.challenge.submit(...answer)
    const { show, answer, bench } = await challenge({ more: { challenge: { ...factor.challenge, submit } } })
    await show()
    for (let done = 0; done < 12; done += 1) await assert.rejects(answer('secret-1'), fault)
    assert.deepEqual((await recordOf(bench)).failures, {})
    broken = false
    assert.equal(wordOf(await answer('secret-2')), 'invalid')
  })

  it('does not count a further step', async () => {
    const { show, answer, bench, latest } = await challenge()
    await show()
    for (let done = 0; done < 4; done += 1) {
      bench.advance(30 * 2 ** done)
      assert.equal(wordOf(await answer('more')), 'open')
    }
    assert.equal(await bench.throttle.pauseLeft('alice', 'code'), 0)
    assert.equal(wordOf(await answer(latest())), 'accepted')
  })

  it('does not prolong the ceremony, while a further step does', async () => {
    const { show, answer, bench } = await challenge()
    await show()
    bench.advance(599)
    assert.equal(wordOf(await answer('more')), 'open')
    bench.advance(599)
    assert.equal(wordOf(await answer('wrong')), 'invalid')
    bench.advance(1)
    assert.equal(wordOf(await answer('secret-2')), 'gone')
  })

  it('AC-01: at a hundred in a row the factor is off: it never begins, and nothing is looked at', async () => {
    const scene = await challenge()
    const { show, bench, factor, calls } = scene
    await fail(scene, 100)
    const before = { ...calls }
    assert.equal(wordOf(await show()), 'disabled')
    assert.equal(wordOf(await scene.answer(scene.latest())), 'disabled')
    const elsewhere = placeOf(factor, 'challenge', { id: 'other' })
    const page = await bench.ceremonies.show(elsewhere)
    assert.deepEqual(page, { outcome: 'open', authenticators: [], notice: { reason: 'disabled' } })
    assert.deepEqual([calls.begin, calls.submit], [before.begin, before.submit])
    assert.equal(wordOf(await bench.ceremonies.answer(elsewhere, { code: 'wrong' })), 'gone')
  })

  it('F-02: the pace goes on from the account’s own count where the store was emptied', async () => {
    const scene = await challenge()
    await fail(scene, 8)
    await scene.bench.store.delete({ kind: 'throttle', accountId: 'alice', id: 'code' })
    await scene.bench.store.delete(ceremonyKey(scene.place))
    await scene.show()
    assert.equal(wordOf(await scene.answer('wrong')), 'invalid')
    assert.deepEqual(noticeOf(await scene.answer('wrong')), { reason: 'throttled', retryAfterSeconds: 480 })
  })

  it('AC-04: of two hundred wrong answers at once no more than five are looked at', async () => {
    const { show, answer, calls } = await challenge()
    await show()
    const words = (await race(200, () => answer('wrong'))).map(wordOf)
    assert.ok(calls.submit >= 1 && calls.submit <= 5, `${calls.submit}`)
    assert.equal(words.filter((word) => word === 'throttled').length, 200 - calls.submit)
  })
})
