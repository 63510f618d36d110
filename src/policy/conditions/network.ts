import type { Condition } from '../condition.ts'
import type { NetworkType } from '../facts.ts'
import { choices, isBetween, isText } from '../refuse.ts'
import { about } from './about.ts'
import { addressKey, ranges } from './address.ts'
import { anyMatch } from './matching.ts'
import { choice } from './wording.ts'

/** What hides where somebody is, or stands in a data centre. */
export const NETWORK_TYPES = [
  'anonymous',
  'hosting',
  'proxy',
  'residential-proxy',
  'tor',
  'vpn',
] as const satisfies readonly NetworkType[]
const TYPE = `one of ${NETWORK_TYPES.join(', ')}`
const ASN = 'the number of an autonomous system, without AS'
const MAX_ASN = 2 ** 32 - 1

/**
 * The request comes from one of these addresses or ranges (CIDR), IPv4 or IPv6. IPv4 mapped into IPv6 is IPv4, on both
 * sides; else a range has addresses of its own family only. An address that cannot be read is not known to be in any.
 *
 * @throws StepUpError `ERR_CONFIG` where one cannot be read, begins amid itself (`10.0.0.1/8`), or none is named.
 */
export const ipRange = (...cidrs: readonly string[]): Condition<'address'> => {
  const has = ranges('ipRange', choices('ipRange', cidrs, isText, 'an address or a range'))
  return about('address', `address in ${choice(cidrs)}`, (address) => {
    const key = addressKey(address)
    return key === undefined ? undefined : has(key)
  })
}

/**
 * The network is of one of these types. Not known where no database could tell.
 *
 * @throws StepUpError `ERR_CONFIG` where there is no such type, or none is named.
 */
export const network = (...types: readonly NetworkType[]): Condition<'location'> => {
  const allowed = new Set(choices('network', types, (type) => NETWORK_TYPES.includes(type), TYPE))
  return about(
    'location',
    `network is ${choice(types)}`,
    ({ networks }) => networks && anyMatch(networks, (type) => allowed.has(type)),
  )
}

/**
 * The network belongs to one of these autonomous systems, by number.
 *
 * @throws StepUpError `ERR_CONFIG` where one is no such number, or none is named.
 */
export const asn = (...numbers: readonly number[]): Condition<'location'> => {
  const isNumber = (number: unknown) => Number.isInteger(number) && isBetween(number, 0, MAX_ASN)
  const allowed = new Set(choices('asn', numbers, isNumber, ASN))
  return about('location', `network is AS ${choice(numbers)}`, (location) =>
    location.asn === undefined ? undefined : allowed.has(location.asn),
  )
}
