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
  /** To an address that is being set up, or to one that the account has: whoever does the one never slows the other. */
  readonly purpose: 'enroll' | 'challenge'
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
  /**
   * The message of this very object did not go out: the next may follow at once, once. Budgets stay as they are: a
   * gateway may have charged.
   */
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

/** One name for all spellings of an address: mailboxes know no case, and what follows a plus is their owner's to choose. */
const targetOf = ({ message, purpose }: Counted) => `${purpose} ${message.to.toLowerCase().replace(/\+[^@]*(?=@)/, '')}`

const pacesOf = ({ mac }: Counting, counted: Counted): readonly StoreKey[] => [
  keyOf('message-pace', counted.accountId, counted.factor.id),
  keyOf('message-pace', mac.sign('target', targetOf(counted)), counted.factor.id),
]

const counters = {
  target: targetOf,
  block: ({ message }: Counted) => message.block,
  address: ({ address }: Counted) => address && networkOf(address),
  account: ({ accountId }: Counted) => accountId,
  total: () => '',
} as const satisfies Record<Budget['per'], (counted: Counted) => string | undefined>

const budgetKey = ({ mac }: Counting, counted: Counted, { per, windowSeconds }: Budget): StoreKey | undefined => {
  const name = counters[per](counted)
  return name === undefined
    ? undefined
    : keyOf('message-budget', mac.sign('budget', counted.factor.id, per, name), String(windowSeconds))
}

/** Takes one message from a budget; false where it is used up. A window begins with its first message. */
const spend = async ({ vault, clock }: Counting, key: StoreKey, { messages, windowSeconds }: Budget) => {
  for (let race = 0; race < MAX_RACES; race += 1) {
    const slot = await vault.read<Spent>(key)
    const spent = slot.value?.messages ?? 0
    if (spent >= messages) return false
    if (await vault.write(key, slot, { messages: spent + 1 }, slot.expiresAt ?? clock() + windowSeconds)) return true
  }
  return false
}

const returnSpent = ({ vault }: Counting, key: StoreKey) =>
  vault.update<Spent>(key, ({ value, expiresAt }) =>
    value === undefined || expiresAt === undefined
      ? undefined
      : { value: { messages: Math.max(0, value.messages - 1) }, expiresAt },
  )

/** Takes one message from every budget, or from none; the one that is used up, if any. */
const budgeted = async (counting: Counting, counted: Counted): Promise<Budget | undefined> => {
  const taken: StoreKey[] = []
  for (const budget of counted.factor.budgets ?? []) {
    const key = budgetKey(counting, counted, budget)
    if (key === undefined) continue
    if (!(await spend(counting, key, budget))) {
      // Else who may send nothing any more could still use up what belongs to all.
      await Promise.all(taken.map((one) => returnSpent(counting, one)))
      return budget
    }
    taken.push(key)
  }
  return undefined
}

/** What was taken from a pace: the how manieth message it is there. */
interface Taken {
  readonly key: StoreKey
  readonly messages: number
}

/** Takes one message from a pace; how many seconds to wait where it is too soon. */
const pace = async ({ vault, clock }: Counting, key: StoreKey): Promise<Taken | number> => {
  const slot = await vault.read<Pace>(key)
  const wait = (slot.value?.nextAt ?? 0) - clock()
  if (wait > 0) return wait
  const messages = (slot.value?.messages ?? 0) + 1
  const next: Pace = { messages, nextAt: clock() + pauseAfter(messages) }
  return (await vault.write(key, slot, next, clock() + MEMORY_SECONDS)) ? { key, messages } : RACE_PAUSE_SECONDS
}

/** The pause after a newer message is not this one's to give back. */
const returnPace = ({ vault, clock }: Counting, { key, messages }: Taken) =>
  vault.update<Pace>(key, ({ value, expiresAt }) =>
    value?.messages !== messages || expiresAt === undefined
      ? undefined
      : { value: { messages: messages - 1, nextAt: clock() }, expiresAt },
  )

const returnPaces = async (counting: Counting, taken: readonly Taken[]) => {
  await Promise.all(taken.map((one) => returnPace(counting, one)))
}

/** Takes one message from every pace, or from none. */
const paced = async (counting: Counting, counted: Counted): Promise<readonly Taken[] | number> => {
  const taken: Taken[] = []
  for (const key of pacesOf(counting, counted)) {
    const one = await pace(counting, key)
    if (typeof one === 'number') {
      await returnPaces(counting, taken)
      return one
    }
    taken.push(one)
  }
  return taken
}

/** Builds it. @see {@link Allowances} */
export const createAllowances = (counting: Counting): Allowances => {
  const granted = new WeakMap<Counted, readonly Taken[]>()
  return Object.freeze<Allowances>({
    async reserve(counted) {
      const taken = await paced(counting, counted)
      if (typeof taken === 'number') return { outcome: 'paused', retryAfterSeconds: taken }
      const exhausted = await budgeted(counting, counted)
      if (exhausted !== undefined) {
        await returnPaces(counting, taken)
        return { outcome: 'exhausted', per: exhausted.per }
      }
      granted.set(counted, taken)
      return GRANTED
    },
    async giveBack(counted) {
      const taken = granted.get(counted) ?? []
      granted.delete(counted)
      await returnPaces(counting, taken)
    },
    async clear(counted) {
      await Promise.all(pacesOf(counting, counted).map((key) => counting.vault.delete(key)))
    },
  })
}
