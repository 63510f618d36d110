import assert from 'node:assert/strict'
import { recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { totp } from '../../src/factors/totp.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import type { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { codeAt, type Host } from '../support/host.ts'
import { secretOn } from '../support/relying-party.ts'
import {
  codesOn,
  confirmed,
  DONE,
  has,
  INSIST,
  listen,
  OPEN,
  paste,
  SAVE,
  SETUP,
  started,
  TWO_KINDS,
  WITH_CODES,
} from './help.ts'
import { answerOf, CHALLENGE, ENROLL, LOGIN, open, UNREACHABLE, useStage, visit } from './stage.ts'

/** What is done between handing a link out and opening it, or between opening it and the code. */
type Between = (host: Host, clock: VirtualClock, link: string) => unknown

describe('help: tickets', () => {
  const stage = useStage()

  it('set up an app and recovery codes without a password, and the next sign-in asks for the new app', async () => {
    const host = await stage.host({ stepUp: { ...WITH_CODES.stepUp, enrollment: 'ticket' } })
    const bob = await stage.person(host)
    const told = listen(host)
    const { url, expiresAt } = await host.mfa.accounts.issueTicket('bob')
    assert.ok(url.startsWith(`${host.issuer}${SETUP}#`), url)
    assert.ok(Math.abs(expiresAt - Date.now() / 1000 - 86_400) < 5)
    assert.deepEqual(told(), ['ticket.issued'])

    const asked = await bob.browser.get(url)
    assert.deepEqual([asked.status, asked.heading], [200, OPEN])
    assert.match(asked.text, /paste the whole link here/)
    const page = await bob.browser.post(asked, { ticket: `  ${url}\r\n` })
    assert.deepEqual([page.heading, page.url.pathname, page.url.search], [ENROLL, SETUP, ''])
    assert.match(page.text, /bob@example\.com/)
    const { secret, page: save } = await confirmed(bob.browser, page)
    assert.deepEqual([save.heading, codesOn(save).length], [SAVE, 10])
    const done = await bob.browser.post(save, { kept: 'yes' })
    assert.deepEqual([done.heading, done.url.pathname], [DONE, `${SETUP}/done`])
    assert.deepEqual(told(), [
      'ticket.opened',
      'authenticator.enrolled totp by ticket',
      'authenticator.enrolled recovery-codes by ticket',
    ])
    assert.deepEqual(await has(host), ['totp', 'recovery-codes'])
    assert.deepEqual(bob.browser.cookies(), [])

    bob.secret = secret
    stage.clock.advance(60)
    const signedIn = await visit(bob, INSIST)
    assert.deepEqual(signedIn.seen, [LOGIN, CHALLENGE])
    const { acr, amr } = await signedIn.redeem()
    assert.deepEqual([acr, amr], [MULTI_FACTOR, ['pwd', 'otp', 'mfa']])
  })

  it('set up recovery codes beside an app only as far as their owner wants them', async () => {
    const host = await stage.host(WITH_CODES)
    const { browser } = await stage.person(host)
    const { page } = await confirmed(browser, await started(host, browser))
    const done = await browser.post(page, {}, `${SETUP}/decline`)
    assert.deepEqual([done.heading, await has(host)], [DONE, ['totp']])
  })

  it('end right after the app where there are no recovery codes', async () => {
    const host = await stage.host()
    const { browser } = await stage.person(host)
    const { page } = await confirmed(browser, await started(host, browser))
    assert.deepEqual([page.heading, await has(host)], [DONE, ['totp']])
  })

  it('add a further app to an account that has one, which both then open it', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    const { secret, page } = await confirmed(bob.browser, await started(host, bob.browser))
    assert.deepEqual([page.heading, await has(host)], [DONE, ['totp', 'totp']])
    for (const one of [secret, bob.secret]) {
      stage.clock.advance(60)
      bob.browser.clear()
      bob.secret = one
      assert.deepEqual(answerOf((await visit(bob, INSIST)).page).code, 'a code')
    }
  })

  const alive = { status: 200, heading: ENROLL }
  const dead = { status: 422, heading: OPEN }
  const links: readonly (readonly [string, typeof alive, Between])[] = [
    ['right away', alive, () => undefined],
    ['a second before its day is over', alive, (_host, clock) => clock.advance(86_395)],
    ['after another one was handed out', dead, ({ mfa }) => mfa.accounts.issueTicket('bob')],
    ["after another account's end", alive, ({ mfa }) => mfa.accounts.reset('alice')],
    ['after forgetting browsers', alive, ({ mfa }) => mfa.accounts.forgetBrowsers('bob')],
    ['after unlocking', alive, ({ mfa }) => mfa.accounts.unlock('bob')],
    ['after its day', dead, (_host, clock) => clock.advance(86_401)],
    ['after a reset', dead, ({ mfa }) => mfa.accounts.reset('bob')],
    ['after a reset that leaves a ticket only', dead, ({ mfa }) => mfa.accounts.reset('bob', { enrollment: 'ticket' })],
    ['after the account was disabled', dead, ({ mfa }) => mfa.accounts.disable('bob')],
    [
      'after the account was disabled and enabled again',
      dead,
      async ({ mfa }) => {
        await mfa.accounts.disable('bob')
        await mfa.accounts.enable('bob')
      },
    ],
    ['once another browser has opened it', dead, (host, _clock, link) => paste(host.browser(), link)],
  ]
  for (const [when, expected, between] of links)
    it(`${expected === alive ? 'open' : 'say that they no longer open'} ${when}`, async () => {
      const host = await stage.host()
      const { url } = await host.mfa.accounts.issueTicket('bob')
      await between(host, stage.clock, url)
      const browser = host.browser()
      const { status, heading, text } = await paste(browser, url)
      assert.deepEqual({ status, heading }, expected)
      if (expected === alive) return
      assert.match(text, /<title>Error: /)
      assert.match(text, /This link no longer works\. It may have been used, or be too old\. Ask for a new one\./)
      assert.deepEqual(browser.cookies(), [])
      assert.deepEqual(await has(host), [])
    })

  it('last as long as was asked', async () => {
    const host = await stage.host()
    const { url, expiresAt } = await host.mfa.accounts.issueTicket('bob', { ttlSeconds: 60 })
    assert.ok(Math.abs(expiresAt - Date.now() / 1000 - 60) < 5)
    stage.clock.advance(61)
    assert.equal((await paste(host.browser(), url)).status, 422)
  })

  const setups: readonly (readonly [string, boolean, Between])[] = [
    ['after 29 minutes', true, (_host, clock) => clock.advance(29 * 60)],
    ["after another account's end", true, ({ mfa }) => mfa.accounts.disable('alice')],
    ['after half an hour', false, (_host, clock) => clock.advance(1801)],
    ['after a reset', false, ({ mfa }) => mfa.accounts.reset('bob')],
    ['after the account was disabled', false, ({ mfa }) => mfa.accounts.disable('bob')],
    [
      'after the host has disabled the account',
      false,
      ({ accounts }) => accounts.set('bob', { id: 'bob', label: 'bob', disabled: true }),
    ],
    ['after the host has deleted the account', false, ({ accounts }) => accounts.delete('bob')],
  ]
  for (const [when, goesOn, between] of setups)
    it(`${goesOn ? 'go on' : 'go no further'} ${when}, once they are opened`, async () => {
      const host = await stage.host()
      const browser = host.browser()
      const page = await started(host, browser)
      await between(host, stage.clock, '')
      const shown = await browser.get(SETUP)
      assert.equal(shown.heading, goesOn ? ENROLL : OPEN)
      const secret = goesOn ? secretOn(shown) : secretOn(page)
      const after = await browser.post(page, { code: codeAt(secret) })
      assert.equal(after.heading, goesOn ? DONE : OPEN)
      host.accounts.set('bob', { id: 'bob', label: 'bob' })
      assert.deepEqual(await has(host), goesOn ? ['totp'] : [])
    })

  it('enroll for their own account, whoever is signed in', async () => {
    const host = await stage.host()
    const bob = await stage.person(host)
    await visit(bob)
    const { page } = await confirmed(bob.browser, await started(host, bob.browser, { login: 'alice' }))
    assert.equal(page.heading, DONE)
    assert.deepEqual([await has(host, 'alice'), await has(host)], [['totp'], []])
    assert.equal((await open(bob, INSIST)).page.heading, ENROLL)
  })

  it('belong to the browser that opened them', async () => {
    const host = await stage.host()
    const browser = host.browser()
    const page = await started(host, browser)
    const thief = host.browser()
    const form = { csrf: page.csrf, code: codeAt(secretOn(page)) }
    assert.equal((await thief.send(page.action, { form })).heading, OPEN)
    assert.equal((await thief.get(page.action)).heading, OPEN)
    assert.equal((await thief.get(`${SETUP}/choose`)).heading, OPEN)
    assert.deepEqual(await has(host), [])
    assert.equal((await confirmed(browser, page)).page.heading, DONE)
  })

  describe('where two methods can be set up', () => {
    /** A list on paper that stands by itself, on the pages of the recovery codes. */
    const paper = () => ({ ...recoveryCodes(), traits: ['replay-resistant'] as const })
    const hostOfTwo = () => stage.host({ stepUp: { factors: [totp({ issuer: 'Test' }), paper()] } })

    it('are for the one they name', async () => {
      const host = await hostOfTwo()
      const browser = host.browser()
      const page = await started(host, browser, { factors: ['totp'] })
      assert.equal(page.heading, ENROLL)
      for (const other of ['recovery-codes', 'choose', 'sms', '__proto__'])
        assert.equal((await browser.get(`${SETUP}/${other}`)).heading, ENROLL, other)
      await browser.post(page, { kept: 'yes' }, `${SETUP}/recovery-codes`)
      assert.deepEqual(await has(host), [])
    })

    it('are for one of all, by choice, and for no second one', async () => {
      const host = await hostOfTwo()
      const browser = host.browser()
      const list = await started(host, browser)
      assert.deepEqual(
        list.targets.filter((target) => target.startsWith(`${SETUP}/`)),
        [`${SETUP}/totp`, `${SETUP}/recovery-codes`],
      )
      const app = await browser.get(`${SETUP}/totp`)
      const codes = await browser.get(`${SETUP}/recovery-codes`)
      assert.equal((await browser.post(codes, { kept: 'yes' })).heading, DONE)
      assert.equal((await browser.post(app, { code: codeAt(secretOn(app)) })).heading, OPEN)
      assert.deepEqual(await has(host), ['recovery-codes'])
    })
  })

  it('are what a reset can leave as the only way, once', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    await host.mfa.accounts.reset('bob', { enrollment: 'ticket' })
    assert.equal((await open(bob, TWO_KINDS)).page.heading, LOGIN)
    assert.deepEqual((await visit(bob, TWO_KINDS)).seen, [LOGIN, UNREACHABLE])
    assert.equal((await host.mfa.accounts.list('bob')).enrollment, 'ticket')
    const { secret } = await confirmed(bob.browser, await started(host, bob.browser))
    assert.equal((await host.mfa.accounts.list('bob')).enrollment, undefined)
    bob.secret = secret
    stage.clock.advance(60)
    assert.deepEqual((await visit(bob, TWO_KINDS)).seen, [CHALLENGE])
  })
})
