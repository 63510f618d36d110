import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { memoryStore } from '../../src/store/memory.ts'
import { accountsSuite, storeSuite } from '../../src/testing/index.ts'

const movable = () => {
  let now = 1_000_000
  return {
    clock: () => now,
    advance: (seconds: number) => {
      now += seconds
    },
  }
}

const heapUsed = (): number => {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

storeSuite('store/memory: store contract', () => {
  const { clock, advance } = movable()
  return { store: memoryStore({ clock }), advance }
})

accountsSuite('store/memory: accounts contract', () => ({ store: memoryStore() }))

describe('store/memory', () => {
  const key = { kind: 'ledger', accountId: 'alice', id: 'session' }

  it('drops a record after its time to live, and not within the second it ends in', async () => {
    const { clock, advance } = movable()
    const store = memoryStore({ clock })
    await store.put(key, 'value', { expectedVersion: null, ttlSeconds: 10 })
    advance(10)
    assert.equal((await store.get(key))?.value, 'value')
    advance(1)
    assert.deepEqual([...(await store.list('alice', 'ledger'))], [])
    assert.equal(await store.get(key), undefined)
    assert.equal(await store.take(key), undefined)
  })

  it('lets a new record begin where an old one has ended', async () => {
    const { clock, advance } = movable()
    const store = memoryStore({ clock })
    await store.put(key, 'old', { expectedVersion: null, ttlSeconds: 1 })
    const old = await store.get(key)
    advance(2)
    assert.equal(await store.put(key, 'stale', { expectedVersion: old?.version ?? 0, ttlSeconds: 1 }), false)
    assert.equal(await store.put(key, 'new', { expectedVersion: null, ttlSeconds: 1 }), true)
    assert.equal((await store.get(key))?.value, 'new')
  })

  it('gives no version twice, not even in two stores', async () => {
    const versions = await Promise.all(
      [memoryStore(), memoryStore()].map(async (store) => {
        await store.put(key, 'value', { expectedVersion: null, ttlSeconds: 1 })
        await store.save('alice', 'record', null)
        return [(await store.get(key))?.version, (await store.load('alice'))?.version]
      }),
    )
    assert.equal(new Set(versions.flat()).size, 4)
  })

  it('hands out copies', async () => {
    const store = memoryStore()
    const mutable = { ...key }
    await store.put(mutable, 'value', { expectedVersion: null, ttlSeconds: 60 })
    await store.save('alice', 'record', null)
    mutable.id = 'changed later'
    Object.assign((await store.get(key)) ?? {}, { value: 'altered' })
    Object.assign((await store.load('alice')) ?? {}, { record: 'altered' })
    assert.equal((await store.get(key))?.value, 'value')
    assert.equal((await store.load('alice'))?.record, 'record')
    assert.deepEqual([...(await store.list('alice', 'ledger'))], ['session'])
  })

  it('is frozen', () => {
    assert.ok(Object.isFrozen(memoryStore()))
  })

  it('forgets ended records that nobody asks for again', async () => {
    const { clock, advance } = movable()
    const store = memoryStore({ clock })
    const before = heapUsed()
    for (let round = 0; round < 1000; round += 1) {
      const value = randomBytes(32_768).toString('hex')
      await store.put({ ...key, accountId: `${round}` }, value, { expectedVersion: null, ttlSeconds: 1 })
      advance(1)
    }
    const grown = heapUsed() - before
    assert.ok(grown < 16 * 1024 * 1024, `62 MiB were written, ${grown} bytes are held`)
    assert.equal(await store.get({ ...key, accountId: '0' }), undefined)
  })

  it('AC-77: gives each of 1000 accounts at once its own records only', async () => {
    const store = memoryStore()
    const visit = async (accountId: string): Promise<void> => {
      const own = { ...key, accountId }
      await store.put(own, `ledger of ${accountId}`, { expectedVersion: null, ttlSeconds: 60 })
      await store.save(accountId, `record of ${accountId}`, null)
      await store.claim(`key of ${accountId}`, accountId)
      const [entry, ids, record, owner] = await Promise.all([
        store.get(own),
        store.list(accountId, 'ledger'),
        store.load(accountId),
        store.owner(`key of ${accountId}`),
      ])
      assert.equal(entry?.value, `ledger of ${accountId}`)
      assert.deepEqual([...ids], ['session'])
      assert.equal(record?.record, `record of ${accountId}`)
      assert.equal(owner, accountId)
    }
    await Promise.all(Array.from({ length: 1000 }, (_, index) => visit(`account-${index}`)))
  })
})
