import assert from 'node:assert/strict'
import { MULTI_FACTOR } from '../../src/index.ts'
import type { Page } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { secretOn } from '../support/relying-party.ts'
import {
  confirmed,
  DONE,
  has,
  INSIST,
  listen,
  OPEN,
  paste,
  SAVE,
  SETUP,
  started,
  TWO_KINDS,
  WITH_CODES,
} from './help.ts'
import { CHALLENGE, ENROLL, LOGIN, open, outcomeOf, useStage, visit } from './stage.ts'

/** Codes that are not this secret's for some minutes. */
const wrongCodes = (secret: string, count: number) => {
  const now = Math.floor(Date.now() / 1000)
  const right = new Set([-60, -30, 0, 30, 60, 90].map((shift) => codeAt(secret, now + shift)))
  return Array.from({ length: count + right.size }, (_none, index) => String(200_000 + index * 41))
    .filter((code) => !right.has(code))
    .slice(0, count)
}

const titleOf = ({ text }: Page) => /<title>([^<]*)/.exec(text)?.[1] ?? ''

describe('help: the pages behind a ticket', () => {
  const stage = useStage()

  it('keep the secret through wrong codes, and answer them like any other', async () => {
    const host = await stage.host()
    const browser = host.browser()
    const told = listen(host)
    const page = await started(host, browser)
    const secret = secretOn(page)
    for (const code of [...wrongCodes(secret, 2), '', '12345x']) {
      const again = await browser.post(page, { code })
      assert.deepEqual([again.status, again.heading, secretOn(again)], [422, ENROLL, secret], code)
      assert.match(titleOf(again), /^Error: /)
    }
    assert.deepEqual([(await confirmed(browser, page)).page.heading, await has(host)], [DONE, ['totp']])
    assert.deepEqual(told(), ['ticket.issued', 'ticket.opened', 'authenticator.enrolled totp by ticket'])
  })

  it('take no more codes for a while after five wrong ones, then begin with a new secret', async () => {
    const host = await stage.host()
    const browser = host.browser()
    const page = await started(host, browser)
    const answers = []
    for (const code of wrongCodes(secretOn(page), 5)) answers.push((await browser.post(page, { code })).status)
    assert.deepEqual(answers, [422, 422, 422, 422, 429])
    const right = await browser.post(page, { code: codeAt(secretOn(page)) })
    assert.equal(right.status, 429)
    assert.ok(Number(right.headers.get('retry-after')) > 20)
    assert.doesNotMatch(right.text, /secret=/)
    const { url } = await host.mfa.accounts.issueTicket('bob')
    const other = host.browser()
    const fresh = await paste(other, url)
    assert.equal((await other.post(fresh, { code: codeAt(secretOn(fresh)) })).status, 429, 'by another ticket')
    stage.clock.advance(31)
    const again = await browser.get(SETUP)
    assert.notEqual(secretOn(again), secretOn(page))
    assert.equal((await confirmed(browser, again)).page.heading, DONE)
  })

  it('stay the same when they are loaded again, in one tab or two', async () => {
    const host = await stage.host()
    const browser = host.browser()
    const page = await started(host, browser)
    for (const path of [SETUP, SETUP, `${SETUP}/totp`, `${SETUP}/choose`, `${SETUP}?ticket=x`])
      assert.deepEqual(secretOn(await browser.get(path)), secretOn(page), path)
    const { page: done } = await confirmed(browser.clone(), page)
    assert.deepEqual([done.heading, await has(host)], [DONE, ['totp']])
    const late = await browser.post(page, { code: codeAt(secretOn(page)) })
    assert.deepEqual([late.heading, await has(host)], [OPEN, ['totp']])
  })

  for (const [what, options, next] of [
    ['the end', {}, DONE],
    ['the recovery codes', WITH_CODES, SAVE],
  ] as const)
    it(`lead to ${what} also where a double click sends the code twice`, async () => {
      const host = await stage.host(options)
      const browser = host.browser()
      const page = await started(host, browser)
      const form = { csrf: page.csrf, code: codeAt(secretOn(page)) }
      // A browser follows the answer to the second click alone.
      await browser.send(page.action, { form, follow: false })
      const shown = await browser.send(page.action, { form })
      assert.deepEqual(await has(host), ['totp'])
      assert.deepEqual([shown.status, shown.heading], [200, next])
    })

  it('enroll once when the code is sent twice at once', async () => {
    const host = await stage.host()
    const browser = host.browser()
    const page = await started(host, browser)
    const code = codeAt(secretOn(page))
    const twins = Array.from({ length: 5 }, () => browser.clone())
    const landed = await Promise.all(twins.map((twin) => twin.post(page, { code })))
    assert.ok(landed.some(({ heading }) => heading === DONE))
    assert.deepEqual(await has(host), ['totp'])
  })

  it('go on in the browser that sent its link twice', async () => {
    const host = await stage.host()
    const browser = host.browser()
    const { url } = await host.mfa.accounts.issueTicket('bob')
    const asked = await browser.get(url)
    const page = await browser.post(asked, { ticket: url })
    // Back, and sent again: the form is as it was.
    const again = await browser.send(asked.action, { form: { csrf: asked.csrf, ticket: url } })
    assert.equal(again.heading, ENROLL, 'the setup of this very ticket is open in this browser')
    assert.equal(secretOn(await browser.get(SETUP)), secretOn(page))
  })

  it('open a ticket once, of many browsers that try at once', async () => {
    const host = await stage.host()
    const { url } = await host.mfa.accounts.issueTicket('bob')
    const landed = await Promise.all(Array.from({ length: 10 }, () => paste(host.browser(), url)))
    assert.deepEqual(landed.map(({ status }) => status).sort(), [200, ...Array.from({ length: 9 }, () => 422)])
  })

  it('ask for a link again when all is done, by going back or loading again', async () => {
    const host = await stage.host(WITH_CODES)
    const browser = host.browser()
    const page = await started(host, browser)
    const { page: save } = await confirmed(browser, page)
    assert.equal(save.heading, SAVE)
    assert.equal((await browser.get(SETUP)).text.includes(secretOn(page)), false)
    assert.equal((await browser.post(save, {}, `${SETUP}/decline`)).heading, DONE)
    for (const path of [SETUP, `${SETUP}/totp`, `${SETUP}/recovery-codes`]) {
      const back = await browser.get(path)
      assert.deepEqual([back.heading, back.text.includes(secretOn(page))], [OPEN, false], path)
    }
    assert.equal((await browser.get(`${SETUP}/done`)).heading, DONE)
  })

  it('say nothing of an end that was none: a ticket for a disabled account sets nothing up', async () => {
    const host = await stage.host()
    await host.mfa.accounts.disable('bob')
    const browser = host.browser()
    const page = await started(host, browser)
    assert.notEqual(page.heading, DONE)
    assert.deepEqual(await has(host), [])
  })

  it('take over for a new ticket where another setup is under way', async () => {
    const host = await stage.host()
    const browser = host.browser()
    const first = await started(host, browser)
    const { url } = await host.mfa.accounts.issueTicket('bob')
    // The page shows the setup under way, so the second link is pasted into a form from before.
    const { csrf } = await host.browser().get(url)
    const second = await browser.send(SETUP, { form: { csrf, ticket: url } })
    assert.equal(second.heading, ENROLL)
    assert.notEqual(secretOn(second), secretOn(first))
    assert.equal((await browser.post(first, { code: codeAt(secretOn(first)) })).status, 403)
    assert.equal((await confirmed(browser, second)).page.heading, DONE)
  })

  describe('leave nothing behind that counts in a sign-in', () => {
    it('neither in a session that knows the password', async () => {
      const host = await stage.host()
      const bob = await stage.person(host)
      await visit(bob)
      const { secret } = await confirmed(bob.browser, await started(host, bob.browser))
      bob.secret = secret
      const silent = await visit(bob, { ...INSIST, prompt: 'none' })
      assert.equal(silent.error, 'interaction_required')
      const plain = await visit(bob)
      assert.notEqual(await outcomeOf(plain), MULTI_FACTOR)
      assert.equal((await open(bob, TWO_KINDS)).page.heading, CHALLENGE)
    })

    it('nor in an authorization that waits, whose page asks for the new app instead of another', async () => {
      const host = await stage.host()
      const bob = await stage.person(host)
      const { page, redeem } = await bob.go(INSIST)
      assert.equal(page.heading, ENROLL)
      const { secret } = await confirmed(bob.browser, await started(host, bob.browser))
      stage.clock.advance(60)
      const resumed = await bob.browser.get(page.url)
      assert.equal(resumed.heading, CHALLENGE)
      const { acr, amr } = await redeem((await bob.browser.post(resumed, { code: codeAt(secret) })).url)
      assert.deepEqual([acr, amr], [MULTI_FACTOR, ['pwd', 'otp', 'mfa']])
    })

    it('nor the code that confirmed it: the same code opens nothing again', async () => {
      const host = await stage.host()
      const bob = await stage.person(host)
      const { secret } = await confirmed(bob.browser, await started(host, bob.browser))
      const { page } = await bob.go(INSIST)
      assert.equal(page.heading, CHALLENGE)
      assert.equal((await bob.browser.post(page, { code: codeAt(secret) })).status, 422)
      bob.secret = secret
      stage.clock.advance(60)
      assert.deepEqual((await visit(bob, INSIST)).seen, [CHALLENGE])
    })

    it('nor a session: who set up an app still has to sign in', async () => {
      const host = await stage.host()
      const bob = await stage.person(host)
      await confirmed(bob.browser, await started(host, bob.browser))
      assert.equal((await visit(bob, { prompt: 'none' })).error, 'login_required')
      assert.equal((await open(bob, TWO_KINDS)).page.heading, LOGIN)
    })
  })
})
