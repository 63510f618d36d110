import assert from 'node:assert/strict'
import { createSealer } from '../../src/crypto/seal.ts'
import { createAccountRecords } from '../../src/flow/account-record.ts'
import { createVault } from '../../src/flow/vault.ts'
import { memoryStore } from '../../src/store/memory.ts'

const KEY = { kind: 'ledger', accountId: 'bob', id: 'session' }
const sealer = createSealer([Buffer.alloc(32, 7).toString('base64url')])
const clock = () => 1_800_000_000

describe('faults: two releases side by side', () => {
  it('F-14: a short-lived record of another form stands for nothing, and is begun anew', async () => {
    const store = memoryStore({ clock })
    const vault = createVault(store, sealer, clock)
    const later = JSON.stringify({ format: 2, value: { events: [] }, expiresAt: clock() + 600 })
    const text = sealer.seal(later, [KEY.kind, KEY.accountId, KEY.id])
    await store.put(KEY, text, { expectedVersion: null, ttlSeconds: 600 })
    const slot = await vault.read(KEY)
    assert.equal(slot.value, undefined)
    assert.ok(await vault.write(KEY, slot, { events: ['new'] }, clock() + 600))
    assert.deepEqual((await vault.read(KEY)).value, { events: ['new'] })
    await store.delete(KEY)
    await store.put(KEY, text, { expectedVersion: null, ttlSeconds: 600 })
    assert.equal(await vault.take(KEY), undefined)
  })

  it("F-14: an account's record of another form is neither read nor written over", async () => {
    const store = memoryStore({ clock })
    const records = createAccountRecords(store, sealer)
    const text = sealer.seal(JSON.stringify({ format: 2, authenticators: 'elsewhere' }), ['account', 'bob'])
    await store.save('bob', text, null)
    await assert.rejects(records.load('bob'), { code: 'ERR_STORE', message: /another release/ })
    await assert.rejects(
      records.update('bob', (record) => ({ ...record, authenticators: [] })),
      { code: 'ERR_STORE' },
    )
    assert.equal((await store.load('bob'))?.record, text)
  })

  it("F-14: an old key's record of another form is not put under the new key either", async () => {
    const store = memoryStore({ clock })
    const newer = createSealer([Buffer.alloc(32, 8), Buffer.alloc(32, 7)].map((key) => key.toString('base64url')))
    const text = sealer.seal(JSON.stringify({ format: 2, authenticators: 'elsewhere' }), ['account', 'bob'])
    await store.save('bob', text, null)
    await assert.rejects(createAccountRecords(store, newer).load('bob'), { code: 'ERR_STORE' })
    assert.equal((await store.load('bob'))?.record, text)
  })
})
