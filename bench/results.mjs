import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const FOLDER = new URL('results/', import.meta.url)
const fileOf = (name) => fileURLToPath(new URL(`${name}.json`, FOLDER))

/**
 * Keeps results for docs/performance.md; answers the file.
 *
 * @param {string} name
 * @param {object} results
 */
export const writeResults = (name, results) => {
  mkdirSync(FOLDER, { recursive: true })
  const file = fileOf(name)
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`)
  return file
}

/**
 * Results of an earlier run, or undefined.
 *
 * @param {string} name
 */
export const readResults = (name) => {
  try {
    return JSON.parse(readFileSync(fileOf(name), 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}
