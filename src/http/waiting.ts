import { changeOf } from '../flow/changes.ts'
import { sendEvents } from './events.ts'
import { pageHeaders } from './headers.ts'
import { sendFailure } from './send.ts'
import { offered, type PageTools, type Visit } from './visit.ts'

/** Where the ceremony of a factor stands that a device answers; nothing where there is none. */
const waitingAt = (visit: Visit, tools: PageTools, id: string) => {
  const factor = offered(visit, tools, id)
  const { task, place, account } = visit
  return factor?.[task.outcome]?.receive === undefined
    ? undefined
    : () => tools.ceremonies.waiting({ ...place, account, factor, purpose: task.outcome })
}

/** How far a device is, once: for pages that ask now and then. */
export const showWaiting = async (visit: Visit, tools: PageTools, id: string): Promise<void> => {
  const { ctx } = visit
  const ask = waitingAt(visit, tools, id)
  if (ask === undefined) return sendFailure(ctx, tools, 404, 'error.not-found')
  pageHeaders(ctx)
  ctx.body = (await ask()) ?? { version: '', answered: false }
}

/** The same at every change, for as long as the page is open. */
export const streamWaiting = async (visit: Visit, tools: PageTools, id: string): Promise<void> => {
  const { ctx, account } = visit
  const ask = waitingAt(visit, tools, id)
  if (ask === undefined) return sendFailure(ctx, tools, 404, 'error.not-found')
  const { version: shown } = ctx.query
  sendEvents(ctx, {
    watch: (told) => tools.changes.watch(changeOf(account.id, id), told),
    async look() {
      const { version = '' } = (await ask()) ?? {}
      return version === shown ? { name: 'same', data: version } : { name: 'changed', data: version, last: true }
    },
  })
}
