import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent } from './browser.mjs'
import { createFlows } from './flows.mjs'
import { createPeople } from './people.mjs'
import { startServer } from './server-process.mjs'
import { growthOf, lowest } from './statistics.mjs'

/** So many that a person comes around again long after the code's thirty seconds. */
const PEOPLE = 30_000
const LOAD = 0.8
const CALIBRATION_SECONDS = 20
const SAMPLE_SECONDS = 5
/** The lowest heap of so long is what stands right after a collection. */
const HEAP_SECONDS = 60
/** A server that falls behind is not pressed any harder: what would come on top is counted as left out. */
const MOST_AT_ONCE = 64
const TICK_MILLISECONDS = 20

const now = () => performance.now() / 1000

/** Flows as fast as they come, by eight browsers: what the server can do. */
const saturate = async (run, seconds) => {
  const endsAt = now() + seconds
  let done = 0
  const browser = async () => {
    while (now() < endsAt) {
      await run()
      done += 1
    }
  }
  await Promise.all(Array.from({ length: 8 }, browser))
  return done / seconds
}

/** Flows at a steady rate, whether or not earlier ones are done. */
const pace = async (run, rate, seconds) => {
  const startedAt = now()
  const open = new Set()
  const counts = { done: 0, leftOut: 0 }
  let failed
  const start = () => {
    const flow = run().then(
      () => {
        open.delete(flow)
        counts.done += 1
      },
      (error) => {
        failed ??= error
      },
    )
    open.add(flow)
  }
  let due = 0
  while (now() - startedAt < seconds && failed === undefined) {
    const target = Math.floor((now() - startedAt) * rate)
    for (; due < target; due += 1) {
      if (open.size < MOST_AT_ONCE) start()
      else counts.leftOut += 1
    }
    await sleep(TICK_MILLISECONDS)
  }
  await Promise.all(open)
  if (failed !== undefined) throw failed
  return counts
}

const watch = (server, isOver) => {
  const startedAt = now()
  const samples = []
  const watching = (async () => {
    while (!isOver()) {
      const { rss, heapUsed } = await server.usage()
      samples.push({ at: now() - startedAt, rss, heapUsed })
      await sleep(SAMPLE_SECONDS * 1000)
    }
  })()
  return { samples, watching }
}

/**
 * TOTP logins at 80 % of what the server can do, for minutes on end: how its memory grows once it has settled.
 *
 * @param {{ settings: object, minutes: number, settleMinutes: number }} options
 */
export const endure = async ({ settings, minutes, settleMinutes }) => {
  const server = await startServer({ ...settings, people: PEOPLE })
  const agent = createAgent()
  try {
    const flows = createFlows({ issuer: server.issuer, agent, jwk: settings.jwk, people: createPeople(PEOPLE) })
    const most = await saturate(flows.login.run, CALIBRATION_SECONDS)
    let isOver = false
    const { samples, watching } = watch(server, () => isOver)
    const counts = await pace(flows.login.run, LOAD * most, minutes * 60).finally(() => {
      isOver = true
    })
    await watching
    const [from, to] = [settleMinutes * 60, minutes * 60]
    const within = samples.filter(({ at }) => at < to)
    return {
      settings: { minutes, settleMinutes },
      flowsPerSecond: { most, asked: LOAD * most, done: counts.done / to, leftOut: counts.leftOut },
      growth: {
        rss: growthOf(within, 'rss', from),
        heapUsed: growthOf(lowest(within, 'heapUsed', HEAP_SECONDS), 'heapUsed', from),
      },
      samples,
    }
  } catch (cause) {
    throw new Error(`${cause.message}\n${server.complaints()}`, { cause })
  } finally {
    agent.destroy()
    await server.close()
  }
}
