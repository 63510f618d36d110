import assert from 'node:assert/strict'
import { StepUpError } from '../../src/errors.ts'
import type { OutgoingMessage } from '../../src/factors/factor.ts'
import { twilioLookup, twilioMessaging, twilioVerify } from '../../src/senders/twilio.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import { startTwilio, type Twilio } from '../support/twilio.ts'

const TO = '+4915112345678'

const text = (more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  to: TO,
  channel: 'text',
  locale: 'en',
  text: '123456 is your code for App.\n\n@login.example.com #123456',
  expiresAt: Math.floor(Date.now() / 1000) + 300,
  ...more,
})

const spoken = (more: Partial<OutgoingMessage> = {}) =>
  text({ channel: 'voice', text: 'Your code for R&D is: 1, 2, 3, 4, 5, 6.', ...more })

describe('senders/twilio', () => {
  let server: Twilio
  beforeEach(async () => {
    server = await startTwilio()
  })
  afterEach(async () => {
    await server.close()
  })
  const messaging = (more = {}) => twilioMessaging({ ...server.access, from: server.from, ...more })
  const verify = () => twilioVerify({ ...server.access, serviceSid: server.serviceSid })
  const lookup = (more = {}) => twilioLookup({ ...server.access, ...more })
  const last = () => server.sent.at(-1)

  describe('twilioMessaging', () => {
    it('sends a text as it is, of use for as long as its code', async () => {
      await messaging()(text())
      assert.deepEqual(server.complaints, [])
      const { To, From, Body, ValidityPeriod, SmartEncoded } = last()?.form ?? {}
      assert.deepEqual([To, From, Body, SmartEncoded], [TO, server.from, text().text, 'true'])
      assert.ok(Number(ValidityPeriod) >= 298 && Number(ValidityPeriod) <= 300)
    })

    it('signs in with an API key, lets a Messaging Service choose the number and asks for the status', async () => {
      const { messagingServiceSid, keyAccess } = server
      const statusCallback = 'https://login.example.com/twilio'
      await twilioMessaging({ ...keyAccess, messagingServiceSid, statusCallback })(text())
      assert.deepEqual(server.complaints, [])
      assert.equal(last()?.form.MessagingServiceSid, messagingServiceSid)
      assert.equal(last()?.form.From, undefined)
      assert.equal(last()?.form.StatusCallback, statusCallback)
    })

    for (const [locale, language] of [
      ['en', 'en-US'],
      ['de', 'de-DE'],
    ] as const)
      it(`says a code aloud in ${language}`, async () => {
        await messaging()(spoken({ locale }))
        assert.deepEqual(server.complaints, [])
        assert.equal(
          last()?.text,
          `<?xml version="1.0" encoding="UTF-8"?><Response><Say language="${language}">Your code for R&amp;D is: 1, 2, 3, 4, 5, 6.</Say></Response>`,
        )
      })

    it('makes no call without a number to call from', async () => {
      const { messagingServiceSid, access } = server
      await assert.rejects(twilioMessaging({ ...access, messagingServiceSid })(spoken()), /calls need from/)
      assert.equal(server.requests.length, 0)
    })

    it('sends nothing that is of no use any more', async () => {
      const clock = virtualClock()
      const message = text()
      clock.advance(300)
      try {
        await assert.rejects(messaging()(message), /of no use/)
        await assert.rejects(messaging()({ ...message, channel: 'voice' }), /of no use/)
      } finally {
        clock.restore()
      }
      assert.equal(server.requests.length, 0)
    })

    it('takes a message for sent only where Twilio took it', async () => {
      server.failNext({ status: 201, body: '{"sid":"SM1","status":"failed","error_code":30006}' })
      await assert.rejects(messaging()(text()), { code: 'ERR_ADDRESS' })
      server.failNext({ status: 201, body: '{"sid":"SM1","status":"failed","error_code":30001}' })
      await assert.rejects(messaging()(text()), /gave the message up: error 30001/)
      server.failNext({ status: 201, body: '{}' })
      await assert.rejects(messaging()(text()), /gave the message up$/)
    })
  })

  describe('twilioVerify', () => {
    it('lets Verify make and judge the code, in the language of the page and by the channel asked for', async () => {
      await verify().send(text({ locale: 'de' }))
      assert.deepEqual([last()?.form.Locale, last()?.form.Channel], ['de', 'sms'])
      const code = server.codeFor(TO)
      assert.equal(await verify().check(TO, code === '000000' ? '000001' : '000000'), 'pending')
      assert.equal(await verify().check(TO, code), 'approved')
      assert.equal(await verify().check(TO, code), 'gone', 'approved once')
      await verify().send(spoken())
      assert.equal(last()?.form.Channel, 'call')
      assert.deepEqual(
        server.complaints.filter((one) => !one.includes('20404')),
        [],
      )
    })

    it('never sends our own words', async () => {
      await verify().send(text({ text: 'App' }))
      assert.equal(JSON.stringify(server.requests).includes('App'), false)
    })

    it('says that a code is gone after Verify has seen too many', async () => {
      await verify().send(text())
      const wrong = server.codeFor(TO) === '000000' ? '000001' : '000000'
      for (let guess = 0; guess < 5; guess += 1) assert.equal(await verify().check(TO, wrong), 'pending')
      assert.equal(await verify().check(TO, server.codeFor(TO)), 'gone')
    })

    it('does not ask again once Verify has sent too many', async () => {
      for (let message = 0; message < 5; message += 1) await verify().send(text())
      const before = server.requests.length
      await assert.rejects(verify().send(text()), { code: 'ERR_ADDRESS', message: /error 60203/ })
      assert.equal(server.requests.length - before, 1)
    })

    const answers: readonly (readonly [string, object, 'approved' | 'pending' | 'gone' | 'fault'])[] = [
      ['pending', {}, 'pending'],
      ['pending', { valid: true }, 'pending'],
      ['approved', { valid: true }, 'approved'],
      ['approved', { valid: false }, 'gone'],
      ['approved', { valid: 'true' }, 'gone'],
      ['approved', { valid: true, to: '+4915112345679' }, 'fault'],
      ['approved', { valid: true, service_sid: `VA${'9'.repeat(32)}` }, 'fault'],
      ['approved', { valid: true, to: undefined }, 'fault'],
      ['canceled', { valid: true }, 'gone'],
      ['expired', { valid: true }, 'gone'],
      ['max_attempts_reached', { valid: true }, 'gone'],
      ['deleted', {}, 'gone'],
      ['failed', {}, 'gone'],
      ['Approved', { valid: true }, 'gone'],
    ]
    for (const [status, more, expected] of answers)
      it(`AC-88: takes ${JSON.stringify({ status, ...more })} for ${expected}`, async () => {
        const body = { to: TO, service_sid: server.serviceSid, status, valid: false, ...more }
        server.failNext({ status: 200, body: JSON.stringify(body) })
        const checked = verify().check(TO, '123456')
        if (expected === 'fault') await assert.rejects(checked, /another verification/)
        else assert.equal(await checked, expected)
      })
  })

  describe('twilioLookup', () => {
    const SWAPPED = { last_sim_swap_date: '2020-04-27T10:18:50Z', swapped_period: 'PT48H', swapped_in_period: true }
    it('tells the kind of line, and nothing that nobody knows', async () => {
      assert.deepEqual(await lookup()(TO), { lineType: 'mobile' })
      server.setLine(TO, { type: 'nonFixedVoip' })
      assert.deepEqual(await lookup()(TO), { lineType: 'nonFixedVoip' })
      for (const type of [null, 'unknown']) {
        server.setLine(TO, { type })
        assert.deepEqual(await lookup()(TO), {})
      }
      assert.deepEqual(server.complaints, [])
    })

    it('asks for the SIM card only where it is told to, and knows since when it is there', async () => {
      server.setLine(TO, { sim_swap: { last_sim_swap: SWAPPED, error_code: null } })
      assert.deepEqual(await lookup()(TO), { lineType: 'mobile' })
      assert.deepEqual(await lookup({ simSwap: true })(TO), { lineType: 'mobile', simSwappedAt: 1587982730 })
      server.setLine(TO, { sim_swap: { last_sim_swap: { ...SWAPPED, last_sim_swap_date: null }, error_code: null } })
      const { simSwappedAt = 0 } = await lookup({ simSwap: true })(TO)
      assert.ok(Math.abs(simSwappedAt - Date.now() / 1000) < 5, 'within the period is as good as today')
      server.setLine(TO, { sim_swap: { last_sim_swap: null, error_code: 60008 } })
      assert.deepEqual(await lookup({ simSwap: true })(TO), { lineType: 'mobile' })
    })

    it('tells a number that does not exist from an answer about another', async () => {
      server.failNext({ status: 404, code: 20404 })
      await assert.rejects(lookup()(TO), { code: 'ERR_ADDRESS' })
      server.failNext({ status: 200, body: JSON.stringify({ phone_number: TO, valid: false }) })
      await assert.rejects(lookup()(TO), { code: 'ERR_ADDRESS' })
      server.failNext({ status: 200, body: JSON.stringify({ phone_number: '+4915112345679', valid: true }) })
      await assert.rejects(lookup()(TO), /another number/)
    })
  })

  describe('options', () => {
    const access = { accountSid: `AC${'a'.repeat(32)}`, authToken: 't' }
    const cases: readonly (readonly [string, () => unknown, RegExp])[] = [
      [
        'an account SID of another form',
        () => twilioMessaging({ ...access, accountSid: 'AC1', from: '+1' }),
        /accountSid/,
      ],
      ['no credential', () => twilioLookup({ accountSid: access.accountSid }), /authToken: found nothing/],
      [
        'an API key without secret',
        () => twilioLookup({ accountSid: access.accountSid, apiKey: `SK${'b'.repeat(32)}` }),
        /apiSecret/,
      ],
      ['two credentials', () => twilioLookup({ ...access, apiKey: `SK${'b'.repeat(32)}` }), /apiKey/],
      ['no sender', () => twilioMessaging(access), /from: found nothing/],
      ['no Verify Service', () => twilioVerify(access as never), /serviceSid: found nothing/],
      ['plain http elsewhere', () => twilioLookup({ ...access, apiUrl: 'http://twilio.example.com' }), /apiUrl/],
      [
        'a deadline beyond the patience of a page',
        () => twilioLookup({ ...access, deadlineSeconds: 6 }),
        /deadlineSeconds/,
      ],
      [
        'an unknown option',
        () => twilioLookup({ ...access, timeout: 1 } as never),
        /timeout: found an unknown setting/,
      ],
    ]
    for (const [what, make, message] of cases)
      it(`refuses ${what}`, () => {
        assert.throws(make, (thrown: unknown) => {
          assert.ok(thrown instanceof StepUpError)
          assert.equal(thrown.code, 'ERR_CONFIG')
          assert.match(thrown.message, message)
          return true
        })
      })
  })
})
