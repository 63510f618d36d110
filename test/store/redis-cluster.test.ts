import assert from 'node:assert/strict'
import { type RedisStore, redisStore } from '../../src/store/redis.ts'
import { accountsSuite, storeSuite } from '../../src/testing/index.ts'
import { type RedisCluster, startCluster } from '../support/redis-cluster.ts'
import { until } from '../support/until.ts'
import { age, assertAllReject, assertCloses, inTurn, keysOn, operations } from './redis-subject.ts'

const LONG = { expectedVersion: null, ttlSeconds: 600 }

describe('store/redis, two processes at one Cluster', function () {
  this.timeout(60_000)
  let cluster: RedisCluster
  let store: RedisStore
  before(async () => {
    cluster = await startCluster()
    const [first = '', ...others] = cluster.urls
    store = inTurn(redisStore({ cluster: [first] }), redisStore({ cluster: others }))
  })
  after(async () => {
    await store.close()
    await cluster.stop()
  })
  const subject = () => ({ store, advance: async (seconds: number) => age(await cluster.masters(), seconds) })

  storeSuite('store contract', subject)
  accountsSuite('accounts contract', subject)

  it('spreads accounts over all nodes, and each account with its lists on one', async () => {
    const accounts = Array.from({ length: 60 }, (_none, index) => `spread ${index}`)
    await Promise.all(accounts.map((accountId) => store.put({ kind: 'ledger', accountId, id: 'one' }, 'value', LONG)))
    const masters = await cluster.masters()
    const held = await Promise.all(masters.map((node) => keysOn([node])))
    const tagsOf = (keys: readonly string[]) => new Set(keys.flatMap((name) => /\{.*\}/.exec(name) ?? []))
    const tags = held.map(tagsOf)
    for (const one of tags) assert.ok(one.size > 5, 'every node has its share')
    assert.equal(new Set(tags.flatMap((one) => [...one])).size, tags.flatMap((one) => [...one]).length)
  })

  it('gives every key an end, but account records, claims and the list of sealing keys', async () => {
    for (const operate of Object.values(operations)) await operate(store)
    for (const node of await cluster.masters())
      for (const name of await keysOn([node]))
        if ((await node.command('TTL', name)) === -1)
          assert.match(name, /^oidc-step-up:(account:|claim:|sealing-keys$)/)
  })

  it('counts the records of unknown sealing keys on all nodes', async () => {
    const own = redisStore({ cluster: cluster.urls, prefix: 'ring' })
    for (let index = 0; index < 25; index += 1)
      await own.save(`${index}`, `v1.${index < 20 ? 'old' : 'new'}-key0.x`, null)
    assert.deepEqual([...((await own.countByOtherKeys?.(['new-key0'])) ?? [])], [['old-key0', 20]])
    await own.close()
  })

  it('follows slots that have moved to another node', async () => {
    const key = { kind: 'ledger', accountId: 'moving', id: 'one' }
    await store.put(key, 'value', LONG)
    await cluster.failover('{moving}')
    assert.equal((await until('the record is found', () => store.get(key), 5)).value, 'value')
    await until('records are written', () => store.put({ ...key, id: 'two' }, 'value', LONG), 5)
  })

  it('rejects within its deadline where no node listens', async () => {
    const away = redisStore({ cluster: ['redis://127.0.0.1:1', 'redis://127.0.0.1:2'], deadlineSeconds: 0.3 })
    await assertAllReject(away, 0.3)
    await assertAllReject(away, 0.3)
    await away.close()
  })

  it('answers nothing once it is closed', async () => {
    const used = redisStore({ cluster: cluster.urls })
    await used.list('alice', 'ledger')
    for (const one of [used, redisStore({ cluster: cluster.urls })]) {
      await one.close()
      await one.close()
      await assertAllReject(one, 1)
    }
  })

  it('F-06: closes where a master stands still', async () => {
    await assertCloses(() => redisStore({ cluster: cluster.urls }), await cluster.masterOf('{alice}'))
  })
})
