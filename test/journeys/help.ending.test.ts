import assert from 'node:assert/strict'
import * as client from 'openid-client'
import type { Page } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { errorOf, secretOn } from '../support/relying-party.ts'
import { confirmed, DONE, has, INSIST, listen, OPEN, REFRESHING, rewrite, SETUP, started, TWO_KINDS } from './help.ts'
import { answerOf, CHALLENGE, ENROLL, LOGIN, open, type Person, UNREACHABLE, useStage, visit } from './stage.ts'

const CLOSED = 'This page takes no more codes'
const INVALID = { code: 'OAUTH_RESPONSE_BODY_ERROR', error: 'invalid_grant' }

const wrong = (bob: Person, page: Page) => bob.answer(page, codeAt(bob.secret, 1_000_000))

describe('help: locked, disabled and let in again', () => {
  const stage = useStage()

  describe('unlock', () => {
    it('opens an app that the hundredth wrong code in a row has switched off', async () => {
      const host = await stage.host()
      const bob = await stage.enrolled(host)
      await rewrite(host, (record) => ({ ...record, failures: { totp: 99 } }))
      const told = listen(host)
      const { page } = await bob.go(INSIST)
      const closed = await wrong(bob, page)
      assert.deepEqual([closed.status, told()], [422, ['challenge.refused totp', 'factor.disabled totp']])
      stage.clock.advance(86_400)
      assert.deepEqual((await visit(bob, INSIST)).seen, [UNREACHABLE])
      assert.equal((await host.mfa.accounts.list('bob')).disabledFactors[0]?.factor, 'totp')

      await host.mfa.accounts.unlock('bob')
      assert.deepEqual(told(), ['account.unlocked'])
      assert.deepEqual((await host.mfa.accounts.list('bob')).disabledFactors, [])
      const { seen, page: answer } = await visit(bob, INSIST)
      assert.deepEqual([seen, answerOf(answer).code], [[CHALLENGE], 'a code'])
    })

    it('forgets the count: after it, a wrong code switches nothing off', async () => {
      const host = await stage.host()
      const bob = await stage.enrolled(host)
      await rewrite(host, (record) => ({ ...record, failures: { totp: 99 } }))
      await host.mfa.accounts.unlock('bob', 'totp')
      const { page } = await bob.go(INSIST)
      assert.equal((await wrong(bob, page)).status, 422)
      assert.equal(answerOf(await bob.answer(page)).code, 'a code')
    })

    it('ends a pause, on the page that is open', async () => {
      const host = await stage.host()
      const bob = await stage.enrolled(host)
      const { page } = await bob.go(INSIST)
      let last = page
      for (let count = 0; count < 5; count += 1) last = await wrong(bob, page)
      assert.deepEqual([last.status, last.heading], [429, CLOSED])
      assert.equal((await host.mfa.accounts.list('bob')).pausedFactors[0]?.factor, 'totp')
      assert.equal((await bob.answer(page)).status, 429)
      await host.mfa.accounts.unlock('bob')
      const again = await bob.browser.get(page.url)
      assert.deepEqual([again.status, again.heading], [200, CHALLENGE])
      assert.equal(answerOf(await bob.answer(again)).code, 'a code')
    })

    it('opens a setup by ticket that stands still after wrong codes', async () => {
      const host = await stage.host()
      const browser = host.browser()
      const page = await started(host, browser)
      for (let count = 0; count < 5; count += 1) await browser.post(page, { code: '1' })
      assert.equal((await browser.get(SETUP)).heading, CLOSED)
      await host.mfa.accounts.unlock('bob')
      const { page: done } = await confirmed(browser, await browser.get(SETUP))
      assert.deepEqual([done.heading, await has(host)], [DONE, ['totp']])
    })
  })

  describe('disable', () => {
    it('denies every authorization, asked in silence or not, and enable lets the old app in again', async () => {
      const host = await stage.host()
      const bob = await stage.enrolled(host)
      await visit(bob, INSIST)
      const told = listen(host)
      await host.mfa.accounts.disable('bob')
      assert.deepEqual(told(), ['account.disabled', 'grants.revoked'])
      for (const parameters of [{}, INSIST, TWO_KINDS, { prompt: 'none' }, { max_age: '1000' }])
        assert.equal((await visit(bob, parameters)).error, 'access_denied', JSON.stringify(parameters))
      bob.browser.clear()
      const fresh = await visit(bob, INSIST)
      assert.deepEqual([fresh.seen, fresh.error], [[LOGIN], 'access_denied'])
      assert.equal((await host.mfa.accounts.list('bob')).disabled, true)

      await host.mfa.accounts.disable('bob')
      assert.deepEqual(told(), ['grants.revoked'], 'once is enough to be told')
      await host.mfa.accounts.enable('bob')
      await host.mfa.accounts.enable('bob')
      assert.deepEqual(told(), ['account.enabled'])
      bob.browser.clear()
      stage.clock.advance(60)
      assert.deepEqual((await visit(bob, INSIST)).seen, [LOGIN, CHALLENGE])
    })

    const ways = {
      answered: (bob: Person, page: Page) => bob.answer(page),
      'loaded again': (bob: Person, page: Page) => bob.browser.get(page.url),
    }
    for (const [way, go] of Object.entries(ways)) {
      it(`ends the sign-in whose challenge page is open when that is ${way}`, async () => {
        const host = await stage.host()
        const bob = await stage.enrolled(host)
        const { page } = await bob.go(INSIST)
        assert.equal(page.heading, CHALLENGE)
        await host.mfa.accounts.disable('bob')
        assert.equal(errorOf(await go(bob, page)), 'access_denied')
      })

      it(`ends the sign-in whose set-up page is open when that is ${way}`, async () => {
        const host = await stage.host()
        const bob = await stage.person(host)
        const { page } = await bob.go(INSIST)
        assert.equal(page.heading, ENROLL)
        bob.secret = secretOn(page)
        await host.mfa.accounts.disable('bob')
        assert.equal(errorOf(await go(bob, page)), 'access_denied')
        assert.deepEqual(await has(host), [])
      })
    }

    it('ends a setup by ticket, whose page asks for a link that would open', async () => {
      const host = await stage.host()
      const browser = host.browser()
      const page = await started(host, browser)
      await host.mfa.accounts.disable('bob')
      assert.equal((await browser.post(page, { code: codeAt(secretOn(page)) })).heading, OPEN)
      await host.mfa.accounts.enable('bob')
      assert.equal((await browser.get(SETUP)).heading, OPEN)
      assert.deepEqual(await has(host), [])
    })

    it('ends refresh tokens and waiting codes for good', async () => {
      const host = await stage.host(REFRESHING)
      const bob = await stage.enrolled(host)
      const { tokens } = await (await visit(bob, INSIST)).redeem()
      const refreshed = await client.refreshTokenGrant(bob.rp.config, tokens.refresh_token ?? '')
      const waiting = await visit(bob, INSIST)
      stage.clock.advance(1)
      await host.mfa.accounts.disable('bob')
      const refresh = () => client.refreshTokenGrant(bob.rp.config, refreshed.refresh_token ?? '')
      await assert.rejects(refresh(), INVALID)
      await assert.rejects(client.fetchUserInfo(bob.rp.config, refreshed.access_token, 'bob'))
      await host.mfa.accounts.enable('bob')
      await assert.rejects(refresh(), INVALID)
      await assert.rejects(waiting.redeem(), INVALID)
      stage.clock.advance(60)
      const { tokens: anew } = await (await visit(bob, INSIST)).redeem()
      assert.ok((await client.refreshTokenGrant(bob.rp.config, anew.refresh_token ?? '')).access_token)
    })

    it('leaves what the session had proved, which counts again after enable', async () => {
      const host = await stage.host()
      const bob = await stage.enrolled(host)
      await visit(bob, INSIST)
      await host.mfa.accounts.disable('bob')
      assert.equal((await open(bob, INSIST)).page.url.searchParams.get('error'), 'access_denied')
      await host.mfa.accounts.enable('bob')
      assert.deepEqual((await visit(bob, INSIST)).seen, [])
    })
  })
})
