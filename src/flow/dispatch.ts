import type { Clock } from '../clock.ts'
import type { Mac } from '../crypto/mac.ts'
import type { Announce } from '../events.ts'
import type { AnyFactor, Message, OutgoingMessage } from '../factors/factor.ts'
import { createAllowances } from './dispatch/allowance.ts'
import { createBreaker } from './dispatch/breaker.ts'
import { createCarrier, type LastWord } from './dispatch/hand-over.ts'
import type { Vault } from './vault.ts'

/** Puts a message into words. */
export type Compose = (message: Message, locale: string) => OutgoingMessage

/** One message that a ceremony wants sent. */
export interface Letter {
  readonly factor: AnyFactor
  readonly accountId: string
  readonly purpose: 'enroll' | 'challenge'
  readonly clientId?: string | undefined
  /** The IP address that asks for it. */
  readonly address?: string | undefined
  readonly message: Message
  readonly locale: string
  /** The ceremony that it belongs to: a newer letter of the same drops what is left of an older one. */
  readonly about: string
}

/** Why a message was not sent, or not yet. */
export type Hindrance =
  | { readonly reason: 'paused'; readonly retryAfterSeconds: number }
  | { readonly reason: 'exhausted' }
  | { readonly reason: 'not-sent' }
  | { readonly reason: 'unreachable' }

/**
 * Sends messages: counts first, then hands over, and goes on by itself where the gateway is slow or down.
 *
 * Whoever asks commits what the message is about between the two, so that nothing is sent that nobody could answer.
 */
export interface Dispatcher {
  /** Counts the letter; what hinders it, or undefined where it may be sent. */
  reserve(letter: Letter): Promise<Hindrance | undefined>
  /** Sends a letter that is counted; what hindered it, as far as that is known within one and a half seconds. */
  send(letter: Letter): Promise<Hindrance | undefined>
  /** The letter will not be sent after all. */
  giveBack(letter: Letter): Promise<void>
  /** It was answered rightly: nothing more is sent, and the next may follow at once. */
  answered(
    letter: Pick<Letter, 'factor' | 'accountId' | 'purpose' | 'about'> & { readonly to: string | undefined },
  ): Promise<void>
}

/** What sending works with. */
export interface DispatchTools {
  readonly vault: Vault
  readonly clock: Clock
  readonly announce: Announce
  readonly compose: Compose
  /** Under a key derived for this purpose alone. */
  readonly mac: Mac
  /** Drops the addresses of these authenticators of the account, as nobody is there any more. */
  readonly drop: (factor: AnyFactor, accountId: string, authenticatorIds: readonly string[]) => Promise<void>
}

const eventOf = ({ accountId, factor, clientId }: Letter) => ({
  accountId,
  factor: factor.id,
  ...(clientId === undefined ? {} : { clientId }),
})

/** Builds it. @see {@link Dispatcher} */
export const createDispatcher = ({ vault, clock, announce, compose, mac, drop }: DispatchTools): Dispatcher => {
  const allowances = createAllowances({ vault, clock, mac })
  const breaker = createBreaker(clock)
  const carrier = createCarrier(clock)

  const noteAttempt = ({ id }: AnyFactor, word: LastWord) =>
    word === 'not-sent' ? breaker.failed(id) : breaker.succeeded(id)

  const noteEnd = (letter: Letter, word: LastWord) =>
    word === 'sent'
      ? announce('message.sent', eventOf(letter))
      : announce('message.failed', { ...eventOf(letter), reason: word })

  return Object.freeze<Dispatcher>({
    async reserve(letter) {
      // Devices find what is open without any message.
      if (letter.factor.devices === undefined && breaker.isOpen(letter.factor.id)) return { reason: 'not-sent' }
      const allowance = await allowances.reserve(letter)
      if (allowance.outcome === 'granted') return undefined
      const { outcome } = allowance
      const per = allowance.outcome === 'exhausted' ? { per: allowance.per } : {}
      announce('message.withheld', { ...eventOf(letter), reason: outcome, ...per })
      return allowance.outcome === 'paused'
        ? { reason: 'paused', retryAfterSeconds: allowance.retryAfterSeconds }
        : { reason: 'exhausted' }
    },
    async send(letter) {
      const { factor, message, locale, about } = letter
      const { sender, retriesAfterSeconds = [] } = factor
      if (sender === undefined) return { reason: 'not-sent' }
      const handed = await carrier.hand({
        sender,
        outgoing: compose(message, locale),
        about,
        retriesAfterSeconds,
        // Best effort: an address that stays is found dead once more.
        onReceipt: ({ gone }) => void (gone.length > 0 && drop(factor, letter.accountId, gone).catch(() => undefined)),
        onAttempt: (word) => noteAttempt(factor, word),
        onEnd: (word) => {
          noteEnd(letter, word)
          // A message that did not go out is no reason to wait. Best effort: the pause ends by itself.
          if (word !== 'sent') allowances.giveBack(letter).catch(() => undefined)
        },
      })
      if (handed === 'sent' || handed === 'pending') return undefined
      await allowances.giveBack(letter)
      return { reason: handed }
    },
    giveBack: (letter) => allowances.giveBack(letter),
    async answered({ factor, accountId, purpose, about, to }) {
      carrier.drop(about)
      if (to !== undefined) await allowances.clear({ factor, accountId, purpose, message: { to } })
    },
  })
}
