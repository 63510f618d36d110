import { findLevel, type Level } from '../assurance/levels.ts'

/**
 * When more than the host's own login is owed, whatever the relying party asks.
 *
 * Floors only ever raise a request: a client's floor joins the default, it never replaces it.
 */
export interface Policy {
  /** `always`: every sign-in owes the first level that needs two kinds. `never`: nothing by itself. Default `always`. */
  readonly default?: 'never' | 'always'
  /** Further floors, by `client_id`; each names a level by its `acr` or an alias. */
  readonly clients?: Readonly<Record<string, { readonly floor: string }>>
}

/** The levels that this client owes, all of them. */
export type Floors = (clientId: string) => readonly Level[]

const unique = <T>(all: readonly (T | undefined)[]) => [...new Set(all.filter((one) => one !== undefined))]

/** The first level that needs two kinds: what `always` owes. */
export const multiFactorLevel = (levels: readonly Level[]): Level | undefined =>
  levels.find(({ needs }) => needs.kinds === 2)

/** Reads a policy against the configured levels, both validated already. */
export const createFloors = (policy: Policy, levels: readonly Level[]): Floors => {
  const base = policy.default === 'never' ? undefined : multiFactorLevel(levels)
  const clients = new Map(
    Object.entries(policy.clients ?? {}).map(([clientId, { floor }]) => [clientId, findLevel(levels, floor)]),
  )
  return (clientId) => unique([base, clients.get(clientId)])
}
