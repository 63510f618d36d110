import assert from 'node:assert/strict'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import type { Browser, Page } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { createJourney, errorOf, secretOn } from '../support/relying-party.ts'
import { CHALLENGE, codesOn, ENROLL, inventory, leave, listening, recoverable, SAVE, withCodes } from './recovered.ts'
import { advanced, type Bench, challenged, passed, postOnly, TWO_KINDS, useBench } from './support.ts'

const SETUP = '/mfa/setup'
const OPENING = /name="ticket"/

const issue = async ({ host }: Bench, login = 'alice') => {
  const { url } = await host.mfa.accounts.issueTicket(login)
  return new URL(url).hash.slice(1)
}

const openWith = async (browser: Browser, ticket: string) => {
  const page = await browser.get(SETUP)
  assert.match(page.text, OPENING)
  return browser.post(page, { ticket })
}

const setupOf = (browser: Browser) => browser.cookies().find(({ name }) => name.endsWith('step-up-setup'))

const confirm = (browser: Browser, page: Page) => browser.post(page, { code: codeAt(secretOn(page)) })

const opensNothing = (page: Page, name: string) => {
  assert.deepEqual([/secret=/.test(page.text), codesOn(page)], [false, []], name)
  assert.match(page.text, OPENING, name)
}

for (const [title, before] of [
  ['by configuration', undefined],
  ['after a reset', async ({ host }: Bench) => host.mfa.accounts.reset('alice', { enrollment: 'ticket' })],
] as const)
  describe(`security: a first set-up by ticket only, ${title}`, () => {
    const bench = useBench(() => withCodes(before === undefined ? { enrollment: 'ticket' } : {}))
    beforeEach(() => before?.(bench))

    it('AC-31: no request with the password alone opens a set-up', async () => {
      const alice = await createJourney(bench.host, 'alice')
      for (const parameters of [TWO_KINDS, { acr_values: MULTI_FACTOR }, { ...TWO_KINDS, prompt: 'login' }]) {
        const { page, redeem } = await alice.go(parameters)
        const base = page.url.pathname
        for (const rest of ['', '/totp', '/recovery-codes', '/choose']) {
          const shown = await alice.browser.get(`${base}${rest}`)
          assert.deepEqual([/secret=/.test(shown.text), shown.heading], [false, page.heading], rest)
        }
        for (const [path, form] of [
          ['totp', { code: '123456' }],
          ['recovery-codes', { kept: 'yes' }],
        ] as const)
          assert.equal((await postOnly(alice.browser, page, form, {}, `${base}/${path}`)).status, 404, path)
        if ('claims' in parameters)
          assert.equal(errorOf(await leave(alice, page, 'cancel')), 'unmet_authentication_requirements')
        else assert.equal((await redeem((await leave(alice, page, 'decline')).url)).acr, SINGLE_FACTOR)
      }
      assert.deepEqual(await inventory(bench.host, 'alice'), [])
    })

    it('AC-31: with a ticket one comes in, once, which the sign-in then asks for', async () => {
      const { named } = listening(bench.host.mfa)
      const browser = bench.host.browser()
      const page = await openWith(browser, await issue(bench))
      assert.equal(page.heading, ENROLL)
      const secret = secretOn(page)
      const save = await confirm(browser, page)
      assert.equal(save.heading, SAVE)
      assert.doesNotMatch((await browser.get(`${SETUP}/totp`)).text, /secret=/)
      assert.equal(advanced(await postOnly(browser, page, { code: codeAt(secret) })), false)
      assert.deepEqual(await inventory(bench.host, 'alice'), ['totp'])
      assert.deepEqual(
        named('authenticator.enrolled').map(({ factor, by }) => [factor, by]),
        [['totp', 'ticket']],
      )
      bench.clock.advance(60)
      const alice = await createJourney(bench.host, 'alice')
      alice.secret = secret
      const due = await alice.answer((await challenged(alice)).page)
      assert.equal(due.heading, SAVE)
      assert.ok(passed(await leave(alice, due, 'decline')))
      await bench.host.mfa.accounts.reset('alice')
      const { page: after } = await alice.go({ ...TWO_KINDS, prompt: 'login' })
      assert.equal(after.heading === ENROLL, before !== undefined, 'a later reset leaves it as configured')
    })
  })

