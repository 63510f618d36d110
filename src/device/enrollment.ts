import { DeviceError, isDeviceError } from './error.ts'
import { readLink } from './link.ts'
import { type Platform, pause } from './platform.ts'
import { type AccountRecord, type DeviceAccount, type PushChannel, type Records, shown } from './records.ts'
import type { Speaker } from './speaker.ts'
import { claimsFor, createKeys, sha256, sign, thumbprint } from './statement.ts'
import { ask } from './wire.ts'

/** How a new device calls itself, and where pushes go. */
export interface EnrollOptions {
  /** 1 to 64 characters. */
  readonly name: string
  readonly channel?: PushChannel
}

/** How to wait for the code to be typed. */
export interface ConfirmedOptions {
  readonly signal?: AbortSignal
  /** Default 3. */
  readonly pollSeconds?: number
}

/** What an enrolment is built on. */
export interface EnrollmentTools {
  readonly platform: Platform
  readonly records: Records
  readonly speaker: Speaker
}

const TICKET_SECONDS = 600
const POLL_SECONDS = 3
const MAX_NAME_LENGTH = 64

/** @throws DeviceError `invalid_request` for a name that no server takes. */
export const readName = (text: string): string => {
  const name = text.trim()
  if (name === '' || [...name].length > MAX_NAME_LENGTH)
    throw new DeviceError('invalid_request', 'A name has 1 to 64 characters.')
  return name
}

const readAnswer = (answer: Readonly<Record<string, unknown>>, { deviceId, issuer }: AccountRecord) => {
  const { account, code, expiresAt } = answer
  // An answer for another issuer or device would have its owner confirm what they did not begin.
  const isOurs = answer.deviceId === deviceId && answer.issuer === issuer
  if (!isOurs || typeof account !== 'string' || typeof code !== 'string' || typeof expiresAt !== 'number')
    throw new DeviceError('invalid_answer', 'The server did not answer this enrolment.')
  return { account, code, expiresAt }
}

/** @see Device.enroll */
export const enroll = async (
  { platform, records, speaker }: EnrollmentTools,
  link: string,
  { name, channel }: EnrollOptions,
): Promise<DeviceAccount> => {
  const { crypto } = platform
  const { issuer, ticket } = readLink(link)
  const now = speaker.nowAt(issuer)
  const stale = (await records.all()).filter(({ status, expiresAt = 0 }) => status === 'sent' && expiresAt < now)
  await Promise.all(stale.map(({ deviceId }) => records.forget(deviceId)))
  const keys = await createKeys(crypto)
  const deviceId = await thumbprint(crypto, keys)
  const record: AccountRecord = {
    deviceId,
    issuer,
    account: '',
    name: readName(name),
    status: 'sent',
    expiresAt: now + TICKET_SECONDS,
    keys,
    ...(channel === undefined ? {} : { channel }),
  }
  await records.save(record)
  try {
    const more = { ticket: await sha256(crypto, ticket), name: record.name, ...(channel ? { channel } : {}) }
    const answer = await speaker.onTime(issuer, async (at) => {
      const claims = claimsFor(crypto, { deviceId, issuer, act: 'enroll', now: at }, more)
      return ask(platform, issuer, { ticket, statement: await sign(crypto, keys, claims, true) })
    })
    const enrolled: AccountRecord = { ...record, ...readAnswer(answer, record), status: 'unconfirmed' }
    await records.save(enrolled)
    return shown(enrolled)
  } catch (thrown) {
    await records.forget(deviceId)
    throw thrown
  }
}

const activate = ({ code: _code, expiresAt: _expiresAt, ...rest }: AccountRecord): AccountRecord => ({
  ...rest,
  status: 'active',
})

const expired = (cause: unknown) => new DeviceError('enrollment_expired', 'Nobody typed the code in time.', { cause })

const isWaiting = (thrown: unknown) =>
  isDeviceError(thrown, 'unknown_device', 'unreachable', 'temporarily_unavailable', 'too_many_requests')

/** @see Device.confirmed */
export const confirmed = async (
  { records, speaker }: EnrollmentTools,
  deviceId: string,
  { signal, pollSeconds = POLL_SECONDS }: ConfirmedOptions = {},
): Promise<DeviceAccount> => {
  for (;;) {
    signal?.throwIfAborted()
    const record = await records.load(deviceId)
    if (record.status === 'active') return shown(record)
    try {
      await speaker.ask(record, { act: 'pending', signal })
      return shown(await records.change(deviceId, activate))
    } catch (thrown) {
      if (!isWaiting(thrown)) throw thrown
      if (isDeviceError(thrown, 'unknown_device') && speaker.nowAt(record.issuer) > (record.expiresAt ?? 0)) {
        await records.forget(deviceId)
        throw expired(thrown)
      }
    }
    await pause(pollSeconds, signal)
  }
}
