import { z } from 'zod'
import { StepUpError } from '../errors.ts'
import { addressKey, ranges } from '../policy/conditions/address.ts'
import type { Assessment, Location } from '../policy/facts.ts'
import { anonymizerOf } from './anonymizer.ts'
import type { Assessor } from './assessor.ts'
import { callable, checked, flag, settings } from './options.ts'

/** What a feed knows against an address. */
export interface AddressMatch {
  /** Which list it is on. Default `feed`. */
  readonly source?: string
  /** What for: `botnet`, `scanner`. */
  readonly category?: string
  /** The entry: an address or a range. */
  readonly matches?: string
}

/**
 * Asks somebody else about the address of the request. Undefined where nothing is known against it; throwing, and two
 * seconds of silence, are low confidence.
 */
export type AddressFeed = (
  address: string,
  context: { readonly signal: AbortSignal },
) => AddressMatch | undefined | Promise<AddressMatch | undefined>

/** What {@link untrustedIp} goes by. */
export interface UntrustedIpOptions {
  /** Addresses and CIDR ranges, of IPv4 and IPv6, up to many thousands. Default none. */
  readonly deny?: readonly string[]
  /**
   * VPNs, Tor and other proxies count as denied, by what the geolocation database says of the network. Default true:
   * where no database tells kinds of networks, nothing better than `unknown` comes out. Say false where there is none.
   */
  readonly anonymizers?: boolean
  /** Asked where nothing above is found. Default none. */
  readonly feed?: AddressFeed
}

const SCHEMA = settings({
  deny: z.array(z.string('an address or a range'), 'a list of IP addresses and CIDR ranges').default([]),
  anonymizers: flag.default(true),
  feed: callable<AddressFeed>().optional(),
})

const MATCH = z.object({
  source: z.string().default('feed'),
  category: z.string().optional(),
  matches: z.string().optional(),
})

const foundOn = (ip: string, match: AddressMatch): Assessment => ({
  confidence: 'low',
  code: 'found_on_deny_list',
  details: { ip, ...match },
})

/**
 * What is known against the address. Its name is `UntrustedIP`.
 *
 * | Code | Confidence | Meaning |
 * | --- | --- | --- |
 * | `found_on_deny_list` | low | it is on the list, hides somebody, or the feed knows something against it |
 * | `invalid_ip_address` | low | there is no address, or what there is is none |
 * | `not_found_on_deny_list` | high | nothing is known against it |
 * | `not_found_on_deny_list` | unknown | the same, but whether it hides somebody could not be told |
 *
 * Details: `ip`, and where it was found `source` (`deny`, `network`, or the feed's word), `category` and `matches`.
 *
 * @throws StepUpError `ERR_CONFIG` for what is no address or range, an option that does not exist, and where there is
 *   nothing to go by.
 * @see Auth0, Customize Adaptive MFA, UntrustedIP
 */
export const untrustedIp = (options: UntrustedIpOptions = {}): Assessor<'address' | 'location'> => {
  const { deny, anonymizers, feed } = checked('untrustedIp', SCHEMA, options)
  if (deny.length === 0 && !anonymizers && feed === undefined)
    throw new StepUpError('ERR_CONFIG', 'untrustedIp(): found nothing to go by; allowed: deny, anonymizers or feed')

  const isDenied = ranges('untrustedIp().deny', deny)

  const known = (key: string, location: Location | undefined): AddressMatch | undefined => {
    if (isDenied(key)) return { source: 'deny' }
    const category = anonymizers ? anonymizerOf(location) : undefined
    return category === undefined ? undefined : { source: 'network', category }
  }
  const told = async (ip: string, signal: AbortSignal): Promise<AddressMatch | undefined> => {
    const answer = await feed?.(ip, { signal })
    if (answer === undefined) return undefined
    const { source, category, matches } = MATCH.parse(answer)
    return { source, ...(category === undefined ? {} : { category }), ...(matches === undefined ? {} : { matches }) }
  }

  return Object.freeze<Assessor<'address' | 'location'>>({
    name: 'UntrustedIP',
    reads: anonymizers ? ['address', 'location'] : ['address'],
    async assess({ address: ip, location }, { signal }) {
      const key = ip === undefined ? undefined : addressKey(ip)
      if (ip === undefined || key === undefined) return { confidence: 'low', code: 'invalid_ip_address' }
      const match = known(key, location) ?? (await told(ip, signal))
      if (match !== undefined) return foundOn(ip, match)
      const isTold = !anonymizers || location?.networks !== undefined
      return { confidence: isTold ? 'high' : 'unknown', code: 'not_found_on_deny_list', details: { ip } }
    },
  })
}
