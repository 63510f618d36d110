/** What a server says was wrong; each is explained in the push protocol, section Errors. */
export type ProtocolErrorCode =
  | 'invalid_request'
  | 'unsupported_channel'
  | 'invalid_statement'
  | 'statement_expired'
  | 'unknown_device'
  | 'no_challenge'
  | 'invalid_ticket'
  | 'used_statement'
  | 'wrong_number'
  | 'too_many_requests'
  | 'temporarily_unavailable'

/** Why a {@link DeviceError} was thrown. */
export type DeviceErrorCode =
  | ProtocolErrorCode
  /** The text is no link for an enrolment, or its issuer is reached without TLS. */
  | 'invalid_link'
  /** Nobody typed the code in time: the enrolment is over. */
  | 'enrollment_expired'
  /** Nothing is stored here by this `deviceId`. */
  | 'unknown_account'
  /** No answer: no network, a refused connection, or too slow. */
  | 'unreachable'
  /** An answer that is none of this protocol. */
  | 'invalid_answer'

/** What an error carries beside its code. */
export interface DeviceErrorDetails {
  readonly cause?: unknown
  /** With `wrong_number`: tries that are left; none where 0. */
  readonly left?: number
  /** With `statement_expired`: the server's clock in epoch seconds. */
  readonly now?: number
  /** With `too_many_requests` and `temporarily_unavailable`, where the server said so: seconds to wait. */
  readonly retryAfterSeconds?: number
}

/** The one error class of the device SDK, told apart by `code`. */
export class DeviceError extends Error {
  readonly code: DeviceErrorCode
  declare readonly left?: number
  declare readonly now?: number
  declare readonly retryAfterSeconds?: number
  constructor(code: DeviceErrorCode, message: string, { cause, ...details }: DeviceErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'DeviceError'
    this.code = code
    Object.assign(this, details)
  }
}

/** Whether something thrown is a {@link DeviceError} of one of these codes. */
export const isDeviceError = (thrown: unknown, ...codes: readonly DeviceErrorCode[]): thrown is DeviceError =>
  thrown instanceof DeviceError && (codes.length === 0 || codes.includes(thrown.code))
