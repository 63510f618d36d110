import { sha256 } from '../crypto/digest.ts'
import type { Statement, StatementFault } from '../factors/factor.ts'
import type { StoreKey } from '../store/store.ts'
import { usableAuthenticators, withAuthenticators } from './account-record.ts'
import { changeOf } from './changes.ts'
import { releaseClaims } from './claims.ts'
import { answer } from './devices/answer.ts'
import {
  type Desk,
  type DeviceFault,
  type DeviceReply,
  type DeviceTools,
  type Line,
  pendingOf,
  type Speaker,
  sceneOf,
  settleState,
} from './devices/desk.ts'
import { contextIn, waitedFor } from './opened.ts'

export type { DeviceEnding, DeviceFault, DeviceReply, DeviceTools, Line } from './devices/desk.ts'

/** What devices of accounts say, and get. No cookie and no session stands behind it: only the device's own signature. */
export interface DeviceDesk {
  /** What an app needs to know before it enrolls; undefined where no factor has devices. */
  readonly about: Readonly<Record<string, unknown>> | undefined
  /** A new device presents a ticket. It is used up where the statement is good. */
  enroll(ticket: string, statement: string): Promise<DeviceReply>
  /** A device says something. `line` where it listens. */
  say(statement: string): Promise<DeviceReply | { readonly line: Line }>
}

const MAX_RACES = 5
const MAX_STATEMENT = 8192
/** A statement that changes something is remembered a little longer than it is good: clocks differ. */
const LEEWAY_SECONDS = 60

const isFault = (said: Statement | StatementFault): said is StatementFault => typeof said === 'string'

const faultOf = ({ clock }: Desk, fault: StatementFault): DeviceFault =>
  fault === 'expired'
    ? { error: 'statement_expired', now: clock() }
    : { error: fault === 'invalid' ? 'invalid_statement' : 'unsupported_channel' }

const UNKNOWN: DeviceFault = { error: 'unknown_device' }
const DONE: DeviceReply = { reply: {} }

const speakerOf = async (desk: Desk, claim: string): Promise<Speaker | undefined> => {
  const { records, factor } = desk
  const accountId = await records.owner(claim)
  if (accountId === undefined) return undefined
  const [account, loaded] = await Promise.all([desk.account(accountId), records.load(accountId)])
  const authenticator = usableAuthenticators(loaded.record, factor.id).find((one) => one.claim === claim)
  const isShut = account === undefined || account.disabled === true || loaded.record.disabledAt !== undefined
  return isShut || authenticator === undefined ? undefined : { account, loaded, authenticator }
}

/** Whether this statement comes for the first time: of the device, which may be of another account by now. */
const countsOnce = ({ vault }: Desk, claim: string, id: string, expiresAt: number) => {
  const key: StoreKey = { kind: 'device-statement', accountId: claim, id }
  return vault.write(key, { version: null }, true, expiresAt + LEEWAY_SECONDS)
}

const change = async (
  desk: Desk,
  { account, loaded, authenticator }: Speaker,
  said: Extract<Statement, { act: 'change' }>,
): Promise<boolean> => {
  const changed = {
    ...authenticator,
    data: said.data,
    ...(said.nickname === undefined ? {} : { nickname: said.nickname }),
  }
  const authenticators = loaded.record.authenticators.map((one) => (one.id === authenticator.id ? changed : one))
  if (!(await desk.records.save(account.id, loaded, { ...loaded.record, authenticators }))) return false
  desk.announce('authenticator.changed', {
    accountId: account.id,
    factor: desk.factor.id,
    authenticatorId: authenticator.id,
  })
  return true
}

const remove = async (desk: Desk, { account, loaded, authenticator }: Speaker): Promise<boolean> => {
  const kept = loaded.record.authenticators.filter(({ id }) => id !== authenticator.id)
  if (!(await desk.records.save(account.id, loaded, withAuthenticators(loaded.record, kept)))) return false
  await releaseClaims(desk.records, account.id, [authenticator])
  desk.announce('authenticator.removed', {
    accountId: account.id,
    factor: desk.factor.id,
    authenticatorId: authenticator.id,
    by: 'device',
  })
  desk.changes.tell(changeOf(account.id, desk.factor.id))
  return true
}

