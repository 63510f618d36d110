import assert from 'node:assert/strict'
import fc from 'fast-check'
import { createSealer } from '../../src/crypto/seal.ts'
import type { EventName } from '../../src/events.ts'
import { type Permit, setupPermitKey, signInPermitKey } from '../../src/flow/permit.ts'
import { createTickets } from '../../src/flow/tickets.ts'
import type { Store } from '../../src/store/store.ts'
import { createBench, hoardingStore, newKey, race, START } from './tools.ts'

const FOR_TOTP = { factors: ['totp'], ttlSeconds: 3600 }

/** Tickets on a bench of their own, with all that they announce. */
const scene = (store = hoardingStore()) => {
  const bench = createBench({ store })
  const told: object[] = []
  for (const name of ['ticket.issued', 'ticket.opened'] satisfies EventName[])
    bench.events.on(name, (event) => void told.push({ name, ...event }))
  const tickets = createTickets(bench)
  const permitOf = async (id: string) => (await bench.vault.read<Permit>(setupPermitKey('alice', id))).value
  const openNew = async () => {
    const opened = await tickets.open((await tickets.issue('alice', FOR_TOTP)).ticket)
    assert.ok(opened)
    const setup = await tickets.find(opened.setup)
    assert.ok(setup)
    return { ...opened, ...setup }
  }
  return { ...bench, told, tickets, permitOf, openNew }
}

/** How many records of alice's are left, by kind. */
const leftIn = async ({ store }: { readonly store: Store }) =>
  Promise.all(['ticket', 'setup', 'setup-permit'].map(async (kind) => (await store.list('alice', kind)).length))

/** The text with one character replaced by another of its alphabet. */
const alteredAt = (text: string, index: number) =>
  `${text.slice(0, index)}${text[index] === 'A' ? 'B' : 'A'}${text.slice(index + 1)}`

