import assert from 'node:assert/strict'
import { BlockList } from 'node:net'
import fc from 'fast-check'
import { networkOf } from '../../../src/flow/dispatch/network.ts'

const short = (groups: readonly number[]) => groups.map((group) => group.toString(16)).join(':')
const long = (groups: readonly number[]) =>
  groups.map((group) => group.toString(16).padStart(4, '0').toUpperCase()).join(':')

/** As everything that answers requests writes it (RFC 5952): the longest run of zeros, of two at least, left out. */
const canonical = (groups: readonly number[]) => new URL(`http://[${short(groups)}]/`).hostname.slice(1, -1)

const group = fc.oneof(fc.constant(0), fc.nat(0xff_ff))
const address = fc.array(group, { minLength: 8, maxLength: 8 })

describe('flow/dispatch/network', () => {
  for (const [given, network] of [
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['1::', '1:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['FE80::1', 'fe80:0:0:0'],
    ['203.0.113.9:4711', '203.0.113.9'],
    ['[2001:db8:1:2::1]:443', '2001:db8:1:2'],
    ['[2001:db8:1:2::1]', '2001:db8:1:2'],
    ['[::ffff:203.0.113.9]:1', '203.0.113.9'],
    ['', ''],
    ['unix socket', 'unix socket'],
    ['::ffff:999', '0:0:0:0'],
  ] as const)
    it(`finds ${network} in ${JSON.stringify(given)}`, () => assert.equal(networkOf(given), network))

  it('knows one IPv6 address however it is written', () =>
    fc.assert(
      fc.property(address, (groups) => {
        assert.equal(networkOf(canonical(groups)), short(groups.slice(0, 4)))
        assert.equal(networkOf(long(groups)), short(groups.slice(0, 4)))
      }),
      { numRuns: 500, seed: 1 },
    ))

  it('puts two IPv6 addresses together exactly where their first 64 bits are the same', () =>
    fc.assert(
      fc.property(address, fc.array(group, { minLength: 4, maxLength: 4 }), fc.boolean(), (groups, tail, same) => {
        const [first = 0, ...others] = groups
        const other = [same ? first : first ^ 1, ...others.slice(0, 3), ...tail]
        const subnet = new BlockList()
        subnet.addSubnet(canonical(groups), 64, 'ipv6')
        assert.equal(networkOf(canonical(other)) === networkOf(canonical(groups)), same)
        assert.equal(subnet.check(canonical(other), 'ipv6'), same)
      }),
      { numRuns: 300, seed: 2 },
    ))
})
