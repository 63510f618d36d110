import type Provider from 'oidc-provider'
import type { Account } from '../account.ts'
import type { AccountRecords } from '../flow/account-record.ts'
import type { Vault } from '../flow/vault.ts'

/** All that stands on a grant, by the names of oidc-provider's models; not every version has each. */
const ON_GRANTS = [
  'AccessToken',
  'RefreshToken',
  'AuthorizationCode',
  'DeviceCode',
  'BackchannelAuthenticationRequest',
  'PreAuthorizedCode',
] as const

const grantsOf = async (provider: Provider, accountId: string, sessionUid: string): Promise<readonly string[]> => {
  const session = await provider.Session.findByUid(sessionUid)
  // A uid alone says little: what counts is whose session it is now.
  if (session?.accountId !== accountId) return []
  return Object.values(session.authorizations ?? {}).flatMap(({ grantId }) => grantId ?? [])
}

const revoke = async (provider: Provider, grantId: string) => {
  // First the grant, which is looked up at every use of what stands on it; the rest is tidying.
  await (await provider.Grant.find(grantId))?.destroy()
  const models: Partial<Pick<Provider, (typeof ON_GRANTS)[number]>> = provider
  await Promise.all(ON_GRANTS.map((name) => models[name]?.revokeByGrantId(grantId)))
}

/**
 * Revokes the grants that the account's sessions have given to clients, with all codes and tokens that stand
 * on them; answers their ids.
 *
 * oidc-provider has no index of grants by account: they are found through the sessions that have a ledger. A
 * session that is gone is passed over; what outlives it, a {@link TokenGuard} judges.
 *
 * @throws what the provider's adapter throws, after all other grants were revoked; calling it again goes on.
 */
export const revokeGrants = async (
  provider: Provider,
  vault: Pick<Vault, 'list'>,
  accountId: string,
): Promise<readonly string[]> => {
  const uids = await vault.list(accountId, 'ledger')
  const grantIds = [...new Set((await Promise.all(uids.map((uid) => grantsOf(provider, accountId, uid)))).flat())]
  const failed = (await Promise.allSettled(grantIds.map((grantId) => revoke(provider, grantId)))).find(
    ({ status }) => status === 'rejected',
  )
  if (failed?.status === 'rejected') throw failed.reason
  return grantIds
}

/** What oidc-provider's codes and tokens carry of themselves; times in epoch seconds. */
export interface TokenFacts {
  readonly iat?: number | undefined
  /** When the first of a chain of rotated refresh tokens was issued. */
  readonly iiat?: number | undefined
  readonly kind?: string | undefined
  readonly expiresWithSession?: boolean | undefined
}

/**
 * Whether a code or token of the account no longer counts: it was issued when the account's tokens were
 * revoked or before, or the account is gone or disabled, by the host or by `mfa.accounts`. One that does not
 * tell its time counts as old.
 *
 * @throws StepUpError `ERR_STORE`, `ERR_SEAL`, which must never be taken for no.
 */
export type TokenGuard = (accountId: string, token: TokenFacts) => Promise<boolean>

/** What a guard asks. */
export interface TokenGuardTools {
  readonly account: (accountId: string) => Promise<Account | undefined>
  readonly records: Pick<AccountRecords, 'load'>
}

/** A code that ends with its session lives as long as {@link revokeGrants} finds its grant; it needs no record read. */
const endsWithSession = ({ kind, expiresWithSession }: TokenFacts) =>
  kind === 'AuthorizationCode' && expiresWithSession === true

/** @see {@link TokenGuard} */
export const createTokenGuard =
  ({ account, records }: TokenGuardTools): TokenGuard =>
  async (accountId, token) => {
    const { iat = 0, iiat = iat } = token
    const [host, loaded] = await Promise.all([
      account(accountId),
      endsWithSession(token) ? undefined : records.load(accountId),
    ])
    if (host === undefined || host.disabled === true) return true
    if (loaded === undefined) return false
    const { record } = loaded
    if (record.disabledAt !== undefined) return true
    // Both in the same second: which came first cannot be told.
    return record.revokedAt !== undefined && record.revokedAt >= iiat
  }
