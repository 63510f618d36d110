import type { Step } from '../factors/factor.ts'
import { type AccountRecord, applyRefusal, withUnanswered } from './account-record.ts'
import { isDead, keep, opened, overBy } from './opened.ts'
import { isTired } from './place.ts'
import type { Open, Outcome, Scene } from './scene.ts'
import { factorEvent } from './settle.ts'

/** A refusal, as a ceremony tells it. */
export type Refused = Pick<Step & { outcome: 'refused' }, 'reason' | 'suspectId' | 'final' | 'detail'>

const announceRefusal = (
  { place, loaded, announce }: Scene,
  { reason, suspectId, detail }: Refused,
  record: AccountRecord,
) => {
  const { factor } = place
  const event = factorEvent(place)
  if (suspectId !== undefined) announce('authenticator.suspected', { ...event, authenticatorId: suspectId })
  if (place.purpose === 'challenge')
    announce('challenge.refused', {
      ...event,
      reason,
      failures: record.failures[factor.id] ?? 0,
      ...(detail === undefined ? {} : { detail }),
    })
  const isNew = loaded.record.disabledFactors[factor.id] === undefined
  if (isNew && record.disabledFactors[factor.id] !== undefined) announce('factor.disabled', event)
}

/** Somebody has said no, who has guessed nothing. */
export const isNo = ({ reason }: Pick<Refused, 'reason'>): boolean => reason === 'denied' || reason === 'reported'

/** What was reported as somebody else's doing is not asked again until something else was accepted. */
const withReport = (record: AccountRecord, { factor }: Scene['place'], { reason }: Refused) => {
  const { id, maxUnanswered } = factor
  return reason === 'reported' && maxUnanswered !== undefined && !isTired(factor, record)
    ? withUnanswered(record, id, maxUnanswered)
    : record
}

/**
 * Writes a report before anything else: once the ceremony has ended nobody could repeat it, and whoever is reported
 * could begin another meanwhile.
 */
export const noteReport = async ({ place, records }: Scene, refused: Refused): Promise<void> => {
  if (refused.reason === 'reported')
    await records.update(place.account.id, (before) => withReport(before, place, refused))
}

/** A ceremony with one more refusal. What a device had approved before is void where this ends it. */
export const counted = ({ ready, ...open }: Open, { reason, final }: Refused): Open => ({
  ...open,
  failures: open.failures + 1,
  refused: reason,
  ...(final === true ? { final } : ready === undefined ? {} : { ready }),
})

/** Counts a refusal for good, and tells of it. */
export const noteRefusal = async (scene: Scene, refused: Refused): Promise<void> => {
  const { place, records, clock } = scene
  const { account, factor } = place
  const record = await records.update(account.id, (before) =>
    isNo(refused) ? withReport(before, place, refused) : applyRefusal(before, factor.id, clock(), refused.suspectId),
  )
  announceRefusal(scene, refused, record)
}

/** A dead ceremony while its pause lasts; undefined where a new one may begin. */
export const dead = async (scene: Scene, open: Open): Promise<Outcome | undefined> => {
  const { throttle, place } = scene
  const retryAfterSeconds = await throttle.pauseLeft(place.account.id, place.factor.id)
  return retryAfterSeconds > 0 ? opened(scene, open, { reason: 'dead', retryAfterSeconds }) : undefined
}

/** Refuses an answer of the browser. */
export const refuse = async (scene: Scene, open: Open, refused: Refused): Promise<Outcome> => {
  const { account, factor } = scene.place
  const { reason, suspectId } = refused
  if (reason === 'unavailable') {
    await Promise.all([scene.throttle.giveBack(account.id, factor.id), keep(scene, { ...open, refused: reason })])
    return opened(scene, open, { reason })
  }
  const now = counted(open, refused)
  await Promise.all([noteRefusal(scene, refused), keep(scene, now)])
  const over = overBy(scene, now)
  if (over !== undefined) return { ...(await opened(scene, now, over)), kept: true }
  const ended = isDead(scene, now) ? await dead(scene, now) : undefined
  if (ended !== undefined) return ended
  const page = await opened(scene, now, { reason })
  return suspectId === undefined ? { ...page, kept: true } : page
}
