import type { Context } from 'koa'
import { isRecovery, setupPermitKey } from '../flow/permit.ts'
import { mountPathOf } from '../provider/oidc.ts'
import type { SetupScreen } from './screens.ts'
import { screenOf, sendOn, sendPage } from './send.ts'
import { type PageTools, readBoundForm, type Visit } from './visit.ts'

/** Path of the pages that a ticket opens, below our own. */
export const SETUP = '/setup'

const NAME = 'step-up-setup'

/** Forms without a setup are bound to this page alone; where they come from is told by the browser. */
const UNBOUND = ['setup']

const INVALID = { id: 'setup.invalid' } as const

const nameOf = ({ secure }: Context) => (secure ? `__Host-${NAME}` : NAME)

const setupOf = (ctx: Context) => ctx.cookies.get(nameOf(ctx), { signed: false }) ?? ''

/** The cookie ends with the browser's session, and the setup it names half an hour after it was opened. */
const keep = (ctx: Context, setup: string | null) =>
  ctx.cookies.set(nameOf(ctx), setup, {
    httpOnly: true,
    overwrite: true,
    path: '/',
    sameSite: 'lax',
    secure: ctx.secure,
    signed: false,
  })

const baseOf = (ctx: Context, { root }: PageTools) => `${mountPathOf(ctx)}${root}${SETUP}`

/** Where a ticket is opened; the link carries it behind `#`, where no server and no log sees it. */
const sendOpening = (ctx: Context, tools: PageTools, status: number, error?: SetupScreen['error']) => {
  const page: SetupScreen = {
    ...screenOf(ctx, tools),
    csrf: tools.csrf.token(...UNBOUND),
    action: baseOf(ctx, tools),
    ...(error === undefined ? {} : { error }),
  }
  sendPage(ctx, tools.renderer, status, 'setup/open', page)
}

/** Ends the setup, and says so. */
const finish = async (ctx: Context, tools: PageTools, accountId: string, id: string) => {
  await tools.tickets.end(accountId, id)
  keep(ctx, null)
  return `${baseOf(ctx, tools)}/done`
}

/**
 * The setup that this browser has opened with a ticket; nothing where the request is answered already, by the
 * place to open a ticket at where there is none.
 */
export const arriveBySetup = async (ctx: Context, tools: PageTools): Promise<Visit | undefined> => {
  const setup = await tools.tickets.find(setupOf(ctx))
  if (setup === undefined) {
    sendOpening(ctx, tools, 200)
    return undefined
  }
  const [account, { record }] = await Promise.all([
    tools.config.account(setup.accountId),
    tools.records.load(setup.accountId),
  ])
  if (account === undefined || account.disabled === true || record.disabledAt !== undefined) {
    sendOpening(ctx, tools, 422, INVALID)
    return undefined
  }
  const { id, factors, accountId } = setup
  const base = baseOf(ctx, tools)
  if (factors.length === 0) {
    sendOn(ctx, await finish(ctx, tools, accountId, id))
    return undefined
  }
  const binding = ['setup', id, accountId]
  const offer = tools.config.factors.every((factor) => !factors.includes(factor.id) || isRecovery(factor))
  return {
    ctx,
    account,
    task: {
      outcome: 'enroll',
      factors,
      declinable: offer,
      offered: true,
      ticketOnly: false,
      offer,
      rememberable: false,
    },
    place: { id, permitKey: setupPermitKey(accountId, id), openEnrollment: false },
    base,
    binding,
    onward: `${base}/done`,
    end: async ({ outcome }) => (outcome === 'verified' ? base : finish(ctx, tools, accountId, id)),
    screen: {
      ...screenOf(ctx, tools),
      accountLabel: account.label,
      csrf: tools.csrf.token(...binding),
      ...(offer ? { declineAction: `${base}/decline` } : {}),
    },
  }
}

/** People paste the whole link where no script takes the ticket out of it. */
const ticketIn = (text: string) => text.trim().replace(/^.*#/s, '')

/** Opens a ticket, once, and binds the setup to this browser. */
export const openTicket = async (ctx: Context, tools: PageTools): Promise<void> => {
  const form = await readBoundForm(ctx, tools, UNBOUND, ['ticket'])
  if (form === undefined) return
  const opened = await tools.tickets.open(ticketIn(form.ticket ?? ''), setupOf(ctx))
  if (opened === undefined) return sendOpening(ctx, tools, 422, INVALID)
  keep(ctx, opened.setup)
  return sendOn(ctx, baseOf(ctx, tools))
}

/** Nothing is left to do: the person goes to the app they came for. */
export const showDone = (ctx: Context, tools: PageTools): void =>
  sendPage(ctx, tools.renderer, 200, 'setup/done', screenOf(ctx, tools))
