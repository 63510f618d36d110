import { acrValues, findLevel, type Level } from './assurance/levels.ts'
import { StepUpError } from './errors.ts'
import type { AnyFactor } from './factors/factor.ts'
import { faultIn } from './policy/demand.ts'
import { FACT_NAMES } from './policy/facts.ts'
import { multiFactorLevel, type Policy } from './policy/policy.ts'
import { isWithinReach, needsInWords } from './policy/reach.ts'
import type { Rule } from './policy/rule.ts'

/** What a policy is checked against. */
export interface PolicySurroundings {
  readonly factors: readonly AnyFactor[]
  readonly levels: readonly Level[]
  readonly hasRisk: boolean
  /** The host says itself what its login proves, and may mean one that meets any floor. */
  readonly hasLogin: boolean
  /** The facts that are named to be recorded. */
  readonly recorded: readonly string[]
}

type Refuse = (path: string, found: string, allowed: string) => never

const TABLES = ['clients', 'scopes', 'resources'] as const

const isAddress = ({ traits }: AnyFactor) => traits.includes('address')

const shown = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value))

/**
 * A floor that nothing meets keeps everybody out.
 */
const reachability = ({ factors, levels, hasLogin }: PolicySurroundings, refuse: Refuse) => {
  const isMissed = (level: Level | undefined): level is Level =>
    !hasLogin && level !== undefined && !isWithinReach(factors, level)
  const missed = ({ needs }: Level) => `no configured factor meets beside a password (it needs ${needsInWords(needs)})`
  return {
    default: (name: string, level: Level | undefined) => {
      if (isMissed(level))
        refuse(
          'default',
          `"${name}", whose level "${level.acr}" ${missed(level)}`,
          '"never", or a factor that meets it',
        )
    },
    floor: (path: string, floor: string) => {
      const level = findLevel(levels, floor)
      if (level === undefined) return refuse(path, `"${floor}"`, acrValues(levels).join(', '))
      const reached = levels.filter((one) => !isMissed(one)).map(({ acr }) => acr)
      if (isMissed(level)) refuse(path, `"${floor}", which ${missed(level)}`, reached.join(', '))
    },
  }
}

const assertDefault = (policy: Policy, around: PolicySurroundings, refuse: Refuse) => {
  const { levels, factors, hasRisk } = around
  const { default: base = 'always', adaptive } = policy
  const level = multiFactorLevel(levels)
  if (adaptive !== undefined && base !== 'adaptive') refuse('adaptive', 'an object', `nothing, as default is "${base}"`)
  if (base === 'never') return
  if (level === undefined) refuse('default', `"${base}"`, '"never", as no level has needs.kinds 2')
  reachability(around, refuse).default(base, level)
  if (base !== 'adaptive') return
  if (!hasRisk) refuse('default', '"adaptive"', 'that beside `risk`: what to assess, from oidc-step-up/risk')
  if (adaptive?.unenrolled === 'verify' && !factors.some(isAddress))
    refuse('adaptive.unenrolled', '"verify"', '"refuse", or a factor that proves addresses, such as email()')
}

const assertRule = (rule: Rule, { policy, around, refuse, blame }: Checking, path: string) => {
  if (typeof rule !== 'object' || rule === null || typeof rule.demand !== 'function' || !Array.isArray(rule.reads))
    refuse(path, shown(rule), 'a rule, such as when(condition, demand), or { reads, demand(facts) }')
  const known = [...FACT_NAMES, ...Object.keys(policy.facts ?? {}), ...Object.keys(rule.sources ?? {})]
  const strange = rule.reads.find((name) => !known.includes(name))
  if (strange !== undefined) refuse(`${path}.reads`, shown(strange), known.join(', '))
  if (rule.reads.includes('risk') && !around.hasRisk)
    refuse(`${path}.reads`, '"risk"', 'that beside `risk`: what to assess, from oidc-step-up/risk')
  const ids = around.factors.map(({ id }) => id)
  for (const demand of rule.demands ?? []) {
    const fault = faultIn(demand, around.levels, ids)
    if (fault !== undefined) blame(`${path}.${fault}`)
    if (demand.floor !== undefined) reachability(around, refuse).floor(`${path}.demand.floor`, demand.floor)
  }
}

const broughtBy = ({ rules = [] }: Policy) => rules.flatMap(({ sources = {} }) => Object.keys(sources))

interface Checking {
  readonly policy: Policy
  readonly around: PolicySurroundings
  readonly refuse: Refuse
  /** Refuses in words that name path, what was found and what is allowed already. */
  readonly blame: (message: string) => never
}

const assertPart = (checking: Checking) => {
  const { policy, around, refuse } = checking
  assertDefault(policy, around, refuse)
  for (const by of TABLES)
    for (const [name, { floor }] of Object.entries(policy[by] ?? {}))
      if (floor !== undefined) reachability(around, refuse).floor(`${by}.${name}.floor`, floor)
  for (const [index, rule] of (policy.rules ?? []).entries()) assertRule(rule, checking, `rules[${index}]`)
}

/**
 * Checks what a policy says against levels, factors and facts.
 *
 * @param prefix - What comes before the path in a message.
 * @throws StepUpError `ERR_CONFIG` naming the full path, what was found and what is allowed.
 */
export const assertPolicy = (policy: Policy, around: PolicySurroundings, prefix: string): void => {
  const checkingAt = (root: string, part: Policy): Checking => {
    const blame = (message: string): never => {
      throw new StepUpError('ERR_CONFIG', `${prefix}${root}.${message}`)
    }
    const refuse: Refuse = (path, found, allowed) => blame(`${path}: found ${found}; allowed: ${allowed}`)
    return { policy: part, around, refuse, blame }
  }
  const whole = checkingAt('policy', policy)
  assertPart(whole)
  const known = [...FACT_NAMES, ...Object.keys(policy.facts ?? {}), ...broughtBy(policy)]
  around.recorded.forEach((name, index) => {
    if (known.includes(name)) return
    const path = `recordDecisions.facts[${index}]`
    throw new StepUpError('ERR_CONFIG', `${prefix}${path}: found ${shown(name)}; allowed: ${known.join(', ')}`)
  })
  const { reportOnly, facts, rules = [] } = policy
  if (reportOnly === undefined) return
  if (rules.some((rule) => rule.reportOnly === true))
    whole.refuse('reportOnly', 'a policy', 'either that, or single rules with reportOnly: true')
  assertPart(checkingAt('policy.reportOnly', { ...reportOnly, ...(facts === undefined ? {} : { facts }) }))
}

/** The policy with its defaults. */
export const completePolicy = (policy: Policy | undefined, factors: readonly AnyFactor[]): Policy => {
  const unenrolled = factors.some(isAddress) ? 'verify' : 'refuse'
  const complete = ({ adaptive, ...rest }: Policy): Policy => ({
    default: 'always',
    ...rest,
    ...(rest.default === 'adaptive' ? { adaptive: { askAt: 'low', unenrolled, ...adaptive } } : {}),
    ...(rest.default !== 'adaptive' && adaptive !== undefined ? { adaptive } : {}),
  })
  const { reportOnly } = policy ?? {}
  return { ...complete(policy ?? {}), ...(reportOnly === undefined ? {} : { reportOnly: complete(reportOnly) }) }
}
