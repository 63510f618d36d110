import { StepUpError } from '../../errors.ts'
import type { Authenticator, OutgoingMessage, Sender } from '../factor.ts'
import type { PushSender, PushSettings } from './options.ts'
import type { PushChannel, PushData } from './state.ts'

/** A device as a message names it: each counts, so that no two accounts' messages have one target. */
interface Addressee {
  readonly authenticatorId: string
  readonly channel?: PushChannel
}

/** A channel that can be sent to. */
interface Line {
  readonly authenticatorId: string
  readonly channel: PushChannel
  readonly sender: PushSender
}

/** How sending to one device ended. */
type End = 'sent' | 'gone' | 'failed'

const serviceOf = (channel: unknown) => String((Object(channel) as Partial<PushChannel>).service)

/** The channel that a device names, as it is kept; undefined where nothing here sends to it. */
export const channelIn = ({ senders }: PushSettings, channel: unknown): PushChannel | undefined => {
  const service = serviceOf(channel)
  const parsed = senders.get(service)?.parse(channel)
  return parsed === undefined ? undefined : { ...parsed, service }
}

/** All devices of a challenge as the address of one message. */
export const addressOf = (devices: readonly Authenticator<PushData>[]): string =>
  JSON.stringify(
    devices.map(({ id, data: { channel } }): Addressee => ({ authenticatorId: id, ...(channel && { channel }) })),
  )

const linesIn = (settings: PushSettings, to: string): readonly Line[] =>
  (JSON.parse(to) as readonly Addressee[]).flatMap(({ authenticatorId, channel: kept }) => {
    // Asked anew each time: a host that was taken off a list gets no more.
    const channel = kept && channelIn(settings, kept)
    const sender = channel && settings.senders.get(channel.service)
    return channel === undefined || sender === undefined ? [] : [{ authenticatorId, channel, sender }]
  })

const sent = async ({ channel, sender }: Line, { text, reference = '', expiresAt }: OutgoingMessage): Promise<End> => {
  try {
    await sender.send({ channel, reference, text, expiresAt })
    return 'sent'
  } catch (fault) {
    return fault instanceof StepUpError && fault.code === 'ERR_ADDRESS' ? 'gone' : 'failed'
  }
}

/**
 * Sends to all devices at once, and is content where one push went out, or there was none to send: the app finds by
 * itself what it is asked, while it is open. It never throws: whose device names a dead end at a service makes nobody
 * else wait.
 */
export const senderOf =
  (settings: PushSettings): Sender =>
  async (message) => {
    const lines = linesIn(settings, message.to)
    const ends = await Promise.all(lines.map((line) => sent(line, message)))
    return {
      gone: lines.filter((_line, index) => ends[index] === 'gone').map(({ authenticatorId }) => authenticatorId),
      ...(ends.includes('failed') && !ends.includes('sent') ? { undelivered: true } : {}),
    }
  }
