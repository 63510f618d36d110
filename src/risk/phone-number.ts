import { z } from 'zod'
import type { Assessment } from '../policy/facts.ts'
import type { Assessor } from './assessor.ts'
import { between, callable, checked, countBetween, settings } from './options.ts'

/** What a host or a carrier knows of a phone number; what is not known is left out. */
export interface PhoneSignals {
  /** Since when the number is the account's, or its owner's, in days. */
  readonly changedDaysAgo?: number
  /** Since when it has its SIM card, in days. */
  readonly simSwappedDaysAgo?: number
  /** As Twilio Lookup calls it: `mobile`, `landline`, `fixedVoip`, `nonFixedVoip`. */
  readonly lineType?: string
  /** False where there is no such number. */
  readonly valid?: boolean
}

/**
 * Asks about a phone number, as the account has it. Throwing, and two seconds of silence, are low confidence.
 *
 * @example
 * ```ts
 * const lookUp: PhoneLookUp = async (phone, { signal }) => {
 *   const answer = await fetch(`https://numbers.example.com/${encodeURIComponent(phone)}`, { signal })
 *   const { daysSinceSimSwap, type } = await answer.json()
 *   return { simSwappedDaysAgo: daysSinceSimSwap, lineType: type }
 * }
 * ```
 */
export type PhoneLookUp = (
  phone: string,
  context: { readonly signal: AbortSignal },
) => PhoneSignals | Promise<PhoneSignals>

/** What {@link phoneNumber} goes by. */
export interface PhoneNumberOptions {
  readonly lookUp: PhoneLookUp
  /** Changes up to this long ago count as recent, in days: 0 to 365. Default 7. */
  readonly recentDays?: number
  /**
   * Lines that are nobody's own phone, or cost nothing to get.
   * Default `nonFixedVoip`, `tollFree`, `premium`, `sharedCost`, `uan`, `voicemail`, `pager`.
   */
  readonly weakLineTypes?: readonly string[]
  /** How long an answer is remembered in this process, in seconds: 0 to 86400. Default 3600. */
  readonly rememberSeconds?: number
  /** For how many numbers: 1 to 100000. Default 1000; the answer that is oldest gives way. */
  readonly rememberNumbers?: number
}

const WEAK = ['nonFixedVoip', 'tollFree', 'premium', 'sharedCost', 'uan', 'voicemail', 'pager']
const LINES = 'a list of types of lines'

const SCHEMA = settings({
  lookUp: callable<PhoneLookUp>(),
  recentDays: between(0, 365, 'days').default(7),
  weakLineTypes: z.array(z.string('a type of line'), LINES).default(WEAK),
  rememberSeconds: between(0, 86_400, 'seconds').default(3600),
  rememberNumbers: countBetween(1, 100_000).default(1000),
})

const SIGNALS = z.object({
  changedDaysAgo: z.number().optional(),
  simSwappedDaysAgo: z.number().optional(),
  lineType: z.string().optional(),
  valid: z.boolean().optional(),
})

type Signals = z.output<typeof SIGNALS>

/** Asks each number once in a while: carriers charge for every question. `now` in epoch seconds. */
const createMemory = (lookUp: PhoneLookUp, lifeSeconds: number, most: number) => {
  const answers = new Map<string, { readonly at: number; readonly signals: Signals }>()
  return async (phone: string, now: number, signal: AbortSignal): Promise<Signals> => {
    const kept = answers.get(phone)
    // A clock that went back makes nothing last longer.
    if (kept !== undefined && kept.at <= now && now - kept.at < lifeSeconds) return kept.signals
    const signals = SIGNALS.parse(await lookUp(phone, { signal }))
    answers.delete(phone)
    if (lifeSeconds > 0) answers.set(phone, { at: now, signals })
    const [oldest] = answers.keys()
    if (answers.size > most && oldest !== undefined) answers.delete(oldest)
    return signals
  }
}

const detailsOf = ({ changedDaysAgo, simSwappedDaysAgo, lineType }: Signals) => ({
  ...(changedDaysAgo === undefined ? {} : { changed_days_ago: Math.floor(changedDaysAgo) }),
  ...(simSwappedDaysAgo === undefined ? {} : { sim_swapped_days_ago: Math.floor(simSwappedDaysAgo) }),
  ...(lineType === undefined ? {} : { line_type: lineType }),
})

/**
 * What is known of the account's phone number; asked only of accounts that have one. Its name is `PhoneNumber`.
 *
 * | Code | Confidence | Meaning |
 * | --- | --- | --- |
 * | `invalid_phone_number` | low | there is no such number |
 * | `recent_sim_swap` | low | it got its SIM card within `recentDays` |
 * | `recent_number_change` | low | it changed hands, or the account got it, within `recentDays` |
 * | `weak_line_type` | medium | its line is one of `weakLineTypes` |
 * | `no_recent_change` | high | a change is known, and is longer ago |
 * | `no_change_history` | unknown | nothing is known of changes |
 * | `no_phone_number` | unknown | the account has none |
 *
 * Details: `changed_days_ago`, `sim_swapped_days_ago`, `line_type`, as far as known; never the number.
 *
 * @throws StepUpError `ERR_CONFIG` without `lookUp`, for a number outside its bounds, or an option that does not exist.
 */
export const phoneNumber = (options: PhoneNumberOptions): Assessor<'account' | 'now'> => {
  const { lookUp, recentDays, weakLineTypes, rememberSeconds, rememberNumbers } = checked(
    'phoneNumber',
    SCHEMA,
    options,
  )
  const ask = createMemory(lookUp, rememberSeconds, rememberNumbers)
  const isRecent = (daysAgo: number | undefined) => daysAgo !== undefined && daysAgo <= recentDays

  const judged = ({ valid, changedDaysAgo, simSwappedDaysAgo, lineType }: Signals): Assessment => {
    if (valid === false) return { confidence: 'low', code: 'invalid_phone_number' }
    if (isRecent(simSwappedDaysAgo)) return { confidence: 'low', code: 'recent_sim_swap' }
    if (isRecent(changedDaysAgo)) return { confidence: 'low', code: 'recent_number_change' }
    if (lineType !== undefined && weakLineTypes.includes(lineType))
      return { confidence: 'medium', code: 'weak_line_type' }
    return changedDaysAgo === undefined && simSwappedDaysAgo === undefined
      ? { confidence: 'unknown', code: 'no_change_history' }
      : { confidence: 'high', code: 'no_recent_change' }
  }

  return Object.freeze<Assessor<'account' | 'now'>>({
    name: 'PhoneNumber',
    reads: ['account', 'now'],
    async assess({ account, now }, { signal }) {
      if (!account.phone) return { confidence: 'unknown', code: 'no_phone_number' }
      const signals = await ask(account.phone, now, signal)
      return { ...judged(signals), details: detailsOf(signals) }
    },
  })
}
