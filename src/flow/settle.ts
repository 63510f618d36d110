import type { Evidence, Proof } from '../assurance/evidence.ts'
import type { EnrolledBy } from '../events.ts'
import type { Authenticator } from '../factors/factor.ts'
import { type AccountRecord, applyAcceptance } from './account-record.ts'
import { releaseClaims } from './claims.ts'
import {
  dueFactors,
  enrollableFactors,
  hasOnlyAddresses,
  isRecovery,
  PERMIT_SECONDS,
  type Permit,
  standingOf,
} from './permit.ts'
import type { Place } from './place.ts'
import type { Accepted, Scene } from './scene.ts'
import { leaveVerified, verifiedKey } from './verified.ts'

/** What an acceptance came to. */
export interface Settled {
  /** What was really shown. */
  readonly proof: Proof
  /** The version of the account's factors from now on. */
  readonly factorsVersion: string
  /**
   * Resolves once all that follows is written: the evidence, what it allows next, the pace. Nothing may be sent
   * before; what else is to be written can be written meanwhile.
   */
  readonly left: Promise<void>
}

type Settling = Pick<
  Scene,
  'place' | 'loaded' | 'permit' | 'vault' | 'records' | 'throttle' | 'clock' | 'factors' | 'offers' | 'announce' | 'at'
>

/** What every event about this ceremony tells. */
export const factorEvent = ({ account, factor, client }: Place) => ({
  accountId: account.id,
  factor: factor.id,
  ...(client === undefined ? {} : { clientId: client.id }),
})

const evidenceOf = (
  { place, loaded, clock, factors, at = clock() }: Settling,
  { kinds, traits, amr }: Proof,
  cid: string,
  id: string | undefined,
): Evidence => {
  const { factor, account, purpose } = place
  const { securityStamp } = account
  return {
    factor: factor.id,
    kinds,
    traits,
    amr,
    at,
    cid,
    ...(id === undefined ? {} : { authenticatorId: id }),
    ...(securityStamp === undefined ? {} : { securityStamp }),
    ...(purpose === 'challenge' ? {} : { enrolled: hasOnlyAddresses(factors, loaded.record) ? 'first' : 'further' }),
  }
}

/** Leaves the evidence for the interaction's resume. A setup by ticket has none, and showing nothing proves nothing. */
const leaveEvidence = async (scene: Settling, proof: Proof, authenticatorId: string | undefined) => {
  const { account, id, cid } = scene.place
  if (cid === undefined || proof.kinds.length === 0) return
  const event = evidenceOf(scene, proof, cid, authenticatorId)
  await leaveVerified(scene.vault, verifiedKey(account.id, id), [event], scene.clock())
}

/**
 * What this acceptance allows next. A recovery code: one new authenticator, and nothing else. A verification by
 * any other factor but an address, and an enrolment that did not rest on a recovery code: what stands beside others and is due.
 */
const allowedNext = (
  { place, permit, factors, clock, offers }: Settling,
  { traits }: Proof,
  record: AccountRecord,
): Permit => {
  const standing = standingOf(record, place.account)
  const recovery = isRecovery(place.factor)
  if (recovery && place.purpose === 'challenge')
    return { by: 'recovery-code', factors: enrollableFactors(factors, record), standing }
  const by = permit?.by ?? 'sign-in'
  const due = dueFactors(factors, record, clock(), offers?.everySeconds)
  // Something better is for who has just shown what they have, and not for who has set something up.
  const isEarned = due.reason === 'running-out' ? !recovery : place.purpose === 'challenge'
  // Codes meet levels that an address does not, so it cannot earn them.
  const earns = isEarned && by !== 'recovery-code' && !traits.includes('address')
  return { by, factors: earns ? due.factors : [], standing }
}

const leavePermit = async (scene: Settling, proof: Proof, record: AccountRecord) => {
  const { place, vault, clock } = scene
  const permit = allowedNext(scene, proof, record)
  if (permit.factors.length > 0)
    await vault.update<Permit>(place.permitKey, () => ({ value: permit, expiresAt: clock() + PERMIT_SECONDS }))
}

const announceEnrollment = ({ place, loaded, permit, announce }: Settling, record: AccountRecord, id: string) => {
  const by: EnrolledBy = permit?.by ?? 'sign-in'
  const { accountId } = factorEvent(place)
  const isKept = ({ id: known }: Authenticator) => record.authenticators.some((one) => one.id === known)
  for (const { id: authenticatorId, factor } of loaded.record.authenticators.filter((one) => !isKept(one)))
    announce('authenticator.removed', { accountId, factor, authenticatorId, by: 'replacement' })
  announce('authenticator.enrolled', { ...factorEvent(place), authenticatorId: id, by })
}

/** What was replaced holds no key any more. */
const releaseReplaced = ({ place, loaded, records }: Settling, { authenticators }: AccountRecord) =>
  releaseClaims(
    records,
    place.account.id,
    loaded.record.authenticators.filter(({ id }) => !authenticators.some((one) => one.id === id)),
  )

const announceAcceptance = (scene: Settling, record: AccountRecord, id: string | undefined) => {
  const { place, announce } = scene
  if (place.purpose === 'enroll' && id !== undefined) return announceEnrollment(scene, record, id)
  const used = record.authenticators.find((one) => one.id === id)
  const usesLeft = used && place.factor.usesLeft?.(used)
  announce('challenge.accepted', {
    ...factorEvent(place),
    // An implied one is named by nothing that could be looked up.
    ...(used === undefined ? {} : { authenticatorId: used.id }),
    ...(usesLeft === undefined ? {} : { usesLeft }),
  })
}

/**
 * Writes all that an acceptance changes: the account's record by compare-and-set, then the evidence, what it
 * allows next and the pace. Undefined where another writer of the record came first.
 */
export const settle = async (scene: Settling, step: Accepted): Promise<Settled | undefined> => {
  const { place, loaded, records, throttle, clock } = scene
  const { account, factor } = place
  const { record, authenticatorId } = applyAcceptance(loaded.record, factor.id, step, clock())
  if (!(await records.save(account.id, loaded, record))) return undefined
  const { kinds, traits, amr } = step.proof ?? factor
  const proof: Proof = { kinds, traits, amr }
  const left = Promise.all([
    leaveEvidence(scene, proof, authenticatorId),
    leavePermit(scene, proof, record),
    throttle.clear(account.id, factor.id),
    releaseReplaced(scene, record),
  ]).then(() => announceAcceptance(scene, record, authenticatorId))
  // Whoever awaits it is told; until then it is nobody's unhandled rejection.
  left.catch(() => undefined)
  return { proof, factorsVersion: record.factorsVersion, left }
}
