import type { Evidence } from '../assurance/evidence.ts'
import type { Clock } from '../clock.ts'
import type { Ceremony, Input, Refusal, Step } from '../factors/factor.ts'
import { type AccountRecords, applyAcceptance, applyRefusal, type LoadedRecord } from './account-record.ts'
import { deliver } from './deliver.ts'
import { ceremonyKey, ceremonyOf, contextOf, isAllowed, type Place } from './place.ts'
import type { Throttle } from './throttle.ts'
import type { Slot, Vault } from './vault.ts'
import { leaveVerified, verifiedKey } from './verified.ts'

/** What the screen has to say about the last answer. */
export type Notice =
  | { readonly reason: Refusal }
  /** Answers came too fast: this one was not looked at. */
  | { readonly reason: 'throttled'; readonly retryAfterSeconds: number }
  /** Too many refusals: no further answer is looked at in this challenge. */
  | { readonly reason: 'dead'; readonly retryAfterSeconds: number }
  /** The message could not be handed over. */
  | { readonly reason: 'not-sent' }
  /** Too many refusals in a row: the factor is switched off for the account. */
  | { readonly reason: 'disabled' }

/** What came of showing or answering. */
export type Outcome =
  | {
      readonly outcome: 'open'
      /** What the factor's view made; absent where the ceremony could not even begin. */
      readonly view?: unknown
      /** Masked names of what can answer. */
      readonly authenticators: readonly string[]
      readonly notice?: Notice
    }
  /** Nothing to answer here (any more): the request has to be decided anew. */
  | { readonly outcome: 'gone' }
  | { readonly outcome: 'accepted' }

/** What the effects work with. */
export interface CeremonyTools {
  readonly vault: Vault
  readonly records: AccountRecords
  readonly throttle: Throttle
  readonly clock: Clock
}

/** The effects of ceremonies: load, pure step, conditional write. */
export interface Ceremonies {
  /** Shows the open ceremony, or begins one. Showing again changes nothing: same state, same secret, no new message. */
  show(place: Place): Promise<Outcome>
  /** Answers it. Counting comes before looking; of parallel answers at most one is accepted. */
  answer(place: Place, input: Input): Promise<Outcome>
}

/** A ceremony under way, as stored. */
interface Open {
  readonly state: unknown
  /** Refused answers in this ceremony. */
  readonly failures: number
}

/** One request at one place, with what was read for it. */
interface Scene extends CeremonyTools {
  readonly place: Place
  readonly ceremony: Ceremony
  readonly loaded: LoadedRecord
  readonly slot: Slot<Open>
}

type Accepted = Step & { readonly outcome: 'accepted' }

const GONE: Outcome = { outcome: 'gone' }
const MAX_FAILURES_PER_CHALLENGE = 5
const MAX_RACES = 5

const isDead = ({ failures }: Open) => failures >= MAX_FAILURES_PER_CHALLENGE

const isDisabled = ({ place, loaded }: Scene) => loaded.record.disabledFactors[place.factor.id] !== undefined

const contextIn = ({ place, loaded, clock }: Scene) => contextOf(place, loaded, clock())

const submit = (scene: Scene, { state }: Open, input: Input) => scene.ceremony.submit(state, input, contextIn(scene))

