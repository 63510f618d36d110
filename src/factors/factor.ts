import type { Account } from '../account.ts'
import type { Proof } from '../assurance/evidence.ts'
import type { Devices } from './contract/devices.ts'
import type { Identification } from './contract/identification.ts'
import type { Budget, Message, Sender } from './contract/message.ts'

export type * from './contract/devices.ts'
export type * from './contract/identification.ts'
export type * from './contract/message.ts'

/**
 * One enrolled instance of a factor, bound to one account: this phone, that key.
 *
 * Implied authenticators (a verified email address) have the same shape and are never stored.
 */
export interface Authenticator<Data = unknown> {
  readonly id: string
  /** The id of the factor it belongs to. */
  readonly factor: string
  /** Only `active` authenticators can be used and keep evidence alive. */
  readonly status: 'active' | 'suspect' | 'disabled'
  /** Epoch seconds. */
  readonly createdAt: number
  /** Epoch seconds of the last accepted verification. */
  readonly lastUsedAt?: number
  /** The name its owner gave it. */
  readonly nickname?: string
  /** The globally unique key that it holds, if any: no other account can have it. */
  readonly claim?: string
  /** What the factor needs to verify it, in the factor's own form: JSON, sealed at rest, never rendered. */
  readonly data: Data
}

/** All that a ceremony may see. It holds no store, session, request or template. */
export interface CeremonyContext<Data = unknown> {
  readonly account: Account
  /**
   * The account's authenticators of this factor, oldest first: in a challenge those that can answer it, implied
   * ones included; at enrolment all that are stored, whatever their status.
   */
  readonly authenticators: readonly Authenticator<Data>[]
  /** The relying party that asked for this sign-in; absent at enrolment by ticket. */
  readonly client?: { readonly id: string; readonly name: string }
  /** Origin that the browser sees, for example `https://login.example.com`. */
  readonly origin: string
  readonly issuer: string
  /** Absolute URL of this step's page. */
  readonly url: string
  /** BCP 47 tag, one of the languages the screens exist in. */
  readonly locale: string
  /** Who asks, as the request tells: for the account's owner to recognize, and nothing to rely on. */
  readonly requester?: { readonly address?: string; readonly userAgent?: string }
  /** Set where no browser waits: a client asks for consent to this (CIBA Core 1.0; RFC 9396). */
  readonly transaction?: Transaction
  /** Epoch seconds. */
  readonly now: number
}

/** What a client asks the account's owner to agree to, away from any browser. */
export interface Transaction {
  /** Shown by the client as well, so that both can be compared (CIBA Core 1.0 section 7.1, `binding_message`). */
  readonly bindingMessage?: string
  /** Epoch seconds: the client asks no longer than that. */
  readonly expiresAt?: number
  /** What is to be authorized in detail (RFC 9396 section 2). */
  readonly authorizationDetails?: readonly Readonly<Record<string, unknown>>[]
}

/** Fields of a submitted form: strings only, sizes already bounded. */
export type Input = Readonly<Record<string, string>>

/** What a ceremony may want written to the account when it is accepted. */
export type Change<Data> =
  | {
      readonly add: Data
      readonly nickname?: string
      /**
       * A globally unique name of what is added, such as a WebAuthn credential id. Where an authenticator has it
       * already, of this account or another, the answer is refused as `used`.
       */
      readonly claim?: string
    }
  /** A new authenticator that takes the place of all the account has of this factor. */
  | { readonly replace: Data }
  | { readonly update: { readonly authenticatorId: string; readonly data: Data } }

/** Why a proof was not accepted. Users see one neutral sentence for the first three. */
export type Refusal =
  | 'invalid'
  | 'expired'
  | 'used'
  | 'denied'
  | 'reported'
  | 'suspect'
  | 'not-enrolled'
  | 'unavailable'

/** What one step of a ceremony came to. */
export type Step<State = unknown, Data = unknown> =
  | {
      readonly outcome: 'continue'
      readonly state: State
      readonly message?: Message
      /** What to go on with where the message is held back, as it was asked for too soon. Default: the state before. */
      readonly held?: State
      /**
       * What was wrong with an input that is no proof, such as a phone number: a message id of the factor's own,
       * shown as an error. It counts as no refusal.
       */
      readonly problem?: string
      /** Where the browser goes once the state is committed; it comes back to `<url>/return`. An absolute URL. */
      readonly redirect?: string
      /** A device of the account is to answer; until then the page waits. */
      readonly awaits?: Awaits
      /** What the device that was received gets for an answer: JSON. */
      readonly reply?: Readonly<Record<string, unknown>>
    }
  | {
      readonly outcome: 'accepted'
      /** The authenticator that was used, an implied one included; left out at enrolment. */
      readonly authenticatorId?: string
      readonly change?: Change<Data>
      /** What was really shown, where it is less than the factor's most; one without kinds leaves no evidence. */
      readonly proof?: Proof
    }
  | {
      readonly outcome: 'refused'
      readonly reason: Refusal
      /** An authenticator that may have been copied: it can no longer be used. */
      readonly suspectId?: string
      /** The judge did not answer at all, or is out of order: with `unavailable`, where a policy may exempt. */
      readonly outage?: true
      /** A word on why, for whoever listens to events: of the factor's own, and none of the user's. */
      readonly detail?: string
      /** Ends the ceremony: no further answer is looked at, and a new one begins only where the user asks for it. */
      readonly final?: true
    }

