import { createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { read } from './twilio-api.ts'

/** One answer that is not what was asked for. */
export type FcmFault =
  | 'hang'
  | 'drop'
  | { readonly status: number; readonly errorCode?: string; readonly field?: string; readonly body?: string }

/** A message that FCM took. */
export interface FcmMessage {
  readonly token: string
  readonly data: Readonly<Record<string, string>>
  readonly notification: Readonly<Record<string, string>>
  readonly android: { readonly priority: string; readonly ttl: string }
  readonly apns: { readonly headers: Readonly<Record<string, string>> }
}

const PROJECT = 'example-1a2b3'
const EMAIL = `push@${PROJECT}.iam.gserviceaccount.com`
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging'
const FIELDS = ['token', 'data', 'notification', 'android', 'apns']
/** Making one takes a while. */
const PAIR = generateKeyPairSync('rsa', { modulusLength: 2048 })

const STATUSES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
}

const json = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())

/** What is wrong with the service account's word; RFC 7523 section 3 and Google's own rules. */
const problemOfAssertion = (form: URLSearchParams, tokenUrl: string) => {
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return 'unsupported_grant_type'
  const [head = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.')
  const key = createPublicKey(PAIR.publicKey.export({ type: 'spki', format: 'pem' }))
  if (!verify('sha256', Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url')))
    return 'invalid_grant: signature'
  const { alg, typ } = json(head)
  const { iss, scope, aud, iat, exp } = json(claims)
  const now = Date.now() / 1000
  if (alg !== 'RS256' || typ !== 'JWT') return 'invalid_grant: header'
  if (iss !== EMAIL || scope !== SCOPE || aud !== tokenUrl) return 'invalid_grant: claims'
  return Math.abs(iat - now) < 60 && exp > now && exp - iat <= 3600 ? undefined : 'invalid_grant: times'
}

const isTexts = (value: unknown) =>
  Object(value) === value && Object.values(Object(value)).every((one) => typeof one === 'string')

const problemOfMessage = (body: unknown) => {
  const { message, ...more } = Object(body)
  const unknown = Object.keys(more)[0] ?? Object.keys(Object(message)).find((name) => !FIELDS.includes(name))
  if (unknown !== undefined) return `unknown field ${unknown}`
  const { token, data, notification, android, apns } = message
  if (typeof token !== 'string' || !isTexts(data) || !isTexts(notification) || !isTexts(apns.headers)) return 'no texts'
  return android.priority === 'HIGH' && /^\d+s$/.test(android.ttl) ? undefined : 'android'
}

const errorBody = (status: number, errorCode?: string, field?: string) => {
  const type = 'type.googleapis.com/'
  const details = [
    ...(errorCode === undefined ? [] : [{ '@type': `${type}google.firebase.fcm.v1.FcmError`, errorCode }]),
    ...(field === undefined
      ? []
      : [{ '@type': `${type}google.rpc.BadRequest`, fieldViolations: [{ field, description: 'S3CRET' }] }]),
  ]
  return { error: { code: status, message: 'S3CRET of the service', status: STATUSES[status], details } }
}

const say = (response: ServerResponse, status: number, body: unknown) => {
  response.writeHead(status, { 'content-type': 'application/json', ...(status === 302 ? { location: '/stolen' } : {}) })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

const fail = (response: ServerResponse, fault: FcmFault) => {
  if (fault === 'hang') return
  if (fault === 'drop') {
    response.destroy()
    return
  }
  const { status, errorCode, field, body } = fault
  say(response, status, body ?? errorBody(status, errorCode, field))
}

/**
 * Google's token endpoint and FCM HTTP v1 on loopback: they check the assertion, the access token and every member of
 * the message, and answer as they are told to.
 */
export const startFcm = async () => {
  const messages: FcmMessage[] = []
  const complaints: string[] = []
  const paths: string[] = []
  const faults: FcmFault[] = []
  const tokenFaults: FcmFault[] = []
  const tokens = new Map<string, number>()
  const issued: string[] = []
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const complain = (response: ServerResponse, status: number, problem: string) => {
    complaints.push(problem)
    say(response, status, errorBody(status))
  }

  const issue = (response: ServerResponse, text: string) => {
    const fault = tokenFaults.shift()
    if (fault !== undefined) return fail(response, fault)
    const problem = problemOfAssertion(new URLSearchParams(text), `${url()}/token`)
    if (problem !== undefined) return complain(response, 400, problem)
    const token = randomBytes(16).toString('hex')
    tokens.set(token, Date.now() / 1000 + 3599)
    issued.push(token)
    say(response, 200, { access_token: token, expires_in: 3599, token_type: 'Bearer' })
  }

  const take = (response: ServerResponse, authorization = '', text = '') => {
    if (!((tokens.get(authorization.replace('Bearer ', '')) ?? 0) > Date.now() / 1000))
      return say(response, 401, errorBody(401))
    const fault = faults.shift()
    if (fault !== undefined) return fail(response, fault)
    const body = JSON.parse(text)
    const problem = problemOfMessage(body)
    if (problem !== undefined) return complain(response, 400, problem)
    messages.push(body.message)
    say(response, 200, { name: `projects/${PROJECT}/messages/1` })
  }

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const text = await read(request)
    const { method, url: path = '', headers } = request
    paths.push(path)
    if (method === 'POST' && path === '/token') return issue(response, text)
    const isSend = method === 'POST' && path === `/v1/projects/${PROJECT}/messages:send`
    if (isSend && headers['content-type'] === 'application/json') return take(response, headers.authorization, text)
    complain(response, 404, `${method} ${path}`)
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((thrown: unknown) => {
      complaints.push(String(thrown))
      response.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    /** Options of a sender that it takes. */
    access: {
      projectId: PROJECT,
      clientEmail: EMAIL,
      privateKey: PAIR.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      apiUrl: url(),
      tokenUrl: `${url()}/token`,
    },
    messages,
    complaints,
    /** Of all requests, oldest first. */
    paths,
    /** Access tokens, oldest first. */
    issued,
    /** No access token is good any more. */
    revokeTokens: () => tokens.clear(),
    failNext: (...next: readonly FcmFault[]) => {
      faults.push(...next)
    },
    failNextToken: (...next: readonly FcmFault[]) => {
      tokenFaults.push(...next)
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A running FCM. */
export type Fcm = Awaited<ReturnType<typeof startFcm>>
