import assert from 'node:assert/strict'
import type { Store, StoreEntry, StoreKey } from '../store/store.ts'
import { type CreateSubject, freshName, ODD_NAMES, openSuite, race, type Test } from './runner.ts'

const RIVALS = 50
const LONG = { ttlSeconds: 600 }

const freshKey = (): StoreKey => ({ kind: 'suite', accountId: freshName(), id: freshName() })

const create = async (store: Store, key: StoreKey, value: string, ttlSeconds = LONG.ttlSeconds): Promise<void> =>
  assert.equal(await store.put(key, value, { expectedVersion: null, ttlSeconds }), true, JSON.stringify(key))

const read = async (store: Store, key: StoreKey): Promise<StoreEntry> => {
  const entry = await store.get(key)
  assert.ok(entry, `a written record must be there: ${JSON.stringify(key)}`)
  return entry
}

const conditions = (test: Test<Store>): void => {
  test('knows nothing of a key never written', async ({ store }) => {
    const key = freshKey()
    assert.equal(await store.get(key), undefined)
    assert.equal(await store.take(key), undefined)
    assert.deepEqual([...(await store.list(key.accountId, key.kind))], [])
    await store.delete(key)
  })
  test('gives back what was put, 64 KiB and any Unicode', async ({ store }) => {
    for (const value of ['', ' ', '{"a":[1]}', '\u0000\n\r\t', '用户😀é\u0301', 'x'.repeat(65_536)]) {
      const key = freshKey()
      await create(store, key, value)
      assert.equal((await read(store, key)).value, value)
    }
  })
  test('puts with null only where no record is', async ({ store }) => {
    const key = freshKey()
    await create(store, key, 'first')
    assert.equal(await store.put(key, 'second', { ...LONG, expectedVersion: null }), false)
    assert.equal((await read(store, key)).value, 'first')
  })
  test('puts with a version only over that version', async ({ store }) => {
    const key = freshKey()
    assert.equal(await store.put(key, 'none yet', { ...LONG, expectedVersion: 1 }), false)
    assert.equal(await store.get(key), undefined)
    await create(store, key, 'first')
    const { version } = await read(store, key)
    assert.equal(await store.put(key, 'other', { ...LONG, expectedVersion: version + 1 }), false)
    assert.equal(await store.put(key, 'second', { ...LONG, expectedVersion: version }), true)
    assert.equal(await store.put(key, 'stale', { ...LONG, expectedVersion: version }), false)
    assert.equal((await read(store, key)).value, 'second')
  })
  test('keeps value and version while nothing is written', async ({ store }) => {
    const key = freshKey()
    await create(store, key, 'value')
    const { version } = await read(store, key)
    await store.put(key, 'refused', { ...LONG, expectedVersion: null })
    assert.deepEqual({ ...(await read(store, key)) }, { value: 'value', version })
  })
  test('reads and deletes with take', async ({ store }) => {
    const key = freshKey()
    await create(store, key, 'value')
    const { version } = await read(store, key)
    assert.deepEqual({ ...(await store.take(key)) }, { value: 'value', version })
    assert.equal(await store.get(key), undefined)
    assert.equal(await store.take(key), undefined)
  })
  test('deletes, once or many times', async ({ store }) => {
    const key = freshKey()
    await create(store, key, 'value')
    await store.delete(key)
    await store.delete(key)
    assert.equal(await store.get(key), undefined)
    await create(store, key, 'again')
  })
}

const versions = (test: Test<Store>): void => {
  test('never gives a key the same version twice, neither after take nor after delete', async ({ store }) => {
    const key = freshKey()
    const seen: number[] = []
    for (let round = 0; round < 10; round += 1) {
      await create(store, key, 'same')
      const { version } = await read(store, key)
      await store.put(key, 'same', { ...LONG, expectedVersion: version })
      seen.push(version, (await read(store, key)).version)
      await (round % 2 ? store.take(key) : store.delete(key))
    }
    assert.equal(new Set(seen).size, seen.length)
  })
  test('refuses a version from before a deletion', async ({ store }) => {
    const key = freshKey()
    await create(store, key, 'old life')
    const { version } = await read(store, key)
    await store.delete(key)
    assert.equal(await store.put(key, 'stale', { ...LONG, expectedVersion: version }), false)
    await create(store, key, 'new life')
    assert.equal(await store.put(key, 'stale', { ...LONG, expectedVersion: version }), false)
    assert.equal((await read(store, key)).value, 'new life')
  })
}

const rivals = (test: Test<Store>): void => {
  test(`lets one of ${RIVALS} first puts win`, async ({ store }) => {
    const key = freshKey()
    const won = await race(RIVALS, (index) => store.put(key, `${index}`, { ...LONG, expectedVersion: null }))
    assert.equal(won.filter(Boolean).length, 1)
    assert.equal((await read(store, key)).value, `${won.indexOf(true)}`)
  })
  test(`lets one of ${RIVALS} puts over the same version win`, async ({ store }) => {
    const key = freshKey()
    await create(store, key, 'first')
    const { version: expectedVersion } = await read(store, key)
    const won = await race(RIVALS, (index) => store.put(key, `${index}`, { ...LONG, expectedVersion }))
    assert.equal(won.filter(Boolean).length, 1)
    assert.equal((await read(store, key)).value, `${won.indexOf(true)}`)
  })
  test(`gives the record to one of ${RIVALS} takers`, async ({ store }) => {
    const key = freshKey()
    await create(store, key, 'value')
    const taken = (await race(RIVALS, () => store.take(key))).filter(Boolean)
    assert.deepEqual(
      taken.map((entry) => entry?.value),
      ['value'],
    )
  })
  test('loses no write where every writer tries again', async ({ store }) => {
    const key = freshKey()
    await create(store, key, '0')
    const add = async (): Promise<void> => {
      const { value, version } = await read(store, key)
      if (!(await store.put(key, `${Number(value) + 1}`, { ...LONG, expectedVersion: version }))) await add()
    }
    await race(10, add)
    assert.equal((await read(store, key)).value, '10')
  })
}

