import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { BrowserNote } from '../../src/flow/browser-record.ts'
import { createBrowsers } from '../../src/flow/browsers.ts'
import { appendEvents, type LedgerRecord, ledgerKey } from '../../src/flow/ledger.ts'
import { GIVEN, guessesAt, idOf, LIMITS, names, PROOF, remembering, STANDING } from './remembering.ts'
import { race, START } from './tools.ts'

/** Lets others on for so many turns. */
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve()
}

const count = <T>(all: readonly T[], is: (one: T) => boolean) => all.filter(is).length

type Holder = 'owner' | 'thief'

/** One thing that happens to a cookie that two hold, after so many seconds. */
interface Happening {
  readonly wait: number
  readonly by: Holder
  /** The answer, and with it the new cookie, is lost on its way. */
  readonly lost: boolean
}

const happenings = fc.array(
  fc.record<Happening>({
    wait: fc.oneof(fc.constantFrom(0, 1, 59, 60, 61), fc.nat(200), fc.nat(100_000)),
    by: fc.constantFrom<Holder>('owner', 'thief'),
    lost: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  }),
  { maxLength: 24 },
)

/** What the rules say about a cookie, told by the number of each value: a second opinion. */
const oracle = () => {
  let [latest, rotatedAt, isSpent, isRevoked] = [0, 0, true, false]
  return (generation: number, at: number): 'renewed' | 'once more' | 'no' | 'revoked' => {
    if (isRevoked) return 'no'
    if (generation === latest) {
      latest += 1
      rotatedAt = at
      isSpent = false
      return 'renewed'
    }
    if (generation < latest - 1 || at - rotatedAt > 60) {
      isRevoked = true
      return 'revoked'
    }
    if (isSpent) return 'no'
    isSpent = true
    return 'once more'
  }
}

/** What came of one happening. */
interface Seen {
  readonly by: Holder
  readonly at: number
  readonly isRenewed: boolean
  readonly isReused: boolean
  readonly isRecognized: boolean
  /** The value was neither the newest, nor the one before it in its grace. */
  readonly isOld: boolean
}

const wordOf = (used: { readonly cookie?: unknown } | undefined, isReused: boolean) => {
  if (used !== undefined) return used.cookie === undefined ? 'once more' : 'renewed'
  return isReused ? 'revoked' : 'no'
}

/** Plays a history in which a thief copies the cookie at the very beginning. */
const play = async (history: readonly Happening[]) => {
  const here = remembering()
  const first = { value: await here.remember(), generation: 0 }
  const held: Record<Holder, typeof first> = { owner: first, thief: first }
  const expected = oracle()
  let [generation, rotatedAt] = [0, here.clock()]
  const seen: Seen[] = []
  for (const { wait, by, lost } of history) {
    here.advance(wait)
    here.events.length = 0
    const at = here.clock()
    const behind = generation - held[by].generation
    const isOld = behind > 1 || (behind === 1 && at - rotatedAt > 60)
    const used = await here.use(held[by].value)
    const isReused = names(here.events).includes('browser.reused')
    const word = wordOf(used, isReused)
    assert.equal(word, expected(held[by].generation, at))
    if (used?.cookie) {
      generation += 1
      rotatedAt = at
      if (!lost) held[by] = { value: used.cookie.value, generation }
    }
    seen.push({ by, at, isRenewed: word === 'renewed', isReused, isRecognized: used !== undefined, isOld })
  }
  return { ...here, seen, held }
}

