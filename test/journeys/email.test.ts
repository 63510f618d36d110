import assert from 'node:assert/strict'
import { MULTI_FACTOR } from '../../src/index.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import { ADDRESS, CONFIRM, EMAIL, type Mailroom, openMailroom, type Wishes } from '../support/mailroom.ts'
import { noticeOn, press } from '../support/notices.ts'
import { createJourney, isAnswer } from '../support/relying-party.ts'
import { paste } from './help.ts'
import { acrClaim, CHALLENGE, ENROLL, type Person } from './stage.ts'

const INSIST = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }

describe('journeys: email', () => {
  let clock: VirtualClock
  let room: Mailroom
  beforeEach(() => {
    clock = virtualClock()
  })
  afterEach(async () => {
    clock.restore()
    const { errors } = room.host
    await room.close()
    assert.deepEqual(errors, [])
  })
  const open = async (wishes: Wishes = {}) => {
    room = await openMailroom(wishes)
    return room
  }

  /** A person who has an app, at a browser that was never here. */
  const enrolled = async (login = 'bob'): Promise<Person> => {
    const person = await createJourney(room.host, login)
    let { page } = await person.go(INSIST)
    if (page.heading === EMAIL)
      page = await person.browser.post(page, { code: (await room.mail(`${login}@example.com`)).code })
    assert.equal(page.heading, ENROLL)
    assert.ok(isAnswer(await person.enroll(page)))
    person.browser.clear()
    clock.advance(60)
    return person
  }

  it('is asked before the first enrolment, and does not spare it', async () => {
    const { host, mail } = await open()
    const person = await createJourney(host, 'bob')
    const { page, redeem } = await person.go(INSIST)
    assert.equal(page.heading, EMAIL)
    const { code } = await mail('bob@example.com')
    const next = await person.browser.post(page, { code })
    assert.equal(next.heading, ENROLL)
    const answer = await person.enroll(next)
    const { acr, amr } = await redeem(answer.url)
    assert.equal(acr, MULTI_FACTOR)
    assert.ok(amr?.includes('otp') && amr.includes('mfa'))
  })

  for (const login of ['carol', 'dave'])
    it(`is not asked of ${login}, who has no verified address`, async () => {
      const { host, server } = await open()
      const person = await createJourney(host, login)
      const { page } = await person.go(INSIST)
      assert.equal(page.heading, ENROLL)
      assert.deepEqual([server.mails, server.seen.connections], [[], 0])
    })

  it('stands behind another way, and meets two kinds with an amr of its own', async () => {
    const { host, mail, server } = await open()
    const person = await enrolled()
    const { page, redeem } = await person.go(INSIST)
    assert.equal(page.heading, CHALLENGE)
    assert.deepEqual(server.mails, [])
    const choice = await person.browser.get(page.targets.find((target) => target.endsWith('/choose')) ?? '')
    assert.match(choice.text, /<bdi>b•••@e•••\.com<\/bdi>/)
    const asked = await person.browser.get(choice.targets.find((target) => target.endsWith('/email')) ?? '')
    assert.equal(asked.heading, EMAIL)
    assert.match(asked.text, /We send it to b•••@e•••\.com\./)
    const { code } = await mail('bob@example.com')
    const answer = await person.browser.post(asked, { code: `${code.slice(0, 3)} ${code.slice(3)}` })
    const { acr, amr } = await redeem(answer.url)
    assert.equal(acr, MULTI_FACTOR)
    assert.deepEqual([...(amr ?? [])].sort(), ['email', 'mfa', 'pwd'])
    assert.deepEqual(
      (await host.mfa.accounts.list('bob')).authenticators.map(({ factor }) => factor),
      ['totp', 'email'],
    )
  })

  it('is refused as the only factor of a configuration', async () => {
    await open()
    await assert.rejects(openMailroom({ only: true }), { code: 'ERR_CONFIG' })
  })

  it('closes no gap of an account that has set up nothing but an address', async () => {
    const { host, mail } = await open()
    const person = await createJourney(host, 'dave')
    const { url } = await host.mfa.accounts.issueTicket('dave', { factors: ['email'] })
    const page = await person.browser.post(await paste(person.browser, url), { address: 'dave@home.example' })
    await person.browser.post(page, { code: (await mail('dave@home.example')).code })
    assert.equal((await host.mfa.accounts.list('dave')).authenticators.length, 1)
    person.browser.clear()
    clock.advance(60)
    const asked = await person.go(INSIST)
    assert.equal(asked.page.heading, EMAIL)
    const { code } = await mail('dave@home.example')
    assert.equal((await person.browser.post(asked.page, { code })).heading, ENROLL)
  })

  it('can stand alone where the operator says so', async () => {
    const { host, mail } = await open({ only: true, email: { alone: true } })
    const person = await createJourney(host, 'bob')
    const { page, redeem } = await person.go(INSIST)
    assert.equal(page.heading, EMAIL)
    const { code } = await mail('bob@example.com')
    const answer = await person.browser.post(page, { code })
    assert.equal((await redeem(answer.url)).acr, MULTI_FACTOR)
  })

  it('is set up with an address typed and a code that went there, and then chosen between', async () => {
    const { host, mail } = await open()
    const person = await enrolled()
    const { browser } = person
    const { url } = await host.mfa.accounts.issueTicket('bob', { factors: ['email'] })
    let page = await paste(browser, url)
    assert.equal(page.heading, ADDRESS)
    page = await browser.post(page, { address: 'not an address' })
    assert.deepEqual([page.status, page.heading], [422, ADDRESS])
    assert.match(noticeOn(page), /no email address that we can send to/)
    assert.match(page.text, /value="not an address"/)
    page = await browser.post(page, { address: 'BOB@example.com' })
    assert.match(noticeOn(page), /set up already/)
    page = await browser.post(page, { address: 'bob@work.example' })
    assert.equal(page.heading, CONFIRM)
    assert.match(page.text, /We send it to bob@work\.example\./)
    page = await press(browser, page, 'Use another address')
    assert.equal(page.heading, ADDRESS)
    clock.advance(60)
    page = await browser.post(page, { address: 'bob@home.example' })
    const { code, text } = await mail('bob@home.example')
    assert.match(text, /^Someone wants to use this email address/)
    page = await browser.post(page, { code })
    assert.equal(page.heading, 'All is set up')

    browser.clear()
    clock.advance(60)
    const asked = await person.go(INSIST)
    page = await browser.get(asked.page.action.replace(/[^/]+$/, 'email'))
    assert.match(page.text, /We send it to b•••@/)
    clock.advance(60)
    const other = page.text.includes('b•••@h•••.example.</p>') ? 'b•••@e•••.com' : 'b•••@h•••.example'
    page = await press(browser, page, `Send a code to ${other}`)
    assert.match(page.text, new RegExp(`We send it to ${other.replaceAll('.', '\\.')}`))
    const again = await mail(other.endsWith('.com') ? 'bob@example.com' : 'bob@home.example')
    assert.ok(isAnswer(await browser.post(page, { code: again.code })))
  })

  it('writes in the language of the page', async () => {
    const { host, mail } = await open({ only: true, email: { alone: true } })
    const person = await createJourney(host, 'bob')
    const { page } = await person.go({ ...INSIST, ui_locales: 'de' })
    assert.equal(page.heading, 'Code aus Ihrer E‑Mail eingeben')
    const { headers, text, html, code } = await mail('bob@example.com')
    assert.equal(headers.subject, 'Ihr Anmeldecode für Test App')
    assert.match(text, /^Jemand meldet sich gerade mit Ihrem Konto bei localhost:\d+ in Test App an\./)
    assert.match(text, /Er gilt einmal und nicht länger als 5 Minuten\./)
    assert.match(html, /<html lang="de">/)
    assert.ok(html.includes(code))
  })

  it('shows the code neither in the subject nor where lock screens show the first words', async () => {
    const { host, mail } = await open({ only: true, email: { alone: true } })
    await (await createJourney(host, 'bob')).go(INSIST)
    const { headers, text, html, code } = await mail('bob@example.com')
    assert.equal(headers.subject, 'Your sign-in code for Test App')
    assert.ok(text.indexOf(code) > 100)
    assert.ok(html.replace(/<head>[\s\S]*<\/head>|<[^>]+>|\s+/g, ' ').indexOf(code) > 100)
  })

  it('never meets aal2', async () => {
    const aal = (level: number) => `http://idmanagement.gov/ns/assurance/aal/${level}`
    const { host, server } = await open({ stepUp: { levels: 'nist' } })
    const person = await createJourney(host, 'bob')
    const wish = { claims: acrClaim({ essential: true, value: aal(2) }) }
    const first = await person.go(wish)
    assert.equal(first.page.heading, EMAIL)
    const next = await person.browser.post(first.page, { code: (await room.mail('bob@example.com')).code })
    assert.equal(next.heading, ENROLL)
    assert.equal((await first.redeem((await person.enroll(next)).url)).acr, aal(2))
    person.browser.clear()
    clock.advance(60)
    const { page } = await person.go(wish)
    assert.equal(page.heading, CHALLENGE)
    assert.ok(!page.targets.some((target) => target.endsWith('/choose')))
    const direct = await person.browser.get(page.action.replace(/[^/]+$/, 'email'))
    assert.equal(direct.heading, CHALLENGE)
    const posted = await person.browser.post(page, { resend: 'yes' }, page.action.replace(/[^/]+$/, 'email'))
    assert.equal(posted.status, 404)
    assert.deepEqual(server.mails, [])
  })
})
