import { StepUpError } from '../../errors.ts'

/** Whose account, and where Twilio is. */
export interface TwilioAccess {
  /** The account's SID: `AC` and 32 hexadecimal digits. */
  readonly accountSid: string
  /** The account's token. Either this, or `apiKey` and `apiSecret`, which can be taken back one by one. */
  readonly authToken?: string
  /** SID of an API key: `SK` and 32 hexadecimal digits. */
  readonly apiKey?: string
  readonly apiSecret?: string
  /** Another base URL in place of Twilio's, for a proxy or a test: https, or http on this machine. */
  readonly apiUrl?: string
  /** How long one message, check or look-up may take with all its tries, in seconds: up to 5. Default 4. */
  readonly deadlineSeconds?: number
}

/** A rule for one option. */
export interface Rule {
  readonly isAllowed: (value: unknown) => boolean
  readonly allowed: string
  readonly isRequired?: true
}

const LOCAL = /^(localhost|127\.0\.0\.1|\[::1\])$/

const sid = (prefix: string): Omit<Rule, 'isRequired'> => ({
  isAllowed: (value) => typeof value === 'string' && new RegExp(`^${prefix}[0-9a-fA-F]{32}$`).test(value),
  allowed: `a SID: ${prefix} and 32 hexadecimal digits`,
})

const text: Omit<Rule, 'isRequired'> = {
  isAllowed: (value) => typeof value === 'string' && value !== '',
  allowed: 'a text that is not empty',
}

const isWebUrl = (value: unknown) => typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value)

/** A URL that Twilio calls. */
export const publicUrl: Omit<Rule, 'isRequired'> = { isAllowed: isWebUrl, allowed: 'an absolute URL of http or https' }

/** Checks of what every function here takes. */
export const ACCESS: Readonly<Record<string, Rule>> = {
  accountSid: { ...sid('AC'), isRequired: true },
  authToken: text,
  apiKey: sid('SK'),
  apiSecret: text,
  apiUrl: {
    // The credentials go along with every request.
    isAllowed: (value) =>
      isWebUrl(value) && (/^https:/.test(String(value)) || LOCAL.test(new URL(String(value)).hostname)),
    allowed: 'a URL of https, or of http on this machine',
  },
  deadlineSeconds: {
    isAllowed: (value) => typeof value === 'number' && value > 0 && value <= 5,
    allowed: 'a number of seconds, more than 0 and up to 5',
  },
}

/** Rules that several functions share. */
export const rules = { sid, text }

/** The name of a type only: numbers, SIDs and secrets have no place in a message. */
const found = (value: unknown) => (value === undefined ? 'nothing' : `a value of type ${typeof value}`)

/** The error for one option: what was found and what is allowed. */
export const wrong = (where: string, name: string, value: unknown, allowed: string) =>
  new StepUpError('ERR_CONFIG', `${where}.${name}: found ${found(value)}; allowed: ${allowed}`)

/**
 * Checks options one by one.
 *
 * @throws StepUpError `ERR_CONFIG` with what was found, never a secret, and what is allowed.
 */
export const checkOptions = (where: string, options: object, table: Readonly<Record<string, Rule>>): void => {
  const unknown = Object.keys(Object(options)).find((name) => !Object.hasOwn(table, name))
  if (unknown !== undefined)
    throw new StepUpError(
      'ERR_CONFIG',
      `${where}.${unknown}: found an unknown setting; allowed: ${Object.keys(table).join(', ')}`,
    )
  for (const [name, { isAllowed, allowed, isRequired }] of Object.entries(table)) {
    const value: unknown = Reflect.get(Object(options), name)
    if (value === undefined ? isRequired : !isAllowed(value)) throw wrong(where, name, value, allowed)
  }
}

/** Checks that there is one way to sign in to Twilio, and no more. */
export const checkAccess = (where: string, { authToken, apiKey, apiSecret }: TwilioAccess): void => {
  if (authToken !== undefined) {
    if (apiKey !== undefined) throw wrong(where, 'apiKey', apiKey, 'nothing where there is an authToken')
    return
  }
  if (apiKey === undefined) throw wrong(where, 'authToken', authToken, 'a text, or apiKey and apiSecret in its place')
  if (apiSecret === undefined) throw wrong(where, 'apiSecret', apiSecret, 'the secret of the apiKey')
}
