import type { Context } from 'koa'
import type { DeviceDesk, DeviceFault, DeviceReply, Line } from '../flow/devices.ts'
import { sendEvents } from './events.ts'
import { isUnreadable, readJson } from './form.ts'

/** The status of each error of the push protocol, and what it says. */
const FAULTS: Readonly<Record<DeviceFault['error'], readonly [status: number, description: string]>> = {
  invalid_statement: [401, 'the statement is not signed by this device for this server, or says nothing we know'],
  unknown_device: [401, 'no account has this device, or not yet'],
  statement_expired: [401, 'the statement is of another time than ours'],
  no_challenge: [404, 'there is nothing to answer by this name'],
  invalid_ticket: [404, 'the ticket is unknown, used or expired'],
  used_statement: [409, 'this statement counted already'],
  unsupported_channel: [400, 'nothing here sends to this channel'],
  wrong_number: [422, 'the number is not the one that is shown'],
  too_many_requests: [429, 'too many answers were refused'],
  temporarily_unavailable: [503, 'try again in a moment'],
}

const send = (ctx: Context, status: number, body: Readonly<Record<string, unknown>>): void => {
  ctx.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' })
  ctx.status = status
  ctx.body = body
}

const sendFault = (ctx: Context, { error, ...more }: DeviceFault): void => {
  const [status, description] = FAULTS[error]
  const { retryAfterSeconds, ...members } = more as { retryAfterSeconds?: number }
  if (retryAfterSeconds !== undefined) ctx.set('Retry-After', String(retryAfterSeconds))
  send(ctx, status, { error, error_description: description, ...members })
}

/** A fault of ours, or a method that nobody answers: devices read JSON. */
export const sendDeviceFailure = (ctx: Context, status: 405 | 500, reference?: string): void =>
  send(ctx, status, {
    error: status === 405 ? 'invalid_request' : 'server_error',
    error_description: status === 405 ? 'only POST is answered here' : `something went wrong here (${reference})`,
  })

/** The same for what could not even be read. */
const sendBadRequest = (ctx: Context, status: number): void =>
  send(ctx, status, { error: 'invalid_request', error_description: 'a small JSON object of texts is needed' })

const sendReply = (ctx: Context, reply: DeviceReply): void =>
  'error' in reply ? sendFault(ctx, reply) : send(ctx, 200, reply.reply)

/** How many lines one device can hold at a time: an app that comes back has often left one open. */
const MAX_LINES = 3

/** The lines that are held in this process, by device; the oldest gives way. */
const createLines = () => {
  const held = new Map<string, (() => void)[]>()
  return (ctx: Context, { device, look, watch }: Line): void => {
    const end = sendEvents(ctx, {
      watch,
      async look() {
        const pending = await look()
        return pending === undefined
          ? { name: 'removed', data: '{}', last: true }
          : { name: 'challenges', data: JSON.stringify(pending) }
      },
    })
    if (end === undefined) return
    const lines = [...(held.get(device) ?? []), end]
    for (const older of lines.slice(0, -MAX_LINES)) older()
    held.set(device, lines.slice(-MAX_LINES))
    ctx.res.on('close', () => {
      const left = (held.get(device) ?? []).filter((one) => one !== end)
      if (left.length === 0) held.delete(device)
      else held.set(device, left)
    })
  }
}

const MEMBERS = new Set(['ticket', 'statement'])

/**
 * The one address that devices talk to, without cookies: what they are is proved by what they sign.
 *
 * @see docs/push-protocol.md
 */
export const createDevicePort = (desk: DeviceDesk, issuer: string): ((ctx: Context) => Promise<void>) => {
  const hold = createLines()
  return async (ctx) => {
    // Whatever comes of it: who speaks here reads nothing else, whatever its platform says that it accepts.
    ctx.req.headers.accept = 'application/json'
    const body = await readJson(ctx)
    if (isUnreadable(body)) return sendBadRequest(ctx, body.status)
    const { ticket, statement } = body
    if (Object.keys(body).some((name) => !MEMBERS.has(name))) return sendBadRequest(ctx, 400)
    if (ticket === undefined && statement === undefined) return send(ctx, 200, { issuer, ...desk.about })
    if (statement === undefined) return sendBadRequest(ctx, 400)
    if (ticket !== undefined) return sendReply(ctx, await desk.enroll(ticket, statement))
    const said = await desk.say(statement)
    return 'line' in said ? hold(ctx, said.line) : sendReply(ctx, said)
  }
}
