/** A place on earth: WGS 84, in degrees, north and east positive. */
export interface Point {
  readonly latitude: number
  readonly longitude: number
}

/** Mean radius of the earth (IUGG 1980, R1). */
const EARTH_RADIUS_KM = 6371.0088

const radians = (degrees: number) => (degrees * Math.PI) / 180

/**
 * Length of the great circle between two places, in kilometers, on a sphere: within 0.6 % of the truth. NaN where a
 * coordinate is not a number.
 */
export const distanceKm = (one: Point, other: Point): number => {
  const halfLatitude = Math.sin(radians(other.latitude - one.latitude) / 2)
  const halfLongitude = Math.sin(radians(other.longitude - one.longitude) / 2)
  const haversine =
    halfLatitude ** 2 + Math.cos(radians(one.latitude)) * Math.cos(radians(other.latitude)) * halfLongitude ** 2
  // Rounding can carry opposite points a hair beyond one, of which there is no arc sine.
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(Math.min(1, haversine)))
}
