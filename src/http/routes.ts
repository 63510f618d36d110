import { extname } from 'node:path'
import Router, { type RouterContext } from '@koa/router'
import type { Middleware } from 'koa'
import { randomToken } from '../crypto/random.ts'
import type { Ending } from '../provider/interaction.ts'
import { createDevicePort, sendDeviceFailure } from './devices.ts'
import { faultOf, isOutage, sendUnavailable } from './outage.ts'
import { answerPage, leavePage, returnPage, showChoice, showPage } from './pages.ts'
import { sendFailure } from './send.ts'
import { arriveBySetup, openTicket, SETUP, showDone } from './setup.ts'
import { arrive, type PageTools, type Visit, type Wanted } from './visit.ts'
import { showWaiting, streamWaiting } from './waiting.ts'

/** Where devices of accounts speak for themselves. */
const DEVICES = '/devices'
const IMMUTABLE = 'public, max-age=31536000, immutable'

/** The last resort: a page with a reference, the error itself to the host's log, and never a stack on the wire. */
const failSafe =
  (tools: PageTools): Middleware =>
  async (ctx, next) => {
    try {
      await next()
    } catch (thrown) {
      const reference = randomToken(6)
      tools.provider.emit('server_error', ctx as never, faultOf(thrown, reference))
      if (isOutage(thrown)) return sendUnavailable(ctx, tools, reference)
      if (ctx.path === `${tools.root}${DEVICES}`) return sendDeviceFailure(ctx, 500, reference)
      return sendFailure(ctx, tools, 500, 'error.unexpected', { reference })
    }
  }

const param = ({ params }: RouterContext, name: string): string => params[name] ?? ''

const serveAsset = (ctx: RouterContext, tools: PageTools) => {
  const asset = tools.renderer.asset(param(ctx, 'file'))
  if (asset === undefined) return sendFailure(ctx, tools, 404, 'error.not-found')
  const { path, etag, body } = asset
  ctx.set({ 'Cache-Control': IMMUTABLE, 'X-Content-Type-Options': 'nosniff' })
  ctx.etag = etag
  ctx.status = 200
  if (ctx.fresh) ctx.status = 304
  else {
    ctx.type = extname(path)
    ctx.body = body
  }
}

const wrongMethod = (tools: PageTools, allow: string) => (ctx: RouterContext) => {
  ctx.set('Allow', allow)
  return sendFailure(ctx, tools, 405, 'error.not-found')
}

/** The pages that a ticket opens. */
const setupRoutes = (tools: PageTools) => {
  const visited = (page: (visit: Visit, ctx: RouterContext) => Promise<void>) => async (ctx: RouterContext) => {
    const visit = await arriveBySetup(ctx, tools)
    if (visit !== undefined) await page(visit, ctx)
  }
  return new Router()
    .get(
      '/',
      visited((visit) => showPage(visit, tools)),
    )
    .post('/', (ctx) => openTicket(ctx, tools))
    .all('/', wrongMethod(tools, 'GET, HEAD, POST'))
    .get('/done', (ctx) => showDone(ctx, tools))
    .all('/done', wrongMethod(tools, 'GET, HEAD'))
    .get(
      '/choose',
      visited((visit) => showChoice(visit, tools)),
    )
    .all('/choose', wrongMethod(tools, 'GET, HEAD'))
    .post(
      '/decline',
      visited((visit) => leavePage(visit, tools, { outcome: 'declined' })),
    )
    .all('/decline', wrongMethod(tools, 'POST'))
    .get(
      '/:factor',
      visited((visit, ctx) => showPage(visit, tools, param(ctx, 'factor'))),
    )
    .post(
      '/:factor',
      visited((visit, ctx) => answerPage(visit, tools, param(ctx, 'factor'))),
    )
    .all('/:factor', wrongMethod(tools, 'GET, HEAD, POST'))
    .use('/:factor', stepRoutes(tools, visited))
    .routes()
}

