import { isDeviceError } from './error.ts'
import type { DeviceKeyPair, Platform } from './platform.ts'
import type { AccountRecord, Records } from './records.ts'
import { type Act, type Claims, claimsFor, sign } from './statement.ts'
import { ask } from './wire.ts'

/** What is to be said: an act, and the claims that it needs. */
export interface Saying {
  readonly act: Act
  readonly more?: Readonly<Record<string, unknown>>
  readonly signal?: AbortSignal | undefined
}

/** Carries a statement to the server. */
export type Carry<Answer> = (statement: string) => Promise<Answer>

const withoutNext = ({ next: _next, ...rest }: AccountRecord): AccountRecord => rest

/** The record once the server counts the new key only. */
export const promoted = (record: AccountRecord): AccountRecord =>
  record.next === undefined ? record : { ...withoutNext(record), keys: record.next.keys }

/** Says things to servers, on their clock and with the key that they know. */
export const createSpeaker = (platform: Platform, records: Records) => {
  const { crypto } = platform
  const offsets = new Map<string, number>()
  const nowAt = (issuer: string) => platform.now() + (offsets.get(issuer) ?? 0)

  /** Once more by the server's clock where this device's is wrong. */
  const onTime = async <Answer>(issuer: string, send: (now: number) => Promise<Answer>): Promise<Answer> => {
    try {
      return await send(nowAt(issuer))
    } catch (thrown) {
      if (!isDeviceError(thrown, 'statement_expired') || thrown.now === undefined) throw thrown
      offsets.set(issuer, thrown.now - platform.now())
      return send(nowAt(issuer))
    }
  }

  /** Drops the key of a rotation that never came into force, once it cannot any more. */
  const settle = async ({ deviceId, issuer, next }: AccountRecord) => {
    if (next === undefined || nowAt(issuer) <= next.expiresAt) return
    await records.change(deviceId, (record) =>
      record.next?.expiresAt === next.expiresAt ? withoutNext(record) : record,
    )
  }

  const claims = ({ deviceId, issuer }: AccountRecord, act: Act, now: number, more?: Saying['more']): Claims =>
    claimsFor(crypto, { deviceId, issuer, act, now }, more)

  /** Says it with the current key, or with the one of a rotation whose answer was lost, and settles which it is. */
  const say = async <Answer>(
    record: AccountRecord,
    { act, more }: Omit<Saying, 'signal'>,
    carry: Carry<Answer>,
  ): Promise<Answer> => {
    const sayWith = (keys: DeviceKeyPair) =>
      onTime(record.issuer, async (now) => carry(await sign(crypto, keys, claims(record, act, now, more))))
    try {
      const answer = await sayWith(record.keys)
      await settle(record)
      return answer
    } catch (thrown) {
      if (record.next === undefined || !isDeviceError(thrown, 'invalid_statement')) throw thrown
      const answer = await sayWith(record.next.keys)
      await records.change(record.deviceId, promoted)
      return answer
    }
  }

  return {
    nowAt,
    onTime,
    claims,
    say,
    /** Says it, and returns what the server answers as JSON. */
    ask: (record: AccountRecord, { signal, ...saying }: Saying) =>
      say(record, saying, (statement) => ask(platform, record.issuer, { statement }, signal)),
  }
}

/** @see createSpeaker */
export type Speaker = ReturnType<typeof createSpeaker>
