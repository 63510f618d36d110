import { findLevel, type Level } from '../assurance/levels.ts'
import { multiFactorLevel, type Policy } from './policy.ts'

/** What a request is about, as far as the tables of a policy depend on it. */
export interface RequestFacts {
  readonly clientId: string
  /** Requested scopes, and those whose claims are requested one by one. */
  readonly scopes: readonly string[]
  /** Requested resource indicators, and the audiences they stand for. */
  readonly resources: readonly string[]
}

/** A level that is owed. */
export interface Floor {
  readonly level: Level
  /** Whether a remembered browser may lift it. */
  readonly liftable: boolean
  /** Whether it is owed for what risk signals say. */
  readonly byRisk?: boolean
  /** Whether a verified address does in its place, of an account that has nothing enrolled. */
  readonly byAddress?: boolean
}

/** What the tables say of a request. */
export interface Tabled {
  readonly floors: readonly Floor[]
  /** Whether the client relies on remembered browsers. */
  readonly lifts: boolean
}

/** Reads the tables of a policy for one request. */
export type Tables = (request: RequestFacts) => Tabled

/** One spelling for all that name the same resource: `https://api.example` is `https://api.example/`. */
export const spellResource = (resource: string): string => (URL.canParse(resource) ? new URL(resource).href : resource)

const NOTHING: Tabled = { floors: [], lifts: true }

/** What every request owes by the default; undefined where that is nothing, or depends on risk. */
export const defaultFloor = ({ default: base }: Policy, levels: readonly Level[]): Floor | undefined => {
  const level = base === 'never' || base === 'adaptive' ? undefined : multiFactorLevel(levels)
  return level && { level, liftable: true }
}

/** The tables of a policy against the configured levels, both validated already. */
export const createTables = (policy: Policy, levels: readonly Level[]): Tables => {
  const byName = (table: Policy['clients'] = {}, spell = (name: string) => name) =>
    new Map(
      Object.entries(table).map(([name, { floor, allowRememberBrowser = true }]) => {
        const level = floor === undefined ? undefined : findLevel(levels, floor)
        return [spell(name), { floor: level && { level, liftable: allowRememberBrowser }, allowRememberBrowser }]
      }),
    )
  const clients = byName(policy.clients)
  const scopes = byName(policy.scopes)
  const resources = byName(policy.resources, spellResource)
  return ({ clientId, scopes: asked, resources: named }) => {
    const client = clients.get(clientId)
    const found = [
      client,
      ...(scopes.size === 0 ? [] : asked.map((scope) => scopes.get(scope))),
      ...(resources.size === 0 ? [] : named.map((resource) => resources.get(spellResource(resource)))),
    ]
    const floors = found.flatMap((entry) => (entry?.floor === undefined ? [] : [entry.floor]))
    return client === undefined && floors.length === 0
      ? NOTHING
      : { floors, lifts: client?.allowRememberBrowser ?? true }
  }
}

/** The clients at which nothing is asked where nothing can ask. */
export const exemptingClients = ({ clients = {} }: Policy): ReadonlySet<string> =>
  new Set(
    Object.entries(clients)
      .filter(([, { whenUnavailable }]) => whenUnavailable === 'exempt')
      .map(([id]) => id),
  )
