import { randomToken } from '../crypto/random.ts'
import type { Sealer } from '../crypto/seal.ts'
import { StepUpError } from '../errors.ts'
import type { AnyFactor, Authenticator, Change } from '../factors/factor.ts'
import type { AccountEntry, Accounts } from '../store/accounts.ts'
import { FORMAT, fromStore } from './vault.ts'

/** All that is kept of one account for good. */
export interface AccountRecord {
  readonly authenticators: readonly Authenticator[]
  /** Refused answers in a row, by factor id; the count that NIST SP 800-63B-4 ("Rate Limiting") caps at 100. */
  readonly failures: Readonly<Record<string, number>>
  /** Factors switched off for this account after too many refusals, with the epoch second. */
  readonly disabledFactors: Readonly<Record<string, number>>
  /** Changes with every enrolment, removal and reset. */
  readonly factorsVersion: string
  /** The factor that was used last, to be offered first. */
  readonly lastFactor?: string
  /** When an offer to enroll was last turned down, by factor id; epoch seconds. */
  readonly declinedOffers?: Readonly<Record<string, number>>
  /** Challenges in a row that nobody has answered rightly, by factor id; kept for factors that limit them. */
  readonly unanswered?: Readonly<Record<string, number>>
  /** Set by a reset that leaves enrolment to tickets, until one was used. */
  readonly enrollment?: 'ticket'
  /** Set while the account is disabled by `mfa.accounts`; epoch seconds. */
  readonly disabledAt?: number
  /** Tokens issued up to this epoch second are dead, and what was proved before it is void. */
  readonly revokedAt?: number
}

/** A record with the version that a write of it has to expect. */
export interface LoadedRecord {
  readonly record: AccountRecord
  readonly version: number | null
}

/** Account records as the flow uses them: sealed and bound to their account at rest. */
export interface AccountRecords {
  /**
   * An account that has none yet gets an empty one.
   *
   * @throws StepUpError `ERR_SEAL` where the record was altered or belongs to another account: what is not
   * ours is never taken for "no authenticators"; `ERR_STORE` where the store did not answer, or a later release wrote
   * the record.
   */
  load(accountId: string): Promise<LoadedRecord>
  /** Writes if nobody wrote since it was loaded; answers whether it did. */
  save(accountId: string, loaded: LoadedRecord, record: AccountRecord): Promise<boolean>
  /** Gives a globally unique key to the account; false where another has it. */
  claim(key: string, accountId: string): Promise<boolean>
  /** The account that has it. */
  owner(key: string): Promise<string | undefined>
  /** Gives it up; nobody's key stays so. */
  release(key: string): Promise<void>
  /**
   * Loads, computes and saves until no other writer came between; answers what was saved.
   *
   * @throws StepUpError `ERR_CONTENTION` after 50 lost races; whatever `change` throws, with nothing written.
   */
  update(accountId: string, change: (record: AccountRecord) => AccountRecord): Promise<AccountRecord>
}

const MAX_RACES = 50
const KIND = 'account'

const empty: AccountRecord = { authenticators: [], failures: {}, disabledFactors: {}, factorsVersion: '0' }

/** What a later release wrote must not be misread, and not be written over: the account waits for that release. */
const parse = (text: string): AccountRecord => {
  const { format, ...record }: AccountRecord & { readonly format: number } = JSON.parse(text)
  if (format === FORMAT) return record
  throw new StepUpError('ERR_STORE', 'an account record was written by another release of this package')
}

/** Wraps the host's durable records. @see {@link AccountRecords} */
export const createAccountRecords = (accounts: Accounts, sealer: Sealer): AccountRecords => {
  const aad = (accountId: string) => [KIND, accountId]
  /** Puts a record under the first key at the first occasion; until then it stays readable as it is. */
  const reseal = async (accountId: string, text: string, entry: AccountEntry): Promise<LoadedRecord> => {
    const asItIs = { record: parse(text), version: entry.version }
    try {
      await accounts.save(accountId, sealer.seal(text, aad(accountId)), entry.version)
      const { record = '', version = null } = (await accounts.load(accountId)) ?? {}
      return { record: parse(sealer.open(record, aad(accountId))), version }
    } catch {
      return asItIs
    }
  }
  const records: AccountRecords = {
    async load(accountId) {
      const entry = await fromStore(accounts.load(accountId))
      if (entry === undefined) return { record: empty, version: null }
      const text = sealer.open(entry.record, aad(accountId))
      if (!sealer.isCurrent(entry.record)) return reseal(accountId, text, entry)
      return { record: parse(text), version: entry.version }
    },
    save: (accountId, { version }, record) =>
      fromStore(
        accounts.save(accountId, sealer.seal(JSON.stringify({ format: FORMAT, ...record }), aad(accountId)), version),
      ),
    claim: (key, accountId) => fromStore(accounts.claim(key, accountId)),
    owner: (key) => fromStore(accounts.owner(key)),
    release: (key) => fromStore(accounts.release(key)),
    async update(accountId, change) {
      for (let race = 0; race < MAX_RACES; race += 1) {
        const loaded = await records.load(accountId)
        const changed = change(loaded.record)
        if (await records.save(accountId, loaded, changed)) return changed
      }
      throw new StepUpError('ERR_CONTENTION', 'lost too many races for one account record')
    },
  }
  return Object.freeze(records)
}

