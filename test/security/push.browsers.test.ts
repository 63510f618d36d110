import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { PushSender } from '../../src/factors/push.ts'
import type { Browser, Page } from '../support/browser.ts'
import { createPhone, ticketOn } from '../support/phone.ts'
import { createJourney } from '../support/relying-party.ts'
import {
  ANSWERED,
  ASKED,
  asked,
  atEnrollment,
  CLOSED,
  challenged,
  onward,
  otherThan,
  phones,
  shownTo,
  usePhones,
  versionOn,
  withPhone,
} from './push-support.ts'
import { advanced, cookiesFor, passed, postOnly, uidOf } from './support.ts'

/** What a page waits at. */
const waitsAt = ({ action }: Page, part: 'state' | 'events') => `${action}/${part}`

/** Asks for something below a page, with the cookies of any browser. */
const ask = async (issuer: string, path: string, cookie: string, method = 'GET') => {
  const response = await fetch(`${issuer}${path}`, {
    method,
    headers: { cookie },
    redirect: 'manual',
    signal: AbortSignal.timeout(3000),
  })
  return { status: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() }
}

const cookiesOf = (browser: Browser) =>
  browser
    .cookies()
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ')

describe('security: the number that is typed on the device', () => {
  const sent: unknown[] = []
  const sender: PushSender = {
    service: 'fcm',
    parse: (channel) => channel as never,
    send: async (message) => void sent.push(message),
  }
  const logged: string[] = []
  const bench = usePhones(() => {
    sent.length = 0
    logged.length = 0
    return phones({ senders: [sender], digits: 6 })
  })

  it('AC-21: is told by the page of this browser and by nothing else', async () => {
    const { host } = bench
    const phone = await withPhone(bench)
    await phone.say({ act: 'update', channel: { service: 'fcm', token: 'bob' } })
    const events: unknown[] = []
    for (const name of ['challenge.refused', 'challenge.accepted', 'message.sent', 'authorization.decided'] as const)
      host.mfa.events.on(name, (event) => void events.push(event))
    const at = await challenged(bench, phone)
    const other = await asked(bench)
    const state = await ask(host.issuer, waitsAt(at.page, 'state'), cookiesFor(at.browser, at.page))
    const about = await phone.post({})
    const wrong = await phone.answer(at.shown, 'approve', { number: otherThan(at.number) })
    const all = {
      sent,
      events,
      shown: at.shown,
      state,
      about,
      wrong,
      other: other.page.text,
      headers: [...at.page.headers],
    }
    assert.equal(sent.length, 1)
    assert.equal(inspect(all, { depth: 9 }).includes(at.number), false)
    assert.equal(at.page.text.split(at.number).length, 2, 'it stands on the page once')
  })

  it('AC-21: a tap without it, or with all but it, approves nothing', async () => {
    const phone = await withPhone(bench)
    const at = await challenged(bench, phone)
    assert.equal((await phone.answer(at.shown, 'approve')).status, 422)
    assert.equal((await phone.answer(at.shown, 'approve', { userVerified: true })).status, 422)
    assert.equal((await at.browser.get(at.page.url)).heading, ASKED)
  })
})

describe('security: wrong numbers', () => {
  const bench = usePhones()

  it('AC-21: three end it, and the right one comes too late', async () => {
    const phone = await withPhone(bench)
    const at = await challenged(bench, phone)
    const left = []
    for (const step of [1, 2, 3]) {
      const { status, body } = await phone.answer(at.shown, 'approve', { number: otherThan(at.number, step) })
      left.push([status, body.left])
    }
    assert.deepEqual(left, [
      [422, 2],
      [422, 1],
      [422, 0],
    ])
    assert.equal((await phone.answer(at.shown, 'approve', { number: at.number })).body.error, 'no_challenge')
    assert.equal(await phone.pending(), undefined)
    const page = await at.browser.get(at.page.url)
    assert.deepEqual([page.heading, page.status], [CLOSED, 422])
    assert.equal(advanced(await postOnly(at.browser, at.page, {})), false)
  })

  it('AC-21: of many at once three are looked at', async () => {
    const phone = await withPhone(bench)
    const at = await challenged(bench, phone)
    const all = Array.from({ length: 89 }, (_, step) => otherThan(at.number, step + 1))
    const answers = await Promise.all(
      [...all, at.number].map((number) => phone.answer(at.shown, 'approve', { number })),
    )
    const wrong = answers.filter(({ status }) => status === 422).length
    assert.ok(wrong <= 3, `${wrong} were looked at`)
    const later = await phone.answer(at.shown, 'approve', { number: otherThan(at.number) })
    assert.ok([404, 422, 429].includes(later.status))
  })

  it('AC-21: asking once more in the same sign-in leaves the count', async () => {
    const phone = await withPhone(bench)
    const at = await challenged(bench, phone)
    await phone.answer(at.shown, 'approve', { number: otherThan(at.number) })
    await phone.answer(at.shown, 'approve', { number: otherThan(at.number, 2) })
    bench.clock.advance(100)
    await at.browser.post(at.page, { again: 'yes' })
    const { body } = await phone.answer(await shownTo(phone), 'approve', { number: '1' })
    assert.equal(body.left, 0)
    assert.equal((await at.browser.get(at.page.url)).heading, CLOSED)
  })
})

