import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store, StoreKey } from '../../src/store/store.ts'
import { storeSuite } from '../../src/testing/index.ts'
import { collect, failures } from './collect.ts'

/** What the suite says about a store that differs from a good one in one way. */
const verdict = (spoil: (good: Store) => Partial<Store>): Promise<string[]> =>
  failures(
    collect(() =>
      storeSuite('spoiled', () => {
        let now = 1_000_000
        const good = memoryStore({ clock: () => now })
        const advance = (seconds: number) => {
          now += seconds
        }
        return { store: { ...good, ...spoil(good) }, advance }
      }),
    ),
  )

const rename = (good: Store, change: (key: StoreKey) => StoreKey): Partial<Store> => ({
  get: (key) => good.get(change(key)),
  put: (key, value, options) => good.put(change(key), value, options),
  take: (key) => good.take(change(key)),
})

describe('testing/store-suite', () => {
  it('passes a good store', async () => {
    assert.deepEqual(await verdict(() => ({})), [])
  })

  const faults: Record<string, [RegExp, (good: Store) => Partial<Store>]> = {
    'ignores the expected version': [
      /only where no record|only over that version/,
      (good) => ({
        put: async (key, value, options) =>
          good.put(key, value, { ...options, expectedVersion: (await good.get(key))?.version ?? null }),
      }),
    ],
    'compares and sets in two steps': [
      /first puts win/,
      (good) => ({
        put: async (key, value, options) => {
          const present = await good.get(key)
          await turn()
          if ((present?.version ?? null) !== options.expectedVersion) return false
          await good.delete(key)
          return good.put(key, value, { ...options, expectedVersion: null })
        },
      }),
    ],
    'reads and deletes in two steps': [
      /takers/,
      (good) => ({
        take: async (key) => {
          const entry = await good.get(key)
          await turn()
          await good.delete(key)
          return entry
        },
      }),
    ],
    'counts versions anew after a deletion': [
      /same version twice/,
      (good) => {
        const counts = new Map<string, number>()
        const name = (key: StoreKey) => JSON.stringify(key)
        return {
          get: async (key) => {
            const entry = await good.get(key)
            return entry && { ...entry, version: counts.get(name(key)) ?? 0 }
          },
          put: async (key, value, options) => {
            const expectedVersion = (await good.get(key))?.version ?? null
            const done = await good.put(key, value, { ...options, expectedVersion })
            counts.set(name(key), expectedVersion === null ? 1 : 2)
            return done
          },
        }
      },
    ],
    'drops records early': [
      /for its time to live/,
      (good) => ({ put: (key, value, options) => good.put(key, value, { ...options, ttlSeconds: 1 }) }),
    ],
    'keeps the first time to live': [
      /new life at every put/,
      (good) => ({
        put: (key, value, options) =>
          good.put(key, value, options.expectedVersion === null ? options : { ...options, ttlSeconds: 1 }),
      }),
    ],
    'accepts any time to live': [
      /rejects a time to live/,
      (good) => ({ put: (key, value, options) => good.put(key, value, { ...options, ttlSeconds: 60 }) }),
    ],
    'joins its keys with colons': [
      /odd characters apart/,
      (good) =>
        rename(good, ({ kind, accountId, id }) => ({ kind: '', accountId: '', id: `${kind}:${accountId}:${id}` })),
    ],
    'cuts long identifiers': [
      /odd characters apart/,
      (good) => rename(good, (key) => ({ ...key, accountId: key.accountId.slice(0, 190) })),
    ],
    'folds case': [/odd characters apart/, (good) => rename(good, (key) => ({ ...key, id: key.id.toLowerCase() }))],
    'mixes the kinds in its list': [
      /of one kind/,
      (good) => ({
        list: async (accountId) => [
          ...(await good.list(accountId, 'suite')),
          ...(await good.list(accountId, 'suite-other')),
        ],
      }),
    ],
    'forgets the whole list with its last writer': [
      /as long as it lives/,
      (good) => {
        const last = new Map<string, StoreKey>()
        return {
          put: (key, value, options) =>
            good.put(last.set(key.accountId, key).get(key.accountId) ?? key, value, options),
          list: async (accountId, kind) => {
            const key = last.get(accountId)
            return key && (await good.get(key)) ? good.list(accountId, kind) : []
          },
        }
      },
    ],
    'cuts long values': [
      /64 KiB/,
      (good) => ({ put: (key, value, options) => good.put(key, value.slice(0, 65_535), options) }),
    ],
  }
  for (const [fault, [title, spoil]] of Object.entries(faults)) {
    it(`fails a store that ${fault}`, async () => {
      const failed = await verdict(spoil)
      assert.ok(
        failed.some((each) => title.test(each)),
        `failed only: ${failed.join(', ')}`,
      )
    })
  }

  const closable = (store: Store) => {
    let closed = 0
    const close = () => {
      closed += 1
    }
    return { create: async () => ({ store, close }), closed: () => closed }
  }

  it('waits in real time where a store offers no other way, and closes it', async () => {
    const { create, closed } = closable(memoryStore())
    const tests = collect(() => storeSuite('waiting', create))
    const started = performance.now()
    await tests.get('keeps a record for its time to live')?.()
    assert.ok(performance.now() - started > 1900)
    assert.equal(closed(), 1)
  }).timeout(10_000)

  it('closes the store of a failed test', async () => {
    const { create, closed } = closable({ ...memoryStore(), get: () => Promise.reject(new Error('down')) })
    const tests = collect(() => storeSuite('broken', create))
    await assert.rejects(async () => tests.get('knows nothing of a key never written')?.(), /down/)
    assert.equal(closed(), 1)
  })

  it('says what is missing where there is no test runner', () => {
    const { describe: present } = globalThis
    Object.assign(globalThis, { describe: undefined })
    try {
      assert.throws(() => storeSuite('lost', () => ({ store: memoryStore() })), {
        code: 'ERR_CONFIG',
        message: /mocha/,
      })
    } finally {
      Object.assign(globalThis, { describe: present })
    }
  })
})
