import assert from 'node:assert/strict'
import { createSealer } from '../../src/crypto/seal.ts'
import { ledgerKey } from '../../src/flow/ledger.ts'
import { ceremonyKey } from '../../src/flow/place.ts'
import { createVault } from '../../src/flow/vault.ts'
import { verifiedKey } from '../../src/flow/verified.ts'
import type { Store, StoreKey } from '../../src/store/store.ts'
import { codeFactor } from './scene.ts'
import { createBench, hoardingStore, newKey, placeOf, plant, race, START, textAt } from './tools.ts'

const KEY: StoreKey = { kind: 'challenge', accountId: 'alice', id: 'one' }
const LATER = START + 600
const NOTHING = { version: null }

const vaultOn = (store: Store, clock = () => START) => createVault(store, createSealer([newKey()]), clock)

describe('flow/vault', () => {
  describe('reading and writing', () => {
    it('gives back what was written, with its end and the version to expect', async () => {
      const { vault, store } = createBench()
      assert.equal(await vault.write(KEY, NOTHING, { code: 'ü1' }, LATER), true)
      const version = (await store.get(KEY))?.version
      assert.deepEqual(await vault.read(KEY), { value: { code: 'ü1' }, version, expiresAt: LATER })
    })

    it('tells nothing from something', async () => {
      assert.deepEqual(await createBench().vault.read(KEY), { value: undefined, version: null })
      assert.equal(await createBench().vault.take(KEY), undefined)
    })

    it('writes over what was read and over nothing else', async () => {
      const { vault } = createBench()
      const before = await vault.read<string>(KEY)
      assert.equal(await vault.write(KEY, before, 'first', LATER), true)
      assert.equal(await vault.write(KEY, before, 'stale', LATER), false)
      const first = await vault.read<string>(KEY)
      assert.equal(await vault.write(KEY, first, 'second', LATER), true)
      assert.equal(await vault.write(KEY, first, 'stale', LATER), false)
      assert.equal((await vault.read<string>(KEY)).value, 'second')
    })

    it('deletes, and then nothing stands there', async () => {
      const { vault } = createBench()
      await vault.write(KEY, NOTHING, 'value', LATER)
      await vault.delete(KEY)
      assert.deepEqual(await vault.read(KEY), { value: undefined, version: null })
    })

    it('leaves nothing readable at rest', async () => {
      const { vault, store } = createBench()
      await vault.write(KEY, NOTHING, { code: '493817' }, LATER)
      const text = await textAt(store, KEY)
      assert.match(text, /^v1\.[\w-]{8}\.[\w-]+$/)
      assert.ok(!Buffer.from(text.slice(12), 'base64url').includes('493817'))
    })
  })

  describe('expiry', () => {
    it('is judged by our clock, whatever the store still holds', async () => {
      const { vault, store, advance } = createBench()
      await vault.write(KEY, NOTHING, 'value', LATER)
      advance(599)
      assert.equal((await vault.read(KEY)).value, 'value')
      advance(1)
      const version = (await store.get(KEY))?.version
      assert.deepEqual(await vault.read(KEY), { value: undefined, version })
      assert.equal(await vault.take(KEY), undefined)
    })

    it('leaves a slot that can be written again', async () => {
      const { vault, advance } = createBench()
      await vault.write(KEY, NOTHING, 'old', LATER)
      advance(600)
      assert.equal(await vault.write(KEY, await vault.read(KEY), 'new', LATER + 600), true)
      assert.equal((await vault.read(KEY)).value, 'new')
    })

    it('tells the store to keep a record as long as it counts, and at least a second', async () => {
      const lives: number[] = []
      const store = hoardingStore()
      const put: Store['put'] = (key, value, options) => {
        lives.push(options.ttlSeconds)
        return store.put(key, value, options)
      }
      const vault = vaultOn({ ...store, put })
      await vault.write(KEY, NOTHING, 'value', LATER)
      await vault.write({ ...KEY, id: 'two' }, NOTHING, 'ended already', START - 5)
      assert.deepEqual(lives, [600, 1])
      assert.equal((await vault.read({ ...KEY, id: 'two' })).value, undefined)
    })
  })

  describe('taking', () => {
    it('gives the value to one of fifty', async () => {
      const { vault } = createBench()
      await vault.write(KEY, NOTHING, 'value', LATER)
      const taken = await race(50, () => vault.take(KEY))
      assert.deepEqual(
        taken.filter((value) => value !== undefined),
        ['value'],
      )
    })
  })

  describe('updating', () => {
    const add = ({ value = 0 }: { value: number | undefined }) => ({ value: value + 1, expiresAt: LATER })

    it('loses no change of ten at once', async () => {
      const { vault } = createBench()
      await race(10, () => vault.update<number>(KEY, add))
      assert.equal((await vault.read(KEY)).value, 10)
    })

    it('leaves what it is told to leave', async () => {
      const { vault, store } = createBench()
      await vault.write(KEY, NOTHING, 7, LATER)
      const before = await store.get(KEY)
      await vault.update<number>(KEY, () => undefined)
      assert.deepEqual(await store.get(KEY), before)
    })

    it('gives up after fifty lost races', async () => {
      let tries = 0
      const put: Store['put'] = async () => {
        tries += 1
        return false
      }
      const vault = vaultOn({ ...hoardingStore(), put })
      await assert.rejects(vault.update<number>(KEY, add), { name: 'StepUpError', code: 'ERR_CONTENTION' })
      assert.equal(tries, 50)
    })
  })

  describe('a store that does not answer', () => {
    const cause = new Error('connection lost')
    const down = () => Promise.reject(cause)
    const vault = vaultOn({ get: down, put: down, take: down, delete: down, list: down })
    const operations: Readonly<Record<string, () => Promise<unknown>>> = {
      read: () => vault.read(KEY),
      write: () => vault.write(KEY, NOTHING, 'value', LATER),
      take: () => vault.take(KEY),
      delete: () => vault.delete(KEY),
      update: () => vault.update(KEY, () => ({ value: 1, expiresAt: LATER })),
    }
    for (const [name, run] of Object.entries(operations))
      it(`makes ${name} fail with its cause`, () =>
        assert.rejects(run, { name: 'StepUpError', code: 'ERR_STORE', cause }))
  })

  describe('records that are not ours', () => {
    const isBroken = async ({ vault, store }: ReturnType<typeof createBench>, key: StoreKey, text: string) => {
      await plant(store, key, text)
      const version = (await store.get(key))?.version
      assert.deepEqual(await vault.read(key), { value: undefined, version, broken: true }, JSON.stringify(key))
      assert.equal(await vault.take(key), undefined, JSON.stringify(key))
    }

    it('AC-75: a record with any one character changed is broken and never a value', async () => {
      const bench = createBench()
      await bench.vault.write(KEY, NOTHING, { level: 'high' }, LATER)
      const text = await textAt(bench.store, KEY)
      for (const [at, character] of [...text].entries()) {
        const altered = text.slice(0, at) + (character === 'A' ? 'B' : 'A') + text.slice(at + 1)
        await isBroken(bench, KEY, altered)
      }
    })

    it('AC-75: neither is one that was never sealed, or with a key of another ring', async () => {
      const bench = createBench()
      const plain = JSON.stringify({ value: { level: 'high' }, expiresAt: LATER })
      const foreign = createSealer([newKey()]).seal(plain, [KEY.kind, KEY.accountId, KEY.id])
      for (const text of ['', 'null', plain, foreign]) await isBroken(bench, KEY, text)
    })

    it('AC-75: neither is one moved to another account, kind or id', async () => {
      const bench = createBench()
      await bench.vault.write(KEY, NOTHING, 'value', LATER)
      const text = await textAt(bench.store, KEY)
      const others = [{ accountId: 'bob' }, { kind: 'enroll' }, { id: 'two' }, { accountId: 'one', id: 'alice' }]
      for (const other of others) await isBroken(bench, { ...KEY, ...other }, text)
    })

    it('AC-75: a broken record stands in nobody’s way', async () => {
      const { vault, store } = createBench()
      await plant(store, KEY, 'v1.rubbish')
      await vault.update<string>(KEY, ({ value }) => ({ value: `${value}`, expiresAt: LATER }))
      assert.equal((await vault.read(KEY)).value, 'undefined')
    })

    it('AC-75: an old copy put back counts no longer than it would have counted anyway', async () => {
      const { vault, store, advance } = createBench()
      await vault.write(KEY, NOTHING, 'old', LATER)
      const old = await textAt(store, KEY)
      await vault.write(KEY, await vault.read(KEY), 'new', LATER + 3600)
      await plant(store, KEY, old)
      assert.equal((await vault.read(KEY)).value, 'old')
      advance(600)
      assert.equal((await vault.read(KEY)).value, undefined)
      assert.equal(await vault.take(KEY), undefined)
    })

    it('AC-76: no record of one kind is taken for one of another', async () => {
      const bench = createBench()
      const { factor } = codeFactor()
      const kinds = [
        ledgerKey('alice', 'x').kind,
        verifiedKey('alice', 'x').kind,
        ceremonyKey(placeOf(factor, 'enroll')).kind,
        ceremonyKey(placeOf(factor, 'challenge')).kind,
        'throttle',
        'account',
      ]
      assert.equal(new Set(kinds).size, kinds.length)
      for (const from of kinds) {
        const key = { kind: from, accountId: 'alice', id: 'x' }
        await bench.vault.write(key, await bench.vault.read(key), [{ failures: 0 }], LATER)
        const text = await textAt(bench.store, key)
        for (const kind of kinds.filter((to) => to !== from)) await isBroken(bench, { ...key, kind }, text)
      }
    })
  })
})
