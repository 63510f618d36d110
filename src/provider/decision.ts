import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Announce } from '../events.ts'
import type { BrowserNote } from '../flow/browser-record.ts'
import { noteHolds } from '../flow/browser-record.ts'
import type { RecognizedBrowser } from '../flow/browsers.ts'
import type { KeyCheck } from '../flow/key-check.ts'
import { dropBrowser, type LedgerRecord, ledgerKey, noteBrowser } from '../flow/ledger.ts'
import { decide } from '../policy/decide.ts'
import type { Decision, Situation } from '../policy/decision.ts'
import { learnDevice } from './devices.ts'
import { type Pass, passOf } from './oidc.ts'
import { type RecordingTools, recordDecision } from './recording.ts'
import { type Ground, layOut, type SituationTools } from './situation.ts'

/** Decides once per request; every further caller of the same request gets the same answer. */
export type Decider = (ctx: KoaContextWithOIDC) => Promise<Decision | undefined>

/** What deciding works with. */
export interface DecisionTools extends SituationTools, RecordingTools {
  readonly announce: Announce
  readonly keyCheck: Pick<KeyCheck, 'assert'>
}

const relying = (situation: Ground['situation'], note: BrowserNote | undefined): Situation =>
  note === undefined ? situation : { ...situation, remembered: note.proof }

/** A decision with the situation that it was made in. */
interface Decided {
  readonly situation: Situation
  readonly decision: Decision
}

const decided = (situation: Situation): Decided => ({ situation, decision: decide(situation) })

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
  { situation, standing, presented }: Ground,
  tools: DecisionTools,
): Promise<Decided> => {
  const recognized = await tools.browsers.recognize(presented, standing)
  const byBrowser = decided(relying(situation, recognized?.note))
  if (recognized === undefined || !isLifting(byBrowser.decision)) return byBrowser
  return (await lift(ctx, pass, recognized, tools)) ? byBrowser : decided(situation)
}

const situate = async (ctx: KoaContextWithOIDC, pass: Pass, tools: DecisionTools): Promise<Decision> => {
  tools.keyCheck.assert()
  const ground = await layOut(ctx, pass, tools)
  const { note, facts } = ground
  const { situation, decision } =
    note === undefined ? await decideByBrowser(ctx, pass, ground, tools) : decided(relying(ground.situation, note))
  recordDecision(ctx, pass, { situation, decision, facts }, tools)
  await learnDevice(ctx, pass, ground, decision, tools)
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
