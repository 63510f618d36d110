import { isIP } from 'node:net'

/** Where a push may go: a name, or all names below one. */
export interface AllowedHost {
  readonly name: string
  readonly isWildcard: boolean
  /** As in a URL: empty for 443. */
  readonly port: string
}

const NAME = /^(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)*[a-z](?:[a-z\d-]{0,61}[a-z\d])?$/
const ENTRY = /^(\*\.)?([^:*]+)(?::(\d{1,5}))?$/

/** Whether the text is a DNS name in the form that a URL gives it; no address has that form. */
const isName = (text: string) => NAME.test(text) && URL.canParse(`https://${text}`) && isIP(text) === 0

/** Reads `host`, `*.host`, each with `:port` where it is not 443; undefined for anything else. */
export const allowedHost = (entry: unknown): AllowedHost | undefined => {
  if (typeof entry !== 'string') return undefined
  const [, star, name = '', port = '443'] = ENTRY.exec(entry) ?? []
  const isWildcard = star !== undefined
  // A whole top-level domain is no push service.
  if (!isName(name) || (isWildcard && !name.includes('.'))) return undefined
  if (Number(port) < 1 || Number(port) > 65_535) return undefined
  return { name, isWildcard, port: Number(port) === 443 ? '' : String(Number(port)) }
}

const matches = ({ hostname, port }: URL, allowed: AllowedHost) =>
  port === allowed.port && (allowed.isWildcard ? hostname.endsWith(`.${allowed.name}`) : hostname === allowed.name)

/**
 * The endpoint, where it is one to send to. A URL in any but its normal form is refused: so whoever reads it reads the
 * same host in it.
 */
export const endpointOf = (text: unknown, hosts: readonly AllowedHost[]): URL | undefined => {
  if (typeof text !== 'string' || !URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.href !== text || url.protocol !== 'https:' || url.hash !== '') return undefined
  if (url.username !== '' || url.password !== '' || !isName(url.hostname)) return undefined
  return hosts.some((allowed) => matches(url, allowed)) ? url : undefined
}
