import { refusal } from '../refuse.ts'
import { remembering } from './memo.ts'

/** Turns an instant, in epoch seconds, into what clocks on the wall showed, as if they showed UTC. */
export type LocalTime = (at: number) => number

const NAME = /^[A-Za-z][\w+/-]*$/
const OFFSET = /([+-])(\d\d):(\d\d)(?::(\d\d))?$/
const A_ZONE = 'the name of an IANA time zone, such as Europe/Berlin'
const MINUTE = 60

const formatter = (timeZone: string) => new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })

/** Seconds east of UTC at that instant. */
const offsetAt = (format: Intl.DateTimeFormat, at: number): number => {
  const name = format.formatToParts(at * 1000).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  const [, sign, hours, minutes, seconds = 0] = OFFSET.exec(name) ?? [name, '+', 0, 0]
  const length = Number(hours) * 3600 + Number(minutes) * MINUTE + Number(seconds)
  return sign === '-' ? -length : length
}

/** Clocks change on the minute (in Casey, until 2022, at one past midnight), so one minute has one offset. */
const createZone = remembering((timeZone: string): LocalTime => {
  const format = formatter(timeZone)
  const offsets = remembering((minute: number) => offsetAt(format, minute * MINUTE))
  return (at) => at + offsets(Math.floor(at / MINUTE))
})

/**
 * The wall clock of a named time zone.
 *
 * @throws StepUpError `ERR_CONFIG` where there is no such zone; a mere offset is no zone, it knows no summer.
 */
export const localTime = (setting: string, timeZone: string): LocalTime => {
  if (typeof timeZone !== 'string' || !NAME.test(timeZone)) throw refusal(setting, timeZone, A_ZONE)
  try {
    return createZone(formatter(timeZone).resolvedOptions().timeZone)
  } catch (cause) {
    throw refusal(setting, timeZone, A_ZONE, { cause })
  }
}
