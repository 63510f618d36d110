import { createHash } from 'node:crypto'
import { StepUpError } from '../../errors.ts'
import { createDeadline } from './deadline.ts'
import { closedLink, createLink, type Link, type Reply, type Send } from './links.ts'
import {
  type RedisConnectionOptions,
  readConnectionOptions,
  readSharedConnection,
  type SharedConnection,
} from './options.ts'

/** A Lua script, sent by its digest once the server knows it. */
export interface Script {
  readonly text: string
  readonly sha1: string
}

/** Names a script by the digest that `EVALSHA` wants. */
export const script = (text: string): Script =>
  Object.freeze({ text, sha1: createHash('sha1').update(text).digest('hex') })

/**
 * A connection to Redis that store and adapter can share. It opens at the first command, and opens again by itself
 * whenever it breaks.
 *
 * A command that gets no answer within the deadline rejects, and so does everything while there is no connection:
 * nothing waits in line for an outage to end, and nothing is sent twice on a broken connection.
 */
export interface RedisConnection {
  /** Sends one command on one key: its name, the key, the rest. */
  command(name: string, key: string, ...rest: readonly string[]): Promise<Reply>
  /** Runs a script on keys of one slot. */
  run(script: Script, keys: readonly [string, ...string[]], ...args: readonly string[]): Promise<Reply>
  /** Walks over all keys of a pattern on all servers, some at a time; a key may come twice. */
  scan(pattern: string): AsyncIterable<readonly string[]>
  /** Ends the connection once what was sent is answered. */
  close(): Promise<void>
}

const DEADLINE_SECONDS = 1
/** An attempt to connect that takes longer than so many deadlines hangs, and is given up. */
const HANGING = 3
const SCAN_COUNT = '1000'

const unreachable = (cause?: unknown) => new StepUpError('ERR_STORE', 'Redis is out of reach', { cause })
const failed = (cause: unknown) => new StepUpError('ERR_STORE', 'Redis failed', { cause })

const isAnswer = (start: string, error: unknown) => error instanceof Error && error.message.startsWith(start)

/** Keeps a link open. */
interface Opener {
  /** Nothing where commands can be sent; else resolves once they can. Rejects at once in a long outage. */
  opened(): Promise<void> | undefined
}

const createOpener = (link: () => Link, deadline: number): Opener => {
  let attempt: { readonly done: Promise<void>; readonly since: number } | undefined
  /** Since when commands could not be sent, by the monotonic clock; a first connection counts from its start. */
  let awaySince: number | undefined

  const begin = (since: number) => {
    const begun = { done: link().open(), since }
    attempt = begun
    const over = (isOpen: boolean) => () => {
      if (attempt !== begun) return
      attempt = undefined
      if (isOpen) awaySince = undefined
    }
    begun.done.then(over(true), over(false))
    return begun
  }
  return {
    opened() {
      if (link().isReady()) return undefined
      const now = performance.now()
      awaySince ??= now
      if (attempt !== undefined && now - attempt.since > HANGING * deadline) {
        attempt = undefined
        link().heal()
      }
      const { done } = attempt ?? begin(now)
      // Whoever comes in a long outage is told at once; the attempt goes on for those who come later.
      if (now - awaySince > deadline) return Promise.reject(unreachable())
      return done.catch((cause) => Promise.reject(unreachable(cause)))
    },
  }
}

/** Sends with the deadline, and looks after a link that fell silent. */
const createSender = (link: () => Link, seconds: number) => {
  const within = createDeadline(seconds)
  const { opened } = createOpener(link, seconds * 1000)
  let answeredAt = 0

  const answered = async (work: Promise<Reply>): Promise<Reply> => {
    try {
      return await work
    } catch (error) {
      // A master until a moment ago: its address may lead to another server by now.
      if (isAnswer('READONLY', error)) link().heal()
      throw failed(error)
    } finally {
      answeredAt = performance.now()
    }
  }
  const send = (deliver: (link: Link, signal: () => AbortSignal) => Promise<Reply>): Promise<Reply> => {
    let isLate = false
    let sentAt: number | undefined
    let abort: AbortController | undefined
    const signal = () => {
      abort ??= new AbortController()
      return abort.signal
    }
    const start = () => {
      if (isLate) throw unreachable()
      sentAt = performance.now()
      return answered(deliver(link(), signal))
    }
    const ready = opened()
    return within(ready === undefined ? start() : ready.then(start), () => {
      isLate = true
      abort?.abort()
      // Where other answers came meanwhile the connection is alive, and only this one takes long.
      if (sentAt !== undefined && answeredAt < sentAt) link().heal()
    })
  }
  return { send, opened }
}

/**
 * Makes a connection.
 *
 * @param caller - Begins the message of a mistake.
 * @throws StepUpError `ERR_CONFIG`
 */
export const createConnection = (options: RedisConnectionOptions, caller: string): RedisConnection => {
  const { deadlineSeconds = DEADLINE_SECONDS } = readConnectionOptions(options, caller)
  let link = createLink(options, deadlineSeconds * 1000)
  const { send, opened } = createSender(() => link, deadlineSeconds)
  const sendTo = (key: string, args: readonly string[]) => send((through, signal) => through.send(key, args, signal))

  async function* scanServer(server: Send, pattern: string) {
    let cursor = '0'
    do {
      const reply = await send(() => server(['SCAN', cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT]))
      const [next, keys] = reply as readonly [string, readonly string[]]
      cursor = next
      yield keys
    } while (cursor !== '0')
  }

  return Object.freeze<RedisConnection>({
    command: (name, key, ...rest) => sendTo(key, [name, key, ...rest]),
    async run({ text, sha1 }, keys, ...args) {
      const rest = [String(keys.length), ...keys, ...args]
      try {
        return await sendTo(keys[0], ['EVALSHA', sha1, ...rest])
      } catch (error) {
        if (!isAnswer('NOSCRIPT', (error as Error).cause)) throw error
        return sendTo(keys[0], ['EVAL', text, ...rest])
      }
    },
    async *scan(pattern) {
      await opened()
      for (const server of await link.everyServer()) yield* scanServer(server, pattern)
    },
    async close() {
      const last = link
      link = closedLink
      // A server that does not answer any more keeps nobody from ending.
      const late = new Promise<void>((resolve) => void setTimeout(resolve, deadlineSeconds * 1000).unref())
      await Promise.race([last.close(), late]).finally(() => last.destroy())
    },
  })
}

/** The connection to use, and how to end it: one that was given is not ours to end. */
export const connectionOf = (options: RedisConnectionOptions | SharedConnection, caller: string) => {
  if ('connection' in Object(options))
    return { connection: readSharedConnection(options as SharedConnection, caller), close: async () => undefined }
  const connection = createConnection(options as RedisConnectionOptions, caller)
  return { connection, close: connection.close }
}
