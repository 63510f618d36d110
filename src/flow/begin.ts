import type { Awaits, Step } from '../factors/factor.ts'
import { withUnanswered } from './account-record.ts'
import { tellChange } from './changes.ts'
import type { Letter } from './dispatch.ts'
import { letterOf } from './letters.ts'
import { contextIn, GONE, opened, waitedFor } from './opened.ts'
import { ceremonyKey, isTired } from './place.ts'
import type { Notice, Open, Outcome, Scene } from './scene.ts'

type Going = Step & { outcome: 'continue' }

/** What is taken before the state is written, and given back where it is not. */
interface Taken {
  readonly letter: Letter | undefined
  readonly awaits: Awaits | undefined
}

/** Nobody is asked by it any more. A challenge counts before it is sent, and until something was accepted. */
const countUnanswered = async ({ place, records }: Scene): Promise<boolean> => {
  const { factor, account, purpose } = place
  if (purpose === 'enroll' || factor.maxUnanswered === undefined) return true
  let counted = false
  await records.update(account.id, (record) => {
    counted = !isTired(factor, record)
    return counted ? withUnanswered(record, factor.id) : record
  })
  return counted
}

const paused = (retryAfterSeconds: number | undefined): Notice | undefined =>
  retryAfterSeconds === undefined ? undefined : { reason: 'paused', retryAfterSeconds }

/** What hinders a device from being asked before anything is counted; an enrolment asks nobody. */
const hindering = async (
  { place, loaded, summonses }: Scene,
  awaits: Awaits | undefined,
): Promise<Notice | undefined> => {
  if (awaits === undefined || place.purpose === 'enroll') return undefined
  if (isTired(place.factor, loaded.record)) return { reason: 'exhausted' }
  return paused(await summonses.left(place, awaits.reference))
}

/** Opens the way for a device; what hinders it, where another is open or too many were not answered. */
const summon = async (scene: Scene, awaits: Awaits | undefined): Promise<Notice | undefined> => {
  if (awaits === undefined) return undefined
  const wait = paused(await scene.summonses.open(scene.place, awaits))
  if (wait !== undefined) return wait
  if (await countUnanswered(scene)) return undefined
  await scene.summonses.close(scene.place, awaits.reference)
  return { reason: 'exhausted' }
}

const giveBack = async ({ dispatcher, summonses, place }: Scene, { letter, awaits }: Taken) => {
  await Promise.all([
    letter === undefined ? undefined : dispatcher.giveBack(letter),
    awaits === undefined ? undefined : summonses.close(place, awaits.reference),
  ])
}

const openOf = (
  step: Going,
  letter: Letter | undefined,
  before: Pick<Open, 'failures' | 'sentTo' | 'awaits'>,
): Open => ({
  ...before,
  state: step.state,
  ...(letter === undefined ? {} : { sentTo: letter.message.to }),
  ...(step.awaits === undefined ? {} : { awaits: step.awaits }),
})

/** Sent once the state is committed: of two pages opened at once, the one whose state counts is the one that sends. */
const sendOff = async (scene: Scene, open: Open, step: Going, letter: Letter | undefined): Promise<Outcome> => {
  if (step.awaits !== undefined) tellChange(scene)
  const problem: Notice | undefined = step.problem === undefined ? undefined : { reason: 'problem', id: step.problem }
  const page = await opened(scene, open, (letter && (await scene.dispatcher.send(letter))) ?? problem)
  return step.redirect === undefined ? page : { ...page, redirect: step.redirect }
}

/** Nothing was sent, so nothing is to be answered: what the factor wants kept takes the place of the first state. */
const hold = async (scene: Scene, open: Open, { held }: Going, hindrance: Notice) => {
  const { place, vault } = scene
  if (held === undefined) return opened(scene, open, hindrance)
  const kept: Open = { ...open, state: held }
  await vault.update<Open>(ceremonyKey(place), ({ value, expiresAt }) =>
    value === undefined || expiresAt === undefined ? undefined : { value: { ...value, state: held }, expiresAt },
  )
  return opened(scene, kept, hindrance)
}

