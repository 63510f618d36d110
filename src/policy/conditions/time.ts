import type { Condition } from '../condition.ts'
import { choices, refusal } from '../refuse.ts'
import { about } from './about.ts'
import { choice, worded } from './wording.ts'
import { type LocalTime, localTime } from './zone.ts'

/** A part of every day. */
export interface TimeOfDay {
  /** From then on: `22:00`. */
  readonly from: string
  /** Until just before then: `06:00`. Where it is earlier than `from`, that is over midnight. */
  readonly to: string
  /** An IANA time zone: `Europe/Berlin`. */
  readonly timeZone: string
}

/** The days of the week, from the day the epoch began. */
export const DAYS = ['thursday', 'friday', 'saturday', 'sunday', 'monday', 'tuesday', 'wednesday'] as const

/** A day of the week. */
export type Weekday = (typeof DAYS)[number]

/** Where it is that day. */
export interface WeekdayOptions {
  /** An IANA time zone: `Europe/Berlin`. */
  readonly timeZone: string
}

const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$/
const A_TIME = 'hours and minutes, from 00:00 to 23:59'
const A_DAY = `one of ${DAYS.join(', ')}`
const MINUTE = 60
const DAY = 86_400
/** Further off there are no dates (ECMA-262, "Time Values and Time Range"). */
const MAX_AT = 8_640_000_000_000

const minuteOf = (setting: string, time: string): number => {
  const [, hours, minutes] = (typeof time === 'string' && CLOCK.exec(time)) || []
  if (hours === undefined) throw refusal(setting, time, A_TIME)
  return Number(hours) * 60 + Number(minutes)
}

const onTheClock = (text: string, local: LocalTime, judge: (at: number) => boolean) =>
  about('now', text, (now) => (Math.abs(now) <= MAX_AT ? judge(local(now)) : undefined))

/** Never negative, also before 1970. */
const modulo = (value: number, by: number) => ((value % by) + by) % by

/**
 * It is such a time of day in such a zone, by the clocks on the wall there, summer and winter.
 *
 * @throws StepUpError `ERR_CONFIG` where a time or the zone does not exist, or both times are the same.
 */
export const timeOfDay = ({ from, to, timeZone }: TimeOfDay): Condition<'now'> => {
  const first = minuteOf('timeOfDay.from', from)
  const end = minuteOf('timeOfDay.to', to)
  if (first === end) throw refusal('timeOfDay.to', to, 'another time than from')
  const local = localTime('timeOfDay.timeZone', timeZone)
  return onTheClock(`between ${from} and ${to} in ${worded(timeZone)}`, local, (at) => {
    const minute = Math.floor(modulo(at, DAY) / MINUTE)
    return first < end ? minute >= first && minute < end : minute >= first || minute < end
  })
}

/**
 * It is one of these days of the week in such a zone.
 *
 * @throws StepUpError `ERR_CONFIG` where there is no such day or zone, or no day is named.
 */
export const weekday = (days: readonly Weekday[], { timeZone }: WeekdayOptions): Condition<'now'> => {
  const allowed = new Set<Weekday | undefined>(choices('weekday.days', days, (day) => DAYS.includes(day), A_DAY))
  const local = localTime('weekday.timeZone', timeZone)
  return onTheClock(`${choice(days)} in ${worded(timeZone)}`, local, (at) =>
    allowed.has(DAYS[modulo(Math.floor(at / DAY), DAYS.length)]),
  )
}
