import assert from 'node:assert/strict'
import { MULTI_FACTOR } from '../../src/index.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import { EMAIL, type Mailroom, openMailroom, type Wishes } from '../support/mailroom.ts'
import { noticeOn, press } from '../support/notices.ts'
import { createJourney, isAnswer } from '../support/relying-party.ts'
import { stopwatch, until } from '../support/until.ts'
import { paste } from './help.ts'
import { acrClaim, ENROLL } from './stage.ts'

const INSIST = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }
const NOT_SENT = /^We could not send the code just now\. Use another way/
const UNREACHABLE = /^We cannot send a code there\./

describe('journeys: email that does not go out', () => {
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

  /** bob, who is asked for a code, at the page that says so. */
  const asked = async (wishes: Wishes = {}) => {
    room = await openMailroom({ only: true, ...wishes, email: { alone: true, ...wishes.email } })
    const person = await createJourney(room.host, 'bob')
    const elapsed = stopwatch()
    const { page } = await person.go(INSIST)
    assert.equal(page.heading, EMAIL)
    return { ...room, browser: person.browser, page, milliseconds: elapsed() }
  }

  const down = {
    'refuses connections': { hangUp: 'at once' },
    'hangs up': { hangUp: 'at the recipient' },
    'is full': { recipient: () => [452, '4.3.1 no room'] as const },
    'denies relaying': { recipient: () => [550, '5.7.1 relaying denied'] as const },
  } as const
  for (const [what, script] of Object.entries(down))
    it(`F-07: says that nothing was sent where the server ${what}, and sends the next at once`, async () => {
      const { browser, page, server, mail } = await asked({
        smtp: { script: { ...script } },
        email: { retriesAfterSeconds: [] },
      })
      assert.match(noticeOn(page), NOT_SENT)
      assert.equal(page.status, 422)
      for (const name of Object.keys(script)) delete server.script[name as keyof typeof server.script]
      const next = await press(browser, page, 'Send another code')
      assert.match(noticeOn(next), /^It may take a minute/)
      assert.ok(isAnswer(await browser.post(next, { code: (await mail('bob@example.com')).code })))
    })

  it('F-07: offers the other ways on the same page', async () => {
    room = await openMailroom({ smtp: { script: { hangUp: 'at once' } } })
    const { browser, go, enroll } = await createJourney(room.host, 'carol')
    let { page } = await go(INSIST)
    if (page.heading !== ENROLL) page = await browser.get(page.targets.find((one) => one.endsWith('/totp')) ?? '')
    assert.ok(isAnswer(await enroll(page)))
    room.host.accounts.set('carol', { id: 'carol', label: 'c', email: 'carol@example.com', emailVerified: true })
    browser.clear()
    clock.advance(60)
    const challenge = await go(INSIST)
    const email = await browser.get(challenge.page.action.replace(/[^/]+$/, 'email'))
    assert.match(noticeOn(email), NOT_SENT)
    assert.ok(email.targets.some((target) => target.endsWith('/choose')))
  })

  it('F-08: shows the page while the server takes its time, and sends one mail', async () => {
    const { browser, page, server, milliseconds, mail } = await asked({ smtp: { script: { banner: 3000 } } })
    assert.ok(milliseconds < 2500, `${milliseconds} ms`)
    assert.deepEqual(server.mails, [])
    assert.match(noticeOn(page), /^It may take a minute/)
    const { code } = await mail('bob@example.com')
    assert.deepEqual(server.seen.recipients, ['bob@example.com'])
    assert.ok(isAnswer(await browser.post(page, { code })))
  })

  it('F-08: tries again where the server first says "later", and sends one mail', async () => {
    const recipient = (_address: string, attempt: number) =>
      attempt === 1 ? ([451, '4.7.1 later'] as const) : undefined
    const { browser, page, server, mail } = await asked({
      smtp: { script: { recipient } },
      email: { retriesAfterSeconds: [1, 1] },
    })
    assert.match(noticeOn(page), NOT_SENT)
    const { code } = await mail('bob@example.com')
    assert.ok(isAnswer(await browser.post(page, { code })))
    assert.deepEqual([server.seen.recipients.length, server.mails.length], [2, 0])
  })

  it('tries no longer once the code has come back by another mail', async () => {
    const recipient = (_address: string, attempt: number) =>
      attempt === 1 ? ([451, '4.7.1 later'] as const) : undefined
    const { browser, page, server, mail } = await asked({
      smtp: { script: { recipient } },
      email: { retriesAfterSeconds: [1] },
    })
    const next = await press(browser, page, 'Send another code')
    const { code } = await mail('bob@example.com')
    assert.ok(isAnswer(await browser.post(next, { code })))
    const elapsed = stopwatch()
    await until('the time of the next try', () => elapsed() > 1200)
    assert.deepEqual([server.seen.recipients.length, server.mails.length], [2, 0])
  })

  it('says that an address cannot be used which the server does not know, and takes another', async () => {
    const recipient = (address: string) => (address.startsWith('gone') ? ([550, '5.1.1 unknown'] as const) : undefined)
    const { host, browser, mail, server } = await asked({ smtp: { script: { recipient } } })
    await mail('bob@example.com')
    const { url } = await host.mfa.accounts.issueTicket('erin', { factors: ['email'] })
    let page = await browser.post(await paste(browser, url), { address: 'gone@example.com' })
    assert.match(noticeOn(page), UNREACHABLE)
    page = await press(browser, page, 'Use another address')
    page = await browser.post(page, { address: 'here@example.com' })
    page = await browser.post(page, { code: (await mail('here@example.com')).code })
    assert.equal(page.heading, 'All is set up')
    assert.deepEqual(server.seen.recipients, ['bob@example.com', 'gone@example.com', 'here@example.com'])
  })
})
