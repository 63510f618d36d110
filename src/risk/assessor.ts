import type { Assessment, Confidence, FactName, FactsOf } from '../policy/facts.ts'

/** Looks at one risk signal. */
export interface Assessor<Name extends FactName = FactName> {
  /** Its key in the assessment; ours are spelled as Auth0 does: `NewDevice`. */
  readonly name: string
  readonly reads: readonly Name[]
  /**
   * What the signal says. A fact that could not be had is undefined: then the answer is `unknown`, and `low` where the
   * request should have told it. Throwing, rejecting, and two seconds of silence are all low confidence, with the code
   * `assessment_not_available`.
   *
   * @param context - `signal` is aborted when the answer would come too late.
   */
  assess(facts: FactsOf<Name>, context: { readonly signal: AbortSignal }): Assessment | Promise<Assessment>
}

/** Makes one confidence of all. */
export type OverallConfidence = (assessments: Readonly<Record<string, Assessment>>) => Confidence

/** Risk assessment as a host configures it. */
export interface Risk {
  readonly assessors: readonly Assessor[]
  /** Default: {@link lowestConfidence}. */
  readonly overall?: OverallConfidence
  /** How long a browser stays known without signing in. Default 30, from 1 to 365. */
  readonly rememberDeviceDays?: number
}

const ORDER: Readonly<Record<Assessment['confidence'], number>> = { low: 0, medium: 1, unknown: 1, high: 2 }
const NAMES = ['low', 'medium', 'high'] as const

/**
 * The lowest confidence of all. An unknown counts as medium: it never makes a sign-in look better, and by itself calls
 * for nothing; where nothing is known at all, confidence is low.
 */
export const lowestConfidence: OverallConfidence = (assessments) => {
  const all = Object.values(assessments).map(({ confidence }) => confidence)
  if (all.every((confidence) => confidence === 'unknown')) return 'low'
  return NAMES[Math.min(...all.map((confidence) => ORDER[confidence]))] ?? 'low'
}
