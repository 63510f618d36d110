import type { Statement, Step } from '../../factors/factor.ts'
import { usableAuthenticators } from '../account-record.ts'
import { accept } from '../ceremony.ts'
import { tellChange } from '../changes.ts'
import { contextIn, overBy, triesLeft, waitedFor } from '../opened.ts'
import { ceremonyKey } from '../place.ts'
import { counted, isNo, noteRefusal, noteReport } from '../refuse.ts'
import type { Accepted, Open, Ready, Scene } from '../scene.ts'
import type { Summons } from '../summons.ts'
import type { Reservation } from '../throttle.ts'
import { type Desk, type DeviceEnding, type DeviceReply, type Speaker, sceneOf, settleState } from './desk.ts'

const MAX_RACES = 5

type Said = Extract<Statement, { act: 'answer' }>

const NONE: DeviceReply = { error: 'no_challenge' }
const APPROVED: DeviceReply = { reply: { outcome: 'approved' } }
const OUTCOMES = { denied: 'denied', reported: 'reported' } as const

type Refusal = Step & { readonly outcome: 'refused' }

const refused = async (desk: Desk, scene: Scene, open: Open, step: Refusal): Promise<DeviceReply | undefined> => {
  if (step.reason === 'unavailable') return { error: 'temporarily_unavailable' }
  await noteReport(scene, step)
  const now = counted(open, step)
  if (!(await settleState(desk, scene, now))) return undefined
  await noteRefusal(scene, step)
  if (overBy(scene, now) !== undefined) await conclude(desk, scene, {})
  if (step.reason === 'denied' || step.reason === 'reported') return { reply: { outcome: OUTCOMES[step.reason] } }
  return step.reason === 'invalid' ? { error: 'wrong_number', left: triesLeft(scene, now) } : NONE
}

/** Whether the device that approved can still be used. */
const isOfAccount = ({ place, loaded }: Scene, { step }: Ready) =>
  usableAuthenticators(loaded.record, place.factor.id).some(({ id }) => id === step.authenticatorId)

/** Judges the answer once, on what stands now; undefined where another came between. */
const judge = async (
  desk: Desk,
  scene: Scene,
  { authenticator }: Speaker,
  { input }: Said,
  reserved: Reservation,
): Promise<DeviceReply | undefined> => {
  const open = scene.slot.value
  if (open === undefined || scene.ceremony.receive === undefined) return NONE
  const step = await waitedFor(scene, scene.ceremony.receive(open.state, input, contextIn(scene), authenticator))
  // Whoever says no guesses nothing, and is heard however many guesses came before; of all else nothing is told.
  if (!reserved.granted && !(step.outcome === 'refused' && isNo(step)))
    return { error: 'too_many_requests', retryAfterSeconds: reserved.retryAfterSeconds }
  if (step.outcome === 'refused') return refused(desk, scene, open, step)
  if (step.outcome === 'continue') return { reply: step.reply ?? {} }
  // Said again, be it by somebody on the way, it is proved no later than it was.
  if (open.ready !== undefined && isOfAccount(scene, open.ready)) return APPROVED
  const ready: Open = { ...open, ready: { step, at: desk.clock() } }
  if (scene.place.backchannel !== undefined) return approveAtOnce(desk, scene, ready, step)
  return (await settleState(desk, scene, ready)) ? APPROVED : undefined
}

const conclude = async (
  { conclude: tell, clock }: Desk,
  { place }: Scene,
  how: Pick<DeviceEnding, 'proof' | 'authenticatorId'>,
) => {
  if (place.backchannel !== undefined) await tell?.({ place, ...how, at: clock() })
}

/** No browser comes for it: whoever answers first ends it. */
const approveAtOnce = async (desk: Desk, scene: Scene, ready: Open, step: Accepted): Promise<DeviceReply> => {
  const { vault, summonses } = desk
  const taken = await vault.take<Open>(ceremonyKey(scene.place))
  if (taken === undefined || overBy(scene, taken) !== undefined) return NONE
  if (taken.awaits !== undefined) await summonses.close(scene.place, taken.awaits.reference)
  const outcome = await accept(scene, ready, step, {})
  if (outcome.outcome !== 'accepted') return NONE
  await outcome.left
  const { authenticatorId } = step
  await conclude(desk, scene, { proof: outcome.proof, ...(authenticatorId === undefined ? {} : { authenticatorId }) })
  tellChange(scene)
  return APPROVED
}

/** Judges it until no other came between; undefined where that was so each time. */
const settled = async (
  desk: Desk,
  speaker: Speaker,
  said: Said,
  summons: Summons,
  reserved: Reservation,
): Promise<DeviceReply | undefined> => {
  for (let race = 0; race < MAX_RACES; race += 1) {
    const scene = await sceneOf(desk, summons, speaker.account, speaker.loaded)
    const open = scene?.slot.value
    if (scene === undefined || open === undefined || overBy(scene, open) !== undefined) return NONE
    if (open.awaits?.reference !== said.reference) return NONE
    const reply = await judge(desk, scene, speaker, said, reserved)
    if (reply !== undefined) return reply
  }
  return undefined
}

/** Judges what a device says of the challenge that is open. */
export const answer = async (desk: Desk, speaker: Speaker, said: Said): Promise<DeviceReply> => {
  const { account, loaded } = speaker
  const { factor, throttle, summonses } = desk
  const summons = await summonses.challenge(account.id, factor.id)
  if (summons?.reference !== said.reference) return NONE
  const reserved = await throttle.reserve(account.id, factor.id, loaded.record.failures[factor.id] ?? 0)
  const reply = await settled(desk, speaker, said, summons, reserved)
  // It was looked at, so it stays counted.
  if (reply === undefined) return NONE
  const isWrong = 'error' in reply && reply.error === 'wrong_number'
  if (reserved.granted && !isWrong) await throttle.giveBack(account.id, factor.id)
  return reply
}
