import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import tsBlankSpace from 'ts-blank-space'

const source = fileURLToPath(new URL('../src', import.meta.url))

/** What of a source file remains at run time: without types, type imports and comments. */
const running = (file: string) =>
  tsBlankSpace(readFileSync(path.join(source, file), 'utf8')).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ name: file.split(path.sep).join('/'), code: running(file) }))

const filesWith = (pattern: RegExp) => files.filter(({ code }) => pattern.test(code)).map(({ name }) => name)

describe('the house', () => {
  it('imports values of oidc-provider in src/provider, src/cli and the adapter only', () => {
    const importers = filesWith(/(?:from|import)\s*\(?\s*['"]oidc-provider['"/]/)
    const rooms = importers.filter((name) => !/^(?:provider\/|cli\/|store\/redis-adapter\.ts)/.test(name))
    assert.deepEqual(rooms, [])
  })

  it('imports redis in one file only', () => {
    assert.deepEqual(filesWith(/(?:from|import)\s*\(?\s*['"]@?redis['"/]/), ['store/redis/links.ts'])
  })

  it('reads the time of day in src/clock.ts only', () => {
    const readers = filesWith(/\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)/)
    assert.deepEqual(
      // The SDK runs on other machines, on their clocks.
      readers.filter((name) => name !== 'clock.ts' && !name.startsWith('device/')),
      [],
    )
  })

  it('draws no number that can be foretold', () => {
    assert.deepEqual(filesWith(/\bMath\.random\b/), [])
  })

  it('suppresses no rule without a reason', () => {
    const raw = files.map(({ name }) => ({ name, text: readFileSync(path.join(source, name), 'utf8') }))
    const bare = raw.filter(({ text }) => /biome-ignore[^:\n]*(?:$|:\s*$)|@ts-(?:ignore|nocheck)/m.test(text))
    assert.deepEqual(
      bare.map(({ name }) => name),
      [],
    )
  })
})
