import { writeFileSync } from 'node:fs'
import mocha from 'mocha'

const LINGER_SECONDS = 10

/**
 * Mocha's `spec` reporter, which also writes `{ passed, failed, finished }` to the file that `TOTALS_FILE`
 * names. `finished` is false where the process ended before the last test or with an error after it, and
 * where something still kept it alive long after the last test.
 */
export default function reporter(runner, options) {
  let finished = false
  process.once('exit', (code) => {
    const { passes, failures } = runner.stats
    const totals = { passed: passes, failed: failures, finished: finished && code === 0 }
    if (process.env.TOTALS_FILE) writeFileSync(process.env.TOTALS_FILE, JSON.stringify(totals))
  })
  runner.once('end', () => {
    finished = true
    setTimeout(() => {
      console.error(`Still open after the last test: ${process.getActiveResourcesInfo().join(', ')}`)
      process.exit(1)
    }, LINGER_SECONDS * 1000).unref()
  })
  return new mocha.reporters.Spec(runner, options)
}
