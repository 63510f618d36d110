import type { Proof } from './evidence.ts'
import { kindsOf } from './levels.ts'

/**
 * Authentication Method Reference Values of what was really done, in the order it was done, each once
 * (RFC 8176 section 2). `mfa` comes last, and only where two different kinds were proved: the same kind
 * twice is not multi-factor.
 */
export const amrOf = (events: readonly Proof[]): readonly string[] => {
  const values = new Set(events.flatMap(({ amr }) => amr).filter((value) => value !== 'mfa'))
  return kindsOf(events).length >= 2 ? [...values, 'mfa'] : [...values]
}
