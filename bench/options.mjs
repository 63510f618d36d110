import { parseArgs } from 'node:util'

const whole = (name, text) => {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name}: found ${text}; allowed: a whole number`)
  return value
}

/**
 * Reads the command line: numbers are whole and at least 1, `--only` and the like are lists.
 *
 * @param {Record<string, number | string>} defaults - By name; its type says how an option is read
 */
export const readOptions = (defaults) => {
  const options = Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [name, { type: 'string', default: String(value) }]),
  )
  const { values } = parseArgs({ options })
  return Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [
      name,
      typeof value === 'number' ? whole(name, values[name]) : values[name],
    ]),
  )
}

/** @param {string} text - Words with commas between them */
export const listOf = (text) => text.split(',').filter((word) => word !== '')