/** Counts the message and opens the way for a device; what hinders either, with neither taken. */
const prepare = async (scene: Scene, step: Going, letter: Letter | undefined): Promise<Notice | undefined> => {
  // Budgets are not given back, so whoever asks in vain must not use up what the one who can answer needs.
  const hindrance = (await hindering(scene, step.awaits)) ?? (letter && (await scene.dispatcher.reserve(letter)))
  if (hindrance !== undefined) return hindrance
  const hindered = await summon(scene, step.awaits)
  if (hindered !== undefined && letter !== undefined) await scene.dispatcher.giveBack(letter)
  return hindered
}

/** Begins a ceremony that a device answers: it would see what is open even where no message goes out. */
const beginAwaiting = async (scene: Scene, step: Going, open: Open, letter: Letter | undefined): Promise<Outcome> => {
  const { place, ceremony, slot, vault, clock } = scene
  const hindrance = await prepare(scene, step, letter)
  if (hindrance !== undefined) return opened(scene, undefined, hindrance)
  if (await vault.write(ceremonyKey(place), slot, open, clock() + ceremony.ttlSeconds))
    return sendOff(scene, open, step, letter)
  await giveBack(scene, { letter, awaits: step.awaits })
  return asBegun(scene)
}

/** Another request of this browser began it a moment ago; its state is the one that counts. */
const asBegun = async (scene: Scene): Promise<Outcome> => {
  const { value } = await scene.vault.read<Open>(ceremonyKey(scene.place))
  return value === undefined ? GONE : opened(scene, value)
}

/** What another request of this browser could begin stands, whatever came of this one. */
const beginInVain = async (scene: Scene, { reason, outage }: Step & { outcome: 'refused' }): Promise<Outcome> => {
  const { value } = await scene.vault.read<Open>(ceremonyKey(scene.place))
  if (value !== undefined && scene.slot.value === undefined) return opened(scene, value)
  const page = await opened(scene, undefined, { reason })
  return outage === true && scene.slot.version === null ? { ...page, outage } : page
}

/** Begins the ceremony; what stood there before is over. */
export const begin = async (scene: Scene): Promise<Outcome> => {
  const { place, ceremony, slot, vault, clock, dispatcher } = scene
  const step = await waitedFor(scene, ceremony.begin(contextIn(scene)))
  if (step.outcome === 'refused') return beginInVain(scene, step)
  const letter = letterOf(scene, step)
  const open = openOf(step, letter, { failures: 0 })
  if (step.awaits !== undefined) return beginAwaiting(scene, step, open, letter)
  if (!(await vault.write(ceremonyKey(place), slot, open, clock() + ceremony.ttlSeconds))) return asBegun(scene)
  const hindrance = letter && (await dispatcher.reserve(letter))
  return hindrance === undefined ? sendOff(scene, open, step, letter) : hold(scene, open, step, hindrance)
}

/** The ceremony goes on: with a message counted before it is committed, and sent after. */
export const goOn = async (scene: Scene, before: Open, step: Going): Promise<Outcome> => {
  const { place, ceremony, slot, vault, clock } = scene
  const letter = letterOf(scene, step)
  const hindrance = await prepare(scene, step, letter)
  const { refused: _answered, ready: _ready, final: _final, ...kept } = before
  // The message before is the one that can still be answered.
  if (hindrance !== undefined && step.held === undefined) return opened(scene, before, hindrance)
  if (hindrance !== undefined) {
    const held: Open = { ...kept, state: step.held }
    const written = await vault.write(ceremonyKey(place), slot, held, clock() + ceremony.ttlSeconds)
    return written ? opened(scene, held, hindrance) : GONE
  }
  const open = openOf(step, letter, kept)
  if (!(await vault.write(ceremonyKey(place), slot, open, clock() + ceremony.ttlSeconds))) {
    await giveBack(scene, { letter, awaits: step.awaits })
    return GONE
  }
  return sendOff(scene, open, step, letter)
}
