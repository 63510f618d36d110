import type { Context } from 'koa'
import type Provider from 'oidc-provider'
import type { Account } from '../account.ts'
import type { Config } from '../config.ts'
import type { AnyFactor } from '../factors/factor.ts'
import type { Ceremonies } from '../flow/ceremony.ts'
import type { Place } from '../flow/place.ts'
import { type OpenInteraction, openInteraction } from '../provider/interaction.ts'
import { mountPathOf } from '../provider/oidc.ts'
import type { Csrf } from './csrf.ts'
import { sameOrigin } from './csrf.ts'
import { isUnreadable, readForm } from './form.ts'
import { pageHeaders } from './headers.ts'
import type { Renderer } from './render.ts'
import type { ErrorScreen, Screen, WaysOut } from './screens.ts'

/** What the pages work with. */
export interface PageTools {
  readonly provider: Provider
  readonly config: Config
  readonly ceremonies: Ceremonies
  readonly renderer: Renderer
  readonly csrf: Csrf
  /** Path of our pages below the mount path. */
  readonly root: string
}

/** One request for a page of one interaction, with all that its screens share. */
export interface Visit {
  readonly ctx: Context
  readonly open: OpenInteraction
  readonly account: Account
  /** URL path of this interaction's pages, without a slash at the end. */
  readonly base: string
  readonly client: Place['client']
  readonly screen: Screen & WaysOut
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

const screenOf = (ctx: Context, { renderer, root }: PageTools, uiLocales?: string): Screen => {
  const locale = renderer.negotiate(uiLocales, ctx.get('accept-language'))
  const stylesheet = `${mountPathOf(ctx)}${root}/assets/${renderer.stylesheet.path}`
  return { t: renderer.translate(locale), locale, stylesheet }
}

/** A page that says what went wrong. `id` is the stem of its message ids. */
export const sendFailure = (
  ctx: Context,
  tools: PageTools,
  status: number,
  id: string,
  more: Pick<ErrorScreen, 'reference' | 'retryHref'> = {},
): void => {
  const screen: ErrorScreen = { ...screenOf(ctx, tools), id, ...more }
  sendPage(ctx, tools.renderer, status, id === 'expired' ? 'expired' : 'error', screen)
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)

const visitOf = async (ctx: Context, tools: PageTools, open: OpenInteraction, account: Account): Promise<Visit> => {
  const { interaction, details, accountId } = open
  const { params, uid } = interaction
  const clientId = textOf(params.client_id) ?? ''
  const name = (await tools.provider.Client.find(clientId))?.clientName ?? clientId
  const base = `${mountPathOf(ctx)}${tools.root}/${uid}`
  return {
    ctx,
    open,
    account,
    base,
    client: { id: clientId, name },
    screen: {
      ...screenOf(ctx, tools, textOf(params.ui_locales)),
      accountLabel: account.label,
      clientName: name,
      csrf: tools.csrf.token(uid, accountId),
      cancelAction: `${base}/cancel`,
      ...(details.declinable ? { declineAction: `${base}/decline` } : {}),
    },
  }
}

/** The visit, or nothing where the request is answered already: expired, finished, or the account is gone. */
export const arrive = async (ctx: Context, tools: PageTools, uid: string): Promise<Visit | undefined> => {
  const open = await openInteraction(tools.provider, ctx.req, ctx.res, uid)
  if (open === undefined) {
    sendFailure(ctx, tools, 400, 'expired')
    return undefined
  }
  const account = await tools.config.account(open.accountId)
  // Finished already (back button), or the account is gone: the resume decides and tells the relying party.
  if (open.interaction.result !== undefined || account === undefined || account.disabled === true) {
    sendOn(ctx, open.interaction.returnTo)
    return undefined
  }
  return visitOf(ctx, tools, open, account)
}

/** Where the ceremony of this factor takes place. */
export const placeOf = (
  { open, account, client, screen, base }: Visit,
  { provider }: PageTools,
  factor: AnyFactor,
): Place => {
  const { origin } = new URL(provider.issuer)
  return {
    interactionUid: open.interaction.uid,
    cid: open.interaction.cid,
    account,
    factor,
    purpose: open.details.outcome,
    client,
    origin,
    issuer: provider.issuer,
    url: `${origin}${base}/${factor.id}`,
    locale: screen.locale,
  }
}

/**
 * The fields of a form that really comes from our own page and has no field but these, or nothing where the
 * request is answered already.
 */
export const readVisitForm = async (
  { ctx, open }: Visit,
  tools: PageTools,
  fields: readonly string[],
): Promise<Readonly<Record<string, string>> | undefined> => {
  const form = await readForm(ctx)
  if (isUnreadable(form)) {
    sendFailure(ctx, tools, form.status, 'error.request')
    return undefined
  }
  const { csrf, ...input } = form
  const genuine = sameOrigin(ctx) && tools.csrf.verify(csrf, open.interaction.uid, open.accountId)
  if (genuine && Object.keys(input).every((name) => fields.includes(name))) return input
  sendFailure(ctx, tools, genuine ? 400 : 403, 'error.request')
  return undefined
}
