import type { Account } from '../account.ts'
import { type Evidence, LOGIN } from '../assurance/evidence.ts'
import type { Assessment, Confidence, FactName, Facts, RiskAssessment } from '../policy/facts.ts'
import type { DecisionRecord, RecordedAccount, RecordedFacts, RecordedRisk } from '../recording/decision-record.ts'

/** Told of each fact, or member of one, that is read and was not recorded. */
export type Missed = (name: string) => void

/** Answers what was recorded, and tells of what was not: that counts as not there. */
const watched = <T extends object>(recorded: T, path: string, missed: Missed): T =>
  new Proxy(recorded, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (value === undefined && typeof key === 'string') missed(`${path}.${key}`)
      return value
    },
    getOwnPropertyDescriptor(target, key) {
      const found = Reflect.getOwnPropertyDescriptor(target, key)
      if (found === undefined && typeof key === 'string') missed(`${path}.${key}`)
      return found
    },
  })

/** Members whose absence a record tells. */
const ABSENT = { disabled: false, tenant: undefined, emailVerified: undefined }

const accountOf = (account: RecordedAccount, pseudonym: string, missed: Missed): Account => {
  const watchedParts: ProxyHandler<object> = {
    get: (target, key) => (isTold(target, key) ? Reflect.get(target, key) : void missed(`account.${String(key)}`)),
    getOwnPropertyDescriptor(target, key) {
      if (!isTold(target, key)) missed(`account.${String(key)}`)
      return Reflect.getOwnPropertyDescriptor(target, key)
    },
  }
  const { metadata = {}, ...rest } = account
  const told = { id: pseudonym, ...rest, metadata: watched(metadata, 'account.metadata', missed) }
  return new Proxy(told, watchedParts) as unknown as Account
}

const isTold = (target: object, key: PropertyKey) =>
  key !== 'id' && (typeof key === 'symbol' || Object.hasOwn(target, key) || Object.hasOwn(ABSENT, key))

const assessmentOf = (text: string): Assessment => {
  const [confidence = 'unknown', code = 'not_recorded'] = text.split(' ')
  return { confidence: confidence as Assessment['confidence'], code }
}

const riskOf = ({ is, by }: RecordedRisk): RiskAssessment => ({
  confidence: is as Confidence,
  version: '1',
  assessments: Object.fromEntries(Object.entries(by).map(([name, text]) => [name, assessmentOf(text)])),
})

/** What the session tells. */
const loginOf = (evidence: readonly Evidence[]) => evidence.findLast(({ factor }) => factor === LOGIN)

type Source<Name extends FactName> = (
  recorded: RecordedFacts,
  record: DecisionRecord,
  evidence: readonly Evidence[],
  missed: Missed,
) => Facts[Name] | undefined

/** Facts that were recorded in another shape, or follow from the rest of a record. */
const SOURCES: { readonly [Name in FactName]?: Source<Name> } = {
  client: (_recorded, { client }) => ({ id: client }),
  scopes: (_recorded, { scopes }) => scopes,
  resources: (_recorded, { resources = [] }) => resources,
  now: (_recorded, { at }) => at,
  login: (_recorded, { at }, evidence) => loginOf(evidence) ?? { kinds: ['knowledge'], traits: [], amr: ['pwd'], at },
  account: ({ account }, record, _evidence, missed) => account && accountOf(account, record.account, missed),
  lastLogin: ({ lastLogin }, { at }) =>
    lastLogin && {
      at: at - lastLogin.age,
      ...(lastLogin.location === undefined ? {} : { location: lastLogin.location }),
    },
  risk: ({ risk }) => risk && riskOf(risk),
}

/** In these shapes they stand in a record themselves, where a host has put its own in their place. */
const DERIVED: ReadonlySet<string> = new Set(['client', 'scopes', 'resources', 'now', 'login'])

const factOf = (
  name: FactName,
  record: DecisionRecord,
  evidence: readonly Evidence[],
  missed: Missed,
): Facts[FactName] | undefined => {
  const recorded = record.facts[name]
  const source = SOURCES[name] as Source<FactName> | undefined
  if (source === undefined || (DERIVED.has(name) && recorded !== undefined)) return recorded as Facts[FactName]
  return source(record.facts, record, evidence, missed)
}

/** The facts of a record that a policy reads; each that is not there is told. */
export const factsOf = (
  reads: readonly FactName[],
  record: DecisionRecord,
  evidence: readonly Evidence[],
  missed: Missed,
): Partial<Facts> => {
  const facts: Record<string, unknown> = {}
  for (const name of reads) {
    if (name === 'lastFactorAt') {
      facts[name] = record.facts[name] ?? evidence.findLast(({ factor }) => factor !== LOGIN)?.at
      continue
    }
    const value = factOf(name, record, evidence, missed)
    if (value === undefined) missed(name)
    facts[name] = value
  }
  return facts
}
