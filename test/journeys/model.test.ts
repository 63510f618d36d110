import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import { histories, scenes } from './model.arbitraries.ts'
import { type Belongings, live, prepare } from './model.history.ts'
import type { History } from './model.moves.ts'
import type { Tally } from './model.world.ts'

/** Another seed, more runs, or the path that a failure reports: set by whoever looks for something. */
const { MODEL_SEED = '20261122', MODEL_RUNS = '24', MODEL_PATH } = process.env
const isUsual = process.env.MODEL_SEED === undefined && process.env.MODEL_RUNS === undefined && MODEL_PATH === undefined
const MOVES = 12
const SCENE_RUNS = 3

/** What these histories have to have seen, or they would hold whatever the code does. */
const SEEN: Readonly<Record<string, number>> = {
  'codes at urn:oidc-step-up:acr:1fa': 5,
  'codes at urn:test:recent': 25,
  'codes after a lift': 10,
  'codes of an app': 20,
  'answers refused': 5,
  'answers that came too fast': 1,
  'answers followed later': 1,
  'first apps': 5,
  'further apps': 1,
  'recovery codes used': 2,
  'browsers remembered': 10,
  'browsers copied': 7,
  'refreshes answered': 5,
  'refreshes refused, of dead tokens': 1,
  'silent code': 1,
  'silent interaction_required': 1,
  'silent login_required': 1,
  decline: 4,
  cancel: 2,
}

/** Runs on a clock that moves only where the work moves it: a history does not depend on how busy the machine is. */
const atStoppedClock = async <T>(work: (clock: VirtualClock) => Promise<T>): Promise<T> => {
  const { now } = Date
  const start = Math.ceil(now() / 60_000) * 60_000
  Date.now = () => start
  const clock = virtualClock()
  try {
    return await work(clock)
  } finally {
    clock.restore()
    Date.now = now
  }
}

describe('random histories against a model of what really happened', () => {
  const tally: Tally = new Map()
  let belongings: readonly Belongings[]
  /** The history that is under way; fast-check does not wait for it where the time is up. */
  let running: Promise<void> = Promise.resolve()

  before(async () => {
    belongings = await atStoppedClock((clock) => prepare(2, clock))
  })

  const run = (history: History): Promise<void> => {
    running = atStoppedClock((clock) => live(history, belongings, clock, tally))
    return running
  }

  const hold = async (test: Mocha.Context, parameters: fc.Parameters<unknown>, ...all: fc.Arbitrary<History>[]) => {
    test.timeout('150s')
    try {
      // Only shrinking takes that long: what was found by then is reported.
      for (const some of all)
        await fc.assert(fc.asyncProperty(some, run), { interruptAfterTimeLimit: 120_000, ...parameters })
    } finally {
      await running.catch(() => undefined)
    }
  }

  it('AC-41: no code, level or report that was not earned, in what chance hardly brings together', async function () {
    await hold(this, { seed: Number(MODEL_SEED), numRuns: SCENE_RUNS }, ...scenes)
  })

  it('AC-41: no code, level or report that was not earned, whatever people, thieves and operators do', async function () {
    const path = MODEL_PATH === undefined ? {} : { path: MODEL_PATH }
    await hold(this, { seed: Number(MODEL_SEED), numRuns: Number(MODEL_RUNS), ...path }, histories(MOVES))
    if (!isUsual) return
    const unseen = Object.entries(SEEN).filter(([what, least]) => (tally.get(what) ?? 0) < least)
    assert.deepEqual(unseen, [], `seen: ${JSON.stringify([...tally])}`)
  })
})
