import { createECDH, ECDH } from 'node:crypto'
import { Agent, request } from 'node:https'
import push from 'web-push'
import { systemClock } from '../clock.ts'
import { digest } from '../crypto/digest.ts'
import type { PushMessage, PushSender } from '../factors/push.ts'
import { type AllowedHost, allowedHost, endpointOf } from './push/hosts.ts'
import { authorities, checkOptions, flag, required, shaped, timeoutSeconds, wrong } from './push/options.ts'
import { gone, lifeOf, refused, TIMEOUT_SECONDS, unanswered, unusable } from './push/outcome.ts'
import { checkedLookup, isPublicAddress, type Resolve, systemResolve } from './push/public-address.ts'

/** Settings of the Web Push sender; `subject` and the key pair are needed. */
export interface WebPushOptions {
  /** Whom a push service can write to about your pushes: a `mailto:` or `https:` URL. */
  readonly subject: string
  /** The VAPID public key: 65 bytes in base64url, as `oidc-step-up keys` makes it. Apps subscribe with it. */
  readonly publicKey: string
  /** The VAPID private key: 32 bytes in base64url. With another pair, every app has to subscribe anew. */
  readonly privateKey: string
  /**
   * Hosts of push services that apps may name: `host`, or `*.host` for all below it. Default: those of Chrome, Firefox,
   * Edge and Safari. For development `host:port`.
   */
  readonly allowedHosts?: readonly string[]
  /** How long one push may take, in seconds: up to 10. Default 3. */
  readonly timeoutSeconds?: number
  /** Answers the addresses of a host name. Default: this machine's resolver. All of them must be public. */
  readonly resolve?: Resolve
  /** For development: addresses that are not public are allowed, such as this machine's. Default false. */
  readonly allowPrivate?: boolean
  /** For development: certificates in PEM that are trusted in place of those that Node trusts. */
  readonly ca?: string | readonly string[]
}

/** A subscription, with `service` before it. */
interface Subscription {
  readonly service: 'web-push'
  readonly endpoint: string
  readonly keys: { readonly p256dh: string; readonly auth: string }
}

const WHERE = 'webPush()'
const SERVICE = 'the push service'
const CURVE = 'prime256v1'
const DEFAULT_HOSTS = [
  'fcm.googleapis.com',
  '*.push.services.mozilla.com',
  '*.notify.windows.com',
  'web.push.apple.com',
] as const
const MAX_ENDPOINT_LENGTH = 2048
/** Clocks may differ by that much; RFC 8292 section 2 allows a day. */
const VAPID_SECONDS = 3600

const SUBJECT = 'a URL of mailto, or of https with a public host'
const PUBLIC_KEY = '65 bytes in base64url, a point on P-256; oidc-step-up keys makes such a pair'
const PRIVATE_KEY = '32 bytes in base64url, the key to publicKey'
const HOSTS = 'a list of host names, such as push.example.com or *.push.example.com'

const isPoint = (text: string) => {
  try {
    ECDH.convertKey(text, CURVE, 'base64url')
    return true
  } catch {
    return false
  }
}

const isPublicKey = (text: unknown): text is string =>
  typeof text === 'string' && /^B[\w-]{86}$/.test(text) && isPoint(text)

const isPair = (publicKey: string, privateKey: string) => {
  const pair = createECDH(CURVE)
  try {
    pair.setPrivateKey(privateKey, 'base64url')
    return pair.getPublicKey('base64url') === publicKey
  } catch {
    return false
  }
}

const RULES = {
  // Apple takes no push whose subject is on localhost.
  subject: required(shaped(/^(?:mailto:[^\s@]+@[^\s@]+|https:\/\/(?!localhost\b)[^\s/]+\S*)$/, SUBJECT)),
  publicKey: required({ isAllowed: isPublicKey, allowed: PUBLIC_KEY }),
  privateKey: required(shaped(/^[\w-]{43}$/, PRIVATE_KEY)),
  allowedHosts: { isAllowed: Array.isArray, allowed: HOSTS },
  timeoutSeconds,
  resolve: { isAllowed: (value: unknown) => typeof value === 'function', allowed: 'a function' },
  allowPrivate: flag,
  ca: authorities,
}

const check = (options: WebPushOptions) => {
  checkOptions(WHERE, options, RULES)
  const { publicKey, privateKey } = options
  if (!isPair(publicKey, privateKey)) throw wrong(`${WHERE}.privateKey`, privateKey, PRIVATE_KEY)
}

