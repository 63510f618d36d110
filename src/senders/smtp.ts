import type { ConnectionOptions } from 'node:tls'
import { createTransport } from 'nodemailer'
import { systemClock } from '../clock.ts'
import { StepUpError } from '../errors.ts'
import { plainAddress } from '../factors/email/address.ts'
import type { OutgoingMessage, Sender } from '../factors/factor.ts'

/** Settings of the mail sender; `url` and `from` are needed. */
export interface SmtpOptions {
  /**
   * Your mail server: `smtps://user:password@host` (TLS from the start, port 465) or `smtp://user:password@host`
   * (STARTTLS, port 587), with user and password percent-encoded; nothing behind the port.
   */
  readonly url: string
  /** Who the mails come from: `no-reply@example.com` or `Example <no-reply@example.com>`. */
  readonly from: string
  /** Where answers go to, in the same form. Default: to `from`. */
  readonly replyTo?: string
  /**
   * How to speak TLS, for instance `{ ca }` for a certificate of your own. TLS is insisted on. `false`: none at all,
   * for an `smtp:` relay on a network of yours; the default where the host is this machine.
   */
  readonly tls?: ConnectionOptions | false
  /** How long the server may take until it has greeted us, in seconds. Default 45: some make strangers wait for 30. */
  readonly connectionTimeoutSeconds?: number
  /** How long the server may be silent after that, in seconds. Default 30. */
  readonly idleTimeoutSeconds?: number
  /**
   * How long one mail may take in all, in seconds; it never goes on when the mail is of no use any more. Default 55:
   * after a minute the core gives an attempt up, and may begin the next.
   */
  readonly sendTimeoutSeconds?: number
  /** How many connections are used at the same time. Default 5. */
  readonly maxConnections?: number
}

/** A sender that keeps connections open for the next mail. */
export type SmtpSender = Sender & {
  /** Ends its connections, those in the middle of a mail after it; no further mail is taken. */
  readonly close: () => void
}

/** What nodemailer tells about a failure, as far as it names nobody. */
interface Failure {
  readonly code?: string
  readonly command?: string
  readonly responseCode?: number
  readonly response?: string
}

interface Mailbox {
  readonly name: string
  readonly address: string
}

const fault = (option: string, words: string, cause?: unknown) =>
  new StepUpError('ERR_CONFIG', `smtp({ ${option} }): ${words}`, { cause })

const OPTIONS: Readonly<Record<keyof SmtpOptions, true>> = {
  url: true,
  from: true,
  replyTo: true,
  tls: true,
  connectionTimeoutSeconds: true,
  idleTimeoutSeconds: true,
  sendTimeoutSeconds: true,
  maxConnections: true,
}

const assertKnown = (options: object) => {
  const strange = Object.keys(options).find((name) => !Object.hasOwn(OPTIONS, name))
  if (strange !== undefined)
    throw fault(strange, `there is no such option; allowed: ${Object.keys(OPTIONS).join(', ')}`)
}

/** The URL itself is in no error's text: the password stands in it. */
const URL_WORDS = "must be your mail server's, such as smtps://user:password@host, with nothing behind the port"

const LOOPBACK = /^(?:localhost|127\.[\d.]+|::1)$/

const decoded = (text: string) => {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw fault('url', 'user and password must be percent-encoded', cause)
  }
}

/** Nodemailer would read options out of the URL, also one that logs every mail. */
const serverOf = (text: unknown) => {
  if (text === undefined || text === '') throw fault('url', `found nothing; ${URL_WORDS}`)
  if (typeof text !== 'string' || !URL.canParse(text)) throw fault('url', URL_WORDS)
  const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(text)
  const secure = protocol === 'smtps:'
  if (!secure && protocol !== 'smtp:') throw fault('url', URL_WORDS)
  if (hostname === '' || !['', '/'].includes(pathname) || search !== '' || hash !== '') throw fault('url', URL_WORDS)
  return {
    secure,
    host: hostname.replace(/^\[|\]$/g, ''),
    ...(port === '' ? {} : { port: Number(port) }),
    ...(username === '' ? {} : { auth: { user: decoded(username), pass: decoded(password) } }),
  }
}

const mailboxOf = (option: string, text: unknown): Mailbox => {
  const words = 'must be an address such as no-reply@example.com or Example <no-reply@example.com>'
  if (text === undefined || text === '') throw fault(option, `found nothing; ${words}`)
  if (typeof text !== 'string' || text.length > 512 || /\p{Cc}/u.test(text)) throw fault(option, words)
  const open = text.endsWith('>') ? text.lastIndexOf('<') : -1
  const address = plainAddress(open < 0 ? text : text.slice(open + 1, -1))
  if (address === undefined) throw fault(option, words)
  return { name: text.slice(0, Math.max(open, 0)).replaceAll('"', '').trim(), address }
}

