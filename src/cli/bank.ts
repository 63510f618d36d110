import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import Koa, { type Context, type Next } from 'koa'
import { AuthorizationResponseError, ResponseBodyError } from 'openid-client'
import { type Clock, systemClock } from '../clock.ts'
import { equalSecret } from '../crypto/equal.ts'
import { createRenderer } from '../http/render.ts'
import { type BankClient, type BankRegistration, createBankClient } from './bank-client.ts'
import { type BankPages, createBankPages, showProblem, TASKS } from './bank-pages.ts'
import { phoneRoutes } from './bank-phone.ts'
import { addTrip, type BankSession, createBankSessions } from './bank-sessions.ts'
import { type Demand, type Explanation, explainDocuments, explainError, isEnough, STALE_FORM } from './bank-words.ts'
import { type Listening, listen } from './listen.ts'

/** Settings of Bank, the relying party of the demo. */
export interface BankOptions extends BankRegistration {
  readonly host: string
  readonly port: number
  /** How a person chooses another port. */
  readonly portRemedy: string
  /** Where codes wait that the demo would send, if anywhere. */
  readonly outboxHref?: string | undefined
  /** @default the machine's */
  readonly clock?: Clock
}

const LOST: Explanation = {
  heading: 'We lost track of this sign-in',
  text: 'It was started in another browser, or too long ago, or it is finished already. Please start again.',
}
const SOMEBODY_ELSE: Explanation = {
  heading: 'You are somebody else now',
  text: 'You came back with another account than the one you left with, so nothing was done. You are signed in with the new one.',
}
const TOO_LITTLE: Explanation = {
  heading: 'That was not enough',
  text: 'Your sign-in service let you through with less than this takes, so nothing was done.',
}
const NO_PAGE: Explanation = { heading: 'There is no page here', text: 'Check the address, or go back to the start.' }
const BROKEN: Explanation = {
  heading: 'That did not work',
  text: 'Something went wrong between Bank and your sign-in service. Nothing was done. Please try again in a minute.',
}

const demandOf = (purpose: string): Demand => TASKS[purpose]?.demand ?? {}

const errorCode = (error: unknown) =>
  error instanceof AuthorizationResponseError || error instanceof ResponseBodyError ? error.error : undefined

const STATEMENT = [
  { on: '1 March', what: 'Salary', amount: '+2,400.00' },
  { on: '3 March', what: 'Rent', amount: '−950.00' },
  { on: '7 March', what: 'Groceries', amount: '−63.20' },
  { on: '12 March', what: 'Train ticket', amount: '−49.00' },
]

const DOCUMENTS = [
  { name: 'Account contract', on: '2 May 2023' },
  { name: 'Tax certificate 2024', on: '14 Feb 2025' },
  { name: 'Terms and conditions', on: '1 Jan 2025' },
]

/** Bank's routes to and from the sign-in service. */
const signInRoutes = (options: BankOptions, client: BankClient, pages: BankPages, clock: Clock) => {
  const sessions = createBankSessions()

  const depart = async (ctx: Context, purpose: string) => {
    const session = sessions.ensure(ctx)
    const { url, state, trip } = await client.depart(purpose, demandOf(purpose))
    addTrip(session, state, trip)
    ctx.redirect(url.href)
  }
  /** The session where it is enough for the task; otherwise the browser is on its way to the sign-in service. */
  const admit = async (ctx: Context, purpose: string): Promise<BankSession | undefined> => {
    const session = sessions.of(ctx)
    if (session?.signedIn && isEnough(session.signedIn, demandOf(purpose), clock())) return session
    await depart(ctx, purpose)
    return undefined
  }
  const arrive = async (ctx: Context) => {
    const session = sessions.of(ctx)
    const state = String(ctx.query.state)
    const trip = session?.trips.get(state)
    if (!session || !trip) return showProblem(ctx, pages, session, LOST)
    session.trips.delete(state)
    const demand = demandOf(trip.purpose)
    try {
      const signedIn = await client.arrive(new URL(ctx.originalUrl, options.origin), state, trip, demand)
      const before = session.signedIn
      const rotated = sessions.signIn(ctx, session, signedIn)
      if (before && before.sub !== signedIn.sub) return showProblem(ctx, pages, rotated, SOMEBODY_ELSE)
      if (!isEnough(signedIn, demand, clock())) return showProblem(ctx, pages, rotated, TOO_LITTLE)
      ctx.redirect(`/${trip.purpose}`)
    } catch (error) {
      const code = errorCode(error)
      if (code === undefined) throw error
      showProblem(ctx, pages, session, explainError(code, demand.acr), code)
    }
  }
  const leave = async (ctx: Context, session: BankSession) => {
    const url = session.signedIn && (await client.depose(session.signedIn.idToken))
    sessions.end(ctx)
    ctx.redirect(url?.href ?? '/')
    ctx.status = 303
  }
  /** The session that a form belongs to. */
  const submitted = (ctx: Context) => {
    const session = sessions.of(ctx)
    const { csrf } = (ctx.request.body ?? {}) as Record<string, unknown>
    return session && typeof csrf === 'string' && equalSecret(csrf, session.csrf) ? session : undefined
  }
  return { sessions, depart, admit, arrive, leave, submitted }
}

