import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DecisionRecord } from '../../src/recording/decision-record.ts'
import { recordToFile } from '../../src/recording/index.ts'
import { createRecorder } from '../../src/recording/recorder.ts'

const RECORD = { v: 1, at: 1, client: 'app' } as unknown as DecisionRecord

/** The warnings of this kind while the work is done. */
const warningsOf = async (work: () => unknown): Promise<readonly string[]> => {
  const heard: string[] = []
  const listen = (warning: Error & { code?: string }) => {
    if (warning.code === 'STEP_UP_RECORDING') heard.push(warning.message)
  }
  process.on('warning', listen)
  await work()
  await new Promise(setImmediate)
  process.off('warning', listen)
  return heard
}

const parsed = (line: string | undefined): { dropped?: number } => JSON.parse(line ?? '{}')

describe('recording/recorder', () => {
  it('writes so many lines a second and no more; the next one tells how many were dropped', () => {
    const lines: string[] = []
    const recorder = createRecorder({ write: (line) => lines.push(line), maxPerSecond: 2 }, (id) => id)
    for (const at of [1, 1, 1.5, 1.9, 2, 0]) if (recorder.admits(at)) recorder.write(RECORD)
    assert.deepEqual(
      lines.map((line) => parsed(line).dropped),
      [undefined, undefined, 2, undefined],
    )
  })

  const faults: readonly [string, () => unknown][] = [
    ['throws', () => assert.fail('no')],
    ['rejects', async () => assert.fail('no')],
    ['throws what is no error', () => Promise.reject('no')],
  ]
  for (const [name, write] of faults)
    it(`warns once of a recorder that ${name}`, async () => {
      const recorder = createRecorder({ write }, (id) => id)
      const heard = await warningsOf(async () => {
        for (let count = 0; count < 3; count += 1) recorder.write(RECORD)
        await new Promise(setImmediate)
      })
      assert.deepEqual(heard, ['decisions are not recorded: no'])
    })

  it('lets a thousand lines wait, and drops what comes then', async () => {
    const waiting: (() => void)[] = []
    const lines: string[] = []
    const write = (line: string) => {
      lines.push(line)
      return new Promise<void>((resolve) => waiting.push(resolve))
    }
    const recorder = createRecorder({ write }, (id) => id)
    const heard = await warningsOf(() => {
      for (let count = 0; count < 1003; count += 1) recorder.write(RECORD)
    })
    assert.deepEqual([lines.length, heard], [1000, ['decisions are not recorded: 1000 lines wait to be written']])
    for (const resolve of waiting) resolve()
    await new Promise(setImmediate)
    recorder.write(RECORD)
    assert.equal(parsed(lines.at(-1)).dropped, 3)
  })

  it('drops a line that a fact of the host’s own makes longer than 8 KiB', () => {
    const lines: string[] = []
    const recorder = createRecorder({ write: (line) => lines.push(line) }, (id) => id)
    recorder.write({ ...RECORD, facts: { mine: 'x'.repeat(9000) } })
    recorder.write({ ...RECORD, client: 'ü\u2028' })
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /^[ -~]+\\u00fc\\u2028[ -~]+$/)
  })
})

describe('recording/file', () => {
  let folder: string
  const path = () => join(folder, 'decisions.ndjson')
  const read = (name = 'decisions.ndjson') => readFileSync(join(folder, name), 'utf8')
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'recording-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('appends to a file that only its owner reads, and goes on in it later', async () => {
    for (const line of ['one', 'two']) {
      const file = recordToFile({ path: path() })
      file.write(line)
      await file.close()
      file.write('too late')
    }
    assert.equal(read(), 'one\ntwo\n')
    assert.equal(statSync(path()).mode & 0o777, 0o600)
  })

  it('keeps so many files of so many bytes', async () => {
    const line = 'x'.repeat(1999)
    for (let count = 0; count < 6; count += 1) {
      const file = recordToFile({ path: path(), maxBytes: 4096, keep: 2 })
      file.write(`${count}${line.slice(1)}`)
      file.write(line)
      await file.close()
    }
    assert.deepEqual(readdirSync(folder).sort(), ['decisions.ndjson', 'decisions.ndjson.1', 'decisions.ndjson.2'])
    assert.deepEqual(
      ['', '.1', '.2'].map((suffix) => read(`decisions.ndjson${suffix}`)[0]),
      ['5', '4', '3'],
    )
    const none = recordToFile({ path: path(), maxBytes: 4096, keep: 0 })
    none.write(line)
    await none.close()
    assert.equal(read(), `${line}\n`)
  })

  it('follows when others move the file', async () => {
    const file = recordToFile({ path: path() })
    file.write('one')
    while (!readdirSync(folder).includes('decisions.ndjson') || read() === '') await new Promise(setImmediate)
    await new Promise(setImmediate)
    renameSync(path(), `${path()}.old`)
    file.write('two')
    await file.close()
    assert.deepEqual([read(), read('decisions.ndjson.old')], ['two\n', 'one\n'])
  })

  it('survives that its directory is gone, warns once, and tells what was lost when it is back', async () => {
    const file = recordToFile({ path: path() })
    rmSync(folder, { recursive: true })
    const [warning] = await new Promise<Error[]>((resolve) => {
      process.once('warning', (heard) => resolve([heard]))
      file.write('one')
      file.write('two')
    })
    assert.match(warning?.message ?? '', /^decisions are not recorded: ENOENT/)
    mkdirSync(folder)
    file.write('three')
    await file.close()
    assert.equal(read(), '\n{"v":1,"dropped":1}\ntwo\nthree\n')
  })

  it('refuses options that are none', () => {
    for (const more of [{ path: '' }, { maxBytes: 1 }, { keep: -1 }, { keep: 1.5 }])
      assert.throws(() => recordToFile({ path: path(), ...more }), { code: 'ERR_CONFIG' })
  })
})
