import assert from 'node:assert/strict'
import { type RedisStore, redisStore } from '../../src/store/redis.ts'
import { accountsSuite, storeSuite } from '../../src/testing/index.ts'
import { type RedisSentinel, startSentinel } from '../support/redis-sentinel.ts'
import { until } from '../support/until.ts'
import { age, assertAllReject, assertCloses, inTurn } from './redis-subject.ts'

describe('store/redis, two processes at one set of sentinels', function () {
  this.timeout(60_000)
  let sentinel: RedisSentinel
  let store: RedisStore
  before(async () => {
    sentinel = await startSentinel()
    const { name, urls } = sentinel
    store = inTurn(
      redisStore({ sentinel: { name, urls } }),
      redisStore({ sentinel: { name, urls: [...urls].reverse() } }),
    )
    // Servers that have only just found one another may take longer than a store waits for an answer.
    for (const which of ['one', 'other'])
      await until(`the ${which} store answers`, async () => Array.isArray(await store.list('nobody', 'ledger')))
  })
  after(async () => {
    await store.close()
    await sentinel.stop()
  })
  const subject = () => ({ store, advance: async (seconds: number) => age([await sentinel.master()], seconds) })

  storeSuite('store contract', subject)
  accountsSuite('accounts contract', subject)

  it('writes to the master, and the replica follows', async () => {
    await store.save('followed', 'record', null)
    const master = await sentinel.master()
    assert.equal(await master.command('EXISTS', 'oidc-step-up:account:{followed}'), 1)
  })

  it('rejects within its deadline where no sentinel listens, or none knows the name', async () => {
    for (const one of [
      { name: sentinel.name, urls: ['redis://127.0.0.1:1'] },
      { name: 'nobody', urls: sentinel.urls },
    ]) {
      const away = redisStore({ sentinel: one, deadlineSeconds: 0.3 })
      await assertAllReject(away, 0.3)
      await assertAllReject(away, 0.3)
      await away.close()
    }
  })

  it('answers nothing once it is closed', async () => {
    const { name, urls } = sentinel
    const used = redisStore({ sentinel: { name, urls } })
    await used.list('alice', 'ledger')
    for (const one of [used, redisStore({ sentinel: { name, urls } })]) {
      await one.close()
      await one.close()
      await assertAllReject(one, 1)
    }
  })

  it('F-06: closes where the master stands still', async () => {
    const { name, urls } = sentinel
    await assertCloses(() => redisStore({ sentinel: { name, urls } }), await sentinel.master())
  })
})
