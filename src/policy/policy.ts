import { findLevel, type Level } from '../assurance/levels.ts'

/**
 * When more than the host's own login is owed, whatever the relying party asks.
 *
 * Floors only ever raise a request: one by client, scope or resource joins the default, it never replaces it.
 */
export interface Policy {
  /** `always`: every sign-in owes the first level that needs two kinds. `never`: nothing by itself. Default `always`. */
  readonly default?: 'never' | 'always'
  /** Further floors, by `client_id`. */
  readonly clients?: Readonly<Record<string, ClientPolicy>>
  /** Further floors, by requested scope. */
  readonly scopes?: FloorTable
  /** Further floors, by requested resource indicator (RFC 8707). */
  readonly resources?: FloorTable
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
  base !== 'never' ||
  [clients, scopes, resources].some((table) => Object.values(table ?? {}).some(({ floor }) => floor !== undefined))

/** What a request owes by policy. */
export interface Owed {
  /** All of them, each once. */
  readonly floors: readonly Level[]
  /** Those of them that a remembered browser may lift. */
  readonly liftable: readonly Level[]
  /** They are not asked where nothing can ask. */
  readonly exemptible: boolean
}

/** Reads the policy for one request. */
export type Floors = (facts: RequestFacts) => Owed

const unique = <T>(all: readonly (T | undefined)[]) => [...new Set(all.filter((one) => one !== undefined))]

/** The first level that needs two kinds: what `always` owes. */
export const multiFactorLevel = (levels: readonly Level[]): Level | undefined =>
  levels.find(({ needs }) => needs.kinds === 2)

/** One spelling for all that name the same resource: `https://api.example` is `https://api.example/`. */
const spellResource = (resource: string) => (URL.canParse(resource) ? new URL(resource).href : resource)

interface Floor {
  readonly level: Level | undefined
  readonly liftable: boolean
}

/** A level with an age limit of its own asks for more than a browser that was trusted some day. */
const isAgeless = ({ maxAgeSeconds, overallMaxAgeSeconds }: Level) =>
  maxAgeSeconds === undefined && overallMaxAgeSeconds === undefined

/** Reads a policy against the configured levels, both validated already. */
export const createFloors = (policy: Policy, levels: readonly Level[]): Floors => {
  const base: Floor = { level: policy.default === 'never' ? undefined : multiFactorLevel(levels), liftable: true }
  const byName = (table: Policy['clients'] = {}, spell = (name: string) => name) =>
    new Map(
      Object.entries(table).map(([name, { floor, allowRememberBrowser = true }]): [string, Floor] => [
        spell(name),
        { level: floor === undefined ? undefined : findLevel(levels, floor), liftable: allowRememberBrowser },
      ]),
    )
  const clients = byName(policy.clients)
  const exempting = new Set(
    Object.entries(policy.clients ?? {})
      .filter(([, { whenUnavailable }]) => whenUnavailable === 'exempt')
      .map(([id]) => id),
  )
  const scopes = byName(policy.scopes)
  const resources = byName(policy.resources, spellResource)
  const owed = (found: readonly (Floor | undefined)[], client: Floor | undefined, exemptible: boolean): Owed => {
    const fixed = new Set(found.filter((floor) => floor?.liftable === false).map((floor) => floor?.level))
    const floors = unique(found.map((floor) => floor?.level))
    const liftable = client?.liftable === false ? [] : floors.filter((level) => !fixed.has(level) && isAgeless(level))
    return { floors, liftable, exemptible }
  }
  const byDefault = owed([base], undefined, false)
  return ({ clientId, scopes: asked, resources: named }) => {
    const client = clients.get(clientId)
    const found = [
      ...(scopes.size === 0 ? [] : asked.map((scope) => scopes.get(scope))),
      ...(resources.size === 0 ? [] : named.map((resource) => resources.get(spellResource(resource)))),
    ]
    const isDefault = client === undefined && found.every((floor) => floor === undefined)
    return isDefault ? byDefault : owed([base, client, ...found], client, exempting.has(clientId))
  }
}
