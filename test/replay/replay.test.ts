import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { MULTI_FACTOR, standard } from '../../src/assurance/presets.ts'
import { replayCommand, replayFile } from '../../src/cli/replay.ts'
import { summaryPage } from '../../src/cli/replay-page.ts'
import { createProgress, progressLine } from '../../src/cli/replay-progress.ts'
import { summaryText } from '../../src/cli/replay-text.ts'
import { country, not, when } from '../../src/policy/index.ts'
import type { DecisionRecord } from '../../src/recording/decision-record.ts'
import { lineOf } from '../../src/recording/record.ts'
import { createReplay } from '../../src/replay/replay.ts'
import { replayLine } from '../../src/replay/replay-line.ts'
import { createSummary } from '../../src/replay/summary.ts'
import { moduleUrl } from '../cli/program.ts'
import { FACTORS, record, replayed, stage } from './recordings.ts'

const HOSTILE = '<script>alert("1")</script>\u202e\u001b[2J\''

const recorded = (given: Parameters<typeof stage>[0] = {}): DecisionRecord =>
  (record(stage(given)) as NonNullable<ReturnType<typeof record>>).recorded

const policy = replayed(
  {
    default: 'never',
    clients: { bank: { floor: MULTI_FACTOR } },
    rules: [when(not(country('DE')), { floor: MULTI_FACTOR }, { name: 'abroad' })],
  },
  standard,
  FACTORS,
)

const inGermany = { facts: { location: { country: 'DE' } } }
const lines = {
  same: lineOf(recorded(inGermany)),
  abroad: lineOf(recorded({ facts: { location: { country: 'FR' } } })),
  nowhere: lineOf(recorded({ client: 'umläut' })),
  bank: lineOf(recorded({ ...inGermany, client: 'bank' })),
}

const CONFIG = `
import { totp } from '${moduleUrl('factors/totp')}'
export default {
  issuer: 'https://unused.example',
  factors: [totp({ issuer: 'Test' })],
  policy: { default: 'never', clients: { bank: { floor: '${MULTI_FACTOR}' } } },
}
`

