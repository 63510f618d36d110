import { findLevel, type Level } from '../assurance/levels.ts'

/**
 * When more than the host's own login is owed, whatever the relying party asks.
 *
 * Floors only ever raise a request: one by client, scope or resource joins the default, it never replaces it.
 */
export interface Policy {
  /** `always`: every sign-in owes the first level that needs two kinds. `never`: nothing by itself. Default `always`. */
  readonly default?: 'never' | 'always'
  /** Further floors, by `client_id`; each names a level by its `acr` or an alias. */
  readonly clients?: FloorTable
  /** Further floors, by requested scope. */
  readonly scopes?: FloorTable
  /** Further floors, by requested resource indicator (RFC 8707). */
  readonly resources?: FloorTable
}

/** Floors by name; each names a level by its `acr` or an alias. */
export type FloorTable = Readonly<Record<string, { readonly floor: string }>>

/** What a request is about, as far as floors depend on it. */
export interface RequestFacts {
  readonly clientId: string
  /** Requested scopes, and those whose claims are requested one by one. */
  readonly scopes: readonly string[]
  /** Requested resource indicators, and the audiences they stand for. */
  readonly resources: readonly string[]
}

/** Whether any request could owe a floor under this policy. */
export const owesAnything = ({ default: base, clients, scopes, resources }: Policy): boolean =>
  base !== 'never' || [clients, scopes, resources].some((table) => Object.keys(table ?? {}).length > 0)

/** The levels that this request owes, all of them, each once. */
export type Floors = (facts: RequestFacts) => readonly Level[]

const unique = <T>(all: readonly (T | undefined)[]) => [...new Set(all.filter((one) => one !== undefined))]

/** The first level that needs two kinds: what `always` owes. */
export const multiFactorLevel = (levels: readonly Level[]): Level | undefined =>
  levels.find(({ needs }) => needs.kinds === 2)

/** One spelling for all that name the same resource: `https://api.example` is `https://api.example/`. */
const spellResource = (resource: string) => (URL.canParse(resource) ? new URL(resource).href : resource)

/** Reads a policy against the configured levels, both validated already. */
export const createFloors = (policy: Policy, levels: readonly Level[]): Floors => {
  const base = policy.default === 'never' ? undefined : multiFactorLevel(levels)
  const byName = (table: FloorTable = {}, spell = (name: string) => name) =>
    new Map(Object.entries(table).map(([name, { floor }]) => [spell(name), findLevel(levels, floor)]))
  const clients = byName(policy.clients)
  const scopes = byName(policy.scopes)
  const resources = byName(policy.resources, spellResource)
  return (facts) =>
    unique([
      base,
      clients.get(facts.clientId),
      ...facts.scopes.map((scope) => scopes.get(scope)),
      ...facts.resources.map((resource) => resources.get(spellResource(resource))),
    ])
}
