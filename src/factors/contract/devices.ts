import type { Authenticator, Input } from '../factor.ts'

/**
 * What a device says for itself, verified.
 *
 * Of statements that change something each counts once: `id` is unique to it, and it is remembered until `expiresAt`.
 */
export type Statement<Data = unknown> =
  /** What is to be answered? */
  | { readonly act: 'pending' }
  /** The same, and whatever comes while the line is held. */
  | { readonly act: 'listen' }
  /** An answer to the open challenge of this name; `input` is what the ceremony receives. */
  | { readonly act: 'answer'; readonly reference: string; readonly input: Input }
  /** It has another address, name or key. */
  | {
      readonly act: 'change'
      readonly id: string
      readonly expiresAt: number
      readonly data: Data
      readonly nickname?: string
    }
  /** It is no authenticator of the account any more. */
  | { readonly act: 'remove'; readonly id: string; readonly expiresAt: number }

/**
 * Why a statement says nothing. `expired`: its time is not ours, which the device can mend by our clock.
 * `unsupported-channel`: nothing here sends to the address it names.
 */
export type StatementFault = 'invalid' | 'expired' | 'unsupported-channel'

/** Authenticators that speak for themselves: apps with a key of their own. */
export interface Devices<Data = unknown> {
  /** What an app needs to know before it enrolls, beside the issuer: JSON, the same for everybody. */
  readonly about: Readonly<Record<string, unknown>>
  /** Whether the web authenticator of this package is served for it. */
  readonly webApp: boolean
  /** Whose statement it claims to be, before anything is verified: an authenticator's `claim`; undefined for garbage. */
  claimOf(statement: string): string | undefined
  /** Verifies it against the authenticator that holds the claim. Never throws for what a device could send. */
  read(
    statement: string,
    authenticator: Authenticator<Data>,
    context: { readonly issuer: string; readonly now: number },
  ): Promise<Statement<Data> | StatementFault>
}