describe('security: whose sign-in an approval is', () => {
  const bench = usePhones()

  it('AC-55: it is the one of the browser that began, whoever else waits for the same account', async () => {
    const phone = await withPhone(bench)
    const attacker = await challenged(bench, phone)
    const victim = await asked(bench)
    assert.doesNotMatch(victim.page.text, /class="number"/, 'nothing to type for somebody else’s')
    await phone.answer(attacker.shown, 'approve', { number: attacker.number })
    assert.equal(passed(await onward(victim)), false)
    assert.equal((await attacker.browser.get(attacker.page.url)).heading, ANSWERED)
  })

  it('AC-55: it tells where the request came from, of the browser that asks and in none of its own words', async () => {
    const phone = await withPhone(bench)
    const rp = await createJourney(bench.host)
    const { url } = await rp.rp.request({ acr_values: 'http://schemas.openid.net/pape/policies/2007/06/multi-factor' })
    const agent = 'Your bank: type 42 (iPhone) Version/1 Safari/1 \u202egnihsihp'
    const headers = { 'user-agent': encodeURI(agent), 'x-forwarded-for': '203.0.113.7, Your bank' }
    const login = await rp.browser.send(url, { headers })
    await rp.browser.send(login.action, { form: { login: 'bob' }, headers })
    const shown = await shownTo(phone)
    assert.deepEqual([shown.client, shown.account, shown.address], ['Test App', 'bob@example.com', '127.0.0.1'])
    assert.doesNotMatch(JSON.stringify(shown), /bank|phish|203\.0\.113/)
  })

  it('AC-55: neither the page of one sign-in nor what it waits at answers to the cookies of another', async () => {
    const { host } = bench
    const phone = await withPhone(bench)
    await withPhone(bench, 'alice')
    const victim = await challenged(bench, phone)
    const other = await asked(bench, 'alice')
    const same = await asked(bench)
    await phone.answer(victim.shown, 'approve', { number: victim.number })
    const paths = [victim.page.action, waitsAt(victim.page, 'state'), waitsAt(victim.page, 'events')]
    for (const [who, cookie] of Object.entries({
      nobody: '',
      'another account': cookiesOf(other.browser),
      'another browser': cookiesOf(same.browser),
    }))
      for (const path of paths) {
        const { status, type, text } = await ask(host.issuer, path, cookie)
        assert.deepEqual([status, type], [400, 'text/html; charset=utf-8'], `${who} at ${path}`)
        assert.doesNotMatch(text, /version|class="number"/)
      }
    const forms: readonly (readonly [string, Page, Page, Browser])[] = [
      ['the form of another account', other.page, victim.page, victim.browser],
      ['the form of another browser', same.page, victim.page, victim.browser],
      ['this form, by another account', victim.page, victim.page, other.browser],
      ['this form, by another browser', victim.page, victim.page, same.browser],
    ]
    for (const [what, { csrf }, { action }, browser] of forms) {
      const page = await browser.send(action, { form: { csrf }, follow: false })
      assert.ok([400, 403].includes(page.status), `${what}: ${page.status}`)
    }
    assert.ok(passed(await onward(victim)))
  })

  it('AC-55: who has the interaction’s cookies and no session of it gets nowhere', async () => {
    const phone = await withPhone(bench)
    const attacker = await challenged(bench, phone)
    const victim = bench.host.browser()
    const uid = uidOf(attacker.page)
    victim.load(attacker.browser.cookies().filter(({ path }) => path.includes(uid)))
    await phone.answer(attacker.shown, 'approve', { number: attacker.number })
    const page = await victim.get(attacker.page.url)
    const done = page.action === '' ? page : await victim.post(page)
    assert.equal(passed(done), false, done.url.href)
  })

  it('AC-55: what it waits at has no number and ends, and HEAD hangs nowhere', async () => {
    const { host } = bench
    const phone = await withPhone(bench)
    const at = await challenged(bench, phone)
    const cookie = cookiesFor(at.browser, at.page)
    const state = await ask(host.issuer, waitsAt(at.page, 'state'), cookie)
    assert.deepEqual(Object.keys(JSON.parse(state.text)).toSorted(), ['answered', 'expiresAt', 'version'])
    for (const part of ['state', 'events'] as const) {
      assert.equal((await ask(host.issuer, waitsAt(at.page, part), cookie, 'HEAD')).status, 200)
      assert.equal((await ask(host.issuer, waitsAt(at.page, part), cookie, 'POST')).status, 405)
    }
    const events = `${waitsAt(at.page, 'events')}?version=${versionOn(at.page)}`
    const [{ text, type }] = await Promise.all([
      ask(host.issuer, events, cookie),
      phone.answer(at.shown, 'approve', { number: at.number }),
    ])
    assert.match(type, /^text\/event-stream/)
    assert.match(text, /event: changed/)
    assert.match((await ask(host.issuer, `${events}&version=x`, cookie)).text, /event: changed/)
  })

  it('AC-55: an enrolment waits the same way, and its page tells no other browser the ticket', async () => {
    const { host } = bench
    const { journey, page } = await atEnrollment(bench)
    const other = await atEnrollment(bench)
    assert.notEqual(ticketOn(page), ticketOn(other.page))
    for (const path of [page.action, waitsAt(page, 'state'), waitsAt(page, 'events')])
      assert.equal((await ask(host.issuer, path, cookiesOf(other.journey.browser))).status, 400)
    const phone = createPhone(host.issuer)
    const { body } = await phone.post(phone.device.enrollment(ticketOn(page)))
    // The code of one page, typed on the other.
    const wrong = await other.journey.browser.post(other.page, { code: String(body.code) })
    assert.equal(passed(wrong), false)
    const stolen = await other.journey.browser.send(page.action, { form: { csrf: page.csrf, code: String(body.code) } })
    assert.equal(stolen.status, 400)
    assert.equal((await phone.say({ act: 'pending' })).body.error, 'unknown_device')
    const shown = await journey.browser.get(page.url)
    assert.ok(passed(await journey.browser.post(shown, { code: String(body.code) })))
  })
})
