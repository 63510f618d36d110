import type { Authenticator, Ceremony, CeremonyContext, Channel, Input } from '../factor.ts'
import {
  asks,
  type CodeState,
  codeView,
  proofBy,
  refusalOf,
  refused,
  type SmsData,
  type SmsState,
  type SmsStep,
  type SmsView,
  send,
} from './code.ts'
import { masked, type PhoneNumber, readNumber } from './number.ts'
import type { SmsSettings } from './options.ts'

type Context = CeremonyContext<SmsData>

/** An enrolled number that a message may go to today. */
interface Reachable extends PhoneNumber {
  readonly id: string
}

const CHALLENGE_SECONDS = 900

const reachable = (settings: SmsSettings, { authenticators }: Context): readonly Reachable[] =>
  authenticators.flatMap(({ id, data }) => {
    const read = readNumber(data.number, undefined, settings)
    return typeof read === 'string' ? [] : [{ id, ...read }]
  })

const lastUse = ({ lastUsedAt, createdAt }: Authenticator<SmsData>) => lastUsedAt ?? createdAt

/** The number used last: the phone that is most likely at hand. */
const usual = (settings: SmsSettings, context: Context): Reachable | undefined => {
  const numbers = reachable(settings, context)
  const byUse = context.authenticators.toSorted((one, other) => lastUse(other) - lastUse(one))
  const first = byUse.find(({ id }) => numbers.some((number) => number.id === id))
  return numbers.find(({ id }) => id === first?.id)
}

/** Before anything was sent. */
const NOTHING: CodeState = { step: 'code', to: '', channel: 'text', expiresAt: 0 }

const sentIn = (state: SmsState): CodeState => (state.step === 'code' ? state : NOTHING)

const turnTo = (settings: SmsSettings, { id, number, channels }: Reachable, context: Context, before: CodeState) =>
  send(settings, { to: number, authenticatorId: id, channel: channels[0] }, context, before)

const begin = (settings: SmsSettings, context: Context) => {
  const number = usual(settings, context)
  if (number === undefined) return refused('unavailable')
  const step = turnTo(settings, number, context, NOTHING)
  // Where nothing is sent, no code is right, not even one that a judge would approve for another page.
  return { ...step, held: { ...step.state, expiresAt: context.now } }
}

const sendAgain = (settings: SmsSettings, state: CodeState, channel: Channel, context: Context): SmsStep => {
  const { to, authenticatorId } = state
  const number = reachable(settings, context).find(({ id }) => id === authenticatorId)
  return authenticatorId !== undefined && number?.channels.includes(channel)
    ? send(settings, { to, authenticatorId, channel }, context, state)
    : { outcome: 'continue', state }
}

const takeCode = async (settings: SmsSettings, state: CodeState, code: string, context: Context): Promise<SmsStep> => {
  const { authenticatorId, to, channel } = state
  const held = context.authenticators.find(({ id }) => id === authenticatorId)
  // Removed since, or nothing that this state can be about.
  if (authenticatorId === undefined || held?.data.number !== to) return refused('not-enrolled')
  const refusal = await refusalOf(settings, state, code, context.now)
  return refusal ?? { outcome: 'accepted', authenticatorId, proof: proofBy(channel, settings.otpAmr) }
}

/** A message that is held back here leaves the state before, whose code was sent or is of no use already. */
const submit = (settings: SmsSettings, state: CodeState, input: Input, context: Context) => {
  if (asks(input.to)) {
    const other = reachable(settings, context).find(({ id }) => id === input.to)
    // The second of two clicks: the code is on its way there.
    const isThere = other?.id === state.authenticatorId
    return other === undefined || isThere
      ? ({ outcome: 'continue', state } as const)
      : turnTo(settings, other, context, state)
  }
  if (asks(input.voice)) return sendAgain(settings, state, 'voice', context)
  if (asks(input.resend)) return sendAgain(settings, state, 'text', context)
  return takeCode(settings, state, input.code ?? '', context)
}

/** How an enrolled number shows that its phone is at hand: a code goes there, the code comes back. */
export const challengeBy = (settings: SmsSettings): Ceremony<SmsState, SmsData, SmsView> => ({
  ttlSeconds: CHALLENGE_SECONDS,
  fields: ['code', 'resend', 'voice', 'to'],
  begin: (context) => begin(settings, context),
  submit: (state, input, context) => submit(settings, sentIn(state), input, context),
  view: (state, context) => {
    const numbers = reachable(settings, context)
    const sent = sentIn(state)
    const others = numbers
      .filter(({ id }) => id !== sent.authenticatorId)
      .map(({ id, number }) => ({ id, name: masked(number) }))
    const channels = numbers.find(({ id }) => id === sent.authenticatorId)?.channels ?? []
    return codeView(sent, masked(sent.to), channels, others)
  },
})
