import { type Evidence, LOGIN } from '../../src/assurance/evidence.ts'
import type { Level } from '../../src/assurance/levels.ts'
import type { Situation } from '../../src/policy/decision.ts'

/**
 * A second reading of what a level is worth, by brute force: every set of events is tried. A set meets a level
 * where nothing in it is superfluous; what carries is the one event, or all of several but the login.
 */

const subsets = <T>(all: readonly T[]): T[][] =>
  Array.from({ length: 2 ** all.length }, (_, bits) => all.filter((_one, index) => (bits >> index) % 2 === 1))

const youngEnough = ({ at, cid }: Evidence, seconds: number, now: number, own: string | undefined) =>
  at + seconds >= now || (cid === own && at + 600 >= now)

const enough = ({ needs: { kinds = 1, traits = [], factors } }: Level, set: readonly Evidence[]) => {
  const anchored = set.some(
    (event) =>
      traits.every((trait) => event.traits.includes(trait)) && (factors?.some((id) => id === event.factor) ?? true),
  )
  const proved = ['knowledge', 'possession', 'inherence'].filter((kind) =>
    set.some((event) => event.kinds.some((one) => one === kind)),
  )
  return anchored && proved.length >= kinds
}

/** The events that count for the request at all. */
export const counting = ({ evidence, cid, requirement: { prompt } }: Situation): Evidence[] => {
  const own = evidence.filter((event) => cid !== undefined && event.cid === cid)
  const outside = prompt === 'login' ? [] : evidence.filter((event) => !own.includes(event))
  const candidates = [...outside, ...own.filter(({ enrolled }) => enrolled !== 'further')]
  return evidence.filter((event) => candidates.includes(event))
}

/** Whether live evidence meets the level. */
export const meets = (level: Level, situation: Situation): boolean => {
  const { now, cid, requirement } = situation
  const { maxAgeSeconds = Infinity, overallMaxAgeSeconds = Infinity } = level
  const bound = Math.min(maxAgeSeconds, requirement.maxAgeSeconds ?? Infinity)
  const usable = counting(situation).filter(
    (event) =>
      youngEnough(event, overallMaxAgeSeconds, now, cid) &&
      !(level.needs.without ?? []).some((trait) => event.traits.includes(trait)),
  )
  return subsets(usable)
    .filter((set) => enough(level, set))
    .filter((set) =>
      set.every(
        (one) =>
          !enough(
            level,
            set.filter((other) => other !== one),
          ),
      ),
    )
    .map((set) => (set.length === 1 ? set : set.filter(({ factor }) => factor !== LOGIN)))
    .some((carriers) => carriers.length > 0 && carriers.every((event) => youngEnough(event, bound, now, cid)))
}
