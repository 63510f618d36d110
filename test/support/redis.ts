import { createClient, ErrorReply } from 'redis'
import { createFolder, launch, onFreePort, type RedisProcess } from './redis-process.ts'
import { until } from './until.ts'

/** What a test may want of its server. */
export interface RedisOptions {
  /** Every write is on disk before it is answered, so that it outlives SIGKILL. Default: nothing is written. */
  readonly persistent?: boolean
  readonly password?: string
  /** The port of its master: it then takes no writes. */
  readonly replicaOf?: number
  /** Further settings, as on the command line. */
  readonly args?: readonly string[]
}

/** A Redis server of its own on the loopback address. */
export interface Redis {
  readonly port: number
  readonly url: string
  /** Changes with every restart. */
  readonly pid: number
  readonly isAlive: () => boolean
  /** Alive, and not paused. */
  readonly isServing: () => boolean
  /** Sends one command as it is; rejects where the server is dead. */
  readonly command: (...args: readonly string[]) => Promise<unknown>
  /** The lines of INFO by their names. */
  readonly info: (section: string) => Promise<Readonly<Record<string, string>>>
  /** Refuses every write as if its memory were full, until it is told otherwise. */
  readonly fill: (on?: boolean) => Promise<void>
  /** Processor time that it has used since it was started. */
  readonly cpuSeconds: () => Promise<number>
  /** Stands still with its connections open: they answer nothing until `resume`. */
  readonly pause: () => void
  readonly resume: () => void
  /** SIGKILL. */
  readonly kill: () => Promise<void>
  /** Starts it anew on its port, after a SIGKILL if it runs; `empty` forgets what is on disk. */
  readonly restart: (options?: { readonly empty?: boolean }) => Promise<void>
  /** Ends it and removes its files. */
  readonly stop: () => Promise<void>
}

const argumentsOf = (port: number, folder: string, options: RedisOptions): readonly string[] => {
  const { persistent = false, password, replicaOf, args = [] } = options
  return [
    ...['--port', String(port), '--bind', '127.0.0.1', '--protected-mode', 'yes', '--dir', folder],
    ...['--save', '', '--appendonly', persistent ? 'yes' : 'no', '--appendfsync', 'always'],
    // Redis waits 5 s by default for more replicas to come before it syncs the first.
    ...['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0', '--daemonize', 'no', '--logfile', ''],
    ...(password === undefined ? [] : ['--requirepass', password]),
    ...(replicaOf === undefined ? [] : ['--replicaof', `127.0.0.1 ${replicaOf}`]),
    ...args,
  ]
}

const urlOf = (port: number, password?: string) => `redis://${password ? `:${password}@` : ''}127.0.0.1:${port}`

/** Sends commands as they are, over a connection that is made at the first and again where it broke. */
export const createSender = (url: string) => {
  const create = () => {
    const socket = { reconnectStrategy: false as const, connectTimeout: 5000 }
    const client = createClient({ url, RESP: 2, disableClientInfo: true, socket })
    client.on('error', () => undefined)
    return { client, ready: client.connect() }
  }
  let current: ReturnType<typeof create> | undefined
  const close = () => {
    if (current?.client.isOpen) current.client.destroy()
    current = undefined
  }
  const sendOnce = async (args: readonly string[]): Promise<unknown> => {
    if (!current?.client.isOpen) current = create()
    const { client, ready } = current
    await ready
    return client.sendCommand([...args])
  }
  // A server that becomes a replica breaks its connections.
  const send = (...args: readonly string[]): Promise<unknown> =>
    sendOnce(args).catch((error) => {
      if (error instanceof ErrorReply) throw error
      return sendOnce(args)
    })
  return { send, close }
}

const linesOf = (text: string) =>
  Object.fromEntries(text.split('\r\n').map((line) => line.split(/:(.*)/s).slice(0, 2) as [string, string]))

interface Running {
  readonly port: number
  readonly started: RedisProcess
}

const serverOf = (first: Running, folder: ReturnType<typeof createFolder>, options: RedisOptions): Redis => {
  const { port } = first
  const url = urlOf(port, options.password)
  let running = first.started
  let isPaused = false
  const { send: command, close } = createSender(url)
  const kill = async () => {
    close()
    isPaused = false
    await running.kill()
  }
  const info: Redis['info'] = async (section) => linesOf(String(await command('INFO', section)))
  return {
    port,
    url,
    get pid() {
      return running.pid
    },
    isAlive: () => running.isAlive(),
    isServing: () => running.isAlive() && !isPaused,
    command,
    info,
    fill: async (on = true) => {
      await command('CONFIG', 'SET', 'maxmemory', on ? '1' : '0')
    },
    cpuSeconds: async () => {
      const { used_cpu_sys = '', used_cpu_user = '' } = await info('cpu')
      return Number(used_cpu_sys) + Number(used_cpu_user)
    },
    pause: () => {
      isPaused = true
      running.signal('SIGSTOP')
    },
    resume: () => {
      isPaused = false
      running.signal('SIGCONT')
    },
    kill,
    restart: async ({ empty = false } = {}) => {
      await kill()
      if (empty) folder.empty()
      running = await until(`port ${port} is free again`, () => launch(argumentsOf(port, folder.path, options)))
    },
    stop: async () => {
      await kill()
      folder.remove()
    },
  }
}

/** Starts a Redis server with nothing in it. End it with `stop`. */
export const startRedis = async (options: RedisOptions = {}): Promise<Redis> => {
  const folder = createFolder()
  try {
    const running = await onFreePort(async (port) => {
      const started = await launch(argumentsOf(port, folder.path, options))
      return started && { port, started }
    })
    return serverOf(running, folder, options)
  } catch (error) {
    folder.remove()
    throw error
  }
}
