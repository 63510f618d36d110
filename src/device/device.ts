import { type Challenge, readChallenges } from './challenge.ts'
import {
  type ConfirmedOptions,
  confirmed,
  type EnrollmentTools,
  type EnrollOptions,
  enroll,
  readName,
} from './enrollment.ts'
import { DeviceError, isDeviceError } from './error.ts'
import { type ListenOptions, listen } from './listen.ts'
import { type DeviceCrypto, type DeviceFetch, ownFetch, ownNow, type Platform } from './platform.ts'
import { type AccountRecord, createRecords, type DeviceAccount, type PushChannel, shown } from './records.ts'
import { rotate } from './rotation.ts'
import { createSpeaker } from './speaker.ts'
import type { DeviceStorage } from './storage.ts'
import { ask } from './wire.ts'

/** What a device is made of. */
export interface DeviceOptions {
  /** Where its accounts and their keys are kept. */
  readonly storage: DeviceStorage
  /** Default: `globalThis.fetch`. */
  readonly fetch?: DeviceFetch
  /** Default: `globalThis.crypto`. */
  readonly crypto?: DeviceCrypto
  /** Epoch seconds. Default: the runtime's clock; a wrong one is mended by the server's. */
  readonly now?: () => number
}

/** What a server says about itself before anybody enrolls. */
export interface ServerInfo {
  readonly issuer: string
  /** Services that it sends pushes by: `web-push`, `fcm`, `apns`. */
  readonly channels: readonly string[]
  /** What a browser subscribes with (RFC 8292). */
  readonly vapidPublicKey?: string
}

/** Names an account of this device. */
export type AccountReference = Pick<DeviceAccount, 'deviceId'>

/** What goes with an approval. */
export interface Approval {
  /** The number that the sign-in shows, as it was typed; for a challenge with `match: 'number'`. */
  readonly number?: string
  /** True where the app made sure of its user by the device's own lock. */
  readonly userVerified?: boolean
}

/** Why something is reported. */
export type ReportReason = 'unknown-request' | 'unknown-place' | 'other'

/** An account that the device is being set up for. */
export interface EnrolledAccount extends DeviceAccount {
  /** Waits for the code to be typed where the link was shown. @see {@link Device.confirmed} */
  readonly confirmed: (options?: ConfirmedOptions) => Promise<DeviceAccount>
}

/** An authenticator app's side of the push protocol. Methods throw a {@link DeviceError}. */
export interface Device {
  /** Epoch seconds by the clock of an issuer, as far as that is known: what `expiresAt` is to be compared with. */
  readonly now: (issuer: string) => number
  /** Asks a server what it needs for an enrolment. */
  readonly about: (issuer: string) => Promise<ServerInfo>
  /**
   * Enrolls this device by the text of a QR code or a link. Its answer has the `code` that a person types on the page
   * that showed the link; until then nothing is enrolled.
   *
   * @throws DeviceError `invalid_link`, `invalid_ticket`, `unsupported_channel`, `invalid_request` for a name that is none.
   */
  readonly enroll: (link: string, options: EnrollOptions) => Promise<EnrolledAccount>
  /**
   * Waits for the code to be typed, as `enroll(…).confirmed()` does; of use after a restart of the app.
   *
   * @throws DeviceError `enrollment_expired`, and nothing is left of the account then.
   */
  readonly confirmed: (account: AccountReference, options?: ConfirmedOptions) => Promise<DeviceAccount>
  /** All accounts, unconfirmed ones included. */
  readonly accounts: () => Promise<readonly DeviceAccount[]>
  /** What is to be answered now, for one account or for all. */
  readonly pending: (account?: AccountReference) => Promise<readonly Challenge[]>
  /**
   * Tells what is to be answered, at once and at every change, for all accounts that are confirmed now; to be called
   * anew when that changes. It reconnects by itself, and asks every few seconds where streams cannot be read.
   *
   * @param onChallenges gets everything that is open, for all accounts together.
   * @returns once the signal is aborted, or no account is left.
   */
  readonly listen: (onChallenges: (challenges: readonly Challenge[]) => void, options: ListenOptions) => Promise<void>
  /** @throws DeviceError `wrong_number` with the tries `left`, `no_challenge` where it is too late. */
  readonly approve: (challenge: Challenge, approval?: Approval) => Promise<'approved'>
  /** Refuses what its person does not want; it wins over an approval until the browser has gone on. */
  readonly deny: (challenge: Challenge) => Promise<'denied'>
  /** Refuses what its person has not begun; the operator and the account's owner are told. */
  readonly report: (challenge: Challenge, reason?: ReportReason) => Promise<'reported'>
  /** Changes how the device calls itself, or where pushes go; `channel: null` stops them. */
  readonly update: (
    account: AccountReference,
    changes: { readonly name?: string; readonly channel?: PushChannel | null },
  ) => Promise<DeviceAccount>
  /** Gives the device a new key. Where the answer is lost, both are kept until the server showed which counts. */
  readonly rotate: (account: AccountReference) => Promise<void>
  /** Ends it at the server and here. Where the server does not know it any more, here. */
  readonly remove: (account: AccountReference) => Promise<void>
  /** Ends it here alone. */
  readonly forget: (account: AccountReference) => Promise<void>
}