/**
 * How a device finds what it is to answer. In a challenge, by being the account's: `reference` is its public name, and
 * an account has one open at a time. At enrolment, by a ticket: `reference` is the SHA-256 of the ticket, in base64url.
 */
export interface Awaits {
  readonly reference: string
  /** Epoch seconds: from then on nobody can answer. */
  readonly expiresAt: number
}

/** A ceremony begins by asking, or cannot begin; nothing is accepted before anybody answered. */
export type FirstStep<State = unknown> = Exclude<Step<State>, { outcome: 'accepted' }>

/**
 * The steps of one enrolment or one challenge, from begin to accepted or refused.
 *
 * A ceremony computes; it neither stores nor sends. `State` is JSON, sealed at rest and never rendered;
 * `View` is what the template gets.
 */
export interface Ceremony<State = unknown, Data = unknown, View = unknown> {
  /** Asks nobody outside this process, so that nobody has to lose patience: its steps are waited for. */
  readonly inProcess?: true
  /** How long an open ceremony stays answerable, in seconds. */
  readonly ttlSeconds: number
  /** Names of the form fields that `submit` reads; a form with any other is refused. */
  readonly fields: readonly string[]
  /** Makes the first state, or says why there is none. */
  begin(context: CeremonyContext<Data>): FirstStep<State> | Promise<FirstStep<State>>
  /** This browser answers. */
  submit(state: State, input: Input, context: CeremonyContext<Data>): Step<State, Data> | Promise<Step<State, Data>>
  /**
   * A device answers, without any browser's cookie; `from` is the authenticator that signed, absent at enrolment. What
   * it accepts waits for the browser that began, and a refusal that comes before that browser does still wins.
   */
  receive?(
    state: State,
    input: Input,
    context: CeremonyContext<Data>,
    from?: Authenticator<Data>,
  ): Step<State, Data> | Promise<Step<State, Data>>
  /** What the account's devices are shown of it: JSON, and never what they are to prove. */
  outline?(state: State, context: CeremonyContext<Data>): Readonly<Record<string, unknown>>
  /** Refused answers after which no more are looked at. Default 5. */
  readonly maxFailures?: number
  /** Names of the query parameters that another site sends the browser back with; `submit` gets them as its input. */
  readonly returns?: readonly string[]
  /** What the screen shows, at every render and reload: no effects, the same answer for the same state. */
  view(state: State, context: CeremonyContext<Data>): View | Promise<View>
}

/**
 * A kind of authentication method: one file, one factory, one frozen plain object.
 *
 * Its own `kinds`, `traits` and `amr` are the most it can show, for planning; what counts is the proof of
 * each accepted step. The `id` is also its file, its view folder, its URL segment and its name in evidence.
 */
export interface Factor<State = unknown, Data = unknown, View = unknown> extends Proof {
  readonly id: string
  readonly enroll?: Ceremony<State, Data, View>
  readonly challenge: Ceremony<State, Data, View>
  /** Authenticators that follow from facts about the account and are never stored. */
  implied?(account: Account): readonly Authenticator<Data>[]
  /** The masked name shown on screens. */
  describe(authenticator: Authenticator<Data>): string
  /** The most that this one can show, where that is less than the factor's most; levels are planned with it. */
  atMost?(authenticator: Authenticator<Data>): Proof
  /** How often it can still be used, where that is limited; one that is used up answers no challenge. */
  usesLeft?(authenticator: Authenticator<Data>): number
  /** Makes a set of secrets for an operator to hand over: shown once, replacing what the account has of this factor. */
  issue?(): Promise<{ readonly codes: readonly string[]; readonly data: Data }>
  readonly sender?: Sender
  /** How many messages may go out; none beyond. */
  readonly budgets?: readonly Budget[]
  /** Pauses, in seconds, after which a message that could not be handed over is tried again while it is of use. */
  readonly retriesAfterSeconds?: readonly number[]
  /**
   * False where it only stands beside others: a configuration with nothing else is refused, and it closes no gap of
   * an account that has enrolled nothing. Default true, but for factors with the trait `recovery`.
   */
  readonly standsAlone?: boolean
  /** How many of it an account can have. Default 10. */
  readonly perAccount?: number
  /** Scripts that its pages load, in this order; files of this package or of another, read once at the start. */
  readonly scripts?: readonly URL[]
  /** Why it cannot work at this issuer, in words for operators, who are warned at the start; undefined where it can. */
  unfitAt?(issuer: string): string | undefined
  /** Lets people sign in with it alone. */
  readonly identify?: Identification<State, Data, unknown>
  /** Authenticators of it speak for themselves. At most one configured factor has this. */
  readonly devices?: Devices<Data>
  /** What is kept of an authenticator whose address is dead. */
  withoutAddress?(authenticator: Authenticator<Data>): Data
  /**
   * Challenges of it that may stay unanswered in a row; then the account is asked by it no more until something else
   * was accepted. An answer refused as `reported` has the same effect at once. Default: no limit.
   */
  readonly maxUnanswered?: number
  /** Usable only where the account has enrolled nothing: it is all the account has. */
  readonly exclusive?: true
  /** An acceptance remembers the browser unasked, for this long, where the policy allows remembering at all. */
  readonly remembersForSeconds?: number
}

/** A factor of any state, data and view, as the core holds it. */
// biome-ignore lint/suspicious/noExplicitAny: a factor's own types are opaque to the core and meet again inside the factor
export type AnyFactor = Factor<any, any, any>
