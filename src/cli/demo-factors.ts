import { StepUpError } from '../errors.ts'
import { email } from '../factors/email.ts'
import type { AnyFactor, Sender } from '../factors/factor.ts'
import { recoveryCodes } from '../factors/recovery-codes.ts'
import type { CodeJudge } from '../factors/sms.ts'
import { totp } from '../factors/totp.ts'
import type { Outbox } from './outbox.ts'

/** What the demo can be told by environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>

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

/** Sent with where nobody says otherwise; a name that nobody has (RFC 2606 section 2). */
const MAIL_FROM = 'oidc-step-up demo <no-reply@oidc-step-up.example>'
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

const halfSet = (missing: readonly string[], given: readonly string[]) =>
  new StepUpError('ERR_CONFIG', `${missing.join(' and ')}: found nothing; allowed: a value, beside ${given.join(', ')}`)

/** The variables of a gateway that have a value; undefined where none has. */
const setOf = <Name extends string>(env: Environment, names: readonly Name[]) => {
  const set = Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])))
  return Object.keys(set).length === 0 ? undefined : (set as Partial<Record<Name, string>>)
}

const TWILIO = [
  'TWILIO_ACCOUNT_SID',
  'TWILIO_AUTH_TOKEN',
  'TWILIO_FROM',
  'TWILIO_VERIFY_SERVICE_SID',
  'TWILIO_API_URL',
] as const

const twilioAccess = (env: Environment) => {
  const set = setOf(env, TWILIO)
  if (set === undefined) return undefined
  const { TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: authToken, TWILIO_API_URL: apiUrl } = set
  const { TWILIO_FROM: from, TWILIO_VERIFY_SERVICE_SID: serviceSid } = set
  const missing = [
    ...(accountSid === undefined ? ['TWILIO_ACCOUNT_SID'] : []),
    ...(authToken === undefined ? ['TWILIO_AUTH_TOKEN'] : []),
    ...(from === undefined && serviceSid === undefined ? ['TWILIO_FROM (or TWILIO_VERIFY_SERVICE_SID)'] : []),
  ]
  if (accountSid === undefined || authToken === undefined || missing.length > 0)
    throw halfSet(missing, Object.keys(set))
  return { access: { accountSid, authToken, ...(apiUrl === undefined ? {} : { apiUrl }) }, from, serviceSid }
}

const smtpSettings = (env: Environment) => {
  const set = setOf(env, ['SMTP_URL', 'MAIL_FROM'])
  if (set === undefined) return undefined
  const { SMTP_URL: url, MAIL_FROM: from = MAIL_FROM } = set
  if (url === undefined) throw halfSet(['SMTP_URL'], Object.keys(set))
  return { url, from }
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
  return Object.freeze({
    factors: [
      ...present<AnyFactor>(key),
      totp({ issuer: NAME }),
      ...present<AnyFactor>(phone),
      ...(sender === undefined ? [] : [email({ sender })]),
      recoveryCodes(),
    ],
    usesOutbox: outbox !== undefined && !(hasTwilio && hasSmtp),
    close: () => sender?.close?.(),
  })
}
