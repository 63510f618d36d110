import { digest } from '../crypto/digest.ts'
import type { Step } from '../factors/factor.ts'
import { inTime } from './patience.ts'
import { ceremonyKey, contextOf } from './place.ts'
import type { Notice, Open, Outcome, Scene, Waiting } from './scene.ts'

/** Nothing to answer here. */
export const GONE: Outcome = { outcome: 'gone' }

const MAX_FAILURES_PER_CHALLENGE = 5

/** What the ceremony sees. */
export const contextIn = ({ place, loaded, clock }: Scene) => contextOf(place, loaded, clock())

/** A step of the factor, waited for as long as there is patience. */
export const waitedFor = <S extends Step>({ ceremony }: Scene, step: S | Promise<S>) =>
  ceremony.inProcess === true ? step : inTime(step)

/** Whether so many answers were refused that no further one is looked at. */
export const isDead = ({ ceremony }: Pick<Scene, 'ceremony'>, { failures }: Open): boolean =>
  failures >= (ceremony.maxFailures ?? MAX_FAILURES_PER_CHALLENGE)

/** How many more wrong answers are looked at. */
export const triesLeft = ({ ceremony }: Pick<Scene, 'ceremony'>, { failures }: Open): number =>
  Math.max(0, (ceremony.maxFailures ?? MAX_FAILURES_PER_CHALLENGE) - failures)

/** Whether it has ended for good, so that another begins only where the user asks for it: dead ones begin anew by themselves. */
export const overBy = (scene: Pick<Scene, 'ceremony'>, open: Open): Extract<Notice, { reason: 'over' }> | undefined => {
  if (open.final === true && open.refused !== undefined) return { reason: 'over', refused: open.refused }
  return scene.ceremony.receive !== undefined && isDead(scene, open) ? { reason: 'over', refused: 'dead' } : undefined
}

export const isDisabled = ({ place, loaded }: Scene): boolean =>
  loaded.record.disabledFactors[place.factor.id] !== undefined

/** How far it is, for who waits for a device. */
export const waitingOf = ({ state, failures, refused, final, ready, awaits }: Open): Waiting => ({
  version: digest(JSON.stringify([state, failures, refused, final, ready === undefined])).slice(0, 22),
  answered: ready !== undefined,
  ...(awaits === undefined ? {} : { expiresAt: awaits.expiresAt }),
})

/** The ceremony as a page shows it. Without what was written where it could not even begin. */
export const opened = async (
  scene: Scene,
  open: Open | undefined,
  notice?: Notice,
): Promise<Outcome & { outcome: 'open' }> => {
  const { place, ceremony } = scene
  const context = contextIn(scene)
  return {
    outcome: 'open',
    ...(open === undefined ? {} : { view: await ceremony.view(open.state, context) }),
    ...(open === undefined || ceremony.receive === undefined ? {} : { waiting: waitingOf(open) }),
    authenticators: context.authenticators.map((one) => place.factor.describe(one)).filter((name) => name !== ''),
    ...(notice === undefined ? {} : { notice }),
  }
}

/** Keeps the ceremony under way, with the end it had; whether nobody came between. */
export const keep = ({ place, slot, vault, clock, ceremony }: Scene, open: Open): Promise<boolean> =>
  vault.write(ceremonyKey(place), slot, open, slot.expiresAt ?? clock() + ceremony.ttlSeconds)
