import type { Clock } from '../clock.ts'
import type { StoreKey } from '../store/store.ts'
import type { Slot, Vault } from './vault.ts'

/** How many refused answers are free of a pause. */
const FREE_FAILURES = 5
const FIRST_PAUSE_SECONDS = 30
const LONGEST_PAUSE_SECONDS = 3600
/** The pace is forgotten after a quiet day; the count towards 100 is not, it is in the account record. */
const MEMORY_SECONDS = 86_400
/** What a caller is told that came between another's reading and writing. */
const RACE_PAUSE_SECONDS = 1

/** How an account's answers to one factor are paced now, as stored. */
export interface Pace {
  readonly failures: number
  /** Epoch seconds before which no answer is looked at. */
  readonly nextAt: number
}

/** Whether an answer may be looked at now. */
export type Reservation = { readonly granted: true } | { readonly granted: false; readonly retryAfterSeconds: number }

/**
 * Paces answers, per account and factor, whatever session, address or page they come from.
 *
 * Counting comes before comparing: an attempt is reserved by compare-and-set, as if it had failed already,
 * and given back unless it was refused.
 *
 * @see NIST SP 800-63B-4, "Rate Limiting (Throttling)".
 */
export interface Throttle {
  /** The pace as it is, for a reservation right after. */
  read(accountId: string, factor: string): Promise<Slot<Pace>>
  /**
   * Reserves one attempt. From the fifth refusal on there is a pause of 30 s, doubling up to an hour; a lost
   * race counts as throttled. `knownFailures` is the durable count, for when the pace itself was lost; `pace`
   * spares the reading where that was done a moment ago.
   */
  reserve(accountId: string, factor: string, knownFailures: number, pace?: Slot<Pace>): Promise<Reservation>
  /** Gives an attempt back that was neither accepted nor refused. */
  giveBack(accountId: string, factor: string): Promise<void>
  /** Forgets the refusals of this factor, after it was accepted. */
  clear(accountId: string, factor: string): Promise<void>
  /** Seconds until an answer is looked at again; 0 where it would be now. */
  pauseLeft(accountId: string, factor: string): Promise<number>
}

/** The pause after that many refusals, in seconds. */
export const pauseAfter = (failures: number): number =>
  failures < FREE_FAILURES ? 0 : Math.min(FIRST_PAUSE_SECONDS * 2 ** (failures - FREE_FAILURES), LONGEST_PAUSE_SECONDS)

/** @see {@link Throttle} */
export const createThrottle = (vault: Vault, clock: Clock): Throttle => {
  const keyOf = (accountId: string, id: string): StoreKey => ({ kind: 'throttle', accountId, id })
  const left = ({ value }: Slot<Pace>) => Math.max(0, (value?.nextAt ?? 0) - clock())

  return Object.freeze<Throttle>({
    read: (accountId, factor) => vault.read<Pace>(keyOf(accountId, factor)),
    async reserve(accountId, factor, knownFailures, known) {
      const key = keyOf(accountId, factor)
      const slot = known ?? (await vault.read<Pace>(key))
      const wait = left(slot)
      if (wait > 0) return { granted: false, retryAfterSeconds: wait }
      const failures = Math.max(slot.value?.failures ?? 0, knownFailures) + 1
      const pace: Pace = { failures, nextAt: clock() + pauseAfter(failures) }
      const won = await vault.write(key, slot, pace, clock() + MEMORY_SECONDS)
      return won ? { granted: true } : { granted: false, retryAfterSeconds: RACE_PAUSE_SECONDS }
    },
    giveBack: (accountId, factor) =>
      vault.update<Pace>(keyOf(accountId, factor), ({ value, expiresAt }) =>
        value === undefined || expiresAt === undefined
          ? undefined
          : { value: { failures: Math.max(0, value.failures - 1), nextAt: clock() }, expiresAt },
      ),
    clear: (accountId, factor) => vault.delete(keyOf(accountId, factor)),
    pauseLeft: async (accountId, factor) => left(await vault.read<Pace>(keyOf(accountId, factor))),
  })
}
