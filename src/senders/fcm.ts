import { SignJWT } from 'jose'
import { systemClock } from '../clock.ts'
import type { PushMessage, PushSender } from '../factors/push.ts'
import { createCredential, type Issued } from './push/credential.ts'
import { checkOptions, privateKey, readKey, required, serviceUrl, shaped, timeoutSeconds } from './push/options.ts'
import { gone, lifeOf, refused, TIMEOUT_SECONDS, unanswered, unusable } from './push/outcome.ts'

/** Settings of the FCM sender: three members of the service account's JSON file, under our names. */
export interface FcmOptions {
  /** `project_id`: the Firebase project that the app belongs to. */
  readonly projectId: string
  /** `client_email`: the service account, which needs the right `cloudmessaging.messages.create`. */
  readonly clientEmail: string
  /** `private_key`: its RSA key in PEM; line breaks may be spelled `\n`, as in that file. */
  readonly privateKey: string
  /** Another base URL in place of `https://fcm.googleapis.com`: https, or http on this machine. */
  readonly apiUrl?: string
  /** Another token endpoint in place of `https://oauth2.googleapis.com/token`: https, or http on this machine. */
  readonly tokenUrl?: string
  /** How long one request may take, in seconds: up to 10. Default 3. */
  readonly timeoutSeconds?: number
}

/** What FCM says of a failure, as far as we look at it. */
interface Failure {
  readonly status?: unknown
  readonly details?: unknown
}

interface Detail {
  readonly errorCode?: unknown
  readonly fieldViolations?: unknown
}

const WHERE = 'fcm()'
const SERVICE = 'FCM'
const TOKENS = "Google's token endpoint"
const API_URL = 'https://fcm.googleapis.com'
const TOKEN_URL = 'https://oauth2.googleapis.com/token'
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging'
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const ASSERTION_SECONDS = 3600
/** A token that ends while a push is on its way is of no use. */
const MARGIN_SECONDS = 60
const DEAD: ReadonlySet<unknown> = new Set(['UNREGISTERED', 'SENDER_ID_MISMATCH'])

const RULES = {
  projectId: required(shaped(/^[a-z][a-z\d:.-]{4,60}$/, 'the id of a Firebase project, such as example-1a2b3')),
  clientEmail: required(shaped(/^[^\s@]+@[^\s@]+$/, "the service account's address")),
  privateKey: required(privateKey(({ asymmetricKeyType }) => asymmetricKeyType === 'rsa', 'an RSA private key in PEM')),
  apiUrl: serviceUrl,
  tokenUrl: serviceUrl,
  timeoutSeconds,
}

/** Status and body of an answer; a body that is no JSON object is an empty one. */
const ask = async (service: string, url: string, init: RequestInit, milliseconds: number) => {
  const request = { ...init, method: 'POST', redirect: 'manual', signal: AbortSignal.timeout(milliseconds) } as const
  try {
    const response = await fetch(url, request)
    const text = await response.text()
    return { ok: response.ok, status: response.status, body: objectIn(text) }
  } catch (thrown) {
    throw unanswered(service, thrown)
  }
}

