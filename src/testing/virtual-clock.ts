import { systemClock } from '../clock.ts'
import { StepUpError } from '../errors.ts'

/** A clock that a test can move; see {@link virtualClock}. */
export interface VirtualClock {
  /** The shifted time, in whole epoch seconds. */
  now(): number
  /** Moves the time on, or back when negative. */
  advance(seconds: number): void
  /** Moves the time to the beginning of an epoch second. */
  set(at: number): void
  /** Gives the process its real time back; a second call does nothing. */
  restore(): void
}

const MARK = Symbol.for('oidc-step-up:virtual-clock')

/**
 * Shifts `Date.now()` and `new Date()` for the whole process, so that oidc-provider, its cookies and tokens
 * and this package move together. Time goes on at its normal pace from wherever it is put; timers are real.
 *
 * @throws StepUpError `ERR_CONFIG` while another virtual clock is installed.
 */
export const virtualClock = (): VirtualClock => {
  const RealDate = Date
  const realNow = RealDate.now
  if (MARK in realNow) {
    throw new StepUpError('ERR_CONFIG', 'virtualClock(): another one is installed, call its restore() first')
  }
  let offsetMs = 0
  RealDate.now = Object.assign(() => realNow() + offsetMs, { [MARK]: true })
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [RealDate.now()] : args, newTarget),
  })
  let installed = true
  return Object.freeze({
    now: systemClock,
    advance: (seconds: number) => {
      offsetMs += seconds * 1000
    },
    set: (at: number) => {
      offsetMs = at * 1000 - realNow()
    },
    restore: () => {
      if (!installed) return
      installed = false
      RealDate.now = realNow
      globalThis.Date = RealDate
    },
  })
}
