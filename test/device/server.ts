import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, type JWK } from 'jose'

type Claims = Readonly<Record<string, unknown>>

interface Answer {
  readonly status: number
  readonly body: object
  readonly headers?: Readonly<Record<string, string>>
}

interface Asked {
  readonly ticket?: string
  readonly statement?: string
}

interface Enrolled {
  key: JWK
  name: string
  channel?: unknown
  confirmed: boolean
}

/** What a test wants to happen in place of, or around, the right answer. */
export type Mishap = 'lost request' | 'lost answer' | 'nonsense' | Answer

const TICKET = 'A'.repeat(22)
const TOLERANCE_SECONDS = 5

const hash = (text: string) => createHash('sha256').update(text).digest('base64url')

const fault = (status: number, error: string, more: object = {}): Answer => ({
  status,
  body: { error, error_description: error, ...more },
})

const read = async (request: IncomingMessage) => {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return JSON.parse(Buffer.concat(parts).toString()) as Asked
}

/** A server of the push protocol that says no more than docs/push-protocol.md, verifies by jose, and can be upset. */
export const startServer = async () => {
  const devices = new Map<string, Enrolled>()
  const said: Claims[] = []
  const mishaps = new Map<string, Mishap[]>()
  const lines = new Set<ServerResponse>()
  const used = new Set<string>()
  let challenges: readonly object[] = []
  let offsetSeconds = 0
  let unread = false
  let ticket: string | undefined = TICKET

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}/op`

  const now = () => Math.floor(Date.now() / 1000) + offsetSeconds
  const event = () => `event: challenges\ndata: ${JSON.stringify({ challenges })}\n\n`

  const verified = async (statement: string, key: JWK) => {
    const { payload, protectedHeader } = await compactVerify(statement, key, { algorithms: ['ES256'] })
    if (protectedHeader.typ !== 'push-device+jwt') throw new Error('typ')
    const claims = JSON.parse(Buffer.from(payload).toString()) as Record<string, number | string>
    if (claims.aud !== issuer || claims.iss !== protectedHeader.kid) throw new Error('parties')
    if (Number(claims.exp) - Number(claims.iat) > 60 || Buffer.from(String(claims.jti), 'base64url').length !== 16)
      throw new Error('shape')
    return claims
  }

  const isLate = ({ iat, exp }: Claims) =>
    Number(iat) > now() + TOLERANCE_SECONDS || Number(exp) + TOLERANCE_SECONDS <= now()

  const enroll = async (given: string, statement: string): Promise<Answer> => {
    const { jwk, kid } = decodeProtectedHeader(statement)
    if (jwk === undefined || kid !== (await calculateJwkThumbprint(jwk))) return fault(401, 'invalid_statement')
    const claims = await verified(statement, jwk)
    if (isLate(claims)) return fault(401, 'statement_expired', { now: now() })
    if (given !== ticket || claims.ticket !== hash(given) || claims.act !== 'enroll')
      return fault(404, 'invalid_ticket')
    ticket = undefined
    said.push(claims)
    const { name, channel } = claims
    devices.set(kid, { key: jwk, name: String(name), channel, confirmed: false })
    const enrolled = { deviceId: kid, account: 'alice@example.com', issuer, code: '123456', expiresAt: now() + 600 }
    return { status: 200, body: enrolled }
  }

  const acts: Readonly<Record<string, (claims: Claims, device: Enrolled) => Promise<Answer> | Answer>> = {
    pending: () => ({ status: 200, body: { challenges } }),
    answer: ({ reference, decision, number }) => {
      if (!challenges.some((one) => (one as Claims).reference === reference)) return fault(404, 'no_challenge')
      if (decision === 'approve' && number !== undefined && number !== '42')
        return fault(422, 'wrong_number', { left: 2 })
      const outcome = { approve: 'approved', deny: 'denied', report: 'reported' }[String(decision)]
      return { status: 200, body: { outcome } }
    },
    update: ({ name, channel }, device) => {
      Object.assign(device, name === undefined ? {} : { name }, channel === undefined ? {} : { channel })
      return { status: 200, body: {} }
    },
    rotate: async ({ proof, jti, iat, exp }, device) => {
      const { jwk = {} } = decodeProtectedHeader(String(proof))
      const same = await verified(String(proof), jwk)
      if (same.act !== 'rotate' || same.jti !== jti || same.iat !== iat || same.exp !== exp)
        return fault(401, 'invalid_statement')
      device.key = jwk
      return { status: 200, body: {} }
    },
    remove: ({ iss }) => {
      devices.delete(String(iss))
      return { status: 200, body: {} }
    },
  }

  const say = async (statement: string, response: ServerResponse): Promise<Answer | 'held'> => {
    const { kid = '', jwk } = decodeProtectedHeader(statement)
    const device = devices.get(kid)
    if (device === undefined || !device.confirmed) return fault(401, 'unknown_device')
    const claims = await verified(statement, device.key).catch(() => undefined)
    if (claims === undefined || jwk !== undefined) return fault(401, 'invalid_statement')
    if (isLate(claims)) return fault(401, 'statement_expired', { now: now() })
    if (used.has(String(claims.jti))) return fault(409, 'used_statement')
    used.add(String(claims.jti))
    said.push(claims)
    if (claims.act !== 'listen')
      return (await acts[String(claims.act)]?.(claims, device)) ?? fault(400, 'invalid_request')
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(unread ? ': \n\n' : event())
    lines.add(response)
    response.on('close', () => lines.delete(response))
    return 'held'
  }

  const about: Answer = { status: 200, body: { issuer, channels: ['web-push'], vapidPublicKey: 'B' } }

  const judge = async ({ ticket: given, statement }: Asked, response: ServerResponse): Promise<Answer | 'held'> => {
    if (statement === undefined) return about
    return given === undefined ? say(statement, response) : enroll(given, statement)
  }

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const asked = await read(request)
    if (request.url !== '/op/mfa/devices' || request.headers.cookie !== undefined) return response.destroy()
    const mishap = mishaps.get(actOf(asked.statement))?.shift()
    if (mishap === 'lost request') return response.destroy()
    if (mishap === 'nonsense') return response.writeHead(200).end('<html>')
    const right = typeof mishap === 'object' ? mishap : await judge(asked, response)
    if (mishap === 'lost answer') return response.destroy()
    if (right === 'held') return response
    const { status, body, headers = {} } = right
    return response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  }

  return {
    issuer,
    link: `${issuer}/authenticator#enroll=${TICKET}`,
    devices,
    /** Claims of every statement that was right, oldest first. */
    said,
    /** How many devices listen. */
    listening: () => lines.size,
    /** Confirms what was enrolled, as the code does on the sign-in page. */
    confirm: () => {
      for (const device of devices.values()) device.confirmed = true
    },
    /** A further enrolment can begin. */
    renew: () => {
      ticket = TICKET
    },
    /** What happens to the next statements of this act, one each. */
    upset: (act: string, ...next: readonly Mishap[]) => mishaps.set(act, [...next]),
    /** Asks something, or nothing. */
    ask: (...next: readonly object[]) => {
      challenges = next
      for (const line of lines) line.write(event())
    },
    challenge: (more: object = {}) => ({
      reference: randomUUID(),
      account: 'alice@example.com',
      client: 'Bank',
      match: 'number',
      at: now(),
      expiresAt: now() + 120,
      ...more,
    }),
    /** Moves the server's clock from everybody else's. */
    skew: (seconds: number) => {
      offsetSeconds = seconds
    },
    /** Streams open, and say nothing but comments. */
    mute: () => {
      unread = true
    },
    /** Ends every stream. */
    hangUp: () => {
      for (const line of lines) line.end()
      lines.clear()
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const actOf = (statement: string | undefined) => {
  if (statement === undefined) return 'about'
  const [, payload = ''] = statement.split('.')
  return String((JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims).act)
}

/** A server as tests hold it. */
export type ProtocolServer = Awaited<ReturnType<typeof startServer>>
