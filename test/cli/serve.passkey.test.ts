import assert from 'node:assert/strict'
import { load } from 'cheerio'
import type { Account } from '../../src/account.ts'
import type { ServeConfig } from '../../src/cli/config.ts'
import { type Served, serve } from '../../src/cli/serve.ts'
import { totp } from '../../src/factors/totp.ts'
import { webauthn } from '../../src/factors/webauthn.ts'
import { PHISHING_RESISTANT } from '../../src/index.ts'
import { type Browser, createBrowser, type Page } from '../support/browser.ts'
import { ADD_KEY, keyFor, useKey } from '../support/keyring.ts'
import { createRelyingParty, isAnswer } from '../support/relying-party.ts'
import type { Manner, SoftAuthenticator } from '../support/soft-authenticator.ts'
import { freePort } from './free-port.ts'
import { configFor } from './served.ts'

const CONSENT = 'Allow this app to use your account?'
const WORDS = 'That passkey did not work.'
const ESSENTIAL = JSON.stringify({ id_token: { acr: { essential: true, value: PHISHING_RESISTANT } } })

/** The part of the login page that asks for a passkey. */
const passkeyOn = ({ text }: Page) => {
  const $ = load(text)
  const form = $('form[data-passkey-options]')
  return {
    options: form.length === 0 ? undefined : JSON.parse(form.attr('data-passkey-options') ?? '').options,
    action: form.attr('action') ?? '',
    scripts: $('script[defer]')
      .get()
      .map((script) => $(script).attr('src') ?? ''),
    autocomplete: $('#username').attr('autocomplete'),
    invalid: $('[aria-invalid]').length,
  }
}

/** What the browser answers to the page, as its script would put it into the form. */
const answerTo = (page: Page, soft: SoftAuthenticator, lies: Partial<Manner> = {}) =>
  JSON.stringify(soft.get(passkeyOn(page).options, lies))

