import type { Account } from '../../account.ts'
import type { Proof } from '../../assurance/evidence.ts'
import type { AnyFactor, Authenticator, Devices } from '../../factors/factor.ts'
import type { LoadedRecord } from '../account-record.ts'
import { tellChange } from '../changes.ts'
import { contextIn, keep, overBy } from '../opened.ts'
import { ceremonyKey, ceremonyOf, type Place } from '../place.ts'
import type { CeremonyTools, Open, Scene } from '../scene.ts'
import type { Summons } from '../summons.ts'

/** Why a device gets nothing. The words are the push protocol's. */
export type DeviceFault =
  | { readonly error: 'invalid_statement' | 'unknown_device' | 'no_challenge' | 'invalid_ticket' | 'used_statement' }
  | { readonly error: 'statement_expired'; readonly now: number }
  | { readonly error: 'unsupported_channel' }
  | { readonly error: 'wrong_number'; readonly left: number }
  | { readonly error: 'too_many_requests'; readonly retryAfterSeconds: number }
  | { readonly error: 'temporarily_unavailable' }

/** What a device is shown of what it can answer. */
export interface Pending {
  readonly challenges: readonly Readonly<Record<string, unknown>>[]
}

/** What a device gets. */
export type DeviceReply = { readonly reply: Readonly<Record<string, unknown>> } | DeviceFault

/** A line that a device holds: who it is, to look again whenever something changes. */
export interface Line {
  /** Whose line it is. */
  readonly device: string
  /** What can be answered now; undefined once the device is none of the account's any more. */
  look(): Promise<Pending | undefined>
  /** Calls `told` at changes in this process. */
  watch(told: () => void): () => void
}

/** How a challenge ended that no browser waits for. */
export interface DeviceEnding {
  readonly place: Place
  /** What was shown; absent where the device said no, or too many answers were wrong. */
  readonly proof?: Proof
  readonly authenticatorId?: string
  /** Epoch seconds. */
  readonly at: number
}

/** What the desk works with. */
export interface DeviceTools extends CeremonyTools {
  readonly account: (accountId: string) => Promise<Account | undefined>
  readonly issuer: () => string
  /** Told how a challenge ended that no browser waits for. */
  readonly conclude?: ((ending: DeviceEnding) => Promise<void>) | undefined
}

/** The desk, where a factor has devices. */
export interface Desk extends DeviceTools {
  readonly factor: AnyFactor
  readonly devices: Devices
}

/** The device that speaks, with the account it is of. */
export interface Speaker {
  readonly account: Account
  readonly loaded: LoadedRecord
  readonly authenticator: Authenticator
}

/** The scene of a ceremony that waits for a device. */
export const sceneOf = async (
  desk: Desk,
  { place: distant }: Summons,
  account: Account,
  loaded: LoadedRecord,
): Promise<Scene | undefined> => {
  const place: Place = { ...distant, account, factor: desk.factor }
  const ceremony = ceremonyOf(place)
  if (ceremony === undefined) return undefined
  const slot = await desk.vault.read<Open>(ceremonyKey(place))
  return { ...desk, place, ceremony, loaded, slot, permit: undefined, pace: undefined }
}

/** What the account's devices can answer now. */
export const pendingOf = async (desk: Desk, { account, loaded }: Omit<Speaker, 'authenticator'>): Promise<Pending> => {
  const summons = await desk.summonses.challenge(account.id, desk.factor.id)
  const scene = summons && (await sceneOf(desk, summons, account, loaded))
  const open = scene?.slot.value
  if (scene === undefined || open === undefined || !isOpen(scene, open, summons?.reference)) return { challenges: [] }
  const outline = scene.ceremony.outline?.(open.state, contextIn(scene)) ?? {}
  return { challenges: [{ reference: summons?.reference, ...outline }] }
}

const isOpen = (scene: Scene, open: Open, reference: string | undefined) =>
  open.ready === undefined && overBy(scene, open) === undefined && open.awaits?.reference === reference

/** Writes how the challenge stands now; false where another came between. */
export const settleState = async (desk: Desk, scene: Scene, open: Open): Promise<boolean> => {
  if (!(await keep(scene, open))) return false
  const isDone = overBy(scene, open) !== undefined || open.ready !== undefined
  // A right answer can still be taken back by another device, so it stays findable.
  if (isDone && open.ready === undefined && open.awaits !== undefined)
    await desk.summonses.close(scene.place, open.awaits.reference)
  tellChange(scene)
  return true
}
