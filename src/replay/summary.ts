import { CATEGORIES, type Category } from './compare.ts'
import type { Replayed } from './replay-line.ts'

/** How many decisions are in which category. */
export type Counts = Readonly<Record<Category, number>>

/** One rule, and how many differences it had a part in. */
export interface RuleCount {
  readonly name: string
  readonly speaks: number
  readonly silent: number
}

/** A name with how often it came. */
export interface NameCount {
  readonly name: string
  readonly count: number
}

/** What a whole recording came to. */
export interface Summary {
  /** Lines that were read, of whatever kind. */
  readonly lines: number
  readonly decisions: number
  readonly counts: Counts
  /** Most decisions first; those beyond the first ten thousand clients are counted as one. */
  readonly clients: readonly { readonly client: string; readonly decisions: number; readonly counts: Counts }[]
  /** Clients that had no room, with all of their decisions. */
  readonly otherClients: { readonly decisions: number; readonly counts: Counts }
  readonly rules: readonly RuleCount[]
  /** What became of what, where it is not the same: `satisfied → challenge`. */
  readonly changes: readonly NameCount[]
  /** Facts that are read and were not recorded, with the number of decisions. */
  readonly missing: readonly NameCount[]
  /** Factors that were used and are no more. */
  readonly gone: readonly NameCount[]
  /** Rules failed; nobody passes then. */
  readonly faults: { readonly count: number; readonly first?: string }
  /** Lines that say nothing, with the numbers of the first ten. */
  readonly malformed: { readonly count: number; readonly first: readonly number[] }
  /** Decisions that were not recorded, as the recording says itself. */
  readonly dropped: number
  /** Decisions of other clients than the one asked for. */
  readonly skipped: number
}

type Tally = Record<Category, number>

const MAX_CLIENTS = 10_000
const MAX_NAMES = 1000
const MAX_FIRST = 10

const empty = (): Tally => ({ same: 0, asked: 0, enrolled: 0, refused: 0, passed: 0, other: 0 })

const sumOf = (counts: Counts) => CATEGORIES.reduce((sum, category) => sum + counts[category], 0)

/** Counts names, and no more of them than memory is meant for. */
const createNames = () => {
  const known = new Map<string, number>()
  return {
    add(name: string) {
      const count = known.get(name)
      if (count !== undefined || known.size < MAX_NAMES) known.set(name, (count ?? 0) + 1)
    },
    all: (): readonly NameCount[] =>
      [...known].map(([name, count]) => ({ name, count })).sort((one, other) => other.count - one.count),
  }
}

const createRules = () => {
  const known = new Map<string, { speaks: number; silent: number }>()
  return {
    add(name: string, how: 'speaks' | 'silent') {
      const found = known.get(name) ?? { speaks: 0, silent: 0 }
      found[how] += 1
      if (known.size < MAX_NAMES) known.set(name, found)
    },
    all: (): readonly RuleCount[] =>
      [...known]
        .map(([name, counts]) => ({ name, ...counts }))
        .sort((one, other) => other.speaks + other.silent - one.speaks - one.silent),
  }
}

const createClients = () => {
  const known = new Map<string, Tally>()
  const others = empty()
  return {
    add(client: string, category: Category) {
      const found = known.get(client)
      if (found !== undefined) found[category] += 1
      else if (known.size >= MAX_CLIENTS) others[category] += 1
      else known.set(client, { ...empty(), [category]: 1 })
    },
    all: (): Pick<Summary, 'clients' | 'otherClients'> => ({
      clients: [...known]
        .map(([client, counts]) => ({ client, decisions: sumOf(counts), counts }))
        .sort((one, other) => other.decisions - one.decisions),
      otherClients: { decisions: sumOf(others), counts: others },
    }),
  }
}

const meant = ({ is, stuck, for: what }: Replayed['before']) =>
  stuck === true ? 'nothing to ask with' : what === 'enrollment' ? 'enroll' : is

/** Adds up what a recording comes to, in memory that does not grow with it. */
export const createSummary = () => {
  const counts = empty()
  const clients = createClients()
  const rules = createRules()
  const [changes, missing, gone] = [createNames(), createNames(), createNames()]
  const first: number[] = []
  let [malformed, dropped, skipped, faults] = [0, 0, 0, 0]
  let firstFault: string | undefined

  const addChange = ({ before, now, difference }: Replayed) => {
    changes.add(`${meant(before)} → ${meant(now)}`)
    for (const name of difference?.speaks ?? []) rules.add(name, 'speaks')
    for (const name of difference?.silent ?? []) rules.add(name, 'silent')
  }
  return {
    add(replayed: Replayed) {
      counts[replayed.category] += 1
      clients.add(replayed.client, replayed.category)
      if (replayed.category !== 'same') addChange(replayed)
      for (const name of replayed.missed) missing.add(name)
      for (const name of replayed.gone) gone.add(name)
      if (replayed.fault === undefined) return
      faults += 1
      firstFault ??= replayed.fault
    },
    malformed(line: number) {
      malformed += 1
      if (first.length < MAX_FIRST) first.push(line)
    },
    dropped(count: number) {
      dropped += count
    },
    skip() {
      skipped += 1
    },
    summary: (lines: number): Summary => ({
      lines,
      decisions: sumOf(counts),
      counts,
      ...clients.all(),
      rules: rules.all(),
      changes: changes.all(),
      missing: missing.all(),
      gone: gone.all(),
      faults: { count: faults, ...(firstFault === undefined ? {} : { first: firstFault }) },
      malformed: { count: malformed, first },
      dropped,
      skipped,
    }),
  }
}
