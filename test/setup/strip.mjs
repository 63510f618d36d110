import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import tsBlankSpace from 'ts-blank-space'

/** Beside `src`, so that what the source looks for around it is found. */
export const STRIPPED = '.stripped'

/**
 * Writes the source without its types, for programs that tests start: stripping takes as long as all that such a
 * program does.
 *
 * @param {string} root
 */
export const strip = (root) => {
  const [from, to] = [path.join(root, 'src'), path.join(root, STRIPPED)]
  rmSync(to, { recursive: true, force: true })
  for (const file of readdirSync(from, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))) {
    const target = path.join(to, file.replace(/\.ts$/, '.js'))
    mkdirSync(path.dirname(target), { recursive: true })
    const text = tsBlankSpace(readFileSync(path.join(from, file), 'utf8'))
    writeFileSync(target, text.replace(/(from |import\()'(\.[^']*)\.ts'/g, "$1'$2.js'"))
  }
  // Browsers get the device SDK compiled, wherever the server itself runs from.
  cpSync(path.join(to, 'device'), path.join(root, 'dist/device'), { recursive: true })
}
