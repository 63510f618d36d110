import type { Location, NetworkType } from '../../policy/facts.ts'
import type { Family } from './database.ts'

type Fields = Readonly<Record<string, unknown>>

/** Location while it is put together. */
type Draft = { -readonly [Name in keyof Location]: Location[Name] | undefined }

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})

const textOf = (value: unknown) => (typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined)

const nameOf = (value: unknown) => {
  const names = fieldsOf(fieldsOf(value).names)
  return textOf(value) ?? textOf(names.en) ?? textOf(Object.values(names)[0])
}

/** The first that is as it has to be, in upper case. */
const codeOf = (pattern: RegExp, ...values: readonly unknown[]) =>
  values.map((value) => textOf(value)?.toUpperCase()).find((code) => code !== undefined && pattern.test(code))

/** ISO 3166-1, without the codes by which makers say that there is none. */
const COUNTRY = /^(?!XX|ZZ)[A-Z]{2}$/
const REGION = /^[A-Z\d]{1,3}$/
const TIME_ZONE = /^[\w+-]+(\/[\w+-]+)*$/
const AS_NUMBER = /^(?:AS)?([1-9]\d{0,9})$/
const MAX_AS_NUMBER = 2 ** 32 - 1

/** IPinfo writes numbers as text. */
const numberOf = (value: unknown) => {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

/** So near to zero and yet not zero is no place but a damaged number. */
const SMALLEST_DEGREE = 1e-9

const degrees = (bound: number, ...values: readonly unknown[]) =>
  values
    .map(numberOf)
    .find(
      (angle) => angle !== undefined && Math.abs(angle) <= bound && (angle === 0 || Math.abs(angle) > SMALLEST_DEGREE),
    )

const pointOf = (record: Fields): Draft => {
  const location = fieldsOf(record.location)
  const latitude = degrees(90, location.latitude, record.latitude, record.lat)
  const longitude = degrees(180, location.longitude, record.longitude, record.lng)
  if (latitude === undefined || longitude === undefined) return {}
  const radius = numberOf(location.accuracy_radius ?? record.radius)
  return { latitude, longitude, accuracyKm: radius !== undefined && radius >= 0 ? radius : undefined }
}

const placeOf = (record: Fields): Draft => {
  const [division] = Array.isArray(record.subdivisions) ? record.subdivisions : []
  const zone = textOf(fieldsOf(record.location).time_zone ?? record.time_zone ?? record.timezone)
  return {
    country: codeOf(COUNTRY, fieldsOf(record.country).iso_code, record.country_code, record.country),
    region: codeOf(REGION, fieldsOf(division).iso_code, record.region_code),
    city: nameOf(record.city),
    ...pointOf(record),
    timeZone: zone !== undefined && TIME_ZONE.test(zone) ? zone : undefined,
  }
}

const operatorOf = (record: Fields): Draft => {
  const traits = fieldsOf(record.traits)
  const told = record.autonomous_system_number ?? traits.autonomous_system_number ?? record.asn
  const number = Number(AS_NUMBER.exec(String(told))?.[1])
  return {
    asn: number <= MAX_AS_NUMBER ? number : undefined,
    organization: textOf(
      record.autonomous_system_organization ?? traits.autonomous_system_organization ?? record.as_name,
    ),
  }
}

/** By the field names of MaxMind, then IPinfo. */
const FLAGS: Readonly<Record<NetworkType, readonly string[]>> = {
  anonymous: ['is_anonymous', 'is_anonymous_proxy', 'is_relay', 'relay'],
  hosting: ['is_hosting_provider', 'is_hosting', 'hosting'],
  proxy: ['is_public_proxy', 'is_proxy', 'proxy'],
  'residential-proxy': ['is_residential_proxy', 'is_res_proxy'],
  tor: ['is_tor_exit_node', 'is_tor', 'tor'],
  vpn: ['is_anonymous_vpn', 'is_vpn', 'vpn'],
}

const isYes = (value: unknown) => value === true || value === 'true'

/**
 * A database of anonymous addresses lists just those, so its silence tells as well; any other has only told that there
 * is nothing where it says so.
 */
const networksOf = (record: Fields, families: readonly Family[]): readonly NetworkType[] | undefined => {
  const flags = { ...fieldsOf(record.traits), ...record }
  const types = (Object.keys(FLAGS) as NetworkType[]).filter((type) => FLAGS[type].some((name) => isYes(flags[name])))
  if (flags.user_type === 'hosting' && !types.includes('hosting')) types.push('hosting')
  const tells = types.length > 0 || families.includes('anonymity') || flags.is_anonymous === false
  return tells ? Object.freeze(types.sort()) : undefined
}

/** What one database says of one address: null for an address that it has no record of. */
export const locationOf = (record: Fields | null, families: readonly Family[]): Location => {
  const fields = record ?? {}
  return told({ ...placeOf(fields), ...operatorOf(fields), networks: networksOf(fields, families) })
}

/** A loop, as this runs several times for every address. */
const told = (draft: Draft): Location => {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(draft)) if (value !== undefined) kept[name] = value
  return kept
}

/** Without where the address is; what else is told stays. */
const placeless = ({ asn, organization, networks }: Location) => told({ asn, organization, networks })

const union = (first: readonly NetworkType[], second: readonly NetworkType[]) =>
  Object.freeze([...new Set([...first, ...second])].sort())

/** Fields that mean something only together. */
const joint = (first: Location, second: Location): Draft => {
  const point = first.latitude === undefined ? second : first
  const operator = first.asn === undefined && second.asn !== undefined ? second : first
  const { networks } = second
  return {
    latitude: point.latitude,
    longitude: point.longitude,
    accuracyKm: point.accuracyKm,
    asn: operator.asn,
    organization: operator.organization,
    networks: networks === undefined ? first.networks : union(first.networks ?? [], networks),
  }
}

const addLocation = (first: Location, other: Location): Location => {
  const isElsewhere = first.country !== undefined && first.country !== (other.country ?? first.country)
  const second = isElsewhere ? placeless(other) : other
  return told({ ...second, ...first, ...joint(first, second) })
}

/**
 * One location of what all databases say. The first that names a country is believed, and another adds to the place
 * only where it names the same; networks are put together.
 */
export const mergeLocations = (locations: readonly Location[]): Location | undefined => {
  const [first = {}, ...others] = locations
  const merged = others.reduce(addLocation, first)
  return Object.keys(merged).length > 0 ? Object.freeze(merged) : undefined
}
