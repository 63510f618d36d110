import type { Assessor } from './assessor.ts'
import { between, checked, settings } from './options.ts'

/** What {@link dormant} goes by. */
export interface DormantOptions {
  /** An account without a sign-in for longer is dormant, in days: 1 to 365. Default 90. */
  readonly days?: number
}

const SCHEMA = settings({ days: between(1, 365, 'days').default(90) })

const SECONDS_PER_DAY = 86_400
/** How far the clocks of two machines may be apart. */
const CLOCK_SKEW_SECONDS = 60

/**
 * Whether the account was out of use for long. Its name is `Dormant`.
 *
 * | Code | Confidence | Meaning |
 * | --- | --- | --- |
 * | `active_account` | high | it signed in within `days` |
 * | `dormant_account` | low | it did not |
 * | `initial_login` | low | no sign-in is remembered: it is the first, or the first for more than a year |
 * | `invalid_last_login` | low | the last sign-in lies more than a minute ahead: a clock went back |
 *
 * Details: `days_since_last_login`.
 *
 * @throws StepUpError `ERR_CONFIG` for a number outside its bounds, or an option that does not exist.
 */
export const dormant = (options: DormantOptions = {}): Assessor<'lastLogin' | 'now'> => {
  const { days } = checked('dormant', SCHEMA, options)
  return Object.freeze<Assessor<'lastLogin' | 'now'>>({
    name: 'Dormant',
    reads: ['lastLogin', 'now'],
    assess({ lastLogin, now }) {
      if (lastLogin === undefined) return { confidence: 'low', code: 'initial_login' }
      const seconds = now - lastLogin.at
      if (!(seconds >= -CLOCK_SKEW_SECONDS)) return { confidence: 'low', code: 'invalid_last_login' }
      const details = { days_since_last_login: Math.floor(Math.max(0, seconds) / SECONDS_PER_DAY) }
      return seconds > days * SECONDS_PER_DAY
        ? { confidence: 'low', code: 'dormant_account', details }
        : { confidence: 'high', code: 'active_account', details }
    },
  })
}
