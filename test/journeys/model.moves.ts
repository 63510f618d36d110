import type { Asks } from './model.oracle.ts'

/** One tab of one browser; none is the one that was used last. */
export type Seat = { readonly browser: number; readonly tab: number } | undefined

/** How a person answers pages. */
export interface Manner {
  /** Who signs in where the login page asks. */
  readonly who: number
  readonly remember: boolean
  /** Whether recovery codes are kept, or turned down. */
  readonly keep: boolean
  /** Whether an app is set up where that can be turned down. */
  readonly enroll: boolean
  /** Whether a recovery code is used, where one will do. */
  readonly recover: boolean
  /** Seconds before each answer. */
  readonly pause: number
}

/** What happens next. Numbers are taken modulo what there is, so that every list of moves is a history. */
export type Move =
  | {
      readonly move: 'visit'
      readonly at: Seat
      readonly asks: Asks
      readonly manner: Manner
      readonly pages: number
      /** The browser was closed before: only cookies that outlive that are left. */
      readonly anew: boolean
    }
  /** Answers the page that is open; `hold` does not follow where that leads. */
  | {
      readonly move: 'go on'
      readonly at: Seat
      readonly manner: Manner
      readonly pages: number
      readonly hold: boolean
    }
  | {
      readonly move: 'type'
      readonly at: Seat
      readonly what:
        | 'wrong'
        | 'used'
        | 'of another'
        | 'of one removed'
        | 'right'
        | 'recovery code'
        | 'used recovery code'
      readonly times: number
      /** Sends the field that remembers the browser even where the page has none. */
      readonly forge: boolean
    }
  | { readonly move: 'leave'; readonly at: Seat; readonly way: 'cancel' | 'decline' }
  | { readonly move: 'reload'; readonly at: Seat }
  | { readonly move: 'go back'; readonly at: Seat; readonly steps: number; readonly manner: Manner }
  /** Follows what was held. */
  | { readonly move: 'follow'; readonly at: Seat }
  | { readonly move: 'steal'; readonly from: number; readonly to: number }
  | { readonly move: 'refresh'; readonly which: number }
  | { readonly move: 'sign out'; readonly browser: number }
  | {
      readonly move: 'operate'
      readonly who: number
      readonly what:
        | 'remove an app'
        | 'remove codes'
        | 'reset'
        | 'reset to tickets'
        | 'forget browsers'
        | 'unlock'
        | 'disable'
        | 'enable'
        | 'new codes'
    }
  | { readonly move: 'host'; readonly who: number; readonly what: 'new password' | 'disable' | 'enable' }
  | { readonly move: 'wait'; readonly seconds: number }

/** How many people have an app and recovery codes when the history begins, and what happens then. */
export interface History {
  readonly enrolled: number
  readonly moves: readonly Move[]
}
