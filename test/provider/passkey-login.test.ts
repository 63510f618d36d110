import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { load } from 'cheerio'
import { totp } from '../../src/factors/totp.ts'
import { webauthn } from '../../src/factors/webauthn.ts'
import { MULTI_FACTOR, stepUp } from '../../src/index.ts'
import { useStage } from '../journeys/stage.ts'
import { cookiesFor } from '../security/support.ts'
import type { Browser, Page } from '../support/browser.ts'
import { optionsAt, passkeyDoor } from '../support/passkey-door.ts'

const NO_SESSION = { name: 'SessionNotFound' }

/** A request of this browser to this page, as a host's code gets it. */
const requestOf = (browser: Browser, page: Page) => {
  const req = new IncomingMessage(new Socket())
  req.url = page.url.pathname
  req.method = 'GET'
  req.headers = { host: page.url.host, cookie: cookiesFor(browser, page) }
  return { req, res: new ServerResponse(req) }
}

describe('provider/passkey-login', () => {
  const stage = useStage()

  const atLogin = async (ways: Parameters<typeof passkeyDoor>[0] = {}) => {
    const { options, faults } = passkeyDoor(ways)
    const host = await stage.host(options)
    const { browser, rp, go } = await stage.person(host)
    const { url } = await rp.request({ acr_values: MULTI_FACTOR })
    return { host, browser, go, faults, page: await browser.get(url) }
  }

  it('gives a login page its options, the same at every reload, and scripts that are there', async () => {
    const { page, browser } = await atLogin()
    assert.ok(optionsAt(page).challenge.length >= 43)
    const again = await browser.get(page.url)
    assert.deepEqual(optionsAt(again), optionsAt(page))
    const scripts = load(page.text)('script')
      .map((_index, script) => script.attribs.src ?? '')
      .get()
    assert.ok(scripts.length >= 2)
    for (const src of scripts) assert.equal((await browser.get(src)).status, 200, src)
  })

  it('asks for no key by name, as it knows nobody yet', async () => {
    const { page } = await atLogin()
    const { allowCredentials = [], userVerification } = optionsAt(page) as {
      allowCredentials?: readonly unknown[]
      userVerification?: string
    }
    assert.deepEqual([allowCredentials, userVerification], [[], 'required'])
  })

  it('gives nothing where no factor signs people in alone', async () => {
    const { page, host, browser } = await atLogin({ stepUp: { factors: [totp({ issuer: 'Test' })] } })
    assert.equal(load(page.text)('form').attr('data-passkey-options'), undefined)
    assert.equal(await host.mfa.passkeyLogin.begin(requestOf(browser, page)), undefined)
    assert.equal(await host.mfa.passkeyLogin.finish(requestOf(browser, page), '{}'), undefined)
  })

  it('answers only the browser that has the page open', async () => {
    const { host, page, browser } = await atLogin()
    const { passkeyLogin } = host.mfa
    assert.ok(await passkeyLogin.begin(requestOf(browser, page)))
    const stranger = host.browser()
    await assert.rejects(passkeyLogin.begin(requestOf(stranger, page)), NO_SESSION)
    await assert.rejects(passkeyLogin.finish(requestOf(stranger, page), '{}'), NO_SESSION)
    await browser.send(page.action, { form: { login: 'bob' }, follow: false })
    assert.equal(await passkeyLogin.finish(requestOf(browser, page), '{}'), undefined)
  })

  it('gives nothing at a page that asks for no login', async () => {
    const { host, browser, go } = await atLogin()
    const { page } = await go({ acr_values: MULTI_FACTOR })
    assert.match(page.url.pathname, /^\/mfa\//)
    const { passkeyLogin } = host.mfa
    await assert.rejects(passkeyLogin.begin(requestOf(browser, page)), NO_SESSION)
    await assert.rejects(passkeyLogin.finish(requestOf(browser, page), '{}'), NO_SESSION)
  })

  it('is refused before a provider is attached', async () => {
    const mfa = stepUp({
      account: () => undefined,
      factors: [webauthn({ relyingPartyName: 'Test' })],
      sealingKeys: [Buffer.alloc(32, 7).toString('base64url')],
    })
    const req = new IncomingMessage(new Socket())
    const res = new ServerResponse(req)
    await assert.rejects(mfa.passkeyLogin.begin({ req, res }), { code: 'ERR_CONFIG' })
    await assert.rejects(mfa.passkeyLogin.finish({ req, res }, ''), { code: 'ERR_CONFIG' })
  })
})
