import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { type SmsState, sms } from '../../src/factors/sms.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import { press } from '../support/notices.ts'
import { isAnswer } from '../support/relying-party.ts'
import { arrive, type Desk, enrolled, mobile, openSms, type SmsWishes, TEXT_PAGE, typed } from '../support/sms.ts'

const wrongFor = (code: string) => (code === '000000' ? '000001' : '000000')

describe('security: sms', () => {
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

  it('AC-07: a new code, a new interaction and enrolling elsewhere leave the count as it is', async () => {
    const { twilio } = await open()
    await enrolled(desk)
    clock.advance(60)
    const first = await arrive(desk)
    for (let guess = 0; guess < 4; guess += 1)
      assert.equal((await first.browser.post(first.page, { code: wrongFor(twilio.codeFor(mobile())) })).status, 422)
    clock.advance(60)
    const second = await arrive(desk)
    const code = twilio.codeFor(mobile())
    assert.equal((await second.browser.post(second.page, { code: wrongFor(code) })).status, 422)
    const throttled = await second.browser.post(second.page, { code })
    assert.equal(throttled.status, 429, 'not even the right one is looked at')
    clock.advance(31)
    assert.ok(isAnswer(await second.browser.post(second.page, { code })))
  })

  it('AC-14: the code of one sign-in answers no other, in either direction, nor one of another account', async () => {
    const { twilio } = await open()
    await enrolled(desk)
    clock.advance(60)
    await enrolled(desk, { login: 'carol' })
    const codes: string[] = []
    const begin = async (login: string) => {
      clock.advance(120)
      const person = await arrive(desk, login)
      codes.push(twilio.codeFor(mobile()))
      return person
    }
    const [one, two, carol] = [await begin('bob'), await begin('bob'), await begin('carol')]
    const [first = '', second = '', third = ''] = codes
    if (new Set(codes).size < 3) return
    for (const [person, code] of [
      [one, second],
      [two, first],
      [carol, second],
      [two, third],
    ] as const) {
      const refused = await person.browser.post(person.page, { code })
      assert.equal(refused.status, 422)
      assert.equal(isAnswer(refused), false)
    }
    assert.ok(isAnswer(await two.browser.post(two.page, { code: second })))
  })

  it('AC-17: no response, header, event, record or line of a log carries a code or a whole number', async () => {
    const told: string[] = []
    const { fetch } = globalThis
    const { log, warn, error, info } = console
    globalThis.fetch = async (input, init) => {
      const response = await fetch(input, init)
      // A person's own number stands on the page where it was typed, and nowhere else.
      told.push(`${response.status} ${inspect([...response.headers])} ${await response.clone().text()}`)
      return response
    }
    const note = (...words: readonly unknown[]) => void told.push(words.map((word) => inspect(word)).join(' '))
    Object.assign(console, { log: note, warn: note, error: note, info: note })
    try {
      const store = memoryStore()
      const put: typeof store.put = (key, value, options) => {
        told.push(inspect([key, value]))
        return store.put(key, value, options)
      }
      const { host, twilio } = await open({ host: { stepUp: { store: { ...store, put } } } })
      for (const name of ['message.sent', 'challenge.accepted', 'challenge.refused', 'authenticator.enrolled'] as const)
        host.mfa.events.on(name, (event) => void told.push(inspect(event)))
      await enrolled(desk)
      clock.advance(60)
      const { browser, page } = await arrive(desk)
      await browser.post(page, { code: wrongFor(twilio.codeFor(mobile())) })
      clock.advance(60)
      const called = await press(browser, page, 'Call me instead')
      await browser.post(called, { code: twilio.codeFor(mobile()) })
      assert.equal(twilio.sent.length, 3)
      assert.ok(told.length > 30)
      const codes = twilio.sent.map(({ code }) => code)
      for (const line of told) {
        for (const code of codes) assert.equal(line.includes(code), false, line)
        assert.equal(line.includes(mobile().slice(1)), false, line)
      }
    } finally {
      globalThis.fetch = fetch
      Object.assign(console, { log, warn, error, info })
    }
  })

  it('AC-50: whoever knows a password sees no more of a number than its last two digits', async () => {
    const { twilio } = await open({ app: true })
    const enrolling = await arrive(desk)
    const sms = enrolling.page.targets.find((target) => target.endsWith('/sms')) ?? ''
    const numberPage = await enrolling.browser.get(sms)
    const asked = await typed(enrolling.browser, numberPage, mobile())
    await enrolling.browser.post(asked, { code: twilio.codeFor(mobile()) })
    clock.advance(60)
    const { browser, page } = await arrive(desk)
    assert.equal(page.heading, TEXT_PAGE)
    const wrong = await browser.post(page, { code: wrongFor(twilio.codeFor(mobile())) })
    for (const { text } of [page, wrong]) {
      assert.match(text, /••• ••• •• 78/)
      assert.doesNotMatch(text.replace(/[\s()-]/g, ''), /\d{3}45678|2345678|1511234/)
    }
  })

  it('AC-88: a code that Verify does not approve opens nothing', async () => {
    const { twilio, host } = await open({ verify: true })
    await enrolled(desk)
    clock.advance(60)
    const { browser, page } = await arrive(desk)
    const right = { to: mobile(), service_sid: twilio.serviceSid, status: 'approved', valid: true }
    for (const lie of [
      { ...right, status: 'pending' },
      { ...right, valid: false },
      { ...right, to: mobile(1) },
      { ...right, service_sid: `VA${'0'.repeat(32)}` },
      { ...right, status: 'canceled' },
      {},
    ]) {
      twilio.failNext({ status: 200, body: JSON.stringify(lie) })
      const answer = await browser.post(page, { code: twilio.codeFor(mobile()) })
      assert.equal(isAnswer(answer), false, JSON.stringify(lie))
      clock.advance(60)
    }
    assert.equal((await host.mfa.accounts.list('bob')).authenticators.length, 1)
  })

  it('AC-94: a number as long as a form may be is answered at once', async () => {
    await open()
    const { browser, page } = await arrive(desk)
    for (const digit of ['1', '(', ' ', '+', 'ا']) {
      const begun = performance.now()
      const answer = await typed(browser, page, digit.repeat(4000))
      assert.ok([400, 413, 422].includes(answer.status), String(answer.status))
      assert.ok(performance.now() - begun < 500)
    }
  })

  it('keeps the code out of what a view could ever show', async () => {
    await open()
    const state: SmsState = { step: 'code', to: mobile(), channel: 'text', code: '918273', expiresAt: 2e9 }
    const view = await sms({ sender: async () => {}, countries: ['DE'] }).enroll?.view(state, {
      account: { id: 'bob', label: 'bob' },
      authenticators: [],
      origin: 'https://a.example',
      issuer: 'https://a.example',
      url: 'https://a.example/',
      locale: 'en',
      now: 0,
    })
    assert.equal(JSON.stringify(view).includes('918273'), false)
  })
})
