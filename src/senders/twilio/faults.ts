import { StepUpError } from '../../errors.ts'

/** Codes below are about the API and the account: credentials, rights, rates. */
const FIRST_OF_A_MESSAGE = 21_000

/**
 * Refusals for which nobody's number is to blame.
 *
 * @see Twilio, Error and Warning Dictionary
 */
const OURS: ReadonlySet<number> = new Set([
  // Who we say that we are, and what we say.
  21205, 21210, 21212, 21267, 21602, 21603, 21605, 21609, 21611, 21617, 21659, 21660, 21661,
  // The Messaging Service.
  21701, 21702, 21703, 21704, 21705, 21706, 21707, 21708, 21709, 21710, 21711, 21712,
  // Queues and limits of the account, and where it has yet to be registered.
  30001, 30002, 30022, 30023, 30032, 30034,
  // What the Verify Service is set up for.
  60201, 60204, 60206, 60207, 60213, 60214, 60217, 60221, 60223,
])

/** Limits of Verify for one number: a try a moment later is one too many. */
const SPENT: ReadonlySet<number> = new Set([60202, 60203, 60212])

const numberOr = (value: unknown) => (typeof value === 'number' ? value : undefined)

/** Twilio's own code, and the HTTP status it came with; neither where there was no answer. */
export const codesOf = (
  thrown: unknown,
): { readonly status: number | undefined; readonly code: number | undefined } => {
  const { status, code } = Object(thrown) as { status?: unknown; code?: unknown }
  return { status: numberOr(status), code: numberOr(code) }
}

/** Whether the same request may be answered a moment later. One that had no answer may have been carried out. */
export const isPassing = (thrown: unknown): boolean => {
  const { status = 0, code = 0 } = codesOf(thrown)
  return (status === 429 && !SPENT.has(code)) || status >= 500
}

const LATE: ReadonlySet<unknown> = new Set(['ERR_CANCELED', 'ECONNABORTED', 'ETIMEDOUT'])

const reasonOf = (thrown: unknown) => {
  const { status, code } = codesOf(thrown)
  if (status !== undefined) return `answered with status ${status}${code === undefined ? '' : ` and error ${code}`}`
  const { code: network } = Object(thrown) as { code?: unknown }
  if (LATE.has(network)) return 'did not answer in time'
  return typeof network === 'string' && /^[A-Z_]+$/.test(network)
    ? `could not be reached (${network})`
    : 'gave no answer that makes sense'
}

/** A number that Twilio does not send to, for good or for a while. */
export const unreachable = (code: number): StepUpError =>
  new StepUpError('ERR_ADDRESS', `Twilio does not send to this number: error ${code}`)

/**
 * Whether a refusal is about the number: none that exists, a landline, its owner's STOP, a country that is closed, a
 * block of some hours (21612, 30450, 60410). Unknown ones are, as Twilio adds more; else whoever finds a number that is
 * refused could make the gateway look as if it were down, for everybody.
 */
const isAboutNumber = (status: number, code: number) => {
  if (code < FIRST_OF_A_MESSAGE || OURS.has(code)) return false
  return SPENT.has(code) || (status !== 401 && status !== 429 && status < 500)
}

/**
 * The fault as it is told. It has no cause: what the client throws holds the number, the code and the credentials.
 */
export const faultOf = (thrown: unknown): Error => {
  const { status, code } = codesOf(thrown)
  return status !== undefined && code !== undefined && isAboutNumber(status, code)
    ? unreachable(code)
    : new Error(`Twilio ${reasonOf(thrown)}`)
}

/** The fault of a message that was taken and at once given up, by its error code. */
export const givenUp = (code: number | null | undefined): Error => {
  if (code === null || code === undefined) return new Error('Twilio gave the message up')
  return isAboutNumber(200, code) ? unreachable(code) : new Error(`Twilio gave the message up: error ${code}`)
}
