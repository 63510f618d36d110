import type { Level } from '../assurance/levels.ts'
import type { Judged } from './replay-line.ts'

/** Numbers levels: a demand narrows one, which keeps its name and is another level all the same. */
const createNumbers = () => {
  const numbers = new WeakMap<Level, number>()
  let next = 0
  return (level: Level): number => {
    const known = numbers.get(level)
    if (known !== undefined) return known
    next += 1
    numbers.set(level, next)
    return next
  }
}

/** Writes what a decision takes from what was judged: of the same text, the same decision. */
export const createOwedKey = () => {
  const numberOf = createNumbers()
  const numbersOf = (levels: readonly Level[]) => levels.map(numberOf)
  return ({ owed, facts, missed }: Judged): string => {
    if (typeof owed === 'string') return JSON.stringify([owed, missed])
    const { floors, liftable, byAddress, exemptible, refusal, mustEnroll, byTicket, risk, spoken } = owed
    return JSON.stringify([
      [floors, liftable, byAddress].map(numbersOf),
      [exemptible, mustEnroll, byTicket, facts.risk?.confidence === 'low'],
      refusal,
      risk === undefined ? 0 : [numberOf(risk.level), risk.asks],
      spoken.map(({ rule, reportOnly, demand }) => [rule, reportOnly, demand.enrollment]),
      missed,
    ])
  }
}
