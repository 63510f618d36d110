/** Longer than any that a browser of today sends. */
const MAX_LENGTH = 512

type Names = readonly (readonly [name: string, pattern: RegExp])[]

/** In this order: most browsers also call themselves by the names below their own. */
const BROWSERS: Names = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Chrome|CriOS)\//],
  ['Safari', /\bVersion\/\S+ .*\bSafari\//],
]

const SYSTEMS: Names = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Windows', /\bWindows\b/],
  ['Mac', /\bMacintosh\b/],
  ['Linux', /\bLinux\b/],
]

const named = (names: Names, text: string) => names.find(([, pattern]) => pattern.test(text))?.[0]

/**
 * What people call the browser that says this of itself, such as `Chrome on Windows`; as much of it as is known, and
 * undefined where nothing is. Never a word of the text itself: whoever asks can write there what they like.
 *
 * @param userAgent - As in RFC 9110 section 10.1.5.
 */
export const browserOf = (userAgent: string): string | undefined => {
  const text = userAgent.slice(0, MAX_LENGTH)
  const known = [named(BROWSERS, text), named(SYSTEMS, text)].filter((name) => name !== undefined)
  return known.length === 0 ? undefined : known.join(' on ')
}
