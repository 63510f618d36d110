import { acrValues, findLevel, type Level } from '../assurance/levels.ts'
import { multiFactorLevel } from './policy.ts'
import type { Demand } from './rule.ts'

type Check = (value: never, levels: readonly Level[], factorIds: readonly string[]) => string | undefined

const isText = (value: unknown) => typeof value === 'string' && value !== ''

/** What each member may be; the answer is what is allowed, undefined where it is that already. */
const CHECKS: { readonly [Name in keyof Demand]-?: Check } = {
  floor: (value: unknown, levels) =>
    isText(value) && findLevel(levels, value as string) !== undefined ? undefined : acrValues(levels).join(', '),
  maxAgeSeconds: (value: unknown) =>
    Number.isSafeInteger(value) && Number(value) >= 1 ? undefined : 'a whole number of seconds, at least 1',
  factors: (value: unknown, _levels, factorIds) =>
    Array.isArray(value) && value.length > 0 && value.every((id) => factorIds.includes(id))
      ? undefined
      : `a list of ${factorIds.join(', ')}`,
  allowRememberBrowser: (value: unknown) => (value === false ? undefined : 'false'),
  enrollment: (value: unknown) => (value === 'required' || value === 'ticket' ? undefined : 'required or ticket'),
  verifiedAddress: (value: unknown) => (value === true ? undefined : 'true'),
  refuse: (value: unknown) => (isText(value) ? undefined : 'a text that is not empty'),
  exempt: (value: unknown) => (value === true ? undefined : 'true'),
}

const shown = (value: unknown) => JSON.stringify(value)?.slice(0, 120) ?? `a value of type ${typeof value}`

/** What is wrong between its members. */
const togetherFault = (demand: Demand, levels: readonly Level[]): string | undefined => {
  const { exempt, ...others } = demand
  const { floor, factors, maxAgeSeconds, verifiedAddress } = others
  const narrows = factors !== undefined || maxAgeSeconds !== undefined || verifiedAddress !== undefined
  if (floor === undefined && narrows && multiFactorLevel(levels) === undefined)
    return `demand.floor: found nothing; allowed: ${acrValues(levels).join(', ')}, as no level has needs.kinds 2`
  return exempt === true && Object.keys(others).length > 0
    ? `demand.exempt: found beside ${Object.keys(others).join(', ')}; allowed: alone`
    : undefined
}

/** What is wrong with a demand, in the words of `ERR_CONFIG`; undefined where nothing is. */
export const faultIn = (
  demand: unknown,
  levels: readonly Level[],
  factorIds: readonly string[],
): string | undefined => {
  if (typeof demand !== 'object' || demand === null || demand instanceof Promise)
    return `demand: found ${demand instanceof Promise ? 'a promise' : shown(demand)}; allowed: an object, at once`
  for (const [name, value] of Object.entries(demand)) {
    const check = Object.hasOwn(CHECKS, name) ? (CHECKS[name as keyof Demand] as Check) : undefined
    if (check === undefined)
      return `demand.${name}: found an unknown setting; allowed: only ${Object.keys(CHECKS).join(', ')}`
    const allowed = check(value as never, levels, factorIds)
    if (allowed !== undefined) return `demand.${name}: found ${shown(value)}; allowed: ${allowed}`
  }
  return togetherFault(demand, levels)
}
