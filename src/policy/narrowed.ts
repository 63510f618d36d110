import { findLevel, type Level } from '../assurance/levels.ts'
import { multiFactorLevel } from './policy.ts'
import type { Demand } from './rule.ts'

const tighter = (one: number | undefined, other: number | undefined) =>
  one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)

/** A level as a demand narrows it; it keeps its name, and is another level all the same. */
const narrowed = (level: Level, { factors, maxAgeSeconds }: Demand): Level => {
  const limit = tighter(level.maxAgeSeconds, maxAgeSeconds)
  const some = factors?.filter((id) => level.needs.factors?.includes(id) ?? true)
  return Object.freeze<Level>({
    acr: level.acr,
    needs: some === undefined ? level.needs : { ...level.needs, factors: some },
    ...(limit === undefined ? {} : { maxAgeSeconds: limit }),
    ...(level.overallMaxAgeSeconds === undefined ? {} : { overallMaxAgeSeconds: level.overallMaxAgeSeconds }),
  })
}

const MAX_KNOWN = 1000

/**
 * The level that a demand asks for; undefined where it asks for none. Equal demands ask for the same level: what is owed
 * twice is owed once.
 */
export const createResolver = (levels: readonly Level[]) => {
  const equals = new Map<string, Level>()
  const resolve = (demand: Demand): Level | undefined => {
    const { floor, factors, maxAgeSeconds, verifiedAddress } = demand
    if (floor === undefined && factors === undefined && maxAgeSeconds === undefined && verifiedAddress === undefined)
      return undefined
    const level = floor === undefined ? multiFactorLevel(levels) : findLevel(levels, floor)
    if (level === undefined || (factors === undefined && maxAgeSeconds === undefined)) return level
    const key = JSON.stringify([level.acr, factors, maxAgeSeconds])
    const equal = equals.get(key) ?? narrowed(level, demand)
    if (equals.size >= MAX_KNOWN) equals.clear()
    equals.set(key, equal)
    return equal
  }
  // What `when` made is the same object at every request.
  const known = new WeakMap<Demand, { readonly level: Level | undefined }>()
  return (demand: Demand): Level | undefined => {
    const found = known.get(demand)
    if (found !== undefined) return found.level
    const level = resolve(demand)
    known.set(demand, { level })
    return level
  }
}
