import assert from 'node:assert/strict'
import type { AccountEntry, Accounts } from '../store/accounts.ts'
import { type CreateSubject, freshName, ODD_NAMES, openSuite, race, type Test } from './runner.ts'

const RIVALS = 50

const load = async (store: Accounts, accountId: string): Promise<AccountEntry> => {
  const entry = await store.load(accountId)
  assert.ok(entry, 'a saved record must be there')
  return entry
}

const records = (test: Test<Accounts>): void => {
  test('loads nothing for an account without a record', async ({ store }) => {
    assert.equal(await store.load(freshName()), undefined)
  })
  test('loads what was saved, 64 KiB and any Unicode', async ({ store }) => {
    for (const record of ['', ' ', '{"a":[1]}', '\n\r\t', '用户😀é\u0301', 'x'.repeat(65_536)]) {
      const accountId = freshName()
      assert.equal(await store.save(accountId, record, null), true)
      assert.equal((await load(store, accountId)).record, record)
    }
  })
  test('saves with null only where no record is', async ({ store }) => {
    const accountId = freshName()
    assert.equal(await store.save(accountId, 'first', null), true)
    assert.equal(await store.save(accountId, 'second', null), false)
    assert.equal((await load(store, accountId)).record, 'first')
  })
  test('saves with a version only over that version', async ({ store }) => {
    const accountId = freshName()
    assert.equal(await store.save(accountId, 'none yet', 1), false)
    assert.equal(await store.load(accountId), undefined)
    await store.save(accountId, 'first', null)
    const { version } = await load(store, accountId)
    assert.equal(await store.save(accountId, 'other version', version + 1), false)
    assert.equal(await store.save(accountId, 'second', version), true)
    assert.equal(await store.save(accountId, 'stale', version), false)
    assert.equal((await load(store, accountId)).record, 'second')
  })
  test('gives every save a new version, also when the record is the same', async ({ store }) => {
    const accountId = freshName()
    const seen = new Set<number>()
    let expected: number | null = null
    for (let round = 0; round < 20; round += 1) {
      assert.equal(await store.save(accountId, 'same', expected), true)
      expected = (await load(store, accountId)).version
      seen.add(expected)
    }
    assert.equal(seen.size, 20)
  })
  test('keeps its version while nothing is saved', async ({ store }) => {
    const accountId = freshName()
    await store.save(accountId, 'record', null)
    assert.deepEqual({ ...(await load(store, accountId)) }, { ...(await load(store, accountId)) })
  })
}

const rivals = (test: Test<Accounts>): void => {
  test(`lets one of ${RIVALS} first saves win`, async ({ store }) => {
    const accountId = freshName()
    const won = await race(RIVALS, (index) => store.save(accountId, `${index}`, null))
    assert.equal(won.filter(Boolean).length, 1)
    assert.equal((await load(store, accountId)).record, `${won.indexOf(true)}`)
  })
  test(`lets one of ${RIVALS} saves over the same version win`, async ({ store }) => {
    const accountId = freshName()
    await store.save(accountId, 'first', null)
    const { version } = await load(store, accountId)
    const won = await race(RIVALS, (index) => store.save(accountId, `${index}`, version))
    assert.equal(won.filter(Boolean).length, 1)
    assert.equal((await load(store, accountId)).record, `${won.indexOf(true)}`)
  })
  test(`lets one of ${RIVALS} accounts win a claim`, async ({ store }) => {
    const key = freshName()
    const won = await race(RIVALS, (index) => store.claim(key, `${key}-${index}`))
    assert.equal(won.filter(Boolean).length, 1)
    assert.equal(await store.owner(key), `${key}-${won.indexOf(true)}`)
  })
}

const claims = (test: Test<Accounts>): void => {
  test('knows no owner of an unclaimed key', async ({ store }) => {
    assert.equal(await store.owner(freshName()), undefined)
  })
  test('gives a key to one account and refuses it to another', async ({ store }) => {
    const [key, owner, other] = [freshName(), freshName(), freshName()]
    assert.equal(await store.claim(key, owner), true)
    assert.equal(await store.claim(key, other), false)
    assert.equal(await store.owner(key), owner)
  })
  test('answers the owner who claims again with true', async ({ store }) => {
    const [key, owner] = [freshName(), freshName()]
    assert.equal(await store.claim(key, owner), true)
    assert.equal(await store.claim(key, owner), true)
    assert.equal(await store.owner(key), owner)
  })
  test('frees a key at release, once or many times', async ({ store }) => {
    const [key, owner, other] = [freshName(), freshName(), freshName()]
    await store.release(key)
    await store.claim(key, owner)
    await store.release(key)
    await store.release(key)
    assert.equal(await store.owner(key), undefined)
    assert.equal(await store.claim(key, other), true)
    assert.equal(await store.owner(key), other)
  })
}

const isolation = (test: Test<Accounts>): void => {
  test('keeps accounts with odd identifiers apart', async ({ store }) => {
    const run = freshName()
    const ids = ODD_NAMES.flatMap((name) => [`${run}${name}`, `${name}${run}`])
    for (const accountId of ids) assert.equal(await store.save(accountId, `of ${accountId}`, null), true, accountId)
    for (const accountId of ids) assert.equal((await load(store, accountId)).record, `of ${accountId}`)
  })
  test('keeps keys with odd characters apart', async ({ store }) => {
    const run = freshName()
    // A WebAuthn credential id has up to 1023 bytes (WebAuthn L3 section 4): 1364 characters in base64url.
    const long = run.padEnd(1363, 'x')
    const keys = [...ODD_NAMES.flatMap((name) => [`${run}${name}`, `${name}${run}`]), `${long}1`, `${long}2`]
    for (const key of keys) assert.equal(await store.claim(key, `of ${key}`), true, key)
    for (const key of keys) assert.equal(await store.owner(key), `of ${key}`)
  })
  test('keeps claims apart from records of the same name', async ({ store }) => {
    const name = freshName()
    await store.claim(name, 'owner')
    assert.equal(await store.load(name), undefined)
    await store.save(name, 'record', null)
    await store.release(name)
    assert.equal((await load(store, name)).record, 'record')
    assert.equal(await store.owner(name), undefined)
  })
}

/**
 * Registers tests for every sentence of the `Accounts` contract, for a host that keeps the records in its
 * own database. Needs mocha, or another runner with `describe` and `it` as globals.
 *
 * @param name - Title of the suite.
 * @param create - Gives each test its subject; tests use fresh names, so one database can serve all runs.
 * @throws StepUpError `ERR_CONFIG` when there is no such runner.
 */
export const accountsSuite = (name: string, create: CreateSubject<Accounts>): void =>
  openSuite(name, create, (test) => {
    for (const register of [records, rivals, claims, isolation]) register(test)
  })
