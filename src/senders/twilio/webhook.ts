import type { IncomingMessage, ServerResponse } from 'node:http'
import twilio from 'twilio'
import { checkOptions, publicUrl, rules } from './options.ts'

/** What became of a message or a call. */
export interface TwilioStatus {
  /** SID of the message or the call. */
  readonly sid: string
  /** In Twilio's words: `delivered`, `undelivered`, `completed`, `busy` ... */
  readonly status: string
  /** Why it failed, by Twilio's Error and Warning Dictionary. */
  readonly errorCode?: number
  /** The number it went to. */
  readonly to?: string
}

/** What {@link twilioStatusWebhook} needs. */
export interface TwilioStatusWebhookOptions {
  /** The account's token, which Twilio signs with, whatever key the messages are sent with. */
  readonly authToken: string
  /** The webhook's URL as Twilio calls it, with its query: what is signed, whatever proxies make of it. */
  readonly url: string
  /** Told of every status whose signature is right; one status may come more than once. */
  readonly onStatus: (status: TwilioStatus) => void | Promise<void>
}

/** A listener of `node:http`, which every framework can call. */
export type TwilioStatusWebhook = (request: IncomingMessage, response: ServerResponse) => Promise<void>

type Form = Readonly<Record<string, string | readonly string[]>>

const WHERE = 'twilioStatusWebhook()'

/** Twilio's longest is a fraction of it. */
const MAX_BODY_BYTES = 16_384

const read = async (request: IncomingMessage) => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const parsed = (body: string): Form => {
  const fields = new URLSearchParams(body)
  return Object.fromEntries(
    [...new Set(fields.keys())].map((name) => {
      const values = fields.getAll(name)
      return [name, values.length === 1 ? (values[0] ?? '') : values]
    }),
  )
}

/** The form, which a framework may have read before. */
const formOf = async (request: IncomingMessage): Promise<Form | undefined> => {
  const { body } = request as { body?: unknown }
  if (typeof body === 'object' && body !== null) return body as Form
  const text = await read(request)
  return text === undefined ? undefined : parsed(text)
}

const textOf = (form: Form, ...names: readonly string[]) =>
  names.map((name) => form[name]).find((value): value is string => typeof value === 'string' && value !== '')

const statusOf = (form: Form): TwilioStatus | undefined => {
  const sid = textOf(form, 'MessageSid', 'CallSid')
  const status = textOf(form, 'MessageStatus', 'CallStatus')
  const to = textOf(form, 'To')
  const errorCode = Number(textOf(form, 'ErrorCode'))
  if (sid === undefined || status === undefined) return undefined
  return { sid, status, ...(Number.isSafeInteger(errorCode) ? { errorCode } : {}), ...(to === undefined ? {} : { to }) }
}

/** The HTTP status of the answer. */
const answerTo = async (request: IncomingMessage, { authToken, url, onStatus }: TwilioStatusWebhookOptions) => {
  if (request.method !== 'POST') return 405
  const signature = request.headers['x-twilio-signature']
  if (typeof signature !== 'string') return 403
  const form = await formOf(request)
  if (form === undefined) return 413
  if (!twilio.validateRequest(authToken, signature, url, form)) return 403
  const status = statusOf(form)
  if (status === undefined) return 400
  await onStatus(status)
  return 204
}

/**
 * Takes what Twilio tells of messages and calls, and nobody else: the signature is checked over the public URL, and
 * what is not signed rightly is answered with 403.
 *
 * Mounts anywhere: `http.createServer(hook)`, `app.post(path, hook)` in Express, and in Koa
 * `(ctx) => { ctx.respond = false; return hook(ctx.req, ctx.res) }`. It works before and after a body parser. A fault
 * of `onStatus` is answered with 500 and goes no further.
 *
 * @throws StepUpError `ERR_CONFIG` at once for wrong options.
 * @see Twilio, Webhooks security, Validating signatures from Twilio
 */
export const twilioStatusWebhook = (options: TwilioStatusWebhookOptions): TwilioStatusWebhook => {
  checkOptions(WHERE, options, {
    authToken: { ...rules.text, isRequired: true },
    url: { ...publicUrl, isRequired: true },
    onStatus: { isAllowed: (value) => typeof value === 'function', allowed: 'a function', isRequired: true },
  })
  return async (request, response) => {
    // A listener that rejects would end the process; Twilio sees the 500 and tells so in its console.
    response.statusCode = await answerTo(request, options).catch(() => 500)
    // What was not read to its end is not waited for.
    if (response.statusCode === 413) response.setHeader('Connection', 'close')
    response.end()
  }
}
