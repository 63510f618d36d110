import type { RecordedOutcome } from '../recording/decision-record.ts'

/**
 * What another policy makes of a decision. `asked`: something more is asked of who was let through. `enrolled`: who was
 * let through, or asked, has to set something up. `refused`: nobody passes any more. `passed`: nothing is asked any more.
 * `other`: the same kind of thing in another way, or one that is neither easier nor harder.
 */
export type Category = 'same' | 'asked' | 'enrolled' | 'refused' | 'passed' | 'other'

/** All categories, in the order to be shown. */
export const CATEGORIES: readonly Category[] = ['same', 'asked', 'enrolled', 'refused', 'passed', 'other']

/** What people meet. */
type Meeting = 'passed' | 'asked' | 'enrolled' | 'refused'

const meetingOf = (outcome: RecordedOutcome): Meeting => {
  if (outcome.is === 'satisfied') return 'passed'
  if (outcome.is === 'refuse' || outcome.stuck === true) return 'refused'
  return outcome.is === 'enroll' || outcome.for === 'enrollment' ? 'enrolled' : 'asked'
}

const sorted = (floors: readonly string[]) => [...new Set(floors)].sort().join(' ')

/** A floor that asks for nothing is met by nobody, and one that is owed twice is one. */
const isSame = (one: RecordedOutcome, other: RecordedOutcome) =>
  one.is === other.is &&
  one.for === other.for &&
  one.stuck === other.stuck &&
  one.error === other.error &&
  (one.is === 'satisfied' || sorted(one.floors) === sorted(other.floors))

const HARDER: Readonly<Record<Meeting, readonly Meeting[]>> = {
  passed: ['asked', 'enrolled', 'refused'],
  asked: ['enrolled', 'refused'],
  enrolled: ['refused'],
  refused: [],
}

/** Tells what a decision has become. */
export const categoryOf = (before: RecordedOutcome, now: RecordedOutcome): Category => {
  if (isSame(before, now)) return 'same'
  const then = meetingOf(before)
  const meeting = meetingOf(now)
  if (then === meeting) return 'other'
  return meeting === 'passed' || HARDER[then].includes(meeting) ? meeting : 'other'
}

/** What made the difference where no rule did. */
export const NO_RULE = 'default, tables, levels or factors'

/** The rules that spoke in one of two decisions only. */
export interface RuleDifference {
  /** They speak now, and did not. */
  readonly speaks: readonly string[]
  /** They spoke, and do not any more. */
  readonly silent: readonly string[]
}

/** Which rules made a difference; {@link NO_RULE} where none of them did. */
export const differenceOf = (before: RecordedOutcome, now: RecordedOutcome): RuleDifference => {
  const { rules: then = [] } = before
  const { rules = [] } = now
  const speaks = rules.filter((name) => !then.includes(name))
  const silent = then.filter((name) => !rules.includes(name))
  return { speaks: speaks.length + silent.length === 0 ? [NO_RULE] : speaks, silent }
}
