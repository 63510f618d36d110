import type { Clock } from '../clock.ts'
import { randomToken } from '../crypto/random.ts'
import type { Sealer } from '../crypto/seal.ts'
import type { Announce } from '../events.ts'
import type { StoreKey } from '../store/store.ts'
import { type Permit, setupPermitKey } from './permit.ts'
import type { Vault } from './vault.ts'

/** What a ticket is for. */
export interface TicketOptions {
  /** The factors of which one authenticator may be enrolled. */
  readonly factors: readonly string[]
  /** How long the ticket can be opened, in seconds. */
  readonly ttlSeconds: number
}

/** A ticket that was made. */
export interface IssuedTicket {
  /** Names it in events; opens nothing. */
  readonly id: string
  /** The secret to hand over. */
  readonly ticket: string
  /** Epoch seconds. */
  readonly expiresAt: number
}

/** The setup that an opened ticket has started. */
export interface OpenedTicket {
  /** The secret that the browser keeps. */
  readonly setup: string
  readonly accountId: string
  /** Epoch seconds. */
  readonly expiresAt: number
}

/** A setup under way. */
export interface Setup {
  readonly accountId: string
  /** Its permit stands under this id. */
  readonly id: string
  /** What may be enrolled in it now, by its permit; none where that is used up. */
  readonly factors: readonly string[]
  /** Epoch seconds. */
  readonly expiresAt: number
}

/**
 * Enrolment tickets: texts that an operator hands to a person. With one, and no password, one new authenticator
 * is enrolled in one browser.
 *
 * Of texts that are no ticket or no setup, whatever is wrong with them, nothing comes but undefined. What
 * rejects is the store, with `ERR_STORE`.
 */
export interface Tickets {
  /** Makes a ticket; earlier ones of the account that were not opened yet end, so that a stray one can be taken back. */
  issue(accountId: string, options: TicketOptions): Promise<IssuedTicket>
  /**
   * Uses the ticket up and starts a setup of 1800 s, with its permit to enroll; of any number of callers one
   * gets it. Undefined where the ticket is unknown, used, revoked, expired or altered.
   *
   * @param present - The setup of the browser that asks: where this very ticket has started it, it is answered again.
   */
  open(ticket: string, present?: string): Promise<OpenedTicket | undefined>
  /** The setup under way; undefined where it is unknown, ended, expired or altered. */
  find(setup: string): Promise<Setup | undefined>
  /** Ends a setup, with its permit. */
  end(accountId: string, id: string): Promise<void>
  /** Ends all tickets and setups of the account, and every permit to enroll. */
  revokeAll(accountId: string): Promise<void>
}

/** What tickets work with. */
export interface TicketTools {
  readonly vault: Vault
  readonly sealer: Sealer
  readonly clock: Clock
  readonly announce: Announce
}

/** What a ticket's record holds; its key says the rest. */
type Allowed = Pick<Permit, 'factors'>

/** What the record of a setup holds. */
interface Started {
  readonly ticketId: string
}

/** What a sealed text names. */
type Named = Pick<StoreKey, 'accountId' | 'id'>

const SETUP_SECONDS = 1800

const ticketKey = ({ accountId, id }: Named): StoreKey => ({ kind: 'ticket', accountId, id })
const setupKey = ({ accountId, id }: Named): StoreKey => ({ kind: 'setup', accountId, id })

/** Texts that name a record: sealed by kind, so that neither kind passes for the other. */
const createTexts = (sealer: Sealer) => ({
  seal: (kind: 'ticket' | 'setup', { accountId, id }: Named) => sealer.seal(JSON.stringify({ accountId, id }), [kind]),
  open: (kind: 'ticket' | 'setup', text: string): Named | undefined => {
    try {
      return JSON.parse(sealer.open(text, [kind]))
    } catch {
      return undefined
    }
  },
})

