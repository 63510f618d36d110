import { once } from 'node:events'
import { request } from 'node:https'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect as connectByTls, type TLSSocket } from 'node:tls'

/** One answer, as it came over the wire. */
export interface Exchange {
  readonly url: URL
  readonly status: number
  readonly headers: Headers
}

const portOf = (origin: string) => Number(new URL(origin).port)

/** The certificate that a server shows at first sight. */
const certificateAt = async (origin: string): Promise<string> => {
  const socket = connectByTls({ port: portOf(origin), host: 'localhost', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const certificate = socket.getPeerX509Certificate()?.toString() ?? ''
  socket.destroy()
  return certificate
}

const fetchByTls = async (given: Parameters<typeof fetch>[0], init: RequestInit = {}, ca: string) => {
  const { url, method, headers, body } = new Request(given, { ...init, ...(init.body ? { duplex: 'half' } : {}) })
  const outgoing = request(url, { method, headers: Object.fromEntries(headers), ca })
  outgoing.end(body === null ? undefined : await new Response(body).text())
  const [incoming] = await once(outgoing, 'response')
  const fields: [string, string][] = []
  for (let at = 0; at < incoming.rawHeaders.length; at += 2)
    fields.push([incoming.rawHeaders[at], incoming.rawHeaders[at + 1]])
  const content = await text(incoming)
  return new Response(content === '' ? null : content, { status: incoming.statusCode, headers: fields })
}

/** Notes every answer that `fetch` gets, and lets it trust the certificates of these origins. */
export const watchWire = async (origins: readonly string[]) => {
  const plain = globalThis.fetch
  const certificates = new Map<string, string>()
  for (const origin of origins.filter((one) => one.startsWith('https:')))
    certificates.set(origin, await certificateAt(origin))
  const exchanges: Exchange[] = []
  globalThis.fetch = async (given, init) => {
    const url = new URL(given instanceof Request ? given.url : given)
    const ca = certificates.get(url.origin)
    const response = ca === undefined ? await plain(given, init) : await fetchByTls(given, init, ca)
    exchanges.push({ url, status: response.status, headers: response.headers })
    return response
  }
  return {
    exchanges,
    /**
     * Sends a request whose target and header fields stand as they are written, and answers all that came back.
     *
     * @param target - The request target, before any client has tidied it up.
     */
    raw: async (origin: string, target: string, headers: Readonly<Record<string, string>> = {}, form?: string) => {
      const ca = certificates.get(origin)
      const port = portOf(origin)
      const socket: TLSSocket | ReturnType<typeof connect> =
        ca === undefined ? connect(port, 'localhost') : connectByTls({ port, host: 'localhost', ca })
      const fields = {
        host: new URL(origin).host,
        accept: 'text/html',
        connection: 'close',
        ...(form === undefined
          ? {}
          : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(form.length) }),
        ...headers,
      }
      const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.write(`${form === undefined ? 'GET' : 'POST'} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${form ?? ''}`)
      const answer = await text(socket)
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
      const split = answer.indexOf('\r\n\r\n')
      return { status, head: answer.slice(0, split), body: answer.slice(split + 4), answer }
    },
    restore: () => {
      globalThis.fetch = plain
    },
  }
}

/** What watches the wire. */
export type Wire = Awaited<ReturnType<typeof watchWire>>
