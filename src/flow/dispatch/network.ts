import { isIPv6 } from 'node:net'

/** Some proxies tell the port as well. */
const WITH_PORT = /^(\d+\.\d+\.\d+\.\d+):\d+$|^\[([^\]]*)\](?::\d+)?$/
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
const GROUPS = 8

const expanded = (address: string) => {
  const [head = '', tail] = address.split('::')
  const before = head.split(':').filter(Boolean)
  const after = (tail ?? '').split(':').filter(Boolean)
  const zeros = tail === undefined ? 0 : GROUPS - before.length - after.length
  return [...before, ...Array<string>(Math.max(0, zeros)).fill('0'), ...after]
}

/**
 * What one subscriber holds, by any of its addresses: an IPv4 address, or the first 64 bits of an IPv6 address, of
 * which everybody has as many as they like (RFC 6177).
 */
export const networkOf = (told: string): string => {
  const [, v4, v6] = WITH_PORT.exec(told) ?? []
  const address = v4 ?? v6 ?? told
  const mapped = MAPPED.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [plain = ''] = address.split('%')
  if (!isIPv6(plain)) return plain
  return expanded(plain)
    .slice(0, GROUPS / 2)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
