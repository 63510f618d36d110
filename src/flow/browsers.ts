import type { Clock } from '../clock.ts'
import type { Announce } from '../events.ts'
import type { StoreKey } from '../store/store.ts'
import {
  type BrowserCookie,
  type BrowserNote,
  type BrowserRecord,
  type BrowserStanding,
  isOfFamily,
  judge,
  newBrowser,
  noteOf,
  type PresentedBrowser,
  parseBrowser,
  type Recognition,
  type Remembering,
  standsOn,
  successor,
} from './browser-record.ts'
import { dropBrowser, ledgerKey } from './ledger.ts'
import type { Slot, Vault } from './vault.ts'

/** How long browsers are remembered, and how many. */
export interface BrowserLimits {
  /** From the moment it was remembered; no use extends it. */
  readonly lifeSeconds: number
  /** From the last use. */
  readonly idleSeconds: number
  readonly perAccount: number
}

/** A browser that may lift a floor; {@link Browsers.use} has the last word. */
export interface RecognizedBrowser extends PresentedBrowser {
  readonly note: BrowserNote
  readonly standing: BrowserStanding
}

/** A remembered browser as its owner sees it; all instants are epoch seconds. */
export interface ListedBrowser extends Pick<BrowserRecord, 'createdAt' | 'usedAt' | 'until' | 'label'> {
  readonly id: string
}

/**
 * Remembered browsers: revocable records that may lift a policy floor and are never evidence. Of two who hold
 * the same cookie, only one goes on after the grace, and none once the other has come back.
 *
 * Where the store fails all reject with `ERR_STORE`; nobody is recognized then.
 */
export interface Browsers {
  /**
   * Remembers this browser; of more than `perAccount`, those used least recently are forgotten.
   *
   * @param replaced - The value of the account's cookie in this browser, if any. Its record is forgotten, so that
   * every copy of that cookie ends; a value that should not have been there any more is announced as
   * `browser.reused`.
   */
  remember(accountId: string, given: Remembering, replaced?: string): Promise<BrowserCookie>
  /** Reads the one record that a cookie's value names. Undefined, without reading, for a value of another shape. */
  read(accountId: string, value: string | undefined): Promise<PresentedBrowser | undefined>
  /**
   * Judges what was read, without reading or writing. Only where an older value came back, or the previous one too
   * late, does it write: it revokes the browser, with the notes of all sessions, and announces `browser.reused`.
   */
  recognize(presented: PresentedBrowser | undefined, standing: BrowserStanding): Promise<RecognizedBrowser | undefined>
  /**
   * Makes a use count: rotates the value, or spends the one grace of the previous value, which gives no new
   * cookie. Undefined where it no longer holds, by another's use or a revocation.
   */
  use(
    recognized: RecognizedBrowser,
    clientId: string,
  ): Promise<{ readonly note: BrowserNote; readonly cookie?: BrowserCookie } | undefined>
  /** Whether the browser is still remembered, by its record as it is now. */
  stands(accountId: string, id: string): Promise<boolean>
  /** Revokes one browser: its record, and its note in every session of the account. */
  forget(accountId: string, id: string): Promise<void>
  /** Deletes all records. Their notes end with the new `factorsVersion` that the caller has to write. */
  forgetAll(accountId: string): Promise<void>
  /** The account's browsers that would be recognized on this standing, the one used last first. */
  list(accountId: string, standing: BrowserStanding): Promise<readonly ListedBrowser[]>
}

/*
 * A value can lose to the grace of the one before it, then to another use of itself, then to its own grace: after
 * the third loss it is worth nothing.
 */
const MAX_ATTEMPTS = 3

const keyOf = (accountId: string, id: string): StoreKey => ({ kind: 'browser', accountId, id })

interface StoredBrowser {
  readonly id: string
  readonly record: BrowserRecord
}

/** The id settles what was used in the same second, so that all who trim at once keep the same ones. */
const newestUseFirst = ({ id, record }: StoredBrowser, other: StoredBrowser) =>
  other.record.usedAt - record.usedAt || other.record.createdAt - record.createdAt || (id < other.id ? -1 : 1)

const listed = ({ id, record: { createdAt, usedAt, until, label } }: StoredBrowser): ListedBrowser => ({
  id,
  createdAt,
  usedAt,
  until,
  ...(label === undefined ? {} : { label }),
})

const readBrowsers = async (vault: Vault, accountId: string): Promise<readonly StoredBrowser[]> => {
  const ids = await vault.list(accountId, 'browser')
  const found = await Promise.all(
    ids.map(async (id) => {
      const { value: record } = await vault.read<BrowserRecord>(keyOf(accountId, id))
      return record === undefined ? [] : [{ id, record }]
    }),
  )
  return found.flat().sort(newestUseFirst)
}

/** What {@link createBrowsers} works with. */
export interface BrowserParts {
  readonly vault: Vault
  readonly clock: Clock
  readonly announce: Announce
  readonly limits: BrowserLimits
}

