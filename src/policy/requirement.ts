import { findLevel, type Level } from '../assurance/levels.ts'
import type { Owed } from './judge.ts'

/** A level that was asked for, under the name it was asked by. */
export interface AskedLevel {
  readonly level: Level
  /** The `acr` or alias as the relying party spelled it: what is reported when it is met. */
  readonly spelled: string
}

/** What a relying party asked for; any one of the levels will do. */
export interface Asked {
  /** In the relying party's order; values that no level names are left out. */
  readonly levels: readonly AskedLevel[]
  /** Values that no level names. */
  readonly unknown: readonly string[]
  readonly essential: boolean
}

/** What a request's `max_age` binds: the events that carry what is owed, or those and the login. */
export type MaxAgeReading = 'carrying-events' | 'every-event'

/** What this request needs: levels the relying party asks for (any one), floors of the policy (all). */
export interface Requirement {
  readonly asked: Asked
  readonly floors: readonly Level[]
  /** The floors that a remembered browser may lift. Default none. */
  readonly liftable?: readonly Level[]
  /**
   * For these, an account that has nothing to prove more with has to prove a verified address first; for those that are
   * no floors, only before it sets anything up. Default none.
   */
  readonly verifying?: readonly Level[]
  /** The floors in whose place that does. Default none. */
  readonly byAddress?: readonly Level[]
  /** The floors are not asked where nothing can ask. Default false. */
  readonly exemptible?: boolean
  /** A rule lets nobody pass: why, for traces. */
  readonly refusal?: string
  /** An account that has nothing enrolled has to set something up. Default false. */
  readonly mustEnroll?: boolean
  /** The level that risk decides about: whether it alone asks for it, or it alone has not. */
  readonly risk?: { readonly level: Level; readonly asks: boolean }
  /** The request's `max_age` in seconds. */
  readonly maxAgeSeconds?: number | undefined
  /** What `max_age` binds. Default: the events that carry. */
  readonly maxAge?: MaxAgeReading | undefined
  readonly prompt?: 'none' | 'login' | undefined
}

/** The `acr` request inside a `claims` parameter, checked. */
export interface AcrClaim {
  /** `value` and `values` united, in that order. */
  readonly values: readonly string[]
  readonly essential: boolean
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** Why a `claims` parameter's acr request is refused as `invalid_request`. */
export interface MalformedAcrClaim {
  readonly malformed: string
}

/**
 * Reads `id_token.acr` of a parsed `claims` parameter (OpenID Connect Core 1.0 sections 5.5 and 5.5.1.1).
 *
 * `null` and an object without values mean "report it". Wrong types, and a list that is essential and empty,
 * are answered as malformed. `userinfo.acr` does not count.
 */
export const readAcrClaim = (claims: unknown): AcrClaim | MalformedAcrClaim => {
  const request = isObject(claims) && isObject(claims.id_token) ? claims.id_token.acr : undefined
  if (request === undefined || request === null) return { values: [], essential: false }
  if (!isObject(request)) return { malformed: 'claims.id_token.acr must be null or an object' }
  const { value, values, essential = false } = request
  if (typeof essential !== 'boolean') return { malformed: 'claims.id_token.acr.essential must be a boolean' }
  if (value !== undefined && !isText(value)) return { malformed: 'claims.id_token.acr.value must be a string' }
  if (values !== undefined && !(Array.isArray(values) && values.every(isText)))
    return { malformed: 'claims.id_token.acr.values must be an array of strings' }
  if (essential && value === undefined && values?.length === 0)
    return { malformed: 'claims.id_token.acr.values must not be empty where the claim is essential' }
  return { values: [...new Set([...(value === undefined ? [] : [value]), ...(values ?? [])])], essential }
}

/**
 * How levels that were not asked as essential are read: as OpenID Connect Core has it (section 5.5.1.1), or
 * as essential all the same.
 */
export type AcrValuesReading = 'voluntary' | 'strict'

/**
 * The levels asked for. What the `claims` parameter asks wins over `acr_values`, which also carries the
 * client's `default_acr_values`: no parameter a browser can add may erase an essential claim.
 */
export const askedLevels = (
  claim: AcrClaim,
  acrValues: string | undefined,
  levels: readonly Level[],
  reading: AcrValuesReading = 'voluntary',
): Asked => {
  const values = claim.values.length > 0 ? claim.values : [...new Set(acrValues?.split(' ').filter(isText) ?? [])]
  const resolved = values.map((spelled) => ({ spelled, level: findLevel(levels, spelled) }))
  return {
    levels: resolved.filter((asked): asked is AskedLevel => asked.level !== undefined),
    unknown: resolved.filter(({ level }) => level === undefined).map(({ spelled }) => spelled),
    essential: reading === 'strict' ? values.length > 0 : claim.essential && claim.values.length > 0,
  }
}

/** Whether the request insists on levels of which not one exists here. */
export const asksOnlyUnknown = ({ essential, levels, unknown }: Asked): boolean =>
  essential && levels.length === 0 && unknown.length > 0

/** What the relying party asks for. */
export type Wish = Pick<Requirement, 'asked' | 'maxAgeSeconds' | 'maxAge' | 'prompt'>

/**
 * What the request needs: what is asked, and what is owed.
 *
 * @param relies - Whether a remembered browser may lift anything here at all.
 */
export const requirementOf = (wish: Wish, owed: Owed, relies: boolean): Requirement => ({
  asked: wish.asked,
  floors: owed.floors,
  liftable: relies ? owed.liftable : [],
  verifying: owed.verifying,
  byAddress: owed.byAddress,
  exemptible: owed.exemptible,
  ...(owed.refusal === undefined ? {} : { refusal: owed.refusal }),
  mustEnroll: owed.mustEnroll === true,
  ...(owed.risk === undefined ? {} : { risk: owed.risk }),
  maxAgeSeconds: wish.maxAgeSeconds,
  maxAge: wish.maxAge,
  prompt: wish.prompt,
})
