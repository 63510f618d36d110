import assert from 'node:assert/strict'
import { scryptSync } from 'node:crypto'
import { randomToken } from '../../src/crypto/random.ts'
import { isHashingBusy, slowHash } from '../../src/crypto/slow-hash.ts'
import { useFullHashes } from '../support/hashes.ts'
import { sourcesWith } from './sources.ts'

describe('crypto/slow-hash', () => {
  useFullHashes()

  it('is scrypt with N = 2^14, r = 8, p = 1 and 32 bytes', async () => {
    const salt = randomToken(16)
    const cost = { N: 16_384, r: 8, p: 1, maxmem: 2 ** 26 }
    const expected = scryptSync('7K2M9QXDH3PTW8VE', Buffer.from(salt, 'base64url'), 32, cost)
    assert.equal(await slowHash('7K2M9QXDH3PTW8VE', salt), expected.toString('base64url'))
  })

  it('differs with the secret and with the salt', async () => {
    const [salt, other] = [randomToken(16), randomToken(16)]
    const hashes = await Promise.all([slowHash('A', salt), slowHash('B', salt), slowHash('A', other)])
    assert.equal(new Set(hashes).size, 3)
    assert.equal(isHashingBusy(), false)
  })

  it('is computed here and for the passwords of serve, nowhere else', () => {
    assert.deepEqual(sourcesWith(/\bscrypt\w*\(/, 'crypto/slow-hash.ts', 'cli/password.ts'), [])
  })
})
