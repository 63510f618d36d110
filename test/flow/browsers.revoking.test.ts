import assert from 'node:assert/strict'
import { randomToken } from '../../src/crypto/random.ts'
import { createBrowsers } from '../../src/flow/browsers.ts'
import { type LedgerRecord, ledgerKey } from '../../src/flow/ledger.ts'
import { familyOf, GIVEN, guessesAt, idOf, LIMITS, names, PROOF, remembering, STANDING } from './remembering.ts'
import { START } from './tools.ts'

describe('flow/browsers: an account of many', () => {
  describe('revoking', () => {
    const ledger = ({ vault }: ReturnType<typeof remembering>, uid: string) =>
      vault.read<LedgerRecord>(ledgerKey('alice', uid))
    const EVENT = { ...PROOF, at: START, cid: 'cid' }

    /** Two browsers of alice, each with its note in a ledger, and a ledger without. */
    const withNotes = async () => {
      const here = remembering()
      const values = [await here.remember(), await here.remember()]
      for (const [index, value] of [...values, undefined].entries()) {
        const browser = value === undefined ? undefined : (await here.recognize(value))?.note
        const record: LedgerRecord = { events: [EVENT], ...(browser === undefined ? {} : { browser }) }
        await here.vault.write(ledgerKey('alice', `s${index}`), { version: null }, record, START + 7000 + index)
      }
      return {
        ...here,
        values: values as [string, string],
        ledgers: () => Promise.all(['s0', 's1', 's2'].map((uid) => ledger(here, uid))),
      }
    }

    it('AC-70c: deletes one record and its note in every ledger, and nothing else', async () => {
      const { browsers, values, ledgers, recognize } = await withNotes()
      const before = await ledgers()
      await browsers.forget('alice', idOf(values[0]))
      const after = await ledgers()
      assert.deepEqual(after[0]?.value, { events: [EVENT] })
      assert.equal(after[0]?.expiresAt, START + 7000)
      assert.deepEqual(after.slice(1), before.slice(1))
      assert.equal(await recognize(values[0]), undefined)
      assert.ok(await recognize(values[1]))
    })

    it('AC-70d: by a value that came back removes the notes as well', async () => {
      const { values, rotate, recognize, ledgers, advance, events } = await withNotes()
      const next = await rotate(values[0])
      advance(61)
      assert.equal(await recognize(values[0]), undefined)
      assert.equal(await recognize(next), undefined)
      assert.deepEqual(
        (await ledgers()).map(({ value }) => value?.browser?.id),
        [undefined, idOf(values[1]), undefined],
      )
      assert.deepEqual(events.at(-1), { name: 'browser.reused', accountId: 'alice', browserId: idOf(next) })
    })

    it('AC-70d: by remembering anew deletes the older record and its notes, and nothing else', async () => {
      const { browsers, values, ledgers, recognize, list, events } = await withNotes()
      const copy = await recognize(values[0])
      assert.ok(copy)
      events.length = 0
      const { value } = await browsers.remember('alice', GIVEN, values[0])
      assert.notEqual(idOf(value), idOf(values[0]))
      assert.notEqual(familyOf(value).slice(23), familyOf(values[0]).slice(23))
      assert.deepEqual(names(events), ['browser.remembered'])
      assert.deepEqual((await list()).map(({ id }) => id).sort(), [idOf(value), idOf(values[1])].sort())
      assert.deepEqual(
        (await ledgers()).map(({ value: record }) => record?.browser?.id),
        [undefined, idOf(values[1]), undefined],
      )
      assert.equal(await recognize(values[0]), undefined)
      assert.equal(await browsers.use(copy, 'app'), undefined)
      assert.ok(await recognize(value))
    })

    it('bears ids of what is gone, and what was never there', async () => {
      const { browsers, vault, values, ledgers, recognize } = await withNotes()
      const list: typeof vault.list = async (...args) => ['gone', ...(await vault.list(...args))]
      const dangling = createBrowsers({
        vault: { ...vault, list },
        clock: () => START,
        announce: () => {},
        limits: LIMITS,
      })
      await dangling.forget('alice', 'never')
      assert.equal((await ledgers()).filter(({ value }) => value?.browser).length, 2)
      assert.equal((await dangling.list('alice', STANDING)).length, 2)
      await dangling.remember('alice', GIVEN)
      assert.equal((await browsers.list('alice', STANDING)).length, 3)
      await dangling.forgetAll('alice')
      assert.deepEqual(await browsers.list('alice', STANDING), [])
      for (const value of values) assert.equal(await recognize(value), undefined)
    })
  })

  describe('remembering anew', () => {
    const GIVEN_LATER = { ...GIVEN, factorsVersion: 'f2' }
    const replacements = [
      { what: 'the current value', rotations: 0, seconds: 0, given: GIVEN, reused: false },
      { what: 'the previous value in its grace', rotations: 1, seconds: 60, given: GIVEN, reused: false },
      { what: 'the previous value after its grace', rotations: 1, seconds: 61, given: GIVEN, reused: true },
      { what: 'an older value', rotations: 2, seconds: 0, given: GIVEN, reused: true },
      { what: 'a value that stood on other factors', rotations: 2, seconds: 0, given: GIVEN_LATER, reused: false },
    ]
    for (const { what, rotations, seconds, given, reused } of replacements)
      it(`AC-70d: over ${what} ends all values of that family${reused ? ', and announces the reuse' : ''}`, async () => {
        const { browsers, remember, rotate, recognize, stored, advance, events } = remembering()
        const first = await remember()
        let copy = first
        for (let rotation = 0; rotation < rotations; rotation += 1) copy = await rotate(copy)
        advance(seconds)
        events.length = 0
        const { value } = await browsers.remember('alice', given, first)
        assert.deepEqual(names(events), [...(reused ? ['browser.reused'] : []), 'browser.remembered'])
        assert.equal(await stored(first), undefined)
        assert.equal(await recognize(copy), undefined)
        assert.ok(await recognize(value, { ...STANDING, factorsVersion: given.factorsVersion }))
      })

    it('AC-70d: over a guess, a value of another account or another shape forgets nothing', async () => {
      const { browsers, remember, rotate, list, events } = remembering({ perAccount: 20 })
      const value = await remember()
      events.length = 0
      const unknown = `${randomToken(16)}.${randomToken(16)}.${randomToken()}`
      const others = [undefined, '', idOf(value), familyOf(value), `${value}.`, unknown, ...guessesAt(value)]
      for (const other of others) await browsers.remember('alice', GIVEN, other)
      await browsers.remember('bob', GIVEN, value)
      assert.equal((await list()).length, others.length + 1)
      assert.ok(names(events).every((name) => name === 'browser.remembered'))
      await rotate(value)
    })

    it('pushes no other browser out', async () => {
      const { browsers, remember, recognize } = remembering()
      const values = [await remember(), await remember(), await remember()]
      await browsers.remember('alice', GIVEN, values[1])
      for (const value of [values[0], values[2]]) assert.ok(await recognize(value ?? ''))
    })
  })

  it('AC-70c: lists none that would not be recognized, and keeps no living one out for them', async () => {
    const { browsers, remember, list, advance } = remembering()
    const LATER = { factorsVersion: 'f2', securityStamp: 's2' }
    for (let index = 0; index < 3; index += 1) await remember()
    advance(1)
    const { value } = await browsers.remember('alice', { ...GIVEN, ...LATER })
    assert.equal((await list()).length, 2)
    assert.deepEqual(
      (await list(LATER)).map(({ id }) => id),
      [idOf(value)],
    )
    for (const mixed of [
      { ...STANDING, securityStamp: 's2' },
      { ...STANDING, securityStamp: undefined },
    ])
      assert.deepEqual(await list(mixed), [])
    advance(1)
    for (let index = 0; index < 2; index += 1) await browsers.remember('alice', { ...GIVEN, ...LATER })
    assert.equal((await list(LATER)).length, 3)
    assert.deepEqual(await list(), [])
  })

  it('lists what stands, newest use first, and keeps so many of them', async () => {
    const { browsers, remember, rotate, recognize, advance } = remembering()
    const values: string[] = []
    for (const label of ['one', 'two', 'three']) {
      values.push(await remember(label))
      advance(10)
    }
    await rotate(values[0] ?? '')
    await browsers.remember('bob', GIVEN)
    const labels = async () => (await browsers.list('alice', STANDING)).map(({ label }) => label)
    assert.deepEqual(await labels(), ['one', 'three', 'two'])
    const [first] = await browsers.list('alice', STANDING)
    const until = START + LIMITS.lifeSeconds
    assert.deepEqual(first, { id: idOf(values[0] ?? ''), createdAt: START, usedAt: START + 30, until, label: 'one' })
    advance(10)
    await remember()
    assert.deepEqual(await labels(), [undefined, 'one', 'three'])
    assert.equal(await recognize(values[1] ?? ''), undefined)
    advance(LIMITS.idleSeconds)
    assert.deepEqual(await labels(), [])
    assert.equal((await browsers.list('bob', STANDING)).length, 0)
  })
})
