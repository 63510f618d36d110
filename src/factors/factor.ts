import type { Account } from '../account.ts'
import type { Proof } from '../assurance/evidence.ts'

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
  /** Epoch seconds. */
  readonly now: number
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

/** How a message reaches its reader. */
export type Channel = 'text' | 'voice'

/** A message that the core sends through the factor's sender, after the new state is committed. */
export interface Message {
  /** One address in the sender's own form: E.164, an email address, a push subscription. */
  readonly to: string
  /** Names the templates: `sms/challenge` is `views/sms/messages/challenge.text.ejs`, and `.html.ejs` where there is one. */
  readonly template: string
  /** What the templates get, beside the language. */
  readonly values: Readonly<Record<string, string>>
  /** Default `text`. */
  readonly channel?: Channel
  /** Epoch seconds: from then on the message is of no use, and nobody tries to send it any longer. */
  readonly expiresAt: number
  /** The block of addresses that it belongs to, for budgets per `block`: a phone number without its last digits. */
  readonly block?: string
}

/** A message in words, as a sender gets it. */
export interface OutgoingMessage {
  readonly to: string
  readonly channel: Channel
  /** BCP 47 tag of the language of its words. */
  readonly locale: string
  /** One line; absent where the factor's messages have none. */
  readonly subject?: string
  /** Plain text, without a line break at its end. */
  readonly text: string
  /** The same as HTML, where the factor has a template for it. */
  readonly html?: string
  /** Epoch seconds: of no use from then on. */
  readonly expiresAt: number
}

/**
 * How many messages may go out. `target`: to one address, whoever asks. `block`: to a block of addresses.
 * `address`: asked for from one IP address. `account`: for one account. `total`: for this factor, all in all.
 */
export interface Budget {
  readonly per: 'target' | 'block' | 'address' | 'account' | 'total'
  readonly messages: number
  readonly windowSeconds: number
}

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
  /** What the screen shows, at every render and reload: no effects, the same answer for the same state. */
  view(state: State, context: CeremonyContext<Data>): View | Promise<View>
}

/**
 * Carries a message: Twilio, SMTP, a gateway of the host's own. It resolves once the message is handed over.
 *
 * @throws StepUpError `ERR_ADDRESS` where this address cannot be reached, for good or for a while, which the user is
 * told; anything else is the gateway's own fault, and after some of them nothing is sent for a while.
 */
export type Sender = (message: OutgoingMessage) => Promise<void>

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
  /** Lets people sign in with it alone. */
  readonly identify?: Identification<State, Data, unknown>
}

/** A factor of any state, data and view, as the core holds it. */
// biome-ignore lint/suspicious/noExplicitAny: a factor's own types are opaque to the core and meet again inside the factor
export type AnyFactor = Factor<any, any, any>
