import { setTimeout as sleep } from 'node:timers/promises'
import { PREFIXES } from './plan.mjs'
import { openWindow } from './window.mjs'

const OPEN = 10_000
const WARM_UP = 200
/** A record of ours outlives its session once over, and a row its life by a minute; what is not gone by then stays. */
const PATIENCE = 4

/** Everything that oidc-provider keeps ends after so long, and with it all that we keep for it. */
const livesOf = (seconds) => ({
  AccessToken: seconds,
  AuthorizationCode: seconds,
  Grant: seconds,
  Interaction: seconds,
  Session: seconds,
})

/** Account records are there to stay, and so is the list of the keys that they are sealed with. */
const isDurable = (key) => key.startsWith(`${PREFIXES.store}:account:`) || key === `${PREFIXES.store}:sealing-keys`

/** Durable keys, and keys that should have a TTL and have none. */
const survey = async ({ client }) => {
  const found = { keys: 0, durable: 0, endless: [] }
  for await (const keys of client.scanIterator({ COUNT: 1000 })) {
    const lives = await Promise.all(keys.map((key) => client.ttl(key)))
    keys.forEach((key, index) => {
      found.keys += 1
      if (isDurable(key)) found.durable += 1
      else if (lives[index] === -1) found.endless.push(key)
    })
  }
  return found
}

const emptied = async (redis, durable, patienceSeconds) => {
  const startedAt = performance.now()
  while (performance.now() - startedAt < patienceSeconds * 1000) {
    if ((await redis.keys()) <= durable) break
    await sleep(1000)
  }
  return { keysLeft: await redis.keys(), seconds: (performance.now() - startedAt) / 1000 }
}

/**
 * Ten thousand sign-ins that give their password and leave the page of the factor open: every key has a TTL, and the
 * memory comes back once they have expired.
 *
 * @param {{ settings: object, lifeSeconds: number, redis: Awaited<ReturnType<typeof import('./redis-server.mjs').startRedis>> }} options
 */
export const leaveOpen = async ({ settings, lifeSeconds, redis }) => {
  const window = await openWindow({
    settings: { ...settings, ttl: livesOf(lifeSeconds) },
    flow: 'abandoned',
    warmUp: WARM_UP,
    flows: OPEN,
  })
  try {
    const { durable } = await survey(redis)
    const before = await redis.usedMemory()
    const startedAt = performance.now()
    await window.run(0, OPEN)
    if (performance.now() - startedAt > lifeSeconds * 1000)
      throw new Error('too slow: the first ended before the last began; set --life-seconds')
    const full = await redis.usedMemory()
    const { endless, keys } = await survey(redis)
    const { keysLeft, seconds } = await emptied(redis, durable, PATIENCE * lifeSeconds)
    await redis.client.sendCommand(['MEMORY', 'PURGE'])
    const after = await redis.usedMemory()
    return {
      open: OPEN,
      keys,
      durable,
      endless,
      keysLeft: keysLeft - durable,
      seconds,
      memory: { before, full, after },
    }
  } finally {
    await window.close()
  }
}
