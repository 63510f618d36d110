import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { findPrograms } from './setup/programs.mjs'
import { STRIPPED, strip } from './setup/strip.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = path.join(root, 'node_modules')

const readTotals = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return { passed: 0, failed: 0, finished: false }
  }
}

/** Rooms whose tests wait most, for servers, browsers and time-outs: begun first, so that the others fill their pauses. */
const SLOW = ['faults', 'store', 'mounts', 'cli', 'journeys/browser', 'journeys/model', 'package']

const testFiles = () => {
  const rank = (file) => (SLOW.findIndex((room) => file.startsWith(room)) + SLOW.length + 1) % (SLOW.length + 1)
  return readdirSync(path.join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => file.split(path.sep).join('/'))
    .sort((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1))
    .map((file) => `test/${file}`)
}

/** Files run side by side: a test waits for a browser or a hash half of its time. */
const JOBS = 4

const runMocha = async (folder, paths, mochaArguments, covered) => {
  const totalsFile = path.join(folder, 'totals.json')
  const mocha = [path.join(modules, 'mocha/bin/mocha.js'), '--reporter', path.join(root, 'test/support/reporter.mjs')]
  const coverage = [
    path.join(modules, 'c8/bin/c8.js'),
    '--temp-directory',
    path.join(folder, 'coverage'),
    process.execPath,
  ]
  const whole = mochaArguments.length === 0
  const run = whole ? [...mocha, '--parallel', '--jobs', String(JOBS), ...testFiles()] : [...mocha, ...mochaArguments]
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