const parseBody = bodyParser({ enableTypes: ['form'], formLimit: '16kb' })

const bankRoutes = (pages: BankPages, routes: ReturnType<typeof signInRoutes>) => {
  const { sessions, depart, admit, arrive, leave, submitted } = routes
  const router = new Router()
  router.get('/', (ctx) => {
    const session = sessions.of(ctx)
    pages.show(ctx, session?.signedIn ? 'overview' : 'home', session)
  })
  router.get('/bank.css', (ctx) => {
    ctx.type = 'css'
    ctx.body = pages.stylesheet
  })
  router.get('/bank.js', (ctx) => {
    ctx.type = 'js'
    ctx.body = pages.script
  })
  router.get('/sign-in', (ctx) => depart(ctx, ''))
  router.get('/callback', arrive)
  router.get('/signed-out', (ctx) => pages.show(ctx, 'home', undefined, { notice: 'You have signed out.' }))
  router.get('/statement', async (ctx) => {
    const session = await admit(ctx, 'statement')
    if (session) pages.show(ctx, 'statement', session, { lines: STATEMENT })
  })
  router.get('/documents', async (ctx) => {
    const session = await admit(ctx, 'documents')
    if (!session?.signedIn) return
    pages.show(ctx, 'documents', session, { documents: DOCUMENTS, why: explainDocuments(session.signedIn.claims) })
  })
  router.get('/transfer', async (ctx) => {
    const session = await admit(ctx, 'transfer')
    if (session) pages.show(ctx, 'transfer', session)
  })
  router.get('/limits', async (ctx) => {
    const session = await admit(ctx, 'limits')
    if (session) pages.show(ctx, 'limits', session)
  })
  for (const purpose of ['transfer', 'limits']) {
    router.post(`/${purpose}`, parseBody, async (ctx) => {
      if (!submitted(ctx)) return showProblem(ctx, pages, sessions.of(ctx), STALE_FORM)
      // The proof may have grown too old while the form stood open.
      if (!(await admit(ctx, purpose))) return
      // With 303, so that a reload does not send the form again.
      ctx.redirect(`/${purpose}/done`)
      ctx.status = 303
    })
    router.get(`/${purpose}/done`, (ctx) => {
      const session = sessions.of(ctx)
      if (session?.signedIn) pages.show(ctx, 'done', session, { purpose })
      else ctx.redirect('/')
    })
  }
  router.post('/sign-out', parseBody, async (ctx) => {
    const session = submitted(ctx)
    if (!session) return showProblem(ctx, pages, sessions.of(ctx), STALE_FORM)
    return leave(ctx, session)
  })
  return router
}

/** Keeps every failure a page, and says in the log what it was. */
const frame = (pages: BankPages) => async (ctx: Context, next: Next) => {
  try {
    await next()
    const { status } = ctx
    if ((status === 404 || status === 405 || status === 501) && !ctx.body) {
      pages.show(ctx, 'problem', undefined, { ...NO_PAGE, code: undefined })
      ctx.status = status
    }
  } catch (error) {
    const code = errorCode(error)
    process.stderr.write(`bank: ${ctx.method} ${JSON.stringify(ctx.path)} ${(error as Error).stack ?? error}\n`)
    const explanation = code === undefined ? BROKEN : explainError(code)
    pages.show(ctx, 'problem', undefined, { ...explanation, code })
    ctx.status = 502
  }
}

/** Starts Bank. @throws StepUpError ERR_CONFIG where the port cannot be had */
export const startBank = async (options: BankOptions): Promise<Listening> => {
  const { host, port, portRemedy: remedy, issuer, clock = systemClock } = options
  const pages = createBankPages(createRenderer(), clock, options.outboxHref)
  const client = createBankClient(options)
  const signIn = signInRoutes(options, client, pages, clock)
  const closing = new AbortController()
  const phone = phoneRoutes({ ...signIn, client, pages, clock, parseBody, closing: closing.signal, issuer })
  const app = new Koa()
  const router = bankRoutes(pages, signIn).use(phone.routes())
  app.use(frame(pages)).use(router.routes()).use(router.allowedMethods())
  const { close, drain } = await listen(app.callback(), { host, port, remedy })
  return Object.freeze({
    close() {
      closing.abort()
      return close()
    },
    drain(graceSeconds: number) {
      closing.abort()
      return drain(graceSeconds)
    },
  })
}
