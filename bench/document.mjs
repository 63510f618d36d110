import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  comparisonTable,
  enduranceLines,
  machineLine,
  openLines,
  ticksTable,
  waitingLine,
  waitingTable,
} from './report.mjs'
import { readResults } from './results.mjs'

// node bench/document.mjs
// Puts the results of the last runs into docs/performance.md, between the marks of each; what was not run stays.

const FILE = fileURLToPath(new URL('../docs/performance.md', import.meta.url))

const bullets = (lines) => lines.map((line) => `- ${line}`).join('\n')

/** The rows on one kind of storage; nothing where the last run had none, so that both can be measured one by one. */
const cpu =
  (isOurs) =>
  ({ options, machine, rows: all }) => {
    const rows = all.filter(({ storage }) => isOurs(storage))
    if (rows.length === 0) return undefined
    return [
      comparisonTable(rows),
      `${options.rounds} rounds of ${options.flows} flows after ${options['warm-up']} for warming up. ${machineLine(machine)}.`,
    ]
  }

const SECTIONS = {
  cpu: cpu((storage) => storage !== 'redis'),
  'cpu-redis': cpu((storage) => storage === 'redis'),
  ticks: ({ rows }) => [ticksTable(rows)],
  open: ({ machine, results }) => [bullets(openLines(results)), `${machineLine(machine)}.`],
  waiting: ({ machine, results }) => [waitingTable(results), `${waitingLine(results)} ${machineLine(machine)}.`],
  endurance: ({ machine, results }) => [bullets(enduranceLines(results)), `${machineLine(machine)}.`],
}

const fill = (text, name, parts) => {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [start, stop] = [text.indexOf(begin), text.indexOf(end)]
  if (start === -1 || stop === -1) throw new Error(`${FILE} has no marks ${begin} and ${end}`)
  return `${text.slice(0, start + begin.length)}\n${parts.join('\n\n')}\n${text.slice(stop)}`
}

let text = readFileSync(FILE, 'utf8')
for (const [name, partsOf] of Object.entries(SECTIONS)) {
  const results = readResults(name.replace(/-redis$/, ''))
  const parts = results && partsOf(results)
  if (parts !== undefined) text = fill(text, name, parts)
}
writeFileSync(FILE, text)
