import assert from 'node:assert/strict'
import { type RedisStore, redisStore } from '../../src/store/redis.ts'
import { challenged, elsewhere, enrolled, passed, postOnly, TWO_KINDS } from '../security/support.ts'
import { assertAllReject } from '../store/redis-subject.ts'
import { codeAt } from '../support/host.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { createJourney } from '../support/relying-party.ts'
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { assertAllLater, hops, inTime, reloaded, told, useRedisHost } from './support.ts'

interface Wire {
  readonly redis: Redis
  readonly proxy: TcpProxy
}

/** What can happen between a provider and its Redis, and how it ends. */
const OUTAGES: readonly {
  readonly id: string
  readonly title: string
  readonly begin: (wire: Wire) => Promise<unknown> | unknown
  readonly end: (wire: Wire) => Promise<unknown> | unknown
}[] = [
  {
    id: 'F-03',
    title: 'answers 2 s late',
    begin: ({ proxy }) => proxy.delay(2000),
    end: ({ proxy }) => proxy.delay(0),
  },
  {
    id: 'F-03',
    title: 'answers 10 s late',
    begin: ({ proxy }) => proxy.delay(10_000),
    end: ({ proxy }) => proxy.delay(0),
  },
  {
    id: 'F-03',
    title: 'is refused',
    begin: ({ proxy }) => proxy.refuse(true),
    end: ({ proxy }) => proxy.refuse(false),
  },
  {
    id: 'F-04',
    title: 'has no memory left',
    begin: ({ redis }) => redis.fill(),
    end: ({ redis }) => redis.fill(false),
  },
  {
    id: 'F-04',
    title: 'takes no writes',
    begin: ({ redis }) => redis.command('REPLICAOF', '127.0.0.1', '1'),
    end: ({ redis }) => redis.command('REPLICAOF', 'NO', 'ONE'),
  },
  {
    id: 'F-06',
    title: 'has fallen silent, and old connections stay so',
    begin: ({ proxy }) => proxy.blackHole(),
    end: ({ proxy }) => proxy.heal(),
  },
  {
    id: 'F-06',
    title: 'has fallen silent, and says all at once later',
    begin: ({ proxy }) => proxy.blackHole(),
    end: ({ proxy }) => proxy.heal({ revive: true }),
  },
  { id: 'F-06', title: 'stands still', begin: ({ redis }) => redis.pause(), end: ({ redis }) => redis.resume() },
]

const useWire = (): Wire => {
  const wire: { redis?: Redis; proxy?: TcpProxy } = {}
  beforeEach(async () => {
    wire.redis = await startRedis()
    wire.proxy = await startProxy(wire.redis.port)
  })
  afterEach(async () => {
    await wire.proxy?.close()
    await wire.redis?.stop()
  })
  return wire as Wire
}

describe('faults: the store where Redis', () => {
  const wire = useWire()
  let store: RedisStore
  beforeEach(() => {
    store = redisStore({ url: wire.proxy.url })
  })
  afterEach(() => store.close())
  const keyOf = (id: number) => ({ kind: 'ledger', accountId: `account-${id}`, id: 'one' })
  const count = 20
  const fill = async () => {
    for (let id = 0; id < count; id += 1)
      await store.put(keyOf(id), `value ${id}`, { expectedVersion: null, ttlSeconds: 600 })
  }
  /** No answer that came late is taken for another's. */
  const assertRightAnswers = async () => {
    const entries = await Promise.all(Array.from({ length: count }, (_none, id) => store.get(keyOf(id))))
    for (const [id, entry] of entries.entries()) assert.equal(entry?.value, `value ${id}`)
  }
  const served = () => until('service', async () => (await store.get(keyOf(0)))?.value === 'value 0', 3)

  it('F-03: answers 200 ms late works, only slower', async () => {
    await fill()
    wire.proxy.delay(200)
    await assertRightAnswers()
  })

  it('F-03: breaks every connection fails at most what was under way', async () => {
    await fill()
    for (let round = 0; round < 5; round += 1) {
      const asked = store.get(keyOf(1))
      wire.proxy.drop()
      const entry = await asked.catch(() => undefined)
      assert.ok(entry === undefined || entry.value === 'value 1')
      await served()
      await assertRightAnswers()
    }
  })

  for (const { id, title, begin, end } of OUTAGES.filter(({ id }) => id !== 'F-04'))
    it(`${id}: ${title} rejects within the deadline, and mixes no answers up after`, async () => {
      await fill()
      await begin(wire)
      const asked = Array.from({ length: count }, (_none, index) => store.get(keyOf(index)).catch(() => undefined))
      await Promise.all([assertAllReject(store, 1), ...asked])
      await end(wire)
      await served()
      await assertRightAnswers()
    })

  it('F-06: goes on with new connections while the old one stays silent for ever', async () => {
    await fill()
    wire.proxy.blackHole()
    wire.proxy.heal()
    await served()
    await assertRightAnswers()
  })
})

describe('faults: a sign-in where Redis', () => {
  const wire = useWire()
  const bench = useRedisHost(() => ({ url: wire.proxy.url }))

  it('F-03: answers 200 ms late passes, with every page in good time', async () => {
    const bob = await enrolled(bench)
    const alice = await createJourney(bench.host, 'alice')
    const { page } = await challenged(bob)
    wire.proxy.delay(200)
    const { url } = await alice.rp.request(TWO_KINDS)
    const [login, answer] = await Promise.all([
      hops('a new request', alice.browser, alice.browser.send(url, { follow: false })),
      hops('the answer', bob.browser, postOnly(bob.browser, page, { code: codeAt(bob.secret) })),
    ])
    assert.equal(login.heading, 'host login')
    assert.ok(passed(answer), told(answer))
  })

  it('F-03: breaks every connection between all pages passes, at the second try at most', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    wire.proxy.drop()
    const again = await reloaded(bob, page)
    wire.proxy.drop()
    const first = await inTime('the answer', bob.answer(again))
    const second = passed(first) ? first : await bob.answer(await reloaded(bob, page))
    assert.ok(passed(second), told(second))
  })

  for (const { id, title, begin, end } of OUTAGES)
    it(`${id}, AC-74: ${title} passes nobody, answers "later" in good time, and goes on after`, async () => {
      const bob = await enrolled(bench)
      const carol = await enrolled(bench, 'carol')
      assert.ok(passed(await carol.answer((await challenged(carol)).page)))
      const newcomer = await createJourney(bench.host, 'alice')
      const thief = await elsewhere(bench, bob)
      const { page } = await challenged(bob)
      const other = await challenged(thief)
      const reads = id !== 'F-04'
      await begin(wire)
      await assertAllLater({
        'the right answer': () => bob.answer(page),
        ...(reads ? { 'another look': () => thief.browser.get(other.page.url) } : {}),
        'a new request': async () => (await newcomer.go(TWO_KINDS)).page,
        ...(reads ? { 'a silent request': async () => (await carol.go({ ...TWO_KINDS, prompt: 'none' })).page } : {}),
      })
      await end(wire)
      const again = await reloaded(bob, page)
      const answer = await bob.answer(again)
      assert.ok(passed(answer), told(answer))
      assert.ok(passed((await carol.go(TWO_KINDS)).page))
      assert.equal((await newcomer.go(TWO_KINDS)).page.status, 200)
    })
})
