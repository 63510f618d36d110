import { StepUpError } from '../../errors.ts'

/**
 * What Twilio answers about a number that no later try will reach. Blocks of an hour (30450, 60410) are not among
 * them, nor what is wrong with the sender's own number or account.
 *
 * @see Twilio, Error and Warning Dictionary
 */
const PERMANENT: ReadonlySet<number> = new Set([
  // Not a phone number, or none that exists.
  21211, 21214, 21217, 60006, 60200,
  // To a country or a kind of number that this account may not send to or call.
  21215, 21216, 21408, 60605,
  // Its owner answered STOP.
  21610,
  // No text messages there: landlines, short codes, information services.
  21265, 21268, 21614, 21635, 60205,
  // Delivery that failed for good: no such phone, or a landline.
  30005, 30006,
])

/** Limits of Verify: a try a moment later is one too many. */
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

/** A number that Twilio knows will never be reached. */
export const unreachable = (code: number): StepUpError =>
  new StepUpError('ERR_ADDRESS', `Twilio cannot reach this number: error ${code}`)

/**
 * The fault as it is told. It has no cause: what the client throws holds the number, the code and the credentials.
 */
export const faultOf = (thrown: unknown): Error => {
  const { code } = codesOf(thrown)
  return code !== undefined && PERMANENT.has(code) ? unreachable(code) : new Error(`Twilio ${reasonOf(thrown)}`)
}

/** The fault of a message that was taken and at once given up, by its error code. */
export const givenUp = (code: number | null | undefined): Error =>
  code !== null && code !== undefined && PERMANENT.has(code)
    ? unreachable(code)
    : new Error(`Twilio gave the message up${code === null || code === undefined ? '' : `: error ${code}`}`)
