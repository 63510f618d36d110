import type { Upstream } from '../assurance/evidence.ts'
import type { Decision } from '../policy/decision.ts'
import type { DeviceFact, Location, VelocityFact } from '../policy/facts.ts'
import type { Reason, RefusalError } from '../policy/trace.ts'

/** One event of the session's evidence. */
export interface RecordedEvent {
  /** The factor's id, or `login`. */
  readonly by: string
  /** Kinds and traits, by their letters: `k`, `p:r`, `pi:pu`. */
  readonly proof: string
  /** Seconds before the decision. */
  readonly age: number
  /** It was made in this very authorization. */
  readonly own?: true
  /** It was made by what the login before it was made by. */
  readonly again?: true
  readonly enrolled?: 'first' | 'further'
  /** Of a login only, and left out where it is `pwd` alone. */
  readonly amr?: readonly string[]
  readonly method?: string
  readonly upstream?: Upstream
}

/** An account as a record tells it. */
export interface RecordedAccount {
  readonly tenant?: string
  readonly disabled?: boolean
  readonly emailVerified?: boolean
  /** Those members that the host named, as they lay. */
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** What risk signals said: the whole, and each with its code, as `low new_device`. */
export interface RecordedRisk {
  readonly is: string
  readonly by: Readonly<Record<string, string>>
}

/** Facts as a record tells them; one that was not fetched, or could not be had, is missing. */
export interface RecordedFacts {
  /** The first address of its network: of /24, and of /48 in IPv6. */
  readonly address?: string
  readonly account?: RecordedAccount
  readonly enrolled?: readonly string[]
  readonly location?: Location
  readonly device?: DeviceFact
  readonly lastLogin?: { readonly age: number; readonly location?: Location }
  readonly velocity?: VelocityFact
  readonly risk?: RecordedRisk
  /** Those that the host named, as they were. */
  readonly [host: string]: unknown
}

/** What a decision came to. */
export interface RecordedOutcome {
  readonly is: Decision['outcome']
  /** It is asked before something is set up. */
  readonly for?: 'enrollment'
  /** It is asked, and nothing that the account has would do. */
  readonly stuck?: true
  readonly error?: RefusalError
  readonly reason: Reason
  /** The levels that the policy owes. */
  readonly floors: readonly string[]
  readonly lifted?: string
  /** The rules that spoke and had effect. */
  readonly rules?: readonly string[]
}

/** One line of a recording. What is false, empty or nothing is left out. */
export interface DecisionRecord {
  readonly v: 1
  /** Epoch seconds. */
  readonly at: number
  /** A pseudonym that stays the same. */
  readonly account: string
  readonly client: string
  readonly scopes: readonly string[]
  readonly resources?: readonly string[]
  /** The levels that the relying party asks for, as it spelled them. */
  readonly acr?: readonly string[]
  readonly essential?: true
  readonly maxAge?: number
  readonly prompt?: 'none' | 'login'
  readonly events: readonly RecordedEvent[]
  /** By factor of the configuration: `u` where it is usable, `e` where it can be enrolled, both or none of them. */
  readonly factors: Readonly<Record<string, string>>
  /** What each of a factor's authenticators can show at most, where that is not what the factor can. */
  readonly proofs?: Readonly<Record<string, readonly string[]>>
  /** The account has enrolled something. */
  readonly has?: true
  /** Whether one of them can stand alone, where that is not the same. */
  readonly alone?: boolean
  /** Whether there are only addresses, where that is not the same as nothing. */
  readonly addresses?: boolean
  /** It needs a ticket to set something up, whatever configuration and policy say. */
  readonly ticket?: true
  readonly inactive?: true
  /** A login was made a moment ago. */
  readonly loggedIn?: true
  /** What the login page is expected to show, where that is not what the last login did. */
  readonly login?: string
  /** What was verified before this browser was remembered. */
  readonly remembered?: readonly [factor: string, proof: string]
  readonly unavailable?: string
  readonly facts: RecordedFacts
  readonly outcome: RecordedOutcome
}
