import type { AnyFactor, Input, Step } from '../factors/factor.ts'
import type { LoadedRecord } from './account-record.ts'
import { begin, goOn } from './begin.ts'
import { tellChange } from './changes.ts'
import { claimIn, dropClaim, keepClaim, takeClaim } from './claims.ts'
import { answered } from './letters.ts'
import { contextIn, GONE, isDead, isDisabled, keep, opened, overBy, waitedFor, waitingOf } from './opened.ts'
import { type Permit, standingOf } from './permit.ts'
import { answering, ceremonyKey, ceremonyOf, isAllowed, isOpen, type Place, type Spot } from './place.ts'
import { dead, refuse } from './refuse.ts'
import type { Accepted, CeremonyTools, Notice, Open, Outcome, Reading, Scene, Waiting } from './scene.ts'
import { factorEvent, settle } from './settle.ts'

export type { CeremonyTools, Notice, Outcome, Reading, Waiting } from './scene.ts'

/** The effects of ceremonies: load, pure step, conditional write. */
export interface Ceremonies {
  /** Reads ahead, all at once, so that a page need not read the account's record twice. */
  read(spot: Spot, intent: 'show' | 'answer'): Promise<Reading>
  /** Those of the factors whose ceremony may run at this place now, as far as the account's record tells. */
  open(place: Place, factors: readonly AnyFactor[]): Promise<readonly AnyFactor[]>
  /** Shows the open ceremony, or begins one. Showing again changes nothing: same state, same secret, no new message. */
  show(place: Place, reading?: Reading): Promise<Outcome>
  /** Answers it. Counting comes before looking; of parallel answers at most one is accepted. */
  answer(place: Place, input: Input, reading?: Reading): Promise<Outcome>
  /** Ends one that waits for a device, as nobody waits for the device any more. */
  abandon(spot: Spot): Promise<void>
  /** How far the ceremony is that a device answers; undefined where none is open. */
  waiting(spot: Spot): Promise<Waiting | undefined>
}

const MAX_RACES = 5
/** The field that asks for another ceremony where one has ended. */
export const AGAIN = 'again'

const lastNotice = ({ refused: reason }: Open): Notice | undefined => (reason === undefined ? undefined : { reason })

const submit = (scene: Scene, { state }: Open, input: Input) =>
  waitedFor(scene, scene.ceremony.submit(state, input, contextIn(scene)))

/** Takes what allows this enrolment; false where another enrolment has used it up. */
const takePermit = async ({ place, loaded, vault, factors }: Scene) =>
  place.purpose === 'challenge' || isOpen(place, loaded, factors) || (await vault.take(place.permitKey)) !== undefined

/**
 * The challenge is held exclusively by now; the account's record must win its race too. Where another writer
 * came between, the answer is judged again on what that writer left, so that one code never passes twice.
 */
export const accept = async (scene: Scene, open: Open, first: Accepted, input: Input): Promise<Outcome> => {
  const taken: Scene = { ...scene, slot: { ...scene.slot, version: null } }
  const { records, place } = scene
  const claim = claimIn(first)
  let now = taken
  let step: Step = first
  if (!(await takePermit(scene))) return GONE
  for (let race = 0; race < MAX_RACES && step.outcome === 'accepted'; race += 1) {
    if (!(await takeClaim(records, place.account.id, now.loaded.record, claim)))
      return refuse(now, open, { reason: 'used' })
    const settled = await settle(now, step)
    if (settled !== undefined) {
      const kept = keepClaim(records, place.account.id, claim)
      const left = Promise.all([settled.left, kept, answered(scene, open)]).then(() => undefined)
      left.catch(() => undefined)
      return { outcome: 'accepted', ...settled, left }
    }
    now = { ...taken, loaded: await records.load(place.account.id) }
    if (isDisabled(now) || !isAllowed(place, now.loaded, scene.permit, scene.factors)) {
      await dropClaim(records, place.account.id, claim)
      return GONE
    }
    step = isAnsweredElsewhere(now, open) ? stillStanding(now, step) : await submit(now, open, input)
  }
  await dropClaim(records, place.account.id, claim)
  return refuse(now, open, step.outcome === 'refused' ? step : { reason: 'used' })
}

