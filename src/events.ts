import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import type { Clock } from './clock.ts'
import { StepUpError } from './errors.ts'
import type { Budget, Refusal } from './factors/factor.ts'
import type { Decision } from './policy/decision.ts'

/** What every event tells. No event carries a code, a key, a cookie, a ticket or an address of a message. */
export interface AccountEvent {
  readonly accountId: string
  /** Epoch seconds. */
  readonly at: number
}

/** What allowed an enrolment. */
export type EnrolledBy =
  /** Inside a sign-in of an account that had nothing enrolled, or after a verification in the same sign-in. */
  | 'sign-in'
  /** A recovery code of the same sign-in. */
  | 'recovery-code'
  | 'ticket'
  /** `mfa.accounts`. */
  | 'operator'

/** An event about one factor in one sign-in. */
export interface FactorEvent extends AccountEvent {
  readonly factor: string
  /** The relying party of the sign-in; absent at enrolment by ticket. */
  readonly clientId?: string
}

/** All events by name: when each is emitted, and with what. */
export interface EventCatalogue {
  /** A pass of an authorization request was decided; several passes make one sign-in. */
  'authorization.decided': AccountEvent & { readonly clientId: string; readonly decision: Decision }
  /** A challenge was answered rightly, and that is written. `usesLeft`: of recovery codes, after this one. */
  'challenge.accepted': FactorEvent & { readonly authenticatorId?: string; readonly usesLeft?: number }
  /** An answer was looked at and refused. `failures`: refusals of this factor in a row. */
  'challenge.refused': FactorEvent & {
    readonly reason: Refusal
    readonly failures: number
    /** Of a push that was reported: `unknown-request`, `unknown-place` or `other`. */
    readonly detail?: string
  }
  /** An answer came too fast and was not looked at. */
  'challenge.throttled': FactorEvent & { readonly retryAfterSeconds: number }
  /** A message was handed over to its gateway. */
  'message.sent': FactorEvent
  /** A message could not be handed over, and is not tried again. `unreachable`: never, at this address. */
  'message.failed': FactorEvent & { readonly reason: 'not-sent' | 'unreachable' }
  /** A message was asked for and not sent: too soon after another, or its budget is used up. */
  'message.withheld': FactorEvent & { readonly reason: 'paused' | 'exhausted'; readonly per?: Budget['per'] }
  /** A hundred refusals in a row have switched the factor off for the account; `mfa.accounts.unlock` undoes it. */
  'factor.disabled': FactorEvent
  /** A new authenticator is confirmed and written; for recovery codes, a new set. */
  'authenticator.enrolled': FactorEvent & { readonly authenticatorId: string; readonly by: EnrolledBy }
  /** An authenticator may have been copied: its counter went back. It is out of use until it is removed. */
  'authenticator.suspected': FactorEvent & { readonly authenticatorId: string }
  /** An authenticator is gone: removed by `mfa.accounts` or by itself, or a new one took its place. */
  'authenticator.removed': AccountEvent & {
    readonly factor: string
    readonly authenticatorId: string
    readonly by: 'operator' | 'replacement' | 'device'
  }
  /** A device of the account has another key, address or name, as it said itself. */
  'authenticator.changed': AccountEvent & { readonly factor: string; readonly authenticatorId: string }
  /** The user asked this browser to be remembered. */
  'browser.remembered': AccountEvent & {
    readonly browserId: string
    readonly clientId: string
    readonly expiresAt: number
  }
  /** A remembered browser has lifted a floor, for the first time in its session. */
  'browser.recognized': AccountEvent & { readonly browserId: string; readonly clientId: string }
  /** An older value of a remembered browser came back: two hold what one should. It is forgotten. */
  'browser.reused': AccountEvent & { readonly browserId: string }
  /** All remembered browsers of the account were forgotten by `mfa.accounts`. */
  'browsers.forgotten': AccountEvent
  /** An enrolment ticket was made. */
  'ticket.issued': AccountEvent & { readonly ticketId: string; readonly expiresAt: number }
  /** An enrolment ticket was opened in a browser, and is used up. */
  'ticket.opened': AccountEvent & { readonly ticketId: string }
  /** All authenticators, remembered browsers and grants of the account were taken away by `mfa.accounts`. */
  'account.reset': AccountEvent
  /** Factors that too many refusals had slowed down or switched off are open again. */
  'account.unlocked': AccountEvent
  /** The account passes no authorization any more, until `account.enabled`. */
  'account.disabled': AccountEvent
  'account.enabled': AccountEvent
  /** Grants were revoked, with all tokens that stand on them: after a reset, and when an account is disabled. */
  'grants.revoked': AccountEvent & { readonly grantIds: readonly string[] }
}

