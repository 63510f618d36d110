/** What a value of a directory is compared with. */
export type Scalar = string | number | boolean

/** Whether a value is one of some. */
export type Match<Value> = (value: Value) => boolean | undefined

const BEYOND_ASCII = /[\u0080-\uffff]/

const composed = (text: string) => (BEYOND_ASCII.test(text) ? text.normalize('NFC') : text)

/**
 * Compares texts, letter by letter and with their case.
 *
 * Texts that look the same and are not, as they compose their letters differently (Unicode Standard Annex 15), are
 * neither known to match nor known not to: one directory's `é` is no reason to ask less, nor another's.
 */
export const textMatch = (texts: readonly string[]): Match<string> => {
  const exact = new Set(texts)
  const alike = new Set(texts.map(composed))
  return (text) => {
    if (exact.has(text)) return true
    return alike.has(composed(text)) ? undefined : false
  }
}

/** Whether any of several matches, by Kleene's logic. */
export const anyMatch = <Value>(values: readonly Value[], match: Match<Value>): boolean | undefined => {
  let answer: boolean | undefined = false
  for (const value of values) {
    const held = match(value)
    if (held === true) return true
    if (held === undefined) answer = undefined
  }
  return answer
}

/**
 * Compares whatever a host answers. Null is known to be nothing, a list matches where a member does; what is missing,
 * not scalar, or of a type that the values have none of, tells nothing: `"1"` is not known to differ from `1`.
 */
export const scalarMatch = (values: readonly Scalar[]): Match<unknown> => {
  const texts = textMatch(values.filter((value) => typeof value === 'string'))
  const types = new Set(values.map((value) => typeof value))
  const others = new Set<unknown>(values)
  const match: Match<unknown> = (value) => {
    if (value === null) return false
    if (!types.has(typeof value as 'string')) return undefined
    return typeof value === 'string' ? texts(value) : others.has(value)
  }
  return (value) => (Array.isArray(value) ? anyMatch(value, match) : match(value))
}

/** What {@link isScalar} is called in refusals. */
export const SCALAR = 'a text, a finite number, true or false'

/** Whether something can be compared so. */
export const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
