import assert from 'node:assert/strict'
import { load } from 'cheerio'
import { MULTI_FACTOR } from '../../src/index.ts'
import { twilioLookup } from '../../src/senders/twilio.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import { noticeOn, press } from '../support/notices.ts'
import { isAnswer } from '../support/relying-party.ts'
import {
  arrive,
  CALL_PAGE,
  type Desk,
  enrolled,
  mobile,
  NUMBER_PAGE,
  openSms,
  type SmsWishes,
  TEXT_PAGE,
  typed,
  waysOn,
} from '../support/sms.ts'
import { startTwilio } from '../support/twilio.ts'
import { paste } from './help.ts'

describe('journeys: sms', () => {
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
    assert.deepEqual([errors, complaints], [[], []])
  })
  const open = async (wishes: SmsWishes = {}) => {
    desk = await openSms(wishes)
    return desk
  }

  it('enrolls a number inside the login and reports what was done', async () => {
    const { twilio, host } = await open()
    const { browser, page, redeem } = await arrive(desk)
    assert.equal(page.heading, NUMBER_PAGE)
    assert.equal(twilio.sent.length, 0)
    const asked = await typed(browser, page, '0151 12345678')
    assert.equal(asked.heading, TEXT_PAGE)
    assert.match(asked.text, /\+49 1511 2345678/)
    const answer = await browser.post(asked, { code: twilio.codeFor(mobile()) })
    assert.ok(isAnswer(answer))
    const { amr } = await redeem(answer.url)
    assert.deepEqual(amr, ['pwd', 'sms', 'mfa'])
    const { authenticators } = await host.mfa.accounts.list('bob')
    assert.deepEqual(
      authenticators.map(({ factor, name }) => ({ factor, name })),
      [{ factor: 'sms', name: '••• ••• •• 78' }],
    )
  })

  it('sends a message that phones read: words, then the host and the code alone on the last line', async () => {
    const { twilio } = await open()
    await enrolled(desk)
    clock.advance(60)
    await arrive(desk)
    const [first, second] = twilio.sent
    assert.equal(
      first?.text,
      `${first?.code} is your code to set up this phone for localhost. It works for 5 minutes. Give it to nobody, not even to us.\n\n@localhost #${first?.code}`,
    )
    assert.equal(
      second?.text,
      `${second?.code} is your code for Test App. It works for 5 minutes. Give it to nobody, not even to us.\n\n@localhost #${second?.code}`,
    )
  })

  it('speaks the language of the page, in one message of the cheap alphabet', async () => {
    const { twilio } = await open()
    const { browser, page } = await arrive(desk, 'bob', { ui_locales: 'de' })
    assert.equal(page.heading, 'Codes per SMS einrichten')
    await typed(browser, page, mobile())
    const { text = '', code } = twilio.sent.at(-1) ?? {}
    assert.match(text, new RegExp(`^${code} ist Ihr Code.* Er gilt 5 Minuten\\..*\n\n@localhost #${code}$`, 's'))
    // The GSM alphabet's letters that we use: any other would halve what fits into a message.
    for (const { text: words } of twilio.sent) assert.match(words, /^[\w\s@#.,:;!?'"()&+/äöüÄÖÜß-]*$/)
    assert.ok(text.length <= 160, `${text.length} characters`)
  })

  it('asks the enrolled number at the next sign-in, masked', async () => {
    const { twilio } = await open()
    await enrolled(desk)
    clock.advance(60)
    const { browser, page, redeem } = await arrive(desk)
    assert.equal(page.heading, TEXT_PAGE)
    assert.match(page.text, /••• ••• •• 78/)
    const field = load(page.text)('#code')
    assert.deepEqual([field.attr('autocomplete'), field.attr('inputmode')], ['one-time-code', 'numeric'])
    const answer = await browser.post(page, { code: twilio.codeFor(mobile()) })
    assert.deepEqual((await redeem(answer.url)).amr, ['pwd', 'sms', 'mfa'])
    assert.equal(twilio.sent.length, 2)
  })

  it('shows the page again without sending again', async () => {
    const { twilio } = await open()
    const { browser, page } = await arrive(desk)
    const asked = await typed(browser, page, mobile())
    for (let reload = 0; reload < 3; reload += 1) assert.equal((await browser.get(asked.url)).heading, TEXT_PAGE)
    assert.equal(twilio.sent.length, 1)
  })

  it('calls instead, and says so to the relying party', async () => {
    const { twilio } = await open()
    await enrolled(desk)
    clock.advance(60)
    const { browser, page, redeem } = await arrive(desk)
    clock.advance(30)
    const called = await press(browser, page, 'Call me instead')
    assert.equal(called.heading, CALL_PAGE)
    assert.deepEqual(waysOn(called).slice(0, 2), ['Call me again', 'Send a text message instead'])
    const { by, code, text } = twilio.sent.at(-1) ?? {}
    assert.equal(by, 'call')
    assert.equal(text?.split([...(code ?? '')].join(', ')).length, 3, 'digit by digit, twice')
    const answer = await browser.post(called, { code: twilio.codeFor(mobile()) })
    assert.deepEqual((await redeem(answer.url)).amr, ['pwd', 'tel', 'mfa'])
  })

  it('takes a landline, which it calls at once', async () => {
    const { twilio } = await open()
    const { browser, page } = await arrive(desk)
    const called = await typed(browser, page, '030 123456')
    assert.equal(called.heading, CALL_PAGE)
    assert.deepEqual(waysOn(called).slice(0, 2), ['Call me again', 'Use another number'])
    assert.ok(isAnswer(await browser.post(called, { code: twilio.codeFor('+4930123456') })))
  })

  it('offers no calls where they are off', async () => {
    await open({ sms: { voice: false } })
    const { browser, page } = await arrive(desk)
    const asked = await typed(browser, page, mobile())
    assert.deepEqual(waysOn(asked), ['Send another code', 'Use another number', 'Cancel'])
    assert.equal(
      noticeOn(await typed(browser, await press(browser, asked, 'Use another number'), '030 123456')).slice(0, 15),
      'We cannot send ',
    )
  })

  it('goes back to the number, which is still there to be put right', async () => {
    const { twilio } = await open()
    const { browser, page } = await arrive(desk)
    const asked = await typed(browser, page, mobile(1))
    const back = await press(browser, asked, 'Use another number')
    assert.equal(back.heading, NUMBER_PAGE)
    assert.equal(load(back.text)('#number').attr('value'), '+49 1511 2345679')
    clock.advance(30)
    const again = await typed(browser, back, mobile(2))
    assert.ok(isAnswer(await browser.post(again, { code: twilio.codeFor(mobile(2)) })))
  })

  it('says what is wrong with a number, and keeps it', async () => {
    const { twilio } = await open()
    const { browser, page } = await arrive(desk)
    const wrong = await browser.post(page, { country: 'AT', number: '"><b>1' })
    assert.equal(wrong.status, 422)
    assert.match(noticeOn(wrong), /^We know no such number/)
    assert.match(wrong.text, /<title>Error: /)
    const $ = load(wrong.text)
    assert.deepEqual([$('#number').attr('value'), $('#country').val()], ['"><b>1', 'AT'])
    assert.equal($('#number').attr('aria-invalid'), 'true')
    assert.equal(twilio.requests.length, 0)
  })

  it('needs no list for one country', async () => {
    await open({ sms: { countries: ['DE'] } })
    const { browser, page } = await arrive(desk)
    assert.equal(load(page.text)('select').length, 0)
    assert.equal(load(page.text)('label').text(), 'Phone number')
    assert.match(noticeOn(page), /Germany \(\+49\)/)
    assert.equal((await browser.post(page, { number: '0151 12345678' })).heading, TEXT_PAGE)
  })

  it('lets people choose between their numbers, the one used last first', async () => {
    const { twilio, host } = await open()
    await enrolled(desk)
    clock.advance(60)
    const { browser, page } = await arrive(desk)
    assert.ok(isAnswer(await browser.post(page, { code: twilio.codeFor(mobile()) })))
    const tablet = host.browser()
    const setup = await paste(tablet, (await host.mfa.accounts.issueTicket('bob')).url)
    assert.equal(noticeOn(await typed(tablet, setup, mobile())), 'That number is set up already. Type another one.')
    await tablet.post(await typed(tablet, setup, mobile(5)), { code: twilio.codeFor(mobile(5)) })
    clock.advance(60)

    const later = await arrive(desk)
    const sentTo = twilio.sent.at(-1)?.to
    const other = sentTo === mobile() ? mobile(5) : mobile()
    clock.advance(60)
    const turned = await press(later.browser, later.page, `Send it to ••• ••• •• ${other.slice(-2)}`)
    assert.equal(twilio.sent.at(-1)?.to, other)
    assert.ok(isAnswer(await later.browser.post(turned, { code: twilio.codeFor(other) })))
    clock.advance(60)
    await arrive(desk)
    assert.equal(twilio.sent.at(-1)?.to, other, 'the one used last')
  })

  it('lets Twilio Verify make and judge the codes', async () => {
    const { twilio } = await open({ verify: true })
    const { page: answer, redeem } = await enrolled(desk)
    assert.deepEqual((await redeem(answer.url)).amr, ['pwd', 'sms', 'mfa'])
    clock.advance(60)
    const { browser, page } = await arrive(desk)
    const code = twilio.codeFor(mobile())
    const wrong = await browser.post(page, { code: code === '000000' ? '000001' : '000000' })
    assert.match(noticeOn(wrong), /did not work/)
    assert.ok(isAnswer(await browser.post(page, { code })))
    assert.deepEqual(new Set(twilio.sent.map(({ by }) => by)), new Set(['verify']))
  })

  it('asks Twilio Lookup before it sends', async () => {
    const lines = await startTwilio()
    try {
      const { twilio } = await open({
        sms: {
          lookup: twilioLookup({ ...lines.access, simSwap: true }),
          simSwapSeconds: 86_400,
          lineTypes: ['mobile'],
        },
      })
      lines.setLine(mobile(1), { type: 'nonFixedVoip' })
      const { browser, page } = await arrive(desk)
      const refused = await typed(browser, page, mobile(1))
      assert.equal(noticeOn(refused), 'We cannot send a code there. Check it, or use another way.')
      assert.equal(twilio.sent.length, 0)
      const asked = await typed(browser, await press(browser, refused, 'Use another number'), mobile())
      assert.ok(isAnswer(await browser.post(asked, { code: twilio.codeFor(mobile()) })))
      clock.advance(60)
      const swapped = { last_sim_swap_date: new Date().toISOString(), swapped_period: 'PT24H', swapped_in_period: true }
      lines.setLine(mobile(), { sim_swap: { last_sim_swap: swapped } })
      const later = await arrive(desk, 'bob', {})
      const called = await press(later.browser, later.page, 'Call me instead')
      for (const page of [later.page, called])
        assert.deepEqual([page.status, noticeOn(page)], [422, noticeOn(refused)], 'neither a text nor a call')
      assert.equal(twilio.sent.length, 1)
      assert.deepEqual(lines.complaints, [])
    } finally {
      await lines.close()
    }
  })

  it('stands beside an authenticator app as another way', async () => {
    await open({ app: true })
    const { browser, page } = await arrive(desk, 'bob', { acr_values: MULTI_FACTOR })
    assert.equal(page.heading, 'Choose how to protect your account')
    const href = page.targets.find((target) => target.endsWith('/sms'))
    assert.ok(href)
    const chosen = await browser.get(href)
    assert.equal(chosen.heading, NUMBER_PAGE)
    assert.ok(waysOn(chosen).includes('Set up something else'))
  })
})
