import assert from 'node:assert/strict'
import fc from 'fast-check'
import addressparser from 'nodemailer/lib/addressparser'
import { isSameAddress, maskedAddress, plainAddress } from '../../src/factors/email/address.ts'
import { stopwatch } from '../support/until.ts'

const good: readonly (readonly [string, string])[] = [
  ['bob@example.com', 'bob@example.com'],
  ['Bob.Smith+news@Example.COM', 'Bob.Smith+news@example.com'],
  ["o'brien@example.co.uk", "o'brien@example.co.uk"],
  ['a@b.de', 'a@b.de'],
  ['x_y-z=1/2@sub.example.museum', 'x_y-z=1/2@sub.example.museum'],
  ['eva@bücher.example', 'eva@xn--bcher-kva.example'],
  ['eva@XN--BCHER-KVA.example', 'eva@xn--bcher-kva.example'],
  ['eva@例え.テスト', 'eva@xn--r8jz45g.xn--zckzah'],
  [`${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`],
]

const bad: readonly string[] = [
  '',
  '@',
  'bob',
  'bob@',
  '@example.com',
  'bob@example',
  'bob@localhost',
  'bob@@example.com',
  'bob@example.com@evil.example',
  'bob@example..com',
  'bob@.example.com',
  'bob@example.com.',
  'bob@-example.com',
  'bob@example-.com',
  'bob@exa_mple.com',
  'bob@127.0.0.1',
  'bob@0x7f.1',
  'bob@[127.0.0.1]',
  'bob@[IPv6:::1]',
  'bob@example.123',
  '.bob@example.com',
  'bob.@example.com',
  'b..ob@example.com',
  '-oQ/tmp@example.com',
  'bob%evil.example@example.com',
  'evil.example!bob@example.com',
  'bob@example.com\r\nBcc: eve@evil.example',
  'bob\r\n@example.com',
  'bob@example.com\n',
  'bob@example.com, eve@evil.example',
  'bob@example.com,eve@evil.example',
  'bob@example.com;eve@evil.example',
  'bob@example.com eve@evil.example',
  'Bob <bob@example.com>',
  '<bob@example.com>',
  '"bob"@example.com',
  '"bob@evil.example"@example.com',
  'bob(comment)@example.com',
  'bob@example.com(comment)',
  'team:bob@example.com;',
  'bob @example.com',
  ' bob@example.com',
  'bob@exam\u00adple.c\u200bom ',
  'bob\u0000@example.com',
  'bob\u202e@example.com',
  'bøb@example.com',
  'bob@\uff0eexample.com',
  'bob\uff20example.com',
  'bob@example。com',
  'bob@exam℀ple.com',
  'bob@xn--a.com',
  'bob@%65xample.com',
  `${'a'.repeat(65)}@example.com`,
  `bob@${'a'.repeat(64)}.com`,
  `bob@${'a.'.repeat(130)}com`,
]

describe('factors/email: addresses', () => {
  for (const [typed, address] of good)
    it(`reads ${typed.slice(0, 40)} as one plain address`, () => assert.equal(plainAddress(typed), address))

  it('AC-71: takes nothing else', () => {
    for (const typed of bad) assert.equal(plainAddress(typed), undefined, JSON.stringify(typed))
  })

  it('AC-71: gives out only what mail programs read as one address, and gives the same for it again', () => {
    const piece = fc.constantFrom(
      ...'abZ09.-_@+\'"<>()[],;:\\ \r\n\t%!=?`{}|~üß例。\u200b\u202e\u0000'.split(''),
      'xn--',
    )
    const typed = fc.oneof(
      fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
      fc.tuple(fc.emailAddress(), fc.array(piece, { maxLength: 3 })).map(([address, more]) => address + more.join('')),
      fc.tuple(fc.string(), fc.domain()).map(([local, domain]) => `${local}@${domain}`),
    )
    fc.assert(
      fc.property(typed, (text) => {
        const address = plainAddress(text)
        if (address === undefined) return
        assert.match(address, /^[\w#$&'*+/=?^`{|}~.-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+$/)
        assert.ok(address.length <= 254)
        assert.equal(plainAddress(address), address)
        assert.deepEqual(
          addressparser(address).map((one) => one.address),
          [address],
        )
      }),
      { numRuns: 3000 },
    )
  })

  it('AC-94: takes no longer for what was made to take long', () => {
    const long: readonly string[] = [
      'a'.repeat(2_000_000),
      `${'a.'.repeat(126)}@`,
      `${'a'.repeat(64)}@${'a-'.repeat(90)}`,
      `a@${'a.'.repeat(126)}`,
      `a@${'ü.'.repeat(126)}`,
      `a@${'-'.repeat(252)}`,
      `${'='.repeat(253)}@`,
      '@'.repeat(254),
    ]
    const elapsed = stopwatch()
    for (const text of long) for (let round = 0; round < 200; round += 1) plainAddress(text)
    assert.ok(elapsed() < 2000, `${elapsed()} ms`)
  })

  it('AC-50: masks every address to the same length, but for its last label', () => {
    assert.equal(maskedAddress('anna@example.com'), 'a•••@e•••.com')
    assert.equal(maskedAddress('a.very.long.name.indeed@a-very-long-domain.co.uk'), 'a•••@a•••.uk')
    assert.equal(maskedAddress('a@b.com'), 'a•••@b•••.com')
  })

  it('tells no capitals apart', () => {
    assert.ok(isSameAddress('Bob@example.com', 'bob@example.com'))
    assert.ok(!isSameAddress('bob@example.com', 'bob@example.org'))
  })
})
