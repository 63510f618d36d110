import type { AnyFactor, Input, Step } from '../factors/factor.ts'
import { type AccountRecord, applyRefusal, type LoadedRecord } from './account-record.ts'
import { claimIn, dropClaim, keepClaim, takeClaim } from './claims.ts'
import { answered, letterOf } from './letters.ts'
import { inTime } from './patience.ts'
import { type Permit, standingOf } from './permit.ts'
import { ceremonyKey, ceremonyOf, contextOf, isAllowed, isOpen, type Place, type Spot } from './place.ts'
import type { CeremonyTools, Notice, Open, Outcome, Reading, Scene } from './scene.ts'
import { type Accepted, factorEvent, settle } from './settle.ts'

export type { CeremonyTools, Notice, Outcome, Reading } from './scene.ts'

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
}

const GONE: Outcome = { outcome: 'gone' }
const MAX_FAILURES_PER_CHALLENGE = 5
const MAX_RACES = 5

const lastNotice = ({ refused: reason }: Open): Notice | undefined => (reason === undefined ? undefined : { reason })

const isDead = ({ failures }: Open) => failures >= MAX_FAILURES_PER_CHALLENGE

const isDisabled = ({ place, loaded }: Scene) => loaded.record.disabledFactors[place.factor.id] !== undefined

const contextIn = ({ place, loaded, clock }: Scene) => contextOf(place, loaded, clock())

const waitedFor = <S extends Step>({ ceremony }: Scene, step: S | Promise<S>) =>
  ceremony.inProcess === true ? step : inTime(step)

const submit = (scene: Scene, { state }: Open, input: Input) =>
  waitedFor(scene, scene.ceremony.submit(state, input, contextIn(scene)))

const opened = async (scene: Scene, state: unknown, notice?: Notice): Promise<Outcome & { outcome: 'open' }> => {
  const { place, ceremony } = scene
  const context = contextIn(scene)
  return {
    outcome: 'open',
    ...(state === undefined ? {} : { view: await ceremony.view(state, context) }),
    authenticators: context.authenticators.map((one) => place.factor.describe(one)).filter((name) => name !== ''),
    ...(notice === undefined ? {} : { notice }),
  }
}

/** A dead ceremony while its pause lasts; undefined where a new one may begin. */
const dead = async (scene: Scene, { state }: Open): Promise<Outcome | undefined> => {
  const { throttle, place } = scene
  const retryAfterSeconds = await throttle.pauseLeft(place.account.id, place.factor.id)
  return retryAfterSeconds > 0 ? opened(scene, state, { reason: 'dead', retryAfterSeconds }) : undefined
}

/** Nothing was sent, so nothing is to be answered: what the factor wants kept takes the place of the first state. */
const hold = async (scene: Scene, open: Open, { held }: Step & { outcome: 'continue' }, hindrance: Notice) => {
  const { place, vault } = scene
  if (held !== undefined)
    await vault.update<Open>(ceremonyKey(place), ({ value, expiresAt }) =>
      value === undefined || expiresAt === undefined ? undefined : { value: { ...value, state: held }, expiresAt },
    )
  return opened(scene, held ?? open.state, hindrance)
}

const begin = async (scene: Scene): Promise<Outcome> => {
  const { place, ceremony, slot, vault, clock, dispatcher } = scene
  const step = await waitedFor(scene, ceremony.begin(contextIn(scene)))
  if (step.outcome === 'refused') return opened(scene, undefined, { reason: step.reason })
  const letter = letterOf(scene, step)
  const open: Open = { state: step.state, failures: 0, ...(letter === undefined ? {} : { sentTo: letter.message.to }) }
  // Committed first: of two pages opened at once, the one whose state counts is the one that sends.
  if (await vault.write(ceremonyKey(place), slot, open, clock() + ceremony.ttlSeconds)) {
    const hindrance = letter && ((await dispatcher.reserve(letter)) ?? (await dispatcher.send(letter)))
    return hindrance === undefined ? opened(scene, step.state) : hold(scene, open, step, hindrance)
  }
  // Another request of this browser began it a moment ago; its state is the one that counts.
  const { value } = await vault.read<Open>(ceremonyKey(place))
  return value === undefined ? GONE : opened(scene, value.state)
}

/** Keeps the ceremony under way, with the end it had. */
const keep = ({ place, slot, vault, clock, ceremony }: Scene, open: Open) =>
  vault.write(ceremonyKey(place), slot, open, slot.expiresAt ?? clock() + ceremony.ttlSeconds)

const announceRefusal = ({ place, loaded, announce }: Scene, { reason, suspectId }: Refused, record: AccountRecord) => {
  const { factor } = place
  const event = factorEvent(place)
  if (suspectId !== undefined) announce('authenticator.suspected', { ...event, authenticatorId: suspectId })
  if (place.purpose === 'challenge')
    announce('challenge.refused', { ...event, reason, failures: record.failures[factor.id] ?? 0 })
  const isNew = loaded.record.disabledFactors[factor.id] === undefined
  if (isNew && record.disabledFactors[factor.id] !== undefined) announce('factor.disabled', event)
}