describe('flow/tickets', () => {
  it('starts one setup of half an hour, with its permit, and tells of both steps without the secret', async () => {
    const { tickets, advance, permitOf, told, clock } = scene()
    const issued = await tickets.issue('alice', FOR_TOTP)
    assert.equal(issued.expiresAt, START + 3600)
    advance(3599)

    const opened = await tickets.open(issued.ticket)
    assert.ok(opened)
    assert.deepEqual([opened.accountId, opened.expiresAt], ['alice', clock() + 1800])
    const setup = await tickets.find(opened.setup)
    assert.ok(setup)
    const { id, ...rest } = setup
    assert.deepEqual(rest, { accountId: 'alice', factors: ['totp'], expiresAt: clock() + 1800 })
    assert.deepEqual(await permitOf(id), { by: 'ticket', factors: ['totp'] })

    assert.deepEqual(told, [
      { name: 'ticket.issued', accountId: 'alice', ticketId: issued.id, expiresAt: START + 3600, at: START },
      { name: 'ticket.opened', accountId: 'alice', ticketId: issued.id, at: clock() },
    ])
    assert.ok(!JSON.stringify(told).includes(id))
  })

  it('opens a ticket once', async () => {
    const { tickets } = scene()
    const { ticket } = await tickets.issue('alice', FOR_TOTP)
    assert.ok(await tickets.open(ticket))
    assert.equal(await tickets.open(ticket), undefined)
  })

  it('of fifty who open one ticket at once lets one have it, and leaves nothing of the others', async () => {
    const all = scene()
    const { ticket } = await all.tickets.issue('alice', FOR_TOTP)
    const opened = (await race(50, () => all.tickets.open(ticket))).filter((one) => one !== undefined)
    assert.equal(opened.length, 1)
    assert.deepEqual(await leftIn(all), [0, 1, 1])
    assert.equal(all.told.length, 2)
    assert.ok(await all.tickets.find(opened[0]?.setup ?? ''))
  })

  it('ends tickets and setups at the second they are said to end, whatever the store still holds', async () => {
    const { tickets, advance, openNew, permitOf } = scene()
    const { ticket } = await tickets.issue('alice', FOR_TOTP)
    const { setup, id } = await openNew()
    advance(1799)
    assert.ok(await tickets.find(setup))
    advance(1)
    assert.equal(await tickets.find(setup), undefined)
    assert.equal(await permitOf(id), undefined)
    advance(1800)
    assert.equal(await tickets.open(ticket), undefined)
  })

  it('takes no text of another kind, another key or another account', async () => {
    const { tickets, sealer, openNew } = scene()
    const { setup, id: setupId } = await openNew()
    const { ticket, id } = await tickets.issue('alice', FOR_TOTP)
    const foreign = createSealer([newKey()])
    const named = (accountId: string, one: string) => JSON.stringify({ accountId, id: one })
    const noTickets = [setup, sealer.seal(named('bob', id), ['ticket']), foreign.seal(named('alice', id), ['ticket'])]
    const noSetups = [
      ticket,
      sealer.seal(named('bob', setupId), ['setup']),
      foreign.seal(named('alice', setupId), ['setup']),
    ]
    for (const text of noTickets) assert.equal(await tickets.open(text), undefined)
    for (const text of noSetups) assert.equal(await tickets.find(text), undefined)
    assert.ok(await tickets.open(ticket))
  })

  it('answers undefined to any text, and to any alteration of a ticket or a setup', async () => {
    const { tickets, openNew } = scene()
    const { setup } = await openNew()
    const { ticket } = await tickets.issue('alice', FOR_TOTP)
    const altered = (text: string) => fc.nat(text.length - 1).map((index) => alteredAt(text, index))
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      altered(ticket),
      altered(setup),
      fc.constant(undefined as never),
    )
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        assert.equal(await tickets.open(text), undefined)
        assert.equal(await tickets.find(text), undefined)
      }),
      { numRuns: 300 },
    )
    assert.ok(await tickets.open(ticket))
    assert.ok(await tickets.find(setup))
  })

  it('says what the permit of a setup allows at that moment, and nothing once it is used', async () => {
    const { tickets, vault, openNew } = scene()
    const { setup, id } = await openNew()
    const key = setupPermitKey('alice', id)
    assert.ok(await vault.take(key))
    assert.deepEqual((await tickets.find(setup))?.factors, [])
    const next: Permit = { by: 'ticket', factors: ['recovery-codes'] }
    await vault.write(key, { version: null }, next, START + 3600)
    assert.deepEqual((await tickets.find(setup))?.factors, ['recovery-codes'])
  })

  it('ends an earlier ticket that was not opened, and no setup, by a newer one', async () => {
    const { tickets, openNew } = scene()
    const { setup } = await openNew()
    const stray = await tickets.issue('alice', FOR_TOTP)
    const { ticket } = await tickets.issue('alice', FOR_TOTP)
    assert.equal(await tickets.open(stray.ticket), undefined)
    assert.ok(await tickets.find(setup))
    assert.ok(await tickets.open(ticket))
  })

  it('answers the setup again to the browser that has it, and to no other', async () => {
    const { tickets } = scene()
    const { ticket } = await tickets.issue('alice', FOR_TOTP)
    const opened = await tickets.open(ticket)
    assert.deepEqual(await tickets.open(ticket, opened?.setup), opened)
    const later = await tickets.issue('alice', FOR_TOTP)
    const other = await tickets.open(later.ticket)
    assert.equal(await tickets.open(ticket, other?.setup), undefined)
    assert.equal(await tickets.open(ticket, 'no setup'), undefined)
    assert.equal(await tickets.open(ticket), undefined)
  })

  it('ends one setup with its permit, and no other', async () => {
    const { tickets, openNew, permitOf } = scene()
    const [first, second] = [await openNew(), await openNew()]
    await tickets.end('alice', first.id)
    assert.equal(await tickets.find(first.setup), undefined)
    assert.equal(await permitOf(first.id), undefined)
    assert.ok(await tickets.find(second.setup))
    assert.ok(await permitOf(second.id))
  })

  it('revokes all of one account, permits of its sign-ins as well, and nothing of another', async () => {
    const all = scene()
    const { tickets, vault, openNew } = all
    const { ticket } = await tickets.issue('alice', FOR_TOTP)
    const { ticket: bobs } = await tickets.issue('bob', FOR_TOTP)
    const { setup } = await openNew()
    await vault.write(
      signInPermitKey('alice', 'session', 'cid'),
      { version: null },
      { by: 'recovery-code', factors: [] },
      START + 60,
    )

    await tickets.revokeAll('alice')
    assert.deepEqual(await leftIn(all), [0, 0, 0])
    assert.equal(await tickets.open(ticket), undefined)
    assert.equal(await tickets.find(setup), undefined)
    assert.ok(await tickets.open(bobs))
  })

  it('leaves no setup behind where tickets are revoked while one is opened, in whatever order they come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const real = hoardingStore()
        const get = scheduler.scheduleFunction(real.get)
        const put = scheduler.scheduleFunction(real.put)
        const take = scheduler.scheduleFunction(real.take)
        const remove = scheduler.scheduleFunction(real.delete)
        const list = scheduler.scheduleFunction(real.list)
        const all = scene({ ...real, get, put, take, delete: remove, list })
        const { ticket } = await scheduler.waitFor(all.tickets.issue('alice', FOR_TOTP))
        await scheduler.waitFor(Promise.all([all.tickets.open(ticket), all.tickets.revokeAll('alice')]))
        assert.deepEqual(await leftIn({ store: real }), [0, 0, 0])
      }),
      { numRuns: 200 },
    )
  })

  it('throws only for the store', async () => {
    const cause = new Error('connection lost')
    const down = async () => Promise.reject(cause)
    const { tickets, sealer } = scene({ ...hoardingStore(), get: down, put: down, list: down })
    const text = (kind: string) => sealer.seal(JSON.stringify({ accountId: 'alice', id: 'x' }), [kind])
    const error = { name: 'StepUpError', code: 'ERR_STORE', cause }
    assert.equal(await tickets.open('no ticket'), undefined)
    await assert.rejects(tickets.open(text('ticket')), error)
    await assert.rejects(tickets.find(text('setup')), error)
    await assert.rejects(tickets.issue('alice', FOR_TOTP), error)
    await assert.rejects(tickets.revokeAll('alice'), error)
  })
})
