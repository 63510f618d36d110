import type { FactName, FactsOf } from './facts.ts'
import { choices } from './refuse.ts'

/** A question about facts, answered yes, no, or not known. */
export interface Condition<Name extends FactName = FactName> {
  /** What it asks, in a few words: `country is DE or AT`. */
  readonly text: string
  readonly reads: readonly Name[]
  /** Undefined where the facts do not tell. */
  test(facts: FactsOf<Name>): boolean | undefined
}

const unique = <Name extends FactName>(conditions: readonly Condition<Name>[]) => [
  ...new Set(conditions.flatMap(({ reads }) => reads)),
]

const inBrackets = (conditions: readonly Condition[], word: string) =>
  conditions.length === 1
    ? (conditions[0]?.text ?? '')
    : conditions.map(({ text }) => (/ (and|or) /.test(text) ? `(${text})` : text)).join(` ${word} `)

const CONDITIONS = "conditions, such as country('DE')"

/** Of none, `all` would always hold, which nobody means of a rule that exempts. */
const checked = <Name extends FactName>(setting: string, conditions: readonly Condition<Name>[]) =>
  choices(setting, conditions, (one) => typeof one?.test === 'function', CONDITIONS)

/**
 * Whether all hold, by Kleene's logic: one that does not decides, else one that is not known.
 *
 * @throws StepUpError `ERR_CONFIG` for none, and for what is no condition.
 */
export const all = <Name extends FactName>(...conditions: readonly Condition<Name>[]): Condition<Name> =>
  Object.freeze<Condition<Name>>({
    text: inBrackets(checked('all', conditions), 'and'),
    reads: unique(conditions),
    test(facts) {
      let answer: boolean | undefined = true
      for (const condition of conditions) {
        const held = condition.test(facts)
        if (held === false) return false
        if (held === undefined) answer = undefined
      }
      return answer
    },
  })

/**
 * Whether any holds, by Kleene's logic: one that does decides, else one that is not known.
 *
 * @throws StepUpError `ERR_CONFIG` for none, and for what is no condition.
 */
export const any = <Name extends FactName>(...conditions: readonly Condition<Name>[]): Condition<Name> =>
  Object.freeze<Condition<Name>>({
    text: inBrackets(checked('any', conditions), 'or'),
    reads: unique(conditions),
    test(facts) {
      let answer: boolean | undefined = false
      for (const condition of conditions) {
        const held = condition.test(facts)
        if (held === true) return true
        if (held === undefined) answer = undefined
      }
      return answer
    },
  })

/** Whether it does not hold; what is not known stays so. */
export const not = <Name extends FactName>(condition: Condition<Name>): Condition<Name> =>
  Object.freeze<Condition<Name>>({
    text: `not (${condition.text})`,
    reads: condition.reads,
    test(facts) {
      const held = condition.test(facts)
      return held === undefined ? undefined : !held
    },
  })

/** Whether a fact is known at all. Itself always is. */
export const known = <Name extends FactName>(name: Name): Condition<Name> =>
  Object.freeze<Condition<Name>>({
    text: `${name} is known`,
    reads: [name],
    test: (facts) => facts[name] !== undefined,
  })
