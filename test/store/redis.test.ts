import assert from 'node:assert/strict'
import { StepUpError } from '../../src/errors.ts'
import { type RedisStore, redisConnection, redisStore } from '../../src/store/redis.ts'
import { accountsSuite, storeSuite } from '../../src/testing/index.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { anyPort } from '../support/redis-process.ts'
import { stopwatch, until } from '../support/until.ts'
import { age, assertAllReject, assertCloses, inTurn, keysOn, operations } from './redis-subject.ts'

const DEADLINE = 0.3
const key = { kind: 'ledger', accountId: 'alice', id: 'session' }
const LONG = { expectedVersion: null, ttlSeconds: 600 }

describe('store/redis, two processes at one server', () => {
  let redis: Redis
  let store: RedisStore
  before(async () => {
    redis = await startRedis()
    store = inTurn(redisStore({ url: redis.url }), redisStore({ url: redis.url }))
  })
  after(async () => {
    await store.close()
    await redis.stop()
  })
  const subject = () => ({ store, advance: (seconds: number) => age([redis], seconds) })

  storeSuite('store contract', subject)
  accountsSuite('accounts contract', subject)

  it('gives every key an end, but account records, claims and the list of sealing keys', async () => {
    for (const operate of Object.values(operations)) await operate(store)
    const keys = await keysOn([redis])
    const endless = await Promise.all(
      keys.map(async (name) => ((await redis.command('TTL', name)) === -1 ? [name] : [])),
    )
    assert.ok(keys.length > endless.flat().length, 'there are records with an end')
    for (const name of endless.flat()) assert.match(name, /^oidc-step-up:(account:|claim:|sealing-keys$)/)
  })

  it('drops a record and its place in the list when its time is over, by itself', async () => {
    const own = { ...key, accountId: 'short' }
    await store.put(own, 'value', { expectedVersion: null, ttlSeconds: 1 })
    const elapsed = stopwatch()
    await until('the record has ended', async () => (await store.get(own)) === undefined, 3)
    assert.ok(elapsed() > 900, `it was gone after ${elapsed()} ms`)
    await until('its index has ended', async () => !(await keysOn([redis])).some((name) => name.includes('{short}')), 3)
  })

  it('goes on where the server has forgotten all scripts', async () => {
    await redis.command('SCRIPT', 'FLUSH')
    assert.equal(await store.put({ ...key, id: 'flushed' }, 'value', LONG), true)
    assert.equal(await store.claim('flushed', 'alice'), true)
  })

  it('gives no version twice after all was forgotten', async () => {
    const own = { ...key, id: 'lost' }
    await store.put(own, 'before', LONG)
    const { version: expectedVersion } = (await store.get(own)) ?? { version: 0 }
    await redis.command('FLUSHALL')
    assert.equal(await store.put(own, 'stale', { ...LONG, expectedVersion }), false)
    assert.equal(await store.put(own, 'anew', LONG), true)
    assert.equal(await store.put(own, 'stale', { ...LONG, expectedVersion }), false)
  })

  it('keeps prefixes apart, whatever they are', async () => {
    const prefixes = ['a', 'a:b', 'a*', '{a}', '[a-z]', 'é', ' ', '\\a', '?']
    const stores = prefixes.map((prefix) => redisStore({ url: redis.url, prefix }))
    try {
      for (const [index, one] of stores.entries()) {
        assert.equal(await one.put(key, `${index}`, LONG), true, prefixes[index])
        assert.equal(await one.save('alice', `v1.ABCDEF0${index}.x`, null), true)
        assert.equal(await one.claim('credential', `owner ${index}`), true)
      }
      for (const [index, one] of stores.entries()) {
        assert.equal((await one.get(key))?.value, `${index}`)
        assert.deepEqual([...(await one.list('alice', 'ledger'))], ['session'])
        assert.equal(await one.owner('credential'), `owner ${index}`)
        assert.deepEqual([...((await one.countByOtherKeys?.([])) ?? [])], [[`ABCDEF0${index}`, 1]])
      }
    } finally {
      await Promise.all(stores.map((one) => one.close()))
    }
  })

  it('counts the records of sealing keys that are not known', async () => {
    const own = redisStore({ url: redis.url, prefix: 'ring' })
    for (let index = 0; index < 25; index += 1)
      await own.save(`${index}`, `v1.${index < 20 ? 'old' : 'new'}-key0.x`, null)
    assert.deepEqual([...((await own.countByOtherKeys?.(['new-key0'])) ?? [])], [['old-key0', 20]])
    assert.deepEqual([...((await own.countByOtherKeys?.(['old-key0', 'new-key0'])) ?? [])], [])
    await own.close()
  })

  it('shares a connection and leaves it open', async () => {
    const connection = redisConnection({ url: redis.url })
    const [one, other] = [redisStore({ connection }), redisStore({ connection, prefix: 'other' })]
    await one.put({ ...key, id: 'shared' }, 'value', LONG)
    await one.close()
    assert.equal(await other.get({ ...key, id: 'shared' }), undefined)
    await connection.close()
    await assertAllReject(other, 1)
  })

  it('answers nothing once it is closed, which can be done twice and before the first use', async () => {
    const used = redisStore({ url: redis.url })
    await used.get(key)
    for (const one of [used, redisStore({ url: redis.url })]) {
      await one.close()
      await one.close()
      await assertAllReject(one, 1)
    }
  })

  it('takes a database by its number', async () => {
    const third = redisStore({ url: `${redis.url}/3` })
    await third.put({ ...key, id: 'third' }, 'value', LONG)
    await third.close()
    assert.equal(await store.get({ ...key, id: 'third' }), undefined)
  })
})

