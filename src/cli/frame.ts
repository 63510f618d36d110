import { extname } from 'node:path'
import type { Context, Next } from 'koa'
import type { Asset } from '../http/assets.ts'
import { isOutage } from '../http/outage.ts'
import type { Renderer } from '../http/render.ts'
import { OUTBOX_PATH, type Outbox } from './outbox.ts'
import { assetPath, type Screens } from './screens.ts'

const ONE_YEAR = 31_536_000

const isAsk = ({ method }: Context) => method === 'GET' || method === 'HEAD'

/** An asset's name changes with its content, so browsers may keep it. */
const sendAsset = (ctx: Context, { path, body, etag }: Asset) => {
  ctx.set({
    'Cache-Control': `public, max-age=${ONE_YEAR}, immutable`,
    'X-Content-Type-Options': 'nosniff',
    ETag: etag,
  })
  ctx.type = extname(path)
  ctx.body = body
  ctx.status = 200
  if (ctx.fresh) ctx.status = 304
}

const explainUnanswered = (ctx: Context, screens: Screens) => {
  const { status } = ctx
  if (ctx.accepts('json', 'html') === 'html')
    screens.explain(ctx, status, status === 404 ? 'error.not-found' : 'error.request')
  else ctx.body = { error: status === 404 ? 'not_found' : 'invalid_request' }
  ctx.status = status
}

const explainFault = (ctx: Context, screens: Screens, fault: unknown) => {
  const { name, status } = fault as Error & { status?: unknown }
  if (name === 'SessionNotFound') return screens.explain(ctx, 400, 'expired')
  if (typeof status === 'number' && status >= 400 && status < 500) return screens.explain(ctx, status, 'error.request')
  screens.explain(ctx, 500, 'error.unexpected', fault)
}

/** What serve's own pages are made of. */
interface FrameParts {
  readonly renderer: Renderer
  readonly screens: Screens
  readonly outbox: Outbox | undefined
}

/** Shows the page at this path, if it is one of serve's own without a form. */
const showPage = (ctx: Context, { screens, outbox }: FrameParts): boolean => {
  if (ctx.path === '/') screens.show(ctx, 'serve/home', outbox === undefined ? {} : { outboxHref: OUTBOX_PATH })
  else if (ctx.path === OUTBOX_PATH && outbox !== undefined)
    screens.show(ctx, 'serve/outbox', { messages: outbox.posted() })
  else return false
  return true
}

/**
 * The outermost middleware: home page and outbox, style sheet and script, and a page for whatever nobody answered or
 * somebody broke.
 */
export const frame = (parts: FrameParts) => {
  const { renderer, screens } = parts
  return async (ctx: Context, next: Next) => {
    try {
      if (isAsk(ctx) && showPage(ctx, parts)) return
      const asset = [renderer.stylesheet, renderer.script].find((one) => assetPath(one) === ctx.path)
      if (isAsk(ctx) && asset !== undefined) return sendAsset(ctx, asset)
      await next()
      const unanswered = !ctx.body && (ctx.status === 404 || ctx.status === 405 || ctx.status === 501)
      if (unanswered) explainUnanswered(ctx, screens)
    } catch (fault) {
      // The plugin stands around all of this and answers an outage.
      if (isOutage(fault)) throw fault
      explainFault(ctx, screens, fault)
    }
  }
}
