import assert from 'node:assert/strict'
import type { Accounts } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { CHALLENGE } from '../security/recovered.ts'
import { isLifted, later, remembered } from '../security/remembered.ts'
import {
  advanced,
  challenged,
  enrolled,
  type Journey,
  passed,
  postOnly,
  TWO_KINDS,
  wrongCode,
} from '../security/support.ts'
import type { Page } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { errorOf, isAnswer, signIn } from '../support/relying-party.ts'
import { until } from '../support/until.ts'
import { assertAllLater, inTime, told, useRedisHost } from './support.ts'

/** A sign-in that has come to a point: what its browser asks next, and how it goes on where nothing was lost. */
interface Point {
  readonly next: () => Promise<Page>
  readonly finish: () => Promise<Page>
}

const POINTS: Readonly<Record<string, (bob: Journey) => Promise<Point>>> = {
  'before the challenge': async (bob) => {
    const { url } = await bob.rp.request(TWO_KINDS)
    const login = await bob.browser.get(url)
    const next = () => signIn(bob.browser, login, 'bob')
    return {
      next,
      finish: async () => {
        const page = await next()
        return page.heading === CHALLENGE ? bob.answer(page) : page
      },
    }
  },
  'between showing and answering': async (bob) => {
    const { page } = await challenged(bob)
    const next = () => bob.answer(page)
    return { next, finish: next }
  },
  'between answering and resuming': async (bob) => {
    const { page } = await challenged(bob)
    const answered = await postOnly(bob.browser, page, { code: codeAt(bob.secret) })
    assert.ok(advanced(answered), told(answered))
    const next = () => bob.browser.get(answered.headers.get('location') ?? '')
    return { next, finish: next }
  },
}

/** The person is told to begin again, or stands at the beginning already. */
const beginsAgain = (page: Page) =>
  !passed(page) && page.status < 500 && (page.status >= 400 || page.heading === 'host login' || isAnswer(page))

describe('faults: Redis killed and started again', () => {
  let redis: Redis
  let accounts: Accounts
  beforeEach(async () => {
    redis = await startRedis({ persistent: true })
    accounts = memoryStore()
  })
  afterEach(() => redis.stop())

  describe('with all data in it', () => {
    const bench = useRedisHost(() => ({ url: redis.url }))

    for (const [where, come] of Object.entries(POINTS)) {
      it(`F-01, AC-74: ${where}, with its data, passes nobody meanwhile and goes on after`, async () => {
        const bob = await enrolled(bench)
        const { next, finish } = await come(bob)
        await redis.kill()
        // The first step is the host's own page, which has words of its own.
        if (where === 'before the challenge') assert.equal(passed(await inTime('the next step', next())), false)
        else await assertAllLater({ 'the next step': next })
        await redis.restart()
        const page = await until(
          'the sign-in goes on',
          async () => {
            const answer = await inTime('going on', finish())
            return passed(answer) && answer
          },
          5,
        )
        assert.equal(errorOf(page), undefined)
      })
    }

    it('F-02: lost with the accounts in it lets everybody begin anew, and no old code is worth anything', async () => {
      const bob = await enrolled(bench)
      const code = codeAt(bob.secret)
      await redis.restart({ empty: true })
      const { page } = await until(
        'enrolment',
        async () => {
          const asked = await bob.go(TWO_KINDS)
          assert.equal(passed(asked.page), false)
          return asked.page.status === 200 && asked
        },
        5,
      )
      assert.equal((await bob.browser.post(page, { code })).status, 422, 'the old secret is not the new one')
      assert.ok(passed(await bob.enroll(page)))
    })
  })

  describe('with the accounts in another database', () => {
    const bench = useRedisHost(
      () => ({ url: redis.url }),
      () => ({ accounts }),
    )

    for (const [where, come] of Object.entries(POINTS))
      it(`F-01, AC-74: ${where}, and empty, lets the person begin again and pass with a new code only`, async () => {
        const bob = await enrolled(bench)
        const { next } = await come(bob)
        const used = codeAt(bob.secret)
        await redis.restart({ empty: true })
        const page = await until('an answer', async () => {
          const answer = await inTime('the next step', next())
          assert.equal(passed(answer), false, told(answer))
          return answer.status < 500 && answer
        })
        assert.ok(beginsAgain(page), told(page))
        bob.browser.clear()
        const { page: again } = await challenged(bob)
        if (where === 'between answering and resuming') {
          assert.equal((await bob.answer(again, used)).status, 422, 'the code was used')
          bench.clock.advance(60)
        }
        assert.ok(passed(await bob.answer(again)))
      })

    it('F-02, AC-74: empty, accepts no code a second time, and neither session nor proof is left', async () => {
      const bob = await enrolled(bench)
      const code = codeAt(bob.secret)
      assert.ok(passed(await bob.answer((await challenged(bob)).page, code)))
      await redis.restart({ empty: true })
      await until('service', async () => (await bob.go({ prompt: 'none' })).page.status < 500)
      const silent = await bob.go({ ...TWO_KINDS, prompt: 'none' })
      assert.equal(errorOf(silent.page), 'login_required')
      const { page } = await challenged(bob)
      assert.equal((await bob.answer(page, code)).status, 422)
    })

    it('F-02: empty, still knows how many answers were wrong, and pauses as before', async () => {
      const bob = await enrolled(bench)
      const { page } = await challenged(bob)
      for (let count = 0; count < 5; count += 1) await bob.answer(page, wrongCode(bob.secret))
      await redis.restart({ empty: true })
      bob.browser.clear()
      await until('service', async () => (await bob.go({ prompt: 'none' })).page.status < 500)
      const again = await challenged(bob)
      await bob.answer(again.page, wrongCode(bob.secret))
      const paused = await bob.answer(again.page)
      assert.equal(passed(paused), false, 'the pause is back after one more wrong answer')
    })
  })

  describe('with remembered browsers', () => {
    const bench = useRedisHost(
      () => ({ url: redis.url }),
      () => ({ accounts, policy: { default: 'always' } }),
    )

    it('F-02: empty, asks remembered browsers again', async () => {
      const known = await remembered(bench)
      assert.ok(await isLifted(await later(bench.host, known)), 'before')
      await redis.restart({ empty: true })
      const fresh = await later(bench.host, known)
      const page = await until('service', async () => {
        const { page: asked } = await fresh.go()
        assert.equal(passed(asked), false, told(asked))
        return asked.status < 500 && asked
      })
      assert.equal(page.heading, CHALLENGE)
    })
  })
})
