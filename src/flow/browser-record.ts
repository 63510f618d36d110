import type { Proof } from '../assurance/evidence.ts'
import { digest } from '../crypto/digest.ts'
import { equalSecret } from '../crypto/equal.ts'
import { randomToken } from '../crypto/random.ts'
import type { StoreKey } from '../store/store.ts'
import type { Slot } from './vault.ts'

/** The verification after which a browser was remembered. */
export interface RememberedProof extends Proof {
  readonly factor: string
}

/** What a session's ledger keeps of a remembered browser that lifted a floor in it. */
export interface BrowserNote {
  /** The browser's record. */
  readonly id: string
  readonly factorsVersion: string
  readonly securityStamp?: string
  readonly proof: RememberedProof
  /** Epoch seconds: the end of the browser's fixed life. */
  readonly until: number
}

/** What an account's remembered browsers stand on: they all end when either changes. */
export interface BrowserStanding {
  readonly factorsVersion: string
  readonly securityStamp: string | undefined
}

/** A remembered browser as stored: digests only, so that reading the record gives nobody a cookie. */
export interface BrowserRecord extends Omit<BrowserNote, 'id'> {
  /** The digest of what all values of this browser's cookie share. */
  readonly family: string
  /** The digest of the secret that is in the browser's cookie. */
  readonly current: string
  /** The secret before it: `spent` once it was honored a second time. */
  readonly previous?: { readonly digest: string; readonly rotatedAt: number; readonly spent: boolean }
  readonly createdAt: number
  readonly usedAt: number
  readonly label?: string
  /** It is being revoked: no value of it is worth anything, and whoever comes next finishes. */
  readonly revoked?: true
}

/** What goes into the browser's cookie, `<id>.<family>.<secret>`, and when it is to end, in epoch seconds. */
export interface BrowserCookie {
  readonly value: string
  readonly until: number
}

/** What a cookie's value consists of. The secret itself is not in it. */
export interface BrowserValue {
  readonly id: string
  /** The same in all values of one browser. It recognizes nobody: it tells a copy from a guess. */
  readonly family: string
  /** The digest of the secret. */
  readonly digest: string
}

/** A cookie's value as it came, with what stands under it. */
export interface PresentedBrowser extends Omit<BrowserValue, 'id'> {
  readonly key: StoreKey
  /** When it came, in epoch seconds: the grace is judged by this, however long the request takes. */
  readonly at: number
  readonly slot: Slot<BrowserRecord>
}

/** What a browser is remembered with; only after a verification, never after a recovery code or an enrolment. */
export interface Remembering extends Pick<BrowserNote, 'proof' | 'factorsVersion' | 'securityStamp'> {
  /** What its owner will know it by. */
  readonly label?: string
  readonly clientId: string
  /** How long at most, where that is shorter than browsers are remembered by configuration. */
  readonly lifeSeconds?: number
}

/** What may follow: a new value, or only the record with its grace spent. */
export interface Recognition {
  readonly record: BrowserRecord
  readonly renews: boolean
}

/** How long after a rotation the previous value is still honored: for tabs that were under way with it. */
const GRACE_SECONDS = 60
/** 16, 16 and 32 random bytes in base64url. */
const SHAPE = /^([\w-]{22})\.([\w-]{22})\.([\w-]{43})$/

/** Takes a cookie's value apart; undefined where it has another shape. */
export const parseBrowser = (value: string): BrowserValue | undefined => {
  const [, id, family, secret] = SHAPE.exec(value) ?? []
  return id === undefined || family === undefined || secret === undefined
    ? undefined
    : { id, family, digest: digest(secret) }
}

const cookieOf = (id: string, family: string, secret: string, until: number): BrowserCookie => ({
  value: `${id}.${family}.${secret}`,
  until,
})

/** A browser remembered at `now`, in epoch seconds, with the first value of its cookie. */
export const newBrowser = (
  { clientId: _announced, lifeSeconds: _counted, ...given }: Remembering,
  now: number,
  lifeSeconds: number,
): { readonly id: string; readonly record: BrowserRecord; readonly cookie: BrowserCookie } => {
  const [id, family, secret, until] = [randomToken(16), randomToken(16), randomToken(), now + lifeSeconds]
  const digests = { family: digest(family), current: digest(secret) }
  return {
    id,
    record: { ...given, ...digests, createdAt: now, usedAt: now, until },
    cookie: cookieOf(id, family, secret, until),
  }
}

/** Whether a browser that was remembered on this still counts on that. */
export const standsOn = (
  one: Pick<BrowserNote, 'factorsVersion' | 'securityStamp'>,
  standing: BrowserStanding,
): boolean => one.factorsVersion === standing.factorsVersion && one.securityStamp === standing.securityStamp

/**
 * Whether the note in a session's ledger still counts, without asking for the browser again: the account's factors
 * and security stamp are as they were, and the browser's fixed life is not over. `now` in epoch seconds.
 */
export const noteHolds = (note: BrowserNote, standing: BrowserStanding, now: number): boolean =>
  standsOn(note, standing) && now < note.until

/** Whether the value once was this browser's cookie, or is. */
export const isOfFamily = ({ family, slot }: PresentedBrowser): boolean =>
  slot.value !== undefined && equalSecret(digest(family), slot.value.family)

/**
 * What a value is worth: `reused` where it once was this browser's cookie and no longer may be, so that two hold
 * what one should; undefined where it is worth nothing.
 */
export const judge = (presented: PresentedBrowser, standing: BrowserStanding): Recognition | 'reused' | undefined => {
  const { slot, digest: given, at } = presented
  const record = slot.value
  // An id is no secret: were a guess taken for a reuse, whoever has seen an id could end the browser.
  if (record === undefined || !standsOn(record, standing) || !isOfFamily(presented)) return undefined
  if (record.revoked) return 'reused'
  if (equalSecret(given, record.current)) return { record, renews: true }
  const { previous } = record
  if (previous === undefined || !equalSecret(given, previous.digest)) return 'reused'
  if (at - previous.rotatedAt > GRACE_SECONDS) return 'reused'
  // Within the grace a third tab is likelier than a thief, so it is only asked again.
  if (previous.spent) return undefined
  return { record: { ...record, previous: { ...previous, spent: true } }, renews: false }
}

/** What a session may keep of the browser. */
export const noteOf = (id: string, { factorsVersion, securityStamp, proof, until }: BrowserRecord): BrowserNote => ({
  id,
  factorsVersion,
  ...(securityStamp === undefined ? {} : { securityStamp }),
  proof,
  until,
})

/** What is to be written for one use at `now`, in epoch seconds, and the cookie that goes with it. */
export const successor = (
  { record, renews }: Recognition,
  { key, family }: Pick<PresentedBrowser, 'key' | 'family'>,
  now: number,
): { readonly record: BrowserRecord; readonly cookie?: BrowserCookie } => {
  if (!renews) return { record }
  const secret = randomToken()
  const previous = { digest: record.current, rotatedAt: now, spent: false }
  const next: BrowserRecord = { ...record, current: digest(secret), previous, usedAt: now }
  return { record: next, cookie: cookieOf(key.id, family, secret, record.until) }
}
