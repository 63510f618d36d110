/** Why a {@link StepUpError} was thrown. */
export type ErrorCode =
  /** A setting is missing, of the wrong type or contradicts another; the message names its full path. */
  | 'ERR_CONFIG'
  /** A sealed record could not be opened: altered, moved to another key, or sealed with an unknown key. */
  | 'ERR_SEAL'
  /** The store did not answer, or answered with an error; `cause` holds it. */
  | 'ERR_STORE'
  /** Compare-and-set lost against other writers too many times in a row. */
  | 'ERR_CONTENTION'
  /** A rule of the policy threw, or demanded what cannot be; `cause` holds it. Nobody passes meanwhile. */
  | 'ERR_POLICY'
  /** The account, or the authenticator named, does not exist, or the operation does not fit it. */
  | 'ERR_ACCOUNT'
  /** A sender's word that an address can never be reached: a number that does not exist, a mailbox that is gone. */
  | 'ERR_ADDRESS'

/** The one error class of this package: misuse and broken infrastructure, told apart by `code`. */
export class StepUpError extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'StepUpError'
    this.code = code
  }
}
