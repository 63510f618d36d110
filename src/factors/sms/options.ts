import { StepUpError } from '../../errors.ts'
import type { Budget, Sender } from '../factor.ts'
import { allCountries, isCountry } from './number.ts'

/** What is known of a number from those who run its network. */
export interface NumberFacts {
  /** What kind of line it is, in the words of whoever was asked, such as `mobile`. Absent where nobody knows. */
  readonly lineType?: string
  /** Epoch seconds since when its present SIM card has it. Absent where nobody knows. */
  readonly simSwappedAt?: number
}

/**
 * Asks about a number in E.164 form.
 *
 * @throws StepUpError `ERR_ADDRESS` where there is no such number; anything else means that it is not known now.
 */
export type NumberLookup = (number: string) => Promise<NumberFacts>

/**
 * Makes, sends and judges codes in our place.
 *
 * It may bind a code to the number alone, and send one that still stands again: then the same code is right in each
 * ceremony that had it sent. A ceremony whose message was held back takes none, and none takes one later than
 * `codeSeconds` after its own message.
 */
export interface CodeJudge {
  /** Has a code sent; the message's text is the app's name, at enrolment the host's, and no more. */
  readonly send: Sender
  /** What it says of a code: right, wrong, or about none that still stands. A code that was right is right once. */
  readonly check: (to: string, code: string) => Promise<'approved' | 'pending' | 'gone'>
}

/** How codes reach people's phones, and whose. */
export interface SmsOptions {
  /** Carries our messages: `twilioMessaging()`, or a gateway of your own. Either this or `verify`. */
  readonly sender?: Sender
  /** Lets others make and judge the codes: `twilioVerify()`. Either this or `sender`. */
  readonly verify?: CodeJudge
  /**
   * ISO 3166-1 alpha-2 codes of the countries whose numbers are taken; the first is chosen at the start. Asked at
   * every message, so that one taken off the list costs no more. There is no default: whoever sends to countries
   * where nobody signs in pays for numbers that are rented to be sent to.
   */
  readonly countries: readonly string[] | 'any'
  /** Offers calls that say the code, and so takes landlines too. Default false. */
  readonly voice?: boolean
  /**
   * Asks about a number before each message to it, once budgets and the checks that cost nothing have let it pass:
   * `twilioLookup()`. Within 5 s, or the message is not sent.
   */
  readonly lookup?: NumberLookup
  /** Kinds of lines that are taken, by what `lookup` says; one it does not know is. Default `mobile`, with `voice` also `landline`. */
  readonly lineTypes?: readonly string[]
  /** Sends nothing to a number whose SIM card was changed less than this ago, in seconds. Default: not asked. */
  readonly simSwapSeconds?: number
  /** How many messages may go out, in place of {@link BUDGETS}. */
  readonly budgets?: readonly Budget[]
  /** How many numbers an account can have. Default 3. */
  readonly perAccount?: number
  /** How long a code can be used, in seconds: 60 to 600 (NIST SP 800-63B-4 section 3.1.3). Default 300. */
  readonly codeSeconds?: number
  /** Adds `otp` to `amr`, for relying parties that ask for it. Default false. */
  readonly otpAmr?: boolean
}

/** The options, checked and complete. */
export interface SmsSettings {
  readonly judge: CodeJudge | undefined
  readonly sender: Sender
  readonly countries: readonly string[]
  /** Chosen before anybody chose. */
  readonly firstCountry: string | undefined
  readonly voice: boolean
  readonly lookup: NumberLookup | undefined
  readonly lineTypes: readonly string[]
  readonly simSwapSeconds: number | undefined
  readonly budgets: readonly Budget[]
  readonly perAccount: number
  readonly codeSeconds: number
  readonly otpAmr: boolean
}

const MINUTE = 60
const HOUR = 3600
const DAY = 86_400

/** How many messages go out unless the host says otherwise; the pauses between them come on top. */
export const BUDGETS: readonly Budget[] = Object.freeze([
  // One phone: the first message and some more where the network is slow; nobody's phone rings all day.
  { per: 'target', messages: 5, windowSeconds: 10 * MINUTE },
  { per: 'target', messages: 10, windowSeconds: DAY },
  // Ten thousand numbers in a row rarely belong to fifty people who sign in within the hour, but to one who rents them.
  { per: 'block', messages: 50, windowSeconds: HOUR },
  // Twenty people behind one address; a large office sets its own.
  { per: 'address', messages: 20, windowSeconds: HOUR },
  { per: 'account', messages: 10, windowSeconds: HOUR },
  // What an attack that gets round all of the above can cost in an hour; a large service sets its own.
  { per: 'total', messages: 1000, windowSeconds: HOUR },
])

const SCOPES: readonly string[] = ['target', 'block', 'address', 'account', 'total'] satisfies Budget['per'][]

const isFunction = (value: unknown) => typeof value === 'function'
const isWhole = (value: unknown, least: number, most = Number.MAX_SAFE_INTEGER) =>
  Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most

const isBudget = (value: unknown) => {
  const { per, messages, windowSeconds } = Object(value) as Partial<Budget>
  return SCOPES.includes(String(per)) && isWhole(messages, 1) && isWhole(windowSeconds, 1)
}

