import { windowId } from './plan.mjs'
import { summarize } from './statistics.mjs'

/** What each number of a round means: the server alone, or with the Redis server that works for it. */
const COSTS = {
  server: ({ server }) => server,
  sum: ({ server, redis }) => server + redis,
}

const ratiosOf = (rounds, ours, bare, cost) => rounds.map((round) => cost(round[ours]) / cost(round[bare]))

/**
 * Sets the windows of all rounds side by side: medians, and the median of the ratios that each round gives, with
 * their interquartile range. Windows that were not measured are left out.
 *
 * @param {readonly object[]} comparisons
 * @param {readonly Record<string, { server: number, redis: number }>[]} rounds - By window
 */
export const compareWindows = (comparisons, rounds) =>
  comparisons.flatMap(({ flow, bareFlow, storage, note, ours, bare, target }) => {
    const [oursId, bareId] = [windowId({ flow, variant: ours }), windowId({ flow: bareFlow, variant: bare })]
    if (rounds.some((round) => round[oursId] === undefined || round[bareId] === undefined)) return []
    const median = (id, cost) => summarize(rounds.map((round) => cost(round[id]))).median
    const row = { flow, storage, note, ours: ours.id, bare: bare.id, target }
    const costs = Object.entries(COSTS).map(([name, cost]) => [
      name,
      {
        ours: median(oursId, cost),
        bare: median(bareId, cost),
        ratio: summarize(ratiosOf(rounds, oursId, bareId, cost)),
      },
    ])
    return [{ ...row, ...Object.fromEntries(costs) }]
  })

const ratioText = ({ median, low, high }) => `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`
/** What flows are called in tables. */
const NAMES = {
  login: 'TOTP login',
  'step-up': 'step-up',
  sso: 'silent SSO',
  password: 'login without a factor',
  webauthn: 'WebAuthn login',
  email: 'email login',
}

const cellsOf = ({ flow, storage, note, server, sum, target }) => [
  NAMES[flow],
  note,
  server.bare.toFixed(2),
  server.ours.toFixed(2),
  ratioText(server.ratio),
  target === undefined ? '' : `≤ ${target.toFixed(2)}`,
  storage === 'memory' ? '' : `${sum.bare.toFixed(2)} → ${sum.ours.toFixed(2)}`,
  storage === 'memory' ? '' : ratioText(sum.ratio),
]

const HEADINGS = ['flow', 'storage', 'bare', 'ours', 'ratio (IQR)', 'target', 'with Redis', 'ratio (IQR)']

const line = (cells, widths) => `| ${cells.map((cell, index) => cell.padEnd(widths[index])).join(' | ')} |`

/**
 * A table that a terminal and Markdown both show well.
 *
 * @param {readonly string[]} headings
 * @param {readonly (readonly string[])[]} rows
 */
const table = (headings, rows) => {
  const widths = headings.map((_, index) => Math.max(...[headings, ...rows].map((cells) => cells[index].length)))
  const rule = widths.map((width) => '-'.repeat(width))
  return [headings, rule, ...rows].map((cells) => line(cells, widths)).join('\n')
}

/** @param {ReturnType<typeof compareWindows>} rows */
export const comparisonTable = (rows) => table(HEADINGS, rows.map(cellsOf))

/** @param {object} machine - As `watchMachine` tells it */
export const machineLine = ({ cpu, cores, node, oidcProvider, redis, load, stolenShare }) =>
  [
    `${cpu}, ${cores} cores`,
    `Node ${node}`,
    `oidc-provider ${oidcProvider}`,
    ...(redis === undefined ? [] : [`Redis ${redis}`]),
    `load average ${load.before.toFixed(1)} before, ${load.after.toFixed(1)} after`,
    `${(stolenShare * 100).toFixed(1)} % of CPU time stolen by the hypervisor`,
  ].join(', ')

const TICK_HEADINGS = [
  'flow',
  'server',
  'commands',
  'round trips',
  'commands for our records',
  'round trips only for them',
]

/** @param {readonly object[]} rows - As `ticks.mjs` counts them */
export const ticksTable = (rows) =>
  table(
    TICK_HEADINGS,
    rows.map(({ flow, variant, commands, trips, own, ownTrips }) =>
      [NAMES[flow], variant, commands, trips, own, ownTrips].map(String),
    ),
  )

const MEBIBYTE = 2 ** 20
const megabytes = (bytes) => `${(bytes / MEBIBYTE).toFixed(1)} MiB`
const growthText = ({ start, end, share }) => {
  const sign = share < 0 ? '−' : '+'
  return `${megabytes(start)} → ${megabytes(end)}, ${sign}${(Math.abs(share) * 100).toFixed(1)} %`
}

/**
 * What came of the interactions that were left open, in sentences.
 *
 * @param {object} results - As `leaveOpen` answers them
 */
export const openLines = ({ open, memory, keys, durable, endless, keysLeft, seconds }) => [
  `${open} open interactions: ${keys - durable} keys besides ${durable} durable ones, ${endless.length} of them without a TTL.`,
  `Redis held ${megabytes(memory.before)} before, ${megabytes(memory.full)} with them and ${megabytes(memory.after)} when they had expired, ${seconds.toFixed(0)} s later; ${keysLeft} of their keys were left.`,
]

/**
 * What came of the long run, in sentences.
 *
 * @param {object} results - As `endure` answers them
 */
export const enduranceLines = ({ flowsPerSecond, growth, settings }) => [
  `${settings.minutes} minutes of ${flowsPerSecond.done.toFixed(1)} TOTP logins a second, of ${flowsPerSecond.most.toFixed(1)} at most; ${flowsPerSecond.leftOut} more were left out because the server fell behind. From minute ${settings.settleMinutes} on:`,
  `resident memory of the server ${growthText(growth.rss)};`,
  `its heap after collections ${growthText(growth.heapUsed)}.`,
]
