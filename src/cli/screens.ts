import type { Context } from 'koa'
import { randomToken } from '../crypto/random.ts'
import type { Asset } from '../http/assets.ts'
import { pageHeaders } from '../http/headers.ts'
import type { Renderer } from '../http/render.ts'
import type { ErrorScreen, Screen } from '../http/screens.ts'

/** What a view gets beyond {@link Screen}; the values depend on the view. */
export type Fields = Readonly<Record<string, unknown>>

/** Answers requests with pages in the house's looks. */
export interface Screens {
  /** Message texts in the request's language. */
  texts(ctx: Context, uiLocales?: string): Screen['t']
  /** Sends a view; `uiLocales` is the request parameter of that name. */
  show(ctx: Context, view: string, fields: Fields, uiLocales?: string): void
  /** Sends an explanation; `id` is the message id stem. A fault of ours is logged under a reference. */
  explain(ctx: Context, status: number, id: string, fault?: unknown): void
}

/** Where a style sheet or script is served. */
export const assetPath = ({ path }: Asset) => `/${path}`

// Enough to tell log lines apart; nobody has to keep it secret.
const REFERENCE_BYTES = 6

/** Writes what went wrong to the log, under the reference that its page shows. */
export const logFault = (ctx: Pick<Context, 'method' | 'path'>, fault: unknown, reference = 'fault') => {
  const reason = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)
  // The path only: a query can hold parameters that are nobody's business.
  process.stderr.write(`oidc-step-up: ${reference} ${ctx.method} ${JSON.stringify(ctx.path)} ${reason}\n`)
}

/** Screens over a renderer; `demoHref` leads from the home pages to the demo's relying party. */
export const createScreens = (renderer: Renderer, { demoHref }: { demoHref?: string | undefined } = {}): Screens => {
  const localeOf = (ctx: Context, uiLocales?: string) => renderer.negotiate(uiLocales, ctx.get('accept-language'))
  const show: Screens['show'] = (ctx, view, fields, uiLocales) => {
    const locale = localeOf(ctx, uiLocales)
    const assets = { stylesheet: assetPath(renderer.stylesheet), script: assetPath(renderer.script) }
    const screen: Screen = { t: renderer.translate(locale), locale, ...assets }
    const body = renderer.render(view, { ...screen, demoHref, ...fields } as Screen)
    pageHeaders(ctx)
    ctx.type = 'html'
    ctx.body = body
  }
  return Object.freeze({
    texts: (ctx: Context, uiLocales?: string) => renderer.translate(localeOf(ctx, uiLocales)),
    show,
    explain(ctx: Context, status: number, id: string, fault?: unknown) {
      const reference = fault === undefined ? undefined : randomToken(REFERENCE_BYTES)
      if (reference !== undefined) logFault(ctx, fault, reference)
      const fields: Pick<ErrorScreen, 'id' | 'reference'> = { id, ...(reference === undefined ? {} : { reference }) }
      show(ctx, id.startsWith('expired') ? 'expired' : 'error', fields)
      ctx.status = status
    },
  })
}
