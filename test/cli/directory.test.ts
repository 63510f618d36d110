import assert from 'node:assert/strict'
import { scryptSync } from 'node:crypto'
import type { AccountSource } from '../../src/cli/config.ts'
import { openDirectory } from '../../src/cli/directory.ts'
import { hashPassword, verifyPassword } from '../../src/cli/password.ts'
import { systemClock } from '../../src/clock.ts'
import { useFullHashes } from '../support/hashes.ts'

describe('cli/directory', () => {
  it('signs listed people in, whatever the case of the user name, and nobody else', async () => {
    const directory = await openDirectory(
      [
        { id: '1', username: 'Alice', password: 'right', name: 'Alice A.' },
        { id: '2', username: 'bob', password: 'right', disabled: true },
      ],
      systemClock,
    )
    assert.deepEqual(await directory.signIn(' ALICE ', 'right'), { outcome: 'accepted', accountId: '1' })
    for (const [username, password] of [
      ['Alice', 'wrong'],
      ['Alice', ''],
      ['bob', 'right'],
      ['nobody', 'right'],
      ['nobody', ''],
      ['__proto__', 'right'],
    ] as const) {
      assert.deepEqual(await directory.signIn(username, password), { outcome: 'refused' })
    }
    const found = await directory.find('1')
    assert.deepEqual(found, { id: '1', label: 'Alice', name: 'Alice A.' })
    assert.equal(await directory.find('3'), undefined)
    const hints = [' ALICE ', 'bob', '1', '__proto__', '']
    const identified = await Promise.all(hints.map((hint) => directory.identify(hint)))
    assert.deepEqual(identified, ['1', '2', undefined, undefined, undefined])
  })

  it('takes a hint for the account id, unless the user database knows better', async () => {
    const source: AccountSource = { authenticate: () => undefined, find: () => undefined }
    assert.equal(await (await openDirectory(source, systemClock)).identify('7'), '7')
    const knowing: AccountSource = { ...source, identify: async (hint) => (hint === 'carol' ? '7' : undefined) }
    const directory = await openDirectory(knowing, systemClock)
    assert.deepEqual([await directory.identify('carol'), await directory.identify('7')], ['7', undefined])
  })

  it('asks a user database and holds the guesses for it', async () => {
    const asked: string[] = []
    const source: AccountSource = {
      authenticate: (username, password) => {
        asked.push(username)
        return password === 'right' ? 'id' : undefined
      },
      find: (id) => ({ id, label: 'somebody' }),
    }
    const directory = await openDirectory(source, systemClock)
    assert.deepEqual(await directory.signIn('Zoë', 'right'), { outcome: 'accepted', accountId: 'id' })
    for (let guess = 0; guess < 10; guess += 1) await directory.signIn('zoë', 'wrong')
    assert.deepEqual(await directory.signIn('ZOË', 'right'), { outcome: 'throttled', waitSeconds: 15 })
    assert.equal(asked.length, 11)
    assert.equal(asked[0], 'Zoë')
  })

  it('does not count a guess that the user database could not judge', async () => {
    const source: AccountSource = {
      authenticate: async () => {
        throw new Error('database is away')
      },
      find: () => undefined,
    }
    const directory = await openDirectory(source, systemClock)
    for (let guess = 0; guess < 12; guess += 1) await assert.rejects(directory.signIn('zoë', 'x'), /database is away/)
  })
})

describe('cli/password', () => {
  useFullHashes()

  it('is scrypt with N = 2^14, r = 8, p = 5 and 32 bytes', async () => {
    const { salt, key } = await hashPassword('Zoë')
    assert.deepEqual(key, scryptSync('Zo\u00eb', salt, 32, { N: 16_384, r: 8, p: 5, maxmem: 2 ** 26 }))
  })

  it('knows its password in any Unicode form, salts each hash, and keeps no plain text', async () => {
    const [one, other] = await Promise.all([hashPassword('Zoë'), hashPassword('Zoë')])
    assert.ok(!one.key.equals(other.key))
    assert.equal(await verifyPassword('Zoe\u0308', one), true)
    assert.equal(await verifyPassword('zoë', one), false)
    assert.equal(
      Object.values(one).some((part) => String(part).includes('Zoë')),
      false,
    )
  })

  it('lets names that are turned away unlooked push nobody out of the throttle', async () => {
    let open = true
    const waiting: (() => void)[] = []
    const source: AccountSource = {
      authenticate: async () => {
        if (!open) await new Promise<void>((resolve) => waiting.push(resolve))
        return undefined
      },
      find: () => undefined,
    }
    const directory = await openDirectory(source, () => 1000)
    for (let guess = 0; guess < 12; guess += 1) await directory.signIn('victim', 'x')
    open = false
    const hanging = Array.from({ length: 66 }, (_none, index) => directory.signIn(`slow${index}`, 'x'))
    for (let name = 0; name < 10_000; name += 1) await directory.signIn(`made-up${name}`, 'x')
    open = true
    const drain = setInterval(() => {
      for (const go of waiting.splice(0)) go()
    }, 1)
    await Promise.all(hanging)
    clearInterval(drain)
    assert.equal((await directory.signIn('victim', 'x')).outcome, 'throttled')
  })
})
