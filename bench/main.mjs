import { watchMachine } from './machine.mjs'
import { measure } from './measure.mjs'
import { listOf, readOptions } from './options.mjs'
import { chosenBy, generateSigningKey, groupsOf } from './plan.mjs'
import { startRedis } from './redis-server.mjs'
import { compareWindows, comparisonTable, machineLine } from './report.mjs'
import { writeResults } from './results.mjs'

// npm run bench -- --rounds 5 --flows 400 --only login,memory
// `--only` keeps the comparisons whose flow and storage it names: login, webauthn, email, push, step-up, sso, password; memory, redis.

const options = readOptions({ rounds: 5, flows: 400, 'warm-up': 1200, only: '', out: 'cpu' })

const comparisons = chosenBy(listOf(options.only))
const groups = groupsOf(comparisons)

const tell = (round, costs) => {
  for (const [id, { server, redis }] of Object.entries(costs))
    process.stderr.write(
      `round ${round}  ${id}: ${server.toFixed(2)} ms${redis > 0 ? `, Redis ${redis.toFixed(2)} ms` : ''}\n`,
    )
}

/** Every other round goes the other way round, so that what drifts meets both sides alike. */
const runRound = async (index, tools) => {
  const round = {}
  for (const group of index % 2 === 0 ? groups : groups.toReversed()) {
    const costs = await measure(index % 2 === 0 ? group : group.toReversed(), tools)
    tell(index + 1, costs)
    Object.assign(round, costs)
  }
  return round
}

const run = async (redis) => {
  const { rounds: count, flows, 'warm-up': warmUp } = options
  const endOfWatch = watchMachine({ redis: await redis?.version() })
  const jwk = generateSigningKey()
  const rounds = []
  for (let index = 0; index < count; index += 1) rounds.push(await runRound(index, { jwk, warmUp, flows, redis }))
  return { options, machine: endOfWatch(), rows: compareWindows(comparisons, rounds), rounds }
}

const redis = comparisons.some(({ storage }) => storage === 'redis') ? await startRedis() : undefined
try {
  const results = await run(redis)
  console.log(
    `CPU milliseconds per flow; ${options.rounds} rounds of ${options.flows} flows after ${options['warm-up']}.`,
  )
  console.log(`${machineLine(results.machine)}.\n`)
  console.log(comparisonTable(results.rows))
  console.log(`\nWritten to ${writeResults(options.out, results)}`)
} finally {
  await redis?.close()
}