type Visiting = (page: (visit: Visit, ctx: RouterContext) => Promise<void>) => (ctx: RouterContext) => Promise<void>

/** What stands below the page of a factor: where other sites send the browser back to, and where pages wait. */
const stepRoutes = (tools: PageTools, visited: Visiting) => {
  const factorOf = (ctx: RouterContext) => param(ctx, 'factor')
  return new Router()
    .get(
      '/return',
      visited((visit, ctx) => returnPage(visit, tools, factorOf(ctx))),
    )
    .all('/return', wrongMethod(tools, 'GET, HEAD'))
    .get(
      '/events',
      visited((visit, ctx) => streamWaiting(visit, tools, factorOf(ctx))),
    )
    .all('/events', wrongMethod(tools, 'GET, HEAD'))
    .get(
      '/state',
      visited((visit, ctx) => showWaiting(visit, tools, factorOf(ctx))),
    )
    .all('/state', wrongMethod(tools, 'GET, HEAD'))
    .routes()
}

/**
 * All HTTP of the interaction pages, as one Koa middleware that leaves every other path alone.
 *
 * Unknown paths and wrong methods below our root get a page as well: 404, or 405 with `Allow`. A factor's
 * pages stand at `/:uid/:factor`; its id is checked by the page, never used as a path.
 */
export const createRoutes = (tools: PageTools): Middleware => {
  const { root } = tools
  const factorOf = (ctx: RouterContext) => param(ctx, 'factor')
  /** Runs a page of one interaction; what is no interaction of this browser is answered by `arrive`. */
  const visited =
    (page: (visit: Visit, ctx: RouterContext) => Promise<void>, intent?: Wanted['intent']) =>
    async (ctx: RouterContext) => {
      const wanted = intent && { factor: ctx.params.factor, intent }
      const visit = await arrive(ctx, tools, param(ctx, 'uid'), wanted)
      if (visit !== undefined) await page(visit, ctx)
    }
  const leave = (outcome: Ending['outcome']) => (visit: Visit) => leavePage(visit, tools, { outcome })
  const router = new Router({ prefix: root })
    .get('/assets/:file', (ctx) => serveAsset(ctx, tools))
    .all('/assets/:file', wrongMethod(tools, 'GET, HEAD'))
    .post(DEVICES, createDevicePort(tools.devices, tools.provider.issuer))
    .all(DEVICES, (ctx) => {
      ctx.set('Allow', 'POST')
      sendDeviceFailure(ctx, 405)
    })
    .use(SETUP, setupRoutes(tools))
    .get(
      '/:uid',
      visited((visit) => showPage(visit, tools), 'show'),
    )
    .all('/:uid', wrongMethod(tools, 'GET, HEAD'))
    .get(
      '/:uid/choose',
      visited((visit) => showChoice(visit, tools)),
    )
    .all('/:uid/choose', wrongMethod(tools, 'GET, HEAD'))
    .post('/:uid/cancel', visited(leave('cancelled')))
    .all('/:uid/cancel', wrongMethod(tools, 'POST'))
    .post('/:uid/decline', visited(leave('declined')))
    .all('/:uid/decline', wrongMethod(tools, 'POST'))
    .get(
      '/:uid/:factor',
      visited((visit, ctx) => showPage(visit, tools, factorOf(ctx)), 'show'),
    )
    .post(
      '/:uid/:factor',
      visited((visit, ctx) => answerPage(visit, tools, factorOf(ctx)), 'answer'),
    )
    .all('/:uid/:factor', wrongMethod(tools, 'GET, HEAD, POST'))
    .use('/:uid/:factor', stepRoutes(tools, visited))

  const routes = router.routes()
  const safely = failSafe(tools)
  return async function stepUpPages(ctx, next) {
    if (ctx.path !== root && !ctx.path.startsWith(`${root}/`)) return next()
    const notFound = async () => sendFailure(ctx, tools, 404, 'error.not-found')
    return safely(ctx, () => routes(ctx as never, notFound))
  }
}
