import assert from 'node:assert/strict'
import { createGuesses } from '../../src/cli/guesses.ts'

const setUp = (capacity?: number) => {
  let now = 1_700_000_000
  const guesses = createGuesses({ clock: () => now, ...(capacity === undefined ? {} : { capacity }) })
  return {
    guesses,
    pass: (seconds: number) => {
      now += seconds
    },
  }
}
const fail = (guesses: ReturnType<typeof createGuesses>, times: number, name = 'alice') =>
  Array.from({ length: times }, () => guesses.reserve(name))

describe('cli/guesses', () => {
  it('lets ten guesses through, then pauses longer and longer', () => {
    const { guesses, pass } = setUp()
    assert.deepEqual(fail(guesses, 10), Array(10).fill(0))
    assert.equal(guesses.reserve('alice'), 15)
    pass(15)
    assert.equal(guesses.reserve('alice'), 0)
    assert.equal(guesses.reserve('alice'), 30)
    for (let round = 0; round < 10; round += 1) {
      pass(900)
      assert.equal(guesses.reserve('alice'), 0)
    }
    assert.equal(guesses.reserve('alice'), 900)
  })

  it('keeps names apart, and forgets one after the right password', () => {
    const { guesses } = setUp()
    fail(guesses, 10)
    assert.equal(guesses.reserve('bob'), 0)
    guesses.succeeded('alice')
    assert.deepEqual(fail(guesses, 10), Array(10).fill(0))
  })

  it('forgets after a quiet hour', () => {
    const { guesses, pass } = setUp()
    fail(guesses, 10)
    pass(3600 + 15)
    assert.deepEqual(fail(guesses, 10), Array(10).fill(0))
  })

  it('takes a guess back that was never looked at', () => {
    const { guesses } = setUp()
    fail(guesses, 10)
    guesses.release('alice')
    assert.equal(guesses.reserve('alice'), 0)
    guesses.release('nobody')
  })

  it('holds no more names than it may', () => {
    const { guesses } = setUp(2)
    fail(guesses, 10, 'a')
    guesses.reserve('b')
    guesses.reserve('c')
    assert.equal(guesses.reserve('a'), 0)
  })
})
