import { generateKeyPairSync, verify } from 'node:crypto'
import { once } from 'node:events'
import {
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { ownCertificate } from './certificates.ts'

/** One answer that is not 200. */
export type ApnsFault = 'hang' | 'drop' | 'goaway' | { readonly status: number; readonly reason: string }

/** A notification that APNs took. */
export interface Notification {
  readonly token: string
  readonly headers: IncomingHttpHeaders
  readonly payload: Readonly<Record<string, unknown>>
}

const TEAM = 'TEAM123456'
const KEY = 'KEY1234567'
const TOPIC = 'com.example.app'
const MAX_PAYLOAD_BYTES = 4096
const TOKEN_SECONDS = 3600
const HEADERS = [
  'authorization',
  'content-type',
  'apns-topic',
  'apns-push-type',
  'apns-priority',
  'apns-expiration',
  'apns-collapse-id',
]

const json = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())

/** APNs on loopback: HTTP/2 over TLS, which checks provider token, headers and payload, and answers as it is told to. */
export const startApns = async () => {
  const { key, cert } = ownCertificate()
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const notifications: Notification[] = []
  const complaints: string[] = []
  const providerTokens: string[] = []
  const faults: ApnsFault[] = []
  const sessions: ServerHttp2Session[] = []
  const seen = { connections: 0, requests: 0 }

  const problemOfToken = (header = '') => {
    const [, token = ''] = /^bearer (\S+)$/.exec(header) ?? []
    const [head = '', claims = '', signature = ''] = token.split('.')
    if (signature === '') return 'MissingProviderToken'
    if (!providerTokens.includes(token)) providerTokens.push(token)
    const signed = { key: pair.publicKey, dsaEncoding: 'ieee-p1363' as const }
    const isSigned = verify('sha256', Buffer.from(`${head}.${claims}`), signed, Buffer.from(signature, 'base64url'))
    const { alg, kid } = json(head)
    const { iss, iat } = json(claims)
    if (!isSigned || alg !== 'ES256' || kid !== KEY || iss !== TEAM) return 'InvalidProviderToken'
    return Math.abs(Date.now() / 1000 - iat) < TOKEN_SECONDS ? undefined : 'ExpiredProviderToken'
  }

  const problemOf = (headers: IncomingHttpHeaders, payload: string) => {
    const strange = Object.keys(headers).find((name) => !name.startsWith(':') && !HEADERS.includes(name))
    if (strange !== undefined) return `BadHeader ${strange}`
    if (headers['apns-topic'] !== TOPIC) return 'DeviceTokenNotForTopic'
    if (headers['apns-push-type'] !== 'alert') return 'InvalidPushType'
    if (headers['apns-priority'] !== '10') return 'BadPriority'
    if (!/^\d{10}$/.test(String(headers['apns-expiration']))) return 'BadExpirationDate'
    if (Buffer.byteLength(String(headers['apns-collapse-id'])) > 64) return 'BadCollapseId'
    return Buffer.byteLength(payload) > MAX_PAYLOAD_BYTES ? 'PayloadTooLarge' : undefined
  }

  const say = (stream: ServerHttp2Stream, status: number, reason?: string) => {
    if (stream.destroyed) return
    stream.respond({ ':status': status, 'apns-id': 'EC1BF194-B3B2-424A-89A9-5A918A6E6B5D' })
    stream.end(reason === undefined ? '' : JSON.stringify({ reason }))
  }

  const fail = (stream: ServerHttp2Stream, fault: ApnsFault) => {
    if (fault === 'hang') return
    if (fault === 'drop') return stream.session?.destroy()
    if (fault === 'goaway') {
      stream.session?.goaway(0, stream.id ?? 0)
      return say(stream, 200)
    }
    say(stream, fault.status, fault.reason)
  }

  const answer = async (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    seen.requests += 1
    let body = ''
    for await (const chunk of stream as AsyncIterable<Buffer>) body += chunk
    const expired = problemOfToken(headers.authorization)
    if (expired !== undefined) return say(stream, 403, expired)
    const fault = faults.shift()
    if (fault !== undefined) return fail(stream, fault)
    const [, token] = /^\/3\/device\/([0-9a-f]+)$/.exec(String(headers[':path'])) ?? []
    const problem = token === undefined || headers[':method'] !== 'POST' ? 'BadPath' : problemOf(headers, body)
    if (problem !== undefined) {
      complaints.push(problem)
      return say(stream, 400, problem)
    }
    notifications.push({ token: token ?? '', headers, payload: JSON.parse(body) })
    say(stream, 200)
  }

  const server = createSecureServer({ key, cert })
  server.on('session', (session) => {
    seen.connections += 1
    sessions.push(session)
    session.on('error', () => undefined)
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    answer(stream, headers).catch((thrown: unknown) => complaints.push(String(thrown)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`

  return {
    origin,
    /** Options of a sender that it takes. */
    access: {
      teamId: TEAM,
      keyId: KEY,
      privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      topic: TOPIC,
      hosts: { production: origin, sandbox: origin },
      ca: cert,
    },
    notifications,
    complaints,
    /** Different ones, oldest first. */
    providerTokens,
    seen,
    failNext: (...next: readonly ApnsFault[]) => {
      faults.push(...next)
    },
    /** As a restart does. */
    dropConnections: () => {
      for (const session of sessions.splice(0)) session.destroy()
    },
    close: async () => {
      for (const session of sessions) session.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A running APNs. */
export type Apns = Awaited<ReturnType<typeof startApns>>
