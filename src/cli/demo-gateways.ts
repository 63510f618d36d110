import { readFileSync } from 'node:fs'
import { StepUpError } from '../errors.ts'
import type { DuoOptions } from '../factors/duo.ts'
import type { WebPushOptions } from '../senders/web-push.ts'

/** What the demo can be told by environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Sent with where nobody says otherwise; names that nobody has (RFC 2606 section 2). */
const MAIL_FROM = 'oidc-step-up demo <no-reply@oidc-step-up.example>'
const VAPID_SUBJECT = 'mailto:no-reply@oidc-step-up.example'

const halfSet = (missing: readonly string[], given: readonly string[]) =>
  new StepUpError('ERR_CONFIG', `${missing.join(' and ')}: found nothing; allowed: a value, beside ${given.join(', ')}`)

/** The variables of a gateway that have a value; undefined where none has. */
const setOf = <Name extends string>(env: Environment, names: readonly Name[]) => {
  const set = Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])))
  return Object.keys(set).length === 0 ? undefined : (set as Partial<Record<Name, string>>)
}

const missingOf = (set: object, names: readonly string[]) => names.filter((name) => !Object.hasOwn(set, name))

const TWILIO = [
  'TWILIO_ACCOUNT_SID',
  'TWILIO_AUTH_TOKEN',
  'TWILIO_FROM',
  'TWILIO_VERIFY_SERVICE_SID',
  'TWILIO_API_URL',
] as const

/** The account at Twilio; undefined where there is none. @throws StepUpError ERR_CONFIG where it is half set */
export const twilioAccess = (env: Environment) => {
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

/** The mail server; undefined where there is none. @throws StepUpError ERR_CONFIG where it is half set */
export const smtpSettings = (env: Environment) => {
  const set = setOf(env, ['SMTP_URL', 'MAIL_FROM'])
  if (set === undefined) return undefined
  const { SMTP_URL: url, MAIL_FROM: from = MAIL_FROM } = set
  if (url === undefined) throw halfSet(['SMTP_URL'], Object.keys(set))
  return { url, from }
}

/** What notifications of browsers are sent with; undefined for none. @throws StepUpError ERR_CONFIG where it is half set */
export const vapidSettings = (env: Environment): WebPushOptions | undefined => {
  const set = setOf(env, ['VAPID_PUBLIC_KEY', 'VAPID_PRIVATE_KEY', 'VAPID_SUBJECT'])
  if (set === undefined) return undefined
  const { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey, VAPID_SUBJECT: subject = VAPID_SUBJECT } = set
  if (publicKey === undefined || privateKey === undefined)
    throw halfSet(missingOf(set, ['VAPID_PUBLIC_KEY', 'VAPID_PRIVATE_KEY']), Object.keys(set))
  return { subject, publicKey, privateKey }
}

const outOfReach = (file: string, cause: unknown) => {
  const { code = 'unknown reason' } = cause as NodeJS.ErrnoException
  const text = `DUO_CA_FILE: found ${file} out of reach (${code}); allowed: a file with certificates in PEM`
  return new StepUpError('ERR_CONFIG', text, { cause })
}

const readCertificates = (file: string) => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw outOfReach(file, cause)
  }
}

/** The application at Duo; undefined where there is none. @throws StepUpError ERR_CONFIG where it is half set */
export const duoSettings = (env: Environment): DuoOptions | undefined => {
  const set = setOf(env, ['DUO_CLIENT_ID', 'DUO_CLIENT_SECRET', 'DUO_API_HOST', 'DUO_CA_FILE'])
  if (set === undefined) return undefined
  const { DUO_CLIENT_ID: clientId, DUO_CLIENT_SECRET: clientSecret, DUO_API_HOST: apiHost, DUO_CA_FILE: file } = set
  if (clientId === undefined || clientSecret === undefined || apiHost === undefined)
    throw halfSet(missingOf(set, ['DUO_CLIENT_ID', 'DUO_CLIENT_SECRET', 'DUO_API_HOST']), Object.keys(set))
  return { clientId, clientSecret, apiHost, ...(file === undefined ? {} : { ca: readCertificates(file) }) }
}
