import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const SERVER = fileURLToPath(new URL('server.mjs', import.meta.url))

/**
 * Starts the server of one variant as a child process, and asks it what it used.
 *
 * @param {object} settings - As `createParts` takes them
 */
export const startServer = async (settings) => {
  const env = { ...process.env, NODE_ENV: 'production' }
  const child = fork(SERVER, { execArgv: ['--expose-gc'], env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let complaints = ''
  child.stderr.on('data', (chunk) => {
    complaints += chunk
  })
  const gone = once(child, 'exit')
  const answer = async () => {
    const first = await Promise.race([once(child, 'message'), gone.then(() => undefined)])
    if (first === undefined) throw new Error(`the server of "${settings.variant.id}" ended: ${complaints}`)
    return first[0]
  }
  const ask = async (question) => {
    child.send({ ask: question })
    return (await answer()).answer
  }

  child.send(settings)
  const { issuer } = await answer()
  return Object.freeze({
    issuer,
    /** CPU microseconds of all its threads since its start, as the operating system accounts them, and its memory in bytes. */
    usage: () => ask('usage'),
    /** Collects its garbage. */
    collect: () => ask('collect'),
    /** How many connections and timers it holds. */
    held: () => ask('held'),
    /** Begins a CPU profile. */
    profile: () => ask('profile'),
    /** Ends the CPU profile and answers it. */
    profiled: () => ask('profiled'),
    /** What it wrote to its standard error. */
    complaints: () => complaints,
    async close() {
      child.kill()
      await gone
    },
  })
}
