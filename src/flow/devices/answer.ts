import type { Statement, Step } from '../../factors/factor.ts'
import { accept } from '../ceremony.ts'
import { tellChange } from '../changes.ts'
import { contextIn, overBy, triesLeft, waitedFor } from '../opened.ts'
import { ceremonyKey } from '../place.ts'
import { counted, noteRefusal } from '../refuse.ts'
import type { Accepted, Open, Scene } from '../scene.ts'
import { type Desk, type DeviceEnding, type DeviceReply, type Speaker, sceneOf, settleState } from './desk.ts'

const MAX_RACES = 5

const APPROVED: DeviceReply = { reply: { outcome: 'approved' } }
const OUTCOMES = { denied: 'denied', reported: 'reported' } as const

type Refusal = Step & { readonly outcome: 'refused' }

const refused = async (desk: Desk, scene: Scene, open: Open, step: Refusal): Promise<DeviceReply | undefined> => {
  const { account, factor } = scene.place
  if (step.reason === 'unavailable') {
    await desk.throttle.giveBack(account.id, factor.id)
    return { error: 'temporarily_unavailable' }
  }
  const now = counted(open, step)
  if (!(await settleState(desk, scene, now))) return undefined
  await noteRefusal(scene, step)
  if (overBy(scene, now) !== undefined) await conclude(desk, scene, {})
  if (step.reason === 'denied' || step.reason === 'reported') return { reply: { outcome: OUTCOMES[step.reason] } }
  return step.reason === 'invalid' ? { error: 'wrong_number', left: triesLeft(scene, now) } : { error: 'no_challenge' }
}

/** Judges the answer once, on what stands now; undefined where another came between. */
const judge = async (
  desk: Desk,
  scene: Scene,
  { authenticator }: Speaker,
  { input }: Extract<Statement, { act: 'answer' }>,
): Promise<DeviceReply | undefined> => {
  const { throttle, clock } = desk
  const open = scene.slot.value
  const { account, factor } = scene.place
  if (open === undefined || scene.ceremony.receive === undefined) return { error: 'no_challenge' }
  const step = await waitedFor(scene, scene.ceremony.receive(open.state, input, contextIn(scene), authenticator))
  if (step.outcome === 'refused') return refused(desk, scene, open, step)
  await throttle.giveBack(account.id, factor.id)
  if (step.outcome === 'continue') return { reply: step.reply ?? {} }
  const ready: Open = { ...open, ready: { step, at: clock() } }
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
  if (taken === undefined || overBy(scene, taken) !== undefined) return { error: 'no_challenge' }
  if (taken.awaits !== undefined) await summonses.close(scene.place, taken.awaits.reference)
  const outcome = await accept(scene, ready, step, {})
  if (outcome.outcome !== 'accepted') return { error: 'no_challenge' }
  await outcome.left
  const { authenticatorId } = step
  await conclude(desk, scene, { proof: outcome.proof, ...(authenticatorId === undefined ? {} : { authenticatorId }) })
  tellChange(scene)
  return APPROVED
}

/** Judges what a device says of the challenge that is open. */
export const answer = async (
  desk: Desk,
  speaker: Speaker,
  said: Extract<Statement, { act: 'answer' }>,
): Promise<DeviceReply> => {
  const { account, loaded } = speaker
  const { factor, throttle, summonses } = desk
  const summons = await summonses.challenge(account.id, factor.id)
  if (summons?.reference !== said.reference) return { error: 'no_challenge' }
  const reserved = await throttle.reserve(account.id, factor.id, loaded.record.failures[factor.id] ?? 0)
  if (!reserved.granted) return { error: 'too_many_requests', retryAfterSeconds: reserved.retryAfterSeconds }
  for (let race = 0; race < MAX_RACES; race += 1) {
    const scene = await sceneOf(desk, summons, account, loaded)
    const open = scene?.slot.value
    if (scene === undefined || open === undefined || overBy(scene, open) !== undefined) break
    if (open.awaits?.reference !== said.reference) break
    const reply = await judge(desk, scene, speaker, said)
    if (reply !== undefined) return reply
  }
  await throttle.giveBack(account.id, factor.id)
  return { error: 'no_challenge' }
}