type Refused = Pick<Step & { outcome: 'refused' }, 'reason' | 'suspectId'>

const refuse = async (scene: Scene, open: Open, refused: Refused): Promise<Outcome> => {
  const { account, factor } = scene.place
  const { reason, suspectId } = refused
  if (reason === 'unavailable') {
    await Promise.all([scene.throttle.giveBack(account.id, factor.id), keep(scene, open)])
    return opened(scene, open.state, { reason })
  }
  const counted: Open = { ...open, failures: open.failures + 1, refused: reason }
  const [record] = await Promise.all([
    scene.records.update(account.id, (before) => applyRefusal(before, factor.id, scene.clock(), suspectId)),
    keep(scene, counted),
  ])
  announceRefusal(scene, refused, record)
  const ended = isDead(counted) ? await dead(scene, counted) : undefined
  if (ended !== undefined) return ended
  const page = await opened(scene, open.state, { reason })
  return suspectId === undefined ? { ...page, kept: true } : page
}

/** Takes what allows this enrolment; false where another enrolment has used it up. */
const takePermit = async ({ place, loaded, vault, factors }: Scene) =>
  place.purpose === 'challenge' || isOpen(place, loaded, factors) || (await vault.take(place.permitKey)) !== undefined

/**
 * The challenge is held exclusively by now; the account's record must win its race too. Where another writer
 * came between, the answer is judged again on what that writer left, so that one code never passes twice.
 */
const accept = async (scene: Scene, open: Open, first: Accepted, input: Input): Promise<Outcome> => {
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
    step = await submit(now, open, input)
  }
  await dropClaim(records, place.account.id, claim)
  return refuse(now, open, step.outcome === 'refused' ? step : { reason: 'used' })
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

/** The ceremony goes on: with a message counted before it is committed, and sent after. */
const goOn = async (scene: Scene, open: Open, step: Step & { outcome: 'continue' }): Promise<Outcome> => {
  const { place, ceremony, slot, vault, clock, dispatcher } = scene
  const letter = letterOf(scene, step)
  const hindrance = letter && (await dispatcher.reserve(letter))
  const { refused: _answered, ...before } = open
  // The message before is the one that can still be answered.
  if (hindrance !== undefined && step.held === undefined) return opened(scene, open.state, hindrance)
  if (hindrance !== undefined) {
    const { held: state } = step
    const kept = await vault.write(ceremonyKey(place), slot, { ...before, state }, clock() + ceremony.ttlSeconds)
    return kept ? opened(scene, state, hindrance) : GONE
  }
  const next: Open = { ...before, state: step.state, ...(letter === undefined ? {} : { sentTo: letter.message.to }) }
  if (!(await vault.write(ceremonyKey(place), slot, next, clock() + ceremony.ttlSeconds))) {
    if (letter !== undefined) await dispatcher.giveBack(letter)
    return GONE
  }
  const problem: Notice | undefined = step.problem === undefined ? undefined : { reason: 'problem', id: step.problem }
  return opened(scene, step.state, (letter && (await dispatcher.send(letter))) ?? problem)
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
  if (isDisabled(scene)) return opened(scene, slot.value?.state, { reason: 'disabled' })
  if (!isAllowed(place, scene.loaded, scene.permit, scene.factors)) return GONE
  if (slot.value === undefined) return begin(scene)
  if (!isDead(slot.value)) return opened(scene, slot.value.state, lastNotice(slot.value))
  return (await dead(scene, slot.value)) ?? begin(scene)
}

const answer = async (scene: Scene, input: Input): Promise<Outcome> => {
  const { slot, place, loaded, throttle, pace } = scene
  if (slot.value === undefined) return GONE
  if (isDisabled(scene)) return opened(scene, slot.value.state, { reason: 'disabled' })
  if (!isAllowed(place, loaded, scene.permit, scene.factors)) return GONE
  if (isDead(slot.value)) return (await dead(scene, slot.value)) ?? GONE
  const { account, factor } = place
  const reserved = await throttle.reserve(account.id, factor.id, loaded.record.failures[factor.id] ?? 0, pace)
  if (reserved.granted) return judge(scene, slot.value, input)
  const { retryAfterSeconds } = reserved
  scene.announce('challenge.throttled', { ...factorEvent(place), retryAfterSeconds })
  return opened(scene, slot.value.state, { reason: 'throttled', retryAfterSeconds })
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
    const { vault, records, throttle, dispatcher, clock, factors, offers, announce } = tools
    // Written out: spreading this many members makes an object that every later step is slow to read.
    return {
      vault,
      records,
      throttle,
      dispatcher,
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
    async answer(place, input, reading) {
      const scene = arrive(place, reading ?? (await read(place, 'answer')))
      return scene === undefined ? GONE : answer(scene, input)
    },
  })
}
