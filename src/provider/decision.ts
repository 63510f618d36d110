import { isDeepStrictEqual } from 'node:util'
import type { Interaction, KoaContextWithOIDC, Session } from 'oidc-provider'
import type { Account } from '../account.ts'
import { type Evidence, LOGIN, type Proof, standing } from '../assurance/evidence.ts'
import type { Config } from '../config.ts'
import type { AnyFactor } from '../factors/factor.ts'
import { type AccountRecord, type AccountRecords, usableAuthenticators } from '../flow/account-record.ts'
import { appendEvents, hasDeclined, type LedgerRecord, ledgerKey } from '../flow/ledger.ts'
import type { Slot, Vault } from '../flow/vault.ts'
import { takeVerified, verifiedKey } from '../flow/verified.ts'
import { decide } from '../policy/decide.ts'
import type { Decision, FactorStanding } from '../policy/decision.ts'
import type { Floors } from '../policy/policy.ts'
import { type Pass, passOf } from './oidc.ts'
import { requirementOf } from './request.ts'

/** The name of our prompt in the interaction policy, in interactions and in their results. */
export const PROMPT = 'mfa'

/** Decides once per request; every further caller of the same request gets the same answer. */
export type Decider = (ctx: KoaContextWithOIDC) => Promise<Decision | undefined>

/** What deciding works with. */
export interface DecisionTools {
  readonly config: Config
  readonly vault: Vault
  readonly records: AccountRecords
  readonly floors: Floors
  /** How long a session lives from now, in seconds: what the host configured as `ttl.Session`. */
  readonly sessionSeconds: (ctx: KoaContextWithOIDC, session: Session) => number
}

/** A login page proves what people know, unless its host says more. */
const PASSWORD: Proof = { kinds: ['knowledge'], traits: [], amr: ['pwd'] }

/**
 * Whether a login really happened in the interaction that was just finished. Later submissions carry the
 * login's result along, which is no new login.
 */
const loggedIn = ({ prompt, result, lastSubmission }: Interaction) =>
  result?.login !== undefined &&
  prompt.name !== PROMPT &&
  (prompt.name === 'login' || !isDeepStrictEqual(result.login, lastSubmission?.login))

const loginEvent = (at: number, cid: string, { securityStamp }: Partial<Account>): Evidence => ({
  ...PASSWORD,
  factor: LOGIN,
  at,
  cid,
  ...(securityStamp === undefined ? {} : { securityStamp }),
})

const standingOf = (factor: AnyFactor, account: Account, record: AccountRecord): FactorStanding => {
  const { id, kinds, traits, amr, enroll, implied } = factor
  return {
    id,
    kinds,
    traits,
    amr,
    usable: usableAuthenticators(record, id).length > 0 || (implied?.(account).length ?? 0) > 0,
    enrollable: enroll !== undefined && record.disabledFactors[id] === undefined,
  }
}

const strength = ({ kinds, traits }: Proof) =>
  (traits.includes('phishing-resistant') ? 8 : 0) +
  (kinds.length > 1 ? 4 : 0) +
  (traits.includes('hardware') ? 2 : 0) -
  (traits.some((trait) => trait === 'restricted' || trait === 'address' || trait === 'recovery') ? 1 : 0)

/** The account's last choice first, else the strongest; the sort is stable, so ties keep the host's order. */
const inOrder = (factors: readonly FactorStanding[], { lastFactor }: AccountRecord) =>
  [...factors].sort(
    (one, other) => Number(other.id === lastFactor) - Number(one.id === lastFactor) || strength(other) - strength(one),
  )

/** All that was read for one pass. */
interface Read {
  readonly account: Account | undefined
  readonly record: AccountRecord
  readonly ledger: Slot<LedgerRecord>
  readonly verified: readonly Evidence[]
}

