import type { KoaContextWithOIDC, Session } from 'oidc-provider'
import type { Account } from '../account.ts'
import { LOGIN, PASSWORD } from '../assurance/evidence.ts'
import type { Config } from '../config.ts'
import { type BrowserNote, type BrowserStanding, noteHolds, type PresentedBrowser } from '../flow/browser-record.ts'
import type { FactReader } from '../flow/facts.ts'
import type { History } from '../flow/history.ts'
import type { Situation } from '../policy/decision.ts'
import type { Facts } from '../policy/facts.ts'
import type { Judge } from '../policy/judge.ts'
import type { BrowserCookies } from './browser-cookies.ts'
import { type GatherTools, gather, type Read, readAll } from './gather.ts'
import { type Laid, type LayingTools, situationOf, standingEvents } from './laid.ts'
import { readNotHere } from './not-here.ts'
import type { Pass } from './oidc.ts'
import { owedBy } from './owed.ts'
import { type RequestTools, requestFactsOf, wishOf } from './request.ts'
import { factsOf, type RequesterTools, requesterOf, type SourceTools, type Subject } from './sources.ts'

/** What laying out a situation works with. */
export interface SituationTools extends GatherTools, RequestTools, SourceTools, RequesterTools, LayingTools {
  readonly config: Config
  readonly history: History
  readonly judge: Judge
  readonly cookies: BrowserCookies
  /** Whether any of these facts follows from where an account has signed in before. */
  readonly remembersDevices: boolean
  /** Whether any of them follows from where that was. */
  readonly remembersPlaces: boolean
  /** How long a session lives from now, in seconds: what the host configured as `ttl.Session`. */
  readonly sessionSeconds: (ctx: KoaContextWithOIDC, session: Session) => number
}

/** All that one pass stands on. */
export interface Ground {
  readonly situation: Omit<Situation, 'remembered'>
  readonly standing: BrowserStanding
  /** The remembered browser that this session relies on already. */
  readonly note: BrowserNote | undefined
  readonly presented: PresentedBrowser | undefined
  /** Made where it is asked for: most hosts read no facts. */
  readonly facts: () => FactReader
}

const NO_FACTS: Partial<Facts> = {}

/** Somebody whom the host does not know any more. */
const gone = (id: string): Account => ({ id, label: '', disabled: true })

/** Reads what one pass stands on: records and facts at once, of facts only what somebody reads. */
const readPass = async (ctx: KoaContextWithOIDC, pass: Pass, tools: SituationTools) => {
  const { config, sessionSeconds, cookies, judge, reads } = tools
  const { session, client } = pass
  const { accountId } = session
  const request = requestFactsOf(ctx, pass, tools)
  const ahead = reads.length === 0 ? owedBy(judge, request, NO_FACTS) : undefined
  const relies = config.rememberBrowser !== undefined && (ahead === undefined || ahead.liftable.length > 0)
  const cookie = relies ? cookies.read(ctx, accountId) : undefined
  const reading = readAll(pass, cookie, judge.isExemptible(client.clientId), tools)
  const gathering = reading.then((read) => gather(ctx, pass, read, sessionSeconds(ctx, session), tools))
  const accountOf = ({ account = gone(accountId) }: Read) => account
  const subject = (): Subject => ({
    accountId,
    client,
    request,
    requester: requesterOf(ctx, accountId, tools),
    account: async () => accountOf(await reading),
    record: async () => (await reading).record,
    evidence: async () => {
      const read = await reading
      const { events } = await gathering
      return standingEvents(config, events, accountOf(read), read.record)
    },
  })
  let made: FactReader | undefined
  const reader = () => {
    made ??= factsOf(subject(), tools)
    return made
  }
  const [read, gathered, facts] = await Promise.all([
    reading,
    gathering,
    ahead === undefined ? reader().read(reads) : NO_FACTS,
  ])
  const owed = ahead ?? owedBy(judge, request, facts)
  return { read, gathered, facts, reader, owed, relies, account: accountOf(read) }
}

/** Lays out what one pass stands on. */
export const layOut = async (ctx: KoaContextWithOIDC, pass: Pass, tools: SituationTools): Promise<Ground> => {
  const { config } = tools
  const wish = wishOf(ctx, pass, config)
  const { read, gathered, facts, reader, owed, relies, account } = await readPass(ctx, pass, tools)
  const { record, ledger, browser } = read
  const browserStanding = { factorsVersion: record.factorsVersion, securityStamp: account.securityStamp }
  const note = ledger.value?.browser
  const laid: Laid = {
    account,
    record,
    facts,
    wish,
    owed,
    relies,
    evidence: standingEvents(config, gathered.events, account, record),
    notHere: config.offers === undefined ? [] : readNotHere(ctx),
    session: {
      cid: pass.interaction?.cid,
      login: gathered.events.findLast(({ factor }) => factor === LOGIN) ?? PASSWORD,
      loggedInNow: gathered.loggedInNow,
      declined: gathered.declined,
      unavailable: read.unavailable,
    },
  }
  const situation = situationOf(laid, tools)
  // A revocation that is half done has marked the record, and may not have come to this note yet.
  const revoked = browser?.slot.value?.revoked === true && browser.key.id === note?.id
  const holds = note !== undefined && !revoked && noteHolds(note, browserStanding, situation.now)
  return {
    situation,
    standing: browserStanding,
    note: holds ? note : undefined,
    presented: browser,
    facts: reader,
  }
}
