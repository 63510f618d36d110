import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import fc from 'fast-check'
import { canonicalAddress, isPublicAddress, networkOf } from '../../src/policy/address.ts'

describe('addresses in their shortest form', () => {
  it('are what other readers of addresses make of them', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const host = new URL(`http://[${text}]/`).hostname.slice(1, -1)
        const canonical = canonicalAddress(text)
        // The other reader keeps mapped IPv4 as IPv6, and takes the deprecated `::192.0.2.1`.
        if (canonical !== undefined && isIP(canonical) === 6) assert.equal(canonical, host)
        if (canonical === undefined) assert.match(text, /^::\d+\./)
        else assert.equal(canonicalAddress(canonical), canonical)
      }),
    )
    fc.assert(
      fc.property(fc.ipV4(), (text) => canonicalAddress(text) === text && canonicalAddress(`::ffff:${text}`) === text),
    )
  })

  it('are undefined for all that is no address', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789abcdefx:.%[]/ ') })),
        (text) => {
          assert.ok(canonicalAddress(text) === undefined || isIP(text) !== 0)
        },
      ),
    )
    for (const text of ['127.1', '0x7f.0.0.1', '01.2.3.4', '::ffff:01.2.3.4', '::1.2.3.4', '1.2.3.4%eth0', ' ::1'])
      assert.equal(canonicalAddress(text), undefined, text)
  })

  it('belong to a network of their own kind', () => {
    const TABLE: readonly (readonly [string, string, boolean])[] = [
      ['10.0.0.0/8', '10.255.255.255', true],
      ['10.1.2.3/8', '10.0.0.0', true],
      ['10.0.0.0/8', '11.0.0.0', false],
      ['10.0.0.0/8', '::ffff:10.0.0.1', true],
      ['::ffff:10.0.0.0/104', '10.0.0.1', true],
      ['192.0.2.1', '192.0.2.1', true],
      ['192.0.2.1', '192.0.2.2', false],
      ['2001:db8::/33', '2001:db8:7fff::1', true],
      ['2001:db8::/33', '2001:db8:8000::1', false],
      ['::/0', '10.0.0.1', false],
      ['0.0.0.0/0', '10.0.0.1', true],
      ['0.0.0.0/0', 'no address', false],
    ]
    for (const [network, address, expected] of TABLE)
      assert.equal(networkOf(network)?.includes(address), expected, `${address} in ${network}`)
    for (const text of ['', '/8', '10.0.0.0/', '10.0.0.0/08', '::ffff:10.0.0.0/95', '10.0.0.0/8/8', 'loopback'])
      assert.equal(networkOf(text), undefined, text)
  })

  it('are public or not', () => {
    for (const text of ['8.8.8.8', '::ffff:8.8.8.8', '2a00::1']) assert.equal(isPublicAddress(text), true, text)
    for (const text of ['10.0.0.1', '::1', '192.0.2.1', '255.255.255.255', 'x'])
      assert.equal(isPublicAddress(text), false)
  })
})
