import { z } from 'zod'
import { configError } from '../config-error.ts'

/** A number between two, both included. */
export const between = (least: number, most: number, unit: string) => {
  const allowed = `a number of ${unit} from ${least} to ${most}`
  return z.number(allowed).min(least, allowed).max(most, allowed)
}

/** A whole number between two, both included. */
export const countBetween = (least: number, most: number) => {
  const allowed = `a whole number from ${least} to ${most}`
  return z.int(allowed).min(least, allowed).max(most, allowed)
}

/** True or false. */
export const flag = z.boolean('true or false')

/** A function; what it answers is judged when it is called. */
export const callable = <Type>() => z.custom<Type>((value) => typeof value === 'function', 'a function')

/** An object of these settings and no others. */
export const settings = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? `only ${Object.keys(shape).join(', ')}` : 'an object'),
  })

/**
 * Options as they count, with their defaults.
 *
 * @param where - The factory they were given to.
 * @throws StepUpError `ERR_CONFIG` with what was found and what is allowed.
 */
export const checked = <Schema extends z.ZodType>(where: string, schema: Schema, raw: unknown): z.output<Schema> => {
  const result = schema.safeParse(raw)
  if (!result.success) throw configError(raw, result.error, `${where}(): `)
  return result.data
}
