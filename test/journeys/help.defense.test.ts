import assert from 'node:assert/strict'
import type { Page } from '../support/browser.ts'
import { codeAt, type HostOptions } from '../support/host.ts'
import { secretOn } from '../support/relying-party.ts'
import { confirmed, DONE, has, listen, OPEN, paste, SETUP, started, WITH_CODES } from './help.ts'
import { ENROLL, useStage } from './stage.ts'

const COOKIE = 'step-up-setup'
/** A provider that believes its proxy about TLS. */
const BEHIND_PROXY: HostOptions = {
  prepare: (provider) => {
    provider.proxy = true
  },
}
const TLS = { 'x-forwarded-proto': 'https' }

const HEADERS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
}

const assertHeaders = ({ headers }: Page, name: string) => {
  for (const [header, value] of Object.entries(HEADERS)) assert.equal(headers.get(header), value, `${name}: ${header}`)
  const policy = headers.get('content-security-policy') ?? ''
  assert.match(policy, /default-src 'none'.*frame-ancestors 'none'/, name)
  assert.doesNotMatch(policy, /unsafe|form-action|\*/, name)
}

describe('help: what tickets are guarded against', () => {
  const stage = useStage()

  it('texts that are no ticket, of every size, all answered alike', async () => {
    const host = await stage.host()
    const opener = host.browser()
    await started(host, opener)
    const { url } = await host.mfa.accounts.issueTicket('bob')
    const ticket = url.slice(url.indexOf('#') + 1)
    const foreign = await stage.host({ stepUp: { sealingKeys: [Buffer.alloc(32, 9).toString('base64url')] } })
    const elsewhere = await foreign.mfa.accounts.issueTicket('bob')
    const setup = opener.cookies().find(({ name }) => name === COOKIE)?.value ?? ''
    assert.ok(setup.length > 43)
    const last = ticket.endsWith('A') ? 'B' : 'A'
    const texts = {
      nothing: '',
      spaces: ' \t\n ',
      'a word': 'ticket',
      'the link without its ticket': `${host.issuer}${SETUP}#`,
      'half of it': ticket.slice(0, ticket.length / 2),
      'one letter changed': ticket.slice(0, -1) + last,
      'one letter more': `${ticket}A`,
      'it twice': `${ticket}${ticket}`,
      'a setup that is under way': setup,
      'the ticket of another provider': elsewhere.url,
      'the id of an account': 'bob',
      'other letters': 'ß‮☃\u0000',
      JSON: '{"accountId":"bob","id":"x"}',
      'much of it': 'A'.repeat(15_000),
    }
    const browser = host.browser()
    for (const [name, text] of Object.entries(texts)) {
      const page = await paste(browser, `${host.issuer}${SETUP}`).then((open) => browser.post(open, { ticket: text }))
      assert.deepEqual([page.status, page.heading, browser.cookies()], [422, OPEN, []], name)
      assert.equal(page.text.includes(text) && text.length > 10, false, `${name}: shown again`)
      assertHeaders(page, name)
    }
    assert.equal((await paste(browser, url)).heading, ENROLL, 'the ticket itself still opens')
  })

  it('forms that are none of ours', async () => {
    const host = await stage.host()
    const { url } = await host.mfa.accounts.issueTicket('bob')
    const browser = host.browser()
    const { csrf } = await browser.get(url)
    const statusOf = async (form: string | Record<string, string | string[]>, headers = {}) =>
      (await browser.send(SETUP, { form, headers, follow: false })).status
    assert.equal(await statusOf({ csrf, ticket: 'A'.repeat(20_000) }), 413)
    assert.equal(await statusOf({ csrf, ticket: [url, url] }), 400)
    assert.equal(await statusOf({ csrf, ticket: url, accountId: 'alice' }), 400)
    assert.equal(await statusOf(JSON.stringify({ csrf, ticket: url }), { 'content-type': 'application/json' }), 415)
    assert.equal(await statusOf({ csrf }), 422)
    assert.deepEqual(browser.cookies(), [])
    assert.equal((await paste(browser, url)).heading, ENROLL)
  })

  it('cookies that name no setup: none opens anything', async () => {
    const host = await stage.host()
    const { url } = await host.mfa.accounts.issueTicket('bob')
    const values = [url.slice(url.indexOf('#') + 1), '', 'x', 'A'.repeat(3000), '%00', '"', 'a.b.c']
    for (const value of values) {
      const browser = host.browser()
      browser.load([{ name: COOKIE, value, path: '/', expiresAt: Number.POSITIVE_INFINITY }])
      for (const path of [SETUP, `${SETUP}/totp`, `${SETUP}/choose`]) {
        const page = await browser.get(path)
        assert.deepEqual([page.status, page.heading], [200, OPEN], `${path} with ${value.slice(0, 20)}`)
      }
    }
  })

  it('posts from another site, without the token, or with the token of another setup', async () => {
    const host = await stage.host(WITH_CODES)
    const browser = host.browser()
    const { url } = await host.mfa.accounts.issueTicket('bob')
    const asked = await browser.get(url)
    const other = await started(host, host.browser(), { login: 'alice' })
    const attacks: readonly (readonly [string, string | undefined, Readonly<Record<string, string>>])[] = [
      ['no token', undefined, {}],
      ['an empty token', '', {}],
      ['the token of another setup', other.csrf, {}],
      ['another site', 'own', { 'sec-fetch-site': 'cross-site' }],
      ['another site, with our origin', 'own', { 'sec-fetch-site': 'cross-site', origin: host.issuer }],
      ['a sibling site', 'own', { 'sec-fetch-site': 'same-site' }],
      ['a foreign origin', 'own', { origin: 'https://evil.example' }],
      ['our host at another port', 'own', { origin: 'http://localhost:1' }],
    ]
    const assertRefused = async (page: Page, action: string, fields: Readonly<Record<string, string>>) => {
      for (const [name, token, headers] of attacks) {
        const csrf = token === 'own' ? page.csrf : token
        const form = { ...fields, ...(csrf === undefined ? {} : { csrf }) }
        const answer = await browser.send(action, { form, headers, follow: false })
        assert.deepEqual([answer.status, answer.headers.getSetCookie()], [403, []], `${action}: ${name}`)
        assertHeaders(answer, name)
      }
    }
    await assertRefused(asked, SETUP, { ticket: url })
    const page = await browser.post(asked, { ticket: url })
    await assertRefused(page, `${SETUP}/totp`, { code: codeAt(secretOn(page)) })
    assert.deepEqual(await has(host), [])
    const { page: save } = await confirmed(browser, page)
    await assertRefused(save, `${SETUP}/recovery-codes`, { kept: 'yes' })
    await assertRefused(save, `${SETUP}/decline`, {})
    assert.deepEqual(await has(host), ['totp'])
  })

  it('methods and paths that do not exist', async () => {
    const host = await stage.host()
    const browser = host.browser()
    for (const begun of [false, true]) {
      if (begun) await started(host, browser)
      const wrong = [
        ['PUT', SETUP, 'GET, HEAD, POST'],
        ['DELETE', SETUP, 'GET, HEAD, POST'],
        ['POST', `${SETUP}/done`, 'GET, HEAD'],
        ['POST', `${SETUP}/choose`, 'GET, HEAD'],
        ['GET', `${SETUP}/decline`, 'POST'],
        ['PATCH', `${SETUP}/totp`, 'GET, HEAD, POST'],
      ] as const
      for (const [method, path, allow] of wrong) {
        const page = await browser.send(path, { method })
        assert.deepEqual([page.status, page.headers.get('allow')], [405, allow], `${method} ${path}`)
        assertHeaders(page, path)
      }
      assert.equal((await browser.get(`${SETUP}/totp/x`)).status, 404)
      assert.ok((await browser.get(`${SETUP}/${encodeURIComponent('../../x')}`)).status < 500)
    }
  })

  it('caches, frames, scripts of others and addresses that leak: every page carries its headers', async () => {
    const host = await stage.host(WITH_CODES)
    const browser = host.browser()
    const { url } = await host.mfa.accounts.issueTicket('bob')
    const open = await browser.get(url)
    const form = { csrf: open.csrf, ticket: url }
    const moved = await browser.send(SETUP, { form, follow: false })
    const page = await browser.get(SETUP)
    const wrong = await browser.post(page, { code: '1' })
    const { page: save } = await confirmed(browser, page)
    const done = await browser.post(save, { kept: 'yes' })
    assert.equal(moved.headers.get('location'), SETUP)
    const pages = { open, moved, page, wrong, save, done }
    for (const [name, each] of Object.entries(pages)) {
      assertHeaders(each, name)
      const ticket = url.slice(url.indexOf('#') + 1)
      assert.equal([each.text, ...each.headers.values()].join().includes(ticket), false, name)
    }
  })

  it('thieves of cookies: the setup is named by a cookie for this host, no script and no other site', async () => {
    const host = await stage.host(BEHIND_PROXY)
    for (const [headers, attributes] of [
      [{}, `${COOKIE}=; path=/; samesite=lax; httponly`],
      [TLS, `__Host-${COOKIE}=; path=/; samesite=lax; secure; httponly`],
    ] as const) {
      const browser = host.browser()
      const { url } = await host.mfa.accounts.issueTicket('bob')
      const { csrf } = await browser.send(SETUP, { headers })
      const moved = await browser.send(SETUP, { form: { csrf, ticket: url }, headers, follow: false })
      const [line = '', ...more] = moved.headers.getSetCookie()
      assert.deepEqual([line.replace(/=[\w.~-]{43,}/, '='), more], [attributes, []])
      assert.doesNotMatch(line, /\bbob\b/)
      const page = await browser.send(SETUP, { headers })
      assert.equal(page.heading, ENROLL)
      const form = { csrf: page.csrf, code: codeAt(secretOn(page)) }
      const done = await browser.send(page.action, { form, headers })
      assert.deepEqual([done.heading, browser.cookies()], [DONE, []])
    }
  })

  it('a cookie of plain HTTP, which any page of the network could set: over TLS it names no setup', async () => {
    const host = await stage.host(BEHIND_PROXY)
    const browser = host.browser()
    await started(host, browser)
    assert.equal((await browser.get(SETUP)).heading, ENROLL)
    assert.equal((await browser.send(SETUP, { headers: TLS })).heading, OPEN)
  })

  it('words in events: none tells a ticket, a secret or a code', async () => {
    const host = await stage.host()
    const payloads: string[] = []
    for (const name of ['ticket.issued', 'ticket.opened', 'authenticator.enrolled'] as const)
      host.mfa.events.on(name, (event) => void payloads.push(JSON.stringify(event)))
    const told = listen(host)
    const browser = host.browser()
    const { url } = await host.mfa.accounts.issueTicket('bob')
    const page = await paste(browser, url)
    const setup = browser.cookies().find(({ name }) => name === COOKIE)?.value ?? ''
    const { secret } = await confirmed(browser, page)
    assert.equal(told().length, 3)
    for (const word of [url.slice(url.indexOf('#') + 1), setup, secret, codeAt(secret), page.csrf])
      assert.equal(payloads.join().includes(word), false)
    assert.doesNotMatch(payloads[2] ?? '', /clientId/)
  })
})
