import { type Evidence, LOGIN, PASSWORD, type Proof } from '../assurance/evidence.ts'
import { carriage, type Level, type Needs } from '../assurance/levels.ts'

/** A factor, as far as it can meet a level: the most that it shows. */
export interface Reaching extends Proof {
  readonly id: string
}

const MOMENT = { now: 0, cid: undefined, flowSeconds: 0 } as const

const shown = (factor: string, { kinds, traits, amr }: Proof): Evidence => ({
  factor,
  kinds,
  traits,
  amr,
  at: 0,
  cid: '',
})

const password = shown(LOGIN, PASSWORD)

/** Whether any one of the factors would meet the level beside a password, with the most that it shows. */
export const isWithinReach = (factors: readonly Reaching[], level: Level): boolean =>
  factors.some((factor) => carriage(level, [password, shown(factor.id, factor)], MOMENT) !== undefined)

/** What a level asks for, in the words of its settings. */
export const needsInWords = ({ kinds, traits = [], without = [], factors = [] }: Needs): string =>
  [
    ...(kinds === undefined ? [] : [`${kinds} kind${kinds === 1 ? '' : 's'}`]),
    ...traits,
    ...(without.length === 0 ? [] : [`without ${without.join(' and ')}`]),
    ...(factors.length === 0 ? [] : [`one of ${factors.join(', ')}`]),
  ].join(', ')
