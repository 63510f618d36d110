import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { withinRequest } from '../../src/request-scope.ts'
import { redisAdapter } from '../../src/store/redis-adapter.ts'
import { type AdapterSubject, LIFE, MODELS, newKey, type Place, rowOf, watch } from './adapter-subject.ts'

const REMEMBERED = ['Interaction', 'Session'] as const
const TIMEOUT_MILLISECONDS = 1000

/** Moves the monotonic clock on while this is done. */
const later = async <T>(milliseconds: number, work: () => Promise<T>): Promise<T> => {
  const { now } = performance
  Object.defineProperty(performance, 'now', { configurable: true, value: () => now.call(performance) + milliseconds })
  try {
    return await work()
  } finally {
    Reflect.deleteProperty(performance, 'now')
  }
}

/** What one request remembers of what it has read. */
export const memoryTests = (place: () => Place, subject: () => AdapterSubject): void => {
  /** An adapter, and how many commands its work takes. */
  const watched = (model: string) => {
    const { connection, taken } = watch(subject().connections[0])
    const adapter = place().open(model, { connection })
    const sent = async <T>(work: () => Promise<T>) => {
      taken()
      const result = await work()
      return { result, commands: taken().length }
    }
    return { adapter, sent }
  }

  for (const model of REMEMBERED)
    it(`reads a ${model} once within a request, and each time without one`, async () => {
      const { adapter, sent } = watched(model)
      await place().openElsewhere(model).upsert('one', rowOf(model, 'one'), LIFE)
      const read = async (expected: readonly number[]) => {
        for (const commands of expected) {
          assert.deepEqual(await sent(() => adapter.find('one')), { result: rowOf(model, 'one'), commands })
        }
      }
      await read([1, 1])
      await withinRequest(() => read([1, 0, 0]))
      await withinRequest(() => read([1, 0]))
      await read([1])
      if (model !== 'Session') return
      await withinRequest(async () => {
        for (const commands of [1, 0, 0])
          assert.deepEqual(await sent(() => adapter.findByUid('uid of one')), { result: rowOf(model, 'one'), commands })
      })
    })

  it('reads all others each time', async () => {
    for (const model of MODELS.filter((one) => !(REMEMBERED as readonly string[]).includes(one))) {
      const { adapter, sent } = watched(model)
      await withinRequest(async () => {
        await adapter.upsert('one', rowOf(model, 'one', { userCode: 'code' }), LIFE)
        for (const times of [1, 2, 3])
          assert.equal((await sent(() => adapter.find('one'))).commands, 1, `${model} ${times}`)
        for (const times of [1, 2])
          assert.equal((await sent(() => adapter.findByUserCode('code'))).commands, 2, `${model} ${times}`)
      })
    }
  })

  it('asks again for what was not there', async () => {
    const { adapter, sent } = watched('Session')
    await withinRequest(async () => {
      for (const commands of [1, 1])
        assert.deepEqual(await sent(() => adapter.find('one')), { result: undefined, commands })
      await withinRequest(() => place().openElsewhere('Session').upsert('one', rowOf('Session', 'one'), LIFE))
      assert.deepEqual(await adapter.find('one'), rowOf('Session', 'one'))
    })
  })

  for (const model of REMEMBERED)
    it(`sees its own writes and ends of a ${model} at once`, async () => {
      const { adapter, sent } = watched(model)
      await withinRequest(async () => {
        await adapter.upsert('one', rowOf(model, 'one'), LIFE)
        for (const value of [1, 2]) {
          await adapter.find('one')
          await adapter.upsert('one', rowOf(model, 'one', { value }), LIFE)
          assert.deepEqual(await sent(() => adapter.find('one')), {
            result: rowOf(model, 'one', { value }),
            commands: 0,
          })
          if (model === 'Session') assert.equal((await adapter.findByUid('uid of one'))?.value, value)
        }
        await adapter.destroy('one')
        assert.equal(await adapter.find('one'), undefined)
        assert.equal(await adapter.findByUid('uid of one'), undefined)
        await adapter.upsert('one', rowOf(model, 'one', { value: 3 }), LIFE)
        assert.equal((await adapter.find('one'))?.value, 3)
      })
    })

  it('sees its own renewal of a session by the uid', async () => {
    const { adapter } = watched('Session')
    const row = (id: string) => rowOf('Session', id, { uid: 'uid' })
    await withinRequest(async () => {
      await adapter.upsert('old', row('old'), LIFE)
      await adapter.findByUid('uid')
      await adapter.destroy('old')
      assert.equal(await adapter.findByUid('uid'), undefined)
      await adapter.upsert('new', row('new'), LIFE)
      assert.deepEqual(await adapter.findByUid('uid'), row('new'))
      assert.equal(await adapter.find('old'), undefined)
    })
  })

  for (const model of REMEMBERED)
    it(`is not taken back by an older answer of a ${model} that comes late`, async () => {
      const { adapter } = watched(model)
      await adapter.upsert('one', rowOf(model, 'one', { value: 'old' }), LIFE)
      await withinRequest(async () => {
        const reading = adapter.find('one')
        await adapter.upsert('one', rowOf(model, 'one', { value: 'new' }), LIFE)
        await reading
        assert.equal((await adapter.find('one'))?.value, 'new')
      })
      await withinRequest(async () => {
        const reading = adapter.find('one')
        await adapter.destroy('one')
        await reading
        assert.equal(await adapter.find('one'), undefined)
      })
    })

  it('remembers nothing that Redis did not take', async () => {
    const [connection] = subject().connections
    const { open } = place()
    for (const model of REMEMBERED) {
      await open(model).upsert('one', rowOf(model, 'one', { value: 'old' }), LIFE)
      let isBroken = true
      const adapter = open(model, {
        connection: {
          ...connection,
          command: async (...command: Parameters<typeof connection.command>) => {
            if (isBroken && command[0] === 'SET') throw new Error('broken')
            return connection.command(...command)
          },
        },
      })
      await withinRequest(async () => {
        await assert.rejects(adapter.upsert('one', rowOf(model, 'one', { value: 'new' }), LIFE), /broken/)
        isBroken = false
        assert.equal((await adapter.find('one'))?.value, 'old', model)
      })
    }
  })

  it('is of one request: no other sees what it has read, nor misses what it has written', async () => {
    const [first, second] = [watched('Session'), watched('Session')]
    await first.adapter.upsert('one', rowOf('Session', 'one', { value: 0 }), LIFE)
    await withinRequest(async () => {
      await first.adapter.find('one')
      await withinRequest(async () => {
        assert.equal((await first.sent(() => first.adapter.find('one'))).commands, 1)
        await second.adapter.upsert('one', rowOf('Session', 'one', { value: 1 }), LIFE)
      })
      await withinRequest(async () => assert.equal((await first.adapter.find('one'))?.value, 1))
      assert.equal((await first.adapter.find('one'))?.value, 0)
    })
    assert.equal((await first.adapter.find('one'))?.value, 1)
  })

  it('is of one adapter: no other key, prefix or model finds what it remembers', async () => {
    const { open, prefix } = place()
    await withinRequest(async () => {
      for (const model of REMEMBERED) await open(model).upsert('one', rowOf(model, 'one', { uid: 'uid' }), LIFE)
      for (const model of REMEMBERED)
        for (const options of [{ prefix: `${prefix}2` }, { sealingKeys: [newKey()] }]) {
          assert.equal(await open(model, options).find('one'), undefined, JSON.stringify(options))
          assert.equal(await open(model, options).findByUid('uid'), undefined)
        }
      assert.equal(await open('Grant').find('one'), undefined)
    })
  })

  it('is shared by all instances of a model that one adapter has made', async () => {
    const adapter = redisAdapter({ connection: subject().connections[0], sealingKeys: [newKey()] })
    const [first, second] = [adapter('Session'), adapter('Session')]
    await withinRequest(async () => {
      await first.upsert('one', rowOf('Session', 'one', { value: 0 }), LIFE)
      assert.equal((await second.find('one'))?.value, 0)
      await first.upsert('one', rowOf('Session', 'one', { value: 1 }), LIFE)
      assert.equal((await second.find('one'))?.value, 1)
      await second.destroy('one')
      assert.equal(await first.find('one'), undefined)
    })
  })

  it('lasts a second: what another process has changed since is seen', async () => {
    const { adapter, sent } = watched('Session')
    const elsewhere = place().openElsewhere('Session')
    await adapter.upsert('one', rowOf('Session', 'one', { value: 0 }), LIFE)
    await withinRequest(async () => {
      await adapter.find('one')
      await adapter.findByUid('uid of one')
      await withinRequest(() => elsewhere.upsert('one', rowOf('Session', 'one', { value: 1 }), LIFE))
      assert.equal((await adapter.find('one'))?.value, 0)
      await later(TIMEOUT_MILLISECONDS, async () => {
        for (const commands of [1, 0]) {
          const read = await sent(() => adapter.find('one'))
          assert.deepEqual([read.result?.value, read.commands], [1, commands])
        }
        assert.equal((await adapter.findByUid('uid of one'))?.value, 1)
      })
      await withinRequest(() => elsewhere.destroy('one'))
      await later(2 * TIMEOUT_MILLISECONDS, async () => {
        assert.equal(await adapter.find('one'), undefined)
        assert.equal(await adapter.findByUid('uid of one'), undefined)
      })
    })
  })

  it('gives each reader a payload of its own, and writes what it was given at that moment', async () => {
    const { adapter } = watched('Session')
    const row = () => rowOf('Session', 'one', { nested: { list: [1] } })
    await withinRequest(async () => {
      const given = row()
      const writing = adapter.upsert('one', given, LIFE)
      Object.assign(given.nested as object, { list: 'changed' })
      await writing
      for (let times = 0; times < 3; times += 1) {
        const read = (times === 1 ? await adapter.findByUid('uid of one') : await adapter.find('one')) ?? {}
        assert.deepEqual(read, row())
        Object.assign(read.nested as object, { list: null })
        Object.assign(read, { accountId: 'mallory', consumed: 1 })
      }
    })
    assert.deepEqual(await adapter.find('one'), row())
  })

  it('AC-77: 1000 requests of 1000 accounts at once each see their own', async () => {
    const [sessions, interactions] = [watched('Session').adapter, watched('Interaction').adapter]
    /** What a request finds of itself, before it spoils what it was given. */
    const look = async (id: string, uid: string) => {
      const rows = await Promise.all([sessions.find(id), sessions.findByUid(uid), interactions.find(id)])
      const seen = rows.flatMap((row) => row?.accountId ?? [])
      for (const row of rows) Object.assign(row ?? {}, { accountId: 'mallory' })
      return seen
    }
    const request = async (index: number) => {
      const [accountId, id, uid] = [`account ${index}`, `id ${index}`, `uid ${index}`]
      await sessions.upsert(id, rowOf('Session', id, { accountId, uid }), LIFE)
      const seen = [await look(id, uid)]
      await interactions.upsert(id, rowOf('Interaction', id, { accountId }), LIFE)
      for (let step = 0; step < 3; step += 1) {
        if ((index + step) % 3 === 0) await turn()
        seen.push(await look(id, uid))
      }
      assert.deepEqual(seen.flat(), Array(11).fill(accountId))
      await sessions.destroy(id)
      return look(id, uid)
    }
    const ends = await Promise.all(Array.from({ length: 1000 }, (_none, index) => withinRequest(() => request(index))))
    assert.deepEqual(
      ends,
      ends.map((_end, index) => [`account ${index}`]),
      'only the interaction is left',
    )
  })
}
