import assert from 'node:assert/strict'
import { randomToken } from '../../src/crypto/random.ts'
import type { SignIn } from '../../src/flow/history.ts'
import { BERLIN, CHROME, DAY, FIREFOX, KEY, LIFE, remembering } from './historian.ts'
import { meetingOf, plant, race, START, textAt } from './tools.ts'

describe('flow/history', () => {
  it('knows nothing of an account that never signed in', async () => {
    const { history } = remembering()
    const past = await history.read('alice', { deviceCookie: randomToken(), userAgent: CHROME })
    assert.deepEqual(past, { device: { cookie: 'unknown', userAgent: 'unknown', known: 0 }, lastLogin: undefined })
  })

  it('knows a browser by its cookie and its kind, and when and where the last sign-in was', async () => {
    const { history, learn, advance } = remembering()
    const more = { city: 'Berlin', asn: 3320, organization: 'Telekom', networks: [] as const }
    const deviceCookie = await learn({ location: { ...BERLIN, ...more } })
    assert.match(deviceCookie, /^[\w-]{43}$/)
    advance(DAY)
    const newer = CHROME.replace('126.0', '127.0')
    const { device, lastLogin } = await history.read('alice', { deviceCookie, userAgent: newer })
    assert.deepEqual(device, { cookie: 'known', userAgent: 'known', known: 1 })
    assert.deepEqual(lastLogin, { at: START, location: BERLIN })
  })

  it('judges the kind of browser by the one that the cookie names, else by all', async () => {
    const { learn, device, advance } = remembering()
    const chrome = await learn()
    advance(1)
    await learn({ userAgent: FIREFOX })
    assert.equal((await device({ deviceCookie: chrome, userAgent: FIREFOX })).userAgent, 'unknown')
    assert.deepEqual(await device({ userAgent: FIREFOX }), { cookie: 'unknown', userAgent: 'known', known: 2 })
  })

  it('AC-37: no word, and no kind of browser at all, is known', async () => {
    const { learn, device } = remembering()
    await learn({ userAgent: undefined })
    await learn({ userAgent: '' })
    for (const userAgent of [undefined, '', 'curl/8.0'])
      assert.equal((await device({ userAgent })).userAgent, 'unknown')
  })

  it('reads once, and learns with one reading and one writing', async () => {
    const { history, learn, operations } = remembering()
    const deviceCookie = await learn()
    assert.deepEqual(operations.splice(0), ['get', 'put'])
    await history.read('alice', { deviceCookie, userAgent: CHROME })
    assert.deepEqual(operations, ['get'])
  })

  it('writes nothing where nothing is new within five minutes', async () => {
    const { learn, operations, advance } = remembering()
    const deviceCookie = await learn()
    advance(299)
    operations.length = 0
    assert.equal(await learn({ deviceCookie }), deviceCookie)
    assert.deepEqual(operations.splice(0), ['get'])
    const changes: readonly Partial<SignIn>[] = [
      { userAgent: FIREFOX },
      { location: { ...BERLIN, latitude: 48 } },
      { location: undefined },
      { deviceCookie: undefined },
    ]
    for (const change of changes) {
      await learn({ deviceCookie, ...change })
      assert.deepEqual(operations.splice(0), ['get', 'put'], JSON.stringify(change))
    }
    advance(300)
    await learn({ deviceCookie })
    assert.deepEqual(operations, ['get', 'put'])
  })

  describe('cookies', () => {
    it('keep their value while they are known; every use begins their life anew', async () => {
      const { history, learn, cookieOf, advance } = remembering()
      const first = await learn()
      advance(LIFE - 1)
      const again = await history.learn('alice', { deviceCookie: first, userAgent: CHROME, at: START + LIFE - 1 })
      assert.deepEqual(again, { value: first, until: START + LIFE - 1 + LIFE })
      advance(LIFE - 1)
      assert.equal(await cookieOf(first), 'known')
      advance(1)
      assert.equal(await cookieOf(first), 'unknown')
    })

    it('AC-37: are never taken over from a browser: not planted, forgotten, malformed or of another account', async () => {
      const { history, learn, cookieOf, advance } = remembering()
      const mallory = await learn({}, 'mallory')
      const old = await learn()
      advance(LIFE)
      const forgotten = await learn({}, 'carol')
      await history.forget('carol')
      for (const deviceCookie of [mallory, randomToken(), old, 'x', '', `${mallory}x`, '../alice', forgotten]) {
        const value = await learn({ deviceCookie })
        assert.notEqual(value, deviceCookie)
        assert.equal(await cookieOf(value), 'known')
        assert.equal(await cookieOf(deviceCookie), 'unknown')
      }
      assert.equal(await cookieOf(mallory, 'carol'), 'unknown')
    })

    it('are in no record, nor is a record of use to another account', async () => {
      const { store, vault, sealer, learn, history } = remembering()
      const cookie = await learn()
      const text = await textAt(store, KEY)
      const opened = sealer.open(text, [KEY.kind, KEY.accountId, KEY.id])
      for (const secret of [cookie, 'Chrome']) assert.ok(!opened.includes(secret))
      await plant(store, { ...KEY, accountId: 'bob' }, text)
      const { device, lastLogin } = await history.read('bob', { deviceCookie: cookie, userAgent: CHROME })
      assert.deepEqual([device.cookie, device.known, lastLogin], ['unknown', 0, undefined])
      // Even one who could seal it anew would not have moved the browser.
      const { value } = await vault.read<object>(KEY)
      await history.forget('bob')
      await vault.write({ ...KEY, accountId: 'bob' }, { version: null }, value, START + DAY)
      assert.equal((await history.read('bob', { deviceCookie: cookie })).device.cookie, 'unknown')
    })
  })

  it('keeps 20 browsers; the one that was not used for longest gives way', async () => {
    const { learn, cookieOf, device, advance } = remembering()
    const cookies: string[] = []
    for (let n = 0; n < 20; n += 1) {
      advance(1)
      cookies.push(await learn())
    }
    const [first = '', second = '', third = ''] = cookies
    advance(300)
    await learn({ deviceCookie: first })
    const late = await learn({ at: START })
    assert.equal((await device()).known, 20)
    assert.deepEqual(await Promise.all([first, second, third, late].map((one) => cookieOf(one))), [
      'known',
      'unknown',
      'known',
      'known',
    ])
  })

  it('loses nothing of two tabs that learn at once', async () => {
    const meet = meetingOf(4)
    let gets = 0
    const { learn, cookieOf, device } = remembering(30, {
      onGet: async () => {
        gets += 1
        if (gets <= 4) await meet()
      },
    })
    const cookies = await race(4, () => learn())
    assert.equal(new Set(cookies).size, 4)
    for (const cookie of cookies) assert.equal(await cookieOf(cookie), 'known')
    assert.equal((await device()).known, 4)
  })

  it('of sign-ins that are written out of order the later one counts', async () => {
    const { history, learn, advance } = remembering()
    advance(100)
    await learn()
    await learn({ at: START, location: undefined })
    assert.deepEqual((await history.read('alice', {})).lastLogin, { at: START + 100, location: BERLIN })
  })

  it('tells the last sign-in for 400 days', async () => {
    const { history, learn, advance } = remembering()
    await learn()
    advance(400 * DAY - 1)
    assert.equal((await history.read('alice', {})).lastLogin?.at, START)
    advance(1)
    assert.equal((await history.read('alice', {})).lastLogin, undefined)
  })

  it('forgets', async () => {
    const { history, learn, cookieOf } = remembering()
    const cookie = await learn()
    await history.forget('alice')
    assert.equal(await cookieOf(cookie), 'unknown')
    assert.equal((await history.read('alice', {})).lastLogin, undefined)
  })

  it('fails as the store does', async () => {
    const { history, store } = remembering()
    const gone = () => Promise.reject(new Error('gone'))
    Object.assign(store, { get: gone, put: gone, delete: gone })
    const all = [
      history.read('alice', {}),
      history.learn('alice', { at: START }),
      history.countAccount('192.0.2.1', 'alice'),
      history.forget('alice'),
    ]
    for (const one of all) await assert.rejects(one, { code: 'ERR_STORE' })
  })

  it('remembers browsers for as many days as it is told, from 1 to 365', async () => {
    const { learn, cookieOf, advance } = remembering(1)
    const cookie = await learn()
    advance(DAY - 1)
    assert.equal(await cookieOf(cookie), 'known')
    advance(1)
    assert.equal(await cookieOf(cookie), 'unknown')
    for (const days of [0, 366, 1.5, Number.NaN])
      assert.throws(() => remembering(days), { code: 'ERR_CONFIG', message: /^rememberDeviceDays: found/ })
  })
})
