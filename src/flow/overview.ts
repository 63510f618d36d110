import type { Account } from '../account.ts'
import type { Clock } from '../clock.ts'
import type { AnyFactor, Authenticator } from '../factors/factor.ts'
import type { AccountRecord, AccountRecords } from './account-record.ts'
import type { Browsers, ListedBrowser } from './browsers.ts'
import type { Throttle } from './throttle.ts'

/** An authenticator as an operator sees it: nothing that could be used in its place. */
export interface AuthenticatorOverview extends Omit<Authenticator, 'data'> {
  /** The masked name that screens show; empty where the factor is not configured any more. */
  readonly name: string
  /** How often it can still be used, where that is limited. */
  readonly usesLeft?: number
  /** It follows from what the host says about the account, and cannot be removed here. */
  readonly implied?: true
}

/** All that an operator may see of one account. Instants are epoch seconds. */
export interface AccountOverview {
  readonly accountId: string
  /** Enrolled ones, oldest first, then implied ones. */
  readonly authenticators: readonly AuthenticatorOverview[]
  /** Factors that look at no answer until then, after too many refusals. */
  readonly pausedFactors: readonly { readonly factor: string; readonly pausedUntilAt: number }[]
  /** Factors switched off after a hundred refusals in a row, since then; `unlock` undoes it. */
  readonly disabledFactors: readonly { readonly factor: string; readonly disabledAt: number }[]
  readonly browsers: readonly ListedBrowser[]
  /** The account passes no authorization, by the host's word or by `disable`. */
  readonly disabled: boolean
  /** When `disable` was called; absent unless that stands. */
  readonly disabledAt?: number
  /** The next enrolment needs a ticket. */
  readonly enrollment?: 'ticket'
}

/** What an overview is read from. */
export interface OverviewTools {
  readonly factors: readonly AnyFactor[]
  readonly records: Pick<AccountRecords, 'load'>
  readonly throttle: Pick<Throttle, 'pauseLeft'>
  readonly browsers: Pick<Browsers, 'list'>
  readonly clock: Clock
}

const overviewOf = (one: Authenticator, factor: AnyFactor | undefined): AuthenticatorOverview => {
  const { data: _secret, ...shown } = one
  const usesLeft = factor?.usesLeft?.(one)
  return { ...shown, name: factor?.describe(one) ?? '', ...(usesLeft === undefined ? {} : { usesLeft }) }
}

const authenticatorsOf = (factors: readonly AnyFactor[], account: Account, { authenticators }: AccountRecord) => {
  const factorOf = ({ factor }: Authenticator) => factors.find(({ id }) => id === factor)
  const implied = factors.flatMap((factor) => factor.implied?.(account) ?? [])
  return [
    ...authenticators.map((one) => overviewOf(one, factorOf(one))),
    ...implied.map((one) => ({ ...overviewOf(one, factorOf(one)), implied: true as const })),
  ]
}

const frozen = <Item extends object>(items: readonly Item[]): readonly Item[] =>
  Object.freeze(items.map((item) => Object.freeze({ ...item })))

/** Reads all that an operator may see of the account. The overview is frozen. */
export const readOverview = async (account: Account, tools: OverviewTools): Promise<AccountOverview> => {
  const { factors, records, throttle, browsers, clock } = tools
  const [{ record }, pauses] = await Promise.all([
    records.load(account.id),
    Promise.all(factors.map(async ({ id }) => ({ factor: id, left: await throttle.pauseLeft(account.id, id) }))),
  ])
  const { disabledAt, enrollment, disabledFactors, factorsVersion } = record
  const listed = await browsers.list(account.id, { factorsVersion, securityStamp: account.securityStamp })
  const paused = pauses.filter(({ left }) => left > 0)
  const off = Object.entries(disabledFactors)
  return Object.freeze<AccountOverview>({
    accountId: account.id,
    authenticators: frozen(authenticatorsOf(factors, account, record)),
    pausedFactors: frozen(paused.map(({ factor, left }) => ({ factor, pausedUntilAt: clock() + left }))),
    disabledFactors: frozen(off.map(([factor, at]) => ({ factor, disabledAt: at }))),
    browsers: frozen(listed),
    disabled: account.disabled === true || disabledAt !== undefined,
    ...(disabledAt === undefined ? {} : { disabledAt }),
    ...(enrollment === undefined ? {} : { enrollment }),
  })
}
