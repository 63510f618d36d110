import { distanceKm } from '../policy/distance.ts'
import type { Assessment, Location } from '../policy/facts.ts'
import { anonymizerOf } from './anonymizer.ts'
import type { Assessor } from './assessor.ts'
import { between, checked, settings } from './options.ts'

/** What {@link impossibleTravel} goes by. */
export interface ImpossibleTravelOptions {
  /** Faster than this is impossible, in kilometers per hour: 1 to 5000. Default 900, an airliner. */
  readonly kmPerHour?: number
  /** Faster than this is substantial, in kilometers per hour: 0 up to `kmPerHour`. Default a third of it. */
  readonly substantialKmPerHour?: number
  /** Up to this far is no travel, however fast, in kilometers: 0 to 1000. Default 100: databases are no more exact. */
  readonly minimalKm?: number
  /**
   * A place that is known less exactly is not known, in kilometers: 1 to 20000. Default 500. One whose accuracy is not
   * stated counts as exact.
   */
  readonly maxAccuracyKm?: number
}

const SCHEMA = settings({
  kmPerHour: between(1, 5000, 'kilometers per hour').default(900),
  substantialKmPerHour: between(0, 5000, 'kilometers per hour').optional(),
  minimalKm: between(0, 1000, 'kilometers').default(100),
  maxAccuracyKm: between(1, 20_000, 'kilometers').default(500),
})

/** How far the clocks of two machines may be apart. */
const CLOCK_SKEW_SECONDS = 60
const SECONDS_PER_HOUR = 3600

interface Place {
  readonly latitude: number
  readonly longitude: number
  readonly accuracyKm: number
}

const isWithin = (degrees: number | undefined, most: number): degrees is number =>
  typeof degrees === 'number' && Math.abs(degrees) <= most

/** Where that is, if it is known well enough. */
const placeOf = (location: Location, maxAccuracyKm: number): Place | undefined => {
  const { latitude, longitude, accuracyKm = 0 } = location
  if (!isWithin(latitude, 90) || !isWithin(longitude, 180)) return undefined
  return accuracyKm >= 0 && accuracyKm <= maxAccuracyKm ? { latitude, longitude, accuracyKm } : undefined
}

interface Travel {
  readonly km: number
  readonly seconds: number
}

const kmPerHourOf = ({ km, seconds }: Travel) => (km * SECONDS_PER_HOUR) / Math.max(1, seconds)

const detailsOf = (travel: Travel) => ({
  distance_km: Math.round(travel.km),
  seconds_from_last_login: travel.seconds,
  km_per_hour: Math.round(kmPerHourOf(travel)),
})

/**
 * Whether somebody can have come here since the last sign-in: the great circle between both places, less what both
 * may be off, over the time between. Its name is `ImpossibleTravel`.
 *
 * | Code | Confidence | Meaning |
 * | --- | --- | --- |
 * | `minimal_travel_from_last_login` | high | at most `minimalKm` away |
 * | `travel_from_last_login` | high | farther, and not faster than `substantialKmPerHour` |
 * | `substantial_travel_from_last_login` | medium | faster than that |
 * | `impossible_travel_from_last_login` | low | faster than `kmPerHour` |
 * | `invalid_travel` | low | the last sign-in lies more than a minute ahead: a clock went back |
 * | `anonymous_proxy` | low | a VPN, Tor or another proxy hides the place |
 * | `missing_geoip` | unknown | no database told a location |
 * | `unknown_location` | unknown | the location has no coordinates, or too vague ones |
 * | `initial_login` | unknown | no sign-in of the account is remembered |
 * | `location_history_not_found` | unknown | where the last sign-in came from is not known, or too vaguely |
 *
 * Details, once there are two places: `distance_km`, `seconds_from_last_login`, `km_per_hour`. With `anonymous_proxy`:
 * `category`.
 *
 * @throws StepUpError `ERR_CONFIG` for a number outside its bounds, or an option that does not exist.
 * @see Auth0, Customize Adaptive MFA, ImpossibleTravel
 */
export const impossibleTravel = (options: ImpossibleTravelOptions = {}): Assessor<'location' | 'lastLogin' | 'now'> => {
  const { kmPerHour, minimalKm, maxAccuracyKm, ...rest } = checked('impossibleTravel', SCHEMA, options)
  const { substantialKmPerHour = kmPerHour / 3 } = rest
  checked('impossibleTravel', settings({ substantialKmPerHour: between(0, kmPerHour, 'kilometers per hour') }), {
    substantialKmPerHour,
  })

  const judged = (travel: Travel): Pick<Assessment, 'confidence' | 'code'> => {
    if (travel.km <= minimalKm) return { confidence: 'high', code: 'minimal_travel_from_last_login' }
    const speed = kmPerHourOf(travel)
    if (speed <= substantialKmPerHour) return { confidence: 'high', code: 'travel_from_last_login' }
    if (speed <= kmPerHour) return { confidence: 'medium', code: 'substantial_travel_from_last_login' }
    return { confidence: 'low', code: 'impossible_travel_from_last_login' }
  }

  return Object.freeze<Assessor<'location' | 'lastLogin' | 'now'>>({
    name: 'ImpossibleTravel',
    reads: ['location', 'lastLogin', 'now'],
    assess({ location, lastLogin, now }) {
      const category = anonymizerOf(location)
      if (category !== undefined) return { confidence: 'low', code: 'anonymous_proxy', details: { category } }
      if (lastLogin !== undefined && !(now - lastLogin.at >= -CLOCK_SKEW_SECONDS))
        return { confidence: 'low', code: 'invalid_travel' }
      if (location === undefined) return { confidence: 'unknown', code: 'missing_geoip' }
      const here = placeOf(location, maxAccuracyKm)
      if (here === undefined) return { confidence: 'unknown', code: 'unknown_location' }
      if (lastLogin === undefined) return { confidence: 'unknown', code: 'initial_login' }
      const there = placeOf(lastLogin.location ?? {}, maxAccuracyKm)
      if (there === undefined) return { confidence: 'unknown', code: 'location_history_not_found' }
      const travel: Travel = {
        km: Math.max(0, distanceKm(there, here) - there.accuracyKm - here.accuracyKm),
        seconds: Math.max(0, now - lastLogin.at),
      }
      return { ...judged(travel), details: detailsOf(travel) }
    },
  })
}
