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
  push: 'push login',
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

const timesText = ({ median, most }) => `${median.toFixed(1)} / ${most.toFixed(1)} ms`
const sizes = (moments, name) => moments.map((moment) => megabytes(moment[name])).join(' / ')
const counts = (moments, name) => moments.map((moment) => moment[name]).join(' / ')

const STORAGES = { memory: 'memory', redis: 'Redis' }

/** What there is to say of screens that wait, and how. */
const WAITING = {
  'resident memory: pages shown / all waiting / after': ({ moments }) => sizes(moments, 'rss'),
  'heap after collection: the same': ({ moments }) => sizes(moments, 'heapUsed'),
  'connections: the same': ({ moments }) => counts(moments, 'connections'),
  'timers: the same': ({ moments }) => counts(moments, 'timers'),
  'CPU seconds per minute, all waiting': ({ cpu }) => cpu.waiting.server.toFixed(2),
  'the same of the Redis server': ({ cpu }) => (cpu.waiting.redis === undefined ? '' : cpu.waiting.redis.toFixed(2)),
  'CPU seconds per minute, nobody left': ({ cpu }) => cpu.idle.server.toFixed(2),
  'answer sent to page told: median / 95th percentile': ({ told }) => timesText(told),
  'answer sent to answer taken: the same': ({ taken }) => timesText(taken),
}

/** @param {Record<string, object>} results - As `holdScreens` answers them, by storage */
export const waitingTable = (results) => {
  const all = Object.values(results)
  return table(
    ['', ...Object.keys(results).map((storage) => STORAGES[storage])],
    Object.entries(WAITING).map(([name, textOf]) => [name, ...all.map(textOf)]),
  )
}

/** @param {Record<string, object>} results */
export const waitingLine = (results) => {
  const { screens, seconds, answers } = Object.values(results)[0].settings
  return `${screens} screens, ${seconds} s of waiting, ${answers} answers.`
}

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
