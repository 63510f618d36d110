import assert from 'node:assert/strict'
import { createBreaker } from '../../../src/flow/dispatch/breaker.ts'

const at = (start = 1_800_000_000) => {
  let now = start
  const breaker = createBreaker(() => now)
  const fail = (...pauses: readonly number[]) => {
    for (const pause of pauses) {
      now += pause
      breaker.failed('sms')
    }
  }
  const wait = (seconds: number) => {
    now += seconds
  }
  return { ...breaker, fail, wait }
}

describe('flow/dispatch/breaker', () => {
  for (const [what, pauses, open] of [
    ['nothing', [], false],
    ['four failures', [0, 0, 0, 0], false],
    ['five failures at once', [0, 0, 0, 0, 0], true],
    ['five failures within 30 s', [0, 7, 7, 7, 8], true],
    ['five failures in just over 30 s', [0, 7, 7, 8, 8], false],
    ['failures now and then', [0, 10, 10, 10, 10, 10, 10, 10], false],
  ] as const)
    it(`is ${open ? 'open' : 'shut'} after ${what}`, () => {
      const { fail, isOpen } = at()
      fail(...pauses)
      assert.equal(isOpen('sms'), open)
      assert.equal(isOpen('email'), false)
    })

  for (const pauses of [
    [0, 0, 0, 0, 0],
    [0, 7, 7, 7, 7],
    [0, 28, 0, 0, 0],
  ])
    it(`stays open for 30 s after failures with pauses of ${pauses.join(', ')} s, and no longer`, () => {
      const { fail, isOpen, wait } = at()
      fail(...pauses)
      wait(29)
      assert.equal(isOpen('sms'), true)
      wait(1)
      assert.equal(isOpen('sms'), false)
    })

  it('closes with a success', () => {
    const { fail, isOpen, succeeded } = at()
    fail(0, 0, 0, 0, 0)
    succeeded('sms')
    assert.equal(isOpen('sms'), false)
    fail(0, 0, 0, 0)
    assert.equal(isOpen('sms'), false)
  })
})
