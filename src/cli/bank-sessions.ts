import type { Context } from 'koa'
import { randomToken } from '../crypto/random.ts'
import type { SignInClaims } from './bank-words.ts'

/** Somebody who signed in to Bank. */
export interface SignedIn {
  readonly sub: string
  readonly name: string
  readonly claims: SignInClaims & Readonly<Record<string, unknown>>
  /** What Bank may see, by the token response; RFC 6749 section 5.1. */
  readonly scopes: readonly string[]
  /** The ID token as it came, for signing out. */
  readonly idToken: string
}

/** A trip to the sign-in service that has not come back yet. */
export interface Trip {
  /** What it is for: the path of a page. */
  readonly purpose: string
  readonly codeVerifier: string
  readonly nonce: string
}

/** How a confirmation by phone ended, or that it has not yet. */
export type PhoneState = 'waiting' | 'approved' | 'denied' | 'expired' | 'failed'

/** Somebody's phone that Bank has asked for a number. */
export interface PhoneRequest {
  /** Whose phone. */
  readonly sub: string
  readonly number: string
  /** Epoch seconds: it can be answered until then. */
  readonly expiresAt: number
  readonly state: PhoneState
  /** What the sign-in service says of an approval. */
  readonly claims?: SignedIn['claims']
}

/** What Bank keeps of one browser. */
export interface BankSession {
  /** In every form; a form of another site does not know it. */
  readonly csrf: string
  /** By `state`; one for each tab. */
  readonly trips: Map<string, Trip>
  /** By the name in the address of its page. */
  readonly phones: Map<string, PhoneRequest>
  readonly signedIn?: SignedIn
}

/** Bank's sessions, found by a cookie. */
export interface BankSessions {
  of(ctx: Context): BankSession | undefined
  /** The browser's session, or a new one. */
  ensure(ctx: Context): BankSession
  /**
   * Signs the session in, under a new cookie: whoever knew the old one is out. It comes with a new token as
   * well, unless the same person was signed in before: then forms in other tabs go on working.
   */
  signIn(ctx: Context, session: BankSession, signedIn: SignedIn): BankSession
  end(ctx: Context): void
}

const COOKIE = 'bank'
const MAX_SESSIONS = 10_000
const MAX_TRIPS = 10

const note = <Kept>(kept: Map<string, Kept>, name: string, one: Kept) => {
  kept.set(name, one)
  const [oldest] = kept.keys()
  if (kept.size > MAX_TRIPS && oldest !== undefined) kept.delete(oldest)
}

/** Notes a trip; the oldest of too many is forgotten. */
export const addTrip = ({ trips }: BankSession, state: string, trip: Trip) => note(trips, state, trip)

/** Notes that a phone was asked; the oldest of too many is forgotten. */
export const addPhone = ({ phones }: BankSession, name: string, request: PhoneRequest) => note(phones, name, request)

/** Sessions in this process's memory. */
export const createBankSessions = (): BankSessions => {
  const sessions = new Map<string, BankSession>()
  const find = (ctx: Context) => sessions.get(ctx.cookies.get(COOKIE) ?? '')
  const forget = (ctx: Context) => sessions.delete(ctx.cookies.get(COOKIE) ?? '')
  const remember = (ctx: Context, session: BankSession) => {
    const id = randomToken(32)
    sessions.set(id, session)
    const [oldest] = sessions.keys()
    if (sessions.size > MAX_SESSIONS && oldest !== undefined) sessions.delete(oldest)
    ctx.cookies.set(COOKIE, id, { httpOnly: true, sameSite: 'lax', overwrite: true })
  }
  return Object.freeze({
    of: find,
    ensure(ctx: Context) {
      const known = find(ctx)
      if (known) return known
      const session: BankSession = { csrf: randomToken(16), trips: new Map(), phones: new Map() }
      remember(ctx, session)
      return session
    },
    signIn(ctx: Context, session: BankSession, signedIn: SignedIn) {
      forget(ctx)
      const csrf = session.signedIn?.sub === signedIn.sub ? session.csrf : randomToken(16)
      const rotated: BankSession = { ...session, csrf, signedIn }
      remember(ctx, rotated)
      return rotated
    },
    end(ctx: Context) {
      forget(ctx)
      ctx.cookies.set(COOKIE, null, { httpOnly: true, sameSite: 'lax' })
    },
  })
}
