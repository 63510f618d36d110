import type { Level } from '../assurance/levels.ts'
import { adaptiveRule } from './adaptive.ts'
import { faultIn } from './demand.ts'
import type { FactName, Facts } from './facts.ts'
import { createTables, defaultFloor, exemptingClients, type Floor, type RequestFacts, type Tables } from './floors.ts'
import { createResolver } from './narrowed.ts'
import { multiFactorLevel, type Policy } from './policy.ts'
import type { Demand, Rule } from './rule.ts'

/** A rule that spoke. */
export interface Spoken {
  readonly rule: string
  readonly demand: Demand
  /** Why, in a few words, where there is something to add. */
  readonly because?: string
  /** It had no effect. */
  readonly reportOnly?: true
  /** An exemption after it took back what it demanded. */
  readonly exempted?: true
}

/** What a request owes by policy. */
export interface Owed {
  /** All of them, each once. */
  readonly floors: readonly Level[]
  /** Those of them that a remembered browser may lift. */
  readonly liftable: readonly Level[]
  /**
   * For these, an account that has nothing to prove more with has to prove a verified address first; for those that an
   * exemption took back, only before it sets anything up.
   */
  readonly verifying: readonly Level[]
  /** Those of them in whose place that does: nothing else owes them. */
  readonly byAddress: readonly Level[]
  /** They are not asked where nothing can ask. */
  readonly exemptible: boolean
  /** Nobody passes. */
  readonly refusal?: string
  /** An account that has nothing enrolled has to set something up. */
  readonly mustEnroll?: true
  /** It needs a ticket to. */
  readonly byTicket?: true
  /** The level that risk decides about: whether it alone asks for it, or it alone has not. */
  readonly risk?: { readonly level: Level; readonly asks: boolean }
  /** The rules that spoke, in order. */
  readonly spoken: readonly Spoken[]
  /** What would be owed if all on trial had effect; absent where nothing is. */
  readonly trial?: Omit<Owed, 'trial'> | { readonly fault: string }
}

/** Reads a policy for one request. */
export interface Judge {
  /** The facts to fetch beforehand; no rule reads any other. */
  readonly reads: readonly FactName[]
  /** Whether the client's sign-ins are asked nothing where nothing can ask. */
  isExemptible(clientId: string): boolean
  /**
   * What a request owes.
   *
   * @throws RangeError with its name where a rule throws, or demands what cannot be: nobody passes.
   */
  owes(request: RequestFacts, facts: Partial<Facts>): Owed
}

/** A demand that was made, with its rule. */
interface Made extends Spoken {
  readonly byRisk: boolean
  /** It is what `adaptive` comes to, whatever rules of the host's are called. */
  readonly byDefault: boolean
}

/** A level with an age limit of its own asks for more than a browser that was trusted some day. */
const isAgeless = ({ maxAgeSeconds, overallMaxAgeSeconds }: Level) =>
  maxAgeSeconds === undefined && overallMaxAgeSeconds === undefined

/** The rules that spoke, for traces; of what came before the last exemption in effect, that it was taken back. */
const told = (all: readonly Made[]): readonly Spoken[] => {
  const last = all.findLastIndex(({ demand, reportOnly }) => demand.exempt === true && reportOnly !== true)
  return all.map((one, index) => ({ ...bare(one), ...(index < last && isLiftable(one) ? { exempted: true } : {}) }))
}

/** Whether an exemption takes it back. */
const isLiftable = ({ demand, reportOnly }: Made) => demand.refuse === undefined && reportOnly !== true

const bare = ({ rule, demand, because, reportOnly }: Made): Spoken => ({
  rule,
  demand,
  ...(because === undefined ? {} : { because }),
  ...(reportOnly === undefined ? {} : { reportOnly }),
})

/** The newest exemption takes back all that stands before it in the list. */
const afterExemption = (made: readonly Made[]) =>
  made.slice(made.findLastIndex(({ demand }) => demand.exempt === true) + 1)

/** What is added up. */
interface Tallied {
  readonly made: readonly Made[]
  readonly all: readonly Made[]
  readonly lifts: boolean
  /** The levels of all demands that an address does for, also of those that were taken back. */
  readonly addressed: readonly Level[]
}

