import { watchMachine } from './machine.mjs'
import { listOf, readOptions } from './options.mjs'
import { generateSigningKey, VARIANTS } from './plan.mjs'
import { startRedis } from './redis-server.mjs'
import { machineLine, waitingLine, waitingTable } from './report.mjs'
import { writeResults } from './results.mjs'
import { holdScreens } from './waiting-screens.mjs'

// npm run build && node bench/waiting.mjs --screens 1000 --seconds 60 --answers 100
// Sign-in pages that wait for a device, all at once, each with an open stream of events.

const { screens, seconds, answers, only } = readOptions({
  screens: 1000,
  seconds: 60,
  answers: 100,
  only: 'memory,redis',
})
if (answers > screens) throw new Error('--answers: allowed: not more than --screens')

const STORAGES = { memory: VARIANTS.oursPush, redis: VARIANTS.oursPushRedis }

const run = async (storage, jwk) => {
  const redis = storage === 'redis' ? await startRedis() : undefined
  try {
    const settings = { variant: STORAGES[storage], jwk, redisUrl: redis?.url }
    return { version: await redis?.version(), ...(await holdScreens({ settings, redis, screens, seconds, answers })) }
  } finally {
    await redis?.close()
  }
}

const endOfWatch = watchMachine()
const jwk = generateSigningKey()
const results = {}
for (const storage of listOf(only)) results[storage] = await run(storage, jwk)
const machine = { ...endOfWatch(), redis: results.redis?.version }
console.log(`${waitingLine(results)} ${machineLine(machine)}.\n`)
console.log(waitingTable(results))
console.log(`\nWritten to ${writeResults('waiting', { machine, results })}`)
