const PLAIN = /^[\p{L}\p{N}_.:/@+-]+$/u
/** What a terminal or a page would obey rather than show. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/gu
const MAX_LENGTH = 80
const MAX_NAMED = 8

/** One value as explanations show it: in quotes where it is more than a word, shortened where it is long. */
export const worded = (value: unknown): string => {
  const text = String(value)
  if (typeof value !== 'string') return text
  const short = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
  return PLAIN.test(text) && short === text
    ? text
    : JSON.stringify(short).replace(UNSEEN, (unseen) => `\\u{${unseen.codePointAt(0)?.toString(16)}}`)
}

/** Values to choose from: `DE, AT or CH`; of many the first few, and how many more. */
export const choice = (values: readonly unknown[]): string => {
  const named = values.slice(0, values.length > MAX_NAMED ? MAX_NAMED - 1 : MAX_NAMED).map(worded)
  const last = named.length < values.length ? `${values.length - named.length} more` : (named.pop() ?? '')
  return named.length === 0 ? last : `${named.join(', ')} or ${last}`
}
