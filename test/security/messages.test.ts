import assert from 'node:assert/strict'
import { load } from 'cheerio'
import { type EmailOptions, email } from '../../src/factors/email.ts'
import type { AnyFactor, OutgoingMessage, Sender, Step } from '../../src/factors/factor.ts'
import { sms } from '../../src/factors/sms.ts'
import { totp } from '../../src/factors/totp.ts'
import { type EventName, MULTI_FACTOR, StepUpError } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { paste } from '../journeys/help.ts'
import { useStage } from '../journeys/stage.ts'
import type { Page } from '../support/browser.ts'
import type { Host, HostOptions } from '../support/host.ts'
import { createJourney, isAnswer } from '../support/relying-party.ts'
import { essential } from './support.ts'

const INSIST = essential(MULTI_FACTOR)
const MAIL = 'Enter the code from your email'
const NUMBER = '+4915112345678'
const NAMES: readonly EventName[] = [
  'authorization.decided',
  'challenge.accepted',
  'challenge.refused',
  'challenge.throttled',
  'message.sent',
  'message.failed',
  'message.withheld',
  'authenticator.enrolled',
]

const noticeOn = ({ text }: Page) => load(text)('#notice').text().trim()
const titleOn = ({ text }: Page) => load(text)('title').text()

/** Presses the button that asks for another code. */
const again = (browser: ReturnType<Host['browser']>, page: Page) =>
  browser.send(page.action, { form: { csrf: page.csrf, resend: 'yes' } })

