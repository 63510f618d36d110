import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Evidence } from '../../src/assurance/evidence.ts'
import { carriage, kindsOf } from '../../src/assurance/levels.ts'
import { standard } from '../../src/assurance/presets.ts'
import { appendEvents, hasDeclined, type LedgerRecord, ledgerKey, pruned, withEvents } from '../../src/flow/ledger.ts'
import { did, EARLIER, type Method, NOW, OWN, PROOFS, signedIn } from '../policy/makers.ts'
import { type Bench, createBench, race } from './tools.ts'

const KEY = ledgerKey('alice', 'session')
const LIFE = 86_400

const append = async ({ vault, clock }: Bench, added: readonly Evidence[], base: readonly Evidence[] = []) =>
  appendEvents(vault, clock, KEY, await vault.read<LedgerRecord>(KEY), { added, base, lifeSeconds: LIFE })

const decline = async ({ vault, clock }: Bench, declinedCid: string) => {
  const slot = await vault.read<LedgerRecord>(KEY)
  return appendEvents(vault, clock, KEY, slot, { added: [], base: [], declinedCid, lifeSeconds: LIFE })
}

const declined = async ({ vault }: Bench, ...cids: readonly string[]) => {
  const { value } = await vault.read<LedgerRecord>(KEY)
  return cids.filter((cid) => hasDeclined(value, cid))
}

const stored = async ({ vault }: Bench) => (await vault.read<LedgerRecord>(KEY)).value?.events

/** Ledgers as they come about: sorted by time, some of it recent, much of it more than once. */
const ledgers = fc
  .array(
    fc.record({
      method: fc.constantFrom(...(Object.keys(PROOFS) as Method[])),
      age: fc.oneof(fc.nat(3600), fc.nat(100_000)),
      login: fc.boolean(),
      id: fc.constantFrom(undefined, 'one', 'two'),
      cid: fc.constantFrom(OWN, EARLIER),
      securityStamp: fc.constantFrom(undefined, 'stamp'),
    }),
    { maxLength: 12 },
  )
  .map((rows) =>
    rows
      .map(({ method, age, login, id, cid, securityStamp }): Evidence => {
        const stamp = securityStamp === undefined ? {} : { securityStamp }
        if (login) return signedIn(age, { cid, ...stamp }, method)
        return did(method, age, { cid, ...stamp, ...(id === undefined ? {} : { authenticatorId: id }) })
      })
      .sort((one, other) => one.at - other.at),
  )

