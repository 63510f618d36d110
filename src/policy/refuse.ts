import { found } from '../config-error.ts'
import { StepUpError } from '../errors.ts'

/** The error that refuses a setting of a rule: what was found, and what is allowed. Its code is `ERR_CONFIG`. */
export const refusal = (
  setting: string,
  value: unknown,
  allowed: string,
  options?: { readonly cause: unknown },
): StepUpError => new StepUpError('ERR_CONFIG', `${setting}: found ${found(value, [])}; allowed: ${allowed}`, options)

/**
 * Looks at a list of choices and answers a copy of it. An empty one is refused: it would never hold, which nobody means.
 *
 * @throws StepUpError `ERR_CONFIG` where one of them is not allowed, or there is none.
 */
export const choices = <Value>(
  setting: string,
  values: readonly Value[],
  isAllowed: (value: Value) => boolean,
  allowed: string,
): readonly Value[] => {
  if (!Array.isArray(values)) throw refusal(setting, values, `a list, each ${allowed}`)
  if (values.length === 0) throw refusal(setting, values, `at least one, each ${allowed}`)
  for (const value of values) if (!isAllowed(value)) throw refusal(setting, value, allowed)
  return Object.freeze([...values])
}

/** What {@link isText} is called in refusals. */
export const TEXT = 'a text that is not empty'

/** Whether it is a text with something in it. */
export const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** Whether it is a number that is above another and no larger than a third. */
export const isBetween = (value: unknown, above: number, atMost: number): value is number =>
  typeof value === 'number' && value > above && value <= atMost
