import { createServer, type RequestListener } from 'node:http'
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
}

// Slow senders hold a connection no longer than this.
const HEADERS_MILLISECONDS = 10_000
const REQUEST_MILLISECONDS = 30_000

const reasonFor = (code: string | undefined, { host, port, remedy }: Address) => {
  if (code === 'EADDRINUSE')
    return `port ${port} is in use by another program; stop that one, or choose another: ${remedy}`
  if (code === 'EACCES') return `port ${port} may not be used by this user; choose another: ${remedy}`
  return `cannot listen on ${host} port ${port} (${code ?? 'unknown reason'}); choose another: ${remedy}`
}

/**
 * Listens for HTTP requests.
 *
 * @throws StepUpError ERR_CONFIG where the port cannot be had
 */
export const listen = (handler: RequestListener, address: Address): Promise<Listening> =>
  new Promise((resolve, reject) => {
    const limits = { headersTimeout: HEADERS_MILLISECONDS, requestTimeout: REQUEST_MILLISECONDS }
    const server = createServer(limits, handler)
    const close = () =>
      new Promise<void>((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      })
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(new StepUpError('ERR_CONFIG', reasonFor(cause.code, address), { cause })),
    )
    server.listen(address.port, address.host, () => resolve(Object.freeze({ close })))
  })
