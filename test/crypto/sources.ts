import { readdirSync, readFileSync } from 'node:fs'

const root = new URL('../../src/', import.meta.url)

/** Source files in which the pattern occurs, but for the named exceptions. */
export const sourcesWith = (pattern: RegExp, ...except: string[]): string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !except.includes(file))
    .filter((file) => pattern.test(readFileSync(new URL(file, root), 'utf8')))
