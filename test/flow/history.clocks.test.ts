import assert from 'node:assert/strict'
import { CHROME, DAY, LIFE, remembering } from './historian.ts'
import { START } from './tools.ts'

describe('flow/history: clocks that jump', () => {
  it('AC-37: back: no browser is known that was used later, until then', async () => {
    const { history, learn, cookieOf, device, advance } = remembering()
    const cookie = await learn()
    advance(-61)
    assert.equal(await cookieOf(cookie), 'unknown')
    assert.equal((await device({ userAgent: CHROME })).userAgent, 'unknown')
    assert.equal((await history.read('alice', {})).lastLogin?.at, START)
    advance(1)
    assert.equal(await cookieOf(cookie), 'known')
  })

  it('AC-37: back: a browser that was forgotten does not come back', async () => {
    const { learn, cookieOf, advance } = remembering()
    const old = await learn()
    advance(LIFE - 1)
    await learn()
    advance(2)
    assert.equal(await cookieOf(old), 'unknown')
    advance(-DAY)
    assert.equal(await cookieOf(old), 'unknown')
    await learn()
    assert.equal(await cookieOf(old), 'unknown')
  })

  it('AC-37: forward and back: what was learned ahead makes no browser live longer', async () => {
    const { history, learn, cookieOf, advance } = remembering()
    advance(300 * DAY)
    const ahead = await learn()
    advance(-300 * DAY)
    assert.equal(await cookieOf(ahead), 'unknown')
    const now = await learn({ deviceCookie: ahead })
    assert.notEqual(now, ahead)
    assert.deepEqual((await history.read('alice', {})).lastLogin?.at, START)
    assert.equal(await cookieOf(now), 'known')
    advance(300 * DAY)
    assert.equal(await cookieOf(ahead), 'unknown')
  })

  it('a sign-in that is still to come counts as now', async () => {
    const { history, learn } = remembering()
    const cookie = await learn({ at: START + DAY })
    const { device, lastLogin } = await history.read('alice', { deviceCookie: cookie })
    assert.deepEqual([device.cookie, lastLogin?.at], ['known', START])
  })
})
