import { readOptions } from './options.mjs'
import { generateSigningKey, PREFIXES, VARIANTS } from './plan.mjs'
import { startRedis } from './redis-server.mjs'
import { ticksTable } from './report.mjs'
import { writeResults } from './results.mjs'
import { summarize } from './statistics.mjs'
import { openWindow } from './window.mjs'
import { startWire } from './wire.mjs'

// npm run build && node bench/ticks.mjs
// Round trips and commands of one flow, counted between server and Redis, one browser at a time.

const options = readOptions({ flows: 20, 'warm-up': 16, out: 'ticks' })

const { bareRedis, bareAdapter, oursRedis } = VARIANTS
const ROWS = ['password', 'login', 'step-up', 'sso'].flatMap((flow) =>
  [bareRedis, bareAdapter, oursRedis].map((variant) => ({ flow, variant })),
)

const isOwn = ({ key }) => key.startsWith(`${PREFIXES.store}:`)

const countsOf = (trips) => ({
  commands: trips.flat().length,
  trips: trips.length,
  own: trips.flat().filter(isOwn).length,
  ownTrips: trips.filter((commands) => commands.every(isOwn)).length,
})

const median = (all, name) => summarize(all.map((counts) => counts[name])).median

/** A background command of a client, such as a PING, can fall into a flow; the median of many flows knows none. */
const measure = async ({ flow, variant }, wire, jwk) => {
  const { flows, 'warm-up': warmUp } = options
  const window = await openWindow({ settings: { variant, jwk, redisUrl: wire.url }, flow, warmUp, flows })
  const all = []
  let last = []
  try {
    wire.take()
    for (let index = 0; index < flows; index += 1) {
      await window.run(index, 1)
      last = wire.take()
      all.push(countsOf(last))
    }
  } finally {
    await window.close()
  }
  const names = ['commands', 'trips', 'own', 'ownTrips']
  return {
    flow,
    variant: variant.id,
    ...Object.fromEntries(names.map((name) => [name, median(all, name)])),
    last: last.map((commands) => commands.map(({ name, key }) => `${name} ${key.split(':').slice(0, 2).join(':')}`)),
  }
}

const redis = await startRedis()
const wire = await startWire(redis.port)
try {
  const jwk = generateSigningKey()
  const rows = []
  for (const row of ROWS) {
    await redis.clear()
    rows.push(await measure(row, wire, jwk))
  }
  console.log(ticksTable(rows))
  console.log(`\nWritten to ${writeResults(options.out, { options, rows })}`)
} finally {
  await wire.close()
  await redis.close()
}
