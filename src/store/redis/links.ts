import { createClient, createCluster, createSentinel } from 'redis'
import type { RedisCluster, RedisConnectionOptions, RedisSentinel, RedisSingle } from './options.ts'

/** What Redis answers: text, a number, a list of these, or nothing. */
export type Reply = string | number | null | readonly Reply[]

/** Sends one command to one server. */
export type Send = (args: readonly string[]) => Promise<Reply>

/** One way to reach Redis. Whoever uses it waits, limits and gives up; a link only connects and sends. */
export interface Link {
  isReady(): boolean
  /** Resolves once commands can be sent. Called again only after it has settled. */
  open(): Promise<void>
  /** Sends to the server that holds the key; what is still waiting when the signal comes is not sent any more. */
  send(key: string, args: readonly string[], signal: () => AbortSignal): Promise<Reply>
  /** One sender for each server that holds keys. */
  everyServer(): Promise<readonly Send[]>
  /** Gives up connections that have fallen silent, or everything, so that the next command starts afresh. */
  heal(): void
  /** Ends the connection once what was sent is answered. */
  close(): Promise<void>
  /** Ends it at once. */
  destroy(): void
}

const CONNECT_MILLISECONDS = 2000
const LONGEST_PAUSE_MILLISECONDS = 500
/** A cluster whose node went away is looked at anew after so long. */
const TOPOLOGY_MILLISECONDS = 500
const TOPOLOGY_SCAN_MILLISECONDS = 2000

const socket = {
  connectTimeout: CONNECT_MILLISECONDS,
  reconnectStrategy: (retries: number) => Math.min(25 * 2 ** Math.min(retries, 8), LONGEST_PAUSE_MILLISECONDS),
}

/** What was not sent when the connection broke is not sent later: whoever asked was told that it failed. */
const client = { disableOfflineQueue: true, maintNotifications: 'disabled' } as const

/** Our own deadline holds for every topology, and costs less than a timer for each command. */
const commandOptions = { timeout: undefined } as unknown as { timeout?: number }

// What breaks is told to whoever sends a command; without a listener it would end the process.
const ignore = () => undefined

const closed = () => Promise.reject(new Error('the connection was closed'))

const singleLink = ({ url }: RedisSingle): Link => {
  const create = () =>
    createClient({ ...client, ...(url === undefined ? {} : { url }), socket, commandOptions }).on('error', ignore)
  let current = create()
  const ready = (one: typeof current) => new Promise<void>((resolve) => void one.once('ready', () => resolve()))
  const send: Send = (args) => current.sendCommand([...args]) as Promise<Reply>
  return {
    isReady: () => current.isReady,
    async open() {
      await (current.isOpen ? ready(current) : current.connect())
    },
    send: (_key, args) => send(args),
    everyServer: async () => [send],
    heal() {
      const silent = current
      current = create()
      if (silent.isOpen) silent.destroy()
    },
    async close() {
      await (current.isReady ? current.close() : current.isOpen && current.destroy())
    },
    destroy() {
      if (current.isOpen) current.destroy()
    },
  }
}

const accessOf = (url: string | undefined) => {
  const { username, password, protocol } = new URL(url ?? '')
  return {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    socket: protocol === 'rediss:' ? { ...socket, tls: true as const } : socket,
  }
}

