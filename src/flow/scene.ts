import type { Clock } from '../clock.ts'
import type { Announce } from '../events.ts'
import type { AnyFactor, Awaits, Ceremony, Refusal, Step } from '../factors/factor.ts'
import type { AccountRecords, LoadedRecord } from './account-record.ts'
import type { Changes } from './changes.ts'
import type { Dispatcher, Hindrance } from './dispatch.ts'
import type { Permit } from './permit.ts'
import type { Place } from './place.ts'
import type { Settled } from './settle.ts'
import type { Summonses } from './summons.ts'
import type { Pace, Throttle } from './throttle.ts'
import type { Slot, Vault } from './vault.ts'

/** What the screen has to say about the last answer. */
export type Notice =
  | { readonly reason: Refusal }
  /** Answers came too fast: this one was not looked at. */
  | { readonly reason: 'throttled'; readonly retryAfterSeconds: number }
  /** Too many refusals: no further answer is looked at in this challenge. */
  | { readonly reason: 'dead'; readonly retryAfterSeconds: number }
  /** It was ended by a device, or too many wrong answers of one; another begins only where the user asks for it. */
  | { readonly reason: 'over'; readonly refused: Refusal | 'dead' }
  /** What kept a message from being sent. */
  | Hindrance
  /** What was wrong with an input that is no proof: a message id of the factor's. */
  | { readonly reason: 'problem'; readonly id: string }
  /** Too many refusals in a row: the factor is switched off for the account. */
  | { readonly reason: 'disabled' }

/** What came of showing or answering. */
export type Outcome =
  | {
      readonly outcome: 'open'
      /** What the factor's view made; absent where the ceremony could not even begin. */
      readonly view?: unknown
      /** Masked names of what can answer. */
      readonly authenticators: readonly string[]
      readonly notice?: Notice
      /** The notice is shown whenever the page is, until the next answer. */
      readonly kept?: true
      /** It could not even begin, as its judge is out of reach; nothing was open here before. */
      readonly outage?: true
      /** Where the browser is to be sent instead of to the page. */
      readonly redirect?: string
      /** Present where a device is to answer. */
      readonly waiting?: Waiting
    }
  /** Nothing to answer here (any more): the request has to be decided anew. */
  | { readonly outcome: 'gone' }
  | ({ readonly outcome: 'accepted' } & Settled)

/** How far a ceremony is that a device answers. */
export interface Waiting {
  /** Changes with everything that a page would show. */
  readonly version: string
  /** A device has answered rightly: the page has only to be sent. */
  readonly answered: boolean
  /** Epoch seconds: from then on no device can answer. */
  readonly expiresAt?: number
}

/** What the effects work with. */
export interface CeremonyTools {
  readonly vault: Vault
  readonly records: AccountRecords
  readonly throttle: Throttle
  readonly dispatcher: Dispatcher
  readonly summonses: Summonses
  readonly changes: Changes
  readonly clock: Clock
  /** All configured factors. */
  readonly factors: readonly AnyFactor[]
  /** How often an account is offered something better; undefined where the host wants no offers. */
  readonly offers?: { readonly everySeconds: number } | undefined
  readonly announce: Announce
}

/** What a ceremony stands on, as it was read for one request. */
export interface Reading {
  readonly loaded: LoadedRecord
  readonly slot: Slot<Open>
  readonly permit: Permit | undefined
  /** Present where an answer is to be given. */
  readonly pace?: Slot<Pace>
}

/** A ceremony under way, as stored. */
export interface Open {
  readonly state: unknown
  /** Refused answers in this ceremony. */
  readonly failures: number
  /** Where the last message went. */
  readonly sentTo?: string
  /** What a device finds it by. */
  readonly awaits?: Awaits
  /** Why the last answer was refused. */
  readonly refused?: Refusal
  /** No further answer is looked at. */
  readonly final?: true
  /** What a device's answer came to, until the browser that began takes it. */
  readonly ready?: Ready
}

/** A device's answer that was right. */
export interface Ready {
  readonly step: Accepted
  /** Epoch seconds: that is when it was proved. */
  readonly at: number
}

/** A ceremony's last step. */
export type Accepted = Step & { readonly outcome: 'accepted' }

/** One request at one place, with what was read for it. */
export interface Scene extends CeremonyTools {
  readonly place: Place
  readonly ceremony: Ceremony
  readonly loaded: LoadedRecord
  readonly slot: Slot<Open>
  /** What allows this enrolment, where it needs to be allowed. */
  readonly permit: Permit | undefined
  readonly pace: Slot<Pace> | undefined
  /** Epoch seconds: when it was proved, where that was before now. */
  readonly at?: number
}
