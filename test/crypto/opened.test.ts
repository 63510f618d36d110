import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { withMemory } from '../../src/crypto/opened.ts'
import { createSealer } from '../../src/crypto/seal.ts'

const newKey = (): string => randomBytes(32).toString('base64url')
const SEAL_ERROR = { name: 'StepUpError', code: 'ERR_SEAL', message: 'a sealed record could not be opened' }
const PLACE = ['ledger', 'account', 'id']
/** What the memory holds at least of the newest records and at most in all, and how long a record in it may be. */
const [MIN_RECORDS, MAX_RECORDS, MAX_LENGTH] = [1000, 2000, 8192]

const text = fc.string({ unit: 'grapheme', maxLength: 50 })
const aad = fc.array(fc.string({ unit: 'binary', maxLength: 5 }), { maxLength: 4 })

/** A sealer with a memory, and how many records were really opened. */
const watched = (...keys: readonly string[]) => {
  const inner = createSealer(keys)
  let openings = 0
  const open: typeof inner.open = (sealed, place) => {
    openings += 1
    return inner.open(sealed, place)
  }
  const opened = () => {
    const count = openings
    openings = 0
    return count
  }
  return { sealer: withMemory({ ...inner, open }), inner, opened }
}

describe('crypto/opened', () => {
  it('gives what was sealed, whether it is remembered or not, and really opens a record once', () => {
    const { sealer, inner, opened } = watched(newKey())
    fc.assert(
      fc.property(text, aad, (plain, place) => {
        const own = sealer.seal(plain, place)
        assert.equal(inner.open(own, place), plain)
        const foreign = inner.seal(plain, place)
        for (let times = 0; times < 3; times += 1)
          for (const sealed of [own, foreign]) assert.equal(sealer.open(sealed, [...place]), plain)
        assert.equal(opened(), 1)
      }),
    )
  })

  it('AC-75: opens nothing at another place, though it is remembered, and then still opens it at its own', () => {
    const { sealer } = watched(newKey())
    fc.assert(
      fc.property(text, aad, aad, (plain, here, there) => {
        fc.pre(JSON.stringify(here) !== JSON.stringify(there))
        const sealed = sealer.seal(plain, here)
        for (let times = 0; times < 2; times += 1) {
          assert.throws(() => sealer.open(sealed, there), SEAL_ERROR)
          assert.equal(sealer.open(sealed, here), plain)
        }
      }),
    )
  })

  it('AC-75: keeps places apart whose parts only slid or hold the signs that could join them', () => {
    const { sealer } = watched(newKey())
    const places = [
      ...[['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['', 'abc'], ['c', 'ab'], ['ab', 'c', ''], []],
      ...[[''], ['', ''], ['ab,c'], ['ab","c'], ['ab"', '"c'], ['["ab","c"]'], ['ab\\', 'c'], ['ab\\",\\"c']],
      ...[
        ['1', 'gggg', 'hhhhh'],
        ['4gggg5hhhhh'],
        ['1:a1:b'],
        ['a', 'b'],
        ['a1:b'],
        ['', '1:a'],
        ['0:1:a'],
        ['1:a', ''],
        ['11:a'],
        ['1', '1:a'],
        ['a,b'],
        ['a:b'],
      ],
      ...[['ab\u0000c'], ['ab\u0000', 'c'], ['\ud800'], ['\ud801'], ['\ufffd'], ['\\ud800']],
    ]
    for (const here of places) {
      const sealed = sealer.seal('plain', here)
      for (const there of places)
        if (there !== here) assert.throws(() => sealer.open(sealed, there), SEAL_ERROR, JSON.stringify([here, there]))
    }
  })

  it('AC-75: refuses a remembered record with any one character altered, cut or added', () => {
    const { sealer } = watched(newKey())
    const sealed = sealer.seal('plain', PLACE)
    for (let at = 0; at < sealed.length; at += 1) {
      const other = sealed.charAt(at) === 'A' ? 'B' : 'A'
      for (const altered of [sealed.slice(0, at) + other + sealed.slice(at + 1), sealed.slice(0, at)])
        for (let times = 0; times < 2; times += 1) assert.throws(() => sealer.open(altered, PLACE), SEAL_ERROR)
    }
    for (const altered of [`${sealed}A`, ` ${sealed}`, `${sealed}\n`, '', '__proto__'])
      assert.throws(() => sealer.open(altered, PLACE), SEAL_ERROR)
  })

  it('remembers no refusal: what an attacker tried first opens where it belongs', () => {
    const { sealer, inner } = watched(newKey())
    const sealed = inner.seal('plain', PLACE)
    assert.throws(() => sealer.open(sealed, ['elsewhere']), SEAL_ERROR)
    assert.equal(sealer.open(sealed, PLACE), 'plain')
  })

  it('forgets the oldest beyond its limit, and opens it as ever', () => {
    const { sealer, opened } = watched(newKey())
    const records = Array.from({ length: MAX_RECORDS + 10 }, (_none, index) => sealer.seal(`${index}`, PLACE))
    for (const [index, record] of [...records.entries()].slice(-MIN_RECORDS)) {
      assert.equal(sealer.open(record, PLACE), `${index}`)
      assert.equal(opened(), 0, `record ${index}`)
    }
    for (const [index, record] of [...records.entries()].slice(0, 10)) {
      assert.equal(sealer.open(record, PLACE), `${index}`)
      assert.equal(opened(), 1, `record ${index}`)
    }
  })

  it('keeps no long record', () => {
    const { sealer, opened } = watched(newKey())
    for (const [length, times] of [
      [MAX_LENGTH / 2, 0],
      [MAX_LENGTH * 2, 3],
    ] as const) {
      const sealed = sealer.seal('x'.repeat(length), PLACE)
      for (let index = 0; index < 3; index += 1) assert.equal(sealer.open(sealed, PLACE).length, length)
      assert.equal(opened(), times)
    }
  })

  it('AC-78: shares nothing with a sealer that has other keys', () => {
    const [older, newer] = [newKey(), newKey()]
    const before = withMemory(createSealer([older]))
    const sealed = before.seal('plain', PLACE)
    assert.equal(before.open(sealed, PLACE), 'plain')
    assert.throws(() => withMemory(createSealer([newer])).open(sealed, PLACE), SEAL_ERROR)
    const rotated = withMemory(createSealer([newer, older]))
    assert.equal(rotated.open(sealed, PLACE), 'plain')
    assert.equal(rotated.isCurrent(sealed), false)
  })

  it('is frozen, and in all else the sealer that it was given', () => {
    const { sealer, inner } = watched(newKey(), newKey())
    assert.ok(Object.isFrozen(sealer))
    assert.deepEqual(sealer.keyIds, inner.keyIds)
    assert.deepEqual(sealer.deriveAll('purpose')[0], inner.deriveAll('purpose')[0])
    assert.deepEqual(sealer.deriveAll('purpose'), inner.deriveAll('purpose'))
    assert.notEqual(sealer.seal('plain', PLACE), sealer.seal('plain', PLACE))
  })
})
