import { SignJWT } from 'jose'
import { systemClock } from '../clock.ts'
import type { PushMessage, PushSender } from '../factors/push.ts'
import { createCredential, type Issued } from './push/credential.ts'
import { createConnection } from './push/http2.ts'
import {
  authorities,
  checkOptions,
  privateKey,
  readKey,
  required,
  serviceUrl,
  shaped,
  timeoutSeconds,
} from './push/options.ts'
import { gone, lifeOf, refused, TIMEOUT_SECONDS, unanswered, unusable } from './push/outcome.ts'

/** Settings of the APNs sender; key, its ids and the topic are needed. */
export interface ApnsOptions {
  /** Your team at Apple: ten characters. */
  readonly teamId: string
  /** Of the key: ten characters. */
  readonly keyId: string
  /** The content of the `.p8` file; line breaks may be spelled `\n`. */
  readonly privateKey: string
  /** The app's bundle id. */
  readonly topic: string
  /** The kind of notification, by which an app adds buttons and its own sound. Default `sign-in`. */
  readonly category?: string
  /** Other origins in place of Apple's: https, or http on this machine. */
  readonly hosts?: { readonly production?: string; readonly sandbox?: string }
  /** How long one request may take, in seconds: up to 10. Default 3. */
  readonly timeoutSeconds?: number
  /** For development: certificates in PEM that are trusted in place of those that Node trusts. */
  readonly ca?: string | readonly string[]
}

type Environment = 'production' | 'sandbox'

interface Device {
  readonly service: 'apns'
  readonly token: string
  readonly environment: Environment
}

const WHERE = 'apns()'
const SERVICE = 'APNs'
const HOSTS: Readonly<Record<Environment, string>> = {
  production: 'https://api.push.apple.com',
  sandbox: 'https://api.sandbox.push.apple.com',
}
/** Apple takes a token for an hour, and a new one every twenty minutes at most. */
const TOKEN_SECONDS = 2400
const ID = 'ten capital letters and digits'

const RULES = {
  teamId: required(shaped(/^[A-Z\d]{10}$/, ID)),
  keyId: required(shaped(/^[A-Z\d]{10}$/, ID)),
  privateKey: required(
    privateKey(
      ({ asymmetricKeyDetails }) => asymmetricKeyDetails?.namedCurve === 'prime256v1',
      "the content of Apple's .p8 file",
    ),
  ),
  topic: required(shaped(/^[\w.-]{1,255}$/, "the app's bundle id")),
  category: shaped(/^[\w.-]{1,100}$/, 'letters, digits, dots and hyphens'),
  hosts: { isAllowed: (value: unknown) => Object(value) === value, allowed: 'an object with production, sandbox' },
  timeoutSeconds,
  ca: authorities,
}

const tokenIssuer = ({ teamId, keyId, privateKey: pem }: ApnsOptions) => {
  const key = readKey(pem)
  return async (): Promise<Issued> => {
    const from = systemClock()
    const jwt = new SignJWT().setProtectedHeader({ alg: 'ES256', kid: keyId }).setIssuer(teamId).setIssuedAt(from)
    return { token: await jwt.sign(key), from, until: from + TOKEN_SECONDS }
  }
}

const isEnvironment = (value: unknown): value is Environment => value === 'production' || value === 'sandbox'

const deviceOf = (channel: unknown): Device | undefined => {
  const { service, token, environment } = Object(channel) as Record<string, unknown>
  if (service !== 'apns' || !isEnvironment(environment)) return undefined
  if (typeof token !== 'string' || !/^(?:[\da-f]{2}){16,100}$/i.test(token)) return undefined
  return { service, token: token.toLowerCase(), environment }
}

const reasonIn = (text: string): unknown => {
  try {
    return Object(JSON.parse(text)).reason
  } catch {
    return undefined
  }
}

const failureOf = (status: number, reason: unknown) =>
  status === 410 || (status === 400 && reason === 'BadDeviceToken')
    ? gone(SERVICE, status)
    : refused(SERVICE, status, reason)

const requestOf = (message: PushMessage, { topic, category = 'sign-in' }: ApnsOptions) => ({
  headers: {
    'content-type': 'application/json',
    'apns-topic': topic,
    'apns-push-type': 'alert',
    'apns-priority': '10',
    'apns-expiration': String(message.expiresAt),
    'apns-collapse-id': message.reference,
  },
  body: JSON.stringify({
    aps: { alert: { body: message.text }, sound: 'default', category },
    reference: message.reference,
  }),
})

/**
 * Sends pushes to native apps through Apple's push service, with a provider token: `text` as the visible alert, and the
 * challenge's reference beside it.
 *
 * One connection is kept for each environment; it keeps no process alive. The provider token is made anew every 40
 * minutes, and once more where Apple takes it for expired.
 *
 * The sender throws StepUpError `ERR_ADDRESS` where the device token is dead for good (410, `BadDeviceToken`), and an
 * ordinary error for everything else. Neither names the token.
 *
 * @throws StepUpError `ERR_CONFIG` where an option is none or out of its bounds.
 * @see Apple, Sending notification requests to APNs; docs/push-protocol.md, "Channels"
 */
export const apns = (options: ApnsOptions): PushSender => {
  checkOptions(WHERE, options, RULES)
  const settings = { ...options }
  const hosts = options.hosts ?? {}
  checkOptions(`${WHERE}.hosts`, hosts, { production: serviceUrl, sandbox: serviceUrl })
  const milliseconds = (options.timeoutSeconds ?? TIMEOUT_SECONDS) * 1000
  const lineTo = (environment: Environment) =>
    createConnection({ origin: hosts[environment] ?? HOSTS[environment], milliseconds, ca: options.ca })
  const lines = { production: lineTo('production'), sandbox: lineTo('sandbox') }
  const credential = createCredential(tokenIssuer(settings))

  const post = async ({ token, environment }: Device, { headers, body }: ReturnType<typeof requestOf>) => {
    const provider = await credential.get()
    const authorization = `bearer ${provider}`
    const request = { path: `/3/device/${token}`, headers: { authorization, ...headers }, body }
    const { status, text } = await lines[environment].post(request).catch((thrown: unknown) => {
      throw unanswered(SERVICE, thrown)
    })
    const reason = reasonIn(text)
    const isExpired = status === 403 && reason === 'ExpiredProviderToken'
    if (isExpired) credential.drop(provider)
    return { status, reason, isExpired }
  }

  const send = async (message: PushMessage) => {
    const device = deviceOf(message.channel)
    if (device === undefined) throw unusable(SERVICE)
    lifeOf(message)
    const request = requestOf(message, settings)
    const first = await post(device, request)
    const { status, reason } = first.isExpired ? await post(device, request) : first
    if (status !== 200) throw failureOf(status, reason)
  }
  return Object.freeze({ service: 'apns' as const, parse: deviceOf, send })
}
