import type { Clock } from '../../clock.ts'

const FAILURES = 5
const WINDOW_SECONDS = 30

/** Keeps a process from asking a gateway that does not answer, per factor: others are offered at once. */
export interface Breaker {
  /** Nothing is to be sent now. */
  isOpen(factor: string): boolean
  failed(factor: string): void
  succeeded(factor: string): void
}

/** Opens after five failures within 30 s, for 30 s from the last of them; a success closes it. */
export const createBreaker = (clock: Clock): Breaker => {
  const failures = new Map<string, readonly number[]>()
  const openUntil = new Map<string, number>()
  const recent = (factor: string) => (failures.get(factor) ?? []).filter((at) => clock() - at < WINDOW_SECONDS)
  return Object.freeze<Breaker>({
    isOpen: (factor) => clock() < (openUntil.get(factor) ?? 0),
    failed(factor) {
      const all = [...recent(factor), clock()].slice(-FAILURES)
      failures.set(factor, all)
      if (all.length >= FAILURES) openUntil.set(factor, clock() + WINDOW_SECONDS)
    },
    succeeded(factor) {
      failures.delete(factor)
      openUntil.delete(factor)
    },
  })
}
