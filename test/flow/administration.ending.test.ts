import assert from 'node:assert/strict'
import type { AccountAdministration } from '../../src/flow/administration.ts'
import type { Store } from '../../src/store/store.ts'
import { APP, CODES, desk, furnish, storedOf } from './desk.ts'
import { hoardingStore, START } from './tools.ts'

describe('flow/administration, ending trust', () => {
  describe('reset', () => {
    for (const [said, options, more] of [
      ['leaves enrolment as it is configured', {}, {}],
      ['leaves the next enrolment to a ticket', { enrollment: 'ticket' }, { enrollment: 'ticket' }],
    ] as const)
      it(`takes everything and ${said}`, async () => {
        const at = desk()
        const [{ ticket, setup }] = await Promise.all([furnish(at), furnish(at, 'bob')])
        const bob = await storedOf(at, 'bob')
        const before = await at.recordOf()
        at.advance(1)
        await at.mfa.reset('alice', options)
        const { factorsVersion, ...record } = await at.recordOf()
        const blank = { authenticators: [], failures: {}, disabledFactors: {}, revokedAt: START + 1 }
        assert.deepEqual(record, { ...blank, ...more })
        assert.notEqual(factorsVersion, before.factorsVersion)
        assert.deepEqual(await storedOf(at), {})
        assert.equal(await at.tickets.open(ticket), undefined)
        assert.equal(await at.tickets.find(setup), undefined)
        assert.deepEqual(at.revoked, ['alice'])
        const event = { accountId: 'alice', at: START + 1 }
        assert.deepEqual(at.told, [
          { name: 'account.reset', event },
          { name: 'grants.revoked', event: { ...event, grantIds: ['grant of alice'] } },
        ])
        assert.deepEqual(await storedOf(at, 'bob'), bob)
        assert.deepEqual((await at.recordOf('bob')).authenticators, [APP, CODES])
      })

    it('enables nobody', async () => {
      const { mfa, recordOf, advance } = desk()
      await mfa.disable('alice')
      advance(1)
      await mfa.reset('alice')
      assert.equal((await recordOf()).disabledAt, START)
    })

    it('without a ticket takes back what an earlier one said', async () => {
      const { mfa, recordOf } = desk()
      await mfa.reset('alice', { enrollment: 'ticket' })
      await mfa.reset('alice')
      assert.equal((await recordOf()).enrollment, undefined)
    })
  })

  describe('disable and enable', () => {
    it('end all but what is enrolled, and give back only the right to sign in', async () => {
      const at = desk()
      const { ticket, setup } = await furnish(at)
      const before = await at.recordOf()
      await at.mfa.disable('alice')
      const disabled = await at.recordOf()
      const { factorsVersion } = disabled
      assert.notEqual(factorsVersion, before.factorsVersion)
      assert.deepEqual(disabled, { ...before, factorsVersion, disabledAt: START, revokedAt: START })
      assert.deepEqual(await storedOf(at), { throttle: 1 })
      assert.equal(await at.tickets.open(ticket), undefined)
      assert.equal(await at.tickets.find(setup), undefined)

      at.advance(5)
      await at.mfa.enable('alice')
      assert.deepEqual(await at.recordOf(), { ...before, factorsVersion, revokedAt: START })
      assert.deepEqual(at.told, [
        { name: 'account.disabled', event: { accountId: 'alice', at: START } },
        { name: 'grants.revoked', event: { accountId: 'alice', grantIds: ['grant of alice'], at: START } },
        { name: 'account.enabled', event: { accountId: 'alice', at: START + 5 } },
      ])
    })

    it('tell of a change only, and revoke tokens each time', async () => {
      const { mfa, told, recordOf, advance } = desk()
      await mfa.enable('alice')
      assert.deepEqual(told, [])
      await mfa.disable('alice')
      advance(5)
      await mfa.disable('alice')
      assert.deepEqual(
        told.map(({ name }) => name),
        ['account.disabled', 'grants.revoked', 'grants.revoked'],
      )
      const { disabledAt, revokedAt } = await recordOf()
      assert.deepEqual([disabledAt, revokedAt], [START, START + 5])
    })
  })

  describe('where the store fails on the way', () => {
    /** A store that deletes as often as it is told to, and then is lost. */
    const failing = () => {
      const real = hoardingStore()
      const state = { left: Number.POSITIVE_INFINITY }
      const remove: Store['delete'] = async (key) => {
        state.left -= 1
        if (state.left < 0) throw new Error('connection lost')
        return real.delete(key)
      }
      return { store: { ...real, delete: remove }, state }
    }
    const tickets = { ticket: 1, setup: 1, 'setup-permit': 1 }
    /** How many of her authenticators are left. */
    const AFTER: Readonly<Record<string, number>> = { remove: 1, forgetBrowsers: 2, reset: 0, disable: 2 }
    type Call = (mfa: AccountAdministration) => Promise<unknown>
    const ENDING: readonly (readonly [string, Call, Call, Readonly<Record<string, number>>])[] = [
      [
        'remove',
        ({ remove }) => remove('alice', APP.id),
        ({ forgetBrowsers }) => forgetBrowsers('alice'),
        { ...tickets, throttle: 1 },
      ],
      [
        'forgetBrowsers',
        ({ forgetBrowsers }) => forgetBrowsers('alice'),
        ({ forgetBrowsers }) => forgetBrowsers('alice'),
        { ...tickets, throttle: 1 },
      ],
      ['reset', ({ reset }) => reset('alice'), ({ reset }) => reset('alice'), {}],
      ['disable', ({ disable }) => disable('alice'), ({ disable }) => disable('alice'), { throttle: 1 }],
    ]

    for (const [operation, call, again, left] of ENDING)
      it(`${operation} has ended trust, wherever that is, and the rest ends when called again`, async () => {
        let failed = 0
        for (let deletions = 0; failed === deletions; deletions += 1) {
          const { store, state } = failing()
          const at = desk({ store })
          await furnish(at)
          const { factorsVersion } = await at.recordOf()
          state.left = deletions
          await call(at.mfa).catch(({ code }) => {
            assert.equal(code, 'ERR_STORE')
            failed += 1
          })
          const record = await at.recordOf()
          assert.notEqual(record.factorsVersion, factorsVersion)
          assert.equal(record.authenticators.length, AFTER[operation])
          assert.equal(record.disabledAt, operation === 'disable' ? START : undefined)
          state.left = Number.POSITIVE_INFINITY
          await again(at.mfa)
          assert.deepEqual(await storedOf(at), left)
        }
        assert.ok(failed > 0)
      })

    it('unlock leaves the pause rather than the count', async () => {
      const { store, state } = failing()
      const at = desk({ store })
      await furnish(at)
      state.left = 0
      await assert.rejects(at.mfa.unlock('alice'), { code: 'ERR_STORE' })
      assert.deepEqual((await at.recordOf()).failures, {})
      assert.equal(await at.throttle.pauseLeft('alice', 'totp'), 30)
      assert.deepEqual(at.told, [])
    })
  })
})
