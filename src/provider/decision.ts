import type { KoaContextWithOIDC, Session } from 'oidc-provider'
import type { Account } from '../account.ts'
import { LOGIN, type Proof, standing } from '../assurance/evidence.ts'
import { type Config, PASSWORD } from '../config.ts'
import type { Announce } from '../events.ts'
import type { AccountRecord } from '../flow/account-record.ts'
import { type BrowserNote, type BrowserStanding, noteHolds, type PresentedBrowser } from '../flow/browser-record.ts'
import type { RecognizedBrowser } from '../flow/browsers.ts'
import type { KeyCheck } from '../flow/key-check.ts'
import { dropBrowser, type LedgerRecord, ledgerKey, noteBrowser } from '../flow/ledger.ts'
import {
  besideOthers,
  dueFactors,
  enrollableFactors,
  hasOnlyAddresses,
  hasStandalone,
  strengthOf,
} from '../flow/permit.ts'
import { activeIds, answering, isTired } from '../flow/place.ts'
import { decide } from '../policy/decide.ts'
import type { Decision, FactorStanding, Situation } from '../policy/decision.ts'
import type { BrowserCookies } from './browser-cookies.ts'
import { type GatherTools, gather, readAll } from './gather.ts'
import { readNotHere } from './not-here.ts'
import { type Pass, passOf } from './oidc.ts'
import { type RequestTools, requirementOf } from './request.ts'

/** Decides once per request; every further caller of the same request gets the same answer. */
export type Decider = (ctx: KoaContextWithOIDC) => Promise<Decision | undefined>

/** What deciding works with. */
export interface DecisionTools extends GatherTools, RequestTools {
  readonly cookies: BrowserCookies
  readonly announce: Announce
  readonly keyCheck: Pick<KeyCheck, 'assert'>
  /** How long a session lives from now, in seconds: what the host configured as `ttl.Session`. */
  readonly sessionSeconds: (ctx: KoaContextWithOIDC, session: Session) => number
}

/** What planning needs to know about every configured factor and this account, in the order to be offered. */
const standingsOf = (
  { factors, clock, offers }: Config,
  account: Account,
  record: AccountRecord,
  notHere: readonly string[],
): readonly FactorStanding[] => {
  const enrollable = enrollableFactors(factors, record)
  const due = dueFactors(factors, record, clock(), offers?.everySeconds)
  const isDue = (id: string) => due.factors.includes(id) && !notHere.includes(id)
  const standings = factors.map((factor): FactorStanding => {
    const { id, kinds, traits, amr } = factor
    const able = answering(factor, account, record)
    return {
      id,
      kinds,
      traits,
      amr,
      usable: able.length > 0 && !isTired(factor, record),
      ...(factor.atMost === undefined ? {} : { proofs: able.map((one) => factor.atMost?.(one) ?? factor) }),
      ...besideOthers(factor),
      enrollable: enrollable.includes(id),
      ...(isDue(id) ? { due: due.reason } : {}),
    }
  })
  return inOrder(standings, record)
}

/** Nobody means to choose these again by having used them once. */
const isFallback = ({ traits }: Proof) => traits.includes('recovery') || traits.includes('address')

/** The account's last choice first, else the strongest; the sort is stable, so ties keep the host's order. */
const inOrder = (factors: readonly FactorStanding[], { lastFactor }: AccountRecord) => {
  const isChoice = (one: FactorStanding) => one.id === lastFactor && !isFallback(one)
  return [...factors].sort(
    (one, other) => Number(isChoice(other)) - Number(isChoice(one)) || strengthOf(other) - strengthOf(one),
  )
}

/** All that one pass stands on. */
interface Facts {
  readonly situation: Omit<Situation, 'remembered'>
  readonly standing: BrowserStanding
  /** The remembered browser that this session relies on already. */
  readonly note: BrowserNote | undefined
  readonly presented: PresentedBrowser | undefined
}