const clusterLink = ({ cluster: urls }: RedisCluster, silentAfter: number): Link => {
  const create = () =>
    createCluster({
      rootNodes: urls.map((url) => ({ url })),
      defaults: { ...client, ...accessOf(urls[0]) },
      // A node that is down must not keep the others from being used.
      minimizeConnections: true,
      topologyRefreshOnReconnectionAttemptStrategy: TOPOLOGY_MILLISECONDS,
      commandOptions,
    }).on('error', ignore)
  let current = create()

  type Node = (typeof current.masters)[number]
  const senderTo = async (node: Node): Promise<Send> => {
    const one = await current.nodeClient(node)
    return (args) => one.sendCommand([...args]) as Promise<Reply>
  }
  const answers = async ({ client: one, connectPromise }: Node): Promise<boolean> => {
    if (one === undefined) return true
    const answer = one.isReady ? one.ping() : (connectPromise ?? Promise.reject())
    const silence = new Promise<false>((resolve) => void setTimeout(resolve, silentAfter, false).unref())
    return Promise.race([answer.then(() => true).catch(() => false), silence])
  }
  /** Nodes that do not answer are given up, and the others are asked who stands in for them. */
  const dropSilent = async (asked: typeof current) => {
    const nodes = [...asked.masters]
    const alive = await Promise.all(nodes.map(answers))
    const silent = nodes.filter((_node, index) => alive[index] === false)
    if (silent.length === 0 || asked !== current) return
    for (const node of silent) {
      const { client: one } = node
      delete node.client
      one?.destroy()
    }
    // A silent node accepts connections and never says that it is no master any more, so no redirect would tell.
    await asked._slots.rediscover(undefined, new Set(silent.map(({ address }) => address)))
  }

  return {
    isReady: () => current.isReady,
    async open() {
      const opening = create()
      const previous = current
      current = opening
      if (previous.isOpen) previous.destroy()
      await opening.connect()
    },
    send: (key, args, signal) =>
      current.sendCommand(key, false, [...args], { abortSignal: signal() }) as unknown as Promise<Reply>,
    everyServer: () => Promise.all(current.masters.map(senderTo)),
    heal() {
      if (current.isReady) dropSilent(current).catch(ignore)
      else if (current.isOpen) current.destroy()
    },
    async close() {
      if (current.isOpen) await current.close()
    },
    destroy() {
      if (current.isOpen) current.destroy()
    },
  }
}

const sentinelLink = ({ sentinel: { name, urls, username, password, tls } }: RedisSentinel): Link => {
  const create = () =>
    createSentinel({
      name,
      sentinelRootNodes: urls.map((url) => {
        const { hostname, port } = new URL(url)
        return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 26_379) }
      }),
      sentinelClientOptions: { ...accessOf(urls[0]) },
      nodeClientOptions: {
        ...client,
        ...(username === undefined ? {} : { username }),
        ...(password === undefined ? {} : { password }),
        socket: tls === true ? { ...socket, tls } : socket,
      },
      scanInterval: TOPOLOGY_SCAN_MILLISECONDS,
      commandOptions,
    }).on('error', ignore)
  let current = create()
  const drop = async () => {
    const silent = current
    current = create()
    if (silent.isOpen) await silent.destroy().catch(ignore)
  }
  const send = (args: readonly string[], signal?: AbortSignal) =>
    current.sendCommand(
      false,
      [...args],
      signal === undefined ? {} : { abortSignal: signal },
    ) as unknown as Promise<Reply>
  return {
    isReady: () => current.isReady,
    async open() {
      if (current.isOpen) await drop()
      await current.connect()
    },
    send: (_key, args, signal) => send(args, signal()),
    everyServer: async () => [(args) => send(args)],
    heal: () => void drop(),
    async close() {
      if (current.isOpen) await current.close()
    },
    destroy() {
      if (current.isOpen) current.destroy().catch(ignore)
    },
  }
}

/** The link that the settings describe. `silentAfter` milliseconds without an answer make a connection silent. */
export const createLink = (options: RedisConnectionOptions, silentAfter: number): Link => {
  if ('cluster' in options) return clusterLink(options, silentAfter)
  return 'sentinel' in options ? sentinelLink(options) : singleLink(options)
}

/** A link that was closed on purpose. */
export const closedLink: Link = Object.freeze<Link>({
  isReady: () => true,
  open: async () => undefined,
  send: closed,
  everyServer: closed,
  heal: ignore,
  close: async () => undefined,
  destroy: ignore,
})
