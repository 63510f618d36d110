import type { Account } from '../account.ts'
import { randomToken } from '../crypto/random.ts'
import type { Announce } from '../events.ts'
import type { AnyFactor, Authenticator } from '../factors/factor.ts'
import { type AccountRecord, type AccountRecords, withAuthenticators } from './account-record.ts'
import {
  createEntrance,
  onlyAccount,
  refuse,
  removing,
  resetting,
  ticketing,
  unlocking,
} from './administration-arguments.ts'
import type { Browsers } from './browsers.ts'
import { releaseClaims } from './claims.ts'
import { type AccountOverview, type OverviewTools, readOverview } from './overview.ts'
import { hasRoom, isRecovery, standsBeside } from './permit.ts'
import type { Throttle } from './throttle.ts'
import type { IssuedTicket, Tickets } from './tickets.ts'

/** A ticket as an address to hand to the person. */
export interface TicketLink extends Pick<IssuedTicket, 'id' | 'expiresAt'> {
  /** Secret: whoever opens it first enrolls. */
  readonly url: string
}

/**
 * What a host's support desk does for people: `mfa.accounts`. Whoever calls it has to be authorized by the host.
 *
 * Every operation throws `ERR_ACCOUNT` where the host's `account()` does not know the account, `ERR_CONFIG`
 * for arguments that are not allowed, and `ERR_STORE` or `ERR_CONTENTION` where it could not be carried out in
 * full: what ends trust is written first, and calling it again finishes it (after `remove`, `forgetBrowsers`).
 */
export interface AccountAdministration {
  /** What the account has, without any secret. */
  list(accountId: string): Promise<AccountOverview>
  /**
   * Makes a ticket with which one new authenticator is enrolled without a password. An earlier one that was not
   * opened yet ends.
   *
   * @param options - `factors`: ids that may be enrolled, recovery codes never; default all that can stand alone.
   * `ttlSeconds`: 60 to 604800; default 86400.
   * @throws StepUpError `ERR_ACCOUNT` where the account has as many of all of them as it can.
   */
  issueTicket(
    accountId: string,
    options?: { readonly factors?: readonly string[]; readonly ttlSeconds?: number },
  ): Promise<TicketLink>
  /**
   * Removes one authenticator, and with it what it has proved and all remembered browsers.
   *
   * @throws StepUpError `ERR_ACCOUNT` where the account has enrolled none of that id; implied ones are the host's.
   */
  remove(accountId: string, authenticatorId: string): Promise<void>
  /**
   * Takes everything away: authenticators, refusals, remembered browsers, tickets, grants and tokens. A
   * disabled account stays disabled.
   *
   * @param options - `enrollment`: `ticket` leaves the next enrolment to a ticket; else it is as configured,
   * whatever an earlier reset said.
   */
  reset(accountId: string, options?: { readonly enrollment?: 'ticket' }): Promise<void>
  /**
   * Replaces the account's recovery codes and answers the new ones, this once.
   *
   * @throws StepUpError `ERR_ACCOUNT` where no recovery codes are configured, or the account has no
   * authenticator beside which they could stand.
   */
  newRecoveryCodes(accountId: string): Promise<readonly string[]>
  /** Forgets all remembered browsers. */
  forgetBrowsers(accountId: string): Promise<void>
  /** Opens a factor, or all that are configured, where refusals have slowed it down or switched it off. */
  unlock(accountId: string, factor?: string): Promise<void>
  /**
   * Stops all authorizations of the account and ends its remembered browsers, tickets, grants and tokens; its
   * authenticators stay.
   */
  disable(accountId: string): Promise<void>
  /** Lets authorizations pass again. What `disable` has ended stays ended. */
  enable(accountId: string): Promise<void>
}

/** What the operations work with. */
export interface AdministrationTools extends OverviewTools {
  readonly account: (accountId: string) => Promise<Account | null | undefined>
  readonly records: Pick<AccountRecords, 'load' | 'update' | 'claim' | 'release'>
  readonly throttle: Pick<Throttle, 'clear' | 'pauseLeft'>
  readonly browsers: Pick<Browsers, 'forgetAll' | 'list'>
  readonly tickets: Pick<Tickets, 'issue' | 'revokeAll'>
  readonly announce: Announce
  /** Revokes what the account has granted to clients; answers the ids of the grants. */
  readonly revokeGrants: (accountId: string) => Promise<readonly string[]>
  /** The address at which a ticket is opened. */
  readonly ticketUrl: (ticket: string) => string
}

type Operation = keyof AccountAdministration
type Operations<Name extends Operation> = Pick<AccountAdministration, Name>

