import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { createSender, type Redis, startRedis } from './redis.ts'
import { createFolder, launch, onFreePort } from './redis-process.ts'
import { until } from './until.ts'

const NAME = 'main'
const SENTINELS = 3
const QUORUM = 2

/** A master with one replica, and three sentinels that watch them, on the loopback address. */
export interface RedisSentinel {
  /** What the sentinels call the master. */
  readonly name: string
  /** Of the sentinels. */
  readonly urls: readonly string[]
  /** Both data servers, in the order in which they were started. */
  readonly nodes: readonly Redis[]
  /** The one that the sentinels name as master now. */
  readonly master: () => Promise<Redis>
  /** SIGKILL for the master; gives it at once, long before the replica takes its place. */
  readonly killMaster: () => Promise<Redis>
  /** The same with SIGSTOP. */
  readonly pauseMaster: () => Promise<Redis>
  /** Resumes paused nodes, starts dead ones again and waits until one is master and the other in step with it. */
  readonly heal: () => Promise<void>
  readonly stop: () => Promise<void>
}

const configuration = (port: number, folder: string, masterPort: number) =>
  [
    `port ${port}`,
    'bind 127.0.0.1',
    'protected-mode yes',
    `dir ${folder}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} ${QUORUM}`,
    `sentinel down-after-milliseconds ${NAME} 1000`,
    `sentinel failover-timeout ${NAME} 3000`,
    `sentinel parallel-syncs ${NAME} 1`,
  ].join('\n')

const startOne = async (masterPort: number) => {
  const folder = createFolder()
  const { port, running } = await onFreePort(async (candidate) => {
    const file = path.join(folder.path, 'sentinel.conf')
    writeFileSync(file, configuration(candidate, folder.path, masterPort))
    const started = await launch([file, '--sentinel'])
    return started && { port: candidate, running: started }
  })
  const url = `redis://127.0.0.1:${port}`
  const { send: command, close } = createSender(url)
  // Sentinels look and talk once in seconds by default; a starved one would look away for half a minute (TILT).
  const pace = ['info-period', '500', 'publish-period', '200', 'ask-period', '200', 'tilt-period', '1000']
  await command('SENTINEL', 'DEBUG', ...pace).catch(() => undefined)
  return {
    url,
    command,
    stop: async () => {
      close()
      await running.kill()
      folder.remove()
    },
  }
}

type One = Awaited<ReturnType<typeof startOne>>

const knowledge = async ({ command }: One): Promise<Readonly<Record<string, string>>> => {
  const pairs = (await command('SENTINEL', 'MASTER', NAME)) as string[]
  return Object.fromEntries(pairs.flatMap((name, index) => (index % 2 === 0 ? [[name, pairs[index + 1] ?? '']] : [])))
}

const isWatching = async (one: One) => {
  const known = await knowledge(one)
  return known['num-other-sentinels'] === String(SENTINELS - 1) && known['num-slaves'] === '1'
}

const isInStep = async (replica: Redis) => (await replica.info('replication')).master_link_status === 'up'

const operationsOf = (nodes: readonly Redis[], sentinels: readonly One[]): RedisSentinel => {
  const master = async () => {
    const { port } = await knowledge(sentinels[0] as One)
    const node = nodes.find((one) => String(one.port) === port)
    if (node === undefined) throw new Error(`no node at port ${port}`)
    return node
  }
  /** The master, once its replica has all that was written: what is tested is not what replication may lose. */
  const inStep = async () => {
    const node = await master()
    await node.command('WAIT', '1', '5000')
    return node
  }
  return {
    name: NAME,
    urls: sentinels.map(({ url }) => url),
    nodes,
    master,
    killMaster: async () => {
      const node = await inStep()
      await node.kill()
      return node
    },
    pauseMaster: async () => {
      const node = await inStep()
      node.pause()
      return node
    },
    heal: async () => {
      for (const node of nodes) node.resume()
      await Promise.all(nodes.filter((node) => !node.isAlive()).map((node) => node.restart()))
      await until('one follows the other', async () => {
        const chief = await master()
        const other = nodes.find((node) => node !== chief) as Redis
        return (await chief.info('replication')).role === 'master' && isInStep(other)
      })
      await Promise.all(sentinels.map((one) => until('every sentinel watches both', () => isWatching(one))))
    },
    stop: async () => {
      await Promise.all([...sentinels, ...nodes].map((one) => one.stop()))
    },
  }
}

/** Starts one master, one replica and three sentinels. End them with `stop`. */
export const startSentinel = async (): Promise<RedisSentinel> => {
  const first = await startRedis()
  const started: { stop(): Promise<void> }[] = [first]
  const keep = async <T extends { stop(): Promise<void> }>(starting: Promise<T>) => {
    const one = await starting
    started.push(one)
    return one
  }
  try {
    const replica = await keep(startRedis({ replicaOf: first.port, args: ['--repl-ping-replica-period', '1'] }))
    await until('the replica is in step', () => isInStep(replica))
    const sentinels = await Promise.all(Array.from({ length: SENTINELS }, () => keep(startOne(first.port))))
    await Promise.all(sentinels.map((one) => until('every sentinel watches', () => isWatching(one))))
    return operationsOf([first, replica], sentinels)
  } catch (error) {
    await Promise.all(started.map((one) => one.stop()))
    throw error
  }
}
