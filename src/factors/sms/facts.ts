import { StepUpError } from '../../errors.ts'
import type { NumberFacts, SmsSettings } from './options.ts'

/** What was learned of a number: its facts, that there is no such number, or that nobody says now. */
export type Findings = NumberFacts | 'no-number' | 'unavailable'

/** Asks about a number. A look-up that fails is no reason to let a number pass that it was to be asked about. */
export const learn = async ({ lookup }: SmsSettings, number: string): Promise<Findings> => {
  try {
    return (await lookup?.(number)) ?? {}
  } catch (fault) {
    return fault instanceof StepUpError && fault.code === 'ERR_ADDRESS' ? 'no-number' : 'unavailable'
  }
}

/** Whether the SIM card is so new that somebody else may hold it. */
export const isSwapped = ({ simSwapSeconds }: SmsSettings, { simSwappedAt }: NumberFacts, now: number): boolean =>
  simSwapSeconds !== undefined && simSwappedAt !== undefined && now - simSwappedAt < simSwapSeconds

/** Whether the line is of a kind that is taken; one that nobody knows is, as far as its number says. */
export const isTaken = ({ lineTypes }: SmsSettings, { lineType }: NumberFacts): boolean =>
  lineType === undefined || lineTypes.includes(lineType)
