import type { Demand } from './rule.ts'

/** Errors a decision can end with: OAuth 2.0, OpenID Connect Core section 3.1.2.6 and its extension error code. */
export type RefusalError =
  | 'access_denied'
  | 'interaction_required'
  | 'login_required'
  | 'unmet_authentication_requirements'

/** Why the outcome is what it is, in a stable word. */
export type Reason =
  | 'account-inactive'
  | 'refused-by-rule'
  | 'address-unproved'
  | 'enrollment-owed'
  | 'login-void'
  | 'max-age'
  | 'acr-unknown'
  | 'essential-unmet'
  | 'floor-unmet'
  | 'voluntary-unmet'
  | 'nothing-owed'

/** A rule that spoke. */
export interface RuleTrace {
  readonly rule: string
  readonly demand: Demand
  /** Why, in a few words, where there is something to add. */
  readonly because?: string
  /** It had no effect. */
  readonly reportOnly?: true
  /** An exemption after it took back what it demanded. */
  readonly exempted?: true
}

/** What a decision would have been if all on trial had effect. */
export type TrialTrace =
  | {
      readonly outcome: 'satisfied' | 'login' | 'challenge' | 'enroll' | 'refuse'
      readonly error?: RefusalError
      readonly reason: Reason
      readonly floors: readonly string[]
      readonly rules: readonly RuleTrace[]
    }
  /** It could not be told. */
  | { readonly fault: string }

/** How the policy came to what is owed. */
export interface PolicyTrace {
  /** What rules read, by name; `null` where it could not be had. Of the account, its tenant only. */
  readonly facts: Readonly<Record<string, unknown>>
  /** The rules that spoke, in order. */
  readonly rules: readonly RuleTrace[]
  /** What is on trial. */
  readonly reportOnly?: TrialTrace
}

/** How one level stood. */
export interface LevelTrace {
  readonly acr: string
  readonly met: boolean
  /** Epoch seconds; present where met. */
  readonly authTime?: number
}

/** Explains a decision: what was needed, what was there, and which rule spoke last. */
export interface Trace {
  readonly at: number
  readonly reason: Reason
  readonly asked: readonly string[]
  readonly unknown: readonly string[]
  readonly essential: boolean
  readonly floors: readonly string[]
  readonly maxAgeSeconds?: number
  readonly prompt?: 'none' | 'login'
  /** Every configured level, as the evidence stood. */
  readonly levels: readonly LevelTrace[]
  /** The factors of the events that counted at all. */
  readonly evidence: readonly string[]
  /** The level that is aimed at. */
  readonly aim?: string
  /** The account has nothing enrolled and needs a ticket to. */
  readonly ticketOnly?: true
  /** Floors that were not met and not asked, because this browser is remembered. */
  readonly lifted?: readonly string[]
  /** Floors that were not met and not asked, because this factor could not ask and the policy exempts. */
  readonly exempted?: { readonly factor: string; readonly floors: readonly string[] }
  /** A floor is owed that is not asked where nothing can ask. */
  readonly exemptible?: true
  /** Present where the policy has rules: how they came to the floors. */
  readonly policy?: PolicyTrace
}
