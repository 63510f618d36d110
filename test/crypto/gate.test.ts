import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createGate } from '../../src/crypto/gate.ts'

/** Tasks that run until they are told to end. */
const openTasks = (width: number, waiting = 100) => {
  const gate = createGate({ width, waiting })
  const started: number[] = []
  const ends: (() => void)[] = []
  const start = (id: number) =>
    gate.run(async () => {
      started.push(id)
      await new Promise<void>((resolve) => {
        ends[id] = resolve
      })
      return id
    })
  return { gate, started, ends, start }
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('crypto/gate', () => {
  it('never lets more run than its width, whatever ends when, and lets all run in the order they came', async () => {
    const plan = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), plan, async (width, picks) => {
        const { started, ends, start } = openTasks(width)
        const done = new Set<number>()
        const results = picks.map((_, id) => start(id).then((result) => done.add(result)))
        for (const pick of picks) {
          await settle()
          const running = started.filter((id) => !done.has(id))
          assert.equal(running.length, Math.min(width, picks.length - done.size))
          ends[running[pick % running.length] ?? 0]?.()
        }
        await Promise.all(results)
        assert.deepEqual(
          started,
          picks.map((_, id) => id),
        )
      }),
      { numRuns: 50 },
    )
  })

  it('gives the place of a task that fails to the next, and the fault to its caller', async () => {
    const gate = createGate({ width: 1, waiting: 1 })
    const failing = gate.run(() => Promise.reject(new Error('broken')))
    const next = gate.run(async () => 'next')
    await assert.rejects(failing, /broken/)
    assert.equal(await next, 'next')
    assert.equal(await gate.run(async () => 'later'), 'later')
  })

  it('counts as full once so many wait, and no longer when one got its turn', async () => {
    const { gate, ends, start } = openTasks(2, 1)
    const first = [start(0), start(1)]
    assert.equal(gate.isFull(), false)
    const last = start(2)
    assert.equal(gate.isFull(), true)
    await settle()
    ends[0]?.()
    await settle()
    assert.equal(gate.isFull(), false)
    ends[1]?.()
    ends[2]?.()
    assert.deepEqual(await Promise.all([...first, last]), [0, 1, 2])
  })

  it('lets nobody who comes later in before those who wait', async () => {
    const { started, ends, start } = openTasks(1)
    const all = [start(0), start(1)]
    await settle()
    ends[0]?.()
    await all[0]
    all.push(start(2))
    await settle()
    assert.deepEqual(started, [0, 1])
    ends[1]?.()
    await settle()
    ends[2]?.()
    await Promise.all(all)
  })
})
