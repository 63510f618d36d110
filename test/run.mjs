import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { findPrograms } from './setup/programs.mjs'
import { removeTests, STRIPPED, STRIPPED_TESTS, strip, stripTests } from './setup/strip.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = path.join(root, 'node_modules')

const readTotals = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return { passed: 0, failed: 0, finished: false }
  }
}

/** Rooms whose tests wait most: for servers, browsers and time-outs. Among them, those begun first take longest. */
const WAITING = [
  'journeys/browser/looks',
  'package',
  'journeys/browser/authenticator.test',
  'journeys/browser',
  'faults',
  'cli',
  'mounts',
  'store',
]

/** Rooms whose tests wait for nothing and take long. */
const LONG = ['journeys/model', 'journeys', 'security', 'policy']

/** In the order of these rooms, and those of no such room at the end. */
const inOrder = (files, rooms) => {
  const rank = (file) => (rooms.findIndex((room) => file.startsWith(room)) + rooms.length + 1) % (rooms.length + 1)
  return files.toSorted((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1))
}

/**
 * Those that wait are spread among those that do not, in whose work their pauses go by; small ones come last, so that
 * all processes end at about the same time.
 */
const testFiles = () => {
  const files = readdirSync(path.join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => file.split(path.sep).join('/'))
  const isWaiting = (file) => WAITING.some((room) => file.startsWith(room))
  const waiting = inOrder(files.filter(isWaiting), WAITING)
  const busy = inOrder(
    files.filter((file) => !isWaiting(file)),
    LONG,
  )
  return busy.flatMap((file, index) => [...waiting.slice(index, index + 1), file]).concat(waiting.slice(busy.length))
}

/** Files run side by side: a test waits for a browser or a server half of its time. */
const JOBS = 5

/** What mocha is told for all files. Measured is the source as it is; else source and tests are stripped once for all. */
const wholeSuite = (covered) => {
  const parallel = ['--parallel', '--jobs', String(JOBS)]
  if (covered) return [...parallel, ...testFiles().map((file) => `test/${file}`)]
  stripTests(root)
  const { timeout } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).mocha
  const options = ['--no-package', '--no-config', '--forbid-only', '--timeout', timeout]
  const hooks = ['--require', path.join(root, STRIPPED_TESTS, 'setup/hooks.mjs')]
  return [...parallel, ...options, ...hooks, ...testFiles().map((file) => `${STRIPPED_TESTS}/${file.slice(0, -2)}js`)]
}

const runMocha = async (folder, paths, mochaArguments, covered) => {
  const totalsFile = path.join(folder, 'totals.json')
  const mocha = [path.join(modules, 'mocha/bin/mocha.js'), '--reporter', path.join(root, 'test/support/reporter.mjs')]
  const coverage = [
    path.join(modules, 'c8/bin/c8.js'),
    '--temp-directory',
    path.join(folder, 'coverage'),
    process.execPath,
  ]
  const run = mochaArguments.length === 0 ? [...mocha, ...wholeSuite(covered)] : [...mocha, ...mochaArguments]
  const command = covered ? [...coverage, ...run] : run
  const child = spawn(process.execPath, command, {
    cwd: root,
    env: { ...process.env, ...paths, TOTALS_FILE: totalsFile, STRIPPED: covered ? '' : STRIPPED },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  const [code] = await once(child, 'exit')
  return { code, ...readTotals(totalsFile) }
}

const run = async (mochaArguments, covered) => {
  const { paths, advice } = findPrograms()
  if (advice) {
    console.error(advice)
    return { passed: 0, failed: 1 }
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'oidc-step-up-test-'))
  try {
    strip(root)
    const { code, passed, failed, finished } = await runMocha(folder, paths, mochaArguments, covered)
    const sound = code === 0 && finished && passed > 0
    if (!sound && failed === 0) console.error('The run counts as failed: see above, or no test ran.')
    return { passed, failed: sound ? 0 : Math.max(failed, 1) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
    removeTests(root)
  }
}

const COVERAGE = '--coverage'
const given = process.argv.slice(2)
const { passed, failed } = await run(
  given.filter((argument) => argument !== COVERAGE),
  given.includes(COVERAGE),
)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
