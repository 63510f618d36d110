import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'

const PATIENCE_MILLISECONDS = 20_000
const MAX_TRIES = 20

/*
 * Below the ports that the system gives to others: one stays free while its server is dead. A Cluster's bus is
 * 10,000 above, and below them too.
 */
const PORTS = [10_000, 22_000] as const

/** A port that nobody is likely to have; whoever binds it finds out. */
export const anyPort = (): number => randomInt(...PORTS)

const children = new Set<ChildProcess>()
const folders = new Set<string>()

const removeFolder = (folder: string) => {
  folders.delete(folder)
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

const clear = () => {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) removeFolder(folder)
}

// The last resort where a test never came to its end. Other signals reach the servers too, or end in an exit.
process.once('exit', clear)
for (const signal of ['SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    clear()
    process.kill(process.pid, signal)
  })

/** A folder for one server's files. */
export const createFolder = () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'oidc-step-up-redis-'))
  folders.add(folder)
  return {
    path: folder,
    /** Removes all that is in it. */
    empty: () => {
      for (const name of readdirSync(folder)) rmSync(path.join(folder, name), { recursive: true, force: true })
    },
    remove: () => removeFolder(folder),
  }
}

/** One running redis-server. */
export interface RedisProcess {
  readonly pid: number
  readonly isAlive: () => boolean
  readonly signal: (signal: NodeJS.Signals) => void
  /** SIGKILL, and waits for the end: no answer, no farewell, no last write. */
  readonly kill: () => Promise<void>
}

const READY = /Ready to accept connections|Sentinel ID is/
const TAKEN = /Address already in use|Failed listening on port|bind: /

const serving = async (child: ChildProcess): Promise<'ready' | 'taken'> => {
  const log: string[] = []
  const ended = new Error(`redis-server did not start`)
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) =>
      log.some((line) => TAKEN.test(line))
        ? resolve('taken')
        : reject(Object.assign(ended, { message: `${ended.message}:\n${log.join('\n')}`, cause }))
    const timer = setTimeout(() => fail('too slow'), PATIENCE_MILLISECONDS)
    child.once('error', fail)
    child.once('close', fail)
    // Read to the end: a server whose log nobody reads would stand still.
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      log.push(line)
      log.splice(0, log.length - 50)
      if (!READY.test(line)) return
      clearTimeout(timer)
      resolve('ready')
    })
  })
}

/**
 * Starts redis-server and waits until it serves. The test command finds it; a single file run by hand takes the
 * one on the path. Undefined where something else has its port.
 */
export const launch = async (args: readonly string[]): Promise<RedisProcess | undefined> => {
  const child = spawn(process.env.REDIS_SERVER ?? 'redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  children.add(child)
  const isAlive = () => child.exitCode === null && child.signalCode === null
  const exited = once(child, 'exit').catch(() => undefined)
  void exited.then(() => children.delete(child))
  const kill = async () => {
    child.kill('SIGKILL')
    await exited
  }
  try {
    if ((await serving(child)) === 'taken') return undefined
  } catch (error) {
    await kill()
    throw error
  }
  return { pid: child.pid as number, isAlive, signal: (signal) => void child.kill(signal), kill }
}

/** Tries ports until one was free. */
export const onFreePort = async <T>(start: (port: number) => Promise<T | undefined>): Promise<T> => {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const started = await start(anyPort())
    if (started !== undefined) return started
  }
  throw new Error(`no free port in ${MAX_TRIES} tries`)
}
