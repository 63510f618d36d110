import { FACT_NAMES } from '../policy/facts.ts'
import type { ReplayedPolicy } from './policy.ts'

const BEGIN = '{"v":1,"at":'
const ACCOUNT = '"account":"'
const CLIENT = '"client":'
const FACTS = '"facts":{'
/** What we write follows the facts at once. */
const OUTCOME = ',"outcome":{'
/** So far at most reach the members before the client. */
const MAX_HEAD = 100

/** Facts that are instants, and so differ from line to line whatever else is the same. */
const INSTANTS: ReadonlySet<string> = new Set(['now', 'lastFactorAt', 'lastLogin'])

const FLAT = String.raw`\{[^{}]*\}`

/** How facts are written; the order matters where one holds another. */
const WRITTEN: Readonly<Record<string, string>> = {
  lastLogin: String.raw`\{"age":-?[\d.]+(?:,"location":${FLAT})?\}`,
  risk: String.raw`\{"is":"\w*","by":${FLAT}\}`,
  address: '"[^"]*"',
  account: FLAT,
  location: FLAT,
  device: FLAT,
  velocity: FLAT,
  enrolled: String.raw`\[[^\]]*\]`,
}

/** Finds what a policy does not read; nothing where it reads what may hold anything. */
const unreadBy = ({ reads }: ReplayedPolicy): RegExp | undefined => {
  if (reads.some((name) => !FACT_NAMES.includes(name))) return undefined
  const unread = Object.entries(WRITTEN).filter(([name]) => reads.every((one) => one !== name))
  const parts = unread.map(([name, pattern]) => `"${name}":${pattern},?`)
  return parts.length === 0 ? undefined : new RegExp(parts.join('|'), 'g')
}

const AGE = /"age":(-?\d+)/g
const OLDER = 'older'

/** What an age comes to: nobody asks for more than whether it is within one of the limits. */
const createAges = (limits: readonly number[]) => {
  const sorted = [...new Set(limits)].sort((one, other) => one - other)
  return (head: string): string | undefined => {
    let last = Number.POSITIVE_INFINITY
    let isOrdered = true
    const text = head.replace(AGE, (_whole, digits: string) => {
      const age = Number(digits)
      isOrdered &&= age <= last
      last = age
      return `"age":${sorted.find((limit) => age <= limit) ?? OLDER}`
    })
    // Which of two is the newer one matters too.
    return isOrdered ? text : undefined
  }
}

const tailOf = (line: string): string | undefined => {
  if (!line.startsWith(BEGIN) || !line.startsWith(ACCOUNT, line.indexOf(',', BEGIN.length) + 1)) return undefined
  const start = line.indexOf(CLIENT, BEGIN.length)
  return start === -1 || start > MAX_HEAD ? undefined : line.slice(start)
}

/**
 * What the decision of a line depends on, in its own text: not whose it is, nor when; of ages only within which limits
 * they are.
 */
export interface LineKey {
  /** All but the facts: lines of one key that owe the same come to the same. */
  readonly bare: string
  /** The facts, as an object in JSON, without most of those that nobody reads: with these too they owe the same. */
  readonly facts: string
}

const withoutLastComma = (text: string) => (text.endsWith(',}') ? `${text.slice(0, -2)}}` : text)

/** Finds the key of a line; undefined where it cannot be told. */
export const createLineKey = (policy: ReplayedPolicy): ((line: string) => LineKey | undefined) => {
  const { reads, ageLimits } = policy
  if (reads.some((name) => INSTANTS.has(name))) return () => undefined
  const unread = unreadBy(policy)
  const withLimits = ageLimits && createAges(ageLimits)
  const readsAccount = reads.includes('account')
  return (line) => {
    const tail = tailOf(line) ?? ''
    const at = tail.indexOf(FACTS)
    const end = tail.lastIndexOf(OUTCOME)
    if (at === -1 || end < at) return undefined
    const head = tail.slice(0, at)
    const facts = tail.slice(at + FACTS.length - 1, end)
    const ages = withLimits === undefined || head.includes('"maxAge":') ? head : (withLimits(head) ?? head)
    const isOpen = readsAccount && facts.includes('"metadata":')
    const read = unread === undefined || isOpen ? facts : facts.replace(unread, '')
    return { bare: ages + tail.slice(end), facts: withoutLastComma(read) }
  }
}