const readAll = async (pass: Pass, { config, records, vault }: DecisionTools): Promise<Read> => {
  const { session, interaction } = pass
  const { accountId } = session
  const owner = interaction?.session?.accountId ?? accountId
  const waiting = interaction?.prompt.name === PROMPT
  const [account, { record }, ledger, verified] = await Promise.all([
    config.account(accountId),
    records.load(accountId),
    vault.read<LedgerRecord>(ledgerKey(accountId, session.uid)),
    waiting ? takeVerified(vault, verifiedKey(owner, interaction.uid), interaction.cid) : [],
  ])
  return { account, record, ledger, verified: owner === accountId ? verified : [] }
}

/**
 * Sessions from before this plugin, or whose ledger was lost, have the session's own login time and nothing
 * else. It counts no longer than a session lives, by when every ledger we wrote would still be there.
 */
const inherited = ({ session }: Pass, { ledger, account }: Read, now: number, life: number): readonly Evidence[] =>
  ledger.version === null && session.loginTs !== undefined && now - session.loginTs <= life
    ? [loginEvent(session.loginTs, '', account ?? {})]
    : []

interface Settled {
  readonly events: readonly Evidence[]
  readonly loggedInNow: boolean
  readonly declined: boolean
}

/** Whether the interaction that was just finished is ours and was declined. */
const declinedNow = (interaction: Interaction | undefined) => {
  const mine = interaction?.prompt.name === PROMPT ? interaction.result?.[PROMPT] : undefined
  return (mine as { readonly declined?: unknown } | undefined)?.declined === true
}

/** The ledger after this pass: written where something new was proved, or where it would soon outlive its keep. */
const settle = async (pass: Pass, read: Read, life: number, { config, vault }: DecisionTools): Promise<Settled> => {
  const { session, interaction } = pass
  const { ledger, account } = read
  const now = config.clock()
  const loggedInNow = interaction !== undefined && loggedIn(interaction)
  const at = Math.min(interaction?.result?.login?.ts ?? now, now)
  const added = [...(loggedInNow ? [loginEvent(at, interaction.cid, account ?? {})] : []), ...read.verified]
  const base = loggedInNow ? [] : inherited(pass, read, now, life)
  const stale = ledger.expiresAt !== undefined && ledger.expiresAt - now < life
  const declinedCid = declinedNow(interaction) ? interaction?.cid : undefined
  const declined = declinedCid !== undefined || hasDeclined(ledger.value, interaction?.cid ?? '')
  const isNew = added.length > 0 || declinedCid !== undefined
  if (!isNew && !stale) return { events: ledger.value?.events ?? base, loggedInNow, declined }
  const entry = { added, base, declinedCid, lifeSeconds: 2 * life }
  const key = ledgerKey(session.accountId, session.uid)
  return { events: await appendEvents(vault, config.clock, key, ledger, entry), loggedInNow, declined }
}

const situate = async (ctx: KoaContextWithOIDC, pass: Pass, tools: DecisionTools): Promise<Decision> => {
  const { config, floors, sessionSeconds } = tools
  const { session, interaction } = pass
  const requirement = requirementOf(ctx, pass, config.levels, floors)
  const read = await readAll(pass, tools)
  const { events, loggedInNow, declined } = await settle(pass, read, sessionSeconds(ctx, session), tools)
  const { account = { id: session.accountId, label: '', disabled: true }, record } = read
  return decide({
    now: config.clock(),
    cid: interaction?.cid,
    flowSeconds: config.flowSeconds,
    levels: config.levels,
    requirement,
    accountActive: account.disabled !== true,
    evidence: standing(events, {
      activeAuthenticatorIds: new Set(usableAuthenticators(record).map(({ id }) => id)),
      securityStamp: account.securityStamp,
    }),
    hasAuthenticators: record.authenticators.length > 0,
    factors: inOrder(
      config.factors.map((factor) => standingOf(factor, account, record)),
      record,
    ),
    login: PASSWORD,
    loggedInNow,
    declined,
  })
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
