import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { ownCertificate } from './certificates.ts'

/** A push as its reader gets it. */
export interface Pushed {
  readonly endpoint: string
  readonly payload: string
  readonly ttl: number
  readonly urgency: string
  readonly topic: string | undefined
}

/** One answer of the service that is not 201. */
export type PushFault = 'hang' | 'drop' | { readonly status: number; readonly location?: string }

interface Reader {
  readonly ecdh: ReturnType<typeof createECDH>
  readonly auth: Buffer
  /** The application server that may push; RFC 8292 section 4. */
  readonly vapidPublicKey: string
}

const DAY_SECONDS = 86_400

const derive = (key: Buffer, salt: Buffer, info: Buffer, length: number) =>
  Buffer.from(hkdfSync('sha256', key, salt, info, length))

/** RFC 8291 section 3.4, RFC 8188 section 2: one record. */
const decrypt = (body: Buffer, { ecdh, auth }: Reader) => {
  const salt = body.subarray(0, 16)
  const recordSize = body.readUInt32BE(16)
  const sender = body.subarray(21, 21 + body.readUInt8(20))
  const record = body.subarray(21 + sender.length)
  if (sender.length !== 65 || record.length > recordSize) throw new Error('a record of another form')
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), ecdh.getPublicKey(), sender])
  const ikm = derive(ecdh.computeSecret(sender), auth, info, 32)
  const key = derive(ikm, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16)
  const nonce = derive(ikm, salt, Buffer.from('Content-Encoding: nonce\0'), 12)
  const decipher = createDecipheriv('aes-128-gcm', key, nonce).setAuthTag(record.subarray(-16))
  const plain = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()])
  const end = plain.lastIndexOf(2)
  if (end < 0 || plain.subarray(end + 1).some((byte) => byte !== 0)) throw new Error('no delimiter of a last record')
  return plain.subarray(0, end).toString()
}

const json = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())

const point = (key: string) => {
  const raw = Buffer.from(key, 'base64url')
  const [x, y] = [raw.subarray(1, 33), raw.subarray(33)].map((half) => half.toString('base64url'))
  return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' }, format: 'jwk' })
}

/** What is wrong with the sender's word on who it is; RFC 8292 sections 2 and 3. */
const problemOfVapid = (header: string, origin: string, { vapidPublicKey }: Reader) => {
  const [, token = '', key = ''] = /^vapid t=([\w-]+\.[\w-]+\.[\w-]+), ?k=([\w-]{87})$/.exec(header) ?? []
  if (key === '') return 'no vapid credentials'
  if (key !== vapidPublicKey) return 'another key than the one subscribed with'
  const [head = '', claims = '', signature = ''] = token.split('.')
  const signed = { key: point(key), dsaEncoding: 'ieee-p1363' as const }
  if (json(head).alg !== 'ES256' || json(head).typ !== 'JWT') return 'another algorithm'
  if (!verify('sha256', Buffer.from(`${head}.${claims}`), signed, Buffer.from(signature, 'base64url')))
    return 'a signature that does not fit'
  const { aud, exp, sub } = json(claims)
  const now = Date.now() / 1000
  if (aud !== origin) return `audience ${aud}`
  if (!(exp > now && exp <= now + DAY_SECONDS)) return `exp ${exp}`
  return /^(mailto:|https:)/.test(sub) ? undefined : `sub ${sub}`
}

const problemOfHeaders = ({ headers, method }: IncomingMessage) => {
  if (method !== 'POST') return `method ${method}`
  if (headers['content-encoding'] !== 'aes128gcm') return 'another content encoding'
  if (!/^\d+$/.test(String(headers.ttl))) return 'no TTL'
  if (!['very-low', 'low', 'normal', 'high'].includes(String(headers.urgency))) return 'no urgency'
  return headers.topic === undefined || /^[\w-]{1,32}$/.test(String(headers.topic)) ? undefined : 'a long topic'
}

const fail = (response: ServerResponse, fault: PushFault) => {
  if (fault === 'hang') return
  if (fault === 'drop') {
    response.destroy()
    return
  }
  const location = fault.location === undefined ? {} : { location: fault.location }
  response.writeHead(fault.status, location)
  response.end(JSON.stringify({ errno: 1, message: 'S3CRET of the service' }))
}

/**
 * A push service for browsers on loopback, over TLS with a certificate of its own: it checks what RFC 8030 and RFC 8292
 * ask for, decrypts as the browser would, and answers as it is told to.
 *
 * @param host - The address it stands on.
 */
export const startPushService = async (host = '127.0.0.1') => {
  const { key, cert } = ownCertificate()
  const readers = new Map<string, Reader>()
  const received: Pushed[] = []
  const complaints: string[] = []
  const faults: PushFault[] = []
  const seen = { connections: 0, requests: 0 }
  const origin = () => `https://localhost:${(server.address() as AddressInfo).port}`

  const take = (request: IncomingMessage, body: Buffer) => {
    const reader = readers.get(request.url ?? '')
    if (reader === undefined) return 404
    const problem = problemOfHeaders(request) ?? problemOfVapid(String(request.headers.authorization), origin(), reader)
    if (problem !== undefined) throw new Error(problem)
    const { ttl, urgency, topic } = request.headers as Record<string, string>
    received.push({
      endpoint: `${origin()}${request.url}`,
      payload: decrypt(body, reader),
      ttl: Number(ttl),
      urgency: urgency ?? '',
      topic,
    })
    return 201
  }

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    seen.requests += 1
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const fault = faults.shift()
    if (fault !== undefined) {
      fail(response, fault)
      return
    }
    const status = take(request, Buffer.concat(chunks))
    response.writeHead(status, status === 201 ? { location: `${origin()}/message/1` } : {})
    response.end()
  }

  const server = createServer({ key, cert }, (request, response) => {
    answer(request, response).catch((thrown: unknown) => {
      complaints.push(String(thrown))
      response.writeHead(400)
      response.end()
    })
  })
  server.on('connection', () => {
    seen.connections += 1
  })
  server.listen(0, host)
  await once(server, 'listening')

  return {
    ca: cert,
    port: (server.address() as AddressInfo).port,
    /** What to allow, so that it can be sent to. */
    allowedHost: new URL(origin()).host,
    received,
    complaints,
    /** Connections and requests so far, whatever came of them. */
    seen,
    /** As `PushManager.subscribe()` in a browser, with what `PushSubscription.toJSON()` tells. */
    subscribe: (vapidPublicKey: string) => {
      const ecdh = createECDH('prime256v1')
      const p256dh = ecdh.generateKeys('base64url')
      const auth = randomBytes(16)
      const path = `/push/${randomBytes(24).toString('base64url')}`
      readers.set(path, { ecdh, auth, vapidPublicKey })
      const keys = { p256dh, auth: auth.toString('base64url') }
      return { service: 'web-push' as const, endpoint: `${origin()}${path}`, keys }
    },
    /** The user takes the permission back. */
    unsubscribe: (endpoint: string) => readers.delete(new URL(endpoint).pathname),
    /** The next requests get these, one each. */
    failNext: (...next: readonly PushFault[]) => {
      faults.push(...next)
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A running push service. */
export type PushService = Awaited<ReturnType<typeof startPushService>>
