import Router from '@koa/router'
import type { Context } from 'koa'
import type { Interaction, InteractionResults } from 'oidc-provider'
import { z } from 'zod'
import { sameOrigin } from '../http/csrf.ts'
import { isUnreadable, readForm } from '../http/form.ts'
import {
  createPages,
  grantAll,
  type InteractionParts,
  MAX_USERNAME,
  signInProblem,
  type Unaccepted,
} from './interaction-pages.ts'

/** A request that an answer below 500 explains. */
interface Problem {
  readonly status: number
  readonly id: string
}

const MAX_PASSWORD = 1024
/** Longest answer of a passkey that is looked at, in characters. */
const MAX_PASSKEY = 8192

const csrfField = z.string().max(256)
const emptyForm = z.strictObject({ csrf: csrfField })
const passwordForm = z.strictObject({
  csrf: csrfField,
  username: z.string().max(MAX_USERNAME),
  password: z.string().max(MAX_PASSWORD),
})
const passkeyForm = z.strictObject({ csrf: csrfField, passkey: z.string().min(1).max(MAX_PASSKEY) })
const loginForm = z.union([passwordForm, passkeyForm])

const EXPIRED: Problem = { status: 400, id: 'expired' }
const REFUSED: Problem = { status: 403, id: 'error.request' }
const MALFORMED: Problem = { status: 400, id: 'error.request' }

const isProblem = (value: object): value is Problem => 'status' in value

/** Opens interactions: what a request has to bring before it is looked at. */
const createGate = ({ provider, csrf }: InteractionParts) => {
  const open = async (ctx: Context, prompt?: string): Promise<Interaction | Problem> => {
    const details = await provider.interactionDetails(ctx.req, ctx.res)
    const other = details.uid !== ctx.params.uid || (prompt !== undefined && details.prompt.name !== prompt)
    return other ? EXPIRED : details
  }
  return {
    open,
    async submitted<Form extends { csrf: string }>(ctx: Context, form: z.ZodType<Form>, prompt?: string) {
      if (!sameOrigin(ctx)) return REFUSED
      const details = await open(ctx, prompt)
      if (isProblem(details)) return details
      const fields = await readForm(ctx)
      if (isUnreadable(fields)) return { status: fields.status, id: 'error.request' }
      const { data } = form.safeParse(fields)
      if (!data) return MALFORMED
      return csrf.verify(data.csrf, 'interaction', details.uid) ? { details, data } : REFUSED
    },
  }
}

/** What a login form came to: who it is, or what its page says next. */
type Answered =
  | { readonly login: NonNullable<InteractionResults['login']> }
  | { readonly status: number; readonly last: Unaccepted; readonly waitSeconds?: number }

const createLogin = ({ directory, passkeyLogin, clock }: InteractionParts) => {
  const byPassword = async ({ username, password }: z.infer<typeof passwordForm>): Promise<Answered> => {
    const answer = await directory.signIn(username, password)
    if (answer.outcome === 'accepted') {
      const { outcome: _accepted, ...login } = answer
      return { login: { ...login, ts: clock() } }
    }
    const { status, error } = signInProblem(answer)
    const wait = answer.outcome === 'throttled' ? { waitSeconds: answer.waitSeconds } : {}
    return { status, last: { username, error }, ...wait }
  }
  const byPasskey = async (ctx: Context, { passkey }: z.infer<typeof passkeyForm>): Promise<Answered> => {
    const accountId = await passkeyLogin.finish(ctx, passkey)
    const account = accountId === undefined ? undefined : await directory.find(accountId)
    if (account === undefined) return { status: 422, last: { error: { id: 'serve.login.passkey' } } }
    const { id, securityStamp } = account
    return { login: { accountId: id, ts: clock(), ...(securityStamp === undefined ? {} : { securityStamp }) } }
  }
  return (ctx: Context, form: z.infer<typeof loginForm>) =>
    'passkey' in form ? byPasskey(ctx, form) : byPassword(form)
}

/**
 * The login and consent pages at `/interaction/:uid`.
 *
 * Every request needs the cookie of the very interaction in its path (oidc-provider's signed cookie, so another
 * browser gets the expired page), every form our token and this site as its origin.
 */
export const interactionRoutes = (parts: InteractionParts): Router => {
  const { provider, screens } = parts
  const logIn = createLogin(parts)
  const { open, submitted } = createGate(parts)
  const pages = createPages(parts)
  const router = new Router()

  const finish = async (ctx: Context, result: InteractionResults) => {
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result))
    ctx.status = 303
  }
  const refuse = (ctx: Context, { status, id }: Problem) => screens.explain(ctx, status, id)

  router.get('/interaction/:uid', async (ctx) => {
    const details = await open(ctx)
    if (isProblem(details)) return refuse(ctx, details)
    if (details.prompt.name === 'login') return pages.login(ctx, details)
    return details.prompt.name === 'consent' ? pages.consent(ctx, details) : refuse(ctx, EXPIRED)
  })
  router.post('/interaction/:uid/login', async (ctx) => {
    const form = await submitted(ctx, loginForm, 'login')
    if (isProblem(form)) return refuse(ctx, form)
    const answer = await logIn(ctx, form.data)
    if ('login' in answer) return finish(ctx, answer)
    const { status, last, waitSeconds } = answer
    await pages.login(ctx, form.details, last)
    ctx.status = status
    if (waitSeconds !== undefined) ctx.set('Retry-After', String(waitSeconds))
  })
  router.post('/interaction/:uid/consent', async (ctx) => {
    const form = await submitted(ctx, emptyForm, 'consent')
    if (isProblem(form)) return refuse(ctx, form)
    return finish(ctx, { consent: { grantId: await grantAll(provider, form.details) } })
  })
  router.post('/interaction/:uid/cancel', async (ctx) => {
    const form = await submitted(ctx, emptyForm)
    if (isProblem(form)) return refuse(ctx, form)
    return finish(ctx, { error: 'access_denied', error_description: 'End-User aborted interaction' })
  })
  return router
}
