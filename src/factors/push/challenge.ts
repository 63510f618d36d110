import { isIP } from 'node:net'
import { equalSecret } from '../../crypto/equal.ts'
import { randomDigits, randomToken } from '../../crypto/random.ts'
import type { Authenticator, Ceremony, CeremonyContext, Input, Transaction } from '../factor.ts'
import { browserOf } from './browser.ts'
import { addressOf } from './channel.ts'
import type { PushSettings } from './options.ts'
import {
  asks,
  type ChallengeState,
  ended,
  lineOf,
  type PushData,
  type PushState,
  type PushStep,
  type PushView,
  proofOf,
  refused,
} from './state.ts'

type Context = CeremonyContext<PushData>

/** Longer than a challenge lives: whoever loads the page anew is told that it is over, and nobody is asked again. */
const CHALLENGE_SECONDS = 600
const REFERENCE_BYTES = 16
/** One in thirty finds a number of two digits in three tries, having but the phone; each try is seen on the page. */
const MAX_FAILURES = 3
/** Place names and apps' names beyond are cut. */
const MAX_WORDS = 100
const MAX_MESSAGE = 200
/** How long the place may be looked for. */
const LOCATE_SECONDS = 1

/** Of this many digits, each as likely as any other; the first is no zero, which some would leave out. */
const newNumber = (digits: number): string => {
  const number = randomDigits(digits)
  return number.startsWith('0') ? newNumber(digits) : number
}

/** What is compared, and how: undefined where nothing ties the device's answer to what it is asked by. */
const matchOf = ({ digits }: PushSettings, transaction: Transaction | undefined) => {
  if (transaction === undefined) return { match: 'number', number: newNumber(digits) } as const
  const { bindingMessage = '', authorizationDetails = [] } = transaction
  const details = authorizationDetails.length === 0 ? {} : { details: authorizationDetails }
  // The client shows it, the device does not: it is typed.
  if (/^[0-9]{2,6}$/.test(bindingMessage)) return { match: 'number', number: bindingMessage, ...details } as const
  const message = lineOf(bindingMessage, MAX_MESSAGE)
  if (message !== '') return { match: 'message', message, ...details } as const
  return authorizationDetails.length === 0 ? undefined : ({ match: 'message', ...details } as const)
}

/** Where it is, as far as that is known soon: nobody waits for it. */
const placeOf = async ({ locate }: PushSettings, address: string): Promise<string> => {
  if (locate === undefined) return ''
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, LOCATE_SECONDS * 1000, undefined)
  })
  try {
    return lineOf(String((await Promise.race([locate(address), late])) ?? ''), MAX_WORDS)
  } catch {
    return ''
  } finally {
    clearTimeout(timer)
  }
}

/** What the account's owner may recognize the request by; only what there is. */
const askedBy = async (settings: PushSettings, { client, requester = {} }: Context) => {
  const { userAgent = '' } = requester
  const address = isIP(requester.address ?? '') === 0 ? '' : (requester.address ?? '')
  const known = {
    client: lineOf(client?.name ?? '', MAX_WORDS),
    browser: browserOf(userAgent) ?? '',
    address,
    place: address === '' ? '' : await placeOf(settings, address),
  }
  return Object.fromEntries(Object.entries(known).filter(([, words]) => words !== '')) as Partial<typeof known>
}

const push = (state: ChallengeState, { authenticators }: Context) => ({
  to: addressOf(authenticators),
  template: 'push/challenge',
  values: {},
  reference: state.reference,
  expiresAt: state.expiresAt,
})

const ask = async (settings: PushSettings, context: Context) => {
  const { account, authenticators, now, transaction } = context
  const match = matchOf(settings, transaction)
  if (match === undefined || authenticators.length === 0) return refused('unavailable')
  const state: ChallengeState = {
    step: 'challenge',
    reference: randomToken(REFERENCE_BYTES),
    ...match,
    account: account.label,
    ...(await askedBy(settings, context)),
    at: now,
    expiresAt: Math.min(now + settings.lifeSeconds, transaction?.expiresAt ?? Infinity),
  }
  const { reference, expiresAt } = state
  return { outcome: 'continue', state, message: push(state, context), awaits: { reference, expiresAt } } as const
}

/** The same question again while half of its life is left, so that a push that was slow still works; then a new one. */
const again = (settings: PushSettings, state: ChallengeState, context: Context) =>
  state.expiresAt - context.now >= settings.lifeSeconds / 2
    ? ({ outcome: 'continue', state, message: push(state, context) } as const)
    : ask(settings, context)

/** What was signed is what was shown, so that no answer to one question passes for another's. */
const isAbout = (state: ChallengeState, { reference = '', account, expiresAt }: Input) =>
  equalSecret(reference, state.reference) && account === state.account && expiresAt === String(state.expiresAt)

const approve = (settings: PushSettings, state: ChallengeState, input: Input, { id }: Authenticator): PushStep => {
  const { match, number } = state
  if (match === 'number' && (number === undefined || !equalSecret(input.number ?? '', number)))
    return refused('invalid')
  return {
    outcome: 'accepted',
    authenticatorId: id,
    proof: proofOf(settings.trustsUserVerification && input.userVerified === 'true'),
  }
}

const receive = (
  settings: PushSettings,
  state: PushState,
  input: Input,
  { authenticators, now }: Context,
  from: Authenticator<PushData> | undefined,
): PushStep => {
  if (from === undefined || !authenticators.some(({ id }) => id === from.id)) return refused('not-enrolled')
  if (state.step !== 'challenge' || !isAbout(state, input)) return refused('invalid')
  if (now >= state.expiresAt) return ended('expired')
  if (input.decision === 'report') return ended('reported', input.reason)
  if (input.decision === 'deny') return ended('denied')
  return input.decision === 'approve' ? approve(settings, state, input, from) : refused('invalid')
}

/** @see docs/push-protocol.md, "Challenges" */
const outline = (state: PushState): Readonly<Record<string, unknown>> => {
  if (state.step !== 'challenge') return {}
  const { step: _step, number: _number, ...shown } = state
  return shown
}

const view = (state: PushState, { now }: Context): PushView => {
  const { expiresAt } = state
  const seconds = Math.max(0, expiresAt - now)
  const number = state.step === 'challenge' && seconds > 0 ? state.number : undefined
  return { step: 'challenge', ...(number && { number }), seconds, expiresAt, isExpired: seconds === 0 }
}

/** How a device shows that its person sits at the page: the page shows a number, and the device signs it. */
export const challengeBy = (settings: PushSettings): Ceremony<PushState, PushData, PushView> => ({
  inProcess: true,
  ttlSeconds: CHALLENGE_SECONDS,
  fields: ['again'],
  maxFailures: MAX_FAILURES,
  begin: (context) => ask(settings, context),
  submit: (state, input, context) =>
    state.step === 'challenge' && asks(input.again) ? again(settings, state, context) : { outcome: 'continue', state },
  receive: (state, input, context, from) => receive(settings, state, input, context, from),
  outline,
  view,
})
