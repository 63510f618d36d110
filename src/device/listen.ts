import { type Challenge, readChallenges } from './challenge.ts'
import { type DeviceError, isDeviceError } from './error.ts'
import { type Platform, pause } from './platform.ts'
import { type AccountRecord, type DeviceAccount, type Records, shown } from './records.ts'
import type { Speaker } from './speaker.ts'
import { readEvents } from './stream.ts'
import { createDeadline, errorIn, post, unreachable } from './wire.ts'

/** How to listen. */
export interface ListenOptions {
  /** Ends the listening. */
  readonly signal: AbortSignal
  /**
   * Called when a server cannot be heard, until `onChallenges` is called again; the listening goes on by itself. Only
   * with `unknown_device`, `invalid_statement` and `unknown_account` it is over for that account: it was removed.
   */
  readonly onTrouble?: (error: DeviceError, account: DeviceAccount) => void
  /** Seconds between two questions where streams cannot be read. Default 5. */
  readonly pollSeconds?: number
  /** Seconds before the first new try; each further one waits twice as long, up to a minute. Default 1. */
  readonly retrySeconds?: number
}

/** What listening is built on. */
export interface ListenTools {
  readonly platform: Platform
  readonly records: Records
  readonly speaker: Speaker
}

// Browsers hold six connections to a host over HTTP/1.1, for all their tabs.
const MAX_STREAMS = 2
const FIRST_EVENT_SECONDS = 10
// The server says something every 15 s.
const SILENCE_SECONDS = 45
/** So many questions after a stream that said nothing, before a stream is tried again. */
const POLLS = 60
const MAX_PAUSE_SECONDS = 60

/** One account's own end of the line. */
interface Line {
  readonly record: AccountRecord
  readonly streams: boolean
  readonly signal: AbortSignal
  readonly pollSeconds: number
  readonly retrySeconds: number
  readonly report: (challenges: readonly Challenge[]) => void
  readonly trouble: (error: DeviceError) => void
}

/** Hears one stream out. Returns whether anything came of it. */
const hear = async ({ platform, speaker }: ListenTools, { record, report, signal }: Line) => {
  const deadline = createDeadline(FIRST_EVENT_SECONDS, signal)
  let heard = false
  const take = (name: string, data: string) => {
    if (name !== 'challenges') return
    heard = true
    report(readChallenges(JSON.parse(data), record))
  }
  const connect = async (statement: string) => {
    const response = await post(platform, record.issuer, { statement }, deadline.signal)
    if (response.status !== 200) throw errorIn(response, await response.text())
    return response
  }
  try {
    const { body } = await speaker.say(record, { act: 'listen' }, connect)
    // React Native's fetch has no body to read from; a question tells the same.
    if (typeof body?.getReader !== 'function') return false
    await readEvents(body, take, () => deadline.extend(heard ? SILENCE_SECONDS : FIRST_EVENT_SECONDS))
  } catch (thrown) {
    if (isDeviceError(thrown)) throw thrown
    // What stands between holds streams back, where nothing came in all that time.
    const isHeldBack = !heard && deadline.signal.aborted && !signal.aborted
    if (!isHeldBack) throw unreachable(thrown, signal)
  } finally {
    deadline.end()
  }
  return heard
}

const isOver = (error: DeviceError) => isDeviceError(error, 'unknown_device', 'invalid_statement', 'unknown_account')

const pauseAfter = ({ crypto }: Platform, error: DeviceError, failures: number, retrySeconds: number) => {
  const chance = new Uint8Array(1)
  crypto.getRandomValues(chance)
  const seconds = Math.min(MAX_PAUSE_SECONDS, retrySeconds * 2 ** failures)
  // Not all at once, when a server comes back.
  return Math.max(error.retryAfterSeconds ?? 0, seconds * (0.5 + (chance[0] ?? 0) / 512))
}

/** Listens for one account until the signal is aborted or the account is gone. */
const attend = async (tools: ListenTools, line: Line): Promise<void> => {
  const { signal, pollSeconds, retrySeconds, report, trouble } = line
  let failures = 0
  let polls = line.streams ? 0 : Number.POSITIVE_INFINITY

  const once = async () => {
    const record = await tools.records.load(line.record.deviceId)
    if (polls > 0) {
      polls -= 1
      report(readChallenges(await tools.speaker.ask(record, { act: 'pending', signal }), record))
      return pollSeconds
    }
    if (await hear(tools, { ...line, record })) return retrySeconds
    polls = POLLS
    return 0
  }

  /** Tells what went wrong. Returns how long to wait, or nothing where there is nothing to wait for. */
  const recover = (thrown: unknown) => {
    const error = isDeviceError(thrown) ? thrown : (unreachable(thrown) as DeviceError)
    trouble(error)
    if (isOver(error)) return undefined
    failures += 1
    return pauseAfter(tools.platform, error, failures - 1, retrySeconds)
  }

  while (!signal.aborted) {
    let seconds: number | undefined
    try {
      seconds = await once()
      failures = 0
    } catch (thrown) {
      if (signal.aborted) return
      seconds = recover(thrown)
    }
    if (seconds === undefined) return
    await pause(seconds, signal)
  }
}

/** @see Device.listen */
export const listen = async (
  tools: ListenTools,
  onChallenges: (challenges: readonly Challenge[]) => void,
  options: ListenOptions,
): Promise<void> => {
  const records = (await tools.records.all()).filter(({ status }) => status === 'active')
  const open = new Map<string, readonly Challenge[]>()
  // What is said of some accounts only would read as if nothing were open for the others.
  const unheard = new Set(records.map(({ deviceId }) => deviceId))
  const tell = (deviceId: string, challenges?: readonly Challenge[]) => {
    if (options.signal.aborted) return
    const isFirst = unheard.delete(deviceId)
    if (challenges !== undefined) open.set(deviceId, challenges)
    if (unheard.size === 0 && (isFirst || challenges !== undefined)) onChallenges([...open.values()].flat())
  }
  const { signal, onTrouble, pollSeconds = 5, retrySeconds = 1 } = options
  const lines = records.map((record, index) => {
    const { deviceId } = record
    const trouble = (error: DeviceError) => {
      if (open.size > 0 || isOver(error)) tell(deviceId, isOver(error) ? [] : undefined)
      onTrouble?.(error, shown(record))
    }
    const report = (challenges: readonly Challenge[]) => tell(deviceId, challenges)
    return attend(tools, { record, streams: index < MAX_STREAMS, signal, pollSeconds, retrySeconds, report, trouble })
  })
  await Promise.all(lines)
}
