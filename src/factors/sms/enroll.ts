import type { Ceremony, CeremonyContext, Channel, Input } from '../factor.ts'
import {
  asks,
  type CodeState,
  codeView,
  type NumberState,
  proofBy,
  refusalOf,
  refused,
  type SmsData,
  type SmsState,
  type SmsStep,
  type SmsView,
  send,
} from './code.ts'
import { countryList, countryOf, readNumber, written } from './number.ts'
import type { SmsSettings } from './options.ts'

type Context = CeremonyContext<SmsData>

const ENROLLMENT_SECONDS = 1800
/** What is kept of a wrong number, to be put right. */
const MAX_SHOWN_LENGTH = 64

const isKnown = ({ authenticators }: Context, number: string) =>
  authenticators.some(({ data }) => data.number === number)

/** The country of the account's own number; the number itself is not told to whoever has but the password. */
const firstState = (settings: SmsSettings, { account: { phone } }: Context): NumberState => {
  const known = phone === undefined ? 'invalid' : readNumber(phone, undefined, settings)
  const country = typeof known === 'string' ? settings.firstCountry : countryOf(known.number)
  return { step: 'number', ...(country === undefined ? {} : { country }) }
}

const takeNumber = (settings: SmsSettings, state: SmsState, input: Input, context: Context): SmsStep => {
  const { number: typed = '', country } = input
  const chosen = settings.countries.find((code) => code === country) ?? settings.firstCountry
  const asking: NumberState = {
    step: 'number',
    typed: typed.slice(0, MAX_SHOWN_LENGTH),
    ...(chosen === undefined ? {} : { country: chosen }),
  }
  const read = readNumber(typed, chosen, settings)
  if (typeof read === 'string') return { outcome: 'continue', state: asking, problem: `sms.number.${read}` }
  if (isKnown(context, read.number)) return { outcome: 'continue', state: asking, problem: 'sms.number.known' }
  // The second of two clicks: the code is on its way.
  if (state.step === 'code' && state.to === read.number) return { outcome: 'continue', state }
  const target = { to: read.number, channel: read.channels[0] } as const
  return { ...send(settings, target, context, state), held: asking }
}

/** By what this number can be reached. */
const channelsOf = (settings: SmsSettings, number: string): readonly Channel[] => {
  const read = readNumber(number, undefined, settings)
  return typeof read === 'string' ? [] : read.channels
}

const sendAgain = (settings: SmsSettings, state: CodeState, channel: Channel, context: Context): SmsStep =>
  channelsOf(settings, state.to).includes(channel)
    ? send(settings, { to: state.to, channel }, context, state)
    : { outcome: 'continue', state }

const change = ({ to }: CodeState): NumberState => {
  const country = countryOf(to)
  return { step: 'number', typed: written(to), ...(country === undefined ? {} : { country }) }
}

const takeCode = async (settings: SmsSettings, state: CodeState, code: string, context: Context): Promise<SmsStep> => {
  const refusal = await refusalOf(settings, state, code, context.now)
  if (refusal !== undefined) return refusal
  // Enrolled in another tab since.
  if (isKnown(context, state.to)) return refused('used')
  const proof = proofBy(state.channel, settings.otpAmr)
  return { outcome: 'accepted', change: { add: { number: state.to } }, proof }
}

/** How a number comes to an account: it is typed, a code goes there, the code comes back. */
export const enrollment = (settings: SmsSettings): Ceremony<SmsState, SmsData, SmsView> => ({
  ttlSeconds: ENROLLMENT_SECONDS,
  fields: ['country', 'number', 'code', 'resend', 'voice', 'change'],
  begin: (context) => ({ outcome: 'continue', state: firstState(settings, context) }),
  submit: (state, input, context) => {
    if (input.number !== undefined) return takeNumber(settings, state, input, context)
    if (state.step !== 'code') return { outcome: 'continue', state }
    if (asks(input.change)) return { outcome: 'continue', state: change(state) }
    if (asks(input.voice)) return sendAgain(settings, state, 'voice', context)
    if (asks(input.resend)) return sendAgain(settings, state, 'text', context)
    return takeCode(settings, state, input.code ?? '', context)
  },
  view: (state, { locale }) => {
    if (state.step === 'code') return codeView(state, written(state.to), channelsOf(settings, state.to), [])
    const { typed = '', country } = state.step === 'number' ? state : {}
    return {
      step: 'number',
      typed,
      ...(country === undefined ? {} : { country }),
      countries: countryList(settings.countries, locale),
      voice: settings.voice,
    }
  },
})