const lineOf = (desk: Desk, claim: string, accountId: string): Line => ({
  device: claim,
  async look() {
    const speaker = await speakerOf(desk, claim)
    return speaker && pendingOf(desk, speaker)
  },
  watch: (listener) => desk.changes.watch(changeOf(accountId, desk.factor.id), listener),
})

/** Does what a statement says, on the record as it is now; undefined where another writer came between. */
const obey = async (
  desk: Desk,
  claim: string,
  speaker: Speaker,
  said: Statement,
): Promise<DeviceReply | { readonly line: Line } | undefined> => {
  if (said.act === 'listen') return { line: lineOf(desk, claim, speaker.account.id) }
  if (said.act === 'pending') return { reply: { ...(await pendingOf(desk, speaker)) } }
  if (said.act === 'answer') return answer(desk, speaker, said)
  const isDone = said.act === 'change' ? await change(desk, speaker, said) : await remove(desk, speaker)
  return isDone ? DONE : undefined
}

const say = async (desk: Desk, statement: string): Promise<DeviceReply | { readonly line: Line }> => {
  const claim = statement.length > MAX_STATEMENT ? undefined : desk.devices.claimOf(statement)
  if (claim === undefined) return { error: 'invalid_statement' }
  let isNew = false
  for (let race = 0; race < MAX_RACES; race += 1) {
    const speaker = await speakerOf(desk, claim)
    if (speaker === undefined) return UNKNOWN
    const said = await desk.devices.read(statement, speaker.authenticator, { issuer: desk.issuer(), now: desk.clock() })
    if (isFault(said)) return faultOf(desk, said)
    if ('id' in said && !isNew && !(await countsOnce(desk, claim, said.id, said.expiresAt)))
      return { error: 'used_statement' }
    isNew = true
    const reply = await obey(desk, claim, speaker, said)
    if (reply !== undefined) return reply
  }
  return { error: 'temporarily_unavailable' }
}

/** The ticket's own ceremony judges; where it goes on, the ticket is used up. */
const enroll = async (desk: Desk, ticket: string, statement: string): Promise<DeviceReply> => {
  const invalid: DeviceFault = { error: 'invalid_ticket' }
  if (statement.length > MAX_STATEMENT || ticket.length > MAX_STATEMENT) return { error: 'invalid_statement' }
  const summons = await desk.summonses.enrollment(sha256(ticket), desk.factor.id)
  const account = summons && (await desk.account(summons.accountId))
  if (summons === undefined || account === undefined) return invalid
  const scene = await sceneOf(desk, summons, account, await desk.records.load(account.id))
  const open = scene?.slot.value
  if (scene?.ceremony.receive === undefined || open?.awaits?.reference !== summons.reference) return invalid
  const step = await waitedFor(scene, scene.ceremony.receive(open.state, { statement }, contextIn(scene)))
  if (step.outcome === 'refused') return faultOf(desk, step.reason === 'expired' ? 'expired' : 'invalid')
  if (step.outcome === 'accepted') return { error: 'invalid_statement' }
  if (step.problem !== undefined) return faultOf(desk, 'unsupported-channel')
  // Of two devices that present one ticket, the one whose state is written is the one that gets an answer.
  if (!(await settleState(desk, scene, { ...open, state: step.state }))) return invalid
  await desk.summonses.close(scene.place, summons.reference)
  return { reply: step.reply ?? {} }
}

/** Builds it. @see {@link DeviceDesk} */
export const createDeviceDesk = (tools: DeviceTools): DeviceDesk => {
  const factor = tools.factors.find(({ devices }) => devices !== undefined)
  const desk: Desk | undefined = factor?.devices && { ...tools, factor, devices: factor.devices }
  return Object.freeze<DeviceDesk>({
    about: desk?.devices.about,
    enroll: async (ticket, statement) =>
      desk === undefined ? { error: 'invalid_ticket' } : enroll(desk, ticket, statement),
    say: async (statement) => (desk === undefined ? UNKNOWN : say(desk, statement)),
  })
}
