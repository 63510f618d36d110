import {
  type CountryCode,
  getCountries,
  getCountryCallingCode,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max'
import type { Channel } from '../factor.ts'

/** A country that numbers may be of, for a list to choose from. */
export interface SmsCountry {
  /** ISO 3166-1 alpha-2. */
  readonly code: string
  /** In the screen's language. */
  readonly name: string
  /** With its plus sign, such as `+49`. */
  readonly callingCode: string
}

/** A phone number that messages may go to. */
export interface PhoneNumber {
  /** In E.164 form. */
  readonly number: string
  /** How it can be reached, the usual way first. */
  readonly channels: readonly [Channel, ...Channel[]]
}

/** What numbers are taken. */
export interface NumberRules {
  /** ISO 3166-1 alpha-2 codes. */
  readonly countries: readonly string[]
  /** Whether calls are made, so that a landline will do. */
  readonly voice: boolean
}

/** Why a number is not taken: it is none, of a country or of a kind that is not served. */
export type NumberProblem = 'invalid' | 'country' | 'unsuitable'

/** Longer than any number with spaces; what is longer is not looked at (ITU-T E.164 section 6: 15 digits). */
const MAX_TYPED_LENGTH = 40

/** No letters, which keypads have too, and nothing that begins an extension or a pause. */
const TYPED = /^\+?[0-9\s\p{Dash}()./]+$/u

const NO_CHANNEL: readonly Channel[] = []

/** Kinds of numbers that ring nobody's own phone, or at a price, are not listed, so they are not taken. */
const channelsOf: Readonly<Record<string, { readonly text: boolean; readonly voice: boolean }>> = {
  MOBILE: { text: true, voice: true },
  FIXED_LINE_OR_MOBILE: { text: true, voice: true },
  FIXED_LINE: { text: false, voice: true },
}

const reachable = (type: string | undefined, { voice }: NumberRules): readonly Channel[] => {
  const by = type === undefined ? undefined : channelsOf[type]
  if (by === undefined) return NO_CHANNEL
  return [...(by.text ? (['text'] as const) : []), ...(by.voice && voice ? (['voice'] as const) : [])]
}

const COUNTRIES: ReadonlySet<string> = new Set(getCountries())

/** Whether it is the ISO 3166-1 alpha-2 code of a country that has phone numbers. */
export const isCountry = (code: string): code is CountryCode => COUNTRIES.has(code)

/** Every country that has phone numbers. */
export const allCountries = (): readonly string[] => [...COUNTRIES]

/**
 * Reads a number as people type it, or says why it is not taken.
 *
 * @param country - What a number without a country's calling code is of.
 * @see ITU-T E.164 section 6
 */
export const readNumber = (
  typed: string,
  country: string | undefined,
  rules: NumberRules,
): PhoneNumber | NumberProblem => {
  const text = typed.slice(0, MAX_TYPED_LENGTH + 1).trim()
  if (text.length > MAX_TYPED_LENGTH || !TYPED.test(text)) return 'invalid'
  const known = country !== undefined && isCountry(country) ? { defaultCountry: country } : {}
  const parsed = parsePhoneNumberFromString(text, { ...known, extract: false })
  if (parsed === undefined || !parsed.isValid() || parsed.ext !== undefined) return 'invalid'
  // Satellite and other numbers of no country are among the dearest.
  if (parsed.country === undefined || !rules.countries.includes(parsed.country)) return 'country'
  const [first, ...more] = reachable(parsed.getType(), rules)
  return first === undefined ? 'unsuitable' : { number: parsed.number, channels: [first, ...more] }
}

/** As it is written to be read, such as `+49 1511 2345678`. */
export const written = (number: string): string => parsePhoneNumberFromString(number)?.formatInternational() ?? number

/** The country of a number in E.164 form. */
export const countryOf = (number: string): string | undefined => parsePhoneNumberFromString(number)?.country

/** Always of the same length: how long a number is says where it is from. */
export const masked = (number: string): string => `••• ••• •• ${number.slice(-2)}`

/** The ten thousand numbers around it: who pumps messages rents numbers by such blocks. */
export const blockOf = (number: string): string => number.slice(0, -4)

const listed = new Map<string, readonly SmsCountry[]>()

/** The countries by name, sorted as the language sorts. */
export const countryList = (codes: readonly string[], locale: string): readonly SmsCountry[] => {
  const key = `${locale} ${codes.join()}`
  const known = listed.get(key)
  if (known !== undefined) return known
  const names = new Intl.DisplayNames(locale, { type: 'region' })
  const { compare } = new Intl.Collator(locale)
  const list = codes
    .filter(isCountry)
    .map((code) => ({ code, name: names.of(code) ?? code, callingCode: `+${getCountryCallingCode(code)}` }))
    .sort((one, other) => compare(one.name, other.name))
  listed.set(key, list)
  return list
}
