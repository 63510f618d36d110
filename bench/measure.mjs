import { needsRedis, windowId } from './plan.mjs'
import { openWindow } from './window.mjs'

/** So many flows of one server, then as many of the next: what disturbs the machine for seconds meets all alike. */
const BATCH = 50

const openAll = async (windows, { jwk, warmUp, flows, redis }) => {
  const all = []
  try {
    for (const { flow, variant } of windows) {
      const settings = { variant, jwk, redisUrl: redis?.url }
      all.push({ id: windowId({ flow, variant }), variant, ...(await openWindow({ settings, flow, warmUp, flows })) })
    }
    return all
  } catch (error) {
    await closeAll(all)
    throw error
  }
}

const closeAll = (all) => Promise.all(all.map(({ close }) => close()))

const usageOf = async ({ server, variant }, redis) => ({
  server: (await server.usage()).cpuMicroseconds,
  redis: needsRedis(variant) ? await redis.cpuMicroseconds() : 0,
})

const costOf = async (window, redis, start, count) => {
  const before = await usageOf(window, redis)
  await window.run(start, count)
  const after = await usageOf(window, redis)
  return { server: after.server - before.server, redis: after.redis - before.redis }
}

/**
 * Measures windows side by side, each in a fresh server process that stays up until all are done: CPU milliseconds
 * of one flow, of the server and of Redis, by window.
 *
 * @param {readonly { flow: string, variant: object }[]} windows
 * @param {{ jwk: object, warmUp: number, flows: number, redis?: Awaited<ReturnType<typeof import('./redis-server.mjs').startRedis>> }} options
 */
export const measure = async (windows, options) => {
  const { flows, redis } = options
  await redis?.clear()
  const all = await openAll(windows, options)
  const costs = Object.fromEntries(all.map(({ id }) => [id, { server: 0, redis: 0 }]))
  try {
    for (let start = 0; start < flows; start += BATCH) {
      for (const window of (start / BATCH) % 2 === 0 ? all : all.toReversed()) {
        const { server, redis: ofRedis } = await costOf(window, redis, start, Math.min(BATCH, flows - start))
        costs[window.id].server += server / 1000 / flows
        costs[window.id].redis += ofRedis / 1000 / flows
      }
    }
    return costs
  } finally {
    await closeAll(all)
  }
}