const objectIn = (text: string): Readonly<Record<string, unknown>> => {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

const assertion = (clientEmail: string, key: ReturnType<typeof readKey>, tokenUrl: string) => {
  const now = systemClock()
  return new SignJWT({ scope: SCOPE })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(clientEmail)
    .setAudience(tokenUrl)
    .setIssuedAt(now)
    .setExpirationTime(now + ASSERTION_SECONDS)
    .sign(key)
}

/** Asks for access tokens; RFC 7523 section 2.1. */
const tokenIssuer = ({ clientEmail, privateKey: pem, tokenUrl = TOKEN_URL }: FcmOptions, milliseconds: number) => {
  const key = readKey(pem)
  return async (): Promise<Issued> => {
    const form = new URLSearchParams({ grant_type: GRANT_TYPE, assertion: await assertion(clientEmail, key, tokenUrl) })
    const { ok, status, body } = await ask(TOKENS, tokenUrl, { body: form }, milliseconds)
    if (!ok) throw refused(TOKENS, status, body.error)
    const { access_token: token, expires_in: seconds } = body
    if (typeof token !== 'string' || typeof seconds !== 'number') throw new Error(`${TOKENS} answered without a token`)
    const now = systemClock()
    return { token, from: now, until: now + seconds - MARGIN_SECONDS }
  }
}

const messageOf = (token: string, { reference, text, expiresAt }: PushMessage, seconds: number) => ({
  message: {
    token,
    data: { reference },
    notification: { body: text },
    android: { priority: 'HIGH', ttl: `${seconds}s` },
    apns: { headers: { 'apns-priority': '10', 'apns-expiration': String(expiresAt) } },
  },
})

const detailsOf = ({ details }: Failure): readonly Detail[] => (Array.isArray(details) ? details.map(Object) : [])

const isAboutToken = ({ fieldViolations }: Detail) =>
  Array.isArray(fieldViolations) && fieldViolations.some((one) => Object(one).field === 'message.token')

/** The bare status says too little: 404 is also the answer where the project is another. */
const failureOf = (status: number, body: Readonly<Record<string, unknown>>) => {
  const error: Failure = Object(body.error)
  const details = detailsOf(error)
  const errorCode = details.find((one) => one.errorCode !== undefined)?.errorCode
  if (DEAD.has(errorCode)) return gone(SERVICE, String(errorCode))
  if (status === 400 && details.some(isAboutToken)) return gone(SERVICE, 'INVALID_ARGUMENT')
  return refused(SERVICE, status, errorCode ?? error.status)
}

const tokenOf = (channel: unknown) => {
  const { service, token } = Object(channel) as Record<string, unknown>
  if (service !== 'fcm' || typeof token !== 'string' || !/^[\w:.-]{1,1024}$/.test(token)) return undefined
  return { service, token } as const
}

/**
 * Sends pushes to native apps through Firebase Cloud Messaging, HTTP v1: the challenge's reference as data, and `text`
 * as the visible notification.
 *
 * The access token is kept until a minute before its end, asked for once for all who send meanwhile, and once more
 * where FCM does not take it.
 *
 * The sender throws StepUpError `ERR_ADDRESS` where the app's token is dead for good (`UNREGISTERED`,
 * `SENDER_ID_MISMATCH`, or no token at all), and an ordinary error for everything else. Neither names the token.
 *
 * @throws StepUpError `ERR_CONFIG` where an option is none or out of its bounds.
 * @see Firebase, REST resource projects.messages; RFC 7523; docs/push-protocol.md, "Channels"
 */
export const fcm = (options: FcmOptions): PushSender => {
  checkOptions(WHERE, options, RULES)
  const { projectId, apiUrl = API_URL } = options
  const milliseconds = (options.timeoutSeconds ?? TIMEOUT_SECONDS) * 1000
  const url = `${apiUrl.replace(/\/+$/, '')}/v1/projects/${projectId}/messages:send`
  const credential = createCredential(tokenIssuer(options, milliseconds))

  const post = async (body: string) => {
    const access = await credential.get()
    const headers = { authorization: `Bearer ${access}`, 'content-type': 'application/json' }
    const answer = await ask(SERVICE, url, { headers, body }, milliseconds)
    if (answer.status === 401) credential.drop(access)
    return answer
  }

  const send = async (message: PushMessage) => {
    const channel = tokenOf(message.channel)
    if (channel === undefined) throw unusable(SERVICE)
    const body = JSON.stringify(messageOf(channel.token, message, lifeOf(message)))
    const first = await post(body)
    const { ok, status, body: said } = first.status === 401 ? await post(body) : first
    if (!ok) throw failureOf(status, said)
  }
  return Object.freeze({ service: 'fcm' as const, parse: tokenOf, send })
}