const withChanges = (
  { channel: before, ...rest }: AccountRecord,
  { name = rest.name, channel = before }: { name?: string; channel?: PushChannel | null },
): AccountRecord => ({ ...rest, name, ...(channel ? { channel } : {}) })

const isStringList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string')

const createAbout =
  (platform: Platform): Device['about'] =>
  async (issuer) => {
    const { channels, vapidPublicKey, issuer: named } = await ask(platform, issuer, {})
    if (named !== issuer || !isStringList(channels))
      throw new DeviceError('invalid_answer', 'The server did not say what it is.')
    return { issuer, channels, ...(typeof vapidPublicKey === 'string' ? { vapidPublicKey } : {}) }
  }

const answersBy = ({ records, speaker }: Pick<EnrollmentTools, 'records' | 'speaker'>) => {
  const answer = async (
    { deviceId, reference, account, expiresAt }: Challenge,
    decision: 'approve' | 'deny' | 'report',
    more: Readonly<Record<string, unknown>> = {},
  ) =>
    speaker.ask(await records.load(deviceId), {
      act: 'answer',
      more: { ...more, reference, account, expiresAt, decision },
    })
  return {
    approve: async (challenge, { number, userVerified } = {}) => {
      await answer(challenge, 'approve', {
        ...(number === undefined ? {} : { number: number.replace(/\s/g, '') }),
        ...(userVerified ? { userVerified } : {}),
      })
      return 'approved'
    },
    deny: async (challenge) => {
      await answer(challenge, 'deny')
      return 'denied'
    },
    report: async (challenge, reason) => {
      await answer(challenge, 'report', reason === undefined ? {} : { reason })
      return 'reported'
    },
  } satisfies Partial<Device>
}

/** Makes this runtime an authenticator: any number of accounts, each with a key of its own. */
export const createDevice = (options: DeviceOptions): Device => {
  const { storage, fetch = ownFetch, crypto = globalThis.crypto as DeviceCrypto, now = ownNow } = options
  const platform: Platform = { fetch, crypto, now }
  const records = createRecords(storage)
  const speaker = createSpeaker(platform, records)
  const tools = { platform, records, speaker }

  const pendingOf = async (record: AccountRecord) =>
    readChallenges(await speaker.ask(record, { act: 'pending' }), record)

  return Object.freeze({
    now: speaker.nowAt,
    about: createAbout(platform),
    enroll: async (link, given) => {
      const account = await enroll(tools, link, given)
      return { ...account, confirmed: (how) => confirmed(tools, account.deviceId, how) }
    },
    confirmed: ({ deviceId }, how) => confirmed(tools, deviceId, how),
    accounts: async () => (await records.all()).filter(({ status }) => status !== 'sent').map(shown),
    pending: async (account) => {
      const asked = account
        ? [await records.load(account.deviceId)]
        : (await records.all()).filter(({ status }) => status === 'active')
      return (await Promise.all(asked.map(pendingOf))).flat()
    },
    listen: (onChallenges, how) => listen(tools, onChallenges, how),
    ...answersBy({ records, speaker }),
    update: async ({ deviceId }, { name, channel }) => {
      const changes = {
        ...(name === undefined ? {} : { name: readName(name) }),
        ...(channel === undefined ? {} : { channel }),
      }
      await speaker.ask(await records.load(deviceId), { act: 'update', more: changes })
      return shown(await records.change(deviceId, (record) => withChanges(record, changes)))
    },
    rotate: ({ deviceId }) => rotate(tools, deviceId),
    remove: async ({ deviceId }) => {
      try {
        await speaker.ask(await records.load(deviceId), { act: 'remove' })
      } catch (thrown) {
        if (!isDeviceError(thrown, 'unknown_device')) throw thrown
      }
      await records.forget(deviceId)
    },
    forget: ({ deviceId }) => records.forget(deviceId),
  } satisfies Device)
}
