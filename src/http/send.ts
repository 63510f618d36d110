import type { Context } from 'koa'
import { mountPathOf } from '../provider/oidc.ts'
import { pageHeaders } from './headers.ts'
import type { Renderer } from './render.ts'
import type { ErrorScreen, Screen } from './screens.ts'

/** What sending a page needs. */
export interface SendTools {
  readonly renderer: Renderer
  /** Path of our pages below the mount path. */
  readonly root: string
}

/** Sends a page with its security headers. */
export const sendPage = (ctx: Context, renderer: Renderer, status: number, view: string, screen: Screen): void => {
  pageHeaders(ctx)
  ctx.status = status
  ctx.type = 'html'
  ctx.body = renderer.render(view, screen)
}

/** Sends the browser on with 303, so that going back never posts again. */
export const sendOn = (ctx: Context, url: string): void => {
  pageHeaders(ctx)
  ctx.redirect(url)
  ctx.status = 303
}

/** Where assets stand, as a URL path. */
export const assetsOf = (ctx: Context, root: string): string => `${mountPathOf(ctx)}${root}/assets`

/** What every screen shows, in the language that the relying party or the browser asks for. */
export const screenOf = (ctx: Context, { renderer, root }: SendTools, uiLocales?: string): Screen => {
  const locale = renderer.negotiate(uiLocales, ctx.get('accept-language'))
  const assets = assetsOf(ctx, root)
  const stylesheet = `${assets}/${renderer.stylesheet.path}`
  return { t: renderer.translate(locale), locale, stylesheet, script: `${assets}/${renderer.script.path}` }
}

/** A page that says what went wrong. `id` is the stem of its message ids. */
export const sendFailure = (
  ctx: Context,
  tools: SendTools,
  status: number,
  id: string,
  more: Pick<ErrorScreen, 'reference' | 'retryHref'> = {},
): void => {
  const screen: ErrorScreen = { ...screenOf(ctx, tools), id, ...more }
  sendPage(ctx, tools.renderer, status, id === 'expired' ? 'expired' : 'error', screen)
}
