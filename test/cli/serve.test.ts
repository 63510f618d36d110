import assert from 'node:assert/strict'
import { request } from 'node:http'
import { load } from 'cheerio'
import { type Served, serve } from '../../src/cli/serve.ts'
import { createBrowser, type Page } from '../support/browser.ts'
import { createRelyingParty, errorOf, isAnswer } from '../support/relying-party.ts'
import { freePort } from './free-port.ts'
import { configFor } from './served.ts'

describe('cli/serve', () => {
  let served: Served
  before(async () => {
    served = await serve(configFor(await freePort()))
  })
  after(() => served.close())

  const start = async (parameters: Readonly<Record<string, string>> = {}) => {
    const rp = await createRelyingParty(served)
    const browser = createBrowser(served.issuer)
    const { url, redeem } = await rp.request(parameters)
    return { browser, page: await browser.get(url), redeem, rp }
  }
  const signIn = (browser: ReturnType<typeof createBrowser>, page: Page, username = 'alice', password = 'right') =>
    browser.post(page, { username, password })

  it('signs in, asks consent once per app, and gives the claims that were allowed', async () => {
    const { browser, page, redeem, rp } = await start({ scope: 'openid profile email' })
    assert.equal(page.heading, 'Sign in')
    assert.match(page.text, /Test &lt;App&gt;/)
    const consent = await signIn(browser, page)
    assert.equal(consent.heading, 'Allow this app to use your account?')
    assert.match(consent.text, /see your email address/)
    const answer = await browser.post(consent)
    const { sub, amr, acr, tokens } = await redeem(answer.url)
    assert.deepEqual([sub, amr, acr], ['a', ['pwd'], 'urn:oidc-step-up:acr:1fa'])
    assert.ok(tokens.refresh_token)
    const profile = await fetch(`${served.issuer}/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    assert.deepEqual(await profile.json(), {
      sub: 'a',
      name: 'Alice',
      preferred_username: 'alice',
      email: 'alice@example.com',
      email_verified: false,
    })
    const again = await rp.request({ scope: 'openid profile email' })
    assert.ok(isAnswer(await browser.get(again.url)))
  })

  it('prefills the hinted user name as text', async () => {
    const { page } = await start({ login_hint: '"><script>alert(1)</script>' })
    assert.match(page.text, /value="&#34;&gt;&lt;script&gt;/)
  })

  it('speaks German where asked to', async () => {
    const { page } = await start({ ui_locales: 'de-AT' })
    assert.match(page.text, /<html lang="de">/)
  })

  for (const [name, username, password] of [
    ['a wrong password', 'alice', 'wrong'],
    ['an unknown user', 'nobody', 'right'],
    ['a disabled account', 'carol', 'right'],
    ['an empty form', '', ''],
  ] as const) {
    it(`says the same for ${name}`, async () => {
      const { browser, page } = await start()
      const refused = await signIn(browser, page, username, password)
      assert.equal(refused.status, 422)
      assert.equal(refused.heading, 'Sign in')
      assert.match(refused.text, /That username and password do not match/)
      assert.ok(!refused.text.includes('wrong'))
      assert.equal((await signIn(browser, refused)).heading, 'Allow this app to use your account?')
    })
  }

  it('throttles guesses for one user name over all browsers', async () => {
    let { browser, page } = await start()
    for (let guess = 0; guess < 10; guess += 1) await signIn(browser, page, 'Mallory', 'wrong')
    ;({ browser, page } = await start())
    const throttled = await signIn(browser, page, ' mallory ', 'wrong')
    assert.equal(throttled.status, 429)
    // Real time passes between the guesses.
    const seconds = Number(throttled.headers.get('retry-after'))
    assert.ok(seconds > 5 && seconds <= 15, `${seconds} s`)
    assert.match(throttled.text, /Wait 15 seconds/)
  })

  it('goes back to the app when cancelled, at the login and at the consent', async () => {
    const { browser, page } = await start()
    assert.equal(errorOf(await browser.post(page, {}, `${page.url.pathname}/cancel`)), 'access_denied')
    const second = await start()
    const consent = await signIn(second.browser, second.page)
    assert.equal(errorOf(await second.browser.post(consent, {}, `${consent.url.pathname}/cancel`)), 'access_denied')
  })

  const attacks: [
    name: string,
    status: number,
    send: (browser: ReturnType<typeof createBrowser>, page: Page) => Promise<Page>,
  ][] = [
    [
      'no CSRF token',
      400,
      (browser, page) => browser.send(page.action, { form: { username: 'alice', password: 'right' } }),
    ],
    [
      'a wrong CSRF token',
      403,
      (browser, page) => browser.send(page.action, { form: { csrf: 'x', username: 'alice', password: 'right' } }),
    ],
    [
      'a cross-site post',
      403,
      (browser, page) =>
        browser.send(page.action, {
          form: { csrf: page.csrf, username: 'alice', password: 'right' },
          headers: { 'sec-fetch-site': 'cross-site' },
        }),
    ],
    [
      'a foreign origin',
      403,
      (browser, page) =>
        browser.send(page.action, {
          form: { csrf: page.csrf, username: 'alice', password: 'right' },
          headers: { origin: 'https://evil.example' },
        }),
    ],
    [
      'an unknown field',
      400,
      (browser, page) => browser.post(page, { username: 'alice', password: 'right', accountId: 'a' }),
    ],
    [
      'a doubled field',
      400,
      (browser, page) =>
        browser.send(page.action, { form: { csrf: page.csrf, username: ['alice', 'bob'], password: 'right' } }),
    ],
    [
      'a nested field',
      400,
      (browser, page) => browser.send(page.action, { form: `csrf=${page.csrf}&username[a]=alice&password=right` }),
    ],
    [
      'an overlong user name',
      400,
      (browser, page) => browser.post(page, { username: 'a'.repeat(257), password: 'right' }),
    ],
    [
      'an oversized body',
      413,
      (browser, page) => browser.post(page, { username: 'alice', password: 'a'.repeat(17_000) }),
    ],
    [
      'a JSON body',
      415,
      (browser, page) =>
        browser.send(page.action, { method: 'POST', form: '{}', headers: { 'content-type': 'application/json' } }),
    ],
    ['no body', 415, (browser, page) => browser.send(page.action, { method: 'POST' })],
    [
      'another interaction',
      400,
      (browser, page) =>
        browser.post(page, { username: 'alice', password: 'right' }, '/interaction/somebody-elses/login'),
    ],
    [
      'another browser',
      400,
      (_browser, page) => createBrowser(served.issuer).post(page, { username: 'alice', password: 'right' }),
    ],
    ['consent before login', 400, (browser, page) => browser.post(page, {}, `${page.url.pathname}/consent`)],
    ['a wrong method on the form', 405, (browser, page) => browser.send(page.action, { method: 'PUT' })],
    ['a wrong method on the page', 405, (browser, page) => browser.send(page.url, { method: 'POST' })],
    ['an unknown route', 404, (browser, page) => browser.get(`${page.url.pathname}/login/more`)],
  ]
  for (const [name, status, send] of attacks) {
    it(`answers ${name} with a ${status} page, and the sign-in is not lost`, async () => {
      const { browser, page } = await start()
      const refused = await send(browser, page)
      assert.equal(refused.status, status)
      assert.ok(refused.heading)
      assert.match(refused.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/)
      assert.equal(refused.headers.get('cache-control'), 'no-store')
      assert.doesNotMatch(refused.text, /\bat .*\.[tj]s:\d+/)
      assert.equal((await signIn(browser, page)).heading, 'Allow this app to use your account?')
    })
  }

  it('shows the expired page for a finished interaction', async () => {
    const { browser, page } = await start()
    await signIn(browser, page)
    const stale = await signIn(browser, page)
    assert.equal(stale.status, 400)
    assert.equal(stale.heading, 'This page has expired')
  })

  it('shows a home page, its style sheet and script, and a page or JSON for what is not there', async () => {
    const browser = createBrowser(served.issuer)
    const home = await browser.get('/')
    assert.equal(home.heading, 'This is a sign-in service')
    const $ = load(home.text)
    for (const [path = '', type] of [
      [$('link[rel=stylesheet]').attr('href'), 'text/css; charset=utf-8'],
      [$('script').attr('src'), 'text/javascript; charset=utf-8'],
    ] as const) {
      const asset = await browser.get(path)
      assert.equal(asset.headers.get('content-type'), type)
      const etag = asset.headers.get('etag') ?? ''
      const { headers } = await browser.send(asset.url, { headers: { 'if-none-match': etag } })
      assert.equal(headers.get('etag'), etag)
    }
    assert.equal((await browser.get('/no/such')).heading, 'There is no page here')
    const json = await fetch(`${served.issuer}/no/such`, { headers: { accept: 'application/json' } })
    assert.deepEqual([json.status, await json.json()], [404, { error: 'not_found' }])
  })

  it('explains a bad request without its words, and signs out', async () => {
    const browser = createBrowser(served.issuer)
    const bad = await browser.get('/auth?client_id=nobody<script>')
    assert.equal(bad.heading, 'That page could not be used')
    assert.match(bad.text, /quote this/)
    const { browser: other, page } = await start()
    await other.post(await signIn(other, page))
    const leaving = await other.get('/session/end?client_id=app')
    assert.equal(leaving.heading, 'Do you want to sign out?')
    const xsrf = /name="xsrf" value="(\w+)"/.exec(leaving.text)?.[1] ?? ''
    const gone = await other.send(leaving.action, { form: { xsrf, logout: 'yes' } })
    assert.equal(gone.heading, 'You have signed out')
  })

  it('connects a device in the same looks', async () => {
    const { device_authorization_endpoint: endpoint } = (await (
      await fetch(`${served.issuer}/.well-known/openid-configuration`)
    ).json()) as { device_authorization_endpoint: string }
    assert.ok(endpoint)
    const browser = createBrowser(served.issuer)
    const page = await browser.get('/device')
    assert.equal(page.heading, 'Connect a device')
    const xsrf = /name="xsrf" value="(\w+)"/.exec(page.text)?.[1] ?? ''
    const again = await browser.send(page.action, { form: { xsrf, user_code: 'WRONG' } })
    assert.match(again.text, /That code did not work/)
  })

  it('survives a raw request that no browser sends', async () => {
    const { port } = new URL(served.issuer)
    const status = await new Promise((resolve, reject) => {
      request({ port, host: '127.0.0.1', method: 'GET', path: '/interaction/%E0%A4%A' }, ({ statusCode }) =>
        resolve(statusCode),
      )
        .on('error', reject)
        .end()
    })
    assert.ok(Number(status) >= 400 && Number(status) < 500, String(status))
  })

  it('keeps a fault to itself: a reference on the page, the fault in the log', async () => {
    const { browser, page } = await start()
    const logged: string[] = []
    const { write } = process.stderr
    process.stderr.write = (line) => logged.push(String(line)) > 0
    const failed = await signIn(browser, page, 'broken').finally(() => {
      process.stderr.write = write
    })
    assert.equal(failed.status, 500)
    assert.equal(failed.heading, 'Something went wrong on our side')
    assert.doesNotMatch(failed.text, /DATABASE|\.ts/)
    const [, reference = 'none'] = /<code>([\w-]+)<\/code>/.exec(failed.text) ?? []
    assert.ok(logged.join('').startsWith(`oidc-step-up: ${reference} POST `))
    assert.match(logged.join(''), /SECRET DATABASE ADDRESS/)
  })
})
