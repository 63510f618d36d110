import type { Context } from 'koa'
import type { Mac } from '../crypto/mac.ts'

/** Tokens that bind a form to one interaction of one account. Nothing is stored: they are message authentication codes. */
export interface Csrf {
  /** The token of exactly these fields. */
  token(...fields: string[]): string
  /** Whether it is the token of exactly these fields; anything but a string is not. */
  verify(token: unknown, ...fields: string[]): boolean
}

/**
 * @param macs - Under keys derived for this purpose alone, one per sealing key: the first makes tokens, all verify
 * them, so that forms go on working while keys are changed.
 */
export const createCsrf = ([first, ...older]: readonly [Mac, ...Mac[]]): Csrf =>
  Object.freeze<Csrf>({
    token: (...fields) => first.sign(...fields),
    verify: (token, ...fields) =>
      typeof token === 'string' && [first, ...older].some((mac) => mac.verify(token, ...fields)),
  })

/**
 * Whether the browser says that the request comes from one of our own pages. Browsers too old for
 * `Sec-Fetch-Site` are judged by `Origin`; `null` says nothing, since our own referrer policy causes it.
 *
 * @see Fetch Metadata Request Headers, section 2.2; RFC 6454 section 7.
 */
export const sameOrigin = (ctx: Pick<Context, 'get' | 'host'>): boolean => {
  const site = ctx.get('sec-fetch-site')
  if (site !== '') return site === 'same-origin' || site === 'none'
  const origin = ctx.get('origin')
  if (origin === '' || origin === 'null') return true
  return URL.canParse(origin) && new URL(origin).host === ctx.host
}
