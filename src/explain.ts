import type { Account } from './account.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { StepUpError } from './errors.ts'
import { eventsOf, rememberedIn, sessionOf } from './explain/evidence.ts'
import { type Explanation, explanationOf } from './explain/explanation.ts'
import { acrListOf, checkQuestion, type Question, refuse } from './explain/question.ts'
import type { AccountRecord, AccountRecords } from './flow/account-record.ts'
import type { Sources } from './flow/facts.ts'
import type { History } from './flow/history.ts'
import { canonicalAddress } from './policy/address.ts'
import { decide } from './policy/decide.ts'
import type { Situation } from './policy/decision.ts'
import { FACT_NAMES, type FactName, type FactSource } from './policy/facts.ts'
import type { RequestFacts } from './policy/floors.ts'
import type { Judge } from './policy/judge.ts'
import { askedLevels, asksOnlyUnknown, type Wish } from './policy/requirement.ts'
import { situationOf, standingEvents } from './provider/laid.ts'
import { owedBy } from './provider/owed.ts'
import { factsOf, type KnownClient, type Subject } from './provider/sources.ts'

/** Answers what a sign-in would come to. */
export type Explain = (question: Question) => Promise<Explanation>

/** A client with what it is registered to ask for where a request says nothing. */
export interface AskingClient extends KnownClient {
  readonly defaultAcrValues?: readonly string[] | undefined
  readonly defaultMaxAge?: number | undefined
}

/** What explaining works with; nothing of it writes. */
export interface ExplainTools {
  readonly config: Config
  readonly judge: Judge
  readonly reads: readonly FactName[]
  readonly assess: FactSource | undefined
  readonly reading: {
    readonly records: Pick<AccountRecords, 'load'>
    historyAt(clock: Clock): Pick<History, 'read' | 'foreseeCount'>
  }
  /** Undefined where a provider does not know it; one with nothing but its id where there is no provider. */
  client(clientId: string): Promise<AskingClient | undefined>
}

/** oidc-provider asks by `max_age=0` for a login. */
const wishIn = (question: Question, client: AskingClient, { levels, acrValues: reading, maxAge }: Config): Wish => {
  const { acrValues, essential = false, maxAgeSeconds = client.defaultMaxAge, prompt } = question
  const values = acrListOf(acrValues ?? client.defaultAcrValues)
  const claim = { values: essential ? values : [], essential }
  return {
    asked: askedLevels(claim, values.join(' '), levels, reading),
    maxAgeSeconds: maxAgeSeconds === 0 ? undefined : maxAgeSeconds,
    maxAge,
    prompt: maxAgeSeconds === 0 ? (prompt ?? 'login') : prompt,
  }
}

const headersOf = ({ headers = {}, userAgent }: Question): ReadonlyMap<string, string> =>
  new Map([
    ...(userAgent === undefined ? [] : [['user-agent', userAgent] as const]),
    ...Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const),
  ])

const requesterIn = (question: Question): NonNullable<Subject['requester']> => {
  const headers = headersOf(question)
  const { address } = question
  return {
    address: () => (address === undefined ? undefined : canonicalAddress(address)),
    userAgent: () => headers.get('user-agent'),
    deviceCookie: () => undefined,
    header: (name) => headers.get(name.toLowerCase()),
  }
}

/** What the question says itself goes before whatever would be fetched. */
const toldBy = (question: Question, known: () => Promise<number>): Sources => {
  const { address, userAgent, location, device, facts = {} } = question
  const seen = async () => ({ cookie: device, userAgent: device, known: Math.max(await known(), 1) })
  const unseen = async () => ({ cookie: device, userAgent: device, known: await known() })
  const told: Sources = {
    ...(address === undefined ? {} : { address: () => canonicalAddress(address) }),
    ...(userAgent === undefined ? {} : { userAgent: () => userAgent }),
    ...(location === undefined ? {} : { location: () => location }),
    ...(device === undefined ? {} : { device: device === 'known' ? seen : unseen }),
  }
  return { ...told, ...Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, () => value])) }
}

/** An essential claim that names no level is refused before anything of the account is looked at. */
const beforehand = ({ essential = false }: Question, situation: Situation): Situation => {
  const { refusal: _refusal, ...requirement } = situation.requirement
  return essential && asksOnlyUnknown(requirement.asked)
    ? { ...situation, requirement, accountActive: true }
    : situation
}

/** One question with all that was looked up for it. */
interface Asking {
  readonly question: Question
  readonly client: AskingClient
  readonly account: Account
  readonly record: AccountRecord
  /** With the clock at the moment that is asked about. */
  readonly config: Config
}

const answer = async ({ question, client, account, record, config }: Asking, tools: ExplainTools) => {
  const { judge, reads, assess, reading } = tools
  const { accountId, clientId, scopes = ['openid'], resources = [] } = question
  const request: RequestFacts = { clientId, scopes, resources }
  const events = eventsOf(question, { config, account, record })
  const evidence = standingEvents(config, events, account, record)
  const { read, foreseeCount } = reading.historyAt(config.clock)
  const history = { read, countAccount: foreseeCount }
  const known = async () => (await read(accountId, {})).device.known
  const subject: Subject = {
    accountId,
    client,
    request,
    account: async () => account,
    record: async () => record,
    evidence: async () => evidence,
    requester: requesterIn(question),
    told: toldBy(question, known),
  }
  const facts = await factsOf(subject, { config, assess, history }).read(reads)
  const laid = {
    account,
    record,
    facts,
    wish: wishIn(question, client, config),
    owed: owedBy(judge, request, facts),
    relies: config.rememberBrowser !== undefined,
    evidence,
    notHere: [],
    session: sessionOf(events),
  }
  const bare = situationOf(laid, { config, reads })
  const situation = beforehand(question, { ...bare, remembered: rememberedIn(question, bare) })
  const asked = { accountId, clientId, at: config.clock(), scopes, resources }
  return explanationOf({ request: asked, situation, decision: decide(situation), account, record }, config)
}

/**
 * Makes what explains decisions, by the very functions that decide them. Nothing is written, nothing counted, no event
 * goes out; what the host configured is asked as at a sign-in: its account, its facts, its assessors.
 */
export const createExplain = (tools: ExplainTools): Explain => {
  const { policy } = tools.config
  const brought = (policy.rules ?? []).flatMap(({ sources = {} }) => Object.keys(sources))
  const factNames = [...new Set([...FACT_NAMES, ...Object.keys(policy.facts ?? {}), ...brought])]
  return async (input) => {
    const question = checkQuestion(input, factNames)
    const { accountId, clientId, at = tools.config.clock() } = question
    const config: Config = { ...tools.config, clock: () => at }
    const [account, { record }, client] = await Promise.all([
      config.account(accountId),
      tools.reading.records.load(accountId),
      tools.client(clientId),
    ])
    if (account === undefined) throw new StepUpError('ERR_ACCOUNT', 'explain(question): no account of that accountId')
    if (client === undefined) return refuse('clientId', JSON.stringify(clientId), 'a client of the provider')
    return answer({ question, client, account, record, config }, tools)
  }
}
