import { DeviceError, type ProtocolErrorCode } from './error.ts'
import { endpointOf } from './link.ts'
import type { DeviceResponse, Platform } from './platform.ts'

const PATIENCE_SECONDS = 15
const MAX_LENGTH = 262_144

const CODES: ReadonlySet<string> = new Set<ProtocolErrorCode>([
  'invalid_request',
  'unsupported_channel',
  'invalid_statement',
  'statement_expired',
  'unknown_device',
  'no_challenge',
  'invalid_ticket',
  'used_statement',
  'wrong_number',
  'too_many_requests',
  'temporarily_unavailable',
])

/** How long something may take. */
export interface Deadline {
  readonly signal: AbortSignal
  /** Starts the time anew, as something came. */
  readonly extend: (seconds: number) => void
  /** Ends it, and whatever still runs under it. */
  readonly end: () => void
}

/** Whatever runs under it is aborted after this time, or when the caller's own signal is. */
export const createDeadline = (seconds: number, signal?: AbortSignal): Deadline => {
  const controller = new AbortController()
  const abort = () => controller.abort()
  let timer = setTimeout(abort, seconds * 1000)
  signal?.addEventListener('abort', abort)
  if (signal?.aborted) abort()
  return {
    signal: controller.signal,
    extend: (more) => {
      clearTimeout(timer)
      timer = setTimeout(abort, more * 1000)
    },
    end: () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      abort()
    },
  }
}

/** What to throw where a request came to nothing: the caller's own reason where the caller ended it. */
export const unreachable = (cause: unknown, signal?: AbortSignal): unknown =>
  signal?.aborted ? signal.reason : new DeviceError('unreachable', 'The server cannot be reached.', { cause })

/** Sends JSON to the one URL of an issuer. */
export const post = (
  { fetch }: Pick<Platform, 'fetch'>,
  issuer: string,
  body: unknown,
  signal: AbortSignal,
): Promise<DeviceResponse> =>
  fetch(endpointOf(issuer), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    credentials: 'omit',
    cache: 'no-store',
    // A server that moved is another issuer, and what a statement says goes to one only.
    redirect: 'error',
    signal,
  })

type Answer = Readonly<Record<string, unknown>>

const parse = (text: string): Answer => {
  try {
    const value: unknown = text.length > MAX_LENGTH ? undefined : JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Answer
  } catch {
    // A page of somebody in between, or half an answer.
  }
  return {}
}

const number = (name: string, value: unknown) =>
  typeof value === 'number' && Number.isFinite(value) ? { [name]: value } : {}

const secondsIn = ({ headers }: DeviceResponse) => {
  const text = headers.get('retry-after') ?? ''
  return /^\d{1,6}$/.test(text) ? { retryAfterSeconds: Number(text) } : {}
}

/** The error that an answer without success is. */
export const errorIn = (response: DeviceResponse, text: string): DeviceError => {
  const { error, error_description: description, left, now } = parse(text)
  const known = typeof error === 'string' && CODES.has(error) ? (error as ProtocolErrorCode) : undefined
  const code = known ?? (response.status >= 500 ? 'temporarily_unavailable' : 'invalid_answer')
  const message = typeof description === 'string' ? description : `The server answered ${response.status}.`
  return new DeviceError(code, message, { ...number('left', left), ...number('now', now), ...secondsIn(response) })
}

/**
 * Asks, and waits for the answer.
 *
 * @throws DeviceError whatever the server refused, `unreachable`, or `invalid_answer`; the signal's reason where it was
 * aborted.
 */
export const ask = async (
  platform: Pick<Platform, 'fetch'>,
  issuer: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<Answer> => {
  const deadline = createDeadline(PATIENCE_SECONDS, signal)
  let response: DeviceResponse
  let text: string
  try {
    response = await post(platform, issuer, body, deadline.signal)
    text = await response.text()
  } catch (cause) {
    throw unreachable(cause, signal)
  } finally {
    deadline.end()
  }
  if (response.status !== 200) throw errorIn(response, text)
  return parse(text)
}
