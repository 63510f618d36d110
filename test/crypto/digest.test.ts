import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { digest } from '../../src/crypto/digest.ts'

const fields = fc.array(fc.string({ unit: 'binary' }), { maxLength: 4 })

describe('crypto/digest', () => {
  it('is SHA-256 over length-prefixed UTF-16 in base64url', () => {
    const bytes = Buffer.from('02000000' + '6100' + '00000004' + '62006300', 'hex')
    bytes.writeUInt32BE(2)
    assert.equal(digest('a', 'bc'), createHash('sha256').update(bytes).digest('base64url'))
  })
  it('gives the same digest for the same fields', () => {
    fc.assert(fc.property(fields, (list) => assert.equal(digest(...list), digest(...list))))
  })
  it('AC-97: gives different digests for different lists of fields', () => {
    fc.assert(
      fc.property(fields, fields, (a, b) =>
        assert.equal(digest(...a) === digest(...b), JSON.stringify(a) === JSON.stringify(b)),
      ),
    )
  })
  it('AC-97: lets no character slide from one field to the next', () => {
    const lists = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['', 'abc'], ['a', 'b', 'c'], [], [''], ['', '']]
    assert.equal(new Set(lists.map((list) => digest(...list))).size, lists.length)
  })
  it('AC-97: takes long input in full', () => {
    const long = 'x'.repeat(1_000_000)
    assert.notEqual(digest(`${long}1`, 'secret'), digest(`${long}2`, 'secret'))
    assert.notEqual(digest(long, 'secret'), digest(long, 'other'))
    assert.match(digest(long), /^[\w-]{43}$/)
  })
  it('AC-97: tells lone surrogates apart', () => {
    assert.notEqual(digest('\ud800'), digest('\ud801'))
    assert.notEqual(digest('\ud800'), digest('\ufffd'))
  })
})