type Enter = ReturnType<typeof createEntrance>

/** Writes the record, and answers the one that was there before. */
const replaceRecord = async (
  records: AdministrationTools['records'],
  accountId: string,
  change: (record: AccountRecord) => AccountRecord,
): Promise<AccountRecord> => {
  let { record: before } = await records.load(accountId)
  await records.update(accountId, (record) => {
    before = record
    return change(record)
  })
  return before
}

/** A new version of the account's factors and nothing else: it ends the remembered browsers. */
const withoutBrowsers = (record: AccountRecord) => withAuthenticators(record, record.authenticators)

const without = <T>(entries: Readonly<Record<string, T>>, names: readonly string[]): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(entries).filter(([name]) => !names.includes(name)))

/** Waits for all of it, whatever fails; then the first failure goes on. */
const inFull = async (work: readonly Promise<unknown>[]): Promise<void> => {
  const failed = (await Promise.allSettled(work)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

const createEnrolling = (tools: AdministrationTools, enter: Enter): Operations<'issueTicket' | 'newRecoveryCodes'> => {
  const { factors, records, tickets, announce, clock, ticketUrl } = tools
  const own = factors.filter((factor) => !standsBeside(factor))
  const idsOf = (some: readonly AnyFactor[]) => some.filter(({ enroll }) => enroll !== undefined).map(({ id }) => id)
  const schema = ticketing(idsOf(factors.filter((factor) => !isRecovery(factor))), idsOf(own))
  const isOwn = ({ factor, status }: Authenticator) => status === 'active' && own.some(({ id }) => id === factor)
  const assertOwn = ({ authenticators }: AccountRecord) => {
    if (!authenticators.some(isOwn))
      refuse('newRecoveryCodes', 'authenticators', undefined, 'at least one beside the codes')
  }

  return {
    async issueTicket(id, given = {}) {
      const { accountId, options } = await enter('issueTicket', schema, { accountId: id, options: given })
      const { factors: chosen, ttlSeconds } = options
      const { record } = await records.load(accountId)
      const room = factors.filter((factor) => chosen.includes(factor.id) && hasRoom(record, factor)).map(({ id }) => id)
      if (room.length === 0)
        refuse('issueTicket', 'options.factors', chosen, 'one that the account does not have in full')
      const { ticket, ...issued } = await tickets.issue(accountId, { factors: room, ttlSeconds })
      return Object.freeze({ ...issued, url: ticketUrl(ticket) })
    },
    async newRecoveryCodes(id) {
      const { accountId } = await enter('newRecoveryCodes', onlyAccount, { accountId: id })
      const recovery = factors.find((factor) => isRecovery(factor) && factor.issue !== undefined)
      if (recovery?.issue === undefined) return refuse('newRecoveryCodes', 'factors', undefined, 'recovery codes')
      const { record: present } = await records.load(accountId)
      // Said before the codes are made, which takes its time, and again by the record that is written.
      assertOwn(present)
      const { codes, data } = await recovery.issue()
      const added = { id: randomToken(16), factor: recovery.id, status: 'active', createdAt: clock(), data } as const
      const isOld = ({ factor }: Authenticator) => factor === recovery.id
      const before = await replaceRecord(records, accountId, (record) => {
        assertOwn(record)
        // Refusals stay counted: a new set is no reason to guess anew.
        return withAuthenticators(record, [...record.authenticators.filter((one) => !isOld(one)), added])
      })
      const event = { accountId, factor: recovery.id }
      for (const { id: authenticatorId } of before.authenticators.filter(isOld))
        announce('authenticator.removed', { ...event, authenticatorId, by: 'replacement' })
      announce('authenticator.enrolled', { ...event, authenticatorId: added.id, by: 'operator' })
      return Object.freeze([...codes])
    },
  }
}

const createRemoving = (tools: AdministrationTools, enter: Enter): Operations<'remove' | 'forgetBrowsers'> => {
  const { records, browsers, announce } = tools
  return {
    async remove(id, authenticator) {
      const given = { accountId: id, authenticatorId: authenticator }
      const { accountId, authenticatorId } = await enter('remove', removing, given)
      const isIt = (one: Authenticator) => one.id === authenticatorId
      const { authenticators } = await replaceRecord(records, accountId, (record) => {
        if (!record.authenticators.some(isIt))
          refuse('remove', 'authenticatorId', authenticatorId, 'the id of an authenticator that the account enrolled')
        return withAuthenticators(
          record,
          record.authenticators.filter((one) => !isIt(one)),
        )
      })
      const gone = authenticators.filter(isIt)
      for (const { factor } of gone)
        announce('authenticator.removed', { accountId, factor, authenticatorId, by: 'operator' })
      // By now no record of a browser holds any more: what is left to do is tidying, here and below.
      await inFull([browsers.forgetAll(accountId), releaseClaims(records, accountId, gone)])
    },
    async forgetBrowsers(id) {
      const { accountId } = await enter('forgetBrowsers', onlyAccount, { accountId: id })
      await records.update(accountId, withoutBrowsers)
      announce('browsers.forgotten', { accountId })
      await browsers.forgetAll(accountId)
    },
  }
}

const createUnlock = (tools: AdministrationTools, enter: Enter): Operations<'unlock'> => {
  const { factors, records, throttle, announce } = tools
  const all = factors.map(({ id }) => id)
  const schema = unlocking(all)
  return {
    async unlock(id, only) {
      const { accountId, factor } = await enter('unlock', schema, { accountId: id, factor: only })
      const ids = factor === undefined ? all : [factor]
      // The record first: the pace is never forgotten while the count that it is renewed from still stands.
      await records.update(accountId, (record) => ({
        ...record,
        failures: without(record.failures, ids),
        disabledFactors: without(record.disabledFactors, ids),
        ...(record.unanswered === undefined ? {} : { unanswered: without(record.unanswered, ids) }),
      }))
      await inFull(ids.map((one) => throttle.clear(accountId, one)))
      announce('account.unlocked', { accountId })
    },
  }
}

const createEnding = (tools: AdministrationTools, enter: Enter): Operations<'reset' | 'disable' | 'enable'> => {
  const { factors, records, throttle, browsers, tickets, announce, clock, revokeGrants } = tools
  const endGrants = async (accountId: string) =>
    announce('grants.revoked', { accountId, grantIds: await revokeGrants(accountId) })

  return {
    async reset(id, given = {}) {
      const { accountId, options } = await enter('reset', resetting, { accountId: id, options: given })
      /*
       * Tickets before the record: one opened in between would enroll into the record that the reset leaves.
       * If the store does not answer, the record is written all the same, and the failure goes on at the end.
       */
      const ticketsEnded = tickets.revokeAll(accountId)
      await Promise.allSettled([ticketsEnded])
      const before = await replaceRecord(records, accountId, ({ disabledAt, factorsVersion }) => {
        const blank = {
          authenticators: [],
          failures: {},
          disabledFactors: {},
          factorsVersion,
          revokedAt: clock(),
        }
        const kept = disabledAt === undefined ? {} : { disabledAt }
        return withAuthenticators({ ...blank, ...kept, ...(options.enrollment && { enrollment: 'ticket' }) }, [])
      })
      announce('account.reset', { accountId })
      // From here on nothing counts any more that the account had; what follows is tidying.
      const paced = new Set([...factors.map((factor) => factor.id), ...Object.keys(before.failures)])
      await inFull([
        ticketsEnded,
        browsers.forgetAll(accountId),
        endGrants(accountId),
        releaseClaims(records, accountId, before.authenticators),
        ...[...paced].map((factor) => throttle.clear(accountId, factor)),
      ])
    },
    async disable(id) {
      const { accountId } = await enter('disable', onlyAccount, { accountId: id })
      // The record first: while it says so, no authorization, no enrolment and no token passes.
      const before = await replaceRecord(records, accountId, (record) => ({
        ...withoutBrowsers(record),
        disabledAt: record.disabledAt ?? clock(),
        revokedAt: clock(),
      }))
      if (before.disabledAt === undefined) announce('account.disabled', { accountId })
      await inFull([tickets.revokeAll(accountId), browsers.forgetAll(accountId), endGrants(accountId)])
    },
    async enable(id) {
      const { accountId } = await enter('enable', onlyAccount, { accountId: id })
      const before = await replaceRecord(records, accountId, ({ disabledAt: _ended, ...record }) => record)
      if (before.disabledAt !== undefined) announce('account.enabled', { accountId })
    },
  }
}

/** Builds the operations. @see {@link AccountAdministration} */
export const createAdministration = (tools: AdministrationTools): AccountAdministration => {
  const enter = createEntrance(tools.account)
  return Object.freeze<AccountAdministration>({
    async list(id) {
      const { account } = await enter('list', onlyAccount, { accountId: id })
      return readOverview(account, tools)
    },
    ...createEnrolling(tools, enter),
    ...createRemoving(tools, enter),
    ...createUnlock(tools, enter),
    ...createEnding(tools, enter),
  })
}
