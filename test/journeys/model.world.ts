import assert from 'node:assert/strict'
import type { VirtualClock } from '../../src/testing/virtual-clock.ts'
import type { Browser, Page } from '../support/browser.ts'
import type { Authorization, Shown } from './model.oracle.ts'
import { createMemory, createUser, type Ledger, type User } from './model.people.ts'
import { type Issued, startModelHost } from './model.web.ts'

/** A page in a tab, with the request that it belongs to. */
export interface Opened {
  readonly authorization: Authorization
  readonly page: Page
}

/** One tab of a browser. */
export interface Tab {
  now?: Opened | undefined
  /** Pages before it, the last one first. */
  past: Opened[]
  /** Where an answer leads that was not followed. */
  held?: { readonly authorization: Authorization; readonly url: URL } | undefined
}

/** A browser with its tabs. */
export interface Seated {
  readonly browser: Browser
  tabs: Tab[]
}

/** A refresh token, with what was said when it was issued. */
interface Kept extends Issued {
  readonly user: User
  readonly client: Authorization['asks']['client']
  readonly since: number
}

/** What an enrolment page shows. */
interface Offered {
  readonly secret?: string
  readonly codes?: readonly string[]
}

/** One interaction: whom it asks, in which session, and for what; nobody yet where it asks who it is. */
interface Asking {
  readonly authorization: Authorization
  readonly user?: User
  readonly ledger?: Ledger
}

/** How often what happened, over all histories: a model that sees nothing proves nothing. */
export type Tally = Map<string, number>

const BROWSERS = 3
const TABS = 2

const createSeats = (browser: () => Browser) =>
  Array.from(
    { length: BROWSERS },
    (): Seated => ({ browser: browser(), tabs: Array.from({ length: TABS }, () => ({ past: [] })) }),
  )

/** What is known of interactions and of codes, by whoever saw all pages and all answers. */
const createKnowledge = () => ({
  interactions: new Map<string, Asking>(),
  /** Proofs that wait for their interaction to be resumed. */
  waiting: new Map<string, { readonly user: User; readonly shown: Shown }[]>(),
  /** Interactions that got their answer; of those, which were cancelled. */
  finished: new Set<string>(),
  cancelled: new Set<string>(),
  /** The newest secret or set of codes that the pages of an interaction have shown. */
  shownAt: new Map<string, Offered>(),
  /** Whose remembered browser a cookie of that name is. */
  cookieOwners: new Map<string, User>(),
  /** What was typed, shown or set and belongs into no event. */
  secrets: new Set<string>(),
  /** Codes that were accepted, oldest first. */
  accepted: [] as string[],
  tokens: [] as Kept[],
})

/** A world in which nothing has happened yet. */
export const createWorld = async (clock: VirtualClock, tally: Tally) => {
  const { host, names, told } = await startModelHost()
  const users = names.map(createUser)
  const knowledge = createKnowledge()
  const ledgers = new Map<string, Ledger>()
  return {
    ...knowledge,
    host,
    users,
    told,
    clock,
    memory: createMemory(),
    seats: createSeats(host.browser),
    /** The tab that was used last. */
    last: { browser: 0, tab: 0 },
    count: (what: string): void => void tally.set(what, (tally.get(what) ?? 0) + 1),
    userOf(name: string): User {
      const user = users.find((one) => one.name === name)
      assert.ok(user, `nobody is called ${name}`)
      return user
    },
    ledgerOf(user: User, sessionUid: string): Ledger {
      const key = `${user.name} ${sessionUid}`
      const ledger = ledgers.get(key) ?? { shown: [] }
      ledgers.set(key, ledger)
      return ledger
    },
    noteShown(uid: string, offered: Offered): void {
      knowledge.shownAt.set(uid, offered)
      for (const secret of [offered.secret, ...(offered.codes ?? [])])
        if (secret !== undefined) knowledge.secrets.add(secret)
    },
    /** A new set takes the place of the one before. */
    giveCodes(user: User, codes: readonly string[]): void {
      if (user.codes !== undefined) {
        user.codes.gone = true
        user.losses += 1
      }
      user.codes = { all: codes, used: new Set(), gone: false }
      user.factors += 1
      for (const code of codes) knowledge.secrets.add(code)
    },
  }
}

/** Everything that one history is about. */
export type World = Awaited<ReturnType<typeof createWorld>>
