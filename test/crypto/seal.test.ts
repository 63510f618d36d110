import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { createSealer } from '../../src/crypto/seal.ts'
import { StepUpError } from '../../src/errors.ts'

const newKey = (): string => randomBytes(32).toString('base64url')
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'
const PLACE = ['ledger', 'account', 'id']
const SEAL_ERROR = { name: 'StepUpError', code: 'ERR_SEAL', message: 'a sealed record could not be opened' }

const text = fc.string({ unit: 'binary', maxLength: 200 })
const aad = fc.array(fc.string({ unit: 'binary' }), { maxLength: 4 })

describe('crypto/seal', () => {
  const sealer = createSealer([newKey()])

  describe('sealing and opening', () => {
    it('opens what it has sealed for the same place', () => {
      fc.assert(
        fc.property(text, aad, (plain, place) => {
          assert.equal(sealer.open(sealer.seal(plain, place), place), plain)
        }),
      )
    })
    it('carries large records', () => {
      const plain = '用'.repeat(100_000)
      assert.equal(sealer.open(sealer.seal(plain, PLACE), PLACE), plain)
    })
    it('writes version, key id and one run of base64url', () => {
      const sealed = sealer.seal('{"secret":"JBSWY3DP"}', PLACE)
      assert.match(sealed, /^v1\.[\w-]{8}\.[\w-]+$/)
      assert.equal(Buffer.from(sealed.slice(12), 'base64url').length, 12 + 21 + 16)
      assert.ok(!Buffer.from(sealed.slice(12), 'base64url').includes('JBSWY3DP'))
    })
    it('never uses a nonce twice', () => {
      const nonces = Array.from({ length: 10_000 }, () => sealer.seal('', PLACE).slice(12, 28))
      assert.equal(new Set(nonces).size, nonces.length)
    })
    it('is frozen and holds functions, beside the names of its keys', () => {
      assert.ok(Object.isFrozen(sealer))
      const { keyIds, ...rest } = sealer
      assert.ok(Object.isFrozen(keyIds) && keyIds.every((id) => /^[\w-]{8}$/.test(id)))
      assert.ok(Object.values(rest).every((member) => typeof member === 'function'))
    })
  })

  describe('refusing to open', () => {
    it('AC-75: refuses a record with any one character changed', () => {
      fc.assert(
        fc.property(text, fc.nat(), fc.nat(), (plain, position, shift) => {
          const sealed = sealer.seal(plain, PLACE)
          const at = position % sealed.length
          const others = ALPHABET.replace(sealed.charAt(at), '')
          const altered = sealed.slice(0, at) + others.charAt(shift % others.length) + sealed.slice(at + 1)
          assert.throws(() => sealer.open(altered, PLACE), SEAL_ERROR)
        }),
        { numRuns: 500 },
      )
    })
    it('AC-75: refuses every other last character, whose low bits decoding drops', () => {
      for (const plain of ['a', 'ab', 'abc']) {
        const sealed = sealer.seal(plain, PLACE)
        for (const other of ALPHABET.replace(sealed.slice(-1), '')) {
          assert.throws(() => sealer.open(sealed.slice(0, -1) + other, PLACE), SEAL_ERROR)
        }
      }
    })
    it('AC-75: refuses a record cut or lengthened anywhere', () => {
      const sealed = sealer.seal('plain', PLACE)
      for (let length = 0; length < sealed.length; length += 1) {
        assert.throws(() => sealer.open(sealed.slice(0, length), PLACE), SEAL_ERROR)
        assert.throws(() => sealer.open(sealed.slice(length + 1), PLACE), SEAL_ERROR)
      }
      for (const tail of ['A', '=', '.', '\n', ' ']) {
        assert.throws(() => sealer.open(sealed + tail, PLACE), SEAL_ERROR)
      }
    })
    it('AC-75: refuses a record moved to another place', () => {
      fc.assert(
        fc.property(aad, aad, (here, there) => {
          fc.pre(JSON.stringify(here) !== JSON.stringify(there))
          assert.throws(() => sealer.open(sealer.seal('plain', here), there), SEAL_ERROR)
        }),
      )
    })
    it('AC-75: refuses a place whose fields only slid', () => {
      const sealed = sealer.seal('plain', ['ab', 'c'])
      for (const place of [['a', 'bc'], ['abc'], ['abc', ''], ['', 'abc'], ['ab', 'c', ''], ['c', 'ab'], []]) {
        assert.throws(() => sealer.open(sealed, place), SEAL_ERROR)
      }
    })
    it('refuses a record of an unknown key, and one relabeled with a known key', () => {
      const foreign = createSealer([newKey()]).seal('plain', PLACE)
      const relabeled = sealer.seal('', PLACE).slice(0, 12) + foreign.slice(12)
      assert.throws(() => sealer.open(foreign, PLACE), SEAL_ERROR)
      assert.throws(() => sealer.open(relabeled, PLACE), SEAL_ERROR)
    })
    it('refuses garbage', () => {
      fc.assert(fc.property(text, (garbage) => assert.throws(() => sealer.open(garbage, PLACE), SEAL_ERROR)))
      const label = sealer.seal('', PLACE).slice(0, 12)
      for (const body of ['', 'A', 'A'.repeat(36), 'A'.repeat(38), 'é'.repeat(40)]) {
        assert.throws(() => sealer.open(label + body, PLACE), SEAL_ERROR)
      }
    })
    it('tells nothing about the cause', () => {
      try {
        sealer.open('v1.garbage', PLACE)
        assert.fail('opened')
      } catch (error) {
        assert.ok(error instanceof StepUpError)
        assert.equal(error.cause, undefined)
      }
    })
  })

  describe('the key ring', () => {
    const [older, newer] = [newKey(), newKey()]

    it('AC-78: seals with the first key and opens with all', () => {
      const old = createSealer([older]).seal('plain', PLACE)
      const rotated = createSealer([newer, older])
      assert.equal(rotated.open(old, PLACE), 'plain')
      assert.equal(createSealer([newer]).open(rotated.seal('plain', PLACE), PLACE), 'plain')
      assert.throws(() => createSealer([newer]).open(old, PLACE), SEAL_ERROR)
    })
    it('takes base64 and base64url, padded or not, as the same key', () => {
      const bytes = Buffer.alloc(32, 0xfb)
      const sealed = createSealer([bytes.toString('base64url')]).seal('plain', PLACE)
      for (const key of [bytes.toString('base64'), `${bytes.toString('base64url')}=`]) {
        assert.equal(createSealer([key]).open(sealed, PLACE), 'plain')
      }
    })
    it('refuses an empty ring', () => {
      assert.throws(() => createSealer([]), {
        code: 'ERR_CONFIG',
        message: /^sealingKeys\[0\] .*; make one with: node -p/,
      })
    })
    it('refuses keys of another form, naming the place and never the key', () => {
      const wrong = [
        '',
        'secret',
        randomBytes(31).toString('base64url'),
        randomBytes(33).toString('base64url'),
        randomBytes(32).toString('hex'),
        ` ${newKey()}`,
        `${newKey()}\n`,
        newKey().replace(/.$/, '!'),
        undefined,
        null,
        42,
      ]
      for (const key of wrong as string[]) {
        assert.throws(
          () => createSealer([newer, key]),
          (error: StepUpError) => {
            assert.equal(error.code, 'ERR_CONFIG')
            assert.match(
              error.message,
              /^sealingKeys\[1\] must be 32 random bytes in base64url; make one with: node -p/,
            )
            assert.ok(!key || !error.message.includes(key))
            return true
          },
        )
      }
    })
    it('refuses a key given twice, in whatever form', () => {
      const again = Buffer.from(older, 'base64url').toString('base64')
      assert.throws(() => createSealer([newer, older, again]), {
        code: 'ERR_CONFIG',
        message: /^sealingKeys\[2\] repeats sealingKeys\[1\]; make one with/,
      })
    })
    it('names a recipe that makes a good key', () => {
      assert.throws(
        () => createSealer([]),
        (error: StepUpError) => {
          const expression = /node -p "(.*)"$/.exec(error.message)?.[1]
          assert.equal(expression, "require('crypto').randomBytes(32).toString('base64url')")
          return true
        },
      )
    })
  })

  describe('deriving', () => {
    const [older, newer] = [newKey(), newKey()]

    it('gives the same 32 bytes for the same purpose, in every process with that key', () => {
      const bytes = createSealer([older]).deriveAll('csrf')[0]
      assert.equal(bytes.length, 32)
      assert.deepEqual(createSealer([older]).deriveAll('csrf')[0], bytes)
    })
    it('gives other bytes for another purpose and another first key', () => {
      const ring = createSealer([older, newer])
      const all = [
        ring.deriveAll('csrf')[0],
        ring.deriveAll('other')[0],
        ring.deriveAll('')[0],
        createSealer([newer, older]).deriveAll('csrf')[0],
      ]
      assert.equal(new Set(all.map((bytes) => Buffer.from(bytes).toString('hex'))).size, all.length)
    })
    it('never gives the sealing key itself', () => {
      const own = Buffer.from(older, 'base64url')
      for (const purpose of ['', 'cipher', 'key id']) {
        assert.notDeepEqual(Buffer.from(createSealer([older]).deriveAll(purpose)[0]), own)
      }
    })
  })
})