describe('flow/browsers: two holders and many tabs', () => {
  it('AC-70d: a cookie that two hold goes on for one of them after the grace, and for none once an older value came', async () => {
    // Shorter than the idle limit, which would end it as well.
    const short = happenings.filter((history) => history.reduce((sum, { wait }) => sum + wait, 0) < LIMITS.idleSeconds)
    await fc.assert(
      fc.asyncProperty(short, async (history) => {
        const { seen, held, recognize, list } = await play(history)
        const parted = seen.find(({ isRenewed }) => isRenewed)?.at ?? Number.POSITIVE_INFINITY
        const later = seen.filter(({ at, isRecognized }) => isRecognized && at > parted + 60)
        assert.ok(new Set(later.map(({ by }) => by)).size <= 1)
        const found = seen.findIndex(({ isOld }) => isOld)
        assert.equal(
          seen.findIndex(({ isReused }) => isReused),
          found,
        )
        if (found < 0) return
        assert.ok(!seen.slice(found).some(({ isRecognized }) => isRecognized))
        for (const { value } of Object.values(held)) assert.equal(await recognize(value), undefined)
        assert.deepEqual(await list(), [])
      }),
      { numRuns: 300 },
    )
  })

  for (const rotations of [2, 3, 10, 50])
    it(`AC-70d: a thief ends with the owner who comes back after ${rotations} rotations, with any older value`, async () => {
      for (let which = 0; which < 4 * (rotations - 1); which += 1) {
        const { remember, rotate, use, advance, events, list } = remembering()
        const values = [await remember()]
        while (values.length <= rotations) {
          advance([0, 59, 61, 20_000][which % 4] ?? 0)
          values.push(await rotate(values.at(-1) ?? ''))
        }
        events.length = 0
        assert.equal(await use(values[Math.floor(which / 4)] ?? ''), undefined)
        assert.deepEqual(names(events), ['browser.reused'])
        assert.equal(await use(values.at(-1) ?? ''), undefined)
        assert.deepEqual(await list(), [])
      }
    })

  it('AC-70d: guesses with a known id revoke nothing, however many there are and whatever else they know', async () => {
    const { remember, rotate, use, advance, events, stored } = remembering()
    const first = await remember()
    const second = await rotate(first)
    const before = await stored(second)
    events.length = 0
    for (const seconds of [0, 61]) {
      advance(seconds)
      const guesses = Array.from({ length: 50 }, () => [...guessesAt(first), ...guessesAt(second)])
      const all = await Promise.all(guesses.flat().map(use))
      assert.ok(all.every((used) => used === undefined))
    }
    assert.deepEqual(events, [])
    assert.deepEqual(await stored(second), before)
    await rotate(second)
  })

  for (const spread of [1, 5, 23])
    it(`AC-70d: fifty uses at once, arriving over ${spread} turns, give one rotation and one grace at most`, async () => {
      const here = remembering()
      const value = await here.remember()
      const all = await race(50, async (index) => {
        await turns(index % spread)
        return here.use(value)
      })
      const cookies = all.flatMap((used) => used?.cookie ?? [])
      const graces = count(all, (used) => used !== undefined && used.cookie === undefined)
      assert.equal(cookies.length, 1)
      assert.ok(graces <= 1)
      assert.equal(
        count(names(here.events) as string[], (name) => name === 'browser.recognized'),
        1 + graces,
      )
      assert.ok((await here.use(cookies[0]?.value ?? ''))?.cookie)
    })

  it('AC-70d: fifty that were all recognized before one of them was used give no more', async () => {
    const { browsers, remember, recognize } = remembering()
    const value = await remember()
    const recognized = await race(50, () => recognize(value))
    const all = await Promise.all(recognized.map((one) => one && browsers.use(one, 'app')))
    assert.equal(
      count(all, (used) => used?.cookie !== undefined),
      1,
    )
    assert.equal(
      count(all, (used) => used !== undefined),
      2,
    )
  })

  it('AC-70d: holders of the current and of the previous value at once end with one current value or none', async () => {
    for (let lead = 0; lead < 8; lead += 1) {
      const { remember, rotate, use, events, list } = remembering()
      const previous = await remember()
      const current = await rotate(previous)
      const all = await race(20, async (index) => {
        await turns(index % 2 === 0 ? lead : 0)
        return use(index % 2 === 0 ? current : previous)
      })
      const cookies = all.flatMap((used) => used?.cookie ?? [])
      assert.ok(cookies.length <= 1)
      assert.ok(count(all, (used) => used !== undefined) <= 3)
      const reuses = count(names(events) as string[], (name) => name === 'browser.reused')
      assert.ok(reuses <= 1)
      assert.equal((await list()).length, 1 - reuses)
      assert.equal((await use(cookies[0]?.value ?? ''))?.cookie !== undefined, reuses === 0)
    }
  })

  it('AC-70d: a use that loses twice is honored once more, and one that loses three times not', async () => {
    for (const losses of [1, 2, 3]) {
      const { vault, clock, remember, rotate, recognize, use } = remembering()
      const previous = await remember()
      const current = await rotate(previous)
      const recognized = await recognize(current)
      assert.ok(recognized)
      const rivals = [previous, current, current].slice(0, losses)
      const write: typeof vault.write = async (...args) => {
        const rival = rivals.shift()
        if (rival !== undefined) assert.ok(await use(rival))
        return vault.write(...args)
      }
      const slow = createBrowsers({ vault: { ...vault, write }, clock, announce: () => {}, limits: LIMITS })
      const used = await slow.use(recognized, 'app')
      const word = used?.cookie ? 'renewed' : used ? 'once more' : 'no'
      assert.equal(word, ['renewed', 'once more', 'no'][losses - 1])
      assert.equal(rivals.length, 0)
    }
  })

  it('AC-70d: a reuse that twenty find at once is announced once', async () => {
    const { remember, rotate, use, advance, events, stored } = remembering()
    const value = await remember()
    await rotate(value)
    advance(61)
    assert.deepEqual(await race(20, () => use(value)), Array.from({ length: 20 }))
    assert.equal(
      count(names(events) as string[], (name) => name === 'browser.reused'),
      1,
    )
    assert.equal(await stored(value), undefined)
  })

  it('AC-70c: no use that comes after a revocation succeeds, and none brings the record back', async () => {
    for (let lead = 0; lead < 12; lead += 1) {
      const { browsers, remember, recognize, stored } = remembering()
      const value = await remember()
      const recognized = await recognize(value)
      assert.ok(recognized)
      const late = turns(lead).then(() => browsers.use(recognized, 'app'))
      await browsers.forget('alice', idOf(value))
      const next = (await late)?.cookie?.value
      assert.equal(await stored(value), undefined)
      if (next !== undefined) assert.equal(await recognize(next), undefined)
      assert.equal(await browsers.use(recognized, 'app'), undefined)
    }
  })

  it('keeps exactly so many of those that are remembered at once, and of the older ones none', async () => {
    const { remember, recognize, advance, list } = remembering({ perAccount: 5 })
    const old = await race(3, () => remember())
    advance(10)
    const values = await race(20, async (index) => {
      await turns(index % 7)
      return remember()
    })
    const kept = await list()
    assert.equal(kept.length, 5)
    for (const value of [...old, ...values])
      assert.equal(
        (await recognize(value)) !== undefined,
        kept.some(({ id }) => id === idOf(value)),
      )
    for (const value of old) assert.equal(await recognize(value), undefined)
  })

  it('loses no event that twenty tabs append while a note is removed', async () => {
    const { browsers, vault, clock, remember } = remembering()
    const value = await remember()
    const key = ledgerKey('alice', 'session')
    const browser: BrowserNote = { id: idOf(value), ...STANDING, proof: PROOF, until: START + LIMITS.lifeSeconds }
    const record: LedgerRecord = { events: [], browser }
    await vault.write(key, { version: null }, record, START + 7000)
    const append = async (index: number) => {
      const slot = await vault.read<LedgerRecord>(key)
      await turns(index % 11)
      const added = [{ ...GIVEN.proof, at: START, cid: `tab-${index}` }]
      await appendEvents(vault, clock, key, slot, { added, base: [], lifeSeconds: 600 })
    }
    await Promise.all([race(20, append), turns(5).then(() => browsers.forget('alice', idOf(value)))])
    const { value: after } = await vault.read<LedgerRecord>(key)
    assert.equal(after?.browser, undefined)
    assert.equal(new Set(after?.events.map(({ cid }) => cid)).size, 20)
  })
})