const gatherFacts = async (ctx: KoaContextWithOIDC, pass: Pass, tools: DecisionTools): Promise<Facts> => {
  const { config, sessionSeconds, cookies } = tools
  const { session, interaction } = pass
  const { accountId } = session
  const requirement = requirementOf(ctx, pass, config, tools)
  const relies = requirement.liftable !== undefined && requirement.liftable.length > 0
  const cookie = relies ? cookies.read(ctx, accountId) : undefined
  const read = await readAll(pass, cookie, requirement.exemptible === true, tools)
  const { events, loggedInNow, declined } = await gather(ctx, pass, read, sessionSeconds(ctx, session), tools)
  const { account = { id: accountId, label: '', disabled: true }, record, ledger, browser } = read
  const browserStanding = { factorsVersion: record.factorsVersion, securityStamp: account.securityStamp }
  const note = ledger.value?.browser
  const situation = {
    now: config.clock(),
    cid: interaction?.cid,
    flowSeconds: config.flowSeconds,
    levels: config.levels,
    requirement,
    accountActive: account.disabled !== true && record.disabledAt === undefined,
    evidence: standing(events, {
      activeAuthenticatorIds: activeIds(config.factors, account, record),
      securityStamp: account.securityStamp,
      revokedAt: record.revokedAt,
    }),
    hasAuthenticators: record.authenticators.length > 0,
    hasStandalone: hasStandalone(config.factors, record),
    hasOnlyAddresses: hasOnlyAddresses(config.factors, record),
    ticketOnly: config.enrollment === 'ticket' || record.enrollment === 'ticket',
    factors: standingsOf(config, account, record, config.offers === undefined ? [] : readNotHere(ctx)),
    login: events.findLast(({ factor }) => factor === LOGIN) ?? PASSWORD,
    loggedInNow,
    declined,
    unavailable: read.unavailable,
  }
  // A revocation that is half done has marked the record, and may not have come to this note yet.
  const revoked = browser?.slot.value?.revoked === true && browser.key.id === note?.id
  const holds = note !== undefined && !revoked && noteHolds(note, browserStanding, situation.now)
  return { situation, standing: browserStanding, note: holds ? note : undefined, presented: browser }
}

const relying = (situation: Facts['situation'], note: BrowserNote | undefined): Situation =>
  note === undefined ? situation : { ...situation, remembered: note.proof }

const isLifting = (decision: Decision) => (decision.trace.lifted ?? []).length > 0

/**
 * The first lift in a session is a use of the remembered browser; where it no longer holds, nothing is lifted.
 *
 * The session's identifier stays: a lift proves nothing new, and a renewal would sign out tabs that are under way.
 */
const lift = async (
  ctx: KoaContextWithOIDC,
  { session, client }: Pass,
  recognized: RecognizedBrowser,
  { browsers, cookies, vault, config }: DecisionTools,
): Promise<boolean> => {
  const { accountId } = session
  const key = ledgerKey(accountId, session.uid)
  const used = await browsers.use(recognized, client.clientId)
  if (used === undefined) {
    // Another tab of this session may have used it a moment ago.
    const { value } = await vault.read<LedgerRecord>(key)
    return value?.browser?.id === recognized.note.id && noteHolds(value.browser, recognized.standing, config.clock())
  }
  // The new cookie goes out with this answer, whatever fails from here on.
  if (used.cookie !== undefined) cookies.write(ctx, accountId, used.cookie.value, used.cookie.until)
  await noteBrowser(vault, key, used.note)
  // A revocation deletes the record first and then the notes: one that came before the note has missed it.
  if (await browsers.stands(accountId, used.note.id)) return true
  await dropBrowser(vault, key, used.note.id)
  return false
}

const decideByBrowser = async (
  ctx: KoaContextWithOIDC,
  pass: Pass,
  { situation, standing, presented }: Facts,
  tools: DecisionTools,
): Promise<Decision> => {
  const recognized = await tools.browsers.recognize(presented, standing)
  const decision = decide(relying(situation, recognized?.note))
  if (recognized === undefined || !isLifting(decision)) return decision
  return (await lift(ctx, pass, recognized, tools)) ? decision : decide(situation)
}

const situate = async (ctx: KoaContextWithOIDC, pass: Pass, tools: DecisionTools): Promise<Decision> => {
  tools.keyCheck.assert()
  const facts = await gatherFacts(ctx, pass, tools)
  const { situation, note } = facts
  const decision =
    note === undefined ? await decideByBrowser(ctx, pass, facts, tools) : decide(relying(situation, note))
  const { accountId } = pass.session
  tools.announce('authorization.decided', { accountId, clientId: pass.client.clientId, decision })
  return decision
}

/**
 * The one place where facts are gathered and `decide()` is called. Undefined where nobody is signed in.
 *
 * The promise never goes unhandled: a pass may fail for a reason of its own before anybody awaits it.
 */
export const createDecider = (tools: DecisionTools): Decider => {
  const decisions = new WeakMap<KoaContextWithOIDC, Promise<Decision | undefined>>()
  return (ctx) => {
    const known = decisions.get(ctx)
    if (known !== undefined) return known
    const pass = passOf(ctx)
    const decision = pass === undefined ? Promise.resolve(undefined) : situate(ctx, pass, tools)
    decision.catch(() => undefined)
    decisions.set(ctx, decision)
    return decision
  }
}