describe('flow/ledger', () => {
  describe('pruning', () => {
    it('keeps of what is old only the newest of each sort', () => {
      const events = [signedIn(9000), did('totp', 8000), signedIn(7000), did('totp', 5000), signedIn(4000)]
      assert.deepEqual(pruned(events, NOW), [events[3], events[4]])
    })

    it('keeps all of the last hour, its first second included', () => {
      const events = [signedIn(3601), signedIn(3600), signedIn(3600), signedIn(0)]
      assert.deepEqual(pruned(events, NOW), events.slice(1))
    })

    const sorts: Readonly<Record<string, Partial<Evidence>>> = {
      'by another authenticator': { authenticatorId: 'other' },
      'of other kinds': { kinds: ['possession', 'inherence'] },
      'with other traits': { traits: [] },
      'under another stamp': { securityStamp: 'other' },
      'by another factor': { factor: 'other' },
    }
    for (const [name, other] of Object.entries(sorts))
      it(`takes an event ${name} for another sort`, () => {
        const events = [did('totp', 9000, { authenticatorId: 'one' }), did('totp', 5000, other)]
        assert.deepEqual(pruned(events, NOW), events)
      })

    it('changes no level that is met, nor how fresh or by what kinds', () => {
      const told = (events: readonly Evidence[], cid: string | undefined, maxAgeSeconds: number | undefined) =>
        standard.map((level) => {
          const met = carriage(level, events, { now: NOW, cid, flowSeconds: 600, maxAgeSeconds })
          return met && { authTime: met.authTime, kinds: [...kindsOf(met.counted)].sort() }
        })
      const asked = fc.tuple(ledgers, fc.constantFrom(undefined, OWN), fc.option(fc.nat(100_000), { nil: undefined }))
      fc.assert(
        fc.property(asked, ([events, cid, maxAge]) => {
          const stamped = (stamp?: string) => events.filter(({ securityStamp }) => securityStamp === stamp)
          for (const of of [events, stamped(), stamped('stamp')])
            assert.deepEqual(told(pruned(of, NOW), cid, maxAge), told(of, cid, maxAge))
        }),
        { numRuns: 500 },
      )
    })

    it('keeps what stands where an authenticator or a stamp is void', () => {
      const standingBy = (events: readonly Evidence[]) => (id: string | undefined, stamp: string | undefined) =>
        events
          .filter((event) => event.authenticatorId === id && event.securityStamp === stamp)
          .map(({ kinds, traits, at }) => JSON.stringify([kinds, traits, at]))
          .at(-1)
      fc.assert(
        fc.property(ledgers, (events) => {
          const [before, after] = [standingBy(events), standingBy(pruned(events, NOW))]
          for (const id of [undefined, 'one', 'two'])
            for (const stamp of [undefined, 'stamp']) assert.equal(after(id, stamp), before(id, stamp))
        }),
      )
    })
  })

  describe('adding', () => {
    it('puts events in their places by time', () => {
      const [first, second, third] = [signedIn(30), did('totp', 20), did('sms', 10)]
      assert.deepEqual(withEvents([first, third], [second]), [first, second, third])
    })

    it('adds none that is there already', () => {
      const events = [signedIn(30), did('totp', 20)]
      assert.deepEqual(withEvents(events, [signedIn(30)]), events)
      assert.equal(withEvents(events, [did('totp', 20, { cid: OWN })]).length, 3)
      assert.equal(withEvents(events, [did('totp', 19)]).length, 3)
    })
  })

  describe('the stored ledger', () => {
    it('begins with what it is based on, and is based on it once only', async () => {
      const bench = createBench()
      assert.deepEqual(await append(bench, [did('totp', 5)], [signedIn(50)]), [signedIn(50), did('totp', 5)])
      assert.deepEqual(await append(bench, [did('sms', 1)], [signedIn(40)]), await stored(bench))
      assert.deepEqual(await stored(bench), [signedIn(50), did('totp', 5), did('sms', 1)])
    })

    it('lives from its last write', async () => {
      const bench = createBench()
      await append(bench, [signedIn(0)])
      bench.advance(LIFE - 1)
      await append(bench, [])
      bench.advance(LIFE - 1)
      assert.deepEqual(await stored(bench), [signedIn(0)])
      bench.advance(1)
      assert.equal(await stored(bench), undefined)
    })

    it('is the same when the same is added again, by one or by five at once', async () => {
      const bench = createBench()
      const added = [signedIn(50), did('totp', 5)]
      await append(bench, added)
      for (const told of await race(5, () => append(bench, added))) assert.deepEqual(told, added)
      assert.deepEqual(await stored(bench), added)
    })

    it('is pruned as it is written', async () => {
      const bench = createBench()
      await append(bench, [signedIn(9000), signedIn(8000)])
      assert.deepEqual(await stored(bench), [signedIn(8000)])
    })

    it('loses nothing of what twenty tabs add at once, and tells each that its own is in', async () => {
      const bench = createBench()
      const told = await race(20, (index) => append(bench, [did('totp', index, { cid: `tab-${index}` })]))
      for (const [index, events] of told.entries()) assert.ok(events.some(({ cid }) => cid === `tab-${index}`))
      const tabs = (await stored(bench))?.map(({ cid }) => cid) ?? []
      assert.deepEqual(tabs.sort(), told.map((_, index) => `tab-${index}`).sort())
    })

    it('is based on the same where another tab was first', async () => {
      const bench = createBench()
      const base = [signedIn(50)]
      const told = await race(2, (index) => append(bench, [did('totp', index)], base))
      assert.equal(told[0]?.length, 2)
      assert.deepEqual(await stored(bench), [signedIn(50), did('totp', 1), did('totp', 0)])
    })

    it('remembers for an hour, and for its own authorization only, that the user went on without', async () => {
      const bench = createBench()
      assert.deepEqual(await declined(bench, OWN), [])
      await append(bench, [signedIn(0)])
      assert.deepEqual(await declined(bench, OWN), [])
      assert.deepEqual(await decline(bench, OWN), [signedIn(0)])
      assert.deepEqual(await declined(bench, OWN, EARLIER), [OWN])
      bench.advance(3600)
      await append(bench, [])
      assert.deepEqual(await declined(bench, OWN), [OWN])
      bench.advance(1)
      await append(bench, [])
      assert.deepEqual(await declined(bench, OWN), [])
    })

    it('loses neither a choice nor an event of two tabs at once', async () => {
      const bench = createBench()
      await Promise.all([decline(bench, OWN), append(bench, [signedIn(0)]), decline(bench, EARLIER)])
      assert.deepEqual(await declined(bench, OWN, EARLIER), [OWN, EARLIER])
      assert.deepEqual(await stored(bench), [signedIn(0)])
    })

    it('AC-75: is no ledger of another session or account', async () => {
      const bench = createBench()
      await append(bench, [signedIn(0)])
      for (const key of [ledgerKey('alice', 'other'), ledgerKey('bob', 'session')]) {
        const text = await bench.store.get(KEY)
        await bench.store.put(key, text?.value ?? '', { expectedVersion: null, ttlSeconds: 60 })
        assert.equal((await bench.vault.read(key)).broken, true)
      }
    })
  })
})
