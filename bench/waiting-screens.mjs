import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent } from './browser.mjs'
import { DEVICE_KEY } from './device.mjs'
import { createFlows } from './flows.mjs'
import { inParallel } from './parallel.mjs'
import { createPeople } from './people.mjs'
import { startServer } from './server-process.mjs'
import { shareOf } from './statistics.mjs'

/** Sign-ins to their end, before anything is measured: what is compiled and kept for good is there by then. */
const WARM_UP = 300
/** Answers come one after the other, so that none waits for another's. */
const PAUSE_MILLISECONDS = 20
const SETTLE_MILLISECONDS = 3000
/** A stream ends by itself after so long, and so does what a device can answer. */
const STREAM_SECONDS = 300

const now = () => performance.now()

/** Memory after its garbage is collected, and what it holds. */
const lookAt = async (server) => {
  await server.collect()
  await server.collect()
  const { rss, heapUsed } = await server.usage()
  return { rss, heapUsed, ...(await server.held()) }
}

/** CPU seconds a minute while nothing is asked of it. */
const restFor = async (seconds, { server, redis }) => {
  const read = async () => [(await server.usage()).cpuMicroseconds, await redis?.cpuMicroseconds()]
  const [before, startedAt] = [await read(), now()]
  await sleep(seconds * 1000)
  const [after, minutes] = [await read(), (now() - startedAt) / 60_000]
  const [ofServer, ofRedis] = after.map((used, index) => (used - before[index]) / 1e6 / minutes)
  return { server: ofServer, ...(redis === undefined ? {} : { redis: ofRedis }) }
}

/** One device answers: milliseconds until its answer is taken, and until the page is told. */
const answerOne = async ({ device, number, stream }) => {
  const approval = device.approval(await device.pending(), number)
  const told = new Promise((resolve, reject) => {
    stream.listen((name) => (name === 'changed' ? resolve(now()) : reject(new Error(`${name} was told`))))
    stream.ended.then(() => reject(new Error('the stream ended and told nothing')))
  })
  const sentAt = now()
  const [takenAt, toldAt] = await Promise.all([device.send(approval).then(now), told])
  await stream.ended
  return { taken: takenAt - sentAt, told: toldAt - sentAt }
}

const answerSome = async (screens, goOn) => {
  const times = []
  for (const screen of screens) {
    times.push(await answerOne(screen))
    await goOn(screen)
    await sleep(PAUSE_MILLISECONDS)
  }
  const summaryOf = (name) => {
    const values = times.map((one) => one[name])
    return { median: shareOf(values, 0.5), most: shareOf(values, 0.95) }
  }
  return { taken: summaryOf('taken'), told: summaryOf('told') }
}

const openAll = async (screens) => {
  const streams = await inParallel(screens.length, async (index) => {
    const { browser, events } = screens[index]
    const stream = await browser.listen(events)
    assert.deepEqual(stream.events, ['same'])
    return { ...screens[index], stream }
  })
  await sleep(SETTLE_MILLISECONDS)
  return streams
}

/** The tabs are closed: not one page was told of what was somebody else's. */
const closeAll = async (screens) => {
  for (const { stream } of screens) {
    assert.deepEqual(stream.events, ['same'])
    stream.close()
  }
  await Promise.all(screens.map(({ stream }) => stream.ended))
  await sleep(SETTLE_MILLISECONDS)
}

/** So many of them, evenly apart. */
const pick = (all, count) => Array.from({ length: count }, (_, index) => all[Math.floor((index * all.length) / count)])

const hold = async ({ flows, server, redis, agent, count, seconds, answers }) => {
  await inParallel(WARM_UP, flows.push.run)
  const startedAt = now()
  const screens = await inParallel(count, flows.push.ask)
  // The browsers' other connections are no part of the streams.
  agent.destroy()
  await sleep(SETTLE_MILLISECONDS)
  const shown = await lookAt(server)
  const waiting = await openAll(screens)
  const held = await lookAt(server)
  const busy = await restFor(seconds, { server, redis })
  const answered = new Set(pick(waiting, answers))
  const times = await answerSome(answered, flows.push.goOn)
  if (now() - startedAt > STREAM_SECONDS * 1000)
    throw new Error('too slow: streams ended by themselves; fewer --screens')
  await closeAll(waiting.filter((screen) => !answered.has(screen)))
  agent.destroy()
  await sleep(SETTLE_MILLISECONDS)
  const after = await lookAt(server)
  const idle = await restFor(Math.min(seconds, 20), { server, redis })
  return {
    settings: { screens: count, seconds, answers },
    moments: [shown, held, after],
    cpu: { waiting: busy, idle },
    ...times,
  }
}

/**
 * Sign-in pages of as many accounts and browsers, all waiting at once with a stream each, at one server process: what
 * that costs, and how soon a page is told that its device has answered.
 *
 * @param {{ settings: object, screens: number, seconds: number, answers: number, redis?: Awaited<ReturnType<typeof import('./redis-server.mjs').startRedis>> }} options
 * @throws Error where a page was told nothing, or something else, or a stream did not end
 */
export const holdScreens = async ({ settings, screens, seconds, answers, redis }) => {
  const people = WARM_UP + screens
  const server = await startServer({ ...settings, people, deviceKey: DEVICE_KEY })
  const agent = createAgent()
  try {
    const flows = createFlows({ issuer: server.issuer, agent, jwk: settings.jwk, people: createPeople(people) })
    return await hold({ flows, server, redis, agent, count: screens, seconds, answers })
  } catch (cause) {
    throw new Error(`${settings.variant.id}: ${cause.message}\n${server.complaints()}`, { cause })
  } finally {
    agent.destroy()
    await server.close()
  }
}
