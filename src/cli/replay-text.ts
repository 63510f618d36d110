import { CATEGORIES, type Category } from '../replay/compare.ts'
import type { Summary } from '../replay/summary.ts'

/** What each category is called. */
export const CATEGORY_WORDS: Readonly<Record<Category, string>> = {
  same: 'same as before',
  asked: 'newly asked',
  enrolled: 'newly to set up',
  refused: 'newly refused',
  passed: 'let through now',
  other: 'otherwise changed',
}

/** So many clients, rules and the like are shown. */
export const SHOWN = 20

/** Control characters would move the cursor, and bidirectional ones the words around. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** A text of a recording, safe to be shown in one line. */
export const plain = (text: string): string => text.replace(UNSEEN, '\ufffd')

/** A count with its thousands apart. */
export const counted = (count: number): string => String(count).replace(/\B(?=(?:\d{3})+$)/g, ',')

/** How much of it: `12.3 %`, and never 0 or 100 where that is not so. */
export const share = (count: number, all: number): string => {
  if (all === 0 || count === 0) return '0 %'
  if (count === all) return '100 %'
  const percent = (100 * count) / all
  if (percent < 0.1) return '<0.1 %'
  return percent > 99.9 ? '>99.9 %' : `${percent.toFixed(1)} %`
}

/** How often, in words: `1 line`, `2,000 lines`. */
export const many = (count: number, one: string): string => `${counted(count)} ${one}${count === 1 ? '' : 's'}`

/** What does not show in the numbers and has to be known to read them. */
export const remarks = ({
  decisions,
  missing,
  gone,
  faults,
  malformed,
  dropped,
  skipped,
}: Summary): readonly string[] => {
  const at = malformed.first.map(counted).join(', ')
  const first = malformed.count > malformed.first.length ? `first in lines ${at}` : `in line ${at}`
  return [
    ...missing.map(
      ({ name, count }) => `${share(count, decisions)} of decisions had no ${plain(name)}: it is read, and not known`,
    ),
    ...gone.map(({ name, count }) => `${many(count, 'decision')} relied on ${plain(name)}, which is no more`),
    ...(faults.count === 0 ? [] : [`a rule failed ${many(faults.count, 'time')}: ${plain(faults.first ?? '')}`]),
    ...(dropped === 0 ? [] : [`${many(dropped, 'decision')} had not been recorded`]),
    ...(skipped === 0 ? [] : [`${many(skipped, 'decision')} of other clients left out`]),
    ...(malformed.count === 0 ? [] : [`${many(malformed.count, 'line')} could not be read, ${first}`]),
  ]
}

const BAR = 30

const bar = (count: number, all: number) => {
  const filled = all === 0 ? 0 : Math.round((BAR * count) / all)
  return '#'.repeat(count > 0 ? Math.max(1, filled) : 0).padEnd(BAR)
}

const COLORS: Readonly<Record<Category, number>> = {
  same: 2,
  asked: 33,
  enrolled: 35,
  refused: 31,
  passed: 36,
  other: 34,
}

const table = (rows: readonly (readonly string[])[]): readonly string[] => {
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

const MAX_NAME = 60

const named = (text: string) => {
  const shown = plain(text)
  return shown.length > MAX_NAME ? `${shown.slice(0, MAX_NAME - 1)}…` : shown
}

const clientRows = ({ clients, otherClients }: Summary) => {
  const beyond = clients.slice(SHOWN)
  const rest = CATEGORIES.map((category) =>
    beyond.reduce((sum, { counts }) => sum + counts[category], otherClients.counts[category]),
  )
  const row = (name: string, decisions: number, counts: readonly number[]) => [
    name,
    ...[decisions, ...counts].map(counted),
  ]
  const restCount = rest.reduce((sum, count) => sum + count, 0)
  return [
    ['client', 'decisions', ...CATEGORIES],
    ...clients.slice(0, SHOWN).map(({ client, decisions, counts }) =>
      row(
        named(client),
        decisions,
        CATEGORIES.map((name) => counts[name]),
      ),
    ),
    ...(restCount === 0 ? [] : [row('others', restCount, rest)]),
  ]
}

const section = (title: string, rows: readonly (readonly string[])[]) =>
  rows.length < 2 ? [] : ['', title, ...table(rows).map((row) => `  ${row}`)]

/** A summary for a terminal, in plain characters; with colors where that can show them. */
export const summaryText = (summary: Summary, hasColors: boolean): readonly string[] => {
  const { decisions, counts, rules, changes } = summary
  const painted = (category: Category, text: string) =>
    hasColors ? `\u001b[${COLORS[category]}m${text}\u001b[0m` : text
  const rows = table(
    CATEGORIES.map((name) => [CATEGORY_WORDS[name], counted(counts[name]), share(counts[name], decisions)]),
  )
  const bars = CATEGORIES.map((name, index) =>
    `  ${rows[index]}  ${painted(name, bar(counts[name], decisions))}`.trimEnd(),
  )
  const notes = remarks(summary)
  return [
    `${many(decisions, 'decision')} replayed`,
    '',
    ...bars,
    ...section('Who is met by it', clientRows(summary)),
    ...section('What made the difference', [
      ['rule', 'speaks now', 'silent now'],
      ...rules.slice(0, SHOWN).map(({ name, speaks, silent }) => [named(name), counted(speaks), counted(silent)]),
    ]),
    ...section('What became of what', [
      ['change', 'decisions'],
      ...changes.slice(0, SHOWN).map(({ name, count }) => [named(name), counted(count)]),
    ]),
    ...(notes.length === 0 ? [] : ['', 'To be known', ...notes.slice(0, SHOWN).map((note) => `  ${note}`)]),
  ]
}
