import type { AnyFactor } from '../factors/factor.ts'
import type { Notice as FlowNotice } from '../flow/ceremony.ts'
import type { Translate } from './render.ts'
import type { ClosedScreen, Notice } from './screens.ts'
import { sendPage } from './send.ts'
import { chooseHrefOf, type PageTools, type Visit } from './visit.ts'

const INVALID = 'code.invalid'
const UNAVAILABLE = 'code.unavailable'
/** Wrong, late, used and unknown read the same: an attacker learns nothing from the difference. */
const messages: Readonly<Record<Exclude<FlowNotice['reason'], 'problem'>, string>> = {
  invalid: INVALID,
  expired: INVALID,
  used: INVALID,
  'not-enrolled': INVALID,
  denied: INVALID,
  reported: INVALID,
  suspect: INVALID,
  unavailable: UNAVAILABLE,
  'not-sent': 'message.not-sent',
  unreachable: 'message.unreachable',
  paused: 'message.paused',
  exhausted: 'message.exhausted',
  throttled: 'code.throttled',
  dead: 'code.dead',
  over: 'code.dead',
  disabled: 'code.disabled',
}

/** How a ceremony ended that begins anew only where the user asks for it. */
const endings: Readonly<Partial<Record<Extract<FlowNotice, { reason: 'over' }>['refused'], string>>> = {
  denied: 'code.denied',
  reported: 'code.reported',
  expired: 'code.expired',
}

const messageOf = (notice: FlowNotice): string => {
  if (notice.reason === 'problem') return notice.id
  if (notice.reason !== 'over') return messages[notice.reason]
  return endings[notice.refused] ?? messages[notice.refused]
}

/** What a screen says about the last answer. */
export const noticeOf = (notice: FlowNotice): Notice => ({
  id: messageOf(notice),
  ...('retryAfterSeconds' in notice ? { values: { seconds: notice.retryAfterSeconds } } : {}),
})

/** The status of a page that says so. */
export const statusOf = (notice: FlowNotice | undefined) =>
  notice === undefined ? 200 : 'retryAfterSeconds' in notice ? 429 : 422

/** Nothing can be answered after these. */
export const CLOSING: ReadonlySet<FlowNotice['reason']> = new Set(['dead', 'disabled', 'over'])

/** The factor's own words where it has them, as not everything that is answered is a code. */
const ownId = (t: Translate, { id: factor }: AnyFactor, id: string) => {
  const own = id.replace(/^(code|message)\./, `${factor}.`)
  return t.knows(own) ? own : id
}

/** A link begins anew; what a device has ended is asked for by a form, so that no reload asks a device again. */
const retryOf = ({ base }: Visit, { id }: AnyFactor, { reason }: FlowNotice) => {
  if (reason === 'disabled' || reason === 'exhausted') return {}
  return reason === 'over' ? { againAction: `${base}/${id}` } : { retryHref: `${base}/${id}` }
}

/** Sends the page that says why nothing can be answered for now. */
export const sendClosed = (visit: Visit, tools: PageTools, factor: AnyFactor, notice: FlowNotice) => {
  const t = tools.renderer.translate(visit.screen.locale)
  const { id, ...values } = noticeOf(notice)
  const page: ClosedScreen = {
    ...visit.screen,
    ...chooseHrefOf(visit),
    ...retryOf(visit, factor, notice),
    heading: ownId(t, factor, 'code.closed.heading'),
    notice: { id: ownId(t, factor, id), ...values },
  }
  sendPage(visit.ctx, tools.renderer, statusOf(notice), 'closed', page)
}
