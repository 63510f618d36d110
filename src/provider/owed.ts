import { StepUpError } from '../errors.ts'
import type { Facts } from '../policy/facts.ts'
import type { RequestFacts } from '../policy/floors.ts'
import type { Judge, Owed } from '../policy/judge.ts'

const failed = (cause: unknown) => {
  const message = `a rule of the policy failed: ${cause instanceof Error ? cause.message : String(cause)}`
  process.emitWarning(message, { type: 'StepUpWarning', code: 'STEP_UP_POLICY' })
  return new StepUpError('ERR_POLICY', message, { cause })
}

/**
 * What a request owes by policy.
 *
 * @throws StepUpError `ERR_POLICY` where a rule throws: nobody passes.
 */
export const owedBy = (judge: Judge, request: RequestFacts, facts: Partial<Facts>): Owed => {
  try {
    return judge.owes(request, facts)
  } catch (cause) {
    throw failed(cause)
  }
}
