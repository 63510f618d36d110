import type { Clock } from '../clock.ts'
import type { Awaits } from '../factors/factor.ts'
import type { StoreKey } from '../store/store.ts'
import type { Place, Spot } from './place.ts'
import type { Slot, Vault } from './vault.ts'

/** What of a place can be kept until a device answers there. */
export type DistantPlace = Omit<Place, 'account' | 'factor' | 'suits'>

/** A ceremony that waits for a device, as the device's request finds it. */
export interface Summons extends Awaits {
  readonly accountId: string
  readonly factor: string
  readonly place: DistantPlace
}

/**
 * How devices find the ceremonies that wait for them: a challenge by the account, which has one open at a time; an
 * enrolment by the digest of its ticket.
 */
export interface Summonses {
  /** How many seconds another of the account's is open still; undefined where none is. */
  left(place: Spot, reference: string): Promise<number | undefined>
  /** Opens one; how many seconds to wait where another of the account's is open, undefined where it was opened. */
  open(place: Place, awaits: Awaits): Promise<number | undefined>
  /** The challenge of this factor that the account's devices can answer. */
  challenge(accountId: string, factor: string): Promise<Summons | undefined>
  /** The enrolment that a ticket of this digest opens. */
  enrollment(reference: string, factor: string): Promise<Summons | undefined>
  /** Ends it. */
  close(place: Spot, reference: string): Promise<void>
}

const challengeKey = (accountId: string, factor: string): StoreKey => ({ kind: 'summons', accountId, id: factor })
/** Nobody's name but the ticket's is known there. */
const enrollmentKey = (reference: string, factor: string): StoreKey => ({
  kind: 'summons-ticket',
  accountId: reference,
  id: factor,
})

const keyOf = ({ purpose, account, factor }: Spot, reference: string) =>
  purpose === 'challenge' ? challengeKey(account.id, factor.id) : enrollmentKey(reference, factor.id)

const distant = ({ account: _account, factor: _factor, suits: _suits, ...place }: Place): DistantPlace => place

/** What a caller is told that came between another's reading and writing. */
const RACE_PAUSE_SECONDS = 1

/** Builds it. @see {@link Summonses} */
export const createSummonses = (vault: Vault, clock: Clock): Summonses => {
  // Its own place may open another: the one before can be answered no more.
  const leftOf = ({ value }: Slot<Summons>, { id }: Spot) =>
    value === undefined || value.place.id === id ? undefined : Math.max(1, value.expiresAt - clock())
  return Object.freeze<Summonses>({
    left: async (place, reference) => leftOf(await vault.read<Summons>(keyOf(place, reference)), place),
    async open(place, awaits) {
      const { reference, expiresAt } = awaits
      const key = keyOf(place, reference)
      const slot = await vault.read<Summons>(key)
      const left = leftOf(slot, place)
      if (left !== undefined) return left
      const { account, factor } = place
      const summons = { reference, expiresAt, accountId: account.id, factor: factor.id, place: distant(place) }
      return (await vault.write<Summons>(key, slot, summons, expiresAt)) ? undefined : RACE_PAUSE_SECONDS
    },
    challenge: async (accountId, factor) => (await vault.read<Summons>(challengeKey(accountId, factor))).value,
    enrollment: async (reference, factor) => (await vault.read<Summons>(enrollmentKey(reference, factor))).value,
    async close(place, reference) {
      const key = keyOf(place, reference)
      const { value } = await vault.read<Summons>(key)
      // Another may have been opened meanwhile.
      if (value?.reference === reference) await vault.delete(key)
    },
  })
}
