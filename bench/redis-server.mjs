import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'

const HOST = '127.0.0.1'
const START_MILLISECONDS = 10_000
const ADVICE = 'install it (Debian: apt-get install redis-server), name it in REDIS_SERVER, or run with --only memory'

const freePort = async () => {
  const server = createServer()
  server.listen(0, HOST)
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

const numbersOf = (info) =>
  Object.fromEntries([...info.matchAll(/^(\w+):([\d.]+)\r?$/gm)].map(([, name, value]) => [name, Number(value)]))

const connect = async (url, gone) => {
  const client = createClient({ url, socket: { reconnectStrategy: () => 50 } })
  // Refused until it listens; what is really wrong shows as its end or as the timeout.
  client.on('error', () => undefined)
  const late = AbortSignal.timeout(START_MILLISECONDS)
  const failed = Promise.race([gone, once(late, 'abort')]).then(() => false)
  if (await Promise.race([client.connect().then(() => true), failed])) return client
  client.destroy()
  return undefined
}

/** Asks a running server what it did and what it holds. */
const createInspector = (client) => {
  const info = async (section) => numbersOf(await client.info(section))
  return {
    client,
    /** CPU microseconds since its start, as the operating system accounts them to it. */
    async cpuMicroseconds() {
      const { used_cpu_sys: system, used_cpu_user: user } = await info('cpu')
      return Math.round((system + user) * 1e6)
    },
    usedMemory: async () => (await info('memory')).used_memory,
    version: async () => /redis_version:(\S+)/.exec(await client.info('server'))?.[1],
    keys: () => client.dbSize(),
    clear: () => client.flushAll(),
  }
}

/**
 * Starts a Redis server of its own, on loopback, without persistence.
 *
 * @throws Error where there is no `redis-server`, with what to do about it
 */
export const startRedis = async () => {
  const program = process.env.REDIS_SERVER || 'redis-server'
  const folder = mkdtempSync(join(tmpdir(), 'bench-redis-'))
  const port = await freePort()
  const settings = ['--port', port, '--bind', HOST, '--save', '', '--appendonly', 'no', '--dir', folder]
  const child = spawn(program, settings.map(String), { stdio: 'ignore' })
  const gone = new Promise((resolve) => child.once('exit', resolve).once('error', resolve))
  const url = `redis://${HOST}:${port}`
  const client = await connect(url, gone)
  const remove = () => {
    child.kill()
    rmSync(folder, { recursive: true, force: true })
  }
  // Whoever interrupts a run leaves no server behind.
  process.once('exit', remove)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  if (client === undefined) {
    remove()
    throw new Error(`${program} does not start: ${ADVICE}`)
  }
  return {
    url,
    port,
    ...createInspector(client),
    async close() {
      client.destroy()
      process.off('exit', remove)
      remove()
      await gone
    },
  }
}
