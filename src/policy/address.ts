import ipaddr from 'ipaddr.js'

type Parsed = ipaddr.IPv4 | ipaddr.IPv6

/** Longer than any address with a zone id that a system of ours knows. */
const MAX_LENGTH = 64

const { IPv4, IPv6 } = ipaddr

/** Strictly: no octal, hexadecimal or short spelling of IPv4, which others read as another address. */
const parse = (text: unknown): Parsed | undefined => {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return undefined
  const [bare = ''] = text.split('%', 1)
  if (IPv4.isValidFourPartDecimal(text)) return IPv4.parse(text)
  if (!IPv6.isValid(text)) return undefined
  const tail = bare.slice(bare.lastIndexOf(':') + 1)
  // RFC 4291 §2.5.5.1: `::192.0.2.1` is deprecated, and is another address than `::ffff:192.0.2.1`.
  if (tail.includes('.') && (!IPv4.isValidFourPartDecimal(tail) || bare === `::${tail}`)) return undefined
  const address = IPv6.parse(bare)
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

/**
 * An IP address in its one shortest form (RFC 5952 section 4): IPv4 never mapped into IPv6, and without a zone id.
 * Undefined for all that is no address, and for spellings of IPv4 with octal, hexadecimal or missing parts.
 */
export const canonicalAddress = (text: string): string | undefined => parse(text)?.toString()

/** Whether an address is one of the open internet: not private, loopback, reserved, or of another special use. */
export const isPublicAddress = (text: string): boolean => parse(text)?.range() === 'unicast'

/** Addresses that belong together. */
export interface Network {
  /** Whether the address is one of them; what is no address is not. */
  includes(address: string): boolean
}

const network = (base: Parsed, bits: number): Network =>
  Object.freeze<Network>({
    includes(text) {
      const address = parse(text)
      return address !== undefined && address.kind() === base.kind() && address.match([base, bits])
    },
  })

/**
 * Reads `10.0.0.0/8`, `2001:db8::/32` or a single address. Bits of the address behind the prefix do not count, and a
 * network of IPv4 mapped into IPv6 is one of IPv4. Undefined for all else.
 */
export const networkOf = (text: string): Network | undefined => {
  const [, address, prefix] = /^([^/]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? []
  const base = parse(address)
  if (address === undefined || base === undefined) return undefined
  const width = base.kind() === 'ipv4' ? 32 : 128
  const isMapped = width === 32 && address.includes(':')
  const bits = prefix === undefined ? width : Number(prefix) - (isMapped ? 96 : 0)
  return bits >= 0 && bits <= width ? network(base, bits) : undefined
}
