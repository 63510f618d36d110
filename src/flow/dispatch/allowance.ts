import type { Clock } from '../../clock.ts'
import type { Mac } from '../../crypto/mac.ts'
import type { AnyFactor, Budget, Message } from '../../factors/factor.ts'
import type { StoreKey } from '../../store/store.ts'
import type { Vault } from '../vault.ts'
import { networkOf } from './network.ts'

/** One message as it is counted. */
export interface Counted {
  readonly factor: Pick<AnyFactor, 'id' | 'budgets'>
  readonly accountId: string
  /** The IP address that asks for it. */
  readonly address?: string | undefined
  readonly message: Pick<Message, 'to' | 'block'>
}

/** Whether a message may go out now. */
export type Allowance =
  | { readonly outcome: 'granted' }
  /** Too soon after the one before. */
  | { readonly outcome: 'paused'; readonly retryAfterSeconds: number }
  /** A budget is used up. */
  | { readonly outcome: 'exhausted'; readonly per: Budget['per'] }

/** Counts messages before they go out. All counts are kept in the store, for all processes together. */
export interface Allowances {
  /**
   * Takes one message from the account's and the target's pace and from every budget. After each message there is a
   * pause: 30 s, doubling up to an hour, whatever interaction, session or account asks for the next.
   */
  reserve(counted: Counted): Promise<Allowance>
  /** The message did not go out: the next may follow at once. Budgets stay as they are: a gateway may have charged. */
  giveBack(counted: Counted): Promise<void>
  /** The code has come back: whoever got it may ask for the next at once. */
  clear(counted: Counted): Promise<void>
}

interface Pace {
  readonly messages: number
  /** Epoch seconds before which no message goes out. */
  readonly nextAt: number
}

interface Spent {
  readonly messages: number
}

const FIRST_PAUSE_SECONDS = 30
const LONGEST_PAUSE_SECONDS = 3600
const MEMORY_SECONDS = 86_400
const RACE_PAUSE_SECONDS = 1
const MAX_RACES = 20

const pauseAfter = (messages: number) => Math.min(FIRST_PAUSE_SECONDS * 2 ** (messages - 1), LONGEST_PAUSE_SECONDS)

const GRANTED: Allowance = { outcome: 'granted' }

/** The record is kept by what is counted and no account's name, so that many accounts share it. */
const keyOf = (kind: string, name: string, id: string): StoreKey => ({ kind, accountId: name, id })

/** What the counting works with. `mac` hides addresses from who reads the store: digests of numbers are soon guessed. */
interface Counting {
  readonly vault: Vault
  readonly clock: Clock
  readonly mac: Mac
}

const pacesOf = ({ mac }: Counting, { factor, accountId, message }: Counted): readonly StoreKey[] => [
  keyOf('message-pace', accountId, factor.id),
  keyOf('message-pace', mac.sign('target', message.to), factor.id),
]

const counters = {
  target: ({ message }: Counted) => message.to,
  block: ({ message }: Counted) => message.block,
  address: ({ address }: Counted) => address && networkOf(address),
  account: ({ accountId }: Counted) => accountId,
  total: () => '',
} as const satisfies Record<Budget['per'], (counted: Counted) => string | undefined>

/** Takes one message from a budget; false where it is used up. A window begins with its first message. */
const spend = async ({ vault, clock, mac }: Counting, counted: Counted, budget: Budget): Promise<boolean> => {
  const { per, messages, windowSeconds } = budget
  const name = counters[per](counted)
  if (name === undefined) return true
  const key = keyOf('message-budget', mac.sign('budget', counted.factor.id, per, name), String(windowSeconds))
  for (let race = 0; race < MAX_RACES; race += 1) {
    const slot = await vault.read<Spent>(key)
    const spent = slot.value?.messages ?? 0
    if (spent >= messages) return false
    if (await vault.write(key, slot, { messages: spent + 1 }, slot.expiresAt ?? clock() + windowSeconds)) return true
  }
  return false
}

/** Takes one message from a pace; how many seconds to wait where it is too soon. */
const pace = async ({ vault, clock }: Counting, key: StoreKey): Promise<number> => {
  const slot = await vault.read<Pace>(key)
  const wait = Math.max(0, (slot.value?.nextAt ?? 0) - clock())
  if (wait > 0) return wait
  const messages = (slot.value?.messages ?? 0) + 1
  const next: Pace = { messages, nextAt: clock() + pauseAfter(messages) }
  return (await vault.write(key, slot, next, clock() + MEMORY_SECONDS)) ? 0 : RACE_PAUSE_SECONDS
}

const returnPace = ({ vault, clock }: Counting, key: StoreKey) =>
  vault.update<Pace>(key, ({ value, expiresAt }) =>
    value === undefined || expiresAt === undefined
      ? undefined
      : { value: { messages: Math.max(0, value.messages - 1), nextAt: clock() }, expiresAt },
  )

const returnPaces = async (counting: Counting, keys: readonly StoreKey[]) => {
  await Promise.all(keys.map((key) => returnPace(counting, key)))
}

/** Takes one message from every pace, or from none. */
const paced = async (counting: Counting, counted: Counted): Promise<number> => {
  const taken: StoreKey[] = []
  for (const key of pacesOf(counting, counted)) {
    const wait = await pace(counting, key)
    if (wait > 0) {
      await returnPaces(counting, taken)
      return wait
    }
    taken.push(key)
  }
  return 0
}

/** Builds it. @see {@link Allowances} */
export const createAllowances = (counting: Counting): Allowances =>
  Object.freeze<Allowances>({
    async reserve(counted) {
      const retryAfterSeconds = await paced(counting, counted)
      if (retryAfterSeconds > 0) return { outcome: 'paused', retryAfterSeconds }
      for (const budget of counted.factor.budgets ?? []) {
        if (await spend(counting, counted, budget)) continue
        await returnPaces(counting, pacesOf(counting, counted))
        return { outcome: 'exhausted', per: budget.per }
      }
      return GRANTED
    },
    giveBack: (counted) => returnPaces(counting, pacesOf(counting, counted)),
    async clear(counted) {
      await Promise.all(pacesOf(counting, counted).map((key) => counting.vault.delete(key)))
    },
  })
