import assert from 'node:assert/strict'
import type { EventName } from '../../src/index.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import { paste } from '../journeys/help.ts'
import type { Page } from '../support/browser.ts'
import { EMAIL, type Mailroom, openMailroom, type Wishes } from '../support/mailroom.ts'
import { noticeOn, press } from '../support/notices.ts'
import { createJourney, createRelyingParty, isAnswer } from '../support/relying-party.ts'
import { essential } from './support.ts'

const INSIST = essential(MULTI_FACTOR)
const PAUSED = /^You asked for a code a moment ago\./
const WRONG = /^That code did not work\./

describe('security: email', () => {
  let clock: VirtualClock
  let room: Mailroom
  beforeEach(() => {
    clock = virtualClock()
  })
  afterEach(async () => {
    clock.restore()
    await room.close()
    assert.deepEqual(room.host.errors, [])
  })

  const open = async (wishes: Wishes = {}) => {
    room = await openMailroom({ only: true, ...wishes, email: { alone: true, ...wishes.email } })
    return room
  }

  /** Somebody at a browser of their own, at the page that asks for the code, with the mail where one came. */
  const asked = async (login = 'bob') => {
    const person = await createJourney(room.host, login)
    const { page, redeem } = await person.go(INSIST)
    assert.equal(page.heading, EMAIL)
    return { browser: person.browser, page, redeem }
  }
  const other = (code: string) => (code === '000000' ? '000001' : '000000')

  it('AC-01, AC-03: a new code resets no count: five wrong ones end the page', async () => {
    const { mail, server } = await open()
    const { browser, page } = await asked()
    let { code } = await mail('bob@example.com')
    let now: Page = page
    for (let wrong = 0; wrong < 4; wrong += 1) {
      now = await browser.post(now, { code: other(code) })
      assert.match(noticeOn(now), WRONG)
      if (wrong === 1) {
        clock.advance(200)
        now = await press(browser, now, 'Send another code')
        code = (await mail('bob@example.com')).code
      }
    }
    now = await browser.post(now, { code: other(code) })
    assert.equal(now.heading, 'This page takes no more codes')
    assert.ok(!isAnswer(await browser.post(page, { code })))
    assert.deepEqual(server.mails, [])
  })

  it('AC-11, AC-12: of many answers with the right code one is taken, and none after it', async () => {
    const { host, mail } = await open()
    let taken = 0
    host.mfa.events.on('challenge.accepted', () => {
      taken += 1
    })
    const { browser, page } = await asked()
    const { code } = await mail('bob@example.com')
    const form = { csrf: page.csrf, code }
    const send = () => browser.send(page.action, { form, follow: false })
    await Promise.all(Array.from({ length: 20 }, send))
    await send()
    assert.equal(taken, 1)
    clock.advance(31)
    const other = await asked()
    assert.match(noticeOn(await other.browser.post(other.page, { code })), WRONG)
  })

  it('AC-14: the code of one challenge answers no other, in either direction, nor another account’s', async () => {
    const { mail } = await open()
    const one = await asked()
    const first = await mail('bob@example.com')
    clock.advance(31)
    const two = await asked()
    const second = await mail('bob@example.com')
    const erin = await asked('erin')
    const third = await mail('erin@example.com')
    assert.equal(new Set([first.code, second.code, third.code]).size, 3)
    assert.match(noticeOn(await two.browser.post(two.page, { code: first.code })), WRONG)
    assert.match(noticeOn(await one.browser.post(one.page, { code: second.code })), WRONG)
    assert.match(noticeOn(await erin.browser.post(erin.page, { code: first.code })), WRONG)
    assert.match(noticeOn(await one.browser.post(one.page, { code: third.code })), WRONG)
    assert.ok(isAnswer(await one.browser.post(one.page, { code: first.code })))
    assert.ok(isAnswer(await erin.browser.post(erin.page, { code: third.code })))
  })

  it('AC-14: a code is refused once its five minutes are over, and another is not', async () => {
    const { mail } = await open()
    const { browser, page } = await asked()
    const { code } = await mail('bob@example.com')
    clock.advance(300)
    assert.match(noticeOn(await browser.post(page, { code })), WRONG)
    const next = await press(browser, page, 'Send another code')
    const newer = await mail('bob@example.com')
    assert.ok(isAnswer(await browser.post(next, { code: newer.code })))
  })

  it('AC-17: no page, header, redirect or event ever has a code or a whole address in it', async () => {
    const { host, mail } = await open({ smtp: { script: {} } })
    const heard: unknown[] = []
    const hear = (event: unknown) => {
      heard.push(event)
    }
    const names: readonly EventName[] = [
      ...(['authorization.decided', 'challenge.accepted', 'challenge.refused', 'authenticator.enrolled'] as const),
      ...(['message.sent', 'message.failed', 'message.withheld'] as const),
    ]
    for (const name of names) host.mfa.events.on(name, hear)
    host.accounts.set('bob', { id: 'bob', label: 'bob', email: 'bob@example.com', emailVerified: true })
    const seen: string[] = []
    const see = (page: Page) => {
      seen.push(page.text, page.url.href, JSON.stringify([...page.headers]))
      return page
    }
    const { browser, page } = await asked()
    see(page)
    const { code } = await mail('bob@example.com')
    see(await browser.post(page, { code: other(code) }))
    see(await browser.get(page.url.pathname))
    see(await press(browser, page, 'Send another code'))
    see(await browser.post(page, { code }))
    assert.ok(isAnswer({ url: new URL(seen.at(-2) ?? '') } as Page))
    for (const text of seen) assert.doesNotMatch(text, new RegExp(`(?<!\\d)${code}(?!\\d)|bob@example`))
    assert.ok(heard.length >= 3)
    assert.doesNotMatch(JSON.stringify(heard), new RegExp(`(?<!\\d)${code}(?!\\d)|example\\.com`))
  })

  it('AC-23: asking again and again, and beginning anew, sends one mail and then pauses that grow', async () => {
    const { server, mail } = await open()
    const { browser, page } = await asked()
    await mail('bob@example.com')
    for (let ask = 0; ask < 5; ask += 1) {
      const answer = await press(browser, page, 'Send another code')
      assert.match(noticeOn(answer), PAUSED)
      assert.equal(answer.status, 429)
    }
    for (let begin = 0; begin < 5; begin += 1) assert.match(noticeOn((await asked()).page), PAUSED)
    assert.deepEqual([server.mails.length, server.seen.recipients.length], [0, 1])
    clock.advance(31)
    assert.doesNotMatch(noticeOn(await press(browser, page, 'Send another code')), PAUSED)
    clock.advance(31)
    assert.match(noticeOn(await press(browser, page, 'Send another code')), PAUSED)
    clock.advance(30)
    assert.doesNotMatch(noticeOn(await press(browser, page, 'Send another code')), PAUSED)
    assert.equal(server.seen.recipients.length, 3)
  })

  it('AC-23: many accounts wait for one address together', async () => {
    const { host, server } = await open()
    for (let index = 0; index < 7; index += 1) {
      const id = `account-${index}`
      host.accounts.set(id, { id, label: id })
      const { url } = await host.mfa.accounts.issueTicket(id, { factors: ['email'] })
      const browser = host.browser()
      await browser.post(await paste(browser, url), { address: 'victim@example.com' })
      clock.advance(31)
    }
    // At 0, 31 and 93 s: each pause is twice as long as the one before.
    assert.deepEqual(server.seen.recipients, Array(3).fill('victim@example.com'))
  })

  it('AC-23: a right answer ends the pause, but the sixth mail in ten minutes is not sent', async () => {
    const { mail, server } = await open()
    for (let round = 0; round < 5; round += 1) {
      const { browser, page } = await asked()
      assert.ok(isAnswer(await browser.post(page, { code: (await mail('bob@example.com')).code })))
    }
    assert.match(noticeOn((await asked()).page), /^Too many codes were sent for now\./)
    assert.equal(server.seen.recipients.length, 5)
    clock.advance(601)
    assert.doesNotMatch(noticeOn((await asked()).page), /^Too many/)
  })

  it('AC-25: who has not signed in causes no mail, whatever they ask for', async () => {
    const { host, server } = await open()
    const rp = await createRelyingParty(host)
    for (let round = 0; round < 20; round += 1) {
      const browser = host.browser()
      const { url } = await rp.request({ ...INSIST, login_hint: 'bob@example.com' })
      const page = await browser.get(url)
      assert.equal(page.heading, 'host login')
      const uid = page.action.split('/').at(-1) ?? ''
      const targets = Array.from({ length: 12 }, (_none, index) => `/mfa/${uid}/${index % 2 === 0 ? 'email' : ''}`)
      const answers = await Promise.all(
        targets.map((target, index) =>
          index % 3 === 0
            ? browser.send(target, { form: { csrf: 'x', resend: 'yes', to: 'implied' } })
            : browser.get(`${target}?account=bob&email=bob@example.com`),
        ),
      )
      for (const { text, status } of answers) {
        assert.ok(status >= 400)
        assert.doesNotMatch(text, /bob|b•/)
      }
    }
    assert.deepEqual([server.mails, server.seen.connections], [[], 0])
  })

  it('AC-50: no page before the sign-in knows an address, and masks are as long for everybody', async () => {
    const { host } = await open()
    host.accounts.set('long', {
      ...{ id: 'long', label: 'long', emailVerified: true },
      email: 'b.very.long.name.indeed@example-of-a-long-domain.com',
    })
    const rp = await createRelyingParty(host)
    const pages = await Promise.all(
      ['bob@example.com', 'nobody@example.com'].map(async (login_hint) => {
        const { url } = await rp.request({ ...INSIST, login_hint })
        const { text, status } = await host.browser().get(url)
        return `${status} ${text.replace(/\/interaction\/[\w-]+/g, '')}`
      }),
    )
    assert.equal(pages[0], pages[1])
    const masks = await Promise.all(
      ['bob', 'long'].map(async (login) => / [^ ]*•[^ ]*\.(?=<)/.exec((await asked(login)).page.text)?.[0]),
    )
    assert.deepEqual(masks, [' b•••@e•••.com.', ' b•••@e•••.com.'])
  })

  it('AC-59: an evil host in the request is in no mail, and no mail has a link', async () => {
    const { host, mail } = await open()
    const { browser, page } = await asked()
    await mail('bob@example.com')
    clock.advance(60)
    const headers = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.example',
    }
    await browser.send(page.action, { form: { csrf: page.csrf, resend: 'yes' }, headers })
    const { raw, text, html } = await mail('bob@example.com')
    assert.doesNotMatch(raw + text + html, /evil/)
    assert.doesNotMatch(text + html, /https?:|href=|src=/)
    assert.ok(text.endsWith(new URL(host.issuer).host))
  })

  const hostile: readonly string[] = [
    'victim@example.com\r\nBcc: eve@evil.example',
    'victim@example.com,eve@evil.example',
    'victim@example.com;eve@evil.example',
    'victim@example.com eve@evil.example',
    'Victim <eve@evil.example>',
    '"eve@evil.example"@example.com',
    'eve@evil.example@example.com',
    'x:victim@example.com,eve@evil.example;',
    'victim%evil.example@example.com',
    '-oQ/tmp@example.com',
  ]
  it('AC-71: what could be read as another or a second address is never written to', async () => {
    const { host, server } = await open()
    const browser = host.browser()
    const { url } = await host.mfa.accounts.issueTicket('dave', { factors: ['email'] })
    let page = await paste(browser, url)
    for (const address of hostile) {
      page = await browser.post(page, { address })
      assert.match(noticeOn(page), /no email address that we can send to/, address)
    }
    for (const email of hostile) {
      host.accounts.set('bob', { id: 'bob', label: 'bob', email, emailVerified: true })
      const { page: answered } = await (await createJourney(host, 'bob')).go(INSIST)
      assert.notEqual(answered.heading, EMAIL)
    }
    assert.deepEqual([server.seen.connections, server.seen.recipients], [0, []])
  })

  it('AC-94: an address of any length is answered at once', async () => {
    const { host } = await open()
    const browser = host.browser()
    const { url } = await host.mfa.accounts.issueTicket('dave', { factors: ['email'] })
    const page = await paste(browser, url)
    const start = performance.now()
    for (const address of ['a'.repeat(10_000), `${'a.'.repeat(4000)}@b.c`, `a@${'a-'.repeat(4000)}`]) {
      const answer = await browser.post(page, { address })
      assert.ok([400, 413, 422].includes(answer.status))
    }
    assert.ok(performance.now() - start < 2000)
  })
})
