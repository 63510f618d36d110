import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { equalSecret } from '../../src/crypto/equal.ts'

describe('crypto/equal', () => {
  it('agrees with plain comparison for all texts', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        assert.equal(equalSecret(a, a), true)
        assert.equal(equalSecret(a, b), a === b)
      }),
    )
  })
  it('takes texts of any lengths', () => {
    assert.equal(equalSecret('', ''), true)
    assert.equal(equalSecret('', '0'), false)
    assert.equal(equalSecret('123456', '1234567'), false)
    assert.equal(equalSecret('x'.repeat(100_000), `${'x'.repeat(99_999)}y`), false)
  })
  it('tells texts apart that UTF-8 would make the same', () => {
    assert.equal(equalSecret('\ud800', '\ufffd'), false)
    assert.equal(equalSecret('\ud800', '\ud801'), false)
  })
  it('AC-80: compares keyed digests with timingSafeEqual and nothing else', () => {
    const source = readFileSync(new URL('../../src/crypto/equal.ts', import.meta.url), 'utf8')
    assert.match(source, /timingSafeEqual\(blind\(a\), blind\(b\)\)/)
    assert.match(source, /createHmac\('sha256', key\)/)
    assert.doesNotMatch(source, /[!=]==?|localeCompare|\.length/)
  })
})
