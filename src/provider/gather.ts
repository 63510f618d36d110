import { isDeepStrictEqual } from 'node:util'
import type { Interaction, InteractionResults, KoaContextWithOIDC } from 'oidc-provider'
import type { Account } from '../account.ts'
import { type Evidence, LOGIN, type LoginProof, PASSWORD, standing } from '../assurance/evidence.ts'
import type { Config } from '../config.ts'
import type { AccountRecord, AccountRecords } from '../flow/account-record.ts'
import type { PresentedBrowser } from '../flow/browser-record.ts'
import type { Browsers } from '../flow/browsers.ts'
import { appendEvents, hasDeclined, type LedgerRecord, ledgerKey } from '../flow/ledger.ts'
import { outageKey, readOutage } from '../flow/outage.ts'
import { dueFactors, PERMIT_SECONDS, type Permit, signInPermitKey, standingOf } from '../flow/permit.ts'
import { activeIds } from '../flow/place.ts'
import type { Slot, Vault } from '../flow/vault.ts'
import { readCameIn, takeVerified, verifiedKey } from '../flow/verified.ts'
import { once } from '../once.ts'
import { type Pass, PROMPT } from './oidc.ts'

/** What gathering works with. */
export interface GatherTools {
  readonly config: Config
  readonly vault: Vault
  readonly records: AccountRecords
  readonly browsers: Browsers
}

/**
 * Whether a login really happened in the interaction that was just finished. Later submissions carry the
 * login's result along, which is no new login.
 */
const loggedIn = ({ prompt, result, lastSubmission }: Interaction) =>
  result?.login !== undefined &&
  prompt.name !== PROMPT &&
  (prompt.name === 'login' || !isDeepStrictEqual(result.login, lastSubmission?.login))

const loginEvent = (
  { kinds, traits, amr, method, upstream }: LoginProof,
  at: number,
  cid: string,
  { securityStamp }: { readonly securityStamp?: string | undefined },
): Evidence => ({
  kinds,
  traits,
  amr,
  factor: LOGIN,
  at,
  cid,
  ...(securityStamp === undefined ? {} : { securityStamp }),
  ...(method === undefined ? {} : { method }),
  ...(upstream === undefined ? {} : { upstream }),
})

/** All that was read for one pass. */
export interface Read {
  readonly account: Account | undefined
  readonly record: AccountRecord
  readonly ledger: Slot<LedgerRecord>
  readonly verified: readonly Evidence[]
  /** By which authenticator the login page was answered that was just finished, if by any. */
  readonly cameIn: Evidence | undefined
  /** The factor that could not ask in this authorization; looked for where the policy exempts. */
  readonly unavailable: string | undefined
  /** What stands under the cookie of a remembered browser. */
  readonly browser: PresentedBrowser | undefined
}

/** Whether a login page can be answered by an authenticator alone, which leaves what it proved as a challenge does. */
const canIdentify = once(({ factors }: Config) => factors.some(({ identify }) => identify !== undefined))

/**
 * Reads all that a pass needs in one go, and takes what was verified in the interaction that was just finished.
 *
 * @param cookie - The value of the account's remembered-browser cookie, as it came.
 * @param exemptible - Whether the policy exempts where nothing can ask.
 */
export const readAll = async (
  pass: Pass,
  cookie: string | undefined,
  exemptible: boolean,
  { config, records, vault, browsers }: GatherTools,
): Promise<Read> => {
  const { session, interaction } = pass
  const { accountId } = session
  // A login may be another account's than the session was before.
  const asked = interaction?.prompt.name === PROMPT
  const owner = (asked ? interaction.session?.accountId : undefined) ?? accountId
  const knocked = canIdentify(config) && interaction?.prompt.name === 'login' ? interaction : undefined
  const waiting = asked ? interaction : knocked
  const [account, { record }, ledger, verified, browser, cameIn, unavailable] = await Promise.all([
    config.account(accountId),
    records.load(accountId),
    vault.read<LedgerRecord>(ledgerKey(accountId, session.uid)),
    waiting === undefined ? [] : takeVerified(vault, verifiedKey(owner, waiting.uid), waiting.cid),
    browsers.read(accountId, cookie),
    knocked && readCameIn(vault, accountId, knocked),
    exemptible && interaction !== undefined
      ? readOutage(vault, outageKey(accountId, session.uid, interaction.cid))
      : undefined,
  ])
  return { account, record, ledger, verified: owner === accountId ? verified : [], browser, cameIn, unavailable }
}

/**
 * Sessions from before this plugin, or whose ledger was lost, have the session's own login time and nothing
 * else. It counts no longer than a session lives, by when every ledger we wrote would still be there.
 */
const inherited = ({ session }: Pass, { ledger, account }: Read, now: number, life: number): readonly Evidence[] =>
  ledger.version === null && session.loginTs !== undefined && now - session.loginTs <= life
    ? [loginEvent(PASSWORD, session.loginTs, '', account ?? {})]
    : []

