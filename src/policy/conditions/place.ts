import type { Condition } from '../condition.ts'
import { distanceKm } from '../distance.ts'
import type { Location } from '../facts.ts'
import { choices, isBetween, refusal } from '../refuse.ts'
import { about } from './about.ts'
import { remembering } from './memo.ts'
import { choice } from './wording.ts'

/** A circle on earth. */
export interface Circle {
  /** WGS 84, in degrees. */
  readonly latitude: number
  readonly longitude: number
  readonly radiusKm: number
}

const COUNTRY = /^[A-Z]{2}$/
const REGION = /^[A-Z]{2}-[A-Z0-9]{1,3}$/
const A_COUNTRY = 'two capital letters, ISO 3166-1'
const A_REGION = 'a country and its part, ISO 3166-2: DE-BY'
/** They look like countries, and nobody is ever located in one. */
const NO_COUNTRIES = new Set(['EU', 'EZ', 'QO', 'UN', 'XA', 'XB', 'ZZ'])
const HALF_EARTH_KM = 20_040
const A_RADIUS = 'a number of kilometers above 0'
/** No database is said to be further off; MaxMind's accuracy radius ends there. */
const UNSTATED_ACCURACY_KM = 1000

/** A code that was withdrawn, or never was one (`UK`), would never hold. */
const isCountryCode: (code: string) => boolean = remembering((code: string) => {
  if (!COUNTRY.test(code) || NO_COUNTRIES.has(code)) return false
  const isNamed = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' }).of(code) !== undefined
  return isNamed && new Intl.Locale(`und-${code}`).region === code
})

const isCountry = (code: unknown) => typeof code === 'string' && isCountryCode(code)

const isRegion = (code: unknown) => typeof code === 'string' && REGION.test(code) && isCountryCode(code.slice(0, 2))

const countryOf = ({ country }: Location) => (country !== undefined && COUNTRY.test(country) ? country : undefined)

/**
 * The request comes from one of these countries, by ISO 3166-1 alpha-2 code. Not known where the place is not.
 *
 * @throws StepUpError `ERR_CONFIG` where one is no such code, or none is named.
 */
export const country = (...codes: readonly string[]): Condition<'location'> => {
  const allowed = new Set(choices('country', codes, isCountry, A_COUNTRY))
  return about('location', `country is ${choice(codes)}`, (location) => {
    const found = countryOf(location)
    return found === undefined ? undefined : allowed.has(found)
  })
}

/**
 * The request comes from one of these parts of countries, by ISO 3166-2 code: `DE-BY`. From another country it is known
 * not to.
 *
 * @throws StepUpError `ERR_CONFIG` where one is no such code, or none is named.
 */
export const region = (...codes: readonly string[]): Condition<'location'> => {
  const allowed = new Set(choices('region', codes, isRegion, A_REGION))
  const countries = new Set(codes.map((code) => code.slice(0, 2)))
  return about('location', `region is ${choice(codes)}`, (location) => {
    const found = countryOf(location)
    if (found === undefined) return undefined
    if (!countries.has(found)) return false
    return location.region === undefined ? undefined : allowed.has(`${found}-${location.region}`)
  })
}

interface Place {
  readonly latitude: number
  readonly longitude: number
  readonly accuracyKm: number
}

const isDegrees = (value: unknown, limit: number): value is number =>
  typeof value === 'number' && Math.abs(value) <= limit

const placeOf = ({ latitude, longitude, accuracyKm = UNSTATED_ACCURACY_KM }: Location): Place | undefined =>
  isDegrees(latitude, 90) && isDegrees(longitude, 180) && accuracyKm >= 0
    ? { latitude, longitude, accuracyKm }
    : undefined

/** Whether two places are at most so far apart, wherever within their accuracy they truly are. */
const areWithin = (one: Place, other: Place, limitKm: number): boolean | undefined => {
  const distance = distanceKm(one, other)
  const doubt = one.accuracyKm + other.accuracyKm
  if (distance + doubt <= limitKm) return true
  return distance - doubt > limitKm ? false : undefined
}

/**
 * The request comes from inside a circle. Not known where the place is not, or is not exact enough to tell; a place
 * whose accuracy is not stated may be 1000 km off.
 *
 * @throws StepUpError `ERR_CONFIG` where it is no circle on earth.
 */
export const within = ({ latitude, longitude, radiusKm }: Circle): Condition<'location'> => {
  if (!isDegrees(latitude, 90)) throw refusal('within.latitude', latitude, 'degrees from -90 to 90')
  if (!isDegrees(longitude, 180)) throw refusal('within.longitude', longitude, 'degrees from -180 to 180')
  if (!isBetween(radiusKm, 0, HALF_EARTH_KM)) throw refusal('within.radiusKm', radiusKm, A_RADIUS)
  const center: Place = { latitude, longitude, accuracyKm: 0 }
  return about('location', `within ${radiusKm} km of ${latitude}, ${longitude}`, (location) => {
    const place = placeOf(location)
    return place && areWithin(center, place, radiusKm)
  })
}

/** What has to differ for a place to be another. */
export type LocationChange = 'country' | 'region' | { readonly distanceKm: number }

type Differs = (here: Location, before: Location) => boolean | undefined

const countryDiffers: Differs = (here, before) => {
  const [one, other] = [countryOf(here), countryOf(before)]
  return one === undefined || other === undefined ? undefined : one !== other
}

const regionDiffers: Differs = (here, before) => {
  const abroad = countryDiffers(here, before)
  if (abroad !== false) return abroad
  return here.region === undefined || before.region === undefined ? undefined : here.region !== before.region
}

const furtherThan =
  (limitKm: number): Differs =>
  (here, before) => {
    const [one, other] = [placeOf(here), placeOf(before)]
    const near = one && other && areWithin(one, other, limitKm)
    return near === undefined ? undefined : !near
  }

const CHANGE = `country, region or { distanceKm } with ${A_RADIUS}`

const differs = (by: LocationChange): readonly [text: string, differs: Differs] => {
  if (by === 'country') return ['another country than at the last login', countryDiffers]
  if (by === 'region') return ['another region than at the last login', regionDiffers]
  const limitKm: unknown = Object(by).distanceKm
  if (!isBetween(limitKm, 0, HALF_EARTH_KM)) throw refusal('changedLocation', by, CHANGE)
  return [`more than ${limitKm} km from the last login`, furtherThan(limitKm)]
}

/**
 * The account's last login came from another country or region, or from further away than so many kilometers. Not known
 * where there was none, where either place is not known, or where they are not exact enough to tell.
 *
 * @throws StepUpError `ERR_CONFIG` where it is none of these.
 */
export const changedLocation = (by: LocationChange): Condition<'location' | 'lastLogin'> => {
  const [text, differ] = differs(by)
  return Object.freeze<Condition<'location' | 'lastLogin'>>({
    text,
    reads: Object.freeze(['location', 'lastLogin'] as const),
    test: ({ location, lastLogin }) =>
      location && lastLogin?.location ? differ(location, lastLogin.location) : undefined,
  })
}
