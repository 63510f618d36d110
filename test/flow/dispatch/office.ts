import type { EventCatalogue, EventName } from '../../../src/events.ts'
import type { AnyFactor, Message, OutgoingMessage, Sender } from '../../../src/factors/factor.ts'
import type { Letter } from '../../../src/flow/dispatch.ts'
import type { Accounts } from '../../../src/store/accounts.ts'
import type { Store, StoreKey } from '../../../src/store/store.ts'
import { codeFactor } from '../scene.ts'
import { createBench, hoardingStore } from '../tools.ts'

/** What no event, no store and no answer may tell. */
export const SECRETS = { to: '+4915112345678', code: '271828', address: '203.0.113.77' } as const

/** A store that remembers all that was ever handed to it, as somebody who can read it would. */
const watchedStore = () => {
  const inner = hoardingStore()
  const seen: string[] = []
  const note = (key: StoreKey, value = '') => void seen.push(JSON.stringify(key), value)
  const store: Store & Accounts = {
    ...inner,
    get: (key) => {
      note(key)
      return inner.get(key)
    },
    put: (key, value, options) => {
      note(key, value)
      return inner.put(key, value, options)
    },
  }
  return { store, seen }
}

const NAMES: readonly EventName[] = ['message.sent', 'message.failed', 'message.withheld']

/** Who sends messages, with what they were handed and what was told about it. */
export const openOffice = (more: Partial<AnyFactor> = {}) => {
  const { store, seen } = watchedStore()
  const bench = createBench({ store })
  const handed: OutgoingMessage[] = []
  const sender: Sender = async (message) => void handed.push(message)
  const factor: AnyFactor = { ...codeFactor().factor, sender, ...more }
  const told: { readonly name: EventName; readonly event: EventCatalogue[EventName] }[] = []
  for (const name of NAMES) bench.events.on(name, (event) => void told.push({ name, event }))

  const letter = ({ to, block, expiresAt, ...rest }: Asked = {}): Letter => ({
    factor,
    accountId: 'alice',
    purpose: 'challenge',
    clientId: 'app',
    address: SECRETS.address,
    locale: 'en',
    about: 'interaction',
    message: {
      to: to ?? SECRETS.to,
      template: 'code',
      values: { code: SECRETS.code },
      expiresAt: expiresAt ?? bench.clock() + 300,
      ...(block === undefined ? {} : { block }),
    },
    ...rest,
  })
  const { dispatcher } = bench
  /** Counts it and sends it, as a page does; what hindered it. */
  const post = async (asked: Asked = {}) => {
    const one = letter(asked)
    return (await dispatcher.reserve(one)) ?? (await dispatcher.send(one))
  }
  /** The same in one word. */
  const word = async (asked: Asked = {}) => (await post(asked))?.reason ?? 'sent'
  return { ...bench, factor, handed, told, seen, letter, post, word }
}

/** How a letter differs from alice's to her own number. */
export type Asked = Partial<Omit<Letter, 'message'> & Pick<Message, 'to' | 'block' | 'expiresAt'>>

/** Everything that has been waiting is done, but for timers. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