describe('security: tickets', () => {
  const bench = useBench(() => withCodes())

  it('AC-15, AC-76: neither a ticket, a set-up cookie nor anything else passes for another', async () => {
    const ticket = await issue(bench)
    const opened = bench.host.browser()
    await openWith(opened, await issue(bench, 'carol'))
    const setup = setupOf(opened)
    assert.ok(setup)
    const { journey: bob } = await recoverable(bench)
    const { page: challenge } = await challenged(bob)
    const session = bob.browser.cookies().find(({ name }) => name === '_session')?.value ?? ''
    const strange: Readonly<Record<string, string>> = {
      'a set-up cookie': setup.value,
      'a session cookie': session,
      'a csrf token': challenge.csrf,
      'half a ticket': ticket.slice(0, ticket.length / 2),
      'a ticket and a letter': `${ticket}A`,
      'a ticket with other letters': ticket.replace(/.{6}$/, 'AAAAAA'),
      'an account': 'alice',
      nothing: '',
      'a JSON text': '{"accountId":"alice","id":"x"}',
      'a long text': 'A'.repeat(5000),
    }
    for (const [name, text] of Object.entries(strange)) {
      const browser = bench.host.browser()
      const answer = await openWith(browser, text)
      assert.deepEqual([answer.status, setupOf(browser)], [422, undefined], name)
      opensNothing(answer, name)
    }
    for (const [name, value] of Object.entries({
      ...strange,
      'a set-up cookie': ticket,
      'a long text': 'A'.repeat(3000),
    })) {
      const browser = bench.host.browser()
      browser.load([{ ...setup, value: encodeURIComponent(value) }])
      opensNothing(await browser.get(SETUP), name)
      opensNothing(await browser.get(`${SETUP}/totp`), name)
    }
    const owner = bench.host.browser()
    assert.equal((await openWith(owner, ticket)).heading, ENROLL, 'the ticket is as good as before')
    const codeless = await postOnly(owner, await owner.get(SETUP), { code: ticket }, {}, '/mfa/setup/totp')
    assert.equal(codeless.status, 422)
  })

  it('AC-15: tokens of a set-up and of an interaction do not pass for each other', async () => {
    const { journey: bob } = await recoverable(bench)
    const { page: challenge } = await challenged(bob)
    const page = await openWith(bob.browser, await issue(bench, 'bob'))
    const other = bench.host.browser()
    const second = await openWith(other, await issue(bench, 'bob'))
    const blank = (await bench.host.browser().get(SETUP)).csrf
    const forms = [
      [page, { code: codeAt(secretOn(page)) }, [challenge.csrf, second.csrf, blank]],
      [challenge, { code: codeAt(bob.secret) }, [page.csrf, second.csrf, blank]],
    ] as const
    for (const [target, form, tokens] of forms)
      for (const csrf of tokens) assert.equal((await postOnly(bob.browser, { ...target, csrf }, form)).status, 403)
    assert.equal(
      (await postOnly(other, second, { code: codeAt(secretOn(page)) })).status,
      422,
      "another set-up's secret",
    )
  })

  it('AC-31: a ticket opens in one of ten browsers, in no address, and not after it was withdrawn or grew old', async () => {
    const ticket = await issue(bench)
    opensNothing(await bench.host.browser().get(`${SETUP}?ticket=${ticket}`), 'in the address')
    const opened = await Promise.all(Array.from({ length: 10 }, () => openWith(bench.host.browser(), ticket)))
    assert.equal(opened.filter(({ heading }) => heading === ENROLL).length, 1)
    const endings: Readonly<Record<string, () => unknown>> = {
      age: () => bench.clock.advance(86_401),
      reset: () => bench.host.mfa.accounts.reset('alice'),
      disabled: () => bench.host.mfa.accounts.disable('alice'),
    }
    for (const [name, end] of Object.entries(endings)) {
      const [late, open] = [await issue(bench), await issue(bench)]
      const browser = bench.host.browser()
      const page = await openWith(browser, open)
      await end()
      opensNothing(await openWith(bench.host.browser(), late), name)
      opensNothing(await browser.get(SETUP), name)
      const posted = await confirm(browser, page)
      assert.deepEqual([posted.heading === SAVE, await inventory(bench.host, 'alice')], [false, []], name)
    }
  })

  it('AC-31: it signs nobody in, and opens from no other site', async () => {
    const browser = bench.host.browser()
    const ticket = await issue(bench)
    const blank = await browser.get(SETUP)
    const foreign = await postOnly(browser, blank, { ticket }, { 'sec-fetch-site': 'cross-site' })
    assert.deepEqual([foreign.status, setupOf(browser)], [403, undefined])
    await confirm(browser, await openWith(browser, ticket))
    const alice = await createJourney(bench.host, 'alice')
    alice.browser.load(browser.cookies())
    const { url } = await alice.rp.request(TWO_KINDS)
    assert.equal((await alice.browser.get(url)).heading, 'host login')
    assert.equal((await alice.go(TWO_KINDS)).page.heading, CHALLENGE)
  })

  it('AC-93: of ten confirmations of one set-up at once one is taken', async () => {
    const browser = bench.host.browser()
    const page = await openWith(browser, await issue(bench))
    const form = { code: codeAt(secretOn(page)) }
    await Promise.all(Array.from({ length: 10 }, () => postOnly(browser.clone(), page, form)))
    assert.deepEqual(await inventory(bench.host, 'alice'), ['totp'])
  })

  it('AC-69: what a set-up showed is gone when it is done, for every cookie and every address', async () => {
    const browser = bench.host.browser()
    const page = await openWith(browser, await issue(bench))
    const save = await confirm(browser, page)
    const before = browser.clone()
    const done = await browser.post(save, {}, `${SETUP}/decline`)
    assert.equal(done.url.pathname, `${SETUP}/done`)
    assert.equal(setupOf(browser), undefined)
    for (const from of [before, browser])
      for (const path of ['', '/totp', '/recovery-codes', '/choose'])
        opensNothing(await from.get(`${SETUP}${path}`), path)
    for (const { headers, url } of [page, save, done, await browser.get(SETUP), await openWith(browser, 'x')]) {
      assert.equal(headers.get('cache-control'), 'no-store', url.pathname)
      assert.equal(headers.get('referrer-policy'), 'no-referrer', url.pathname)
      assert.equal(headers.get('x-frame-options'), 'DENY', url.pathname)
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/, url.pathname)
    }
  })
})
