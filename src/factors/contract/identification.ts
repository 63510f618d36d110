import type { Authenticator, CeremonyContext, Step } from '../factor.ts'

/** A sign-in begun by an authenticator, before anybody said who they are: a passkey. */
export interface Identification<State = unknown, Data = unknown, View = unknown> {
  /** How long the page can be answered, in seconds. */
  readonly ttlSeconds: number
  /** Scripts that a login page loads, in this order; read once at the start. */
  readonly scripts: readonly URL[]
  /** Makes the first state, and what the login page's script needs. */
  begin(
    context: IdentificationContext,
  ): { readonly state: State; readonly view: View } | Promise<{ readonly state: State; readonly view: View }>
  /** The claim of the authenticator that an answer names, by which its account is found; undefined for garbage. */
  claimOf(answer: string): string | undefined
  /** Judges the answer. `authenticator` is the one that holds the claim; it is active. */
  submit(
    state: State,
    answer: string,
    authenticator: Authenticator<Data>,
    context: IdentificationContext,
  ): Step<State, Data> | Promise<Step<State, Data>>
}

/** What an identification may see. */
export type IdentificationContext = Pick<CeremonyContext, 'origin' | 'issuer' | 'now'>
