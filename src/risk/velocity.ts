import type { Assessment, VelocityFact } from '../policy/facts.ts'
import type { Assessor } from './assessor.ts'
import { checked, countBetween, settings } from './options.ts'

/** What {@link velocity} goes by. */
export interface VelocityOptions {
  /** So many refused answers in a row are too many: 2 to 100. Default 5. */
  readonly failures?: number
  /** So many accounts of one address within an hour are too many: 2 to 50. Default 10. */
  readonly accounts?: number
}

const SCHEMA = settings({
  failures: countBetween(2, 100).default(5),
  // Of one address no more are counted than 50.
  accounts: countBetween(2, 50).default(10),
})

/**
 * Whether somebody tries again and again, or one account after another. Its name is `Velocity`.
 *
 * | Code | Confidence | Meaning |
 * | --- | --- | --- |
 * | `many_failures` | low | at least `failures` answers in a row were refused |
 * | `many_accounts` | low | at least `accounts` accounts signed in from this address within an hour |
 * | `raised_velocity` | medium | at least half of either |
 * | `usual_velocity` | high | less |
 * | `assessment_not_available` | unknown | nothing was counted |
 *
 * Details: `failures`, `accounts`.
 *
 * @throws StepUpError `ERR_CONFIG` for a number outside its bounds, or an option that does not exist.
 */
export const velocity = (options: VelocityOptions = {}): Assessor<'velocity'> => {
  const most = checked('velocity', SCHEMA, options)
  const judged = ({ failures, accounts }: VelocityFact): Pick<Assessment, 'confidence' | 'code'> => {
    // What is not a number is not less either.
    if (!(failures < most.failures)) return { confidence: 'low', code: 'many_failures' }
    if (!(accounts < most.accounts)) return { confidence: 'low', code: 'many_accounts' }
    return failures >= most.failures / 2 || accounts >= most.accounts / 2
      ? { confidence: 'medium', code: 'raised_velocity' }
      : { confidence: 'high', code: 'usual_velocity' }
  }
  return Object.freeze<Assessor<'velocity'>>({
    name: 'Velocity',
    reads: ['velocity'],
    assess({ velocity: fact }) {
      if (fact === undefined) return { confidence: 'unknown', code: 'assessment_not_available' }
      return { ...judged(fact), details: { failures: fact.failures, accounts: fact.accounts } }
    },
  })
}
