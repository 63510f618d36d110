import type { Context } from 'koa'

/**
 * No `form-action`: browsers apply it to the whole redirect chain that follows a form, and ours ends at the
 * relying party.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * Headers of every page: nothing inline runs, no one frames it, nothing of it is cached or told to others.
 * No opener policy: a relying party that signs in inside a popup would lose its window for good.
 *
 * @see Content Security Policy Level 3
 */
export const pageHeaders = (ctx: Pick<Context, 'set'>): void =>
  ctx.set({
    'Content-Security-Policy': CONTENT_SECURITY_POLICY,
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
  })
