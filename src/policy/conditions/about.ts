import type { Condition } from '../condition.ts'
import type { FactName, Facts } from '../facts.ts'

/**
 * A condition on one fact; not known where that fact is not.
 *
 * @param judge - gets the fact, and answers undefined where even that does not tell.
 */
export const about = <Name extends FactName>(
  name: Name,
  text: string,
  judge: (fact: NonNullable<Facts[Name]>) => boolean | undefined,
): Condition<Name> =>
  Object.freeze<Condition<Name>>({
    text,
    reads: Object.freeze([name]),
    test(facts) {
      const fact: Facts[Name] | null | undefined = facts[name]
      return fact === undefined || fact === null ? undefined : judge(fact)
    },
  })
