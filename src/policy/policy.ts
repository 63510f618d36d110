import type { Level } from '../assurance/levels.ts'
import type { FactSources } from './facts.ts'
import type { Rule } from './rule.ts'

/**
 * When more than the host's own login is owed, whatever the relying party asks.
 *
 * Floors only ever raise a request: one by client, scope, resource or rule joins the default, it never replaces it. Only
 * an exemption takes something back.
 */
export interface Policy {
  /**
   * `always`: every sign-in owes the first level that needs two kinds. `adaptive`: those that risk signals have no
   * confidence in. `never`: nothing by itself. Default `always`.
   */
  readonly default?: 'never' | 'always' | 'adaptive'
  /** What `adaptive` means. */
  readonly adaptive?: AdaptivePolicy
  /** Further floors, by `client_id`. */
  readonly clients?: Readonly<Record<string, ClientPolicy>>
  /** Further floors, by requested scope. */
  readonly scopes?: FloorTable
  /** Further floors, by requested resource indicator (RFC 8707). */
  readonly resources?: FloorTable
  /** Rules, after all that; their order matters to exemptions only. From `oidc-step-up/policy`, or the host's own. */
  readonly rules?: readonly Rule[]
  /** Facts of the host's own for rules, or in place of one of ours. */
  readonly facts?: FactSources
  /** Another policy on trial: it has no effect; what it would have led to stands in the trace of every decision. */
  readonly reportOnly?: Omit<Policy, 'facts' | 'reportOnly'>
}

/** When `adaptive` asks, and whom. */
export interface AdaptivePolicy {
  /** The confidence at which more is asked, and below. Default `low`. */
  readonly askAt?: 'low' | 'medium'
  /**
   * What an account does that has nothing enrolled. `verify`: proves a verified address; `refuse`: does not pass.
   * Default `verify` where a configured factor proves addresses, else `refuse`.
   */
  readonly unenrolled?: 'verify' | 'refuse'
}

/** What is owed at one client. */
export interface ClientPolicy {
  /** The `acr` or an alias of a level. */
  readonly floor?: string
  /** `false`: the client's sign-ins rely on no remembered browser. Default true. */
  readonly allowRememberBrowser?: boolean
  /**
   * What happens where all that an account could be asked by is out of reach. `refuse`: nobody passes. `exempt`: the
   * floors are not asked in that sign-in, which reports no more than the login, and every decision tells so. What the
   * relying party itself asks for is never exempt. Default `refuse`.
   */
  readonly whenUnavailable?: 'refuse' | 'exempt'
}

/**
 * Floors by name; each names a level by its `acr` or an alias. `allowRememberBrowser` says whether a remembered
 * browser may lift it. Default true.
 */
export type FloorTable = Readonly<Record<string, { readonly floor: string; readonly allowRememberBrowser?: boolean }>>

/** Whether any request could owe a floor under this policy. */
export const owesAnything = ({ default: base, clients, scopes, resources, rules = [] }: Policy): boolean =>
  base !== 'never' ||
  rules.some(({ reportOnly }) => reportOnly !== true) ||
  [clients, scopes, resources].some((table) => Object.values(table ?? {}).some(({ floor }) => floor !== undefined))

/** The first level that needs two kinds: what `always` owes. */
export const multiFactorLevel = (levels: readonly Level[]): Level | undefined =>
  levels.find(({ needs }) => needs.kinds === 2)
