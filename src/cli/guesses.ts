import type { Clock } from '../clock.ts'

/** Counts password guesses by user name, whether an account of that name exists or not. */
export interface Guesses {
  /** Counts a guess before it is looked at; answers 0 or the seconds to wait, and then it must not be looked at. */
  reserve(username: string): number
  /** Gives a reserved guess back that nobody could look at. */
  release(username: string): void
  /** Forgets the user name's guesses: the password was right. */
  succeeded(username: string): void
}

const FREE_FAILURES = 10
const FIRST_PAUSE_SECONDS = 15
const LONGEST_PAUSE_SECONDS = 900
const FORGET_SECONDS = 3600

/**
 * Ten guesses are free, then every further one is followed by a pause that doubles from 15 s to 15 min.
 *
 * Holds at most `capacity` names and drops those longest untouched; an hour without a guess clears a name. Pushing a
 * name out takes `capacity` other guesses that were looked at.
 */
export const createGuesses = ({ clock, capacity = 10_000 }: { clock: Clock; capacity?: number }): Guesses => {
  const names = new Map<string, { failures: number; nextAt: number }>()

  const pauseAfter = (failures: number) =>
    failures < FREE_FAILURES
      ? 0
      : Math.min(FIRST_PAUSE_SECONDS * 2 ** Math.min(failures - FREE_FAILURES, 10), LONGEST_PAUSE_SECONDS)

  return Object.freeze({
    reserve(username: string) {
      const at = clock()
      const known = names.get(username)
      if (known && known.nextAt > at) return Math.ceil(known.nextAt - at)
      const failures = (known && at < known.nextAt + FORGET_SECONDS ? known.failures : 0) + 1
      names.delete(username)
      names.set(username, { failures, nextAt: at + pauseAfter(failures) })
      const oldest = names.keys().next()
      if (names.size > capacity && !oldest.done) names.delete(oldest.value)
      return 0
    },
    release(username: string) {
      const known = names.get(username)
      if (known) names.set(username, { failures: known.failures - 1, nextAt: clock() })
    },
    succeeded(username: string) {
      names.delete(username)
    },
  })
}
