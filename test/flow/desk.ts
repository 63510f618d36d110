import type { Account } from '../../src/account.ts'
import type { EventCatalogue, EventName } from '../../src/events.ts'
import type { AnyFactor } from '../../src/factors/factor.ts'
import { recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { totp } from '../../src/factors/totp.ts'
import { createAdministration } from '../../src/flow/administration.ts'
import { createBrowsers } from '../../src/flow/browsers.ts'
import { createTickets } from '../../src/flow/tickets.ts'
import type { Store } from '../../src/store/store.ts'
import { codeFactor } from './scene.ts'
import { createBench, enrolled, give, hoardingStore, START } from './tools.ts'

/** Stands in the data of all that alice has. */
export const KEY = 'a secret that no overview may tell'
/** Her authenticator app. */
export const APP = enrolled('totp', { data: { secret: KEY, lastStep: 0 }, lastUsedAt: START - 10 })
/** Her recovery codes: one left, one used. */
export const CODES = enrolled('recovery-codes', {
  data: { salt: KEY, slots: [{ hash: KEY }, { hash: KEY, usedAt: 1 }] },
})
const REMEMBERED = {
  proof: { factor: 'totp', kinds: ['possession'], traits: [], amr: ['otp'] },
  factorsVersion: '0',
  clientId: 'app',
} as const

const EVENTS: readonly EventName[] = [
  'account.disabled',
  'account.enabled',
  'account.reset',
  'account.unlocked',
  'authenticator.enrolled',
  'authenticator.removed',
  'browsers.forgotten',
  'grants.revoked',
  'ticket.issued',
]

/** Follows from a verified address: nothing to enroll, nothing to remove. */
export const email: AnyFactor = {
  ...codeFactor().factor,
  id: 'email',
  enroll: undefined as never,
  describe: ({ id }) => `a…@${id}`,
  implied: ({ email: address, emailVerified }: Account) =>
    address !== undefined && emailVerified === true ? [enrolled('email', { id: 'implied', data: address })] : [],
}

interface DeskOptions {
  readonly store?: ReturnType<typeof hoardingStore>
  readonly factors?: readonly AnyFactor[]
}

/** A support desk over alice, and bob whom nothing may touch. */
export const desk = ({
  store = hoardingStore(),
  factors = [totp({ issuer: 'Test' }), recoveryCodes()],
}: DeskOptions = {}) => {
  const bench = createBench({ store, factors })
  const { vault, clock, announce, events, records, throttle } = bench
  const accounts = new Map<string, Account>(['alice', 'bob'].map((id) => [id, { id, label: `${id}@example.com` }]))
  const limits = { lifeSeconds: 86_400, idleSeconds: 86_400, perAccount: 5 }
  const tickets = createTickets(bench)
  const browsers = createBrowsers({ vault, clock, announce, limits })
  const revoked: string[] = []
  const accounting = createAdministration({
    account: async (id) => accounts.get(id),
    factors,
    records,
    throttle,
    browsers,
    tickets,
    announce,
    clock,
    revokeGrants: async (id) => {
      revoked.push(id)
      return [`grant of ${id}`]
    },
    ticketUrl: (ticket) => `https://login.example.com/setup#${ticket}`,
  })
  const told: { readonly name: EventName; readonly event: EventCatalogue[EventName] }[] = []
  for (const name of EVENTS) events.on(name, (event) => void told.push({ name, event }))
  const recordOf = async (id = 'alice') => (await records.load(id)).record
  const ticketIn = (url: string) => url.replace(/^.*#/, '')
  return { ...bench, mfa: accounting, accounts, tickets, browsers, revoked, told, recordOf, ticketIn }
}

/** What {@link desk} gives. */
export type Desk = ReturnType<typeof desk>

/** Gives the account something of everything that an operator can take away. */
export const furnish = async (at: Desk, id = 'alice') => {
  await give(at, id, APP, CODES)
  await at.browsers.remember(id, REMEMBERED)
  const opened = await at.tickets.open(at.ticketIn((await at.mfa.issueTicket(id)).url))
  const { url } = await at.mfa.issueTicket(id)
  await at.records.update(id, (record) => ({
    ...record,
    failures: { totp: 7 },
    disabledFactors: { totp: START - 5 },
    declinedOffers: { 'recovery-codes': START },
    lastFactor: 'totp',
  }))
  for (let count = 0; count < 6; count += 1) await at.throttle.reserve(id, 'totp', count)
  at.told.length = 0
  return { ticket: at.ticketIn(url), setup: opened?.setup ?? '' }
}

const KINDS = ['browser', 'ticket', 'setup', 'permit', 'setup-permit', 'throttle']

/** What lies in the store of an account, by kind. */
export const storedOf = async ({ store }: { readonly store: Store }, id = 'alice') => {
  const counts = await Promise.all(KINDS.map(async (kind) => [kind, (await store.list(id, kind)).length] as const))
  return Object.fromEntries(counts.filter(([, count]) => count > 0))
}

/** The names of what was told, in its order. */
export const namesOf = ({ told }: Desk) => told.map(({ name }) => name)