describe('replay/replay', () => {
  let folder: string
  const at = (name: string) => join(folder, name)
  const recording = (name: string, content: string | Buffer) => {
    writeFileSync(at(name), content)
    return at(name)
  }
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'replay-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('counts what became of all decisions, and tells which lines say nothing', async () => {
    const foreign = ['', 'no JSON', '{"v":2}', '[]', lines.same.replace('"k"', '"zz"'), lines.same.slice(0, 90)]
    const gap = '{"v":1,"dropped":7}'
    const all = [lines.same, ...foreign, lines.abroad, gap, lines.nowhere, lines.bank, lines.bank]
    const summary = await replayFile(recording('some.ndjson', all.join('\n')), policy)
    assert.deepEqual(summary.counts, { same: 1, asked: 4, enrolled: 0, refused: 0, passed: 0, other: 0 })
    assert.deepEqual(summary.malformed, { count: 5, first: [3, 4, 5, 6, 7] })
    assert.deepEqual([summary.lines, summary.decisions, summary.dropped], [12, 5, 7])
    assert.deepEqual(summary.missing, [{ name: 'location', count: 1 }])
    assert.deepEqual(summary.changes, [{ name: 'satisfied → challenge', count: 4 }])
    assert.deepEqual(
      summary.clients.map(({ client, decisions }) => [client, decisions]),
      [
        ['app', 2],
        ['bank', 2],
        ['umläut', 1],
      ],
    )
    assert.deepEqual(
      summary.rules.map(({ name, speaks }) => [name, speaks]),
      [
        ['abroad', 2],
        ['default, tables, levels or factors', 2],
      ],
    )
  })

  it('reads what is packed, and one client alone', async () => {
    const text = Buffer.from(`${[lines.same, lines.bank, lines.abroad].join('\r\n')}\n`)
    const whole = await replayFile(recording('whole.ndjson', text), policy)
    assert.deepEqual(await replayFile(recording('whole.ndjson.gz', gzipSync(text)), policy), whole)
    const { decisions, skipped } = await replayFile(at('whole.ndjson'), policy, { client: 'bank' })
    assert.deepEqual([decisions, skipped], [1, 2])
    await assert.rejects(replayFile(at('none'), policy), { code: 'ERR_CONFIG', message: /found no such file/ })
    await assert.rejects(replayFile(recording('broken.gz', text), policy), { code: 'ERR_CONFIG' })
  })

  it('splits lines wherever the pieces end', () => {
    const bytes = Buffer.from(`${Object.values(lines).join('\n')}\n${'x'.repeat(2_000_000)}\n${lines.same}`)
    for (const size of [1000, 65_536, bytes.length]) {
      const replay = createReplay(policy)
      for (let start = 0; start < bytes.length; start += size) replay.push(bytes.subarray(start, start + size))
      replay.end()
      const { decisions, malformed } = replay.summary()
      assert.deepEqual([decisions, malformed], [5, { count: 1, first: [5] }], String(size))
    }
  })

  it('takes 100,000 lines that are all different within seconds, and in memory that does not grow', function () {
    this.timeout(20_000)
    const count = 100_000
    const base = recorded(inGermany)
    const replay = createReplay(policy)
    const before = process.memoryUsage().rss
    const started = performance.now()
    for (let index = 0; index < count; index += 1000) {
      const chunk = Array.from({ length: 1000 }, (_, more) =>
        lines.same
          .replace(String(base.at), String(base.at + index))
          .replace('"age":0', `"age":${(index + more) % 50_000}`),
      )
      replay.push(Buffer.from(`${chunk.join('\n')}\n`))
    }
    replay.end()
    assert.equal(replay.summary().counts.same, count)
    assert.ok(performance.now() - started < 15_000)
    assert.ok(process.memoryUsage().rss - before < 250 * 1024 * 1024)
  })

  it('counts ten thousand clients one by one, and all further ones together', () => {
    const summary = createSummary()
    const replayedOnce = replayLine(recorded(inGermany), policy)
    for (let index = 0; index < 10_050; index += 1) summary.add({ ...replayedOnce, client: `app-${index}` })
    const { clients, otherClients } = summary.summary(10_050)
    assert.deepEqual([clients.length, otherClients.decisions], [10_000, 50])
  })

  it('prints a table, JSON, or a page that runs nothing, by a configuration whose accounts it does not need', async () => {
    const hostile = recorded({ ...inGermany, client: HOSTILE })
    const file = recording('told.ndjson', `${[lines.bank, lines.same, lineOf(hostile)].join('\n')}\nhalf a li`)
    const config = recording('new.mjs', CONFIG)
    const printed: string[] = []
    const print = (line: string) => void printed.push(line)
    assert.equal(await replayCommand({ config, html: at('page.html') }, [file], print), undefined)
    const text = printed.join('\n')
    assert.match(text, /3 decisions replayed/)
    assert.match(text, /newly asked +1 +33\.3 % +#{10}\n/)
    assert.match(text, /bank +1 +0 +1 /)
    assert.match(text, /1 line could not be read, in line 4/)
    assert.ok(!['\u001b', '\u202e'].some((character) => text.includes(character)))
    const page = readFileSync(at('page.html'), 'utf8')
    assert.doesNotMatch(page, /<script|style="|\son\w+=|javascript:|\u202e/)
    assert.match(page, /&lt;script&gt;alert\(&quot;1&quot;\)/)
    printed.length = 0
    await replayCommand({ config, json: true, client: 'bank' }, [file], print)
    assert.deepEqual(JSON.parse(printed.join('')).counts.asked, 1)
    assert.match((await replayCommand({ config }, [], print)) ?? '', /needs a file/)
    assert.match((await replayCommand({}, [file], print)) ?? '', /--config FILE/)
  })

  it('paints and moves nothing where there is no terminal', () => {
    const replay = createReplay(policy)
    replay.push(Buffer.from(`${lines.abroad}\n`))
    const summary = replay.summary()
    assert.ok(summaryText(summary, true).join('').includes('\u001b[33m#'))
    assert.match(summaryPage(summary, { recording: 'a', config: 'b' }), /style-src 'sha256-[\w+/]{43}='/)
    const written: string[] = []
    const position = () => ({ done: 50, size: 100, lines: 2000 })
    for (const isTTY of [false, true]) createProgress({ isTTY, write: (text) => written.push(text) }, position).end()
    assert.deepEqual(written, ['\r\u001b[K'])
    assert.equal(progressLine(position(), 2), `[${'#'.repeat(12)}${'.'.repeat(12)}] 50 %, 1,000 lines/s, 2 s left`)
    assert.equal(progressLine({ ...position(), size: undefined }, 2), '2,000 lines, 1,000 lines/s')
  })
})
