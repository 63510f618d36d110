import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import type { Accounts } from '../../src/store/accounts.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { accountsSuite } from '../../src/testing/index.ts'
import { collect, failures } from './collect.ts'

/** What the suite says about accounts that differ from good ones in one way. */
const verdict = (spoil: (good: Accounts) => Partial<Accounts>): Promise<string[]> =>
  failures(
    collect(() =>
      accountsSuite('spoiled', () => {
        const good = memoryStore()
        return { store: { ...good, ...spoil(good) } }
      }),
    ),
  )

describe('testing/accounts-suite', () => {
  it('passes good accounts', async () => {
    assert.deepEqual(await verdict(() => ({})), [])
  })

  const faults: Record<string, [RegExp, (good: Accounts) => Partial<Accounts>]> = {
    'save whatever the version': [
      /only over that version/,
      (good) => ({
        save: async (accountId, record) => good.save(accountId, record, (await good.load(accountId))?.version ?? null),
      }),
    ],
    'compare and set in two steps': [
      /over the same version win/,
      (good) => ({
        save: async (accountId, record, expectedVersion) => {
          const version = (await good.load(accountId))?.version ?? null
          await turn()
          if (version !== expectedVersion) return false
          return good.save(accountId, record, (await good.load(accountId))?.version ?? null)
        },
      }),
    ],
    'keep the version of an unchanged record': [
      /also when the record is the same/,
      (good) => ({
        save: async (accountId, record, expectedVersion) => {
          const present = await good.load(accountId)
          if (present?.record === record && present.version === expectedVersion) return true
          return good.save(accountId, record, expectedVersion)
        },
      }),
    ],
    'let the last claim win': [
      /refuses it to another/,
      (good) => ({
        claim: async (key, accountId) => {
          await good.release(key)
          return good.claim(key, accountId)
        },
      }),
    ],
    'refuse the owner': [
      /claims again/,
      (good) => ({
        claim: async (key, accountId) => (await good.owner(key)) === undefined && good.claim(key, accountId),
      }),
    ],
    'claim in two steps': [
      /accounts win a claim/,
      (good) => ({
        claim: async (key, accountId) => {
          const owner = await good.owner(key)
          await turn()
          return owner === undefined || owner === accountId
        },
      }),
    ],
    'never release': [/frees a key/, () => ({ release: async () => undefined })],
    'fail to release what is not claimed': [
      /frees a key/,
      (good) => ({
        release: async (key) => {
          if ((await good.owner(key)) === undefined) throw new Error('not claimed')
          return good.release(key)
        },
      }),
    ],
    'cut long keys': [
      /odd characters apart/,
      (good) => ({ claim: (key, accountId) => good.claim(key.slice(0, 1024), accountId) }),
    ],
    'compare identifiers without accents': [
      /odd identifiers apart/,
      (good) => ({
        save: (accountId, record, expectedVersion) => good.save(accountId.normalize(), record, expectedVersion),
      }),
    ],
  }
  for (const [fault, [title, spoil]] of Object.entries(faults)) {
    it(`fails accounts that ${fault}`, async () => {
      const failed = await verdict(spoil)
      assert.ok(
        failed.some((each) => title.test(each)),
        `failed only: ${failed.join(', ')}`,
      )
    })
  }
})
