import type { AnyFactor } from '../factors/factor.ts'
import { AGAIN, type Outcome } from '../flow/ceremony.ts'
import { noteOutage } from '../flow/outage.ts'
import { fewLeft, isRecovery } from '../flow/permit.ts'
import { answering } from '../flow/place.ts'
import type { Settled } from '../flow/settle.ts'
import type { Ending } from '../provider/interaction.ts'
import { writeNotHere } from '../provider/not-here.ts'
import type { StoreKey } from '../store/store.ts'
import { CLOSING, noticeOf, sendClosed, statusOf } from './notices.ts'
import type { CeremonyScreen, ChooseScreen, Offer, Offered, UnreachableScreen } from './screens.ts'
import { assetsOf, sendFailure, sendOn, sendPage } from './send.ts'
import {
  chooseHrefOf,
  factorAt,
  offered,
  type PageTools,
  placeOf,
  readBoundForm,
  type Task,
  type Visit,
} from './visit.ts'

/** The field that asks for this browser to be remembered. */
const REMEMBER = 'remember'
/** The field that keeps an offer away from this browser. */
const HERE = 'here'
/** What a user agent says of itself is kept this far, for its owner to know the browser by. */
const MAX_LABEL_LENGTH = 256

const readingOf = ({ ahead }: Visit, { id }: AnyFactor) => (ahead?.factor === id ? ahead.reading : undefined)

/** Why something is offered though nothing is owed; in a setup by ticket, because it stands beside what was set up. */
const offerReasonOf = ({ offerReason = 'running-out' }: Task): Offer =>
  offerReason === 'running-out' ? 'due' : offerReason

/** Why this is offered, and after a recovery code a warning where few are left. */
const offerOf = async (visit: Visit, tools: PageTools): Promise<Offered> => {
  if (!visit.task.offer) return {}
  const offer = offerReasonOf(visit.task)
  if (offer !== 'recovered') return { offer }
  const codesLeft = fewLeft(tools.config.factors, (await tools.records.load(visit.account.id)).record)
  return { offer, ...(codesLeft === undefined ? {} : { codesLeft }) }
}

/** Whether the browser may be remembered by this factor: not on the strength of a recovery code. */
const canRemember = ({ task }: Visit, factor: AnyFactor, proof: Pick<AnyFactor, 'traits'> = factor) =>
  task.rememberable && task.outcome === 'challenge' && !isRecovery(factor) && !isRecovery(proof)

/** Whether its page offers to: one that remembers unasked has nothing to ask. */
const isRememberable = (visit: Visit, factor: AnyFactor) =>
  canRemember(visit, factor) && factor.remembersForSeconds === undefined

const rememberOf = (visit: Visit, { config }: PageTools, factor: AnyFactor, checked: boolean) => {
  const { rememberBrowser } = config
  return rememberBrowser === undefined || !isRememberable(visit, factor)
    ? {}
    : { remember: { seconds: rememberBrowser.lifeSeconds, checked } }
}

/** Where a page learns that a device has answered. */
const waitingOf = ({ base }: Visit, { id }: AnyFactor, { waiting }: Outcome & { outcome: 'open' }) => {
  if (waiting === undefined) return {}
  const { version, answered } = waiting
  const here = `${base}/${id}`
  return { answered, waiting: { version, eventsHref: `${here}/events?version=${version}`, stateHref: `${here}/state` } }
}

/** What a page is about: the factor, and whether the browser was asked to be remembered. */
interface Asked {
  readonly factor: AnyFactor
  readonly remember: boolean
}

const scriptsOf = ({ ctx }: Visit, { renderer, root }: PageTools, { id }: AnyFactor, isWaiting: boolean) => {
  const paths = [...renderer.scriptsOf(id, 'own'), ...(isWaiting ? [renderer.waitingScript.path] : [])]
  return paths.length === 0 ? {} : { scripts: paths.map((path) => `${assetsOf(ctx, root)}/${path}`) }
}

const sendCeremony = async (visit: Visit, tools: PageTools, asked: Asked, outcome: Outcome & { outcome: 'open' }) => {
  const { ctx, task, base, screen } = visit
  const { factor, remember } = asked
  const { notice, view, authenticators, redirect } = outcome
  if (redirect !== undefined && notice === undefined) return sendOn(ctx, redirect)
  if (notice !== undefined && 'retryAfterSeconds' in notice) ctx.set('Retry-After', String(notice.retryAfterSeconds))
  if (notice !== undefined && (CLOSING.has(notice.reason) || view === undefined))
    return sendClosed(visit, tools, factor, notice)
  const page: CeremonyScreen = {
    ...screen,
    ...scriptsOf(visit, tools, factor, outcome.waiting !== undefined),
    ...chooseHrefOf(visit),
    ...(await offerOf(visit, tools)),
    ...rememberOf(visit, tools, factor, remember),
    ...waitingOf(visit, factor, outcome),
    action: `${base}/${factor.id}`,
    alternatives: task.factors.filter((id) => id !== factor.id).map((id) => ({ factor: id, href: `${base}/${id}` })),
    authenticators,
    view,
    ...(notice === undefined ? {} : { error: noticeOf(notice) }),
  }
  sendPage(ctx, tools.renderer, statusOf(notice), `${factor.id}/${task.outcome}`, page)
  if (page.offer === 'better') await noteOffered(visit, tools)
}

