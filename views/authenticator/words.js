import { de } from './words/de.js'
import { en } from './words/en.js'

const LANGUAGES = { en, de }

const best = (wanted) =>
  wanted.map((tag) => tag.toLowerCase().split('-')[0]).find((language) => Object.hasOwn(LANGUAGES, language)) ?? 'en'

/** The words of the first language of these that there are words in. */
export const wordsFor = (wanted) => {
  const language = best(wanted)
  const inSeconds = new Intl.NumberFormat(language, { style: 'unit', unit: 'second', unitDisplay: 'long' })
  const inMinutes = new Intl.NumberFormat(language, { style: 'unit', unit: 'minute', unitDisplay: 'long' })
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  const duration = (seconds) => (seconds < 120 ? inSeconds.format(seconds) : inMinutes.format(Math.ceil(seconds / 60)))
  return {
    language,
    t: (id, values = {}) =>
      LANGUAGES[language][id].replace(/\{(\w+)(:duration)?\}/g, (_place, name, format) =>
        format === undefined ? values[name] : duration(values[name]),
      ),
    /** How long ago, in words. */
    ago: (seconds) =>
      seconds < 60 ? relative.format(-seconds, 'second') : relative.format(-Math.floor(seconds / 60), 'minute'),
  }
}
