import assert from 'node:assert/strict'
import type { AnyFactor, Authenticator } from '../../src/factors/factor.ts'
import type { AccountRecord } from '../../src/flow/account-record.ts'
import { createCeremonies } from '../../src/flow/ceremony.ts'
import { dueFactors, hasRoom, type Permit, strengthOf } from '../../src/flow/permit.ts'
import { PROOFS } from '../policy/makers.ts'
import { codeFactor } from './scene.ts'
import { createBench, enrolled, give, placeOf, START, wordOf } from './tools.ts'

const DAY = 86_400
const MONTH = 30 * DAY

const factorOf = (id: keyof typeof PROOFS, more: Partial<AnyFactor> = {}): AnyFactor => ({
  ...codeFactor().factor,
  id,
  ...PROOFS[id],
  ...more,
})
const email = factorOf('email', { standsAlone: false })
const codes = factorOf('recovery', { usesLeft: ({ data }) => (data as { left: number }).left })
const ALL = [factorOf('passkey'), factorOf('key'), factorOf('totp'), factorOf('sms'), email, codes]

const record = (authenticators: readonly Authenticator[], more: Partial<AccountRecord> = {}): AccountRecord => ({
  authenticators,
  failures: {},
  disabledFactors: {},
  factorsVersion: '0',
  ...more,
})

const left = (count: number) => enrolled('recovery', { data: { left: count } })
const [totp, sms, passkey, mail] = [enrolled('totp'), enrolled('sms'), enrolled('passkey'), enrolled('email')]

const BETTER_THAN_APP = ['passkey', 'key']
const ANYTHING = ['passkey', 'key', 'totp', 'sms']

