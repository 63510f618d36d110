import { DeviceError } from './error.ts'
import { type DeviceKeyPair, exclusively } from './platform.ts'
import type { DeviceStorage } from './storage.ts'

/** Where pushes to this device go: a subscription of the Push API, or a token of Google's or Apple's service. */
export type PushChannel =
  | {
      readonly service: 'web-push'
      readonly endpoint: string
      readonly keys: { readonly p256dh: string; readonly auth: string }
    }
  | { readonly service: 'fcm'; readonly token: string }
  | { readonly service: 'apns'; readonly token: string; readonly environment: 'production' | 'sandbox' }

/** An account that this device answers for, as apps see it. */
export interface DeviceAccount {
  /** The device's own name at this issuer: no two accounts share one. */
  readonly deviceId: string
  readonly issuer: string
  /** The account's label. */
  readonly account: string
  /** How the device calls itself there. */
  readonly name: string
  /** `unconfirmed` until the code was typed on the page that showed the link. */
  readonly status: 'unconfirmed' | 'active'
  /** The digits to type there, while unconfirmed. */
  readonly code?: string
  /** Epoch seconds by the server's clock: until when it can be confirmed, while unconfirmed. */
  readonly expiresAt?: number
  readonly channel?: PushChannel
}

/** The same as it is stored. */
export interface AccountRecord extends Omit<DeviceAccount, 'status'> {
  /** `sent` before there is an answer: stored so early that a ticket is never used up where nothing can be stored. */
  readonly status: DeviceAccount['status'] | 'sent'
  readonly keys: DeviceKeyPair
  /** The key of a rotation whose answer is not known; from `expiresAt` on it cannot come into force any more. */
  readonly next?: { readonly keys: DeviceKeyPair; readonly expiresAt: number }
}

/** What apps see of a record. */
export const shown = ({ keys: _keys, next: _next, status, ...rest }: AccountRecord): DeviceAccount =>
  Object.freeze({ ...rest, status: status === 'active' ? 'active' : 'unconfirmed' })

const PREFIX = 'account:'

/** The accounts in a storage. */
export const createRecords = (storage: DeviceStorage) => {
  const keyOf = (deviceId: string) => `${PREFIX}${deviceId}`

  const load = async (deviceId: string): Promise<AccountRecord> => {
    const record = (await storage.get(keyOf(deviceId))) as AccountRecord | undefined
    if (record === undefined) throw new DeviceError('unknown_account', 'This device is not enrolled for that account.')
    return record
  }

  return {
    load,
    all: async (): Promise<readonly AccountRecord[]> => {
      const keys = (await storage.keys()).filter((key) => key.startsWith(PREFIX))
      const records = (await Promise.all(keys.map((key) => storage.get(key)))) as (AccountRecord | undefined)[]
      return records.filter((record) => record !== undefined)
    },
    save: (record: AccountRecord) => storage.set(keyOf(record.deviceId), record),
    /** Changes it unless it is gone; no two changes at once. */
    change: (deviceId: string, next: (record: AccountRecord) => AccountRecord): Promise<AccountRecord> =>
      exclusively(`oidc-step-up-device:${deviceId}`, async () => {
        const record = next(await load(deviceId))
        await storage.set(keyOf(deviceId), record)
        return record
      }),
    forget: (deviceId: string) => storage.delete(keyOf(deviceId)),
  }
}

/** @see createRecords */
export type Records = ReturnType<typeof createRecords>
