import { domainToASCII, domainToUnicode } from 'node:url'

/** The longest address there is: a path of 256 octets with its angle brackets (RFC 5321 section 4.5.3.1.3). */
export const MAX_ADDRESS_LENGTH = 254

const MAX_LOCAL_LENGTH = 64
const MAX_LABEL_LENGTH = 63

/**
 * A dot-atom (RFC 5321 section 4.1.2) that neither routes nor commands: `%` and `!` name a further host to old
 * relays, and what begins with a hyphen is an option to programs such as sendmail. No two parts of the pattern can
 * match the same character, so it takes linear time.
 */
const LOCAL = /^(?!-)[\w#$&'*+/=?^`{|}~-]+(?:\.[\w#$&'*+/=?^`{|}~-]+)*$/

const TYPED_DOMAIN = /^[\p{L}\p{M}\p{N}.-]+$/u

const isLabel = (label: string) =>
  label.length <= MAX_LABEL_LENGTH && /^[a-z0-9-]+$/.test(label) && !label.startsWith('-') && !label.endsWith('-')

/** Some releases of Node.js pass a label on that only looks encoded (RFC 5890 section 2.3.1, "Fake A-label"). */
const isEncoded = (domain: string) => !/(?:^|\.)xn--/.test(domainToUnicode(domain))

const domainOf = (typed: string): string | undefined => {
  if (!TYPED_DOMAIN.test(typed)) return undefined
  const domain = domainToASCII(typed).toLowerCase()
  const labels = domain.split('.')
  const top = labels.at(-1) ?? ''
  // A last label of digits would be an IP address.
  return labels.length > 1 && labels.every(isLabel) && /^[a-z][a-z0-9-]+$/.test(top) && isEncoded(domain)
    ? domain
    : undefined
}

/**
 * The one plain address that this is, its domain in lower case and as ASCII; undefined where it is none.
 *
 * Refused is what a mail program could read as something else or as two: names, quotes, comments, groups, commas,
 * white space, line breaks, address literals, a second `@`; also a local part that is not ASCII, which many servers
 * cannot take (RFC 6531), and all over 254 characters, which is not even looked at.
 *
 * @see RFC 5321 sections 4.1.2 and 4.5.3.1; RFC 5891 (IDNA).
 */
export const plainAddress = (typed: string): string | undefined => {
  if (typed.length > MAX_ADDRESS_LENGTH) return undefined
  const at = typed.indexOf('@')
  const local = typed.slice(0, Math.max(at, 0))
  const domain = domainOf(typed.slice(at + 1))
  if (domain === undefined || local.length > MAX_LOCAL_LENGTH || !LOCAL.test(local)) return undefined
  const address = `${local}@${domain}`
  return address.length > MAX_ADDRESS_LENGTH ? undefined : address
}

/** Whether two plain addresses are one mailbox: in theory a local part has a case, in practice none tells it. */
export const isSameAddress = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()

/**
 * As much of a plain address as its owner needs to know it again: `a•••@e•••.com`. Always as many dots, so that the
 * lengths of what they hide tell nothing.
 */
export const maskedAddress = (address: string): string => {
  const at = address.lastIndexOf('@')
  return `${address.charAt(0)}•••@${address.charAt(at + 1)}•••${address.slice(address.lastIndexOf('.'))}`
}
