import assert from 'node:assert/strict'
import type { Adapter } from 'oidc-provider'
import { redisConnection } from '../../src/store/redis.ts'
import { redisAdapter } from '../../src/store/redis-adapter.ts'
import { type Redis, startRedis } from '../support/redis.ts'
import { type RedisCluster, startCluster } from '../support/redis-cluster.ts'
import { stopwatch, until } from '../support/until.ts'
import { consumeTests, lifeTests } from './adapter-lives.ts'
import { lookupTests } from './adapter-lookups.ts'
import { memoryTests } from './adapter-memory.ts'
import { rowTests } from './adapter-rows.ts'
import { type AdapterSubject, createPlace, newKey, type Place, rowOf } from './adapter-subject.ts'
import { tamperingTests } from './adapter-tampering.ts'

/** What every Redis must do alike. */
const adapterTests = (subject: () => AdapterSubject) => {
  let place: Place
  beforeEach(() => {
    place = createPlace(subject())
  })
  const here = () => place
  describe('rows', () => rowTests(here))
  describe('lookups', () => lookupTests(here, subject))
  describe('lives', () => lifeTests(here, subject))
  describe('redeeming', () => consumeTests(here))
  describe('tampering', () => tamperingTests(here))
}

describe('store/redis-adapter, at one server', () => {
  let redis: Redis
  let subject: AdapterSubject
  before(async () => {
    redis = await startRedis()
    const connect = () => redisConnection({ url: redis.url, deadlineSeconds: 5 })
    subject = { connections: [connect(), connect()], masters: async () => [redis] }
  })
  after(async () => {
    for (const connection of subject.connections) await connection.close()
    await redis.stop()
  })
  adapterTests(() => subject)
  describe('the memory of a request', () => {
    let place: Place
    beforeEach(() => {
      place = createPlace(subject)
    })
    memoryTests(
      () => place,
      () => subject,
    )
  })
})

describe('store/redis-adapter, at a Cluster', function () {
  this.timeout(60_000)
  let cluster: RedisCluster
  let subject: AdapterSubject
  before(async () => {
    cluster = await startCluster()
    const connect = () => redisConnection({ cluster: cluster.urls, deadlineSeconds: 5 })
    subject = { connections: [connect(), connect()], masters: cluster.masters }
  })
  after(async () => {
    for (const connection of subject.connections) await connection.close()
    await cluster.stop()
  })
  adapterTests(() => subject)
})

const DEADLINE = 0.3
/** What a busy machine may take on top of a deadline, in milliseconds. */
const SLACK = 700

/** Every method of these models that needs Redis. */
const operations: Readonly<Record<string, (model: (name: string) => Adapter) => Promise<unknown>>> = {
  'upsert of a session': (model) => model('Session').upsert('one', rowOf('Session', 'one'), 60),
  'upsert of a token': (model) => model('RefreshToken').upsert('one', rowOf('RefreshToken', 'one'), 60),
  'upsert of a device code': (model) => model('DeviceCode').upsert('one', rowOf('DeviceCode', 'one'), 60),
  find: (model) => model('AccessToken').find('one'),
  findByUid: (model) => model('Session').findByUid('uid of one'),
  findByUserCode: (model) => model('DeviceCode').findByUserCode('code of one'),
  consume: (model) => model('RefreshToken').consume('one'),
  'destroy of a session': (model) => model('Session').destroy('one'),
  destroy: (model) => model('Grant').destroy('one'),
  revokeByGrantId: (model) => model('RefreshToken').revokeByGrantId('grant of one'),
}

const assertAllReject = async (model: (name: string) => Adapter) => {
  await Promise.all(
    Object.entries(operations).map(async ([name, operate]) => {
      const elapsed = stopwatch()
      // Never `invalid_grant`, which would tell a client to throw its token away.
      await assert.rejects(operate(model), { name: 'StepUpError', code: 'ERR_STORE' }, name)
      assert.ok(elapsed() < DEADLINE * 1000 + SLACK, `${name} took ${elapsed()} ms`)
    }),
  )
}

describe('store/redis-adapter, at a server that comes and goes', () => {
  let redis: Redis
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.stop())

  it('rejects everything within its deadline, and serves again by itself', async () => {
    const adapter = redisAdapter({ url: redis.url, deadlineSeconds: DEADLINE, sealingKeys: [newKey()] })
    const write = () => adapter('Session').upsert('one', rowOf('Session', 'one'), 60)
    await write()
    redis.pause()
    await assertAllReject(adapter)
    await assertAllReject(adapter)
    redis.resume()
    await until(
      'it serves after a pause',
      async () => (await write()) === undefined && (await adapter('Session').find('one')),
    )
    await redis.kill()
    await assertAllReject(adapter)
    await assertAllReject(adapter)
    await redis.restart()
    await until(
      'it serves after a restart',
      async () => (await write()) === undefined && (await adapter('Session').find('one')),
    )
    await adapter.close()
    await assertAllReject(adapter)
  })

  it('ends the connection that it has made, and none that it was given', async () => {
    const connection = redisConnection({ url: redis.url })
    const [lent, own] = [
      redisAdapter({ connection, sealingKeys: [newKey()] }),
      redisAdapter({ url: redis.url, deadlineSeconds: DEADLINE, sealingKeys: [newKey()] }),
    ]
    for (const [id, adapter] of Object.entries({ lent, own })) {
      await adapter('Grant').upsert(id, {}, 60)
      await adapter.close()
      await adapter.close()
    }
    assert.deepEqual(await lent('Grant').find('lent'), {})
    await assertAllReject(own)
    await connection.close()
  })

  it('refuses settings that are wrong, and never shows one that may be a secret', () => {
    const sealingKeys = [newKey()]
    for (const [options, message] of [
      [{ url: 'redis://x', sealingKeys: [] }, /sealingKeys\[0\] is missing/],
      [{ url: 'redis://x', sealingKeys: [undefined] }, /sealingKeys\[0\] must be 32 random bytes/],
      [{ sealingKeys }, /^redisAdapter\(options\): /],
      [{ url: 'http://:hunter2@x', sealingKeys }, /^redisAdapter\(options\): url/],
      [{ url: 'redis://x', prefix: '', sealingKeys }, /^redisAdapter\(options\): prefix/],
      [{ url: 'redis://x', deadlineSeconds: 0, sealingKeys }, /^redisAdapter\(options\): deadlineSeconds/],
      [{ url: 'redis://x', urls: [], sealingKeys }, /^redisAdapter\(options\): /],
    ] as const)
      assert.throws(
        () => redisAdapter(options as never),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'ERR_CONFIG')
          assert.match(error.message, message)
          assert.doesNotMatch(error.message, /hunter2/)
          return true
        },
      )
  })
})
