import assert from 'node:assert/strict'
import type { Budget } from '../../src/factors/factor.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import type { Page } from '../support/browser.ts'
import { noticeOn, press } from '../support/notices.ts'
import { isAnswer } from '../support/relying-party.ts'
import { arrive, type Desk, mobile, NUMBER_PAGE, openSms, type SmsWishes, TEXT_PAGE, typed } from '../support/sms.ts'

describe('security: what sms may cost', () => {
  let clock: VirtualClock
  let desk: Desk
  beforeEach(() => {
    clock = virtualClock()
  })
  afterEach(async () => {
    clock.restore()
    const { errors } = desk.host
    const { complaints } = desk.twilio
    await desk.close()
    assert.deepEqual([errors, complaints.filter((one) => !one.includes('20404'))], [[], []])
  })
  const open = async (wishes: SmsWishes = {}) => {
    desk = await openSms(wishes)
    return desk
  }
  const messages = () => desk.twilio.sent.length

  const limits: readonly (readonly [Budget['per'], (index: number) => readonly [login: string, number: string]])[] = [
    ['target', (index) => [`p${index}`, mobile()]],
    ['block', (index) => [`p${index}`, mobile(index)]],
    ['address', (index) => [`p${index}`, `+4915${100 + index}234567`]],
    ['account', (index) => ['p0', `+4915${100 + index}234567`]],
    ['total', (index) => [`p${index}`, `+4915${100 + index}234567`]],
  ]
  for (const [per, nth] of limits)
    it(`AC-22: many messages per ${per} stop at the budget, and go on after its window`, async () => {
      const people = Array.from({ length: 5 }, (_none, index) => `p${index}`)
      await open({ people, sms: { budgets: [{ per, messages: 3, windowSeconds: 86_400 }] } })
      const ask = async (index: number): Promise<Page> => {
        const [login, number] = nth(index)
        // Beyond the pauses, which are another limit.
        clock.advance(3600)
        const { browser, page } = await arrive(desk, login)
        return typed(browser, page, number)
      }
      const pages = await people.reduce<Promise<readonly Page[]>>(
        async (before, _login, index) => [...(await before), await ask(index)],
        Promise.resolve([]),
      )
      assert.equal(messages(), 3)
      for (const page of pages.slice(3)) {
        assert.deepEqual([page.status, page.heading], [422, NUMBER_PAGE])
        assert.match(noticeOn(page), /^Too many codes were sent/)
      }
      clock.advance(86_400)
      await ask(0)
      assert.equal(messages(), 4)
    })

  it('AC-23: pauses between messages grow, whatever interaction, account or button asks for the next', async () => {
    const people = ['bob', 'carol']
    const { twilio } = await open({ people })
    const bob = await arrive(desk)
    let page = await typed(bob.browser, bob.page, mobile())
    assert.equal(messages(), 1)
    const waits = [30, 60, 120]
    for (const [index, seconds] of waits.entries()) {
      // Real seconds pass as well while the pages are asked for.
      clock.advance(seconds - 12)
      for (const again of [
        await press(bob.browser, page, 'Send another code'),
        await press(bob.browser, page, 'Call me instead'),
        await (async () => {
          const other = await arrive(desk)
          return typed(other.browser, other.page, mobile(9))
        })(),
        await (async () => {
          const carol = await arrive(desk, 'carol')
          return typed(carol.browser, carol.page, mobile())
        })(),
      ]) {
        assert.equal(again.status, 429)
        assert.match(noticeOn(again), /^You asked for a code a moment ago/)
        assert.ok(Number(again.headers.get('retry-after')) <= 12)
      }
      assert.equal(messages(), index + 1)
      clock.advance(12)
      page = await press(bob.browser, page, 'Send another code')
      assert.equal(messages(), index + 2)
    }
    assert.ok(isAnswer(await bob.browser.post(page, { code: twilio.codeFor(mobile()) })), 'the newest code works')
  })

  it('AC-25: nothing is sent, checked or looked up for anybody who has not signed in', async () => {
    const { host } = await open()
    const { browser, page } = await arrive(desk)
    await typed(browser, page, mobile())
    const { pathname } = new URL(page.url)
    const before = desk.twilio.requests.length
    const stranger = host.browser()
    for (let attempt = 0; attempt < 15; attempt += 1) {
      await stranger.get(pathname)
      await stranger.send(pathname, { form: { country: 'DE', number: mobile(attempt), resend: 'yes', csrf: 'x' } })
    }
    assert.equal(desk.twilio.requests.length, before)
  })

  it('AC-26: premium numbers, extensions and letters never reach Twilio', async () => {
    const { twilio } = await open({ sms: { countries: 'any' } })
    const { browser, page } = await arrive(desk)
    for (const number of [
      '+1 900 555 1212',
      '+49 900 1234567',
      '+881 6 12345678',
      '+44 9 1234 5678',
      '0151 12345678 x9',
      '0151-CALL-ME',
    ])
      assert.deepEqual([(await typed(browser, page, number)).status, number], [422, number])
    assert.equal(twilio.requests.length, 0)
  })

  it('F-22: a double click sends nothing twice', async () => {
    const { twilio } = await open()
    const { browser, page } = await arrive(desk)
    const twice = () => Promise.all([typed(browser, page, mobile()), typed(browser, page, mobile())])
    for (const answer of await twice()) assert.ok([TEXT_PAGE, NUMBER_PAGE].includes(answer.heading))
    assert.equal(messages(), 1)
    assert.equal((await typed(browser, page, mobile())).heading, TEXT_PAGE, 'nor does going back and clicking again')
    assert.equal(messages(), 1)
    const asked = await browser.get(page.url)
    clock.advance(60)
    await Promise.all([press(browser, asked, 'Send another code'), press(browser, asked, 'Send another code')])
    assert.equal(messages(), 2)
    const answers = await Promise.all([1, 2, 3].map(() => browser.post(asked, { code: twilio.codeFor(mobile()) })))
    assert.ok(answers.some(isAnswer))
    assert.equal((await desk.host.mfa.accounts.list('bob')).authenticators.length, 1)
  })
})