/** The account's authenticators that can be used now, oldest first; none of a factor that is switched off. */
export const usableAuthenticators = (record: AccountRecord, factor?: string): readonly Authenticator[] =>
  record.authenticators.filter(
    (authenticator) =>
      authenticator.status === 'active' &&
      (factor === undefined || authenticator.factor === factor) &&
      record.disabledFactors[authenticator.factor] === undefined,
  )

/** The id of the authenticator that an acceptance added or used, with the record that follows from it. */
export interface Applied {
  readonly record: AccountRecord
  readonly authenticatorId: string | undefined
}

/** The record with other authenticators: a new version of its factors, which ends remembered browsers. */
export const withAuthenticators = (record: AccountRecord, authenticators: readonly Authenticator[]): AccountRecord => ({
  ...record,
  authenticators,
  factorsVersion: randomToken(8),
})

const created = (
  factor: string,
  { add: data, nickname, claim }: Extract<Change<unknown>, { add: unknown }>,
  now: number,
): Authenticator => ({
  id: randomToken(16),
  factor,
  status: 'active',
  createdAt: now,
  lastUsedAt: now,
  ...(nickname === undefined ? {} : { nickname }),
  ...(claim === undefined ? {} : { claim }),
  data,
})

const without = <T>(entries: Readonly<Record<string, T>>, key: string): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(entries).filter(([name]) => name !== key))

const withoutTicket = ({ enrollment: _byTicket, ...record }: AccountRecord): AccountRecord => record

/** What the record becomes when a ceremony of this factor is accepted. */
export const applyAcceptance = (
  record: AccountRecord,
  factor: string,
  accepted: { readonly authenticatorId?: string | undefined; readonly change?: Change<unknown> | undefined },
  now: number,
): Applied => {
  const { change } = accepted
  const { unanswered: _answered, ...before } = record
  const used = { ...before, failures: without(record.failures, factor), lastFactor: factor }
  if (change !== undefined && !('update' in change)) {
    const replacing = 'replace' in change
    const added = created(factor, replacing ? { add: change.replace } : change, now)
    const kept = replacing ? used.authenticators.filter((one) => one.factor !== factor) : used.authenticators
    return { record: withAuthenticators(withoutTicket(used), [...kept, added]), authenticatorId: added.id }
  }
  const id = accepted.authenticatorId
  const authenticators = used.authenticators.map((authenticator) => {
    if (authenticator.factor !== factor || authenticator.id !== id) return authenticator
    const data = change?.update.authenticatorId === id ? change?.update.data : authenticator.data
    return { ...authenticator, lastUsedAt: now, data }
  })
  return { record: { ...used, authenticators }, authenticatorId: id }
}

/** How many refusals in a row switch a factor off for the account (NIST SP 800-63B-4, "Rate Limiting"). */
const MAX_CONSECUTIVE_FAILURES = 100

/** Takes an authenticator out of use, with all that was proved by it, and ends remembered browsers. */
export const withSuspect = (record: AccountRecord, suspectId: string): AccountRecord =>
  withAuthenticators(
    record,
    record.authenticators.map((one) => (one.id === suspectId ? { ...one, status: 'suspect' } : one)),
  )

/** What the record becomes when an answer to this factor is refused. */
export const applyRefusal = (
  before: AccountRecord,
  factor: string,
  now: number,
  suspectId?: string | undefined,
): AccountRecord => {
  const record = suspectId === undefined ? before : withSuspect(before, suspectId)
  const count = (record.failures[factor] ?? 0) + 1
  return {
    ...record,
    failures: { ...record.failures, [factor]: count },
    disabledFactors:
      count >= MAX_CONSECUTIVE_FAILURES ? { ...record.disabledFactors, [factor]: now } : record.disabledFactors,
  }
}

/** One more challenge of the factor that waits for an answer. */
export const withUnanswered = (record: AccountRecord, factor: string, more = 1): AccountRecord => ({
  ...record,
  unanswered: { ...record.unanswered, [factor]: (record.unanswered?.[factor] ?? 0) + more },
})

/** Drops dead addresses of authenticators; those that could not be reached before are left as they are. */
export const dropAddresses = async (
  records: Pick<AccountRecords, 'update'>,
  { id, withoutAddress }: Pick<AnyFactor, 'id' | 'withoutAddress'>,
  accountId: string,
  authenticatorIds: readonly string[],
): Promise<void> => {
  if (withoutAddress === undefined) return
  const drop = (one: Authenticator) =>
    one.factor === id && authenticatorIds.includes(one.id) ? { ...one, data: withoutAddress(one) } : one
  await records.update(accountId, (record) => ({ ...record, authenticators: record.authenticators.map(drop) }))
}