/** The records of setups and their permits. */
const createSetups = (vault: Vault, clock: Clock) => ({
  start: async (setup: Named, ticketId: string, { factors }: Allowed) => {
    const expiresAt = clock() + SETUP_SECONDS
    const permit: Permit = { by: 'ticket', factors }
    await Promise.all([
      vault.update<Permit>(setupPermitKey(setup.accountId, setup.id), () => ({ value: permit, expiresAt })),
      vault.update<Started>(setupKey(setup), () => ({ value: { ticketId }, expiresAt })),
    ])
    return expiresAt
  },
  find: async ({ accountId, id }: Named): Promise<(Setup & Started) | undefined> => {
    const [{ value, expiresAt }, { value: permit }] = await Promise.all([
      vault.read<Started>(setupKey({ accountId, id })),
      vault.read<Permit>(setupPermitKey(accountId, id)),
    ])
    if (value === undefined || expiresAt === undefined) return undefined
    return { ...value, accountId, id, factors: permit?.factors ?? [], expiresAt }
  },
  end: async (accountId: string, id: string) => {
    // The permit is what allows anything, so it goes first.
    await vault.delete(setupPermitKey(accountId, id))
    await vault.delete(setupKey({ accountId, id }))
  },
})

/** @see {@link Tickets} */
export const createTickets = ({ vault, sealer, clock, announce }: TicketTools): Tickets => {
  const texts = createTexts(sealer)
  const setups = createSetups(vault, clock)

  const deleteAll = async (accountId: string, kind: string) => {
    const ids = await vault.list(accountId, kind)
    await Promise.all(ids.map((id) => vault.delete({ kind, accountId, id })))
  }

  const start = async (ticket: Named): Promise<OpenedTicket | undefined> => {
    const { value: allowed } = await vault.read<Allowed>(ticketKey(ticket))
    if (allowed === undefined) return undefined
    const { accountId } = ticket
    const setup = { accountId, id: randomToken(32) }
    /*
     * The setup is left before the ticket is taken, and nobody knows its id until then. So whoever revokes
     * tickets first and setups after that either makes this one lose or finds what it left.
     */
    const expiresAt = await setups.start(setup, ticket.id, allowed)
    if ((await vault.take<Allowed>(ticketKey(ticket))) === undefined) {
      await setups.end(accountId, setup.id)
      return undefined
    }
    announce('ticket.opened', { accountId, ticketId: ticket.id })
    return { setup: texts.seal('setup', setup), accountId, expiresAt }
  }

  /** The form was sent twice, or the link opened again: its own browser goes on where it is. */
  const again = async (ticket: Named, setup: string): Promise<OpenedTicket | undefined> => {
    const named = texts.open('setup', setup)
    const started = named && (await setups.find(named))
    return started?.ticketId === ticket.id
      ? { setup, accountId: started.accountId, expiresAt: started.expiresAt }
      : undefined
  }

  return Object.freeze<Tickets>({
    async issue(accountId, { factors, ttlSeconds }) {
      await deleteAll(accountId, 'ticket')
      const id = randomToken(16)
      const expiresAt = clock() + ttlSeconds
      await vault.update<Allowed>(ticketKey({ accountId, id }), () => ({ value: { factors }, expiresAt }))
      announce('ticket.issued', { accountId, ticketId: id, expiresAt })
      return { id, ticket: texts.seal('ticket', { accountId, id }), expiresAt }
    },
    async open(ticket, present = '') {
      const named = texts.open('ticket', ticket)
      return named && ((await start(named)) ?? again(named, present))
    },
    async find(setup) {
      const named = texts.open('setup', setup)
      const found = named && (await setups.find(named))
      if (found === undefined) return undefined
      const { ticketId: _ticket, ...known } = found
      return known
    },
    end: setups.end,
    async revokeAll(accountId) {
      // In this order, or a ticket opened at the same time would leave a setup that stays.
      await deleteAll(accountId, 'ticket')
      await Promise.all([deleteAll(accountId, 'permit'), deleteAll(accountId, 'setup-permit')])
      await deleteAll(accountId, 'setup')
    },
  })
}