/**
 * A host that puts the stamp its password was checked under into the login result keeps a login that was held
 * back from standing after the password changed.
 */
type LoginResult = NonNullable<InteractionResults['login']> & { readonly securityStamp?: string }

/** What a pass proves by itself, beside what lies in the ledger. */
interface Brought {
  readonly loggedInNow: boolean
  /** By an authenticator alone, which can still be used. */
  readonly cameIn?: boolean
  readonly added: readonly Evidence[]
  /** The authorization in which the user just declined. */
  readonly declinedCid: string | undefined
}

const declined = ({ prompt, result }: Interaction) =>
  prompt.name === PROMPT && (result?.[PROMPT] as { readonly declined?: unknown } | undefined)?.declined === true

/** Who came in by an authenticator has typed no password, whatever the host's mapping says of its login page. */
const byAuthenticator = (by: Evidence, now: number, cid: string): Evidence => ({
  ...loginEvent(by, Math.min(by.at, now), cid, by),
  ...(by.authenticatorId === undefined ? {} : { authenticatorId: by.authenticatorId }),
})

/** Whether what somebody came in by a moment ago still stands. */
const cameInStands = (by: Evidence | undefined, { account, record }: Read, config: Config) => {
  if (by === undefined || account === undefined || config.clock() - by.at > config.flowSeconds) return false
  const activeAuthenticatorIds = activeIds(config.factors, account, record)
  const { securityStamp } = account
  return standing([by], { activeAuthenticatorIds, securityStamp, revokedAt: record.revokedAt }).length > 0
}

const bring = async (ctx: KoaContextWithOIDC, pass: Pass, read: Read, config: Config): Promise<Brought> => {
  const { account, verified, cameIn: by } = read
  const { interaction } = pass
  if (interaction === undefined) return { loggedInNow: false, added: [], declinedCid: undefined }
  const { cid, result } = interaction
  const declinedCid = declined(interaction) ? cid : undefined
  const login = loggedIn(interaction) ? result?.login : undefined
  if (login === undefined) return { loggedInNow: false, added: verified, declinedCid }
  const now = config.clock()
  const { ts = now, securityStamp = account?.securityStamp } = login as LoginResult
  const event =
    by === undefined
      ? loginEvent(await config.login(login, ctx), Math.min(ts, now), cid, { securityStamp })
      : byAuthenticator(by, now, cid)
  return { loggedInNow: true, cameIn: cameInStands(by, read, config), added: [event, ...verified], declinedCid }
}

/** Coming in by an authenticator is a verification: what is due may be enrolled from then on, as after a challenge. */
const allowDue = async (
  { session, interaction }: Pass,
  { account, record }: Read,
  { config, vault }: Pick<GatherTools, 'config' | 'vault'>,
): Promise<void> => {
  const { factors, clock, offers } = config
  const due = dueFactors(factors, record, clock(), offers?.everySeconds)
  if (account === undefined || interaction === undefined || due.factors.length === 0) return
  const permit: Permit = { by: 'sign-in', factors: due.factors, standing: standingOf(record, account) }
  const key = signInPermitKey(session.accountId, session.uid, interaction.cid)
  await vault.update<Permit>(key, () => ({ value: permit, expiresAt: clock() + PERMIT_SECONDS }))
}

/** The session's evidence after this pass. */
export interface Gathered {
  readonly events: readonly Evidence[]
  readonly loggedInNow: boolean
  readonly declined: boolean
}

/**
 * Brings the ledger up to this pass. It is written where something new came, and where it would otherwise be
 * gone before the session is: `sessionSeconds` is how long the session lives from now.
 */
export const gather = async (
  ctx: KoaContextWithOIDC,
  pass: Pass,
  read: Read,
  sessionSeconds: number,
  { config, vault }: GatherTools,
): Promise<Gathered> => {
  const { session, interaction } = pass
  const { ledger } = read
  const now = config.clock()
  const { loggedInNow, cameIn = false, added, declinedCid } = await bring(ctx, pass, read, config)
  if (cameIn) await allowDue(pass, read, { config, vault })
  const base = loggedInNow ? [] : inherited(pass, read, now, sessionSeconds)
  const known = {
    loggedInNow,
    declined: declinedCid !== undefined || hasDeclined(ledger.value, interaction?.cid ?? ''),
  }
  // What is inherited is written down too: from then on it stands under the security stamp of that moment.
  const isNew = added.length > 0 || base.length > 0 || declinedCid !== undefined
  const isShort = ledger.expiresAt !== undefined && ledger.expiresAt - now < sessionSeconds
  if (!isNew && !isShort) return { ...known, events: ledger.value?.events ?? base }
  const entry = { added, base, declinedCid, lifeSeconds: 2 * sessionSeconds }
  const key = ledgerKey(session.accountId, session.uid)
  return { ...known, events: await appendEvents(vault, config.clock, key, ledger, entry) }
}
