import assert from 'node:assert/strict'
import { CHALLENGE, listening } from '../security/recovered.ts'
import { isLifted, later, remembered } from '../security/remembered.ts'
import {
  advanced,
  challenged,
  elsewhere,
  enrolled,
  type Journey,
  passed,
  postOnly,
  TWO_KINDS,
  uidOf,
  wrongCode,
} from '../security/support.ts'
import type { Page } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { createJourney, isAnswer } from '../support/relying-party.ts'
import { told, useRedisHost } from './support.ts'

const DAY = 86_400

describe('faults: somebody else writes to Redis', () => {
  let redis: Redis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.stop())
  beforeEach(() => redis.command('FLUSHALL'))
  const bench = useRedisHost(() => ({ url: redis.url }))

  const keys = async (part: string): Promise<readonly string[]> =>
    ((await redis.command('KEYS', '*')) as string[]).filter((key) => key.includes(part) && !key.includes(':ids:'))
  const read = async (key: string) => String(await redis.command('GET', key))
  const write = (key: string, text: string) => redis.command('SET', key, text)
  /** The keys that work adds, of those with that part in their names. */
  const added = async (part: string, work: () => Promise<unknown>): Promise<readonly string[]> => {
    const known = new Set(await keys(part))
    await work()
    return (await keys(part)).filter((key) => !known.has(key))
  }
  const flip = (text: string, at: number) => {
    const place = Math.min(text.length - 1, Math.floor(text.length * at))
    return `${text.slice(0, place)}${text[place] === 'A' ? 'B' : 'A'}${text.slice(place + 1)}`
  }
  const silently = async (journey: Journey) => (await journey.go({ ...TWO_KINDS, prompt: 'none' })).page

  /** Someone in the middle of a sign-in, and what would come of the next step. */
  const middle = async (login: string) => {
    const person = await enrolled(bench, login)
    const { page } = await challenged(person)
    return { person, next: () => person.answer(page) }
  }
  const answered = async (login: string) => {
    const person = await enrolled(bench, login)
    const { page } = await challenged(person)
    const answer = await postOnly(person.browser, page, { code: codeAt(person.secret) })
    assert.ok(advanced(answer), told(answer))
    return { person, next: () => person.browser.get(answer.headers.get('location') ?? '') }
  }
  const signedIn = async (login: string) => {
    const { person, next } = await middle(login)
    assert.ok(passed(await next()))
    return { person, next: () => silently(person) }
  }

  /** What stands there at which moment, and what it would be worth. */
  const RECORDS: Readonly<Record<string, (login: string) => Promise<{ person: Journey; next: () => Promise<Page> }>>> =
    {
      ':account:': middle,
      ':challenge:': middle,
      ':Interaction:': middle,
      ':verified:': answered,
      ':ledger:': signedIn,
      ':Session:': signedIn,
    }

  it('AC-75: untouched, each of these moments passes', async () => {
    for (const [login, come] of [
      ['alice', middle],
      ['bob', answered],
      ['carol', signedIn],
    ] as const)
      assert.ok(passed(await (await come(login)).next()))
  })

  for (const [part, come] of Object.entries(RECORDS)) {
    for (const [login, at] of [
      ['alice', 0.2],
      ['bob', 0.5],
      ['carol', 1],
    ] as const)
      it(`AC-75: ${part} altered in one character passes nobody (${at})`, async () => {
        const { next } = await come(login)
        const records = await keys(part)
        assert.ok(records.length > 0)
        for (const key of records) await write(key, flip(await read(key), at))
        const page = await next()
        assert.equal(passed(page), false, told(page))
      })

    it(`AC-75: ${part} of one person passes nobody in another's place`, async () => {
      const bob = await come('bob')
      const mine = await keys(part)
      let carol: Awaited<ReturnType<typeof come>> | undefined
      const hers = await added(part, async () => {
        carol = await come('carol')
      })
      assert.ok(carol !== undefined && hers.length > 0)
      const best = await Promise.all(mine.map(read))
      for (const key of hers) await write(key, best.at(-1) ?? '')
      carol.person.secret = bob.person.secret
      const page = await carol.next()
      assert.equal(passed(page), false, told(page))
    })
  }

  it('AC-75: a session that proved nothing gets nothing by the proofs of another session of the same person', async () => {
    const { person } = await signedIn('bob')
    const [best = ''] = await keys(':ledger:{bob}:')
    const other = await createJourney(bench.host, 'bob')
    const weak = await added(':ledger:{bob}:', () => other.go())
    assert.equal(weak.length, 1)
    await write(weak[0] ?? '', await read(best))
    assert.equal(passed(await silently(other)), false)
    assert.ok(passed(await silently(person)))
  })

  it("AC-75: a code of one person is not redeemed with another's record", async () => {
    const bob = await enrolled(bench)
    const carol = await enrolled(bench, 'carol')
    const first = await challenged(bob)
    const [one = ''] = await added(':AuthorizationCode:', () => bob.answer(first.page))
    const second = await challenged(carol)
    let page: Page | undefined
    const [two = ''] = await added(':AuthorizationCode:', async () => {
      page = await carol.answer(second.page)
    })
    await write(two, await read(one))
    await assert.rejects(second.redeem((page as Page).url), { error: 'invalid_grant' })
  })

  it('AC-75: a pace that is wiped after every answer still counts towards the end of all answers', async () => {
    const bob = await enrolled(bench)
    const { named } = listening(bench.host.mfa)
    let { page } = await challenged(bob)
    for (let count = 1; count <= 100; count += 1) {
      await bob.answer(page, wrongCode(bob.secret))
      await redis.command('DEL', ...(await keys(':throttle:')))
      // A challenge ends after five answers.
      if (count % 5 === 0) page = await bob.browser.get(page.url)
    }
    assert.deepEqual([named('challenge.refused').length, named('factor.disabled').length], [100, 1])
    const right = await bob.answer(page)
    assert.equal(advanced(right) || passed(right), false, told(right))
  })
})

