import { exclusively, type Platform } from './platform.ts'
import type { AccountRecord, Records } from './records.ts'
import { promoted, type Speaker } from './speaker.ts'
import { createKeys, sign, thumbprint } from './statement.ts'
import { ask } from './wire.ts'

/** A little more than a statement lives, as the server tolerates a little difference between clocks. */
const NEXT_SECONDS = 90

/** What rotating is built on. */
export interface RotationTools {
  readonly platform: Platform
  readonly records: Records
  readonly speaker: Speaker
}

/** Finds out which key counts after an interrupted rotation. Returns whether that had come into force. */
const resume = async (
  { platform: { crypto }, records, speaker }: RotationTools,
  record: AccountRecord & Required<Pick<AccountRecord, 'next'>>,
) => {
  await speaker.ask(record, { act: 'pending' })
  const { keys } = await records.load(record.deviceId)
  return (await thumbprint(crypto, keys)) === (await thumbprint(crypto, record.next.keys))
}

/**
 * The new key is stored before it is sent: whatever is lost on the way, one of the two stored keys is the right one. A
 * rotation that was interrupted is brought to its end first, and is enough where it had come into force.
 *
 * @see Device.rotate
 */
export const rotate = (tools: RotationTools, deviceId: string): Promise<void> =>
  exclusively(`oidc-step-up-device-rotation:${deviceId}`, async () => {
    const { platform, records, speaker } = tools
    const { crypto } = platform
    const { next, ...before } = await records.load(deviceId)
    if (next !== undefined && (await resume(tools, { ...before, next }))) return
    const keys = next?.keys ?? (await createKeys(crypto))
    await speaker.onTime(before.issuer, async (now) => {
      const record = await records.change(deviceId, (one) => ({
        ...one,
        next: { keys, expiresAt: now + NEXT_SECONDS },
      }))
      const claims = speaker.claims(record, 'rotate', now)
      const proof = await sign(crypto, keys, claims, true)
      return ask(platform, record.issuer, { statement: await sign(crypto, record.keys, { ...claims, proof }) })
    })
    await records.change(deviceId, promoted)
  })
