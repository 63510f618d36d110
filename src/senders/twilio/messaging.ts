import twilio from 'twilio'
import { systemClock } from '../../clock.ts'
import type { OutgoingMessage, Sender } from '../../factors/factor.ts'
import { type Caller, createCaller } from './caller.ts'
import { givenUp } from './faults.ts'
import { ACCESS, checkAccess, checkOptions, publicUrl, rules, type TwilioAccess, wrong } from './options.ts'

/** What {@link twilioMessaging} sends with. */
export interface TwilioMessagingOptions extends TwilioAccess {
  /** The number that messages come from and calls are made with, in E.164 form, or a name that text messages carry. */
  readonly from?: string
  /** SID of a Messaging Service that chooses the number for text messages; calls need `from`. */
  readonly messagingServiceSid?: string
  /** Where Twilio tells what became of each message: the `url` of a {@link twilioStatusWebhook}. */
  readonly statusCallback?: string
}

type SayAttributes = Exclude<Parameters<InstanceType<typeof twilio.twiml.VoiceResponse>['say']>[0], string>

const WHERE = 'twilioMessaging()'

const MAX_VALIDITY_SECONDS = 36_000

/** Seconds for which a message is still of use; Twilio drops it from its queue after them. */
const validityOf = ({ expiresAt }: OutgoingMessage) => {
  const seconds = Math.floor(expiresAt - systemClock())
  if (seconds < 1) throw new Error('the message is of no use any more')
  return Math.min(seconds, MAX_VALIDITY_SECONDS)
}

/** Voices speak a language of a country, such as `en-US` for `en`. */
const languageOf = (locale: string) => {
  const { language, region } = new Intl.Locale(locale).maximize()
  return { language: `${language}-${region}` } as SayAttributes
}

const spoken = ({ locale, text }: OutgoingMessage) => {
  const response = new twilio.twiml.VoiceResponse()
  response.say(languageOf(locale), text)
  return response.toString()
}

interface Taken {
  readonly sid: unknown
  readonly status: unknown
  readonly errorCode?: number | null
}

/** A message is handed over once it has a SID and a status that leads somewhere. */
const checkTaken = ({ sid, status, errorCode }: Taken) => {
  if (typeof sid !== 'string') throw givenUp(undefined)
  if (status === 'failed' || status === 'undelivered') throw givenUp(errorCode)
}

const sendText = async (call: Caller, message: OutgoingMessage, options: TwilioMessagingOptions) => {
  const { from, messagingServiceSid, statusCallback } = options
  const validityPeriod = validityOf(message)
  checkTaken(
    await call((client) =>
      client.messages.create({
        to: message.to,
        body: message.text,
        ...(messagingServiceSid === undefined ? {} : { messagingServiceSid }),
        ...(messagingServiceSid === undefined && from !== undefined ? { from } : {}),
        ...(statusCallback === undefined ? {} : { statusCallback }),
        validityPeriod,
        // One typographic apostrophe would more than double the length that is paid for.
        smartEncoded: true,
      }),
    ),
  )
}

const sayAloud = async (call: Caller, message: OutgoingMessage, options: TwilioMessagingOptions) => {
  const { from, statusCallback } = options
  if (from === undefined) throw new Error(`${WHERE}: calls need from, a number of this account`)
  validityOf(message)
  checkTaken(
    await call((client) =>
      client.calls.create({
        to: message.to,
        from,
        twiml: spoken(message),
        ...(statusCallback === undefined ? {} : { statusCallback }),
      }),
    ),
  )
}

/**
 * Sends our codes through Twilio: as text messages by Programmable Messaging, as calls by Programmable Voice.
 *
 * A message that is answered with 429 or 5xx is tried at most twice more, all within `deadlineSeconds`; one without
 * an answer is not, as it may be on its way.
 *
 * @throws StepUpError `ERR_CONFIG` at once for wrong options; when sending, `ERR_ADDRESS` for a number that Twilio does
 *   not send to, for good or for a while. No error names a number or holds a code.
 * @see Twilio, Message resource and Call resource
 */
export const twilioMessaging = (options: TwilioMessagingOptions): Sender => {
  checkOptions(WHERE, options, {
    ...ACCESS,
    from: rules.text,
    messagingServiceSid: rules.sid('MG'),
    statusCallback: publicUrl,
  })
  checkAccess(WHERE, options)
  const { from, messagingServiceSid } = options
  if (from === undefined && messagingServiceSid === undefined)
    throw wrong(WHERE, 'from', from, 'a number in E.164 form or a name, or a messagingServiceSid in its place')
  const call = createCaller(options)
  return (message) =>
    message.channel === 'voice' ? sayAloud(call, message, options) : sendText(call, message, options)
}
