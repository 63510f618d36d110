const MAX_DEPTH = 32

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const copyAt = (value: unknown, depth: number): unknown => {
  if (typeof value === 'function') return undefined
  if (!isObject(value)) return value
  if (depth > MAX_DEPTH) throw new RangeError(`what the host knows of the account is nested deeper than ${MAX_DEPTH}`)
  if (value instanceof Date) return new Date(value)
  if (Array.isArray(value)) return value.map((one) => copyAt(one, depth + 1))
  // Merged into another object by a rule, a key of this name would stand behind every key that is missing there.
  const entries = Object.entries(value).filter(([key]) => key !== '__proto__')
  return Object.fromEntries(entries.map(([key, one]) => [key, copyAt(one, depth + 1)]))
}

/**
 * A copy that shares nothing with what it was made of: of plain data, as a database answers it. Functions and keys named
 * `__proto__` are left out.
 *
 * @throws RangeError for what is nested too deep, or in itself.
 */
export const copied = <Value>(value: Value): Value => copyAt(value, 0) as Value

/** An object of plain data as it is, and nothing for anything else. */
const plain = (value: unknown): Readonly<Record<string, unknown>> =>
  isObject(value) && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {}

/** What an object has of its own by that name. */
export const own = (value: unknown, name: string): unknown => {
  const object = plain(value)
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** Texts of a list; nothing of anything else. */
export const texts = (value: unknown): readonly string[] | undefined =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : undefined

const MAX_LENGTH = 200

/** One line that can go into traces and events. */
export const oneLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, MAX_LENGTH)

/** What a rule threw or called back with, in a few words. */
export const described = (error: unknown): string => {
  try {
    if (typeof error === 'string') return oneLine(error) || 'an error without words'
    const { name, message } = Object(error) as { readonly name?: unknown; readonly message?: unknown }
    const words = [name, message].filter((part) => typeof part === 'string' && part !== '')
    return oneLine(words.join(': ')) || 'an error without words'
  } catch {
    return 'an error that cannot be read'
  }
}