/** What an account has of each factor, by masked names; at enrolment nothing, as nothing of it is asked for. */
const namesOf = async ({ task, account }: Visit, { config, records }: PageTools) => {
  if (task.outcome === 'enroll') return () => []
  const { record } = await records.load(account.id)
  return (id: string) =>
    config.factors
      .filter((factor) => factor.id === id)
      .flatMap((factor) => answering(factor, account, record).map((one) => factor.describe(one)))
      .filter((name) => name !== '')
}

/** What can be chosen here: to be set up, only what may be set up still, as another tab may have come first. */
const choosable = async (visit: Visit, tools: PageTools): Promise<readonly string[]> => {
  const { factors, outcome } = visit.task
  const [first, ...others] = tools.config.factors.filter(({ id }) => factors.includes(id))
  if (outcome === 'challenge' || first === undefined) return factors
  const open = await tools.ceremonies.open(placeOf(visit, tools, first), [first, ...others])
  return factors.filter((factor) => open.some(({ id }) => id === factor))
}

const sendChoice = async (visit: Visit, tools: PageTools) => {
  const { ctx, task, base, screen } = visit
  const [names, factors] = await Promise.all([namesOf(visit, tools), choosable(visit, tools)])
  if (factors.length === 0) return leave(visit)
  const page: ChooseScreen = {
    ...screen,
    ...(await offerOf(visit, tools)),
    purpose: task.outcome,
    options: factors.map((factor) => ({ factor, href: `${base}/${factor}`, authenticators: names(factor) })),
  }
  sendPage(ctx, tools.renderer, 200, 'choose', page)
  if (page.offer === 'better') await noteOffered(visit, tools)
}

/** Explains why nothing can be asked here; by a ticket the account may have got something meanwhile. */
const sendUnreachable = async (visit: Visit, { renderer, records }: PageTools) => {
  const { ctx, task, account, onward, screen } = visit
  const { record } = await records.load(account.id)
  if (task.ticketOnly && record.authenticators.length > 0) return sendOn(ctx, onward)
  const reason = task.offered ? (task.ticketOnly ? 'ticket' : 'offered') : 'absent'
  const page: UnreachableScreen = { ...screen, reason }
  sendPage(ctx, renderer, 200, 'unreachable', page)
}

/** Remembers the browser after a verification in it; its cookie goes out with this answer. */
const remember = async ({ ctx, account, place }: Visit, tools: PageTools, factor: AnyFactor, settled: Settled) => {
  const { securityStamp } = account
  const label = ctx.get('user-agent').slice(0, MAX_LABEL_LENGTH)
  const given = {
    proof: { ...settled.proof, factor: factor.id },
    ...(factor.remembersForSeconds === undefined ? {} : { lifeSeconds: factor.remembersForSeconds }),
    factorsVersion: settled.factorsVersion,
    clientId: place.client?.id ?? '',
    ...(securityStamp === undefined ? {} : { securityStamp }),
    ...(label === '' ? {} : { label }),
  }
  const { value, until } = await tools.browsers.remember(account.id, given, tools.cookies.read(ctx, account.id))
  tools.cookies.write(ctx, account.id, value, until)
}

/** Nobody waits here for a device any more: it is told so, and others may be asked. */
const abandon = async ({ task, place, account }: Visit, { config, ceremonies }: PageTools) => {
  const waiting = config.factors.filter((one) => task.factors.includes(one.id) && one[task.outcome]?.receive)
  await Promise.all(waiting.map((factor) => ceremonies.abandon({ ...place, account, factor, purpose: task.outcome })))
}

/** Nothing is to be done here any more. An offer that no longer stands is owed by nobody, so the request goes on without. */
const leave = async (visit: Visit) =>
  sendOn(visit.ctx, visit.task.offer ? await visit.end({ outcome: 'declined' }) : visit.onward)

/** Nothing can ask, and the policy does not insist: noted, told by every decision, and the login is all that is reported. */
const exempt = async ({ ctx, end }: Visit, { vault, config }: PageTools, key: StoreKey, factor: AnyFactor) => {
  await noteOutage(vault, key, factor.id, config.clock() + config.flowSeconds)
  return sendOn(ctx, await end({ outcome: 'verified' }))
}

/** The only way there is could not even begin, at the first time that it is shown. */
const isOut = ({ task }: Visit, outcome: Outcome) =>
  outcome.outcome === 'open' && outcome.outage === true && task.outcome === 'challenge' && task.factors.length === 1

const follow = async (visit: Visit, tools: PageTools, asked: Asked, outcome: Outcome) => {
  if (outcome.outcome === 'open') return sendCeremony(visit, tools, asked, outcome)
  // All else is decided anew.
  if (outcome.outcome === 'gone') return leave(visit)
  const { factor } = asked
  const isUnasked = factor.remembersForSeconds !== undefined && canRemember(visit, factor, outcome.proof)
  if (asked.remember || (isUnasked && tools.config.rememberBrowser !== undefined))
    await remember(visit, tools, factor, outcome)
  const [onward] = await Promise.all([visit.end({ outcome: 'verified' }), outcome.left, abandon(visit, tools)])
  return sendOn(visit.ctx, onward)
}

