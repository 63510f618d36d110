import { duo } from '../factors/duo.ts'
import { email } from '../factors/email.ts'
import type { AnyFactor, Sender } from '../factors/factor.ts'
import { push } from '../factors/push.ts'
import { recoveryCodes } from '../factors/recovery-codes.ts'
import type { CodeJudge } from '../factors/sms.ts'
import { totp } from '../factors/totp.ts'
import { duoSettings, type Environment, smtpSettings, twilioAccess, vapidSettings } from './demo-gateways.ts'
import type { Outbox } from './outbox.ts'

/** What decides how people of the demo can be asked. */
export interface DemoChannels {
  readonly env: Environment
  /** Takes what has no gateway of its own; undefined where nothing may be shown. */
  readonly outbox: Outbox | undefined
  /** Takes a line about whatever is left out. */
  readonly print: (line: string) => void
}

/** The factors of the demo. */
export interface DemoFactors {
  readonly factors: readonly AnyFactor[]
  /** Whether anything goes to the outbox. */
  readonly usesOutbox: boolean
  /** Ends connections to gateways. */
  close(): void
}

const NAME = 'oidc-step-up demo'

const isMissing = (error: unknown): boolean => {
  const { code, cause } = Object(error) as NodeJS.ErrnoException
  return code === 'ERR_MODULE_NOT_FOUND' || (cause !== undefined && isMissing(cause))
}

/** The packages are optional ones: what needs one that is not there is left out. */
const unlessMissing = async <Made>(
  make: () => Promise<Made>,
  line: string,
  print: DemoChannels['print'],
): Promise<Made | undefined> => {
  try {
    return await make()
  } catch (error) {
    if (!isMissing(error)) throw error
    print(line)
    return undefined
  }
}

/** How text messages go out; undefined where they cannot. */
const gatewayOf = async ({
  env,
  outbox,
}: DemoChannels): Promise<{ readonly verify: CodeJudge } | { readonly sender: Sender } | undefined> => {
  const settings = twilioAccess(env)
  if (settings === undefined) return outbox && { sender: outbox.sender('phone') }
  const { twilioMessaging, twilioVerify } = await import('../senders/twilio.ts')
  const { access, from = '', serviceSid } = settings
  return serviceSid === undefined
    ? { sender: twilioMessaging({ ...access, from }) }
    : { verify: twilioVerify({ ...access, serviceSid }) }
}

const passkeys = (print: DemoChannels['print']) =>
  unlessMissing(
    async () => (await import('../factors/webauthn.ts')).webauthn({ relyingPartyName: NAME }),
    'passkeys are off: npm install @simplewebauthn/server @simplewebauthn/browser',
    print,
  )

const textMessages = async (channels: DemoChannels) => {
  const { env, print } = channels
  const packages = twilioAccess(env) === undefined ? 'libphonenumber-js' : 'libphonenumber-js twilio'
  const off = `text messages are off: npm install ${packages}`
  const gateway = await unlessMissing(() => gatewayOf(channels), off, print)
  if (gateway === undefined) return undefined
  return unlessMissing(
    async () => (await import('../factors/sms.ts')).sms({ ...gateway, countries: 'any', voice: true }),
    off,
    print,
  )
}

const mailer = async ({
  env,
  outbox,
}: DemoChannels): Promise<(Sender & { readonly close?: () => void }) | undefined> => {
  const settings = smtpSettings(env)
  return settings === undefined ? outbox?.sender('mail') : (await import('../senders/smtp.ts')).smtp(settings)
}

/** Devices are asked with notifications or without: one that is open asks by itself. */
const devices = async ({ env, print }: DemoChannels) => {
  const settings = vapidSettings(env)
  const sender =
    settings &&
    (await unlessMissing(
      async () => (await import('../senders/web-push.ts')).webPush(settings),
      'notifications are off: npm install web-push',
      print,
    ))
  return push({ senders: present(sender) })
}

const DUO_IS_ON =
  'Duo is on: it asks only who has set up nothing else, such as alice until she uses her setup link; never bob'

const universalPrompt = ({ env, print }: DemoChannels) => {
  const settings = duoSettings(env)
  if (settings === undefined) return undefined
  const factor = duo(settings)
  print(DUO_IS_ON)
  return factor
}

const present = <Value>(value: Value | undefined): readonly Value[] => (value === undefined ? [] : [value])

/**
 * All the ways that the demo has, strongest first: those whose package is not installed, and those that would need a
 * gateway where nothing may be shown, are left out with a line that says so.
 *
 * @throws StepUpError ERR_CONFIG where the variables of a gateway are half set, or one of them is wrong
 */
export const demoFactors = async (channels: DemoChannels): Promise<DemoFactors> => {
  const { env, outbox, print } = channels
  const [hasTwilio, hasSmtp] = [twilioAccess(env) !== undefined, smtpSettings(env) !== undefined]
  if (!hasTwilio && outbox === undefined)
    print('text messages are off: set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM')
  if (!hasSmtp && outbox === undefined) print('mail is off: set SMTP_URL')
  // One after the other, so that the lines come in this order.
  const key = await passkeys(print)
  const phone = await textMessages(channels)
  const sender = await unlessMissing(() => mailer(channels), 'mail is off: npm install nodemailer', print)
  const device = await devices(channels)
  const elsewhere = universalPrompt(channels)
  return Object.freeze({
    factors: [
      ...present<AnyFactor>(key),
      totp({ issuer: NAME }),
      device,
      ...present<AnyFactor>(phone),
      ...(sender === undefined ? [] : [email({ sender })]),
      ...present<AnyFactor>(elsewhere),
      recoveryCodes(),
    ],
    usesOutbox: outbox !== undefined && !(hasTwilio && hasSmtp),
    close: () => sender?.close?.(),
  })
}
