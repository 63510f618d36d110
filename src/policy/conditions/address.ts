import ipaddr from 'ipaddr.js'
import { canonicalAddress } from '../address.ts'
import { refusal } from '../refuse.ts'
import { remembering } from './memo.ts'

const RANGE = 'an address or a range of them: 192.0.2.1, 10.0.0.0/8, 2001:db8::/32'
const CIDR = /^([^/%]+)(?:\/(0|[1-9]\d{0,2}))?$/
/** So many bits say that it is an IPv4 address in the guise of IPv6 (RFC 4291 section 2.5.5.2). */
const MAPPED_BITS = 96

type Bytes = readonly number[]

const bytesOf = (text: string): Bytes | undefined => {
  const canonical = canonicalAddress(text)
  return canonical === undefined ? undefined : ipaddr.parse(canonical).toByteArray()
}

/** Texts order as the addresses do, and those of one family stand apart from those of the other. */
const keyOf = (bytes: Bytes) => bytes.length + bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')

/** An address as a key to look up in {@link ranges}; undefined where it cannot be read. */
export const addressKey: (text: string) => string | undefined = remembering((text: string) => {
  const bytes = bytesOf(text)
  return bytes && keyOf(bytes)
})

interface Range {
  readonly first: string
  readonly last: string
}

/** The bits of one byte that stand for single hosts. */
const hostBits = (length: number, index: number) => 255 >> Math.min(8, Math.max(0, length - index * 8))

const rangeOf = (setting: string, text: string): Range => {
  const [, host = '', suffix] = CIDR.exec(text) ?? []
  const bytes = bytesOf(host)
  const width = (bytes?.length ?? 0) * 8
  const guise = width === 32 && host.includes(':') ? MAPPED_BITS : 0
  const length = suffix === undefined ? width : Number(suffix) - guise
  if (bytes === undefined || length < 0 || length > width) throw refusal(setting, text, RANGE)
  const first = bytes.map((byte, index) => byte & ~hostBits(length, index))
  const last = bytes.map((byte, index) => byte | hostBits(length, index))
  if (first.some((byte, index) => byte !== bytes[index])) {
    const meant = `${ipaddr.fromByteArray(first).toString()}/${length}`
    throw refusal(setting, text, `a range that begins where its length says, such as ${meant}`)
  }
  return { first: keyOf(first), last: keyOf(last) }
}

/** Outermost first, so that what lies inside another comes after it. */
const byPlace = (one: Range, other: Range) =>
  one.first === other.first ? Number(one.last < other.last) - 0.5 : Number(one.first > other.first) - 0.5

/**
 * Reads ranges of addresses and answers whether one of them has an address, by its key: in few steps, however many
 * there are. A range of IPv4 has no address of IPv6, nor the other way round; mapped ones are IPv4.
 *
 * @throws StepUpError `ERR_CONFIG` where one cannot be read, or begins amid itself.
 */
export const ranges = (setting: string, texts: readonly string[]): ((key: string) => boolean) => {
  const sorted = texts.map((text) => rangeOf(setting, text)).sort(byPlace)
  const outer: Range[] = []
  for (const range of sorted) {
    const before = outer.at(-1)
    if (before === undefined || range.first > before.last) outer.push(range)
  }
  return (key) => {
    let low = 0
    let high = outer.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((outer[middle]?.first ?? '') <= key) low = middle + 1
      else high = middle
    }
    return key <= (outer[low - 1]?.last ?? '')
  }
}
