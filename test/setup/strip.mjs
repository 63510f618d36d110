import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import tsBlankSpace from 'ts-blank-space'

/** Beside `src`, so that what the source looks for around it is found. */
export const STRIPPED = '.stripped'

/** Beside `test`, for the same reason. */
export const STRIPPED_TESTS = '.stripped-tests'

const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))

/** A place for a file, with its folders. */
const placeFor = (...names) => {
  const place = path.join(...names)
  mkdirSync(path.dirname(place), { recursive: true })
  return place
}

/** Imports name the stripped files. What a test writes into programs of its own still names the source. */
const redirect = (text) =>
  text
    .replace(/((?:from|import) |import\()'((?:\.\.\/)+)src\/([^']*)\.ts'/g, `$1'$2${STRIPPED}/$3.js'`)
    .replace(/((?:from|import) |import\()'(\.[^']*)\.ts'/g, "$1'$2.js'")

const stripped = (file) => redirect(tsBlankSpace(readFileSync(file, 'utf8')))

/**
 * Writes the source without its types, for programs that tests start: stripping takes as long as all that such a
 * program does.
 *
 * @param {string} root
 */
export const strip = (root) => {
  const [from, to] = [path.join(root, 'src'), path.join(root, STRIPPED)]
  rmSync(to, { recursive: true, force: true })
  for (const file of filesBelow(from).filter((name) => name.endsWith('.ts')))
    writeFileSync(placeFor(to, file.replace(/\.ts$/, '.js')), stripped(path.join(from, file)))
  // Browsers get the device SDK compiled, wherever the server itself runs from.
  cpSync(path.join(to, 'device'), path.join(root, 'dist/device'), { recursive: true })
}

/**
 * Writes the tests without their types too, on top of the stripped source: else each of the processes that share them
 * would strip all the source for itself. Stack traces still name the files that people edit, line by line.
 *
 * @param {string} root
 */
export const stripTests = (root) => {
  const [from, to] = [path.join(root, 'test'), path.join(root, STRIPPED_TESTS)]
  removeTests(root)
  for (const file of filesBelow(from)) {
    const source = path.join(from, file)
    if (file.endsWith('.ts')) {
      const text = `${stripped(source)}\n//# sourceURL=${pathToFileURL(source).href}\n`
      writeFileSync(placeFor(to, file.replace(/\.ts$/, '.js')), text)
    } else if (file.endsWith('.mjs')) writeFileSync(placeFor(to, file), redirect(readFileSync(source, 'utf8')))
    else copyFileSync(source, placeFor(to, file))
  }
}

/** Removes them again: other tools would take them for sources. */
export const removeTests = (root) => rmSync(path.join(root, STRIPPED_TESTS), { recursive: true, force: true })
