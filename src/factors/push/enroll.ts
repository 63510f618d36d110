import QRCode from 'qrcode'
import { z } from 'zod'
import { sha256 } from '../../crypto/digest.ts'
import { CODE_DIGITS, isCode, newCode, typedCode } from '../../crypto/one-time-code.ts'
import { randomToken } from '../../crypto/random.ts'
import type { Ceremony, CeremonyContext, Input } from '../factor.ts'
import { channelIn } from './channel.ts'
import { deviceName } from './devices.ts'
import type { PushSettings } from './options.ts'
import {
  asks,
  type DeviceState,
  type PushChannel,
  type PushData,
  type PushState,
  type PushStep,
  type PushView,
  proofOf,
  refused,
  type TicketState,
} from './state.ts'
import { type Claims, claimsOf, headerOf, keyIn, thumbprintOf } from './statement.ts'

type Context = CeremonyContext<PushData>

const ENROLLMENT_SECONDS = 600
/** 128 bits (NIST SP 800-63B-4 section 4.1.2.2: at least 112, at most ten minutes, once). */
const TICKET_BYTES = 16

const said = z.object({
  act: z.literal('enroll'),
  ticket: z.string(),
  name: deviceName,
  channel: z.unknown().optional(),
})

const withTicket = ({ now }: Context) => {
  const state: TicketState = { step: 'ticket', ticket: randomToken(TICKET_BYTES), expiresAt: now + ENROLLMENT_SECONDS }
  return {
    outcome: 'continue',
    state,
    awaits: { reference: sha256(state.ticket), expiresAt: state.expiresAt },
  } as const
}

/** The device's channel; `unsupported` where it names one that nothing here sends to. */
const channelFor = (settings: PushSettings, channel: unknown): PushChannel | 'unsupported' | undefined =>
  channel === undefined || channel === null ? undefined : (channelIn(settings, channel) ?? 'unsupported')

const take = (
  settings: PushSettings,
  state: TicketState,
  key: Omit<PushData, 'name'>,
  claims: Claims,
  context: Context,
) => {
  const { data } = said.safeParse(claims)
  if (data === undefined || data.ticket !== sha256(state.ticket)) return refused('invalid')
  const channel = channelFor(settings, data.channel)
  // In the words of the wire: the same ticket takes the device without a channel, or with another.
  if (channel === 'unsupported') return { outcome: 'continue', state, problem: 'unsupported_channel' } as const
  const { expiresAt } = state
  const code = newCode()
  const next: DeviceState = { step: 'device', ...key, name: data.name, ...(channel && { channel }), code, expiresAt }
  const { account, issuer } = context
  const reply = { deviceId: key.deviceId, account: account.label, issuer, code, expiresAt }
  return { outcome: 'continue', state: next, reply } as const
}

/** A device with a ticket: its new key signs that it is meant for this enrolment. */
const receive = async (
  settings: PushSettings,
  state: PushState,
  { statement = '' }: Input,
  context: Context,
): Promise<PushStep> => {
  const { issuer, now } = context
  if (state.step !== 'ticket' || now >= state.expiresAt) return refused('invalid')
  const header = headerOf(statement)
  const publicKey = header && keyIn(header)
  if (publicKey === undefined || header?.kid !== thumbprintOf(publicKey)) return refused('invalid')
  const deviceId = header.kid
  const claims = await claimsOf(statement, publicKey, { deviceId, issuer, now })
  return typeof claims === 'string' ? refused(claims) : take(settings, state, { deviceId, publicKey }, claims, context)
}

/** The code ties the device to who sits at this page: whoever scans somebody else's picture does not see it there. */
const confirm = ({ code, expiresAt, step: _step, ...data }: DeviceState, typed: string, now: number): PushStep => {
  if (now >= expiresAt) return refused('expired')
  if (!isCode(typedCode(typed), code)) return refused('invalid')
  return {
    outcome: 'accepted',
    change: { add: data, nickname: data.name, claim: data.deviceId },
    proof: proofOf(false),
  }
}

const picture = async (link: string) => {
  const svg = await QRCode.toString(link, { type: 'svg', errorCorrectionLevel: 'M', margin: 4 })
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`
}

const view = async (state: PushState, { issuer, now }: Context): Promise<PushView> => {
  const { expiresAt } = state
  const lasting = { expiresAt, isExpired: now >= expiresAt, digits: CODE_DIGITS }
  if (state.step === 'device') return { step: 'device', name: state.name, ...lasting }
  if (state.step !== 'ticket' || lasting.isExpired) return { step: 'ticket', ...lasting }
  // Behind the hash sign, where no server's log and no referrer holds it.
  const link = `${issuer}/authenticator#enroll=${state.ticket}`
  return { step: 'ticket', ...lasting, link, qr: await picture(link) }
}

/** How a device comes to an account: it opens the ticket, it shows a code, the code is typed beside the ticket. */
export const enrollment = (settings: PushSettings): Ceremony<PushState, PushData, PushView> => ({
  inProcess: true,
  ttlSeconds: ENROLLMENT_SECONDS,
  fields: ['code', 'another'],
  begin: withTicket,
  receive: (state, input, context) => receive(settings, state, input, context),
  submit: (state, { code, another }, context) => {
    if (asks(another)) return withTicket(context)
    if (state.step !== 'device') return { outcome: 'continue', state, problem: 'push.waiting' }
    return code === undefined ? { outcome: 'continue', state } : confirm(state, code, context.now)
  },
  view,
})
