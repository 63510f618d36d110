import assert from 'node:assert/strict'
import { desk, furnish } from './desk.ts'

describe('flow/overview', () => {
  it('AC-70c: shows no remembered browser after a new password or a new factor', async () => {
    const at = desk()
    await furnish(at)
    const shown = async () => (await at.mfa.list('alice')).browsers.length
    assert.equal(await shown(), 1)
    at.accounts.set('alice', { id: 'alice', label: 'alice', securityStamp: 'after a new password' })
    assert.equal(await shown(), 0)
    at.accounts.set('alice', { id: 'alice', label: 'alice' })
    assert.equal(await shown(), 1)
    await at.records.update('alice', (record) => ({ ...record, factorsVersion: 'after a new phone' }))
    assert.equal(await shown(), 0)
  })
})
