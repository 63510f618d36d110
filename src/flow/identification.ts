import type { Account } from '../account.ts'
import type { Evidence, Proof } from '../assurance/evidence.ts'
import type { Clock } from '../clock.ts'
import type { Announce } from '../events.ts'
import type { AnyFactor, Authenticator, Identification, IdentificationContext, Step } from '../factors/factor.ts'
import type { StoreKey } from '../store/store.ts'
import {
  type AccountRecords,
  applyAcceptance,
  type LoadedRecord,
  usableAuthenticators,
  withSuspect,
} from './account-record.ts'
import { inTime } from './patience.ts'
import type { Vault } from './vault.ts'
import { leaveVerified, noteCameIn, verifiedKey } from './verified.ts'

/** The login page that is to be answered by an authenticator alone. */
export interface Doorstep extends Pick<IdentificationContext, 'origin' | 'issuer'> {
  /** The interaction's uid. */
  readonly id: string
  /** The authorization. */
  readonly cid: string
}

/** Who somebody is, by their authenticator. */
export interface Identifications {
  /** What the login page's script needs, the same at every reload; undefined where no factor signs in alone. */
  begin(doorstep: Doorstep): Promise<{ readonly factor: string; readonly view: unknown } | undefined>
  /**
   * Judges an answer, once: the challenge is gone afterwards, whatever comes of it. The account where it is right, and
   * what was proved waits for the interaction's resume; undefined for everything else, without a word why.
   */
  finish(doorstep: Doorstep, answer: string): Promise<string | undefined>
}

/** What it works with. */
export interface IdentificationTools {
  readonly vault: Vault
  readonly records: AccountRecords
  readonly clock: Clock
  readonly factors: readonly AnyFactor[]
  readonly account: (accountId: string) => Promise<Account | undefined>
  readonly announce: Announce
}

interface Begun {
  readonly state: unknown
  readonly view: unknown
}

/** Longer answers are nobody's: keys and attestations are far shorter. */
const MAX_ANSWER = 8192
const MAX_RACES = 5

/** No account is known yet, so the record belongs to the interaction. */
const keyOf = ({ id }: Doorstep, factor: string): StoreKey => ({ kind: 'identification', accountId: id, id: factor })

/** The account that holds the claim, with the authenticator that does. */
interface Found {
  readonly account: Account
  readonly loaded: LoadedRecord
  readonly authenticator: Authenticator
}

/** The factor that signs in alone, with what it works with. */
interface Door extends IdentificationTools {
  readonly factor: AnyFactor
  readonly identify: Identification
}

/** One answer at one login page. */
interface Knock {
  readonly doorstep: Doorstep
  readonly state: unknown
  readonly answer: string
  readonly claim: string
  readonly accountId: string
}

const find = async (door: Door, { accountId, claim }: Knock): Promise<Found | undefined> => {
  const [account, loaded] = await Promise.all([door.account(accountId), door.records.load(accountId)])
  const authenticator = usableAuthenticators(loaded.record, door.factor.id).find((one) => one.claim === claim)
  const isShut = account === undefined || account.disabled === true || loaded.record.disabledAt !== undefined
  return isShut || authenticator === undefined ? undefined : { account, loaded, authenticator }
}

/**
 * A refusal is told and not counted: nobody guesses a signature, and counting would let whoever knows the id of a key
 * switch it off without a password. Only a key that may have been copied is put out of use.
 */
const refuse = async (
  { factor: { id }, records, announce }: Door,
  { account, loaded }: Found,
  { reason, suspectId }: Step & { outcome: 'refused' },
) => {
  // A judge that is out of reach has refused nobody.
  if (reason === 'unavailable') return
  const event = { accountId: account.id, factor: id }
  if (suspectId !== undefined) {
    await records.update(account.id, (before) => withSuspect(before, suspectId))
    announce('authenticator.suspected', { ...event, authenticatorId: suspectId })
  }
  announce('challenge.refused', { ...event, reason, failures: loaded.record.failures[id] ?? 0 })
}

const leave = async (
  { factor, vault, clock, announce }: Door,
  { doorstep: { id, cid } }: Knock,
  { account, authenticator }: Found,
  { kinds, traits, amr }: Proof,
) => {
  const { securityStamp } = account
  const event: Evidence = {
    factor: factor.id,
    kinds,
    traits,
    amr,
    at: clock(),
    cid,
    authenticatorId: authenticator.id,
    ...(securityStamp === undefined ? {} : { securityStamp }),
  }
  // The note first: an interrupted answer is at most one that lets nobody in.
  await noteCameIn(vault, account.id, id, event, clock())
  await leaveVerified(vault, verifiedKey(account.id, id), [event], clock())
  announce('challenge.accepted', { accountId: account.id, factor: factor.id, authenticatorId: authenticator.id })
}

/** Judges on what stands now: whether that was right, or undefined where another writer of the record came between. */
const judgeOnce = async (door: Door, knock: Knock): Promise<boolean | undefined> => {
  const { factor, identify, records, clock } = door
  const { origin, issuer } = knock.doorstep
  const found = await find(door, knock)
  if (found === undefined) return false
  const { authenticator, loaded, account } = found
  const step = await inTime(identify.submit(knock.state, knock.answer, authenticator, { origin, issuer, now: clock() }))
  if (step.outcome === 'refused') await refuse(door, found, step)
  if (step.outcome !== 'accepted') return false
  const accepted = { authenticatorId: authenticator.id, change: step.change }
  const { record } = applyAcceptance(loaded.record, factor.id, accepted, clock())
  if (!(await records.save(account.id, loaded, record))) return undefined
  await leave(door, knock, found, step.proof ?? factor)
  return true
}

const judge = async (door: Door, knock: Knock): Promise<boolean> => {
  for (let race = 0; race < MAX_RACES; race += 1) {
    const right = await judgeOnce(door, knock)
    if (right !== undefined) return right
  }
  return false
}

const begin = async ({ factor, identify, vault, clock }: Door, doorstep: Doorstep) => {
  const key = keyOf(doorstep, factor.id)
  const slot = await vault.read<Begun>(key)
  if (slot.value !== undefined) return { factor: factor.id, view: slot.value.view }
  const { origin, issuer } = doorstep
  const { state, view } = await identify.begin({ origin, issuer, now: clock() })
  const begun: Begun = { state, view }
  if (await vault.write(key, slot, begun, clock() + identify.ttlSeconds)) return { factor: factor.id, view }
  // Another request of this browser began it a moment ago.
  return { factor: factor.id, view: (await vault.read<Begun>(key)).value?.view }
}

const finish = async (door: Door, doorstep: Doorstep, answer: string): Promise<string | undefined> => {
  if (answer.length > MAX_ANSWER) return undefined
  const begun = await door.vault.take<Begun>(keyOf(doorstep, door.factor.id))
  const claim = door.identify.claimOf(answer)
  if (begun === undefined || claim === undefined) return undefined
  const accountId = await door.records.owner(claim)
  if (accountId === undefined) return undefined
  const right = await judge(door, { doorstep, state: begun.state, answer, claim, accountId })
  return right ? accountId : undefined
}

/** Builds it. @see {@link Identifications} */
export const createIdentifications = (tools: IdentificationTools): Identifications => {
  const factor = tools.factors.find(({ identify }) => identify !== undefined)
  const door = factor?.identify === undefined ? undefined : { ...tools, factor, identify: factor.identify }
  return Object.freeze<Identifications>({
    begin: async (doorstep) => door && begin(door, doorstep),
    finish: async (doorstep, answer) => door && finish(door, doorstep, answer),
  })
}