/** The page a visit stands at, or the page of one of its factors. Begins the ceremony where none is open. */
export const showPage = async (visit: Visit, tools: PageTools, id?: string): Promise<void> => {
  const { factors, outcome } = visit.task
  if (factors.length === 0) return sendUnreachable(visit, tools)
  if (id === undefined && outcome === 'enroll' && factors.length > 1) return sendChoice(visit, tools)
  const factor = offered(visit, tools, factorAt(visit.task, id))
  if (factor === undefined) return sendOn(visit.ctx, visit.base)
  const shown = await tools.ceremonies.show(placeOf(visit, tools, factor), readingOf(visit, factor))
  if (visit.outage !== undefined && isOut(visit, shown)) return exempt(visit, tools, visit.outage, factor)
  return follow(visit, tools, { factor, remember: visit.ctx.query[REMEMBER] === 'yes' }, shown)
}

/** The list of ways, where there is more than one. */
export const showChoice = async (visit: Visit, tools: PageTools): Promise<void> =>
  visit.task.factors.length > 1 ? sendChoice(visit, tools) : sendOn(visit.ctx, visit.base)

/** Takes an answer; on acceptance the browser goes on, and what it is owed is decided anew. */
export const answerPage = async (visit: Visit, tools: PageTools, id: string): Promise<void> => {
  const { ctx, task, place, base, binding } = visit
  const factor = offered(visit, tools, id)
  // In a setup the next page has the same address, and the first of two clicks may have led there.
  if (factor === undefined && place.cid === undefined) return sendOn(ctx, base)
  if (factor === undefined) return sendFailure(ctx, tools, 404, 'error.not-found')
  const own = isRememberable(visit, factor) ? [REMEMBER] : []
  const { fields = [], receive } = factor[task.outcome] ?? {}
  const known = [...fields, ...own, ...(receive === undefined ? [] : [AGAIN])]
  const form = await readBoundForm(ctx, tools, binding, known)
  if (form === undefined) return
  const { [REMEMBER]: remembering, ...rest } = form
  const asked = { factor, remember: own.length > 0 && remembering === 'yes' }
  const outcome = await tools.ceremonies.answer(
    placeOf(visit, tools, factor),
    own.length > 0 ? rest : form,
    readingOf(visit, factor),
  )
  // What was answered is no longer open: the page shows where things stand, or begins anew.
  if (outcome.outcome === 'gone') return sendOn(ctx, base)
  // A page of its own for what was refused, so that going back or reloading never posts again.
  if (outcome.outcome === 'open' && outcome.kept === true)
    return sendOn(ctx, `${base}/${id}${asked.remember ? `?${REMEMBER}=yes` : ''}`)
  return follow(visit, tools, asked, outcome)
}

/** Takes what another site sent the browser back with. The ceremony's own state says whether it is genuine. */
export const returnPage = async (visit: Visit, tools: PageTools, id: string): Promise<void> => {
  const { ctx, task, base } = visit
  const factor = offered(visit, tools, id)
  const names = factor?.[task.outcome]?.returns
  if (factor === undefined || names === undefined) return sendFailure(ctx, tools, 404, 'error.not-found')
  const given = names.flatMap((name): [string, string][] => {
    const value = ctx.query[name]
    return typeof value === 'string' ? [[name, value]] : []
  })
  const outcome = await tools.ceremonies.answer(placeOf(visit, tools, factor), Object.fromEntries(given))
  // Whatever is left to show has a page without the parameters in its address.
  if (outcome.outcome !== 'accepted') return sendOn(ctx, `${base}/${id}`)
  return follow(visit, tools, { factor, remember: false }, outcome)
}

/** An offer that was made, or turned down, is not made again for a while. */
const noteOffered = ({ account, task }: Visit, { records, config }: PageTools) => {
  const declined = Object.fromEntries(task.factors.map((factor) => [factor, config.clock()]))
  return records.update(account.id, (record) => ({
    ...record,
    declinedOffers: { ...record.declinedOffers, ...declined },
  }))
}

/** Leaves without: declined where that is allowed, else cancelled. */
export const leavePage = async (visit: Visit, tools: PageTools, ending: Ending): Promise<void> => {
  const { ctx, task, binding, screen } = visit
  const form = await readBoundForm(ctx, tools, binding, task.offer ? [HERE] : [])
  if (form === undefined) return
  const action = ending.outcome === 'declined' ? screen.declineAction : screen.cancelAction
  if (action === undefined) return sendFailure(ctx, tools, 400, 'error.request')
  if (task.offer && ending.outcome === 'declined') await noteOffered(visit, tools)
  if (form[HERE] === 'no') writeNotHere(ctx, task.factors)
  await abandon(visit, tools)
  return sendOn(ctx, await visit.end(ending))
}
