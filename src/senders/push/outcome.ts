import { systemClock } from '../../clock.ts'
import { StepUpError } from '../../errors.ts'

/** How long a request may take where nobody says otherwise. */
export const TIMEOUT_SECONDS = 3

/** Seconds for which a push is still of use. @throws Error where it is of none any more */
export const lifeOf = ({ expiresAt }: { readonly expiresAt: number }): number => {
  const seconds = Math.floor(expiresAt - systemClock())
  if (seconds < 1) throw new Error('the push is of no use any more')
  return seconds
}

/** A channel that `parse` would not answer, such as one whose host is not allowed any more. */
export const unusable = (service: string): Error => new Error(`${service}: the channel is none to send to`)

/** The channel is dead for good. */
export const gone = (service: string, reason: string | number): StepUpError =>
  new StepUpError('ERR_ADDRESS', `${service} knows no such channel any more: ${reason}`)

/** The service's word, as far as it is one word: its sentences can quote the token. */
export const refused = (service: string, status: number, reason: unknown): Error => {
  const word = typeof reason === 'string' && /^[A-Za-z_]{1,60}$/.test(reason) ? ` ${reason}` : ''
  return new Error(`${service} answered with status ${status}${word}`)
}

const LATE: ReadonlySet<unknown> = new Set(['ABORT_ERR', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'])

const codeOf = (thrown: unknown): unknown => {
  const { name, code, cause } = Object(thrown) as { name?: unknown; code?: unknown; cause?: unknown }
  if (name === 'TimeoutError' || name === 'AbortError') return 'ABORT_ERR'
  return cause === undefined ? code : (codeOf(cause) ?? code)
}

/** Why there was no answer. It has no cause: what is thrown holds the address. */
export const unanswered = (service: string, thrown: unknown): Error => {
  const code = codeOf(thrown)
  if (LATE.has(code)) return new Error(`${service} did not answer in time`)
  const words = typeof code === 'string' && /^[A-Z\d_]+$/.test(code) ? ` (${code})` : ''
  return new Error(`${service} could not be reached${words}`)
}
