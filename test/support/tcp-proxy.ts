import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { onFreePort } from './redis-process.ts'

/** A wire on the loopback address that a test can spoil. */
export interface TcpProxy {
  readonly port: number
  readonly url: string
  /** How many connections are open. */
  readonly connections: () => number
  /** From now on every answer comes that much later. */
  readonly delay: (milliseconds: number) => void
  /** Connections are taken and nothing comes through, neither data nor end: a half-open network. */
  readonly blackHole: () => void
  /**
   * Ends the black hole: new connections work. Old ones stay silent for ever, as behind a firewall that has
   * forgotten them; `revive` gives them what was held back, as TCP does by sending again.
   */
  readonly heal: (options?: { readonly revive?: boolean }) => void
  /** Breaks all connections (RST). New ones work. */
  readonly drop: () => void
  /** Whether new connections are refused; those that exist are broken. */
  readonly refuse: (on: boolean) => Promise<void>
  readonly close: () => Promise<void>
}

interface Wire {
  delayMilliseconds: number
  dark: boolean
}

/** One direction of one connection: passes on what comes, in order, late or never as the wire says. */
const createLane = (wire: Wire, to: Socket, isSlow: boolean) => {
  const waiting: { readonly bytes: Buffer; readonly dueAt: number }[] = []
  let timer: NodeJS.Timeout | undefined
  let lost = wire.dark

  const flush = () => {
    clearTimeout(timer)
    if (lost) return
    while (waiting[0] !== undefined && waiting[0].dueAt <= performance.now()) to.write(waiting.shift()?.bytes ?? '')
    const [next] = waiting
    if (next !== undefined) timer = setTimeout(flush, Math.max(1, next.dueAt - performance.now())).unref()
  }
  return {
    push: (bytes: Buffer) => {
      const dueAt = performance.now() + (isSlow ? wire.delayMilliseconds : 0)
      waiting.push({ bytes, dueAt })
      flush()
    },
    isLost: () => lost,
    setLost: (on: boolean) => {
      lost = on
      flush()
    },
    stop: () => clearTimeout(timer),
  }
}

const createLink = (wire: Wire, client: Socket, port: number) => {
  const server = connect(port, '127.0.0.1')
  const lanes = [createLane(wire, server, false), createLane(wire, client, true)] as const
  const sockets = [client, server]
  const destroy = () => {
    for (const lane of lanes) lane.stop()
    for (const socket of sockets) socket.destroy()
  }
  for (const socket of sockets) {
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
  }
  client.on('data', lanes[0].push)
  server.on('data', lanes[1].push)
  client.on('close', destroy)
  // In the dark nobody hears that the other end has gone.
  server.on('close', () => lanes[1].isLost() || destroy())
  return {
    setLost: (lost: boolean) => {
      for (const lane of lanes) lane.setLost(lost)
    },
    reset: () => {
      client.resetAndDestroy()
      destroy()
    },
    isOpen: () => !client.destroyed,
  }
}

const listen = async (server: Server, port: number): Promise<true | undefined> => {
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
    throw error
  }
}

/** Starts a proxy before the server at that port. End it with `close`. */
export const startProxy = async (targetPort: number): Promise<TcpProxy> => {
  const wire: Wire = { delayMilliseconds: 0, dark: false }
  const links = new Set<ReturnType<typeof createLink>>()
  const server = createServer((client) => {
    const link = createLink(wire, client, targetPort)
    links.add(link)
    client.once('close', () => links.delete(link))
  })
  const port = await onFreePort(async (candidate) => (await listen(server, candidate)) && candidate)
  const drop = () => {
    for (const link of links) link.reset()
  }
  const shut = async () => {
    drop()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    connections: () => [...links].filter((link) => link.isOpen()).length,
    delay: (milliseconds) => {
      wire.delayMilliseconds = milliseconds
    },
    blackHole: () => {
      wire.dark = true
      for (const link of links) link.setLost(true)
    },
    heal: ({ revive = false } = {}) => {
      wire.dark = false
      if (revive) for (const link of links) link.setLost(false)
    },
    drop,
    refuse: async (on) => {
      if (on) await shut()
      else if (!server.listening && !(await listen(server, port))) throw new Error(`port ${port} was taken meanwhile`)
    },
    close: shut,
  }
}
