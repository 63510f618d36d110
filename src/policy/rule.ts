import type { Condition } from './condition.ts'
import type { FactName, FactSource, FactsOf } from './facts.ts'
import { refusal } from './refuse.ts'

/**
 * What a rule asks for. Everything but `exempt` only ever raises what a request owes: of several demands all are owed.
 */
export interface Demand {
  /** The `acr` or an alias of a level. Default, where the demand needs one: the first level that needs two kinds. */
  readonly floor?: string
  /** How old what meets the floor may be, in seconds. */
  readonly maxAgeSeconds?: number
  /** The floor has to be met by one of these factors. */
  readonly factors?: readonly string[]
  /** `false`: no remembered browser lifts a floor in this request. */
  readonly allowRememberBrowser?: false
  /**
   * `required`: an account that has nothing enrolled has to set something up. `ticket`: it can do so by a ticket only.
   */
  readonly enrollment?: 'required' | 'ticket'
  /**
   * An account that has nothing to prove more with has to prove a verified address, before anything else and before it
   * sets anything up. That does in place of the floor where nothing else owes it. Others owe the floor.
   */
  readonly verifiedAddress?: true
  /** Nobody passes; the text tells why in traces and events, and is never shown to users. */
  readonly refuse?: string
  /**
   * Lifts the default and what rules before this one demand, but for refusals and `allowRememberBrowser`. Never what
   * the tables `clients`, `scopes` and `resources` say, nor what the relying party asks.
   */
  readonly exempt?: true
}

/**
 * One rule of a policy: what it reads, and what it demands of a request with such facts.
 *
 * `demand` is synchronous and pure: the same facts, the same demand. What takes time is a fact of its own. A rule that
 * throws lets nobody pass.
 */
export interface Rule<Name extends FactName = FactName> {
  /** What traces call it. Default: `rules[3]`, by its place. */
  readonly name?: string
  readonly reads: readonly Name[]
  /** What it demands of a request with these facts; undefined where that is nothing. */
  demand(facts: FactsOf<Name>): Demand | undefined
  /** All that it can demand, where that is known: it is checked at the start. */
  readonly demands?: readonly Demand[]
  /** Why it spoke, in a few words for traces; undefined where nothing is to be added. */
  because?(facts: FactsOf<Name>): string | undefined
  /** It has no effect; what it would have led to stands in the trace. */
  readonly reportOnly?: boolean
  /** Facts that it brings along. */
  readonly sources?: Readonly<Record<string, FactSource>>
}

/** How a rule is called, and whether it has effect. */
export interface RuleOptions {
  /** Default: what its condition says. */
  readonly name?: string
  /** Default false. */
  readonly reportOnly?: boolean
}

/** Whether it makes anything easier; then not knowing is not enough. */
const isExemption = ({ exempt }: Demand) => exempt === true

/** A mistyped `reportOnly` would be a rule in effect. */
const assertOptions = (options: RuleOptions, name: string) => {
  const strange = Object.keys(options).find((key) => key !== 'name' && key !== 'reportOnly')
  if (strange !== undefined)
    throw refusal(`when(${name}): ${strange}`, Reflect.get(options, strange), 'only name, reportOnly')
}

/**
 * Demands something where a condition holds.
 *
 * What is not known counts against the sign-in: a demand speaks unless its condition is known not to hold, an exemption
 * only where it is known to hold. Where not knowing should not count, say so: `all(known('location'), country('KP'))`.
 *
 * @example
 * ```ts
 * when(all(client('bank'), not(country('DE', 'AT'))), { floor: 'phr' })
 * ```
 * @throws StepUpError `ERR_CONFIG` for what is no condition, options that do not exist, and a demand of nothing.
 */
export const when = <Name extends FactName>(
  condition: Condition<Name>,
  demand: Demand,
  options: RuleOptions = {},
): Rule<Name> => {
  if (typeof condition?.test !== 'function')
    throw refusal('when(condition)', condition, "a condition, such as country('DE')")
  const { name = condition.text, reportOnly = false } = options
  assertOptions(options, name)
  if (Object.keys(Object(demand)).length === 0)
    throw refusal(`when(${name}): demand`, demand, "an object that demands something, such as { floor: 'phr' }")
  const { reads } = condition
  const own = Object.freeze({ ...demand })
  const speaks: (held: boolean | undefined) => boolean = isExemption(own)
    ? (held) => held === true
    : (held) => held !== false
  return Object.freeze<Rule<Name>>({
    name,
    reads,
    demands: [own],
    demand: (facts) => (speaks(condition.test(facts)) ? own : undefined),
    because: (facts) => (condition.test(facts) === undefined ? 'not known, which counts as if it held' : undefined),
    ...(reportOnly ? { reportOnly } : {}),
  })
}

/** Demands something of every request. */
export const always = (demand: Demand, options: RuleOptions = {}): Rule<never> =>
  when({ text: 'always', reads: [], test: () => true }, demand, options)
