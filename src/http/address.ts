import type { Context } from 'koa'
import { found } from '../config-error.ts'
import { StepUpError } from '../errors.ts'
import { canonicalAddress, type Network, networkOf } from '../policy/address.ts'

/** Tells where a request comes from: an IP address in its shortest form; undefined where that is not known. */
export type AddressReader = (ctx: Context) => string | undefined

/** How many entries of the list are looked at, from the right. */
const MAX_HOPS = 32

const LOOPBACK = ['127.0.0.0/8', '::1']

const ALLOWED = 'an IP address, a network such as "10.0.0.0/8" that is not the whole internet, or "loopback"'

const networksOf = (entry: unknown, index: number): readonly Network[] => {
  const texts = entry === 'loopback' ? LOOPBACK : [entry]
  return texts.map((text) => {
    const network = typeof text === 'string' && !text.endsWith('/0') ? networkOf(text) : undefined
    if (network !== undefined) return network
    const path = ['trustedProxies', index]
    throw new StepUpError('ERR_CONFIG', `trustedProxies[${index}]: found ${found(entry, path)}; allowed: ${ALLOWED}`)
  })
}

/** Some proxies note the port as well, and put IPv6 into brackets for it. */
const WITH_PORT = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/

const hopOf = (entry: string) => {
  const text = entry.trim()
  const [, six, four] = WITH_PORT.exec(text) ?? []
  return canonicalAddress(six ?? four ?? text)
}

/** Node joins several lines of this header into one list, in order. */
const hopsOf = ({ req }: Context) => {
  const header = req.headers['x-forwarded-for']
  const list = Array.isArray(header) ? header.join(',') : (header ?? '')
  return list.trim() === '' ? [] : list.split(',').slice(-MAX_HOPS)
}

const trustingNobody: AddressReader = ({ ips, ip, app }) => hopOf(app.maxIpsCount === 0 ? (ips.at(-1) ?? ip) : ip)

/**
 * Makes the reader of a request's address.
 *
 * With `trustedProxies` it starts at the socket, and as long as that address is one of theirs goes on to the next entry
 * of `X-Forwarded-For`, from the right: the first that is not theirs is the answer, as whatever stands to the left of it
 * is the browser's own invention. An entry that is no address leaves it unknown. Where all are theirs, the leftmost is
 * the answer, of the last 32. A socket without an address, such as one of a Unix domain, leaves it unknown.
 *
 * Without, it is the provider's setting `proxy` that counts: the rightmost entry, or the first of those that the host
 * says its proxies wrote (Koa's `maxIpsCount`), else the socket.
 *
 * @param trustedProxies - Addresses, networks in CIDR notation (IPv4 and IPv6), and the word `loopback`. An empty list
 *   trusts nobody: the socket's address is the answer.
 * @throws StepUpError `ERR_CONFIG` that names the entry, what was found and what it can be.
 */
export const createAddressReader = (trustedProxies?: readonly string[]): AddressReader => {
  if (trustedProxies === undefined) return trustingNobody
  const networks = trustedProxies.flatMap(networksOf)
  const isTrusted = (address: string) => networks.some((network) => network.includes(address))
  return (ctx) => {
    const hops = hopsOf(ctx)
    let address = canonicalAddress(ctx.req.socket.remoteAddress ?? '')
    while (address !== undefined && isTrusted(address)) {
      const hop = hops.pop()
      if (hop === undefined) break
      address = hopOf(hop)
    }
    return address
  }
}