const hostsOf = ({ allowedHosts = DEFAULT_HOSTS }: WebPushOptions): readonly AllowedHost[] =>
  allowedHosts.map((entry, index) => {
    const host = allowedHost(entry)
    if (host === undefined) throw wrong(`${WHERE}.allowedHosts[${index}]`, entry, HOSTS)
    return host
  })

const subscriptionOf = (channel: unknown, hosts: readonly AllowedHost[]): Subscription | undefined => {
  const { service, endpoint, keys } = Object(channel) as Record<string, unknown>
  const { p256dh, auth } = Object(keys) as Record<string, unknown>
  if (service !== 'web-push' || typeof endpoint !== 'string' || endpoint.length > MAX_ENDPOINT_LENGTH) return undefined
  if (!isPublicKey(p256dh) || typeof auth !== 'string' || !/^[\w-]{22}$/.test(auth)) return undefined
  return endpointOf(endpoint, hosts) && { service, endpoint, keys: { p256dh, auth } }
}

/** A connection for each push: its host is looked up and judged anew, and nothing goes another way. */
const agentOf = ({ resolve = systemResolve, allowPrivate = false, ca }: WebPushOptions) =>
  new Agent({
    keepAlive: false,
    rejectUnauthorized: true,
    lookup: checkedLookup(resolve, (address) => allowPrivate || isPublicAddress(address)),
    ...(ca === undefined ? {} : { ca: [ca].flat() }),
  })

interface Posting {
  readonly url: URL
  readonly headers: Readonly<Record<string, string | number>>
  readonly body: Buffer
}

/** The status is all that counts: neither a redirect nor a body is looked at. */
const post = ({ url, headers, body }: Posting, agent: Agent, milliseconds: number) =>
  new Promise<number>((resolve, reject) => {
    const signal = AbortSignal.timeout(milliseconds)
    const posted = request(url, { method: 'POST', agent, headers, signal }, (response) => {
      resolve(response.statusCode ?? 0)
      posted.destroy()
    })
    posted.on('error', reject)
    posted.end(body)
  })

const vapid =
  ({ subject, publicKey, privateKey }: WebPushOptions) =>
  ({ origin }: URL) =>
    push.getVapidHeaders(origin, subject, publicKey, privateKey, 'aes128gcm', systemClock() + VAPID_SECONDS)

/**
 * Sends pushes to browsers and installed web apps, encrypted by npm web-push. All they hold is the challenge's
 * reference; `text` stays behind, as the app finds its own words.
 *
 * An app names the host that we send to, so it is one of `allowedHosts`, by https on port 443; the addresses it
 * resolves to are public, and the connection goes to these; redirects are not followed.
 *
 * The sender throws StepUpError `ERR_ADDRESS` where the subscription has ended (404, 410), and an ordinary error for
 * everything else. Neither names the endpoint.
 *
 * @throws StepUpError `ERR_CONFIG` where an option is none, out of its bounds or contradicts another.
 * @see RFC 8030 (Web Push); RFC 8291 (encryption); RFC 8292 (VAPID); docs/push-protocol.md, "Channels"
 */
export const webPush = (options: WebPushOptions): PushSender => {
  check(options)
  const hosts = hostsOf(options)
  const agent = agentOf(options)
  const milliseconds = (options.timeoutSeconds ?? TIMEOUT_SECONDS) * 1000
  const identify = vapid(options)
  const parse = (channel: unknown) => subscriptionOf(channel, hosts)

  const send = async (message: PushMessage) => {
    const subscription = parse(message.channel)
    if (subscription === undefined) throw unusable(SERVICE)
    const { endpoint, keys } = subscription
    const url = new URL(endpoint)
    const payload = JSON.stringify({ reference: message.reference })
    const { cipherText: body } = push.encrypt(keys.p256dh, keys.auth, payload, 'aes128gcm')
    const headers = {
      ...identify(url),
      'Content-Encoding': 'aes128gcm',
      'Content-Type': 'application/octet-stream',
      'Content-Length': body.length,
      TTL: lifeOf(message),
      Urgency: 'high',
      // Sent once more, it takes the place of the first; the reference itself is not for the service to know.
      Topic: digest('oidc-step-up', 'web push topic', message.reference).slice(0, 32),
    }
    const status = await post({ url, headers, body }, agent, milliseconds).catch((thrown: unknown) => {
      throw unanswered(SERVICE, thrown)
    })
    if (status === 404 || status === 410) throw gone(SERVICE, status)
    if (status < 200 || status > 299) throw refused(SERVICE, status, undefined)
  }
  return Object.freeze({
    service: 'web-push' as const,
    about: Object.freeze({ vapidPublicKey: options.publicKey }),
    parse,
    send,
  })
}
