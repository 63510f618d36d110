import type { Proof } from '../../assurance/evidence.ts'
import { CODE_DIGITS, isCode, newCode, typedCode } from '../../crypto/one-time-code.ts'
import type { CeremonyContext, Channel, Refusal, Step } from '../factor.ts'
import { blockOf, type SmsCountry } from './number.ts'
import type { CodeJudge, SmsSettings } from './options.ts'

/** What is kept of an enrolled phone. */
export interface SmsData {
  /** In E.164 form. */
  readonly number: string
}

/** Enrolment, before there is a number. */
export interface NumberState {
  readonly step: 'number'
  /** As it was typed, to be put right. */
  readonly typed?: string
  /** The country that was chosen. */
  readonly country?: string
}

/** A code is on its way. */
export interface CodeState {
  readonly step: 'code'
  /** The number that it went to, in E.164 form. */
  readonly to: string
  /** The enrolled number that is challenged; absent at enrolment. */
  readonly authenticatorId?: string
  readonly channel: Channel
  /** Six digits; absent where others make the code. */
  readonly code?: string
  /** Epoch seconds; from then on the code is of no use. */
  readonly expiresAt: number
}

/** A ceremony under way. */
export type SmsState = NumberState | CodeState

/** What the number page shows. */
export interface SmsNumberView {
  readonly step: 'number'
  readonly typed: string
  /** Chosen in the list; absent where nothing is. */
  readonly country?: string
  readonly countries: readonly SmsCountry[]
  /** Calls are made too, so that a landline will do. */
  readonly voice: boolean
}

/** Another number of the account, to be asked for by its id. */
interface OtherNumber {
  readonly id: string
  readonly name: string
}

/** What the code page shows: never a code. */
export interface SmsCodeView {
  readonly step: 'code'
  readonly digits: number
  /** The number: whole for whoever just typed it, else masked. */
  readonly to: string
  readonly channel: Channel
  /** The ways to have another code sent. */
  readonly channels: readonly Channel[]
  readonly others: readonly OtherNumber[]
}

/** What the screens show. */
export type SmsView = SmsNumberView | SmsCodeView

/** A step of either ceremony. */
export type SmsStep = Step<SmsState, SmsData>

/** A form without a proof to judge: a field that does something. */
export const asks = (value: string | undefined): boolean => value !== undefined && value !== ''

/** The refusal with this reason. */
export const refused = (reason: Refusal) => ({ outcome: 'refused', reason }) as const

/** What a code proves that came by this channel (RFC 8176 section 2: `sms`, `tel`, `otp`). */
export const proofBy = (channel: Channel, otpAmr: boolean): Proof => ({
  kinds: ['possession'],
  traits: ['out-of-band', 'restricted'],
  amr: [channel === 'voice' ? 'tel' : 'sms', ...(otpAmr ? ['otp'] : [])],
})

const MAX_NAME_LENGTH = 40

/**
 * On one line and short, so that no app's name makes a message of its own or moves the last line. At enrolment the
 * host: the message may go to a stranger, so it has not one word that the one who asks could have chosen.
 */
const appOf = ({ client, origin }: CeremonyContext, { authenticatorId }: CodeState) => {
  const name = authenticatorId === undefined ? '' : (client?.name ?? '').replace(/[\s\p{C}]+/gu, ' ').trim()
  return name === '' ? new URL(origin).hostname : [...name].slice(0, MAX_NAME_LENGTH).join('')
}

const templateOf = ({ judge }: SmsSettings, { channel, authenticatorId }: CodeState) => {
  if (judge !== undefined) return 'sms/verify'
  if (channel === 'voice') return 'sms/voice'
  return authenticatorId === undefined ? 'sms/enroll' : 'sms/challenge'
}

/** Where a code is to go. */
export type Target = Pick<CodeState, 'to' | 'channel' | 'authenticatorId'>

/**
 * Whether the code that was sent will do once more: a message that was slow and the one sent after it then both
 * work. By another channel or to another number it is another code, so that it tells which of them was read.
 */
const willDo = (
  before: SmsState,
  { to, channel, authenticatorId }: Target,
  now: number,
  { codeSeconds }: SmsSettings,
) =>
  before.step === 'code' &&
  before.to === to &&
  before.channel === channel &&
  before.authenticatorId === authenticatorId &&
  before.expiresAt - now >= codeSeconds / 2

const fresh = ({ judge, codeSeconds }: SmsSettings, target: Target, now: number): CodeState => ({
  step: 'code',
  ...target,
  ...(judge === undefined ? { code: newCode() } : {}),
  expiresAt: now + codeSeconds,
})

/** Goes on to wait for a code, and has it sent. */
export const send = (settings: SmsSettings, target: Target, context: CeremonyContext, before: SmsState) => {
  const { now, origin } = context
  const state = before.step === 'code' && willDo(before, target, now, settings) ? before : fresh(settings, target, now)
  return {
    outcome: 'continue',
    state,
    message: {
      to: state.to,
      template: templateOf(settings, state),
      values: {
        app: appOf(context, state),
        host: new URL(origin).hostname,
        seconds: String(state.expiresAt - now),
        ...(state.code === undefined ? {} : { code: state.code }),
      },
      channel: state.channel,
      expiresAt: state.expiresAt,
      block: blockOf(state.to),
    },
  } as const
}

/** Nothing but the one word is an approval. */
const judged = async ({ check }: CodeJudge, to: string, code: string) => {
  try {
    const word = await check(to, code)
    if (word === 'approved') return undefined
    return refused(word === 'pending' ? 'invalid' : word === 'gone' ? 'expired' : 'unavailable')
  } catch {
    return refused('unavailable')
  }
}

/** Why a code is not accepted; undefined for the right one. */
export const refusalOf = async (
  settings: SmsSettings,
  { to, code, expiresAt }: CodeState,
  typed: string,
  now: number,
) => {
  const digits = typedCode(typed)
  if (digits === undefined) return refused('invalid')
  if (now >= expiresAt) return refused('expired')
  if (settings.judge !== undefined) return judged(settings.judge, to, digits)
  return code !== undefined && isCode(digits, code) ? undefined : refused('invalid')
}

/** The code page, for a number that can be reached by these channels. */
export const codeView = (
  { channel }: CodeState,
  to: string,
  channels: readonly Channel[],
  others: readonly OtherNumber[],
): SmsCodeView => ({ step: 'code', digits: CODE_DIGITS, to, channel, channels, others })
