import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisStore } from '../../src/store/redis.ts'
import type { Redis } from '../support/redis.ts'
import { stopwatch } from '../support/until.ts'

/** Every key of these servers. */
export const keysOn = async (nodes: readonly Redis[]): Promise<readonly string[]> =>
  (await Promise.all(nodes.map((node) => node.command('KEYS', '*') as Promise<string[]>))).flat()

// Indexes hold the second in which each record ends.
const AGE = `
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left >= 0 then redis.call('PEXPIRE', key, math.max(0, left - ARGV[1] * 1000)) end
  if redis.call('TYPE', key).ok == 'zset' then
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -ARGV[1], member) end
  end
end`

/** Makes all that these servers hold older, as waiting would. */
export const age = async (masters: readonly Redis[], seconds: number): Promise<void> => {
  await Promise.all(masters.map((node) => node.command('EVAL', AGE, '0', String(seconds))))
}

/** One store that asks two in turn: of any two operations in a row each has one. */
export const inTurn = (...stores: readonly RedisStore[]): RedisStore => {
  let turn = 0
  const next = () => {
    turn += 1
    return stores[turn % stores.length] as RedisStore
  }
  return {
    get: (...args) => next().get(...args),
    put: (...args) => next().put(...args),
    take: (...args) => next().take(...args),
    delete: (...args) => next().delete(...args),
    list: (...args) => next().list(...args),
    load: (...args) => next().load(...args),
    save: (...args) => next().save(...args),
    claim: (...args) => next().claim(...args),
    owner: (...args) => next().owner(...args),
    release: (...args) => next().release(...args),
    close: async () => {
      await Promise.all(stores.map((store) => store.close()))
    },
  }
}

const key = { kind: 'ledger', accountId: 'alice', id: 'session' }
const record = `v1.abcdefgh.${'x'.repeat(20)}`

/** Every operation of both contracts, by its name. */
export const operations: Readonly<Record<string, (store: RedisStore) => Promise<unknown>>> = {
  get: (store) => store.get(key),
  'put of a new record': (store) => store.put(key, 'value', { expectedVersion: null, ttlSeconds: 60 }),
  'put over a version': (store) => store.put(key, 'value', { expectedVersion: 1, ttlSeconds: 60 }),
  take: (store) => store.take(key),
  delete: (store) => store.delete(key),
  list: (store) => store.list('alice', 'ledger'),
  load: (store) => store.load('alice'),
  save: (store) => store.save('alice', record, null),
  claim: (store) => store.claim('credential', 'alice'),
  owner: (store) => store.owner('credential'),
  release: (store) => store.release('credential'),
  countByOtherKeys: async (store) => store.countByOtherKeys?.(['abcdefgh']),
}

/** What a busy machine may take on top of a deadline, in milliseconds. */
const SLACK = 1200

/** No operation answers, none takes longer than the deadline, and none of them brings the process down. */
export const assertAllReject = async (store: RedisStore, deadlineSeconds: number): Promise<void> => {
  await Promise.all(
    Object.entries(operations).map(async ([name, operate]) => {
      const elapsed = stopwatch()
      await assert.rejects(operate(store), `${name} must reject`)
      assert.ok(elapsed() < deadlineSeconds * 1000 + SLACK, `${name} took ${elapsed()} ms`)
    }),
  )
}

const ask = (store: RedisStore) =>
  Promise.all(Object.values(operations).map((operate) => operate(store).catch(() => undefined)))

/** Ends in good time where a server stands still, with commands under way and after they were given up. */
export const assertCloses = async (create: () => RedisStore, silent: Redis): Promise<void> => {
  for (const isGivenUp of [false, true]) {
    const store = create()
    await store.get(key)
    silent.pause()
    try {
      const asked = ask(store)
      if (isGivenUp) await asked.then(() => ask(store))
      const isClosed = await Promise.race([store.close().then(() => true), sleep(1000 + SLACK, false)])
      assert.ok(isClosed, `not closed after ${1000 + SLACK} ms, commands ${isGivenUp ? 'given up' : 'under way'}`)
      await asked
    } finally {
      silent.resume()
    }
  }
}
