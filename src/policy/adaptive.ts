import type { Confidence } from './facts.ts'
import type { AdaptivePolicy } from './policy.ts'
import type { Demand, Rule } from './rule.ts'

const ORDER: Readonly<Record<Confidence, number>> = { low: 0, medium: 1, high: 2 }

/** Why nobody passes who has nothing enrolled. */
const UNENROLLED = 'confidence is low, and the account has nothing enrolled'

/**
 * What `adaptive` comes to: where confidence is too low, more than the login, and no remembered browser. Where nothing
 * was assessed, confidence is as low as can be.
 */
export const adaptiveRule = ({
  askAt = 'low',
  unenrolled = 'refuse',
}: AdaptivePolicy = {}): Rule<'risk' | 'enrolled'> => {
  const ask: Demand = { verifiedAddress: true, allowRememberBrowser: false }
  const refuse: Demand = { ...ask, refuse: UNENROLLED }
  return Object.freeze<Rule<'risk' | 'enrolled'>>({
    name: 'adaptive',
    reads: unenrolled === 'refuse' ? ['risk', 'enrolled'] : ['risk'],
    demand({ risk, enrolled }) {
      if (ORDER[risk?.confidence ?? 'low'] > ORDER[askAt]) return undefined
      return unenrolled === 'refuse' && enrolled.length === 0 ? refuse : ask
    },
    because: ({ risk }) => `confidence is ${risk?.confidence ?? 'not known'}`,
  })
}
