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

/** Opens after five failures within 30 s, for 30 s; a success closes it. */
export const createBreaker = (clock: Clock): Breaker => {
  const failures = new Map<string, readonly number[]>()
  const recent = (factor: string) => (failures.get(factor) ?? []).filter((at) => clock() - at < WINDOW_SECONDS)
  return Object.freeze<Breaker>({
    isOpen: (factor) => recent(factor).length >= FAILURES,
    failed: (factor) => void failures.set(factor, [...recent(factor), clock()].slice(-FAILURES)),
    succeeded: (factor) => void failures.delete(factor),
  })
}