describe('security: messages', () => {
  const stage = useStage()

  /** A host whose mail goes to a function; bob and erin have verified addresses. */
  const open = async (options: Partial<EmailOptions> = {}, more: HostOptions = {}) => {
    const sent: OutgoingMessage[] = []
    const seen: string[] = []
    const told: { readonly name: EventName; readonly event: object }[] = []
    const sender: Sender = async (message) => void sent.push(message)
    const inner = memoryStore()
    const put: Store['put'] = (key, value, given) => {
      seen.push(JSON.stringify(key), value)
      return inner.put(key, value, given)
    }
    const factors: readonly AnyFactor[] = [
      email({ sender, alone: true, ...options }),
      sms({ sender, countries: ['DE'] }),
    ]
    const host = await stage.host({ ...more, stepUp: { factors, store: { ...inner, put }, ...more.stepUp } })
    for (const id of ['bob', 'erin'])
      host.accounts.set(id, { id, label: id, email: `${id}@mail.example`, emailVerified: true })
    for (const name of NAMES) host.mfa.events.on(name, (event) => void told.push({ name, event }))
    const code = () => /\b\d{6}\b/.exec(sent.at(-1)?.text ?? '')?.[0] ?? ''
    return { host, sent, seen, told, code }
  }

  const asked = async (host: Host, login = 'bob') => {
    const { browser, go } = await createJourney(host, login)
    const { page } = await go(INSIST)
    return { browser, page }
  }

  it('AC-17: no code, address or number in any event, record, log or page', async () => {
    const { host, sent, seen, told, code } = await open()
    const logged: string[] = []
    const streams = [process.stdout, process.stderr] as const
    const writes = streams.map(({ write }) => write)
    for (const stream of streams)
      stream.write = ((text: unknown) => logged.push(String(text)) > 0) as typeof stream.write
    const pages: string[] = []
    const codes: string[] = []
    const see = (page: Page) => {
      pages.push(page.text, page.url.href, JSON.stringify([...page.headers]))
      codes.push(code())
      return page
    }
    try {
      const { browser, page } = await asked(host)
      see(page)
      see(await browser.post(page, { code: '000000' }))
      stage.clock.advance(31)
      see(await again(browser, page))
      see(await again(browser, page))
      see(await browser.post(page, { code: code() }))
      const number = await paste(browser, (await host.mfa.accounts.issueTicket('erin', { factors: ['sms'] })).url)
      const confirm = await browser.post(number, { country: 'DE', number: NUMBER })
      codes.push(code())
      see(await browser.post(confirm, { code: code() }))
      stage.clock.advance(61)
      const erin = await asked(host, 'erin')
      see(await erin.browser.get(`${erin.page.action.replace(/[^/]*$/, 'choose')}`))
      see(await erin.browser.get(`${erin.page.action.replace(/[^/]*$/, 'sms')}`))
    } finally {
      for (const [index, stream] of streams.entries()) stream.write = writes[index] as typeof stream.write
    }
    assert.ok(sent.length >= 4)
    assert.ok(told.some(({ name }) => name === 'message.withheld'))
    const secrets = [...new Set(codes), 'mail.example', NUMBER, '15112345678', '1511234'].filter((one) => one !== '')
    const places = { pages, logged, seen, told: told.map((one) => JSON.stringify(one)) }
    for (const [place, texts] of Object.entries(places))
      for (const secret of secrets) assert.ok(!texts.some((text) => text.includes(secret)), `${secret} in ${place}`)
  })

  it('AC-23: two pages opened at once, in one browser or two, are one message', async () => {
    const { host, sent } = await open()
    const { rp, browser } = await createJourney(host)
    const { url } = await rp.request(INSIST)
    const login = await browser.get(url)
    const hop = await browser.send(login.action, { form: { login: 'bob' }, follow: false })
    const back = await browser.send(hop.headers.get('location') ?? '', { follow: false })
    const target = back.headers.get('location') ?? ''
    const pages = await Promise.all(Array.from({ length: 6 }, () => browser.get(target)))
    assert.ok(pages.every(({ heading }) => heading === MAIL))
    await Promise.all(Array.from({ length: 4 }, () => asked(host)))
    assert.equal(sent.length, 1)
  })

  it('AC-14, AC-15: a paused further code leaves the one before as it was, and no other page takes it', async () => {
    const { host, sent, code } = await open()
    const one = await asked(host)
    const first = code()
    const paused = await again(one.browser, one.page)
    assert.deepEqual([paused.status, paused.headers.get('retry-after'), sent.length], [429, '30', 1])
    assert.match(titleOn(paused), /^Error: /)
    assert.match(noticeOn(paused), /in 30 seconds/)
    const two = await asked(host)
    assert.ok(!isAnswer(await two.browser.post(two.page, { code: first })))
    const erin = await asked(host, 'erin')
    assert.ok(!isAnswer(await erin.browser.post(erin.page, { code: first })))
    assert.ok(isAnswer(await one.browser.post(one.page, { code: first })))
  })

  it('AC-72: a header that claims another address spends the same budget, unless a proxy is trusted', async () => {
    const budgets = [{ per: 'address', messages: 2, windowSeconds: 3600 }] as const
    for (const [proxy, expected] of [
      [false, 2],
      [true, 4],
    ] as const) {
      const { host, sent } = await open({ budgets }, { prepare: (provider) => void Object.assign(provider, { proxy }) })
      for (let index = 0; index < 4; index += 1) {
        const id = `account-${index}`
        host.accounts.set(id, { id, label: id, email: `${id}@mail.example`, emailVerified: true })
        const { rp, browser } = await createJourney(host, id)
        const { url } = await rp.request(INSIST)
        const headers = { 'x-forwarded-for': `203.0.113.${index}` }
        const login = await browser.send(url, { headers })
        await browser.send(login.action, { form: { login: id }, headers })
      }
      assert.equal(sent.length, expected)
    }
  })

  const failures: readonly (readonly [string, () => Promise<void>, number, RegExp])[] = [
    [
      'cannot be reached now',
      () => Promise.reject(new Error('ECONNREFUSED 10.0.0.9:25')),
      422,
      /could not send the code just now/,
    ],
    [
      'says that there is no such address',
      () => Promise.reject(new StepUpError('ERR_ADDRESS', 'nobody there')),
      422,
      /cannot send a code there/,
    ],
  ]
  for (const [what, sender, status, words] of failures)
    it(`a gateway that ${what} is told in words, and lets people go another way at once`, async () => {
      const app = totp({ issuer: 'Test' })
      const { host } = await open({}, { stepUp: { factors: [email({ sender, retriesAfterSeconds: [] }), app] } })
      const { page } = await asked(host)
      assert.deepEqual([page.status, page.heading], [status, MAIL])
      assert.match(titleOn(page), /^Error: /)
      assert.match(noticeOn(page), words)
      assert.doesNotMatch(page.text, /ECONNREFUSED|10\.0\.0\.9|nobody there/)
    })

  it('a gateway that fails is left alone for a while, and used again by itself', async () => {
    let calls = 0
    let down = true
    const sender: Sender = async () => {
      calls += 1
      if (down) throw new Error('down')
    }
    const { host } = await open({ sender, retriesAfterSeconds: [] })
    for (let ask = 0; ask < 8; ask += 1) assert.match(noticeOn((await asked(host)).page), /could not send/)
    assert.equal(calls, 5)
    down = false
    stage.clock.advance(31)
    assert.equal((await asked(host, 'erin')).page.status, 200)
    assert.equal(calls, 6)
  })

  it('a gateway that hangs keeps nobody waiting, and its message can be answered when it comes', async () => {
    let deliver: (() => void) | undefined
    let text = ''
    const sender: Sender = (message) => {
      text = message.text
      return new Promise<void>((resolve) => {
        deliver = resolve
      })
    }
    const { host, told } = await open({ sender })
    const start = performance.now()
    const { browser, page } = await asked(host)
    assert.ok(performance.now() - start < 6000)
    assert.deepEqual([page.status, page.heading], [200, MAIL])
    assert.ok(!told.some(({ name }) => name === 'message.sent'))
    assert.ok(isAnswer(await browser.post(page, { code: /\b\d{6}\b/.exec(text)?.[0] ?? '' })))
    deliver?.()
    await new Promise(setImmediate)
    assert.ok(told.some(({ name }) => name === 'message.sent'))
  })

  it('an input that is no proof is answered with its problem, and counts as no guess', async () => {
    const { host, sent, told } = await open()
    const browser = host.browser()
    const { url } = await host.mfa.accounts.issueTicket('bob', { factors: ['sms'] })
    let page = await paste(browser, url)
    for (let typed = 0; typed < 8; typed += 1) {
      page = await browser.post(page, { country: 'DE', number: '12' })
      assert.equal(page.status, 422)
      assert.match(titleOn(page), /^Error: /)
      assert.notEqual(noticeOn(page), '')
    }
    assert.deepEqual([sent, told], [[], []])
    assert.equal((await browser.post(page, { country: 'DE', number: NUMBER })).status, 200)
    assert.equal(sent.length, 1)
  })

  for (const [what, submit] of [
    ['throws', () => Promise.reject(new Error('judge: secret 42'))],
    ['says that it is out of reach', async (): Promise<Step> => ({ outcome: 'refused', reason: 'unavailable' })],
  ] as const)
    it(`AC-60: a judge that ${what} lets nobody pass`, async () => {
      const app = totp({ issuer: 'Test' }) as AnyFactor
      const factor = { ...app, challenge: { ...app.challenge, submit } }
      const host = await stage.host({ stepUp: { factors: [factor] } })
      const bob = await createJourney(host)
      assert.ok(isAnswer(await bob.enroll((await bob.go(INSIST)).page)))
      bob.browser.clear()
      stage.clock.advance(60)
      const page = await bob.answer((await bob.go(INSIST)).page)
      assert.ok(!isAnswer(page) && page.status >= 422)
      assert.doesNotMatch(page.text, /secret 42/)
      host.errors.splice(0)
    })
})
