import { endure } from './endurance.mjs'
import { watchMachine } from './machine.mjs'
import { leaveOpen } from './open-interactions.mjs'
import { listOf, readOptions } from './options.mjs'
import { generateSigningKey, VARIANTS } from './plan.mjs'
import { startRedis } from './redis-server.mjs'
import { enduranceLines, machineLine, openLines } from './report.mjs'
import { writeResults } from './results.mjs'

// npm run build && node bench/memory.mjs --minutes 10 --settle-minutes 3
// On a slow machine, give the open interactions more time with --life-seconds.

const options = readOptions({ only: 'open,endurance', minutes: 10, 'settle-minutes': 3, 'life-seconds': 120 })
if (options.minutes <= options['settle-minutes']) throw new Error('--minutes: allowed: more than --settle-minutes')

const RUNS = {
  open: { run: (tools) => leaveOpen({ ...tools, lifeSeconds: options['life-seconds'] }), linesOf: openLines },
  endurance: {
    run: (tools) => endure({ ...tools, minutes: options.minutes, settleMinutes: options['settle-minutes'] }),
    linesOf: enduranceLines,
  },
}

const redis = await startRedis()
try {
  const settings = { variant: VARIANTS.oursRedis, jwk: generateSigningKey(), redisUrl: redis.url }
  for (const name of listOf(options.only)) {
    const { run, linesOf } = RUNS[name]
    const endOfWatch = watchMachine({ redis: await redis.version() })
    await redis.clear()
    const results = await run({ settings, redis })
    const machine = endOfWatch()
    console.log(`${machineLine(machine)}.`)
    for (const line of linesOf(results)) console.log(line)
    console.log(`Written to ${writeResults(name, { machine, results })}\n`)
  }
} finally {
  await redis.close()
}