/** A device or another site has answered, once: it cannot be asked again. */
const isAnsweredElsewhere = ({ ceremony }: Scene, { ready }: Open) =>
  ready !== undefined || ceremony.returns !== undefined

/** What was answered elsewhere stands as long as the authenticator is one of the account's. */
const stillStanding = ({ place: { factor, account }, loaded }: Scene, step: Accepted): Step =>
  answering(factor, account, loaded.record).some(({ id }) => id === step.authenticatorId)
    ? step
    : { outcome: 'refused', reason: 'not-enrolled' }

/** The browser takes what its account's device has approved. Whoever comes second finds nothing any more. */
const takeReady = async (scene: Scene): Promise<Outcome> => {
  const { vault, place, summonses, slot } = scene
  const taken = await vault.take<Open>(ceremonyKey(place))
  if (taken?.ready === undefined) {
    // A denial came a moment ago: it is what stands, and who approved first has approved nothing.
    if (taken !== undefined) await keep({ ...scene, slot: { ...slot, version: null } }, taken)
    return GONE
  }
  const { ready, awaits } = taken
  if (awaits !== undefined) await summonses.close(place, awaits.reference)
  tellChange(scene)
  const step = stillStanding(scene, ready.step)
  if (step.outcome === 'accepted') return accept({ ...scene, at: ready.at }, taken, step, {})
  // Nobody is asked again for what a device has said that is none of the account's any more.
  const { ready: _void, ...ended } = taken
  await keep({ ...scene, slot: { ...slot, version: null } }, { ...ended, refused: 'not-enrolled', final: true })
  return GONE
}

/** Begins anew what has ended, as the user asks; going back never posts again. */
const beginAnew = async (scene: Scene): Promise<Outcome> => {
  const outcome = await begin(scene)
  const isPage = outcome.outcome === 'open' && outcome.notice === undefined && outcome.redirect === undefined
  return isPage ? { ...outcome, kept: true } : outcome
}

/** A fault of the factor is nobody's wrong answer: the attempt is given back before the fault goes on. */
const submitOnce = async (scene: Scene, open: Open, input: Input): Promise<Step> => {
  try {
    return await submit(scene, open, input)
  } catch (fault) {
    const { account, factor } = scene.place
    await scene.throttle.giveBack(account.id, factor.id)
    throw fault
  }
}

const judge = async (scene: Scene, open: Open, input: Input): Promise<Outcome> => {
  const { place, vault, throttle } = scene
  const step = await submitOnce(scene, open, input)
  if (step.outcome === 'refused') {
    // One answer that arrives twice is nobody's copy: only who still holds the challenge can make an authenticator suspect.
    const isTwin = step.suspectId !== undefined && (await vault.take(ceremonyKey(place))) === undefined
    if (!isTwin) return refuse(scene, open, step)
    await throttle.giveBack(place.account.id, place.factor.id)
    return GONE
  }
  if (step.outcome === 'accepted' && (await vault.take(ceremonyKey(place))) !== undefined)
    return accept(scene, open, step, input)
  await throttle.giveBack(place.account.id, place.factor.id)
  // Another request of this browser was accepted a moment before this one.
  return step.outcome === 'accepted' ? GONE : goOn(scene, open, step)
}

const show = async (scene: Scene): Promise<Outcome> => {
  const { slot, place } = scene
  if (isDisabled(scene)) return opened(scene, slot.value, { reason: 'disabled' })
  if (!isAllowed(place, scene.loaded, scene.permit, scene.factors)) return GONE
  if (slot.value === undefined) return begin(scene)
  const over = overBy(scene, slot.value)
  if (over !== undefined) return opened(scene, slot.value, over)
  if (!isDead(scene, slot.value)) return opened(scene, slot.value, lastNotice(slot.value))
  return (await dead(scene, slot.value)) ?? begin(scene)
}

