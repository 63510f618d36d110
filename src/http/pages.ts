import type { Context } from 'koa'
import type { AnyFactor } from '../factors/factor.ts'
import type { Notice as FlowNotice, Outcome } from '../flow/ceremony.ts'
import { type Ending, endInteraction } from '../provider/interaction.ts'
import type { CeremonyScreen, ChooseScreen, ClosedScreen, Notice, UnreachableScreen } from './screens.ts'
import { arrive, type PageTools, placeOf, readVisitForm, sendFailure, sendOn, sendPage, type Visit } from './visit.ts'

const INVALID = 'code.invalid'
const UNAVAILABLE = 'code.unavailable'

/** Wrong, late, used and unknown read the same: an attacker learns nothing from the difference. */
const messages: Readonly<Record<FlowNotice['reason'], string>> = {
  invalid: INVALID,
  expired: INVALID,
  used: INVALID,
  'not-enrolled': INVALID,
  denied: INVALID,
  reported: INVALID,
  suspect: INVALID,
  unavailable: UNAVAILABLE,
  'not-sent': UNAVAILABLE,
  throttled: 'code.throttled',
  dead: 'code.dead',
  disabled: 'code.disabled',
}

const noticeOf = (notice: FlowNotice): Notice => ({
  id: messages[notice.reason],
  ...('retryAfterSeconds' in notice ? { values: { seconds: notice.retryAfterSeconds } } : {}),
})

const statusOf = (notice: FlowNotice | undefined) =>
  notice === undefined ? 200 : 'retryAfterSeconds' in notice ? 429 : 422

/** A factor that was offered on this interaction; anything else is as good as unknown. */
const offered = ({ open }: Visit, { config }: PageTools, id: string | undefined): AnyFactor | undefined =>
  config.factors.find((factor) => factor.id === id && open.details.factors.includes(factor.id))

const chooseHrefOf = ({ open, base }: Visit) =>
  open.details.factors.length > 1 ? { chooseHref: `${base}/choose` } : {}

const sendClosed = (visit: Visit, tools: PageTools, factor: AnyFactor, notice: FlowNotice) => {
  const page: ClosedScreen = {
    ...visit.screen,
    ...chooseHrefOf(visit),
    ...(notice.reason === 'disabled' ? {} : { retryHref: `${visit.base}/${factor.id}` }),
    notice: noticeOf(notice),
  }
  sendPage(visit.ctx, tools.renderer, statusOf(notice), 'closed', page)
}

const sendCeremony = (visit: Visit, tools: PageTools, factor: AnyFactor, outcome: Outcome & { outcome: 'open' }) => {
  const { ctx, open, base, screen } = visit
  const { notice, view, authenticators } = outcome
  if (notice !== undefined && 'retryAfterSeconds' in notice) ctx.set('Retry-After', String(notice.retryAfterSeconds))
  if (notice !== undefined && (notice.reason === 'dead' || notice.reason === 'disabled' || view === undefined))
    return sendClosed(visit, tools, factor, notice)
  const page: CeremonyScreen = {
    ...screen,
    ...chooseHrefOf(visit),
    action: `${base}/${factor.id}`,
    authenticators,
    view,
    ...(notice === undefined ? {} : { error: noticeOf(notice) }),
  }
  sendPage(ctx, tools.renderer, statusOf(notice), `${factor.id}/${open.details.outcome}`, page)
}

const sendChoice = ({ ctx, open, base, screen }: Visit, { renderer }: PageTools) => {
  const page: ChooseScreen = {
    ...screen,
    purpose: open.details.outcome,
    options: open.details.factors.map((factor) => ({ factor, href: `${base}/${factor}`, authenticators: [] })),
  }
  sendPage(ctx, renderer, 200, 'choose', page)
}

const sendUnreachable = ({ ctx, open, screen }: Visit, { renderer }: PageTools) => {
  const page: UnreachableScreen = { ...screen, offered: open.details.offered }
  sendPage(ctx, renderer, 200, 'unreachable', page)
}

const follow = async (visit: Visit, tools: PageTools, factor: AnyFactor, outcome: Outcome) => {
  if (outcome.outcome === 'open') return sendCeremony(visit, tools, factor, outcome)
  if (outcome.outcome === 'gone') return sendOn(visit.ctx, visit.open.interaction.returnTo)
  return sendOn(visit.ctx, await endInteraction(visit.open, { outcome: 'verified' }))
}

/** The page an interaction stands at, or the page of one of its factors. Begins the ceremony where none is open. */
export const showPage = async (ctx: Context, tools: PageTools, uid: string, id?: string): Promise<void> => {
  const visit = await arrive(ctx, tools, uid)
  if (visit === undefined) return
  const { factors, outcome } = visit.open.details
  if (factors.length === 0) return sendUnreachable(visit, tools)
  if (id === undefined && outcome === 'enroll' && factors.length > 1) return sendChoice(visit, tools)
  const factor = offered(visit, tools, id ?? factors[0])
  if (factor === undefined) return sendOn(ctx, visit.base)
  return follow(visit, tools, factor, await tools.ceremonies.show(placeOf(visit, tools, factor)))
}

/** The list of ways, where there is more than one. */
export const showChoice = async (ctx: Context, tools: PageTools, uid: string): Promise<void> => {
  const visit = await arrive(ctx, tools, uid)
  if (visit === undefined) return
  return visit.open.details.factors.length > 1 ? sendChoice(visit, tools) : sendOn(ctx, visit.base)
}

/** Takes an answer; on acceptance the browser goes on to the resume, which decides anew. */
export const answerPage = async (ctx: Context, tools: PageTools, uid: string, id: string): Promise<void> => {
  const visit = await arrive(ctx, tools, uid)
  if (visit === undefined) return
  const factor = offered(visit, tools, id)
  if (factor === undefined) return sendFailure(ctx, tools, 404, 'error.not-found')
  const input = await readVisitForm(visit, tools, factor[visit.open.details.outcome]?.fields ?? [])
  if (input === undefined) return
  const outcome = await tools.ceremonies.answer(placeOf(visit, tools, factor), input)
  // What was answered is no longer open: the page shows where things stand, or begins anew.
  return outcome.outcome === 'gone' ? sendOn(ctx, visit.base) : follow(visit, tools, factor, outcome)
}

/** Leaves without: declined where the level is voluntary, else cancelled. */
export const leavePage = async (ctx: Context, tools: PageTools, uid: string, ending: Ending): Promise<void> => {
  const visit = await arrive(ctx, tools, uid)
  if (visit === undefined || (await readVisitForm(visit, tools, [])) === undefined) return
  if (ending.outcome === 'declined' && !visit.open.details.declinable)
    return sendFailure(ctx, tools, 400, 'error.request')
  return sendOn(ctx, await endInteraction(visit.open, ending))
}
