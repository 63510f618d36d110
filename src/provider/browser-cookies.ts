import type { Context } from 'koa'
import type { Mac } from '../crypto/mac.ts'

type CookieContext = Pick<Context, 'cookies' | 'secure' | 'get'>

/** A cookie by which a browser is known again; one per account, so that people who share a browser do not displace each other. */
export interface BrowserCookies {
  /** The cookie's value for this account; undefined where there is none. */
  read(ctx: CookieContext, accountId: string): string | undefined
  /** @param until - Epoch seconds: the end of the browser's fixed life. */
  write(ctx: CookieContext, accountId: string, value: string, until: number): void
  clear(ctx: CookieContext, accountId: string): void
}

/** 66 bits keep the accounts of one browser apart. */
const NAME_LENGTH = 11

/**
 * The name tells nobody whose it is: it ends in a message authentication code of the account. Over TLS it has the
 * prefix `__Host-`, so that no other host and no page over plain HTTP can set it (RFC 6265bis section 4.1.3.2).
 *
 * @param macs - One per sealing key, the first key's first: an older name is still found after a key change.
 * @param base - What all names of the kind begin with.
 */
export const createBrowserCookies = (macs: readonly Mac[], base = 'step-up-browser'): BrowserCookies => {
  const namesOf = ({ secure }: CookieContext, accountId: string) =>
    macs.map((mac) => `${secure ? '__Host-' : ''}${base}-${mac.sign('browser', accountId).slice(0, NAME_LENGTH)}`)
  const set = ({ cookies, secure }: CookieContext, name: string, value: string | null, expires: Date) =>
    cookies.set(name, value, {
      expires,
      httpOnly: true,
      overwrite: true,
      path: '/',
      sameSite: 'lax',
      secure,
      signed: false,
    })
  const found = (ctx: CookieContext, accountId: string) =>
    // Most browsers are not remembered, and need no names worked out.
    (ctx.get('cookie').includes(base) ? namesOf(ctx, accountId) : []).filter(
      (name) => ctx.cookies.get(name, { signed: false }) !== undefined,
    )
  const remove = (ctx: CookieContext, names: readonly string[]) => {
    for (const name of names) set(ctx, name, '', new Date(0))
  }
  return Object.freeze<BrowserCookies>({
    read(ctx, accountId) {
      const [name] = found(ctx, accountId)
      return name === undefined ? undefined : ctx.cookies.get(name, { signed: false })
    },
    write(ctx, accountId, value, until) {
      const [name = base, ...older] = namesOf(ctx, accountId)
      const present = found(ctx, accountId)
      remove(
        ctx,
        older.filter((one) => present.includes(one)),
      )
      set(ctx, name, value, new Date(until * 1000))
    },
    clear: (ctx, accountId) => remove(ctx, found(ctx, accountId)),
  })
}