/** Names in the {@link EventCatalogue}. */
export type EventName = keyof EventCatalogue

const NAMES: Readonly<Record<EventName, true>> = {
  'authorization.decided': true,
  'challenge.accepted': true,
  'challenge.refused': true,
  'challenge.throttled': true,
  'message.sent': true,
  'message.failed': true,
  'message.withheld': true,
  'factor.disabled': true,
  'authenticator.enrolled': true,
  'authenticator.suspected': true,
  'authenticator.removed': true,
  'authenticator.changed': true,
  'browser.remembered': true,
  'browser.recognized': true,
  'browser.reused': true,
  'browsers.forgotten': true,
  'ticket.issued': true,
  'ticket.opened': true,
  'account.reset': true,
  'account.unlocked': true,
  'account.disabled': true,
  'account.enabled': true,
  'grants.revoked': true,
}

/** A listener is called in the same tick, with a frozen payload. What it throws or rejects with is only warned about. */
export type Listener<Name extends EventName> = (event: EventCatalogue[Name]) => void | Promise<void>

/** Where a host listens: `mfa.events.on('challenge.refused', (event) => …)`. */
export interface Events {
  /**
   * Calls the listener at every event of that name; answers a function that ends it.
   *
   * @throws StepUpError `ERR_CONFIG` for a name that no event has, with those that there are, and for what is no function.
   */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void
}

/** Tells the listeners; the time is added here. */
export type Announce = <Name extends EventName>(name: Name, event: Omit<EventCatalogue[Name], 'at'>) => void

/** Anything can be thrown, also what no text can be made of. */
const textOf = (fault: unknown) => {
  try {
    return fault instanceof Error
      ? String(fault.message)
      : typeof fault === 'string'
        ? fault
        : inspect(fault, { depth: 0 })
  } catch {
    return 'with something that cannot be shown'
  }
}

const warn = (name: EventName, fault: unknown) => {
  const message = textOf(fault)
  process.emitWarning(`a listener of "${name}" failed: ${message}`, { type: 'StepUpWarning', code: 'STEP_UP_LISTENER' })
}

/** A listener that would never be called is a mistake, and mostly one that matters. */
const assertListening = (name: unknown, listener: unknown) => {
  const found = (value: unknown) => (value === undefined ? 'nothing' : inspect(value, { depth: 0 }).slice(0, 120))
  if (typeof name !== 'string' || !Object.hasOwn(NAMES, name)) {
    const allowed = Object.keys(NAMES).join(', ')
    throw new StepUpError('ERR_CONFIG', `mfa.events.on(name): found ${found(name)}; allowed: ${allowed}`)
  }
  if (typeof listener !== 'function') {
    const where = `mfa.events.on("${name}", listener)`
    throw new StepUpError('ERR_CONFIG', `${where}: found ${found(listener)}; allowed: a function`)
  }
}

/** Both ends of the events. No listener can break a sign-in. */
export const createEvents = (clock: Clock): { readonly events: Events; readonly announce: Announce } => {
  const emitter = new EventEmitter()
  emitter.setMaxListeners(0)
  const guarded =
    <Name extends EventName>(name: Name, listener: Listener<Name>) =>
    async (event: EventCatalogue[Name]) => {
      try {
        await listener(event)
      } catch (fault) {
        warn(name, fault)
      }
    }
  return {
    events: Object.freeze<Events>({
      on(name, listener) {
        assertListening(name, listener)
        const call = guarded(name, listener)
        emitter.on(name, call)
        return () => void emitter.off(name, call)
      },
    }),
    announce: (name, event) => void emitter.emit(name, Object.freeze({ ...event, at: clock() })),
  }
}