/** What is owed of that, all told. `all` also holds what was taken back, of which some stays. */
const sum = (
  floors: readonly Floor[],
  { made, all, lifts, addressed }: Tallied,
): Pick<Owed, 'floors' | 'liftable' | 'verifying' | 'byAddress' | 'refusal' | 'mustEnroll' | 'byTicket'> => {
  const fixed = new Set(floors.filter(({ liftable }) => !liftable).map(({ level }) => level))
  const plain = new Set(floors.filter(({ byAddress }) => byAddress !== true).map(({ level }) => level))
  const levels = [...new Set(floors.map(({ level }) => level))]
  const relies = lifts && !all.some(({ demand }) => demand.allowRememberBrowser === false)
  // An exemption takes the default back, and with it what that refuses.
  const refusing = [...made, ...all.filter(({ byDefault }) => !byDefault)]
  const refusal = refusing.find(({ demand }) => demand.refuse !== undefined)?.demand.refuse
  return {
    floors: levels,
    liftable: relies ? levels.filter((level) => !fixed.has(level) && isAgeless(level)) : [],
    verifying: [...new Set(addressed)],
    byAddress: levels.filter((level) => !plain.has(level)),
    ...(refusal === undefined ? {} : { refusal }),
    ...(made.some(({ demand }) => demand.enrollment === 'required') ? { mustEnroll: true } : {}),
    ...(all.some(({ demand }) => demand.enrollment === 'ticket') ? { byTicket: true } : {}),
  }
}

const messageOf = (fault: unknown) => (fault instanceof Error ? fault.message : String(fault))

/** A rule with the name that traces call it by. */
interface Named {
  readonly name: string
  readonly rule: Rule
  readonly byDefault: boolean
}

const namedRules = ({ default: base, adaptive, rules = [] }: Policy): readonly Named[] => [
  ...(base === 'adaptive' ? [{ name: 'adaptive', rule: adaptiveRule(adaptive) as Rule, byDefault: true }] : []),
  ...rules.map((rule, index) => ({ name: rule.name ?? `rules[${index}]`, rule, byDefault: false })),
]

/** Says which of many rules it was. */
const named = <T>(name: string, work: () => T): T => {
  try {
    return work()
  } catch (cause) {
    throw new RangeError(`${JSON.stringify(name)}: ${messageOf(cause)}`, { cause })
  }
}

/** Asks rules. What a host's own rule answers is looked at once; what `when` made stays the same object. */
const createAsking = (rules: readonly Named[], levels: readonly Level[], factorIds: readonly string[]) => {
  const sound = new WeakSet<Demand>()
  const demandOf = (rule: Rule, facts: Facts): Demand | undefined => {
    const demand = rule.demand(facts)
    if (demand === undefined || sound.has(demand)) return demand
    const fault = faultIn(demand, levels, factorIds)
    // What a promise of one comes to is nobody's to wait for, and must not end the process.
    if (fault !== undefined) Promise.resolve(demand).catch(() => undefined)
    if (fault !== undefined) throw new RangeError(fault)
    sound.add(demand)
    return demand
  }
  const make = ({ name, rule, byDefault }: Named, facts: Facts): Made | undefined => {
    const demand = named(name, () => demandOf(rule, facts))
    if (demand === undefined) return undefined
    const because = rule.because?.(facts)
    return {
      rule: name,
      demand,
      byRisk: rule.reads.includes('risk'),
      byDefault,
      ...(because === undefined ? {} : { because }),
      ...(rule.reportOnly === true ? { reportOnly: true } : {}),
    }
  }
  const tryOut = (named: Named, facts: Facts): Made | undefined => {
    try {
      return make(named, facts)
    } catch (fault) {
      const because = `it failed: ${messageOf(fault)}`
      return { rule: named.name, demand: {}, byRisk: false, byDefault: false, because, reportOnly: true }
    }
  }
  return (facts: Partial<Facts>): readonly Made[] => {
    const made: Made[] = []
    for (const named of rules) {
      const one = (named.rule.reportOnly === true ? tryOut : make)(named, facts as Facts)
      if (one !== undefined) made.push(one)
    }
    return made
  }
}

