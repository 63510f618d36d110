import { systemClock } from '../../clock.ts'
import type { NumberFacts, NumberLookup } from '../../factors/sms.ts'
import { createCaller } from './caller.ts'
import { codesOf, unreachable } from './faults.ts'
import { ACCESS, checkAccess, checkOptions, type TwilioAccess } from './options.ts'

/** What {@link twilioLookup} asks. */
export interface TwilioLookupOptions extends TwilioAccess {
  /** Asks for the last change of the SIM card too, which carriers have to approve. Default false. */
  readonly simSwap?: boolean
}

const WHERE = 'twilioLookup()'
const NOT_FOUND = 20404

const lineOf = (type: unknown) => (typeof type === 'string' && type !== 'unknown' ? { lineType: type } : {})

/** Some carriers give the day, some only whether it was within their period: then it may have been today. */
const swapOf = (swap: unknown) => {
  // The client leaves this part as it came over the wire.
  const { last_sim_swap_date: date, swapped_in_period: isRecent } = Object(swap) as Record<string, unknown>
  const at = typeof date === 'string' ? Math.floor(Date.parse(date) / 1000) : Number.NaN
  if (Number.isFinite(at)) return { simSwappedAt: at }
  return isRecent === true ? { simSwappedAt: systemClock() } : {}
}

/**
 * Asks Twilio Lookup what kind of line a number is, and since when it has its SIM card.
 *
 * @throws StepUpError `ERR_CONFIG` at once for wrong options; when asked, `ERR_ADDRESS` where there is no such
 *   number. No error names a number.
 * @see Twilio, Lookup v2 API, Line Type Intelligence and SIM Swap
 */
export const twilioLookup = (options: TwilioLookupOptions): NumberLookup => {
  checkOptions(WHERE, options, {
    ...ACCESS,
    simSwap: { isAllowed: (value) => typeof value === 'boolean', allowed: 'true or false' },
  })
  checkAccess(WHERE, options)
  const call = createCaller(options)
  const fields = options.simSwap === true ? 'line_type_intelligence,sim_swap' : 'line_type_intelligence'
  return async (number): Promise<NumberFacts> => {
    const answer = await call((client) =>
      client.lookups.v2
        .phoneNumbers(number)
        .fetch({ fields })
        .catch((fault: unknown) => {
          if (codesOf(fault).code === NOT_FOUND) return undefined
          throw fault
        }),
    )
    if (answer === undefined || answer.valid === false) throw unreachable(NOT_FOUND)
    if (answer.phoneNumber !== number || answer.valid !== true) throw new Error('Twilio answered about another number')
    return { ...lineOf(answer.lineTypeIntelligence?.type), ...swapOf(answer.simSwap?.lastSimSwap) }
  }
}