const isJudge = (value: unknown) => {
  const { send, check } = Object(value) as Partial<CodeJudge>
  return isFunction(send) && isFunction(check)
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length > 0

const isFlag = (value: unknown) => typeof value === 'boolean'

interface Rule {
  readonly isAllowed: (value: unknown) => boolean
  /** For a list: what each entry has to be. */
  readonly isItem?: (item: unknown) => boolean
  readonly allowed: string
  readonly isRequired?: true
}

const RULES: { readonly [Name in keyof Required<SmsOptions>]: Rule } = {
  sender: { isAllowed: isFunction, allowed: 'a function' },
  verify: { isAllowed: isJudge, allowed: 'an object with the functions send and check' },
  countries: {
    isAllowed: (value) => value === 'any' || isList(value),
    isItem: (code) => typeof code === 'string' && isCountry(code),
    allowed: "'any' or a list of ISO 3166-1 alpha-2 codes in capitals, such as ['DE', 'AT']",
    isRequired: true,
  },
  voice: { isAllowed: isFlag, allowed: 'true or false' },
  lookup: { isAllowed: isFunction, allowed: 'a function' },
  lineTypes: {
    isAllowed: isList,
    isItem: (type) => typeof type === 'string' && type !== '',
    allowed: "a list of words that lookup uses, such as ['mobile']",
  },
  simSwapSeconds: { isAllowed: (value) => isWhole(value, 1), allowed: 'a whole number of seconds, at least 1' },
  budgets: {
    isAllowed: isList,
    isItem: isBudget,
    allowed: `a list of { per: ${SCOPES.map((scope) => `'${scope}'`).join(' | ')}, messages, windowSeconds }`,
  },
  perAccount: { isAllowed: (value) => isWhole(value, 1, 10), allowed: 'a whole number from 1 to 10' },
  codeSeconds: { isAllowed: (value) => isWhole(value, 60, 600), allowed: 'a whole number of seconds from 60 to 600' },
  otpAmr: { isAllowed: isFlag, allowed: 'true or false' },
}

/** What stands there, without saying what may be secret. */
const found = (value: unknown) => {
  if (value === undefined) return 'nothing'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  // A country's code at most; a number or a secret that was misplaced is longer.
  if (typeof value === 'string' && value.length <= 3) return JSON.stringify(value)
  return Array.isArray(value) ? `a list of ${value.length}` : `a value of type ${typeof value}`
}

const wrong = (name: string, value: unknown, allowed: string) =>
  new StepUpError('ERR_CONFIG', `sms().${name}: found ${found(value)}; allowed: ${allowed}`)

const checkNames = (options: object) => {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(RULES, name))
  if (unknown !== undefined)
    throw new StepUpError(
      'ERR_CONFIG',
      `sms().${unknown}: found an unknown setting; allowed: ${Object.keys(RULES).join(', ')}`,
    )
}

const checkEach = (given: SmsOptions) => {
  for (const [name, { isAllowed, isItem, allowed, isRequired }] of Object.entries(RULES)) {
    const value: unknown = Reflect.get(given, name)
    if (value === undefined ? isRequired : !isAllowed(value)) throw wrong(name, value, allowed)
    const strange = isItem !== undefined && isList(value) ? value.findIndex((item) => !isItem(item)) : -1
    if (strange >= 0) throw wrong(`${name}[${strange}]`, Reflect.get(value as object, strange), allowed)
  }
}

const checkTogether = ({ sender, verify, lookup, lineTypes, simSwapSeconds }: SmsOptions) => {
  if (sender === undefined && verify === undefined) throw wrong('sender', sender, 'a function, or verify in its place')
  if (sender !== undefined && verify !== undefined) throw wrong('verify', verify, 'nothing where there is a sender')
  if (lookup !== undefined) return
  if (lineTypes !== undefined) throw wrong('lookup', lookup, 'a function, since lineTypes needs it')
  if (simSwapSeconds !== undefined) throw wrong('lookup', lookup, 'a function, since simSwapSeconds needs it')
}

/**
 * Checks the options and fills in what was left out.
 *
 * @throws StepUpError `ERR_CONFIG` with what was found and what is allowed.
 */
export const settingsOf = (options: SmsOptions): SmsSettings => {
  checkNames(Object(options))
  const given = Object(options) as SmsOptions
  checkEach(given)
  checkTogether(given)
  const { verify, voice = false, countries } = given
  // One of the two is there: checked above.
  const sender = (verify?.send ?? given.sender) as Sender
  return Object.freeze({
    judge: verify,
    sender,
    countries: countries === 'any' ? allCountries() : [...countries],
    firstCountry: countries === 'any' ? undefined : countries[0],
    voice,
    lookup: given.lookup,
    lineTypes: given.lineTypes ?? (voice ? ['mobile', 'landline'] : ['mobile']),
    simSwapSeconds: given.simSwapSeconds,
    budgets: given.budgets ?? BUDGETS,
    perAccount: given.perAccount ?? 3,
    codeSeconds: given.codeSeconds ?? 300,
    otpAmr: given.otpAmr ?? false,
  })
}