/** Whether risk alone asks for a level, or, as it has not asked, for the one that `adaptive` is about. */
const riskIn = (floors: readonly Floor[], waived: Level | undefined): Pick<Owed, 'risk'> => {
  const level = floors.find(({ byRisk }) => byRisk === true)?.level
  if (level !== undefined)
    return floors.every((floor) => floor.level !== level || floor.byRisk === true)
      ? { risk: { level, asks: true } }
      : {}
  if (waived === undefined || floors.some((floor) => floor.level === waived)) return {}
  return { risk: { level: waived, asks: false } }
}

type Tally = (request: RequestFacts, all: readonly Made[]) => Omit<Owed, 'spoken' | 'trial'>

/** Adds up what the default, the tables and the rules that spoke come to. */
const createTally = (policy: Policy, levels: readonly Level[], tables: Tables): Tally => {
  const exempting = exemptingClients(policy)
  const base = defaultFloor(policy, levels)
  const levelOf = createResolver(levels)
  const contested = policy.default === 'adaptive' ? multiFactorLevel(levels) : undefined
  const floorOf = ({ demand, byRisk }: Made): readonly Floor[] => {
    const level = levelOf(demand)
    const { verifiedAddress: byAddress = false } = demand
    return level === undefined ? [] : [{ level, liftable: true, byRisk, byAddress }]
  }
  return (request, all) => {
    const { floors: tabled, lifts } = tables(request)
    const made = afterExemption(all)
    const isExempt = made.length < all.length
    const floors = [...(base === undefined || isExempt ? [] : [base]), ...tabled, ...made.flatMap(floorOf)]
    const addressed = all
      .filter(({ demand }) => demand.verifiedAddress === true)
      .flatMap((one) => levelOf(one.demand) ?? [])
    const isWaived = !isExempt && !made.some(({ byDefault }) => byDefault)
    return {
      ...sum(floors, { made, all, lifts, addressed }),
      ...riskIn(floors, isWaived ? contested : undefined),
      exemptible: exempting.has(request.clientId),
    }
  }
}

const NOBODY: RequestFacts = { clientId: '', scopes: [], resources: [] }

/** Reads one policy, of which the facts were fetched. @see {@link Judge} */
export const createJudge = (policy: Policy, levels: readonly Level[], factorIds: readonly string[]): Judge => {
  const tables = createTables(policy, levels)
  const exempting = exemptingClients(policy)
  const rules = namedRules(policy)
  const ask = createAsking(rules, levels, factorIds)
  const tally = createTally(policy, levels, tables)
  const onTrial = policy.reportOnly && createJudge(policy.reportOnly, levels, factorIds)
  const hasTrials = rules.some(({ rule }) => rule.reportOnly === true)

  const plain: Owed = { ...tally(NOBODY, []), spoken: [] }
  const isPlain = (request: RequestFacts) => {
    const { floors, lifts } = tables(request)
    return floors.length === 0 && lifts && !exempting.has(request.clientId)
  }
  const trialOf = (request: RequestFacts, facts: Partial<Facts>, all: readonly Made[]): Pick<Owed, 'trial'> => {
    try {
      if (onTrial !== undefined) return { trial: onTrial.owes(request, facts) }
      return hasTrials ? { trial: { ...tally(request, all), spoken: all.map(bare) } } : {}
    } catch (fault) {
      return { trial: { fault: messageOf(fault) } }
    }
  }
  return Object.freeze<Judge>({
    reads: [...new Set([...rules.flatMap(({ rule }) => rule.reads), ...(onTrial?.reads ?? [])])],
    isExemptible: (clientId) => exempting.has(clientId),
    owes(request, facts) {
      // Most hosts have no rules, and most requests are in no table.
      if (rules.length === 0 && onTrial === undefined && isPlain(request)) return plain
      const all = ask(facts)
      const inEffect = hasTrials ? all.filter(({ reportOnly }) => reportOnly !== true) : all
      return { ...tally(request, inEffect), spoken: told(all), ...trialOf(request, facts, all) }
    },
  })
}
