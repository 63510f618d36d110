import type { Condition } from '../condition.ts'
import type { Confidence } from '../facts.ts'
import { refusal } from '../refuse.ts'
import { about } from './about.ts'

const ORDER: Readonly<Record<Confidence, number>> = { low: 0, medium: 1, high: 2 }
const LIMITS: readonly string[] = ['low', 'medium']

/**
 * Risk signals leave at most that confidence: `low`, or `medium` for low and medium. High confidence is
 * `not(confidenceAtMost('medium'))`.
 *
 * @throws StepUpError `ERR_CONFIG` where it is neither.
 */
export const confidenceAtMost = (limit: 'low' | 'medium'): Condition<'risk'> => {
  if (!LIMITS.includes(limit)) throw refusal('confidenceAtMost', limit, LIMITS.join(' or '))
  const text = limit === 'low' ? 'confidence is low' : `confidence is ${limit} at most`
  return about('risk', text, ({ confidence }) =>
    Object.hasOwn(ORDER, confidence) ? ORDER[confidence] <= ORDER[limit] : undefined,
  )
}
