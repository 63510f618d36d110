import type { Context } from 'koa'

const NAME = 'step-up-not-here'
const ONE_YEAR = 31_536_000
const MAX_LENGTH = 256
const ID = /^[a-z][a-z0-9-]*$/

type CookieContext = Pick<Context, 'cookies' | 'secure'>

/**
 * Ids of the factors that this browser is not to be offered any more. Nothing rests on it: who writes the cookie
 * spares themselves a question.
 */
export const readNotHere = ({ cookies }: CookieContext): readonly string[] => {
  const value = cookies.get(NAME, { signed: false }) ?? ''
  return value.length > MAX_LENGTH ? [] : value.split('.').filter((id) => ID.test(id))
}

/** Keeps offers of these factors away from this browser, for a year. */
export const writeNotHere = (ctx: CookieContext, ids: readonly string[]): void => {
  const all = [...new Set([...readNotHere(ctx), ...ids])]
  ctx.cookies.set(NAME, all.join('.'), {
    httpOnly: true,
    maxAge: ONE_YEAR * 1000,
    overwrite: true,
    path: '/',
    sameSite: 'lax',
    secure: ctx.secure,
    signed: false,
  })
}