const tlsOf = ({ url, tls }: SmtpOptions, { secure, host }: ReturnType<typeof serverOf>) => {
  if (secure && tls === false) throw fault('tls', `false contradicts ${new URL(url).protocol}`)
  if (secure) return tls ? { tls } : {}
  return tls === false || (tls === undefined && LOOPBACK.test(host))
    ? { ignoreTLS: true }
    : { requireTLS: true, ...(tls ? { tls } : {}) }
}

const milliseconds = (option: string, seconds: number) => {
  if (!Number.isFinite(seconds) || seconds <= 0) throw fault(option, 'must be a number above 0')
  return seconds * 1000
}

const transportOf = (options: SmtpOptions) => {
  const { connectionTimeoutSeconds = 45, idleTimeoutSeconds = 30, maxConnections = 5 } = options
  if (!Number.isInteger(maxConnections) || maxConnections < 1)
    throw fault('maxConnections', 'must be a whole number above 0')
  const server = serverOf(options.url)
  const connecting = milliseconds('connectionTimeoutSeconds', connectionTimeoutSeconds)
  return createTransport({
    ...server,
    ...tlsOf(options, server),
    pool: true,
    maxConnections,
    // Once: a kept connection may have been closed by the server. Other faults are for whoever sends to try again.
    maxRequeues: 1,
    connectionTimeout: connecting,
    greetingTimeout: connecting,
    dnsTimeout: connecting,
    socketTimeout: milliseconds('idleTimeoutSeconds', idleTimeoutSeconds),
    // Its texts hold addresses and codes.
    logger: false,
    debug: false,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
}

/**
 * Whether the server's word is about the mailbox, and for good. A class 7 code (RFC 3463 section 3.8) is about
 * policy, mostly about us: relaying denied, our address on a list. A full mailbox (5.2.2) gets empty again.
 */
const isUnreachable = ({ command, responseCode = 0, response = '' }: Failure) => {
  if (command !== 'RCPT TO' || responseCode < 500) return false
  const enhanced = /^\d{3}[ -](5\.\d{1,3}\.\d{1,3})/.exec(response)?.[1]
  if (enhanced === undefined) return [550, 551, 553, 556].includes(responseCode)
  return /^5\.(?:1\.|2\.1$|4\.1$|0\.0$)/.test(enhanced)
}

/** The server's answer quotes address and sometimes text, so it is neither repeated nor kept as the cause. */
const failureOf = (error: unknown): Error => {
  const failure: Failure = typeof error === 'object' && error !== null ? error : {}
  if (isUnreachable(failure)) return new StepUpError('ERR_ADDRESS', 'the mail server knows no such mailbox')
  const words = [failure.code, failure.command, failure.responseCode].filter((word) => word !== undefined)
  return new Error(`the mail could not be handed over${words.length === 0 ? '' : `: ${words.join(' ')}`}`)
}

/**
 * Sends mail through an SMTP server, by nodemailer: text and HTML to one address, which is also the whole envelope.
 *
 * Connections are kept for a few minutes; `close()` ends them. A mail that takes too long is given up, and one whose
 * time has passed is not begun.
 *
 * The sender throws StepUpError `ERR_ADDRESS` for what is no plain address and where the server refuses the mailbox
 * for good, and an ordinary error for everything else. Neither names the address, the code or the password.
 *
 * @throws StepUpError `ERR_CONFIG` where an option is none, out of its bounds or contradicts another.
 * @see RFC 5321; RFC 8314 (TLS); RFC 3834 section 5 (`Auto-Submitted`).
 */
export const smtp = (options: SmtpOptions): SmtpSender => {
  const given: SmtpOptions = { ...options }
  assertKnown(given)
  const { sendTimeoutSeconds = 55 } = given
  milliseconds('sendTimeoutSeconds', sendTimeoutSeconds)
  const transport = transportOf(given)
  const from = mailboxOf('from', given.from)
  const replyTo = given.replyTo === undefined ? {} : { replyTo: mailboxOf('replyTo', given.replyTo) }

  const send = async ({ to, subject = '', text, html, expiresAt }: OutgoingMessage) => {
    const address = plainAddress(to)
    if (address === undefined) throw new StepUpError('ERR_ADDRESS', 'that is not one plain address')
    const secondsLeft = Math.min(sendTimeoutSeconds, expiresAt - systemClock())
    if (secondsLeft <= 0) throw new Error('the mail is of no use any more')
    await transport
      .sendMail({
        from,
        ...replyTo,
        to: { name: '', address },
        envelope: { from: from.address, to: [address] },
        subject,
        text,
        ...(html === undefined ? {} : { html }),
        headers: { 'Auto-Submitted': 'auto-generated' },
        xMailer: false,
        disableFileAccess: true,
        disableUrlAccess: true,
        signal: AbortSignal.timeout(secondsLeft * 1000),
      })
      .catch((error: unknown) => {
        throw failureOf(error)
      })
  }
  return Object.freeze(Object.assign(send, { close: () => transport.close() }))
}
