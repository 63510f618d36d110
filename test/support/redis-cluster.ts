import { type Redis, type RedisOptions, startRedis } from './redis.ts'
import { until } from './until.ts'

const MASTERS = 3
const REPLICAS = 3
const SLOTS = 16_384
const NODE_TIMEOUT_MILLISECONDS = 1000

const OPTIONS: RedisOptions = {
  args: [
    ...['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf'],
    ...['--cluster-node-timeout', String(NODE_TIMEOUT_MILLISECONDS)],
    // A replica stands for election however long the machine has kept it from its master.
    ...['--cluster-replica-validity-factor', '0', '--repl-ping-replica-period', '1'],
  ],
}

/** Six nodes, three of them masters, on the loopback address. */
export interface RedisCluster {
  readonly nodes: readonly Redis[]
  readonly urls: readonly string[]
  /** Those that are masters now and serve. */
  readonly masters: () => Promise<readonly Redis[]>
  readonly masterOf: (key: string) => Promise<Redis>
  /** SIGKILL for the master that has this key; gives it at once, long before another takes its place. */
  readonly killMasterOf: (key: string) => Promise<Redis>
  /** The same with SIGSTOP. */
  readonly pauseMasterOf: (key: string) => Promise<Redis>
  /** Makes a replica of this key's master take its place by force; gives the old one when all know. */
  readonly failover: (key: string) => Promise<Redis>
  /** Resumes paused nodes, starts dead ones again and waits until all six serve and every replica is in step. */
  readonly heal: () => Promise<void>
  readonly stop: () => Promise<void>
}

const idOf = async (node: Redis) => String(await node.command('CLUSTER', 'MYID'))

/** What a node knows of all: flags, and whose replica it is. */
const view = async (node: Redis) =>
  String(await node.command('CLUSTER', 'NODES'))
    .trim()
    .split('\n')
    .map((line) => {
      const [id = '', address = '', flags = '', master = ''] = line.split(' ')
      return { id, port: Number(/:(\d+)@/.exec(address)?.[1]), flags: flags.split(','), master }
    })

const knowsAll = async (node: Redis, count: number) => {
  const known = await view(node)
  return known.length === count && known.every(({ flags }) => !flags.some((flag) => /handshake|fail|noaddr/.test(flag)))
}

const isReady = async (node: Redis) => {
  const [state, replication, known] = await Promise.all([
    node.command('CLUSTER', 'INFO'),
    node.info('replication'),
    view(node),
  ])
  return (
    String(state).includes('cluster_state:ok') &&
    (replication.role === 'master' || replication.master_link_status === 'up') &&
    known.length === MASTERS + REPLICAS &&
    known.filter(({ flags }) => flags.includes('slave')).length === REPLICAS &&
    known.every(({ flags }) => !flags.some((flag) => /handshake|fail|noaddr/.test(flag)))
  )
}

const slotsOf = (index: number): readonly string[] => {
  const first = Math.ceil((SLOTS * index) / MASTERS)
  const end = Math.ceil((SLOTS * (index + 1)) / MASTERS)
  return Array.from({ length: end - first }, (_none, offset) => String(first + offset))
}

const settled = (nodes: readonly Redis[]) =>
  Promise.all(nodes.map((node) => until(`cluster node ${node.port} is ready`, () => isReady(node), 25)))

const join = async (nodes: readonly Redis[]) => {
  await Promise.all(nodes.map((node, index) => node.command('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))))
  await Promise.all(
    nodes.slice(0, MASTERS).map((node, index) => node.command('CLUSTER', 'ADDSLOTS', ...slotsOf(index))),
  )
  // All meet all: gossip alone would take seconds.
  for (const [index, node] of nodes.entries())
    for (const other of nodes.slice(index + 1)) await node.command('CLUSTER', 'MEET', '127.0.0.1', String(other.port))
  await Promise.all(
    nodes.slice(MASTERS).map(async (replica, index) => {
      await until(`cluster node ${replica.port} knows all`, () => knowsAll(replica, nodes.length), 25)
      await replica.command('CLUSTER', 'REPLICATE', await idOf(nodes[index] as Redis))
    }),
  )
  await settled(nodes)
}

const startNodes = async () => {
  const starting = Array.from({ length: MASTERS + REPLICAS }, () => startRedis(OPTIONS))
  const results = await Promise.allSettled(starting)
  const nodes = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed === undefined) return nodes
  await Promise.all(nodes.map((node) => node.stop()))
  throw failed.reason
}

const operationsOf = (nodes: readonly Redis[]): RedisCluster => {
  const serving = () => nodes.filter((node) => node.isServing())
  const nodeAt = (port: number) => nodes.find((node) => node.port === port)
  const masterSeenBy = async (node: Redis | undefined, key: string) => {
    const slot = Number(await node?.command('CLUSTER', 'KEYSLOT', key))
    const ranges = (await node?.command('CLUSTER', 'SLOTS')) as [number, number, [string, number]][]
    const range = ranges.find(([first, last]) => first <= slot && slot <= last)
    return range && nodeAt(range[2][1])
  }
  const masterOf = async (key: string): Promise<Redis> => {
    const node = await masterSeenBy(serving()[0], key)
    if (node === undefined) throw new Error(`no master for ${key}`)
    return node
  }
  /** The master, once its replica has all that was written: what is tested is not what replication may lose. */
  const inStep = async (key: string): Promise<Redis> => {
    const master = await masterOf(key)
    await master.command('WAIT', '1', '5000')
    return master
  }
  const masters = async () => {
    const roles = await Promise.all(
      serving().map(async (node) => ({ node, role: (await node.info('replication')).role })),
    )
    return roles.filter(({ role }) => role === 'master').map(({ node }) => node)
  }
  return {
    nodes,
    urls: nodes.map(({ url }) => url),
    masters,
    masterOf,
    killMasterOf: async (key) => {
      const master = await inStep(key)
      await master.kill()
      return master
    },
    pauseMasterOf: async (key) => {
      const master = await inStep(key)
      master.pause()
      return master
    },
    failover: async (key) => {
      const master = await inStep(key)
      const id = await idOf(master)
      const known = (await view(master)).find((one) => one.master === id)
      const replica = known && nodeAt(known.port)
      if (replica === undefined) throw new Error('this master has no replica')
      await replica.command('CLUSTER', 'FAILOVER', 'FORCE')
      // The old master takes writes, and loses them, until it has heard of the new one.
      await Promise.all(
        nodes.map((node) => until(`${node.port} knows`, async () => (await masterSeenBy(node, key)) === replica)),
      )
      return master
    },
    heal: async () => {
      for (const node of nodes) node.resume()
      await Promise.all(nodes.filter((node) => !node.isAlive()).map((node) => node.restart()))
      await settled(nodes)
    },
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()))
    },
  }
}

/** Starts a Cluster of three masters with one replica each. End it with `stop`. */
export const startCluster = async (): Promise<RedisCluster> => {
  const nodes = await startNodes()
  try {
    await join(nodes)
  } catch (error) {
    await Promise.all(nodes.map((node) => node.stop()))
    throw error
  }
  return operationsOf(nodes)
}
