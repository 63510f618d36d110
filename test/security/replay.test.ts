import assert from 'node:assert/strict'
import { memoryStore } from '../../src/store/memory.ts'
import { codeAt } from '../support/host.ts'
import { errorOf, isAnswer } from '../support/relying-party.ts'
import { challenged, elsewhere, enrolled, passed, postOnly, TWO_KINDS, uidOf, useBench } from './support.ts'

describe('security: codes work once', () => {
  let accepted = 0
  const bench = useBench(() => {
    accepted = 0
    const store = memoryStore()
    const put: typeof store.put = async (key, value, options) => {
      const written = await store.put(key, value, options)
      if (written && key.kind === 'verified') accepted += 1
      return written
    }
    return { stepUp: { store: { ...store, put } } }
  })

  it('AC-09: the code of one sign-in is refused at the next, at any browser', async () => {
    const bob = await enrolled(bench)
    const code = codeAt(bob.secret)
    assert.ok(passed(await bob.answer((await challenged(bob)).page, code)))
    const thief = await elsewhere(bench, bob)
    const { page } = await challenged(thief)
    const replay = await thief.answer(page, code)
    assert.deepEqual([replay.status, passed(replay)], [422, false])
    assert.match(replay.text, /That code did not work/)
  })

  it('AC-09: the code that confirmed the enrolment is refused at the next sign-in', async () => {
    bench.clock.set(Math.ceil(bench.clock.now() / 30) * 30)
    const bob = await enrolled(bench)
    bench.clock.advance(-60)
    const { page } = await challenged(bob)
    assert.equal((await bob.answer(page)).status, 422)
  })

  it('AC-10: after a code the one before it is refused, and so is the one after next', async () => {
    const bob = await enrolled(bench)
    const step = Math.floor(bench.clock.now() / 30) * 30
    bench.clock.set(step + 1)
    assert.ok(passed(await bob.answer((await challenged(bob)).page, codeAt(bob.secret, step))))
    bob.browser.clear()
    const { page } = await challenged(bob)
    for (const at of [step - 30, step - 60, step, step + 30, step + 60])
      assert.equal((await bob.answer(page, codeAt(bob.secret, at))).status === 422 || at === step + 60, true)
  })

  it('AC-10: one step late is accepted, two are not, and a clock put back revives nothing', async () => {
    const bob = await enrolled(bench)
    const step = Math.floor(bench.clock.now() / 30) * 30
    bench.clock.set(step + 61)
    const { page } = await challenged(bob)
    assert.equal((await bob.answer(page, codeAt(bob.secret, step))).status, 422)
    assert.ok(passed(await bob.answer(page, codeAt(bob.secret, step + 30))))
    bob.browser.clear()
    bench.clock.set(step + 1)
    const back = await challenged(bob)
    assert.equal((await bob.answer(back.page, codeAt(bob.secret, step))).status, 422)
  })

  it('AC-11: of fifty posts of one right code in one interaction one is accepted', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const code = codeAt(bob.secret)
    accepted = 0
    const answers = await Promise.all(Array.from({ length: 50 }, () => postOnly(bob.browser.clone(), page, { code })))
    assert.equal(accepted, 1)
    assert.deepEqual(
      answers.filter(({ status }) => status >= 500),
      [],
    )
    assert.ok(passed(await bob.browser.get(`/auth/${uidOf(page)}`)), 'and the person goes on')
  })

  it('AC-11: of fifty posts of one right code in fifty interactions of an account one signs in', async () => {
    const bob = await enrolled(bench)
    const open = []
    for (let count = 0; count < 50; count += 1) {
      const other = await elsewhere(bench, bob)
      open.push({ other, ...(await challenged(other)) })
    }
    const code = codeAt(bob.secret)
    accepted = 0
    const answers = await Promise.all(open.map(({ other, page }) => other.answer(page, code)))
    assert.equal(answers.filter(passed).length, 1)
    assert.equal(accepted, 1)
  })

  it('AC-11: a double click takes nothing from the next sign-in', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const code = codeAt(bob.secret)
    await Promise.all(Array.from({ length: 8 }, () => postOnly(bob.browser.clone(), page, { code })))
    bench.clock.advance(30)
    const next = await elsewhere(bench, bob)
    assert.ok(passed(await next.answer((await challenged(next)).page)))
  })

  it('AC-11: of fifty confirmations of one enrolment one is accepted', async () => {
    const bob = await elsewhere(bench, await enrolled(bench, 'carol'))
    const { page } = await bob.go(TWO_KINDS)
    const code = codeAt(/secret=([A-Z2-7]+)/.exec(page.text)?.[1] ?? '')
    accepted = 0
    await Promise.all(Array.from({ length: 50 }, () => postOnly(bob.browser.clone(), page, { code })))
    assert.equal(accepted, 1)
  })
})

describe('security: cookies and results work once', () => {
  const bench = useBench()

  it('AC-54: cookies from before the code open nothing after it', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const before = bob.browser.clone()
    assert.ok(passed(await bob.answer(page)))
    bench.clock.advance(60)
    for (const target of [page.url, `/auth/${uidOf(page)}`, `${page.action}`])
      assert.equal(passed(await before.clone().get(target)), false)
    assert.equal(passed(await bob.answer.call(bob, { ...page })), false)
    assert.equal(passed(await before.post(page, { code: codeAt(bob.secret) })), false)
  })

  it('AC-68: a session cookie from before the second proof is worth nothing more after it', async () => {
    const bob = await enrolled(bench)
    await bob.go()
    const planted = bob.browser.clone()
    const { page } = await challenged(bob)
    assert.ok(passed(await bob.answer(page)))
    const { url } = await bob.rp.request({ ...TWO_KINDS, prompt: 'none' })
    const answer = await planted.get(url)
    assert.ok(isAnswer(answer))
    assert.equal(passed(answer), false, errorOf(answer))
  })
})