describe('flow/permit: what is due', () => {
  const rows: readonly (readonly [
    what: string,
    record: AccountRecord,
    due: readonly string[],
    reason?: 'running-out' | 'better',
  ])[] = [
    ['who has an app, and codes enough, something better', record([totp, left(3)]), BETTER_THAN_APP],
    ['who has only messages, an app as well', record([sms, left(3)]), ['passkey', 'key', 'totp']],
    ['who has nothing, anything that can stand alone', record([]), ANYTHING],
    ['who has the best, nothing', record([passkey, left(3)]), []],
    ['who has it beside others, nothing', record([sms, passkey, totp, left(10)]), []],
    ['who has but an address, anything', record([mail]), ANYTHING],
    ['who has an app and few codes, codes first', record([totp, left(2)]), ['recovery'], 'running-out'],
    ['who has an app and no codes, codes first', record([totp]), ['recovery'], 'running-out'],
    [
      'who turned codes down, something better',
      record([totp], { declinedOffers: { recovery: START } }),
      BETTER_THAN_APP,
    ],
    ['not what is switched off', record([totp, left(3)], { disabledFactors: { passkey: 1 } }), ['key']],
    [
      'not what there is no room for',
      record([totp, left(3), ...Array.from({ length: 10 }, () => enrolled('passkey', { status: 'suspect' }))]),
      [],
    ],
    [
      'not where it was offered lately',
      record([totp, left(3)], { declinedOffers: { passkey: START - MONTH + 1 } }),
      [],
    ],
    [
      'again where that is long ago',
      record([totp, left(3)], { declinedOffers: { passkey: START - MONTH } }),
      BETTER_THAN_APP,
    ],
    // At most one offer in that time, also of something that came later or was not offered in that browser.
    ['nothing else either within the month', record([totp, left(3)], { declinedOffers: { key: START - 5 } }), []],
    [
      'codes that were turned down are no such offer',
      record([left(9), totp], { declinedOffers: { recovery: START } }),
      BETTER_THAN_APP,
    ],
  ]
  for (const [what, its, due, reason = 'better'] of rows)
    it(`offers ${what}`, () => {
      assert.deepEqual(dueFactors(ALL, its, START, MONTH), { factors: due, reason })
    })

  it('offers nothing better where the host wants no offers, and codes all the same', () => {
    for (const its of [record([]), record([sms, left(9)])])
      assert.deepEqual(dueFactors(ALL, its, START, undefined).factors, [])
    assert.deepEqual(dueFactors(ALL, record([totp]), START, undefined).factors, ['recovery'])
  })

  it('offers as often as the host wants', () => {
    const its = record([totp, left(9)], { declinedOffers: { passkey: START - 100, key: START - 100 } })
    assert.deepEqual(dueFactors(ALL, its, START, 101).factors, [])
    assert.deepEqual(dueFactors(ALL, its, START, 100).factors, BETTER_THAN_APP)
  })

  it('knows what is stronger: passkeys, keys, apps, messages, addresses, codes', () => {
    const order = (['passkey', 'key', 'totp', 'sms', 'email', 'recovery'] as const).map((id) => strengthOf(PROOFS[id]))
    assert.deepEqual(
      order,
      [...order].sort((one, other) => other - one),
    )
    assert.equal(new Set(order).size, order.length)
  })

  it('AC-93: has room for ten of a factor, or as many as it says, whatever their state; codes replace', () => {
    const many = (count: number) =>
      record(Array.from({ length: count }, () => enrolled('totp', { status: 'disabled' })))
    const app = factorOf('totp')
    assert.deepEqual([hasRoom(many(9), app), hasRoom(many(10), app)], [true, false])
    const two = { ...app, perAccount: 2 }
    assert.deepEqual(
      [hasRoom(many(1), two), hasRoom(many(2), two), hasRoom(many(2), factorOf('key'))],
      [true, false, true],
    )
    const sets = record(Array.from({ length: 12 }, () => left(0)))
    assert.equal(hasRoom(sets, codes), true)
  })

  describe('what it takes to be enrolled', () => {
    /** Alice, with what she has, and one page that asks for the code of what she has and one that offers. */
    const stand = async (has: readonly Authenticator[], isOffered = true) => {
      const offers = isOffered ? { everySeconds: MONTH } : undefined
      const plain = codeFactor().factor
      const { sender: _none, ...quiet } = { ...plain, ...PROOFS.totp, id: 'totp' }
      const better = { ...quiet, ...PROOFS.passkey, id: 'passkey' }
      const factors = [better, quiet, email]
      const plainBench = createBench({ factors })
      const bench = { ...plainBench, ceremonies: createCeremonies({ ...plainBench, factors, offers }) }
      await give(bench, 'alice', ...has)
      const page = placeOf(quiet, 'challenge')
      const offer = placeOf(better, 'enroll', { id: 'offer' })
      const showing = async () => wordOf(await bench.ceremonies.show(offer))
      const answering = async (at: typeof page) => {
        await bench.ceremonies.show(at)
        const outcome = await bench.ceremonies.answer(at, { code: 'secret-1' })
        if (outcome.outcome === 'accepted') await outcome.left
        return wordOf(outcome)
      }
      const permit = async () => (await bench.vault.read<Permit>(offer.permitKey)).value
      return { ...bench, page, offer, showing, answering, permit, email: placeOf(email, 'challenge') }
    }

    it('AC-30: a verification in this sign-in earns what is due, once; without it there is no page', async () => {
      const { showing, answering, page, offer, permit, ceremonies } = await stand([totp])
      assert.equal(await showing(), 'gone')
      assert.equal(wordOf(await ceremonies.answer(offer, { code: 'x' })), 'gone')
      assert.equal(await answering(page), 'accepted')
      assert.deepEqual((await permit())?.factors, ['passkey'])
      assert.notEqual(await showing(), 'gone')
    })

    it('AC-30: no permit without offers, for an address, or for what was offered lately', async () => {
      const off = await stand([totp], false)
      assert.deepEqual([await off.answering(off.page), await off.permit()], ['accepted', undefined])
      const lately = await stand([totp])
      await lately.records.update('alice', (its) => ({ ...its, declinedOffers: { passkey: START } }))
      assert.deepEqual([await lately.answering(lately.page), await lately.permit()], ['accepted', undefined])
      const mailed = await stand([totp, mail])
      await mailed.ceremonies.show(mailed.email)
      assert.equal(wordOf(await mailed.ceremonies.answer(mailed.email, { code: 'secret-1' })), 'accepted')
      assert.equal(await mailed.permit(), undefined)
    })

    it('AC-30: a permit ends with what it stands on', async () => {
      const { showing, answering, page, records } = await stand([totp, sms])
      await answering(page)
      await records.update('alice', (its) => ({ ...its, authenticators: [totp] }))
      assert.equal(await showing(), 'gone')
    })
  })
})
