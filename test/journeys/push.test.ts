import assert from 'node:assert/strict'
import { MULTI_FACTOR } from '../../src/index.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import type { Page } from '../support/browser.ts'
import type { Host } from '../support/host.ts'
import { createPhone, numberOn, type Phone, startPhoneHost, ticketOn } from '../support/phone.ts'
import { createJourney, isAnswer } from '../support/relying-party.ts'

const MFA = { acr_values: MULTI_FACTOR }

describe('journeys: push', () => {
  let clock: VirtualClock
  let host: Host
  let phone: Phone
  beforeEach(async () => {
    clock = virtualClock()
    host = await startPhoneHost()
    phone = createPhone(host.issuer)
  })
  afterEach(async () => {
    clock.restore()
    const { errors } = host
    await host.close()
    assert.deepEqual(errors, [])
  })

  /** Enrolls the phone on the page that is open, and confirms it there. */
  const enroll = async (journey: Awaited<ReturnType<typeof createJourney>>, page: Page) => {
    const { status, body } = await phone.post(phone.device.enrollment(ticketOn(page), { name: 'My phone' }))
    assert.equal(status, 200, JSON.stringify(body))
    const shown = await journey.browser.get(page.url)
    return journey.browser.post(shown, { code: String(body.code) })
  }

  it('enrolls a phone inside the login, and asks it the next time', async () => {
    const journey = await createJourney(host)
    const { page, redeem } = await journey.go(MFA)
    const answer = await enroll(journey, page)
    assert.ok(isAnswer(answer), answer.text)
    assert.deepEqual((await redeem(answer.url)).amr, ['pwd', 'mca', 'pop', 'swk', 'mfa'])

    clock.advance(60)
    const second = await createJourney(host)
    const asked = await second.go(MFA)
    const challenge = await phone.pending()
    assert.ok(challenge)
    assert.equal((await phone.answer(challenge, 'approve', { number: '1' })).status, 422)
    const approved = await phone.answer(challenge, 'approve', { number: numberOn(asked.page) })
    assert.deepEqual(approved.body, { outcome: 'approved' })
    const shown = await second.browser.get(asked.page.url)
    const done = await second.browser.post(shown, {})
    assert.ok(isAnswer(done), done.text)
    assert.deepEqual((await asked.redeem(done.url)).amr, ['pwd', 'mca', 'pop', 'swk', 'mfa'])
  })

  it('enrolls a phone by a ticket, on a page that hears of it', async () => {
    const browser = host.browser()
    const { url } = await host.mfa.accounts.issueTicket('bob')
    const page = await browser.post(await browser.get(url), { ticket: url })
    const stateHref = /data-state="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const version = async () => {
      const { version: told } = JSON.parse((await browser.get(new URL(stateHref, host.issuer))).text)
      return told as string
    }
    const before = await version()
    const { body } = await phone.post(phone.device.enrollment(ticketOn(page), { name: 'My phone' }))
    assert.notEqual(await version(), before)
    const done = await browser.post(await browser.get(page.url), { code: String(body.code) })
    assert.equal(done.status, 200, done.text)
    const { authenticators } = await host.mfa.accounts.list('bob')
    assert.deepEqual(
      authenticators.map(({ factor, name }) => ({ factor, name })),
      [{ factor: 'push', name: 'My phone' }],
    )
  })

  it('tells operators why somebody reported, and devices in JSON what nobody answers', async () => {
    const journey = await createJourney(host)
    await enroll(journey, (await journey.go(MFA)).page)
    clock.advance(60)
    await (await createJourney(host)).go(MFA)
    const reasons: unknown[] = []
    host.mfa.events.on('challenge.refused', ({ reason, detail }) => void reasons.push([reason, detail]))
    const challenge = await phone.pending()
    assert.ok(challenge)
    await phone.answer(challenge, 'report', { reason: 'unknown-place' })
    assert.deepEqual(reasons, [['reported', 'unknown-place']])
    const wrong = await fetch(`${host.issuer}/mfa/devices`)
    assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'POST'])
    assert.equal(((await wrong.json()) as { error: string }).error, 'invalid_request')
  })

  it('holds three lines of a device, and the oldest gives way', async () => {
    const journey = await createJourney(host)
    await enroll(journey, (await journey.go(MFA)).page)
    const listen = async () => {
      const body = JSON.stringify({ statement: phone.device.statement({ act: 'listen' }) })
      const headers = { 'content-type': 'application/json' }
      const { body: stream } = await fetch(`${host.issuer}/mfa/devices`, { method: 'POST', headers, body })
      assert.ok(stream)
      return stream.getReader()
    }
    const lines = [await listen(), await listen(), await listen(), await listen()]
    const [first] = lines
    for (;;) if ((await first?.read())?.done !== false) break
    const others = await Promise.race([...lines.slice(1).map((line) => line.closed), Promise.resolve('open')])
    assert.equal(others, 'open')
    await Promise.all(lines.map((line) => line.cancel()))
  })
})
