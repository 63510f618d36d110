import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { acrValues } from '../src/assurance/levels.ts'
import { standard } from '../src/assurance/presets.ts'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

const readme = read('README.md')

/** First cells of the table that follows a heading. */
const rowsUnder = (heading: string) =>
  (readme.split(heading)[1] ?? '')
    .split('\n##')[0]
    ?.split(/^\| --- .*$/m)[1]
    ?.split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|')[1]?.trim().replaceAll('`', ''))

describe('README', () => {
  it('lists every option of stepUp() and no other', () => {
    const options = /export interface StepUpOptions \{([\s\S]*?)\n\}/.exec(read('src/config.ts'))?.[1] ?? ''
    const names = [...options.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name)
    assert.ok(names.length > 5)
    assert.deepEqual(rowsUnder('### Options of `stepUp()`')?.toSorted(), names.toSorted())
  })

  it('lists every level of the preset with its aliases', () => {
    assert.deepEqual(
      rowsUnder('### Levels'),
      standard.map(({ acr }) => acr),
    )
    for (const value of acrValues(standard)) assert.ok(readme.includes(`\`${value}\``), value)
  })

  it('and its docs tell of every event', () => {
    const catalogue = /export interface EventCatalogue \{([\s\S]*?)\n\}/.exec(read('src/events.ts'))?.[1] ?? ''
    const names = [...catalogue.matchAll(/^ {2}'([\w.-]+)':/gm)].map(([, name]) => name)
    const rows = read('docs/events.md')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
    const told = rows.flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name))
    assert.ok(names.length > 10)
    assert.deepEqual(told.toSorted(), names.toSorted())
  })

  it('tells of every optional package in one table', () => {
    const { peerDependenciesMeta } = JSON.parse(read('package.json'))
    const [table = ''] = (readme.split('\n## Factors\n')[1] ?? '').split('```')
    const untold = Object.keys(peerDependenciesMeta).filter((name) => !table.includes(name))
    assert.deepEqual(untold, [])
  })

  it('has its two commands', () => {
    for (const command of ['npm ci && npm start', 'npm ci && npm test']) assert.ok(readme.includes(command))
    assert.match(read('.ci/run'), /npm ci && npm test/)
  })
})
