import assert from 'node:assert/strict'
import { createGuesses, createSharedGuesses, type Guesses } from '../../src/cli/guesses.ts'
import { createSealer } from '../../src/crypto/seal.ts'
import { createVault } from '../../src/flow/vault.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { StoreKey } from '../../src/store/store.ts'

const createTime = () => {
  let now = 1_700_000_000
  return {
    clock: () => now,
    pass: (seconds: number) => {
      now += seconds
    },
  }
}

const fail = async (guesses: Guesses, times: number, name = 'alice') => {
  const waits: number[] = []
  for (let time = 0; time < times; time += 1) waits.push(await guesses.reserve(name))
  return waits
}

const sharedStore = (clock: () => number) => {
  const keys: StoreKey[] = []
  const store = memoryStore({ clock })
  const vault = createVault(
    {
      ...store,
      put: (key, value, options) => {
        keys.push(key)
        return store.put(key, value, options)
      },
    },
    createSealer([Buffer.alloc(32, 1).toString('base64url')]),
    clock,
  )
  return { vault, keys }
}

const places: Readonly<Record<string, (clock: () => number) => Guesses>> = {
  'in this process': (clock) => createGuesses({ clock }),
  'in the store': (clock) => createSharedGuesses(sharedStore(clock).vault, clock),
}

for (const [where, make] of Object.entries(places)) {
  describe(`cli/guesses, counted ${where}`, () => {
    const setUp = () => {
      const { clock, pass } = createTime()
      return { guesses: make(clock), pass }
    }

    it('lets ten guesses through, then pauses longer and longer', async () => {
      const { guesses, pass } = setUp()
      assert.deepEqual(await fail(guesses, 10), Array(10).fill(0))
      assert.equal(await guesses.reserve('alice'), 15)
      pass(15)
      assert.equal(await guesses.reserve('alice'), 0)
      assert.equal(await guesses.reserve('alice'), 30)
      for (let round = 0; round < 10; round += 1) {
        pass(900)
        assert.equal(await guesses.reserve('alice'), 0)
      }
      assert.equal(await guesses.reserve('alice'), 900)
    })

    it('keeps names apart, and forgets one after the right password', async () => {
      const { guesses } = setUp()
      await fail(guesses, 10)
      assert.equal(await guesses.reserve('bob'), 0)
      await guesses.succeeded('alice')
      assert.deepEqual(await fail(guesses, 10), Array(10).fill(0))
    })

    it('forgets after a quiet hour', async () => {
      const { guesses, pass } = setUp()
      await fail(guesses, 10)
      pass(3600 + 15)
      assert.deepEqual(await fail(guesses, 10), Array(10).fill(0))
    })

    it('takes a guess back that was never looked at', async () => {
      const { guesses } = setUp()
      await fail(guesses, 10)
      await guesses.release('alice')
      assert.equal(await guesses.reserve('alice'), 0)
      await guesses.release('nobody')
    })
  })
}

describe('cli/guesses', () => {
  it('holds no more names in this process than it may', async () => {
    const guesses = createGuesses({ clock: () => 1_700_000_000, capacity: 2 })
    await fail(guesses, 10, 'a')
    await fail(guesses, 1, 'b')
    await fail(guesses, 1, 'c')
    assert.equal(await guesses.reserve('a'), 0)
  })

  it('counts once for all that share a store, of guesses at the same time as well, and keeps no name', async () => {
    const { clock } = createTime()
    const { vault, keys } = sharedStore(clock)
    const both = [createSharedGuesses(vault, clock), createSharedGuesses(vault, clock)]
    const waits = await Promise.all(Array.from({ length: 14 }, (_none, guess) => both[guess % 2]?.reserve('mallory')))
    assert.deepEqual(
      waits.toSorted((one, other) => Number(one) - Number(other)),
      [...Array(10).fill(0), ...Array(4).fill(15)],
    )
    assert.doesNotMatch(JSON.stringify(keys), /mallory/)
  })
})
