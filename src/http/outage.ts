import type { Context, Middleware } from 'koa'
import type Provider from 'oidc-provider'
import { randomToken } from '../crypto/random.ts'
import { StepUpError } from '../errors.ts'
import { mountPathOf } from '../provider/oidc.ts'
import { withinRequest } from '../request-scope.ts'
import { type SendTools, sendFailure } from './send.ts'

/** Seconds after which a browser or a client is told to ask again while the store is out of reach. */
const RETRY_AFTER_SECONDS = 5

/** Whether the store was out of reach, be it ours or the one under oidc-provider's own records. */
export const isOutage = (fault: unknown): boolean => fault instanceof StepUpError && fault.code === 'ERR_STORE'

/** The fault as the host's log gets it, with the reference the user can quote; what was thrown may be anything. */
export const faultOf = (thrown: unknown, reference: string): Error => {
  if (thrown instanceof Error && Object.isExtensible(thrown)) return Object.assign(thrown, { reference })
  const message = thrown instanceof Error ? thrown.message : 'something that is no error was thrown'
  return Object.assign(new Error(message, { cause: thrown }), { reference })
}

/** A page with a link to the same address for who asked for one, JSON for all others; 503 in both cases. */
export const sendUnavailable = (ctx: Context, tools: SendTools, reference: string): void => {
  ctx.remove('Location')
  ctx.set('Retry-After', String(RETRY_AFTER_SECONDS))
  if (ctx.accepts('json', 'html') === 'html') {
    const query = ctx.querystring === '' ? '' : `?${ctx.querystring}`
    const retry = ctx.method === 'GET' ? { retryHref: `${mountPathOf(ctx)}${ctx.path}${query}` } : {}
    sendFailure(ctx, tools, 503, 'error.unavailable', { reference, ...retry })
  } else {
    ctx.status = 503
    ctx.set('Cache-Control', 'no-store')
    ctx.body = { error: 'temporarily_unavailable', error_description: 'try again in a moment' }
  }
}

/** What goes around every request. */
export interface OutageTools extends SendTools {
  readonly provider: Provider
}

type Referenced = Error & { reference?: string }

/**
 * The outermost middleware: one scope for what a request reads, and a plain answer where the store is out of reach,
 * on oidc-provider's own routes as well. Nothing was decided then, so nothing that would look like a decision is
 * sent: no redirect to the relying party, no `server_error`.
 *
 * @see RFC 9110 section 15.6.4
 */
export const createOutageGuard = (tools: OutageTools): Middleware => {
  const { provider } = tools
  const outages = new WeakMap<object, string>()
  // The host's own log gets the same reference, as this listener comes first.
  provider.prependListener('server_error', (ctx, error: Referenced) => {
    if (!isOutage(error)) return
    const reference = error.reference ?? randomToken(6)
    faultOf(error, reference)
    outages.set(ctx.req, reference)
  })
  return (ctx, next) =>
    withinRequest(async () => {
      try {
        await next()
      } catch (thrown) {
        if (!isOutage(thrown)) throw thrown
        provider.emit('server_error', ctx as never, thrown as Error)
      }
      const reference = outages.get(ctx.req)
      if (reference !== undefined && ctx.status !== 503) sendUnavailable(ctx, tools, reference)
    })
}
