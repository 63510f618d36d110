import { lookup } from 'node:dns/promises'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** Answers the addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly string[]>

/** @see IANA IPv4 Special-Purpose Address Registry (RFC 6890) and multicast (RFC 5771) */
const NOT_PUBLIC_4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const

/** @see IANA IPv6 Special-Purpose Address Registry: what of 2000::/3 is not for everybody, or leads to IPv4 */
const NOT_PUBLIC_6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const

/** Where a network of IPv6 alone finds IPv4 hosts, the IPv4 address at the end; RFC 6052 section 2.1. */
const TRANSLATED = '64:ff9b::'

const notPublic = new BlockList()
for (const [network, prefix] of NOT_PUBLIC_4) {
  notPublic.addSubnet(network, prefix, 'ipv4')
  notPublic.addSubnet(`${TRANSLATED}${network}`, 96 + prefix, 'ipv6')
}
for (const [network, prefix] of NOT_PUBLIC_6) notPublic.addSubnet(network, prefix, 'ipv6')

const global = new BlockList()
global.addSubnet('2000::', 3, 'ipv6')
global.addSubnet(TRANSLATED, 96, 'ipv6')

/** Whether the address is one of the public Internet, for one host alone. */
export const isPublicAddress = (address: string): boolean => {
  const family = isIP(address)
  if (family === 4) return !notPublic.check(address, 'ipv4')
  // A zone names an interface of this machine.
  if (family !== 6 || address.includes('%')) return false
  return global.check(address, 'ipv6') && !notPublic.check(address, 'ipv6')
}

/** By the machine's own resolver. */
export const systemResolve: Resolve = async (hostname) =>
  (await lookup(hostname, { all: true, verbatim: true })).map(({ address }) => address)

const withCode = (code: string) => Object.assign(new Error(code), { code })

/**
 * A look-up for sockets: every address of the answer must be allowed, and the socket goes to these and no others, so
 * that a name that answers differently the next time has gained nothing.
 */
export const checkedLookup =
  (resolve: Resolve, isAllowed: (address: string) => boolean): LookupFunction =>
  (hostname, { all }, callback) => {
    const judge = (answer: readonly string[]) => {
      const addresses = answer.map((address) => ({ address, family: isIP(address) }))
      const [first] = addresses
      if (first === undefined) return callback(withCode('ENOTFOUND'), '')
      if (!answer.every(isAllowed)) return callback(withCode('NOT_A_PUBLIC_ADDRESS'), '')
      return all ? callback(null, addresses) : callback(null, first.address, first.family)
    }
    resolve(hostname).then(judge, (error: NodeJS.ErrnoException) => callback(error, ''))
  }