const createRevoking = ({ vault, announce }: BrowserParts) => {
  const removeNotes = async ({ accountId, id }: StoreKey) => {
    const sessions = await vault.list(accountId, 'ledger')
    await Promise.all(sessions.map((uid) => dropBrowser(vault, ledgerKey(accountId, uid), id)))
  }
  // The record comes first in both: from then on no use succeeds, so none can ask for a new note.
  return {
    async forget(key: StoreKey): Promise<void> {
      await vault.delete(key)
      await removeNotes(key)
    },
    /**
     * Marked, not deleted: of many that find a reuse at once one announces it, and where the store fails before the
     * notes are gone, the next one who comes finishes.
     */
    async revoke(key: StoreKey): Promise<void> {
      let isNew = false
      await vault.update<BrowserRecord>(key, ({ value, expiresAt }) => {
        isNew = value !== undefined && value.revoked === undefined
        return isNew && value !== undefined && expiresAt !== undefined
          ? { value: { ...value, revoked: true }, expiresAt }
          : undefined
      })
      if (isNew) announce('browser.reused', { accountId: key.accountId, browserId: key.id })
      await removeNotes(key)
      await vault.delete(key)
    },
  }
}

type Revoking = ReturnType<typeof createRevoking>

const writeBrowser = (
  { vault, limits }: BrowserParts,
  key: StoreKey,
  slot: Pick<Slot<BrowserRecord>, 'version'>,
  record: BrowserRecord,
) => vault.write(key, slot, record, Math.min(record.until, record.usedAt + limits.idleSeconds))

const createUse = (parts: BrowserParts, { revoke }: Revoking): Pick<Browsers, 'recognize' | 'use'> => {
  const { vault, clock, announce } = parts

  const judged = async (presented: PresentedBrowser, standing: BrowserStanding): Promise<Recognition | undefined> => {
    const recognition = judge(presented, standing)
    if (recognition !== 'reused') return recognition
    await revoke(presented.key)
    return undefined
  }

  return {
    async recognize(presented, standing) {
      const recognition = presented && (await judged(presented, standing))
      return recognition && { ...presented, note: noteOf(presented.key.id, recognition.record), standing }
    },
    async use({ note, standing, ...first }, clientId) {
      const { key } = first
      let presented: PresentedBrowser = first
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const recognition = await judged(presented, standing)
        if (recognition === undefined) return undefined
        const { record, ...renewal } = successor(recognition, presented, clock())
        if (await writeBrowser(parts, key, presented.slot, record)) {
          announce('browser.recognized', { accountId: key.accountId, browserId: key.id, clientId })
          return { note, ...renewal }
        }
        presented = { ...presented, slot: await vault.read(key) }
      }
      return undefined
    },
  }
}

/** Keeps remembered browsers, sealed, in the vault. @see {@link Browsers} */
export const createBrowsers = (parts: BrowserParts): Browsers => {
  const { vault, clock, announce, limits } = parts
  const revoking = createRevoking(parts)

  const read: Browsers['read'] = async (accountId, value = '') => {
    const parsed = parseBrowser(value)
    if (parsed === undefined) return undefined
    const { id, ...given } = parsed
    const key = keyOf(accountId, id)
    return { ...given, key, at: clock(), slot: await vault.read<BrowserRecord>(key) }
  }

  const forgetReplaced = async (accountId: string, given: Remembering, value: string | undefined) => {
    const { factorsVersion, securityStamp } = given
    const presented = await read(accountId, value)
    if (presented === undefined || !isOfFamily(presented)) return
    const isReused = judge(presented, { factorsVersion, securityStamp }) === 'reused'
    await (isReused ? revoking.revoke(presented.key) : revoking.forget(presented.key))
  }

  return Object.freeze<Browsers>({
    async remember(accountId, given, replaced) {
      // Before the new one is there, which else might push another browser out.
      await forgetReplaced(accountId, given, replaced)
      const { id, record, cookie } = newBrowser(
        given,
        clock(),
        Math.min(limits.lifeSeconds, given.lifeSeconds ?? Infinity),
      )
      await writeBrowser(parts, keyOf(accountId, id), { version: null }, record)
      announce('browser.remembered', {
        accountId,
        browserId: id,
        clientId: given.clientId,
        expiresAt: cookie.until,
      })
      const beyond = (await readBrowsers(vault, accountId)).slice(limits.perAccount)
      await Promise.all(beyond.map((browser) => revoking.forget(keyOf(accountId, browser.id))))
      return cookie
    },
    read,
    ...createUse(parts, revoking),
    async stands(accountId, id) {
      const { value } = await vault.read<BrowserRecord>(keyOf(accountId, id))
      return value !== undefined && value.revoked === undefined
    },
    forget: (accountId, id) => revoking.forget(keyOf(accountId, id)),
    async forgetAll(accountId) {
      const ids = await vault.list(accountId, 'browser')
      await Promise.all(ids.map((id) => vault.delete(keyOf(accountId, id))))
    },
    async list(accountId, standing) {
      const stored = await readBrowsers(vault, accountId)
      return stored.filter(({ record }) => record.revoked === undefined && standsOn(record, standing)).map(listed)
    },
  })
}
