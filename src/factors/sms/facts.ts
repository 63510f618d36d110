import { StepUpError } from '../../errors.ts'
import type { OutgoingMessage, Sender } from '../factor.ts'
import type { NumberFacts, SmsSettings } from './options.ts'

/** How long a look-up may take: with the sender's own time it has to fit into what people wait for a message. */
const PATIENCE_SECONDS = 5

const inTime = async (asked: Promise<NumberFacts>) => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the look-up did not answer in time')), PATIENCE_SECONDS * 1000)
  })
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}

/** One that nobody knows is taken, as far as its number says. */
const isTaken = ({ lineTypes }: SmsSettings, { lineType }: NumberFacts) =>
  lineType === undefined || lineTypes.includes(lineType)

/** Whether the SIM card was too new when the code was made, which is at most `codeSeconds` ago, or is newer still. */
const isSwapped = (
  { simSwapSeconds, codeSeconds }: SmsSettings,
  { simSwappedAt }: NumberFacts,
  { expiresAt }: OutgoingMessage,
) =>
  simSwapSeconds !== undefined && simSwappedAt !== undefined && expiresAt - codeSeconds - simSwappedAt < simSwapSeconds

/**
 * The sender, which asks about the number before every message where there is a `lookup`. Whatever is sent was counted
 * by then, so that look-ups, which cost too, end with the budgets; and no message goes round the check.
 *
 * @throws StepUpError `ERR_ADDRESS` where there is no such number, its kind of line is not taken or its SIM card is too
 *   new. Anything else where nobody says: that is no reason to let a number pass that it was to be asked about.
 */
export const checkedSender = (settings: SmsSettings): Sender => {
  const { lookup, sender } = settings
  if (lookup === undefined) return sender
  return async (message) => {
    const facts = await inTime(lookup(message.to))
    if (!isTaken(settings, facts)) throw new StepUpError('ERR_ADDRESS', 'that kind of line is not taken')
    if (isSwapped(settings, facts, message)) throw new StepUpError('ERR_ADDRESS', 'the SIM card is too new')
    await sender(message)
  }
}
