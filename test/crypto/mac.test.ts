import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { createMac } from '../../src/crypto/mac.ts'

const fields = fc.array(fc.string({ unit: 'binary' }), { maxLength: 4 })

describe('crypto/mac', () => {
  const key = randomBytes(32)
  const mac = createMac(key)

  it('is HMAC-SHA256 over length-prefixed UTF-16 in base64url', () => {
    const expected = createHmac('sha256', key).update(Buffer.from('000000026100', 'hex')).digest('base64url')
    assert.equal(mac.sign('a'), expected)
  })
  it('verifies what it has signed', () => {
    fc.assert(fc.property(fields, (list) => assert.equal(mac.verify(mac.sign(...list), ...list), true)))
  })
  it('refuses the code of other fields, also where characters only slid', () => {
    fc.assert(
      fc.property(fields, fields, (a, b) =>
        assert.equal(mac.verify(mac.sign(...a), ...b), JSON.stringify(a) === JSON.stringify(b)),
      ),
    )
    assert.equal(mac.verify(mac.sign('ab', 'c'), 'a', 'bc'), false)
  })
  it('refuses altered, shortened, lengthened and foreign codes', () => {
    const code = mac.sign('field')
    const foreign = createMac(randomBytes(32)).sign('field')
    for (const other of ['', code.slice(1), `${code}A`, `${code}=`, code.toLowerCase(), foreign, '\ud800']) {
      assert.equal(mac.verify(other, 'field'), false)
    }
  })
  it('keeps its own copy of the key', () => {
    const bytes = new Uint8Array(32).fill(7)
    const own = createMac(bytes)
    const code = own.sign('field')
    bytes.fill(8)
    assert.equal(own.sign('field'), code)
  })
  it('refuses a key under 32 bytes', () => {
    assert.throws(() => createMac(new Uint8Array(31)), { code: 'ERR_CONFIG' })
  })
  it('is frozen and shows no key', () => {
    assert.ok(Object.isFrozen(mac))
    assert.deepEqual(Object.keys(mac), ['sign', 'verify'])
  })
})
