const INSTANT = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:Z|([+-])(\d\d):(\d\d))$/

/** What {@link instantOf} takes, in words. */
export const AN_INSTANT = 'a date and time with its zone, such as 2026-11-22T23:30+01:00 or 2026-11-22T22:30Z'

/**
 * The epoch second of a date and time of RFC 3339, seconds may be left out. Undefined for anything else: a time without
 * its zone is another one on every machine, and there is no 30th of February.
 */
export const instantOf = (text: string): number | undefined => {
  const parts = INSTANT.exec(text)
  if (parts === null) return undefined
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = parts
    .slice(1, 7)
    .map((one) => Number(one ?? 0))
  const [sign, offsetHours = 0, offsetMinutes = 0] = [parts[7], Number(parts[8] ?? 0), Number(parts[9] ?? 0)]
  const written = new Date(Date.UTC(year, month - 1, day, hours, minutes, seconds))
  const isReal = written.getUTCMonth() === month - 1 && written.getUTCDate() === day && written.getUTCHours() === hours
  if (!isReal || minutes > 59 || seconds > 59 || offsetHours > 23 || offsetMinutes > 59) return undefined
  const offsetSeconds = (sign === '-' ? -1 : 1) * (offsetHours * 3600 + offsetMinutes * 60)
  return written.getTime() / 1000 - offsetSeconds
}
