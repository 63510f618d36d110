import type { Clock } from '../clock.ts'
import { digest } from '../crypto/digest.ts'
import type { Vault } from '../flow/vault.ts'
import type { StoreKey } from '../store/store.ts'

/** Counts password guesses by user name, whether an account of that name exists or not. */
export interface Guesses {
  /** Counts a guess before it is looked at; answers 0 or the seconds to wait, and then it must not be looked at. */
  reserve(username: string): number | Promise<number>
  /** Gives a reserved guess back that nobody could look at. */
  release(username: string): void | Promise<void>
  /** Forgets the user name's guesses: the password was right. */
  succeeded(username: string): void | Promise<void>
}

interface Pace {
  readonly failures: number
  /** Epoch seconds before which no guess is looked at. */
  readonly nextAt: number
}

const FREE_FAILURES = 10
const FIRST_PAUSE_SECONDS = 15
const LONGEST_PAUSE_SECONDS = 900
const FORGET_SECONDS = 3600

const pauseAfter = (failures: number) =>
  failures < FREE_FAILURES
    ? 0
    : Math.min(FIRST_PAUSE_SECONDS * 2 ** Math.min(failures - FREE_FAILURES, 10), LONGEST_PAUSE_SECONDS)

const waitFor = (pace: Pace | undefined, at: number) => Math.ceil(Math.max(0, (pace?.nextAt ?? 0) - at))

const afterGuess = (known: Pace | undefined, at: number): Pace => {
  const failures = (known && at < known.nextAt + FORGET_SECONDS ? known.failures : 0) + 1
  return { failures, nextAt: at + pauseAfter(failures) }
}

const takenBack = ({ failures }: Pace, at: number): Pace => ({ failures: Math.max(0, failures - 1), nextAt: at })

/**
 * Ten guesses are free, then every further one is followed by a pause that doubles from 15 s to 15 min.
 *
 * Counts in this process. Holds at most `capacity` names and drops those longest untouched; an hour without a guess
 * clears a name. Pushing a name out takes `capacity` other guesses that were looked at.
 */
export const createGuesses = ({ clock, capacity = 10_000 }: { clock: Clock; capacity?: number }): Guesses => {
  const names = new Map<string, Pace>()

  return Object.freeze({
    reserve(username: string) {
      const at = clock()
      const known = names.get(username)
      const wait = waitFor(known, at)
      if (wait > 0) return wait
      names.delete(username)
      names.set(username, afterGuess(known, at))
      const oldest = names.keys().next()
      if (names.size > capacity && !oldest.done) names.delete(oldest.value)
      return 0
    },
    release(username: string) {
      const known = names.get(username)
      if (known) names.set(username, takenBack(known, clock()))
    },
    succeeded(username: string) {
      names.delete(username)
    },
  })
}

/**
 * The same pace, counted in the store for all processes that share it. What it holds ends by itself, an hour after
 * the last guess; user names are in it as digests.
 */
export const createSharedGuesses = (vault: Vault, clock: Clock): Guesses => {
  const keyOf = (username: string): StoreKey => ({
    kind: 'guesses',
    accountId: digest('oidc-step-up', 'user name', username),
    id: 'password',
  })
  const lasting = (pace: Pace) => ({ value: pace, expiresAt: pace.nextAt + FORGET_SECONDS })

  return Object.freeze<Guesses>({
    async reserve(username) {
      let wait = 0
      await vault.update<Pace>(keyOf(username), ({ value }) => {
        const at = clock()
        wait = waitFor(value, at)
        return wait > 0 ? undefined : lasting(afterGuess(value, at))
      })
      return wait
    },
    release: (username) =>
      vault.update<Pace>(keyOf(username), ({ value }) => value && lasting(takenBack(value, clock()))),
    succeeded: (username) => vault.delete(keyOf(username)),
  })
}
