import type { IncomingMessage, ServerResponse } from 'node:http'
import { type JWTPayload, jwtVerify, SignJWT } from 'jose'

export const CLIENT_ID = 'DI0123456789ABCDEFGH'
export const CLIENT_SECRET = 'secret-of-the-test-0123456789-abcdefghij'
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const LEEWAY_SECONDS = 60
const LONGEST_SECONDS = 300

/** Anything that is no answer of Duo's. */
export type Fault =
  /** A status with a body. */
  | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }
  /** No answer, one that never ends, one that is too long, or the line is cut. */
  | 'hang'
  | 'drip'
  | 'flood'
  | 'drop'

/** What comes of the prompt: what Duo tells of it, or the error it sends the browser back with. */
export interface Person {
  readonly result: string
  readonly status: string
  readonly context: Readonly<Record<string, unknown>>
  readonly error?: string
}

/** Somebody who approves a push. */
export const APPROVES: Person = {
  result: 'allow',
  status: 'allow',
  context: { factor: 'duo_push', reason: 'user_approved', result: 'success', event_type: 'authentication' },
}

/** One request, as it came. */
export interface Asked {
  readonly endpoint: 'health_check' | 'authorize' | 'token'
  readonly form: Readonly<Record<string, string>>
  /** Claims of the one token in it. */
  readonly claims: JWTPayload
  readonly header: Readonly<Record<string, unknown>>
}

const secretOf = (text: string) => new TextEncoder().encode(text)

/** Signs as Duo does, or as somebody else would. */
export const signed = (claims: JWTPayload, alg = 'HS512', secret = CLIENT_SECRET) => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return alg === 'none'
    ? Promise.resolve(`${part({ alg })}.${part(claims)}.`)
    : new SignJWT(claims).setProtectedHeader({ alg }).sign(secretOf(secret))
}

/** The claims of a token that our client has signed for this audience; throws for any other. */
export const claimsFor = async (token: string, audience: string, now: number) => {
  const { payload, protectedHeader } = await jwtVerify(token, secretOf(CLIENT_SECRET), {
    algorithms: ['HS512'],
    issuer: CLIENT_ID,
    audience,
    requiredClaims: ['exp'],
    clockTolerance: LEEWAY_SECONDS,
    currentDate: new Date(now * 1000),
  })
  const { exp = 0, iat = now } = payload
  if (exp > now + LONGEST_SECONDS + LEEWAY_SECONDS || iat > now + LEEWAY_SECONDS)
    throw new Error('made at another time')
  return { claims: payload, header: protectedHeader as Asked['header'] }
}

const isText = (value: unknown, least: number, most: number) =>
  typeof value === 'string' && value.length >= least && value.length <= most

/** What is wrong with what our client says of itself. */
export const problemOfAssertion = (form: Asked['form'], { sub, jti, iat }: JWTPayload) => {
  if (form.client_id !== CLIENT_ID || sub !== CLIENT_ID) return 'another client'
  if (!isText(jti, 16, 36)) return 'the jti is none'
  return iat === undefined ? 'no iat' : undefined
}

const FIELDS: Readonly<Record<Asked['endpoint'], readonly string[]>> = {
  health_check: ['client_id', 'client_assertion'],
  authorize: ['response_type', 'client_id', 'request', 'redirect_uri', 'scope'],
  token: ['grant_type', 'code', 'redirect_uri', 'client_id', 'client_assertion_type', 'client_assertion'],
}

/** What of the form is missing or unknown. */
export const problemOfFields = (endpoint: Asked['endpoint'], form: Asked['form']) => {
  const names = FIELDS[endpoint]
  const odd = [...names.filter((name) => !form[name]), ...Object.keys(form).filter((name) => !names.includes(name))]
  return odd.length === 0 ? undefined : `the fields ${odd.join(', ')}`
}

/** What is wrong with a request for the prompt. */
export const problemOfPrompt = (form: Asked['form'], claims: JWTPayload) => {
  const same = ['response_type', 'client_id', 'redirect_uri', 'scope'].find((name) => claims[name] !== form[name])
  if (same !== undefined) return `${same} is another in the request`
  if (form.response_type !== 'code' || form.scope !== 'openid' || form.client_id !== CLIENT_ID)
    return 'it asks for more'
  if (!URL.canParse(form.redirect_uri ?? '')) return 'the redirect_uri is none'
  if (!isText(claims.state, 22, 1024)) return 'the state is too short or too long'
  if (claims.nonce !== undefined && !isText(claims.nonce, 16, 1024)) return 'the nonce is too short or too long'
  if (!isText(claims.duo_uname, 1, 256)) return 'no user'
  return typeof claims.use_duo_code_attribute === 'boolean' ? undefined : 'use_duo_code_attribute is none'
}

/** What is wrong with the form that a code comes in. */
export const problemOfExchange = ({ grant_type, client_assertion_type }: Asked['form']) =>
  grant_type === 'authorization_code' && client_assertion_type === ASSERTION_TYPE ? undefined : 'unsupported_grant_type'

export const read = async (request: IncomingMessage) => {
  let text = ''
  for await (const chunk of request as AsyncIterable<Buffer>) text += chunk
  return Object.fromEntries(new URLSearchParams(text))
}

export const say = (response: ServerResponse, status: number, body: object) => {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

/** A byte now and then, which keeps a time-out of the socket from ever passing. */
const drip = (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const dripping = setInterval(() => response.write(' '), 50)
  response.on('close', () => clearInterval(dripping))
}

export const fail = (response: ServerResponse, fault: Fault): void => {
  if (fault === 'hang') return
  if (fault === 'drip') {
    drip(response)
    return
  }
  if (fault === 'drop') {
    response.destroy()
    return
  }
  if (fault === 'flood') {
    response.end(`{"stat":"OK","more":"${'a'.repeat(1_000_000)}"}`)
    return
  }
  response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
  response.end(fault.body)
}
