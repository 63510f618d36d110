import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { fill } from '../journeys/flows.ts'
import { isAnswer, signIn } from '../support/relying-party.ts'
import { cookieOf, DEVICE, PEOPLE, told, useAdapterHost, withCookie } from './adapter-host.ts'
import { keysOn } from './redis-subject.ts'

const PARALLEL = 10

/** One was served, and every other was told so and nothing else. */
const assertOne = (answers: readonly string[]) =>
  assert.deepEqual([...answers].sort(), [...Array(answers.length - 1).fill('invalid_grant'), 'ok'])

const times = <T>(count: number, work: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_none, index) => work(index))

describe('store/redis-adapter, under a provider', () => {
  const { bench, signedIn, tokensOf, isActive, userinfo, refreshed, silently } = useAdapterHost()

  describe('what is redeemed once', () => {
    it('gives one of ten parallel requests tokens for a code; used again, all of its tokens end', async () => {
      const { person, page, redeem } = await signedIn()
      const works = times(PARALLEL, () => redeem(page.url))
      assertOne(await told(works))
      const [won] = (await Promise.allSettled(works)).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      assert.deepEqual(await told([redeem(page.url)]), ['invalid_grant'])
      assert.equal(await isActive(person, won?.tokens.access_token ?? ''), false)
      assert.equal(await userinfo(won?.tokens.access_token ?? ''), 401)
      assert.deepEqual(await told([refreshed(person, won?.tokens.refresh_token ?? '')]), ['invalid_grant'])
    })

    it('rotates a refresh token for one of ten parallel requests', async () => {
      const { person, refresh } = await tokensOf()
      const works = times(PARALLEL, () => refreshed(person, refresh))
      assertOne(await told(works))
      assert.deepEqual(await told([refreshed(person, refresh)]), ['invalid_grant'])
    })

    it('rotates a refresh token again and again, each time for the last one only', async () => {
      const { person, refresh } = await tokensOf()
      const chain = [refresh]
      for (let round = 0; round < 4; round += 1)
        chain.push((await refreshed(person, chain.at(-1) ?? '')).refresh_token ?? '')
      assert.equal(new Set(chain).size, 5)
      assert.ok(await isActive(person, chain.at(-1) ?? ''))
      for (const used of chain.slice(0, -1)) assert.equal(await isActive(person, used), false)
      assert.deepEqual(await told([refreshed(person, chain[2] ?? '')]), ['invalid_grant'])
      assert.deepEqual(await told([refreshed(person, chain.at(-1) ?? '')]), ['invalid_grant'])
    })

    it('gives a device its tokens once, after its owner has said yes', async () => {
      const { person } = await signedIn()
      const { config } = person.rp
      const device = await client.initiateDeviceAuthorization(config, { scope: 'openid' })
      const poll = () => client.genericGrantRequest(config, DEVICE, { device_code: device.device_code })
      assert.deepEqual(await told([poll()]), ['authorization_pending'])
      const asked = await person.browser.get(device.verification_uri)
      const confirm = await fill(person.browser, asked, { user_code: device.user_code.toLowerCase() })
      assert.equal(confirm.heading, 'Confirm Device')
      let page = await fill(person.browser, confirm, { confirm: 'yes' })
      if (page.heading === 'host login') page = await signIn(person.browser, page, 'bob')
      assert.equal(page.heading, 'Sign-in Success')
      assertOne(await told(times(PARALLEL, poll)))
      const again = await fill(person.browser, await person.browser.get(device.verification_uri), {
        user_code: device.user_code,
      })
      assert.notEqual(again.heading, 'Confirm Device', 'a redeemed user code opens nothing')
    })
  })

  describe('what ends', () => {
    it('ends the tokens bound to a session with it, at once', async () => {
      const { person, access, refresh, hint } = await tokensOf()
      const other = await tokensOf()
      assert.ok((await isActive(person, access)) && (await isActive(person, refresh)))
      const page = await person.browser.get(client.buildEndSessionUrl(person.rp.config, { id_token_hint: hint }))
      await fill(person.browser, page, { logout: 'yes' })
      for (const token of [access, refresh]) assert.equal(await isActive(person, token), false)
      assert.equal(await userinfo(access), 401)
      assert.deepEqual(await told([refreshed(person, refresh)]), ['invalid_grant'])
      assert.equal((await silently(person)).error, 'login_required')
      assert.ok(await isActive(other.person, other.access), 'at another browser all is as it was')
      assert.equal((await keysOn([bench.redis])).filter((name) => name.includes(':Session-uid:')).length, 1)
    })

    it('keeps the tokens bound to a session through its renewals', async () => {
      const { person, access } = await tokensOf()
      const before = cookieOf(person.browser, '_session')
      const { page } = await person.go({ prompt: 'login' })
      assert.ok(isAnswer(page))
      assert.notEqual(cookieOf(person.browser, '_session'), before)
      assert.equal(await userinfo(access), 200)
      const fixed = withCookie(bench.host.browser(), '_session', before)
      assert.equal((await silently({ rp: person.rp, browser: fixed })).error, 'login_required')
    })

    for (const which of ['an access token', 'a refresh token'])
      it(`ends a grant with ${which} that is revoked, and no other grant`, async () => {
        const [other, { person, access, refresh }] = [await tokensOf(), await tokensOf()]
        const { access_token: second, refresh_token: next = '' } = await refreshed(person, refresh)
        const active = () => Promise.all([access, second, next].map((token) => isActive(person, token)))
        assert.deepEqual(await active(), [true, true, true])
        await client.tokenRevocation(person.rp.config, which === 'an access token' ? access : next)
        assert.deepEqual(await active(), [false, false, false])
        assert.deepEqual([await userinfo(access), await userinfo(second)], [401, 401])
        assert.deepEqual(await told([refreshed(person, next)]), ['invalid_grant'])
        assert.equal(await userinfo(other.access), 200)
      })
  })

  it('AC-77: 40 people who sign in at once each get their own tokens', async () => {
    const subjects = await Promise.all(
      PEOPLE.map(async (name) => {
        const { person, page, redeem } = await signedIn(name)
        const { sub, tokens } = await redeem(page.url)
        const me = await client.fetchUserInfo(person.rp.config, tokens.access_token, sub)
        return [sub, me.sub, await (await silently(person)).who()]
      }),
    )
    assert.deepEqual(
      subjects,
      PEOPLE.map((name) => [name, name, name]),
    )
  })
})
