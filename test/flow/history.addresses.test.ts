import assert from 'node:assert/strict'
import { remembering } from './historian.ts'
import { race, START } from './tools.ts'

describe('flow/history: accounts of one address', () => {
  it('are counted once each within an hour, by subscriber', async () => {
    const { history, advance, operations } = remembering()
    const { countAccount } = history
    assert.equal(await countAccount('192.0.2.1', 'alice'), 1)
    assert.equal(await countAccount('192.0.2.1', 'bob'), 2)
    operations.length = 0
    assert.equal(await countAccount('192.0.2.1', 'alice'), 2)
    assert.deepEqual(operations, ['get'])
    assert.equal(await countAccount('::ffff:192.0.2.1', 'carol'), 3)
    assert.equal(await countAccount('192.0.2.2', 'alice'), 1)
    assert.equal(await countAccount('2001:db8::1', 'alice'), 1)
    assert.equal(await countAccount('2001:db8:0:0:ffff::2', 'bob'), 2)
    advance(3599)
    assert.equal(await countAccount('192.0.2.1', 'alice'), 3)
    advance(1)
    assert.equal(await countAccount('192.0.2.1', 'dave'), 2)
  })

  it('AC-37: stay counted where the clock goes back', async () => {
    const { history, advance } = remembering()
    await history.countAccount('192.0.2.1', 'alice')
    advance(-3599)
    assert.equal(await history.countAccount('192.0.2.1', 'bob'), 2)
  })

  it('are counted to 50, and all of those who come at once', async () => {
    const { history, vault, keys } = remembering()
    const counts = await race(30, (n) => history.countAccount('192.0.2.1', `a${n}`))
    assert.equal(Math.max(...counts), 30)
    for (let n = 0; n < 40; n += 1) await history.countAccount('192.0.2.1', `b${n}`)
    assert.equal(await history.countAccount('192.0.2.1', 'c'), 50)
    const [key] = keys
    assert.ok(key)
    const { value } = await vault.read<{ accounts: unknown[] }>(key)
    assert.equal(value?.accounts.length, 50)
    for (const hidden of ['192.0.2.1', '"b39"']) assert.ok(!JSON.stringify([key, value]).includes(hidden))
  })

  it('AC-37: count as 50 where too many come at once to be counted', async () => {
    const { store, history } = remembering()
    store.put = async () => false
    assert.equal(await history.countAccount('192.0.2.1', 'alice'), 50)
    await assert.rejects(history.learn('alice', { at: START }), { code: 'ERR_CONTENTION' })
  })
})
