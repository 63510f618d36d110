import type { Clock } from '../clock.ts'
import { StepUpError } from '../errors.ts'
import type { Sender } from '../factors/factor.ts'

/** How a message would have gone out. */
export type Way = 'text' | 'voice' | 'mail'

/** A message that would have gone out. */
export interface Posted {
  readonly way: Way
  /** Epoch seconds. */
  readonly at: number
  readonly to: string
  readonly subject?: string
  readonly text: string
}

/** Keeps in memory what a demo would send, for its own page to show. */
export interface Outbox {
  /** Takes messages for phones, or mails. */
  sender(kind: 'phone' | 'mail'): Sender
  /** The last fifty, newest first. */
  posted(): readonly Posted[]
}

/** Where the page is. */
export const OUTBOX_PATH = '/outbox'

const CAPACITY = 50

/** Whether this process serves people in earnest. */
export const isProduction = () => process.env.NODE_ENV === 'production'

/**
 * An outbox with nothing in it. Its page shows codes to whoever opens it.
 *
 * @throws StepUpError ERR_CONFIG where NODE_ENV is production
 */
export const createOutbox = (clock: Clock): Outbox => {
  if (isProduction())
    throw new StepUpError(
      'ERR_CONFIG',
      'NODE_ENV: found "production"; allowed: anything else where an outbox shows what would be sent',
    )
  const posted: Posted[] = []
  return Object.freeze<Outbox>({
    sender:
      (kind) =>
      async ({ to, channel, subject, text }) => {
        const way = kind === 'mail' ? 'mail' : channel
        posted.unshift({ way, at: clock(), to, text, ...(subject === undefined ? {} : { subject }) })
        posted.length = Math.min(posted.length, CAPACITY)
      },
    posted: () => [...posted],
  })
}