describe('faults: somebody puts an old state of Redis back', () => {
  let redis: Redis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.stop())
  beforeEach(() => redis.command('FLUSHALL'))
  const bench = useRedisHost(
    () => ({ url: redis.url }),
    () => ({ policy: { default: 'always' } }),
  )

  /** Everything that stands there, to be put back later as it was, for good. */
  const copy = async () => {
    const names = (await redis.command('KEYS', '*')) as string[]
    const kinds = await Promise.all(names.map((name) => redis.command('TYPE', name)))
    const texts = names.filter((_name, index) => kinds[index] === 'string')
    const held = await Promise.all(texts.map(async (name) => [name, await redis.command('GET', name)] as const))
    return async () => {
      for (const [name, text] of held) await redis.command('SET', name, String(text))
    }
  }

  it('AC-75: a code that was used is refused as soon as its time is over, whatever was put back', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const code = codeAt(bob.secret)
    const back = await copy()
    assert.ok(passed(await bob.answer(page, code)))
    await back()
    bench.clock.advance(60)
    const late = await bob.answer(page, code)
    assert.equal(late.status, 422, told(late))
  })

  it('AC-75: a challenge put back alone does not bring its code back', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const code = codeAt(bob.secret)
    const { named } = listening(bench.host.mfa)
    const [challenge = ''] = (await redis.command('KEYS', 'oidc-step-up:challenge:{bob}:*')) as string[]
    const held = String(await redis.command('GET', challenge))
    await postOnly(bob.browser, page, { code })
    await redis.command('SET', challenge, held)
    await postOnly(bob.browser, page, { code })
    assert.equal(named('challenge.accepted').length, 1)
    assert.ok(passed(await bob.browser.get(`/auth/${uidOf(page)}`)))
    const other = await elsewhere(bench, bob)
    assert.equal((await other.answer((await challenged(other)).page, code)).status, 422)
  })

  it('AC-75: a session and its proofs end at their time, whatever was put back', async () => {
    const bob = await enrolled(bench)
    assert.ok(passed(await bob.answer((await challenged(bob)).page)))
    const back = await copy()
    bench.clock.advance(14 * DAY + 60)
    await back()
    const { page } = await bob.go({ ...TWO_KINDS, prompt: 'none' })
    assert.ok(isAnswer(page))
    assert.equal(page.url.searchParams.get('error'), 'login_required')
  })

  it('AC-75: an authorization code is worth nothing after its minute, whatever was put back', async () => {
    const bob = await enrolled(bench)
    const { page, redeem } = await challenged(bob)
    const answer = await bob.answer(page)
    const back = await copy()
    await redeem(answer.url)
    bench.clock.advance(120)
    await back()
    await assert.rejects(redeem(answer.url), { error: 'invalid_grant' })
  })

  it('AC-75: a browser is remembered no longer than its time, whatever was put back', async () => {
    const known = await remembered(bench)
    const back = await copy()
    bench.clock.advance(30 * DAY)
    await back()
    const fresh = await later(bench.host, known)
    assert.equal(await isLifted(fresh), false)
    assert.equal((await fresh.go()).page.heading, CHALLENGE)
  })
})
