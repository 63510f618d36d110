import type { Evidence, Proof } from '../assurance/evidence.ts'
import type { Level } from '../assurance/levels.ts'
import type { Requirement } from './requirement.ts'
import type { PolicyTrace, RefusalError, Trace } from './trace.ts'

/** What planning needs to know about one configured factor and this account. Its proof is the most it can show. */
export interface FactorStanding extends Proof {
  readonly id: string
  /** The account can be challenged by it now: it has an active authenticator of it, or an implied one. */
  readonly usable: boolean
  /** The most that each authenticator of it can show that the account can be challenged by, where they differ. */
  readonly proofs?: readonly Proof[]
  /** It only stands beside others: of an account that has enrolled nothing it closes no gap and carries no level. */
  readonly besideOthers?: true
  /** It has an enrolment ceremony that the account may start now. */
  readonly enrollable: boolean
  /** It is to be offered: it stands beside others and runs out, or would serve the account better than what it has. */
  readonly due?: 'running-out' | 'better'
}

/** What was verified before this browser was remembered. */
export type Remembered = Proof & { readonly factor: string }

/** All that a decision depends on. */
export interface Situation {
  /** Epoch seconds. */
  readonly now: number
  /** The authorization being decided; undefined on its first pass. */
  readonly cid: string | undefined
  readonly flowSeconds: number
  readonly levels: readonly Level[]
  readonly requirement: Requirement
  /** False where the host does not know the account any more, or has disabled it. */
  readonly accountActive: boolean
  /** The session's events that still stand, oldest first. */
  readonly evidence: readonly Evidence[]
  /** The account has enrolled authenticators, of whatever factor and in whatever state. */
  readonly hasAuthenticators: boolean
  /** One of them can stand alone. Default: as `hasAuthenticators`. */
  readonly hasStandalone?: boolean
  /** There is nothing among them but addresses. Default: there is nothing at all. */
  readonly hasOnlyAddresses?: boolean
  /** Enrolment inside a sign-in is closed: the account needs a ticket for its first authenticator. */
  readonly ticketOnly?: boolean | undefined
  /** Present where this browser is remembered for this account. */
  readonly remembered?: Remembered | undefined
  /** Configured factors, in the order to be offered. */
  readonly factors: readonly FactorStanding[]
  /** The most that the host's login page is expected to show if it is asked again. */
  readonly login: Proof
  /** A login was recorded on this very pass. */
  readonly loggedInNow: boolean
  /** The user chose to go on without, in this authorization. */
  readonly declined: boolean
  /** The factor that could not ask in this authorization, where that was all there was. */
  readonly unavailable?: string | undefined
  /** How the policy came to what is owed, for the trace. */
  readonly policy?: PolicyTrace | undefined
}

/** Why something is offered: a recovery code was used, recovery codes run out, or it is better than what the account has. */
export type OfferReason = 'recovered' | 'running-out' | 'better'

/** What happens next, always with the trace that explains it. */
export type Decision = { readonly trace: Trace } & (
  | {
      readonly outcome: 'satisfied'
      readonly acr?: string
      readonly amr: readonly string[]
      readonly authTime: number
      /** Factors to offer for enrolment before going on; each offer can be turned down. */
      readonly offers: readonly string[]
      /** Why they are offered; absent where nothing is. */
      readonly offerReason?: OfferReason
      /** Why a floor that is not met was not asked: `confidence` where risk signals called for nothing more. */
      readonly lifted?: 'remembered-browser' | 'exempt' | 'confidence'
    }
  | { readonly outcome: 'login' }
  | {
      readonly outcome: 'challenge'
      readonly for: 'level' | 'enrollment'
      /** In the order to be offered; empty where the account has nothing that would do: the screen explains. */
      readonly factors: readonly string[]
      readonly declinable: boolean
      /** This browser can be remembered afterwards, so that the same floor is not asked again in it. */
      readonly rememberable: boolean
    }
  | { readonly outcome: 'enroll'; readonly factors: readonly string[]; readonly declinable: boolean }
  | { readonly outcome: 'refuse'; readonly error: RefusalError }
)
