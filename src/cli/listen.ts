import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { StepUpError } from '../errors.ts'

/** Where to listen, and how a person moves it. */
export interface Address {
  readonly host: string
  readonly port: number
  /** How to choose another port: `PORT=3100 npm start`. */
  readonly remedy: string
}

/** A server that listens. */
export interface Listening {
  /** Ends every connection at once; a second call does nothing. */
  close(): Promise<void>
  /**
   * Takes no new connection, ends those that carry no request, and lets open requests finish; those that take longer
   * than `graceSeconds` are ended.
   */
  drain(graceSeconds: number): Promise<void>
}

// Slow senders hold a connection no longer than this.
const HEADERS_MILLISECONDS = 10_000
const REQUEST_MILLISECONDS = 30_000
/** A connection that has just been made may have its first request on the way. */
const SILENCE_MILLISECONDS = 500

const reasonFor = (code: string | undefined, { host, port, remedy }: Address) => {
  if (code === 'EADDRINUSE')
    return `port ${port} is in use by another program; stop that one, or choose another: ${remedy}`
  if (code === 'EACCES') return `port ${port} may not be used by this user; choose another: ${remedy}`
  return `cannot listen on ${host} port ${port} (${code ?? 'unknown reason'}); choose another: ${remedy}`
}

/** Watches what is open, so that it can be let finish. */
const createDrain = (server: Server) => {
  const sockets = new Set<Socket>()
  const open = new Set<ServerResponse>()
  let draining = false
  // RFC 9112 section 9.6: the client is told not to send another request here.
  const announce = (response: ServerResponse) => {
    if (!response.headersSent) response.setHeader('Connection', 'close')
  }
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('request', (_request, response) => {
    open.add(response)
    if (draining) announce(response)
    response.once('close', () => {
      open.delete(response)
      // One whose headers were sent before the drain has left its connection open.
      if (draining) server.closeIdleConnections()
    })
  })
  return (graceSeconds: number) =>
    new Promise<void>((drained) => {
      draining = true
      for (const response of open) announce(response)
      const endSilent = () => {
        for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
      }
      const timers = [
        setTimeout(endSilent, SILENCE_MILLISECONDS),
        setTimeout(() => server.closeAllConnections(), graceSeconds * 1000),
      ]
      server.close(() => {
        for (const timer of timers) clearTimeout(timer)
        drained()
      })
      server.closeIdleConnections()
    })
}

/**
 * Listens for HTTP requests.
 *
 * @throws StepUpError ERR_CONFIG where the port cannot be had
 */
export const listen = (handler: RequestListener, address: Address): Promise<Listening> =>
  new Promise((resolve, reject) => {
    const server = createServer({ headersTimeout: HEADERS_MILLISECONDS, requestTimeout: REQUEST_MILLISECONDS })
    const drain = createDrain(server)
    server.on('request', handler)
    const close = () =>
      new Promise<void>((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      })
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(new StepUpError('ERR_CONFIG', reasonFor(cause.code, address), { cause })),
    )
    server.listen(address.port, address.host, () => resolve(Object.freeze({ close, drain })))
  })