const lifetimes = (test: Test<Store>): void => {
  test('keeps a record for its time to live', async ({ store, advance }) => {
    const key = freshKey()
    await create(store, key, 'value', 3)
    await advance(2)
    assert.equal((await read(store, key)).value, 'value')
  })
  test('gives a record a new life at every put', async ({ store, advance }) => {
    const key = freshKey()
    await create(store, key, 'first', 1)
    const { version } = await read(store, key)
    await store.put(key, 'second', { expectedVersion: version, ttlSeconds: 60 })
    await advance(3)
    assert.equal((await read(store, key)).value, 'second')
    assert.deepEqual([...(await store.list(key.accountId, key.kind))], [key.id])
  })
  test('treats an ended record as whole or as gone, and never revives its version', async ({ store, advance }) => {
    const key = freshKey()
    await create(store, key, 'ended', 1)
    const { version } = await read(store, key)
    await advance(3)
    const left = await store.get(key)
    assert.ok(left === undefined || (left.value === 'ended' && left.version === version))
    if (left) await store.delete(key)
    else assert.equal(await store.put(key, 'stale', { ...LONG, expectedVersion: version }), false)
    await create(store, key, 'new life')
    assert.notEqual((await read(store, key)).version, version)
  })
  test('lists a record as long as it lives, whatever ends beside it', async ({ store, advance }) => {
    const long = freshKey()
    const [before, after] = [freshName(), freshName()].map((id) => ({ ...long, id })) as [StoreKey, StoreKey]
    await create(store, before, 'ends', 1)
    await create(store, long, 'stays', 60)
    await create(store, after, 'ends', 1)
    await advance(3)
    assert.ok((await store.list(long.accountId, long.kind)).includes(long.id))
    assert.equal((await read(store, long)).value, 'stays')
  })
  test('rejects a time to live that is not a whole number of at least 1', async ({ store }) => {
    const key = freshKey()
    for (const ttlSeconds of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await assert.rejects(async () => store.put(key, 'value', { expectedVersion: null, ttlSeconds }), `${ttlSeconds}`)
    }
    assert.equal(await store.get(key), undefined)
  })
}

const isolation = (test: Test<Store>): void => {
  test("lists each of an account's records of one kind, and no others", async ({ store }) => {
    const { accountId, id } = freshKey()
    const other = freshName()
    const ids = ODD_NAMES.map((name) => `${name}${id}`)
    await race(ids.length, (index) => create(store, { kind: 'suite', accountId, id: ids[index] as string }, 'mine'))
    await create(store, { kind: 'suite-other', accountId, id: 'of another kind' }, 'mine')
    await create(store, { kind: 'suite', accountId: other, id: 'of another account' }, 'not mine')
    assert.deepEqual([...(await store.list(accountId, 'suite'))].sort(), [...ids].sort())
    assert.deepEqual([...(await store.list(accountId, 'suite-other'))], ['of another kind'])
    assert.deepEqual([...(await store.list(other, 'suite'))], ['of another account'])
  })
  test('keeps accounts, kinds and ids with odd characters apart', async ({ store }) => {
    const run = freshName()
    const names = ODD_NAMES.map((name) => `${name}${run}`)
    const slides = [`${run}:a|b`, `${run}|a:b`, `${run}:a:b|c`, `${run}:a|b:c`].map((pair) => pair.split('|'))
    const keys: StoreKey[] = [
      ...names.map((id) => ({ kind: 'suite', accountId: run, id })),
      ...names.map((accountId) => ({ kind: 'suite', accountId, id: run })),
      ...slides.map(([accountId = '', id = '']) => ({ kind: 'suite', accountId, id })),
      { kind: 'suite-other', accountId: run, id: names[0] as string },
    ]
    for (const [index, key] of keys.entries()) await create(store, key, `${index}`)
    for (const [index, key] of keys.entries()) assert.equal((await read(store, key)).value, `${index}`)
    for (const key of keys) assert.ok(await store.take(key), JSON.stringify(key))
  })
  test('leaves the neighbors of a taken and a deleted record', async ({ store }) => {
    const key = freshKey()
    const keys = [key, { ...key, id: freshName() }, { ...key, id: freshName() }] as const
    for (const each of keys) await create(store, each, each.id)
    await store.take(keys[0])
    await store.delete(keys[1])
    assert.equal((await read(store, keys[2])).value, keys[2].id)
    assert.ok((await store.list(key.accountId, key.kind)).includes(keys[2].id))
  })
}

/**
 * Registers tests for every sentence of the `Store` contract. Needs mocha, or another runner with `describe`
 * and `it` as globals.
 *
 * @param name - Title of the suite.
 * @param subject - Gives each test its subject; tests use fresh names, so one server can serve all runs.
 * @throws StepUpError `ERR_CONFIG` when there is no such runner.
 */
export const storeSuite = (name: string, subject: CreateSubject<Store>): void =>
  openSuite(name, subject, (test) => {
    for (const register of [conditions, versions, rivals, lifetimes, isolation]) register(test)
  })