const answer = async (scene: Scene, input: Input): Promise<Outcome> => {
  const { slot, place, loaded, throttle, pace } = scene
  if (slot.value === undefined) return GONE
  if (isDisabled(scene)) return opened(scene, slot.value, { reason: 'disabled' })
  if (!isAllowed(place, loaded, scene.permit, scene.factors)) return GONE
  const over = overBy(scene, slot.value)
  if (over !== undefined) return input[AGAIN] === undefined ? opened(scene, slot.value, over) : beginAnew(scene)
  if (isDead(scene, slot.value)) return (await dead(scene, slot.value)) ?? GONE
  if (slot.value.ready !== undefined) return takeReady(scene)
  const { account, factor } = place
  const reserved = await throttle.reserve(account.id, factor.id, loaded.record.failures[factor.id] ?? 0, pace)
  if (reserved.granted) return judge(scene, slot.value, input)
  const { retryAfterSeconds } = reserved
  scene.announce('challenge.throttled', { ...factorEvent(place), retryAfterSeconds })
  return opened(scene, slot.value, { reason: 'throttled', retryAfterSeconds })
}

/** What a ticket allows stands on the account as it is found now, so that a reset in between ends it. */
const permitAt = ({ account }: Place, { record }: LoadedRecord, permit: Permit | undefined): Permit | undefined =>
  permit && { standing: standingOf(record, account), ...permit }

/** Builds the effects. @see {@link Ceremonies} */
export const createCeremonies = (tools: CeremonyTools): Ceremonies => {
  const read: Ceremonies['read'] = async (spot, intent) => {
    const { account, factor, purpose, permitKey } = spot
    const [loaded, slot, permit, pace] = await Promise.all([
      tools.records.load(account.id),
      tools.vault.read<Open>(ceremonyKey(spot)),
      purpose === 'enroll' ? tools.vault.read<Permit>(permitKey) : undefined,
      intent === 'answer' ? tools.throttle.read(account.id, factor.id) : undefined,
    ])
    return { loaded, slot, permit: permit?.value, ...(pace === undefined ? {} : { pace }) }
  }
  const arrive = (place: Place, { loaded, slot, permit, pace }: Reading): Scene | undefined => {
    const ceremony = ceremonyOf(place)
    if (ceremony === undefined) return undefined
    const { vault, records, throttle, dispatcher, summonses, changes, clock, factors, offers, announce } = tools
    // Written out: spreading this many members makes an object that every later step is slow to read.
    return {
      vault,
      records,
      throttle,
      dispatcher,
      summonses,
      changes,
      clock,
      factors,
      offers,
      announce,
      place,
      ceremony,
      loaded,
      slot,
      permit: permitAt(place, loaded, permit),
      pace,
    }
  }
  return Object.freeze<Ceremonies>({
    read,
    async open(place, factors) {
      const { loaded, permit } = await read(place, 'show')
      const allowed = permitAt(place, loaded, permit)
      return factors.filter((factor) => isAllowed({ ...place, factor }, loaded, allowed, tools.factors))
    },
    async show(place, reading) {
      const scene = arrive(place, reading ?? (await read(place, 'show')))
      return scene === undefined ? GONE : show(scene)
    },
    async abandon(spot) {
      const { value } = await tools.vault.read<Open>(ceremonyKey(spot))
      if (value?.awaits === undefined) return
      await Promise.all([tools.vault.delete(ceremonyKey(spot)), tools.summonses.close(spot, value.awaits.reference)])
      tellChange({ changes: tools.changes, place: spot })
    },
    async waiting(spot) {
      const { value } = await tools.vault.read<Open>(ceremonyKey(spot))
      return value && waitingOf(value)
    },
    async answer(place, input, reading) {
      const scene = arrive(place, reading ?? (await read(place, 'answer')))
      return scene === undefined ? GONE : answer(scene, input)
    },
  })
}
