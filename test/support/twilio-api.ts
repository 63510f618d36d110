import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** What a person got on their phone. */
export interface Sent {
  readonly by: 'message' | 'call' | 'verify'
  readonly to: string
  /** The text of a message, the TwiML of a call, the channel of a verification. */
  readonly text: string
  /** The code in it. */
  readonly code: string
  /** The form as it came. */
  readonly form: Readonly<Record<string, string>>
}

/** One answer that is not what was asked for. */
export type Fault =
  /** A status with an error body, as Twilio's. */
  | { readonly status: number; readonly code: number }
  /** A body that is no JSON, with that status. */
  | { readonly status: number; readonly body: string }
  /** Headers and nothing after, or not even them. */
  | 'hang'
  | 'drip'
  | 'drop'

/** What Lookup knows of a number. */
export interface LineFacts {
  readonly type?: string | null
  readonly sim_swap?: Readonly<Record<string, unknown>> | null
}

export interface Verification {
  readonly sid: string
  readonly code: string
  readonly startedAt: number
  sends: number
  checks: number
}

export interface Asked {
  readonly path: string
  readonly form: Readonly<Record<string, string>>
  readonly query: URLSearchParams
}

export interface Answer {
  readonly status: number
  readonly body: unknown
}

export const E164 = /^\+[1-9][0-9]{6,14}$/
export const ACCOUNT = `AC${'a'.repeat(32)}`
export const TOKEN = 'auth-token-of-the-test'
export const KEY = `SK${'b'.repeat(32)}`
export const KEY_SECRET = 'secret-of-the-api-key'
export const SERVICE = `VA${'c'.repeat(32)}`
export const MESSAGING_SERVICE = `MG${'d'.repeat(32)}`
export const FROM = '+15005550006'
export const VERIFY_SECONDS = 600
export const VERIFY_MAX = 5

export const sid = (prefix: string) => prefix + randomBytes(16).toString('hex')

/** An error as Twilio tells it. */
export const error = (status: number, code: number, message = `error ${code}`): Answer => ({
  status,
  body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status },
})

/** Fields that the API documents for these requests, of those that a client could reasonably send. */
export const FIELDS = {
  messages: ['To', 'From', 'MessagingServiceSid', 'Body', 'StatusCallback', 'ValidityPeriod', 'SmartEncoded'],
  calls: ['To', 'From', 'Twiml', 'StatusCallback'],
  verifications: ['To', 'Channel', 'Locale'],
  checks: ['To', 'Code'],
} as const

export const unknownField = (form: Asked['form'], known: readonly string[]) =>
  Object.keys(form).find((name) => !known.includes(name))

export const isCredential = (header: string | undefined) =>
  [`${ACCOUNT}:${TOKEN}`, `${KEY}:${KEY_SECRET}`].some(
    (pair) => header === `Basic ${Buffer.from(pair).toString('base64')}`,
  )

export const read = async (request: IncomingMessage) => {
  let text = ''
  for await (const chunk of request as AsyncIterable<Buffer>) text += chunk
  return text
}

export const say = (response: ServerResponse, { status, body }: Answer) => {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

export const fail = (response: ServerResponse, fault: Fault) => {
  if (fault === 'hang') return
  if (fault === 'drop') return response.destroy()
  if (fault === 'drip') {
    response.writeHead(201, { 'content-type': 'application/json' })
    // A byte now and then keeps a time-out of the socket from ever passing.
    const dripping = setInterval(() => response.write(' '), 100)
    response.on('close', () => clearInterval(dripping))
    return
  }
  if ('code' in fault) return say(response, error(fault.status, fault.code))
  response.writeHead(fault.status, { 'content-type': 'application/json' })
  response.end(fault.body)
}

export const codeIn = (text: string) => text.match(/\b[0-9]{6}\b/)?.[0] ?? text.match(/[0-9](, [0-9]){5}/)?.[0] ?? ''

export const problemOfMessage = ({
  To = '',
  From,
  MessagingServiceSid,
  Body = '',
  ValidityPeriod = '1',
}: Asked['form']) => {
  if (To === '') return error(400, 21604, "A 'To' phone number is required.")
  if (!E164.test(To)) return error(400, 21211, `Invalid 'To' Phone Number: ${To}`)
  if (From === undefined && MessagingServiceSid === undefined) return error(400, 21603, "A 'From' number is required.")
  if (From !== undefined && From !== FROM) return error(400, 21606, `The 'From' number ${From} is not yours.`)
  if (MessagingServiceSid !== undefined && MessagingServiceSid !== MESSAGING_SERVICE) return error(404, 21701)
  if (Body === '') return error(400, 21602, 'Message body is required.')
  if (Body.length > 1600) return error(400, 21617, 'The message body exceeds the 1600 character limit.')
  const validity = Number(ValidityPeriod)
  return Number.isInteger(validity) && validity >= 1 && validity <= 36_000 ? undefined : error(400, 20001)
}

export const problemOfCall = ({ To = '', From = '', Twiml = '' }: Asked['form']) => {
  if (!E164.test(To)) return error(400, 21211, `Invalid 'To' Phone Number: ${To}`)
  if (From !== FROM) return error(400, 21210, `'From' phone number not verified: ${From}`)
  return /^<\?xml[^>]*\?><Response>.*<\/Response>$/s.test(Twiml) && Twiml.length <= 4000 ? undefined : error(400, 21205)
}
