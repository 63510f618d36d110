import type { Evidence } from '../assurance/evidence.ts'
import type { DecisionRecord } from '../recording/decision-record.ts'
import { createLineKey } from './line-key.ts'
import { createLineSplitter, type LineSplitter } from './lines.ts'
import { createOwedKey } from './owed-key.ts'
import type { ReplayedPolicy } from './policy.ts'
import { type ReadLine, readLine } from './read-record.ts'
import { decideLine, judgeLine, provedIn, type Replayed } from './replay-line.ts'
import { createSummary, type Summary } from './summary.ts'

/** Replays a recording that comes in pieces. */
export interface Replay extends LineSplitter {
  readonly lines: number
  summary(): Summary
}

/** What one line comes to, whoever's it is and whenever it was. */
interface Answer {
  readonly replayed?: Replayed
  readonly dropped: number
  readonly isOther?: true
}

/** Lines that differ in their facts only. */
interface Family {
  readonly first: ReadLine
  readonly evidence: readonly Evidence[]
  readonly byFacts: Map<string, Answer>
  readonly byOwed: Map<string, Answer>
}

/** So many answers are remembered, and so many families of lines. */
const MAX_KNOWN = 50_000
const MAX_FAMILIES = 10_000

const BEYOND_ASCII = /[\u0080-\u00ff]/

const ADDRESS = '{"address":"'

/** Reads facts, of which most differ in the address alone. */
const createFactParser = () => {
  const known = new Map<string, object>()
  const parsed = (text: string): object => {
    const found = known.get(text)
    if (found !== undefined) return found
    const made: object = JSON.parse(text)
    if (known.size >= MAX_FAMILIES) known.clear()
    known.set(text, made)
    return made
  }
  return (text: string): DecisionRecord['facts'] => {
    const end = text.startsWith(ADDRESS) ? text.indexOf('"', ADDRESS.length) : -1
    if (end === -1) return JSON.parse(text)
    const rest = text.startsWith('",', end) ? `{${text.slice(end + 2)}` : '{}'
    return { address: text.slice(ADDRESS.length, end), ...parsed(rest) }
  }
}

type Answering = (record: DecisionRecord, dropped: number, family?: Family) => Answer

/** Answers lines, each kind of them once; undefined where one says nothing. Whatever is thrown says that too. */
const createMemory = (policy: ReplayedPolicy, answer: Answering) => {
  const keyOf = createLineKey(policy)
  const factsOf = createFactParser()
  const families = new Map<string, Family>()
  let count = 0
  const familyOf = (bare: string, line: string): Family | undefined => {
    const known = families.get(bare)
    if (known !== undefined) return known
    const first = readLine(line)
    if (first?.record === undefined) return undefined
    const family: Family = { first, evidence: provedIn(first.record, policy), byFacts: new Map(), byOwed: new Map() }
    families.set(bare, family)
    return family
  }
  const makeRoom = () => {
    count += 1
    if (count <= MAX_KNOWN && families.size <= MAX_FAMILIES) return
    families.clear()
    count = 0
  }
  const anew = (line: string): Answer | undefined => {
    const read = readLine(line)
    return read?.record === undefined ? read : answer(read.record, read.dropped)
  }
  return (line: string): Answer | undefined => {
    const key = keyOf(line)
    const family = key && familyOf(key.bare, line)
    if (key === undefined || family?.first.record === undefined) return anew(line)
    const known = family.byFacts.get(key.facts)
    if (known !== undefined) return known
    const { record, dropped } = family.first
    const made = answer({ ...record, facts: factsOf(key.facts) }, dropped, family)
    family.byFacts.set(key.facts, made)
    makeRoom()
    return made
  }
}

/**
 * Replays a recording against a policy, in memory that does not grow with it.
 *
 * @param client - Only the decisions of this client.
 */
export const createReplay = (
  policy: ReplayedPolicy,
  { client }: { readonly client?: string | undefined } = {},
): Replay => {
  const summary = createSummary()
  const owedKeyOf = createOwedKey()
  let lines = 0

  const answer: Answering = (record, dropped, family) => {
    if (client !== undefined && record.client !== client) return { dropped, isOther: true }
    const judged = judgeLine(record, policy, family?.evidence)
    const owed = family && owedKeyOf(judged)
    const known = owed === undefined ? undefined : family?.byOwed.get(owed)
    if (known !== undefined) return known
    const made = { replayed: decideLine(record, policy, judged), dropped }
    if (owed !== undefined) family?.byOwed.set(owed, made)
    return made
  }
  const answerOf = createMemory(policy, answer)
  const read = (line: Buffer): Answer | undefined => {
    const text = line.toString('latin1')
    try {
      return answerOf(BEYOND_ASCII.test(text) ? line.toString('utf8') : text)
    } catch {
      return undefined
    }
  }
  const take = (line: Buffer | undefined) => {
    lines += 1
    if (line?.length === 0) return
    const found = line && read(line)
    if (found === undefined) return summary.malformed(lines)
    if (found.dropped > 0) summary.dropped(found.dropped)
    if (found.isOther) summary.skip()
    if (found.replayed !== undefined) summary.add(found.replayed)
  }
  const { push, end } = createLineSplitter(take)
  return Object.freeze<Replay>({
    push,
    end,
    get lines() {
      return lines
    },
    summary: () => summary.summary(lines),
  })
}
