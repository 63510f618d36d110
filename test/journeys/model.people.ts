import assert from 'node:assert/strict'
import { codeAt } from '../support/host.ts'
import type { Allowance, Authorization, Means, Shown } from './model.oracle.ts'
import { FIRST_STAMP } from './model.web.ts'

/*
 * What really is: whose app is whose, which codes were used, which browser was remembered after what, and what
 * each session has shown. Learned from what people did and what they were told, never from the store.
 */

/** An authenticator app. */
export interface App extends Means {
  readonly secret: string
  lastStep: number
}

/** A set of recovery codes. */
export interface CodeSet extends Means {
  readonly all: readonly string[]
  readonly used: Set<string>
}

type FactorId = 'totp' | 'recovery-codes'

interface Pace {
  failures: number
  nextAt: number
}

/** An account, as it really is. */
export interface User {
  readonly name: string
  stamp: string
  /** The host says that the account is disabled. */
  barred: boolean
  /** An operator has disabled it. */
  stopped: boolean
  ticketOnly: boolean
  readonly apps: App[]
  codes: CodeSet | undefined
  /** Changes with all that ends remembered browsers. */
  factors: number
  /** How often something was taken away: what an earlier proof allowed ends with it. */
  losses: number
  /** When an operator took everything back that was proved and issued until then. */
  revokedAt: number
  readonly pace: Record<FactorId, Pace>
}

/** Somebody who has nothing yet. */
export const createUser = (name: string): User => ({
  name,
  stamp: FIRST_STAMP,
  barred: false,
  stopped: false,
  ticketOnly: false,
  apps: [],
  codes: undefined,
  factors: 0,
  losses: 0,
  revokedAt: Number.NEGATIVE_INFINITY,
  pace: { totp: { failures: 0, nextAt: 0 }, 'recovery-codes': { failures: 0, nextAt: 0 } },
})

/** Whether any authorization of the account may pass. */
export const isActive = ({ barred, stopped }: User): boolean => !barred && !stopped

/** The apps that were not removed, oldest first. */
export const appsOf = ({ apps }: User): readonly App[] => apps.filter(({ gone }) => !gone)

const STEP_SECONDS = 30

/** The time step whose code this is: the present one, or the one before. */
export const stepOf = (secret: string, code: string, now: number): number | undefined =>
  [now, now - STEP_SECONDS].filter((at) => codeAt(secret, at) === code).map((at) => Math.floor(at / STEP_SECONDS))[0]

/** The app whose code this is, and that has not shown it before. */
export const appShowing = (user: User, code: string, now: number): { app: App; step: number } | undefined => {
  for (const app of appsOf(user)) {
    const step = stepOf(app.secret, code, now)
    if (step !== undefined && step > app.lastStep) return { app, step }
  }
  return undefined
}

const FREE_REFUSALS = 5

/** Every answer that was looked at and refused, whoever gave it and wherever. */
export const noteRefusal = ({ pace }: User, factor: FactorId, now: number): void => {
  const { failures, nextAt } = pace[factor]
  if (now < nextAt) return
  const count = failures + 1
  const pause = count < FREE_REFUSALS ? 0 : Math.min(30 * 2 ** (count - FREE_REFUSALS), 3600)
  pace[factor] = { failures: count, nextAt: now + pause }
}

/** An accepted answer, or an operator, sets the count back. */
export const forgetRefusals = ({ pace }: User, ...factors: readonly FactorId[]): void => {
  for (const factor of factors) pace[factor] = { failures: 0, nextAt: 0 }
}

/** Whether no answer may be looked at now. */
export const isPaused = ({ pace }: User, factor: FactorId, now: number): boolean => now < pace[factor].nextAt

const DAY = 86_400

/** A browser that was remembered after a true verification. */
export interface Remembered {
  readonly user: User
  readonly factors: number
  readonly stamp: string
  readonly until: number
  usedAt: number
  gone: boolean
  current: string
  previous: { readonly value: string; readonly at: number; spent: boolean } | undefined
  /** Every value it ever had. */
  readonly values: Set<string>
}

/** One session of one account. */
export interface Ledger {
  readonly shown: Shown[]
  note?: Remembered
}

/** What may still be relied on, by what ends all remembered browsers of an account. */
const stands = ({ user, gone, factors, stamp }: Remembered) => !gone && factors === user.factors && stamp === user.stamp

/** All browsers that were ever remembered. */
export const createMemory = () => {
  const all: Remembered[] = []
  const ownerOf = (user: User, value: string) => all.find((one) => one.user === user && one.values.has(value))

  return {
    /** A new one, which takes the place of the one whose value the browser had. */
    remember(user: User, value: string, before: string | undefined, now: number): void {
      const old = before === undefined ? undefined : ownerOf(user, before)
      if (old !== undefined) old.gone = true
      const { factors, stamp } = user
      const life = { until: now + 30 * DAY, usedAt: now, gone: false }
      all.push({ user, factors, stamp, ...life, current: value, previous: undefined, values: new Set([value]) })
    },
    /** Whether the session relies on one already. */
    holds: ({ note }: Ledger, now: number): boolean => note !== undefined && stands(note) && now < note.until,
    /** Who shows that value; an older value ends what it once belonged to. */
    recognize(user: User, value: string | undefined, now: number): Remembered | undefined {
      const one = value === undefined ? undefined : ownerOf(user, value)
      if (one === undefined || !stands(one) || now >= Math.min(one.until, one.usedAt + 14 * DAY)) return undefined
      if (value === one.current) return one
      const { previous } = one
      if (previous === undefined || previous.value !== value || now - previous.at > 60) {
        one.gone = true
        return undefined
      }
      return previous.spent ? undefined : one
    },
    /** It counts from now on; answers whether the browser has to get a new value. */
    use(one: Remembered, value: string | undefined, now: number): boolean {
      if (value === one.current) {
        one.previous = { value: one.current, at: now, spent: false }
        one.usedAt = now
        return true
      }
      assert.ok(one.previous)
      one.previous.spent = true
      return false
    },
    renew(one: Remembered, value: string): void {
      one.current = value
      one.values.add(value)
    },
    values: (): readonly string[] => all.flatMap(({ values }) => [...values]),
  }
}

/** What still counts of what was shown: its means are there, the password is the same, and nothing was taken back since. */
export const standing = ({ shown }: Ledger, { stamp, revokedAt }: User): readonly Shown[] =>
  shown.filter((one) => one.stamp === stamp && one.means?.gone !== true && one.at >= revokedAt)

const outlived = (user: User, { losses, stamp }: Allowance) =>
  losses === user.losses && stamp === user.stamp
    ? undefined
    : 'what allowed it came before a removal, a reset or a new password'

/** What a proof allows from now on, until something of the account is taken away. */
export const allowanceOf = (user: User): Allowance => ({ user, losses: user.losses, stamp: user.stamp })

/** Why this app may not be set up here; undefined where it may. */
export const enrollmentFault = (user: User, { permit }: Authorization): string | undefined => {
  if (appsOf(user).length === 0 && user.codes === undefined && !user.ticketOnly) return undefined
  if (permit === undefined || permit.user !== user) return 'nothing allowed it'
  return outlived(user, permit)
}

/** Why these codes may not be kept here; undefined where they may. */
export const keepingFault = (user: User, { mayKeep }: Authorization): string | undefined => {
  if (mayKeep === undefined || mayKeep.user !== user) return 'nothing allowed it'
  return outlived(user, mayKeep)
}
