import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import Koa, { type Context } from 'koa'
import { createAddressReader } from '../../src/http/address.ts'
import { canonicalAddress, networkOf } from '../../src/policy/address.ts'

const PROXIES = ['loopback', '10.0.0.0/8', '2001:db8:aaaa::/48', '198.51.100.7']

/** A request as far as an address is read from it. */
const from = (remoteAddress: string | undefined, forwarded?: string, app: Partial<Koa> = {}) => {
  const ips = app.proxy === true && forwarded !== undefined ? forwarded.split(/\s*,\s*/) : []
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
  const context = { req: { socket: { remoteAddress }, headers }, ips, ip: ips[0] ?? remoteAddress ?? '' }
  return { ...context, app: { maxIpsCount: 0, ...app } } as unknown as Context
}

describe('the address of a request', () => {
  const TABLE: readonly (readonly [string, string | undefined, string | undefined, string | undefined])[] = [
    ['a stranger at the socket, whatever it sends', '203.0.113.9', '1.2.3.4', '203.0.113.9'],
    ['a proxy that sends no list', '10.0.0.1', undefined, '10.0.0.1'],
    ['a proxy that sends an empty list', '10.0.0.1', ' ', '10.0.0.1'],
    ['one hop', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['invented entries to the left', '10.0.0.1', '127.0.0.1, 10.0.0.2, 1.2.3.4, 203.0.113.9', '203.0.113.9'],
    ['two proxies', '::1', '1.2.3.4, 203.0.113.9, 10.9.9.9', '203.0.113.9'],
    ['proxies alone', '127.0.0.1', '10.0.0.3, 198.51.100.7', '10.0.0.3'],
    ['an IPv4 proxy seen through IPv6', '::ffff:10.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
    ['an IPv6 proxy', '2001:db8:aaaa::5', '2001:DB8:0:0::0:9', '2001:db8::9'],
    ['a zone id', '127.0.0.1', 'fe80::1%eth0', 'fe80::1'],
    ['ports', '127.0.0.1', '203.0.113.9:5678, 10.0.0.1:1', '203.0.113.9'],
    ['brackets', '127.0.0.1', '[2001:db8::1]:443', '2001:db8::1'],
    ['brackets without a port', '127.0.0.1', '[2001:db8::1]', '2001:db8::1'],
    ['unknown', '127.0.0.1', '203.0.113.9, unknown', undefined],
    ['unknown where nobody looks', '127.0.0.1', 'unknown, 203.0.113.9', '203.0.113.9'],
    ['an obfuscated name', '127.0.0.1', '_hidden', undefined],
    ['an octal spelling', '127.0.0.1', '0177.0.0.1', undefined],
    ['an empty entry', '127.0.0.1', '203.0.113.9,', undefined],
    ['a socket that is gone', undefined, '203.0.113.9', undefined],
    ['32 proxies', '127.0.0.1', Array.from({ length: 40 }, (_, index) => `10.0.0.${index}`).join(), '10.0.0.8'],
  ]
  for (const [what, socket, forwarded, expected] of TABLE)
    it(`AC-72: is told with trusted proxies: ${what}`, () => {
      assert.equal(createAddressReader(PROXIES)(from(socket, forwarded)), expected)
    })

  it('AC-72: is the socket where nobody is trusted, and where the provider has no proxy', () => {
    assert.equal(createAddressReader([])(from('127.0.0.1', '1.2.3.4', { proxy: true })), '127.0.0.1')
    assert.equal(createAddressReader()(from('::ffff:127.0.0.1', '1.2.3.4')), '127.0.0.1')
    assert.equal(createAddressReader()(from(undefined, '1.2.3.4')), undefined)
  })

  it('AC-72: is the rightmost entry with the proxy setting of the provider, unless it counts its proxies', () => {
    const forwarded = '1.2.3.4, 203.0.113.9'
    assert.equal(createAddressReader()(from('10.0.0.1', forwarded, { proxy: true })), '203.0.113.9')
    assert.equal(createAddressReader()(from('10.0.0.1', forwarded, { proxy: true, maxIpsCount: 2 })), '1.2.3.4')
    assert.equal(createAddressReader()(from('10.0.0.1', 'unknown', { proxy: true })), undefined)
  })

  it('AC-72: reads several lines of the header as one list, over HTTP', async () => {
    const app = new Koa()
    const addressOf = createAddressReader(['loopback', '10.0.0.0/8'])
    app.use((ctx) => {
      ctx.body = addressOf(ctx)
    })
    const server = createServer(app.callback()).listen(0, '127.0.0.1')
    try {
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const lines = ['1.2.3.4, 5.6.7.8', '203.0.113.9', '10.0.0.1']
      const call = request({ port, host: '127.0.0.1', agent: false, headers: { 'x-forwarded-for': lines } }).end()
      const [response] = await once(call, 'response')
      assert.equal(String((await response.toArray())[0]), '203.0.113.9')
    } finally {
      server.close()
    }
  })

  const stranger = fc
    .oneof(fc.ipV4(), fc.ipV6())
    .filter(
      (text) =>
        canonicalAddress(text) !== undefined && PROXIES.slice(1).every((net) => !networkOf(net)?.includes(text)),
    )
    .filter((text) => !['127.0.0.0/8', '::1'].some((net) => networkOf(net)?.includes(text)))
  const proxy = fc.constantFrom('10.1.2.3', '198.51.100.7', '127.0.0.1', '::1', '2001:db8:aaaa::1', '10.1.2.3:80')
  const anything = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), proxy, fc.constantFrom('unknown', ',', '', '[::1]:1'))

  it('AC-72: never changes by what an attacker puts to the left', () => {
    const addressOf = createAddressReader(PROXIES)
    fc.assert(
      fc.property(
        fc.array(anything, { maxLength: 40 }),
        stranger,
        fc.array(proxy, { maxLength: 5 }),
        (left, who, hops) => {
          const list = [...left, who, ...hops].join(', ')
          assert.equal(addressOf(from('10.0.0.1', list)), canonicalAddress(who))
          assert.equal(addressOf(from(who, list)), canonicalAddress(who))
          assert.equal(
            createAddressReader()(from('10.0.0.1', [...left, who].join(', '), { proxy: true })),
            canonicalAddress(who),
          )
        },
      ),
    )
  })

  const REFUSED = [
    '10.0.0.0/99',
    '10.0.0.0/33',
    '::1/129',
    '0.0.0.0/0',
    '::/0',
    'proxy',
    '',
    '10.0.0',
    '010.0.0.1',
    7,
    null,
  ]
  for (const entry of REFUSED)
    it(`refuses ${JSON.stringify(entry)} as a trusted proxy`, () => {
      assert.throws(() => createAddressReader(['loopback', entry as string]), {
        code: 'ERR_CONFIG',
        message: `trustedProxies[1]: found ${JSON.stringify(entry)}; allowed: an IP address, a network such as "10.0.0.0/8" that is not the whole internet, or "loopback"`,
      })
    })
})