const opened = async (scene: Scene, state: unknown, notice?: Notice): Promise<Outcome> => {
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

const sent = async ({ place }: Scene, step: Step): Promise<Notice | undefined> =>
  (await deliver(place.factor.sender, place.locale, step)) ? undefined : { reason: 'not-sent' }

const begin = async (scene: Scene): Promise<Outcome> => {
  const { place, ceremony, slot, vault, clock } = scene
  const step = await ceremony.begin(contextIn(scene))
  if (step.outcome === 'refused') return opened(scene, undefined, { reason: step.reason })
  const open: Open = { state: step.state, failures: 0 }
  if (await vault.write(ceremonyKey(place), slot, open, clock() + ceremony.ttlSeconds))
    return opened(scene, step.state, await sent(scene, step))
  // Another request of this browser began it a moment ago; its state is the one that counts.
  const { value } = await vault.read<Open>(ceremonyKey(place))
  return value === undefined ? GONE : opened(scene, value.state)
}

/** Keeps the ceremony under way, with the end it had. */
const keep = ({ place, slot, vault, clock, ceremony }: Scene, open: Open) =>
  vault.write(ceremonyKey(place), slot, open, slot.expiresAt ?? clock() + ceremony.ttlSeconds)

const refuse = async (scene: Scene, open: Open, reason: Refusal): Promise<Outcome> => {
  const { account, factor } = scene.place
  if (reason === 'unavailable') {
    await Promise.all([scene.throttle.giveBack(account.id, factor.id), keep(scene, open)])
    return opened(scene, open.state, { reason })
  }
  const counted: Open = { ...open, failures: open.failures + 1 }
  await Promise.all([
    keep(scene, counted),
    scene.records.update(account.id, (record) => applyRefusal(record, factor.id, scene.clock())),
  ])
  return (isDead(counted) ? await dead(scene, counted) : undefined) ?? opened(scene, open.state, { reason })
}

const evidenceOf = ({ place, loaded, clock }: Scene, step: Accepted, id: string | undefined): Evidence => {
  const { factor, account, cid, purpose } = place
  const { kinds, traits, amr } = step.proof ?? factor
  const { securityStamp } = account
  return {
    factor: factor.id,
    kinds,
    traits,
    amr,
    at: clock(),
    cid,
    ...(id === undefined ? {} : { authenticatorId: id }),
    ...(securityStamp === undefined ? {} : { securityStamp }),
    ...(purpose === 'challenge' ? {} : { enrolled: loaded.record.authenticators.length === 0 ? 'first' : 'further' }),
  }
}

/** Writes what the acceptance changes; false where another writer of the account's record came first. */
const settle = async (scene: Scene, step: Accepted): Promise<boolean> => {
  const { place, loaded, vault, records, throttle, clock } = scene
  const { account, factor, interactionUid } = place
  const { record, authenticatorId } = applyAcceptance(loaded.record, factor.id, step, clock())
  if (!(await records.save(account.id, loaded, record))) return false
  const event = evidenceOf(scene, step, authenticatorId)
  await Promise.all([
    leaveVerified(vault, verifiedKey(account.id, interactionUid), [event], clock()),
    throttle.clear(account.id, factor.id),
  ])
  return true
}

/**
 * The challenge is held exclusively by now; the account's record must win its race too. Where another writer
 * came between, the answer is judged again on what that writer left, so that one code never passes twice.
 */
const accept = async (scene: Scene, open: Open, first: Accepted, input: Input): Promise<Outcome> => {
  const taken: Scene = { ...scene, slot: { ...scene.slot, version: null } }
  let now = taken
  let step: Step = first
  for (let race = 0; race < MAX_RACES && step.outcome === 'accepted'; race += 1) {
    if (await settle(now, step)) return { outcome: 'accepted' }
    now = { ...taken, loaded: await scene.records.load(scene.place.account.id) }
    if (isDisabled(now) || !isAllowed(scene.place, now.loaded)) return GONE
    step = await submit(now, open, input)
  }
  return refuse(now, open, step.outcome === 'refused' ? step.reason : 'used')
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
  const { place, ceremony, slot, vault, throttle, clock } = scene
  const step = await submitOnce(scene, open, input)
  if (step.outcome === 'refused') return refuse(scene, open, step.reason)
  if (step.outcome === 'accepted' && (await vault.take(ceremonyKey(place))) !== undefined)
    return accept(scene, open, step, input)
  await throttle.giveBack(place.account.id, place.factor.id)
  // Another request of this browser was accepted a moment before this one.
  if (step.outcome === 'accepted') return GONE
  const next: Open = { ...open, state: step.state }
  const won = await vault.write(ceremonyKey(place), slot, next, clock() + ceremony.ttlSeconds)
  return won ? opened(scene, step.state, await sent(scene, step)) : GONE
}

const show = async (scene: Scene): Promise<Outcome> => {
  const { slot, place } = scene
  if (isDisabled(scene)) return opened(scene, slot.value?.state, { reason: 'disabled' })
  if (!isAllowed(place, scene.loaded)) return GONE
  if (slot.value === undefined) return begin(scene)
  if (!isDead(slot.value)) return opened(scene, slot.value.state)
  return (await dead(scene, slot.value)) ?? begin(scene)
}

const answer = async (scene: Scene, input: Input): Promise<Outcome> => {
  const { slot, place, loaded, throttle } = scene
  if (slot.value === undefined) return GONE
  if (isDisabled(scene)) return opened(scene, slot.value.state, { reason: 'disabled' })
  if (!isAllowed(place, loaded)) return GONE
  if (isDead(slot.value)) return (await dead(scene, slot.value)) ?? GONE
  const { account, factor } = place
  const reserved = await throttle.reserve(account.id, factor.id, loaded.record.failures[factor.id] ?? 0)
  if (reserved.granted) return judge(scene, slot.value, input)
  const { retryAfterSeconds } = reserved
  return opened(scene, slot.value.state, { reason: 'throttled', retryAfterSeconds })
}

/** Builds the effects. @see {@link Ceremonies} */
export const createCeremonies = (tools: CeremonyTools): Ceremonies => {
  const arrive = async (place: Place): Promise<Scene | undefined> => {
    const ceremony = ceremonyOf(place)
    if (ceremony === undefined) return undefined
    const [loaded, slot] = await Promise.all([
      tools.records.load(place.account.id),
      tools.vault.read<Open>(ceremonyKey(place)),
    ])
    return { ...tools, place, ceremony, loaded, slot }
  }
  return Object.freeze<Ceremonies>({
    async show(place) {
      const scene = await arrive(place)
      return scene === undefined ? GONE : show(scene)
    },
    async answer(place, input) {
      const scene = await arrive(place)
      return scene === undefined ? GONE : answer(scene, input)
    },
  })
}