describe('store/redis, out of reach', () => {
  it('rejects within its deadline where nothing listens, and serves within 2 s of the start', async () => {
    const redis = await startRedis()
    await redis.kill()
    const store = redisStore({ url: redis.url })
    try {
      await assertAllReject(store, 1)
      await assertAllReject(store, 1)
      await redis.restart()
      await until('service', () => store.put(key, 'value', LONG), 2)
    } finally {
      await store.close()
      await redis.stop()
    }
  })

  it('rejects within one second by default where the server stands still, and serves within 2 s of its return', async () => {
    const redis = await startRedis()
    const store = redisStore({ url: redis.url })
    try {
      await store.get(key)
      redis.pause()
      await assertAllReject(store, 1)
      await assertAllReject(store, 1)
      redis.resume()
      await until('service', async () => (await store.claim('after', 'alice')) === true, 2)
    } finally {
      await store.close()
      await redis.stop()
    }
  })

  it('F-06: closes where the server stands still', async () => {
    const redis = await startRedis()
    try {
      await assertCloses(() => redisStore({ url: redis.url }), redis)
    } finally {
      await redis.stop()
    }
  })

  it('rejects a wrong password, and no password, and says neither of them', async () => {
    const redis = await startRedis({ password: 'hunter2' })
    const wrong = redis.url.replace('hunter2', 'hunter3')
    try {
      for (const url of [wrong, wrong.replace(':hunter3@', '')]) {
        const store = redisStore({ url, deadlineSeconds: DEADLINE })
        await assertAllReject(store, DEADLINE)
        await assert.rejects(store.get(key), (error: Error) => !/hunter/.test(`${error.stack} ${String(error.cause)}`))
        await store.close()
      }
      const right = redisStore({ url: redis.url })
      assert.equal(await right.put(key, 'value', LONG), true)
      await right.close()
    } finally {
      await redis.stop()
    }
  })
})

/** A setting, what the message names, and what it must not tell. */
const REFUSED: readonly (readonly [title: string, options: unknown, message: RegExp])[] = [
  ['nothing', undefined, /url/],
  ['no setting', {}, /url/],
  ['an address that is not set', { url: undefined }, /url.*nothing.*redis:\/\//],
  ['an address that is none', { url: 'localhost' }, /url.*redis:\/\//],
  ['an address of a web page', { url: 'https://localhost' }, /url.*redis:\/\//],
  ['a number', { url: 6379 }, /url/],
  ['server and cluster at once', { url: 'redis://localhost', cluster: ['redis://localhost'] }, /one of/],
  ['server and sentinel at once', { url: 'redis://localhost', sentinel: { name: 'a', urls: ['redis://b'] } }, /one of/],
  ['server and connection at once', { url: 'redis://localhost', connection: {} }, /./],
  ['a cluster of none', { cluster: [] }, /cluster/],
  ['a cluster with a wrong address', { cluster: ['redis://localhost', 'x'] }, /cluster\[1\]/],
  ['a cluster that is a text', { cluster: 'redis://localhost' }, /cluster/],
  ['sentinels without a name', { sentinel: { urls: ['redis://localhost'] } }, /sentinel\.name/],
  ['sentinels without addresses', { sentinel: { name: 'main', urls: [] } }, /sentinel\.urls/],
  ['an unknown setting', { url: 'redis://localhost', timeout: 1 }, /timeout/],
  ['a connection that is none', { connection: 'redis://localhost' }, /connection/],
  ['a connection that is not set', { connection: undefined }, /connection|url/],
  ['an empty prefix', { url: 'redis://localhost', prefix: '' }, /prefix/],
  ['a prefix that is no text', { url: 'redis://localhost', prefix: 7 }, /prefix/],
  ['no deadline', { url: 'redis://localhost', deadlineSeconds: 0 }, /deadlineSeconds/],
  ['an endless deadline', { url: 'redis://localhost', deadlineSeconds: Number.POSITIVE_INFINITY }, /deadlineSeconds/],
  ['a deadline that is a text', { url: 'redis://localhost', deadlineSeconds: '1' }, /deadlineSeconds/],
  ['a password in a wrong address', { url: 'http://:hunter2@localhost' }, /url/],
]

describe('store/redis, settings', () => {
  for (const [title, options, message] of REFUSED)
    it(`refuses ${title}`, () => {
      assert.throws(
        () => redisStore(options as never),
        (error) => {
          assert.ok(error instanceof StepUpError, String(error))
          assert.equal(error.code, 'ERR_CONFIG')
          assert.match(error.message, message)
          assert.doesNotMatch(error.message, /hunter2/)
          return true
        },
      )
    })

  it('connects to nobody before it is used', async () => {
    const store = redisStore({ url: `redis://127.0.0.1:${anyPort()}` })
    assert.ok(Object.isFrozen(store))
    await store.close()
  })
})