describe('cli/serve: signing in with a passkey', () => {
  let served: Served
  let alice: Account & { name: string; disabled?: boolean }
  let key: SoftAuthenticator

  const begin = async (config: Partial<ServeConfig> = {}) => {
    served = await serve(
      configFor(await freePort(), {
        factors: [webauthn({ relyingPartyName: 'Test' }), totp({ issuer: 'Test' })],
        accounts: {
          authenticate: (username, password) => (username === 'alice' && password === 'right' ? 'a' : undefined),
          find: (id) => (id === 'a' ? alice : undefined),
        },
        ...config,
      }),
    )
  }
  const ask = async (browser: Browser, parameters: Readonly<Record<string, string>> = {}) => {
    const { url, redeem } = await (await createRelyingParty(served)).request(parameters)
    return { page: await browser.get(url), redeem }
  }
  const open = async (parameters: Readonly<Record<string, string>> = {}) => {
    const browser = createBrowser(served.issuer)
    return { browser, ...(await ask(browser, parameters)) }
  }
  const send = (browser: Browser, page: Page, passkey: string) =>
    browser.send(passkeyOn(page).action, { form: { csrf: page.csrf, passkey } })
  const enroll = async () => {
    const { browser, page } = await open({ claims: ESSENTIAL })
    const add = await browser.post(page, { username: 'alice', password: 'right' })
    assert.equal(add.heading, ADD_KEY)
    assert.equal((await useKey(browser, add, key)).heading, CONSENT)
  }

  beforeEach(async () => {
    alice = { id: 'a', label: 'alice', name: 'Alice', securityStamp: '1' }
    await begin()
    key = keyFor(served)
  })
  afterEach(() => served.close())

  it('asks for any passkey on its login page, with scripts that it serves, and sends nothing', async () => {
    const { browser, page } = await open()
    const { options, scripts, autocomplete } = passkeyOn(page)
    assert.deepEqual([options.allowCredentials, options.userVerification, options.rpId], [[], 'required', 'localhost'])
    assert.equal(autocomplete, 'username webauthn')
    assert.equal(scripts.length, 2)
    for (const src of scripts) {
      const script = await browser.get(src)
      assert.deepEqual([script.status, script.headers.get('content-type')], [200, 'text/javascript; charset=utf-8'])
    }
    assert.match(page.text, /<form[^>]* data-scripted hidden>[\s\S]*Sign in with a passkey/)
    const again = await browser.get(page.url)
    assert.deepEqual(passkeyOn(again).options, options)
    const other = await open()
    assert.notEqual(passkeyOn(other.page).options.challenge, options.challenge)
  })

  it('signs in with it alone, and tells apps what was shown', async () => {
    await enroll()
    const { browser, page, redeem } = await open({ claims: ESSENTIAL })
    const consent = await send(browser, page, answerTo(page, key))
    assert.equal(consent.heading, CONSENT)
    const { sub, acr, amr } = await redeem((await browser.post(consent)).url)
    assert.deepEqual([sub, acr, amr], ['a', PHISHING_RESISTANT, ['pop', 'hwk', 'user', 'mfa']])
    const next = await ask(browser)
    assert.ok(isAnswer(next.page), next.page.heading)
    alice = { ...alice, securityStamp: '2' }
    assert.equal((await ask(browser)).page.heading, 'Sign in')
  })

  it('takes it from who is signed in and has to sign in again', async () => {
    await enroll()
    const { browser, page } = await open()
    await browser.post(await browser.post(page, { username: 'alice', password: 'right' }))
    const login = await ask(browser, { prompt: 'login', claims: ESSENTIAL })
    assert.equal(login.page.heading, 'Sign in')
    assert.match(login.page.text, /value="alice"/)
    const answer = await send(browser, login.page, answerTo(login.page, key))
    assert.deepEqual((await login.redeem(answer.url)).amr, ['pop', 'hwk', 'user', 'mfa'])
  })

  const stranger = () => {
    const soft = keyFor(served)
    soft.create({ rp: { id: 'localhost' }, user: { id: 'x' }, challenge: 'x' } as never)
    return soft
  }
  const wrong: [name: string, answer: (page: Page) => string | Promise<string>][] = [
    ['what is no answer at all', () => 'garbage'],
    ['a passkey that nobody has set up', (page) => answerTo(page, stranger())],
    ['an answer to another page', async () => answerTo((await open()).page, key)],
    ['a forged signature', (page) => answerTo(page, key, { forge: () => Buffer.alloc(70) })],
    ['another origin', (page) => answerTo(page, key, { origin: 'http://localhost:1' })],
    ['a touch without a fingerprint, face or PIN', (page) => answerTo(page, key, { uv: false })],
    ['the name of another user', (page) => answerTo(page, key, { userHandle: 'eA' })],
    [
      'a passkey that was taken away',
      async (page) => {
        const [one] = (await served.accounts.list('a')).authenticators
        await served.accounts.remove('a', one?.id ?? '')
        return answerTo(page, key)
      },
    ],
    [
      'a disabled account',
      (page) => {
        alice = { ...alice, disabled: true }
        return answerTo(page, key)
      },
    ],
  ]
  for (const [name, answer] of wrong) {
    it(`says the same for ${name}, asks anew, and the password still works`, async () => {
      await enroll()
      const { browser, page } = await open()
      const refused = await send(browser, page, await answer(page))
      assert.deepEqual([refused.status, refused.heading], [422, 'Sign in'])
      assert.ok(refused.text.includes(WORDS))
      assert.match(refused.text, /<title>Error: Sign in</)
      const { options, invalid } = passkeyOn(refused)
      assert.equal(invalid, 0)
      assert.notEqual(options.challenge, passkeyOn(page).options.challenge)
      alice = { ...alice, disabled: false }
      assert.equal((await browser.post(refused, { username: 'alice', password: 'right' })).heading, CONSENT)
    })
  }

  it('takes an answer once, and the next one again', async () => {
    await enroll()
    const { browser, page } = await open()
    const answer = answerTo(page, key)
    const garbled = await send(browser, page, `${answer}x`)
    assert.equal((await send(browser, garbled, answer)).status, 422)
    const fresh = await browser.get(page.url)
    assert.equal((await send(browser, fresh, answerTo(fresh, key))).heading, CONSENT)
  })

  const malformed: [name: string, status: number, form: (page: Page) => Readonly<Record<string, string>>][] = [
    ['an empty answer', 400, ({ csrf }) => ({ csrf, passkey: '' })],
    ['an overlong answer', 400, ({ csrf }) => ({ csrf, passkey: 'x'.repeat(8193) })],
    ['an answer beside a password', 400, ({ csrf }) => ({ csrf, passkey: 'x', username: 'alice', password: 'right' })],
    ['an answer without a token', 400, () => ({ passkey: 'x' })],
    ['an answer with a wrong token', 403, () => ({ csrf: 'x', passkey: 'x' })],
  ]
  for (const [name, status, form] of malformed) {
    it(`answers ${name} with a ${status} page`, async () => {
      const { browser, page } = await open()
      const refused = await browser.send(passkeyOn(page).action, { form: form(page) })
      assert.equal(refused.status, status)
      assert.ok(refused.heading !== 'Sign in')
    })
  }

  it('takes it from the browser of this sign-in alone', async () => {
    await enroll()
    const { page } = await open()
    const refused = await send(createBrowser(served.issuer), page, answerTo(page, key))
    assert.deepEqual([refused.status, refused.heading], [400, 'This page has expired'])
  })

  it('offers none where no factor signs in alone, and takes none', async () => {
    await served.close()
    await begin({ factors: [totp({ issuer: 'Test' })] })
    const { browser, page } = await open()
    const { options, scripts, autocomplete } = passkeyOn(page)
    assert.deepEqual([options, scripts, autocomplete], [undefined, [], 'username'])
    assert.doesNotMatch(page.text, /passkey/)
    const refused = await browser.send(page.action, { form: { csrf: page.csrf, passkey: 'x' } })
    assert.deepEqual([refused.status, refused.heading], [422, 'Sign in'])
  })

  it('speaks German', async () => {
    const { browser, page } = await open({ ui_locales: 'de' })
    assert.match(page.text, /Mit einem Passkey anmelden/)
    assert.match((await send(browser, page, 'x')).text, /Dieser Passkey hat nicht geklappt/)
  })

  it('makes offers where the configuration says so', async () => {
    await served.close()
    await begin({ offers: { everySeconds: 3600 } })
    const { browser, page } = await open()
    const offer = await browser.post(page, { username: 'alice', password: 'right' })
    assert.equal(offer.heading, 'Make signing in safer')
    await assert.rejects(begin({ offers: { everySeconds: 0 } }), { code: 'ERR_CONFIG', message: /offers/ })
    await assert.rejects(begin({ offers: 'often' as never }), {
      message: /^offers: found "often"; allowed: true, false/,
    })
  })
})
