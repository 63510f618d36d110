import type { Condition } from '../condition.ts'
import { FACT_NAMES, type HostFacts } from '../facts.ts'
import { choices, refusal } from '../refuse.ts'
import { about } from './about.ts'
import { isScalar, SCALAR, type Scalar, scalarMatch } from './matching.ts'
import { choice } from './wording.ts'

const NAME = /^[a-z][A-Za-z0-9]*$/

/** What {@link isFactName} is called in refusals. */
export const FACT_NAME = `${FACT_NAMES.join(', ')} or a fact of the host's own: letters and digits`

/** Whether a fact could have that name: not one that every object has something under. */
export const isFactName = (name: unknown): boolean =>
  typeof name === 'string' && NAME.test(name) && !(name in Object.prototype)

/**
 * A fact of the host's own is one of these; a list is where one of its members is. Facts of ours have conditions of
 * their own, and what a browser calls itself has none: it can call itself anything.
 *
 * @throws StepUpError `ERR_CONFIG` where the name is ours or no name, or no value is named.
 */
export const fact = <Name extends keyof HostFacts & string>(
  name: Name,
  ...values: readonly Scalar[]
): Condition<Name> => {
  if (!isFactName(name) || FACT_NAMES.includes(name))
    throw refusal('fact.name', name, "the name of a fact of the host's own: letters and digits, none of ours")
  const match = scalarMatch(choices('fact.values', values, isScalar, SCALAR))
  return about(name, `${name as string} is ${choice(values)}`, match)
}
