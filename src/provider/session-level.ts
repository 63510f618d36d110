import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import { PASSWORD, standing } from '../assurance/evidence.ts'
import { acrValues } from '../assurance/levels.ts'
import type { Config } from '../config.ts'
import type { AccountRecords } from '../flow/account-record.ts'
import { type LedgerRecord, ledgerKey } from '../flow/ledger.ts'
import { besideOthers, hasStandalone } from '../flow/permit.ts'
import { activeIds } from '../flow/place.ts'
import type { Vault } from '../flow/vault.ts'
import { decide } from '../policy/decide.ts'

/** What a browser's session has proved up to now. */
export interface SessionLevel {
  readonly accountId: string
  /** The level that a request which asks for none would be told; absent where no level is met. */
  readonly acr?: string
  readonly amr: readonly string[]
  /** Epoch seconds of the newest event that carries it. */
  readonly authTime: number
  /** Every level that is met now, by all its names. */
  readonly levels: readonly string[]
}

/** A Koa context is one, and so is Express's pair of request and response. */
export interface RequestPair {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/** What reading a session's level works with. */
export interface SessionLevelTools {
  readonly provider: Provider
  readonly config: Config
  readonly records: AccountRecords
  readonly vault: Vault
}

/**
 * What the session of this browser has proved; undefined where nobody is signed in, the account is gone or
 * disabled, or its login is void.
 *
 * A session exists from the password on. A page of the host's own that takes any session for a whole sign-in
 * lets in who has shown no second factor yet; it has to look for the level it needs in `levels`.
 *
 * @throws StepUpError `ERR_STORE`, `ERR_SEAL`: then nothing is known, and nobody should be let in.
 */
export const readSessionLevel = async (
  { provider, config, records, vault }: SessionLevelTools,
  { req, res }: RequestPair,
): Promise<SessionLevel | undefined> => {
  const { accountId, uid } = await provider.Session.get(provider.createContext(req, res))
  if (accountId === undefined) return undefined
  const [account, { record }, ledger] = await Promise.all([
    config.account(accountId),
    records.load(accountId),
    vault.read<LedgerRecord>(ledgerKey(accountId, uid)),
  ])
  if (account === undefined || account.disabled === true || record.disabledAt !== undefined) return undefined
  const decision = decide({
    now: config.clock(),
    cid: undefined,
    flowSeconds: config.flowSeconds,
    levels: config.levels,
    requirement: { asked: { levels: [], unknown: [], essential: false }, floors: [], prompt: 'none' },
    accountActive: true,
    evidence: standing(ledger.value?.events ?? [], {
      activeAuthenticatorIds: activeIds(config.factors, account, record),
      securityStamp: account.securityStamp,
      revokedAt: record.revokedAt,
    }),
    hasAuthenticators: record.authenticators.length > 0,
    hasStandalone: hasStandalone(config.factors, record),
    factors: config.factors.map((factor) => ({ ...factor, usable: false, enrollable: false, ...besideOthers(factor) })),
    login: PASSWORD,
    loggedInNow: false,
    declined: false,
  })
  if (decision.outcome !== 'satisfied') return undefined
  const met = new Set(decision.trace.levels.filter((level) => level.met).map(({ acr }) => acr))
  const { acr, amr, authTime } = decision
  return Object.freeze({
    accountId,
    ...(acr === undefined ? {} : { acr }),
    amr,
    authTime,
    levels: acrValues(config.levels.filter((level) => met.has(level.acr))),
  })
}
