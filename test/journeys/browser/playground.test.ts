import assert from 'node:assert/strict'
import { decodeJwt, SignJWT } from 'jose'
import * as client from 'openid-client'
import { MULTI_FACTOR, PHISHING_RESISTANT } from '../../../src/assurance/presets.ts'
import { type Browser, createBrowser, type Page } from '../../support/browser.ts'
import { standsAt } from '../../support/chromium.ts'
import { AT, answer, openStage, press, type Stage } from './stage.ts'

const CALLBACK = 'http://localhost:3002/callback'
const AMR = ['pwd', 'otp', 'mfa']

const essential = (...values: readonly string[]) => JSON.stringify({ id_token: { acr: { essential: true, values } } })

const parametersOf = (url: URL) => new URLSearchParams(url.hash.slice(1) || url.search)

describe('the demo with a client library', function slow() {
  this.timeout('60s')
  let stage: Stage
  before(async () => {
    stage = await openStage()
  })
  afterEach(() => stage.clear())
  after(() => stage.close())

  const connect = (...execute: ((config: client.Configuration) => void)[]) =>
    client.discovery(new URL(stage.issuer), 'playground', undefined, client.ClientSecretBasic('playground'), {
      execute: [client.allowInsecureRequests, ...execute],
    })

  /** Goes through every page as bob, up to the client; answers the headings on the way. */
  const pass = async (browser: Browser, url: URL) => {
    const way: string[] = []
    const steps: Readonly<Record<string, (page: Page) => Promise<Page>>> = {
      [AT.signIn]: (page) => browser.post(page, { username: 'bob', password: stage.password('bob') }),
      [AT.challenge]: (page) => browser.post(page, { code: stage.code(stage.secret()) }),
      [AT.consent]: (page) => browser.post(page),
      [AT.offer]: (page) =>
        browser.post(
          page,
          {},
          page.targets.find((target) => target.endsWith('/decline')),
        ),
      [AT.unreachable]: (page) => browser.post(page),
    }
    let page = await browser.get(url)
    while (page.url.origin === stage.issuer && way.length < 6) {
      way.push(page.heading)
      const step = steps[page.heading]
      assert.ok(step, page.heading)
      page = await step(page)
    }
    assert.ok(page.url.href.startsWith(CALLBACK), page.url.href)
    return { url: page.url, way }
  }

  const ask = (config: client.Configuration, parameters: Readonly<Record<string, string>>) => {
    const [state, nonce] = [client.randomState(), client.randomNonce()]
    const base = { redirect_uri: CALLBACK, scope: 'openid', state, nonce }
    return { url: client.buildAuthorizationUrl(config, { ...base, ...parameters }), state, nonce }
  }

  type Redeem = (
    config: client.Configuration,
    back: URL,
    checks: { expectedState: string; expectedNonce: string; maxAge: number },
  ) => Promise<object | undefined>

  const byCode: Redeem = async (config, back, checks) =>
    (await client.authorizationCodeGrant(config, back, { ...checks, idTokenExpected: true })).claims()
  const byToken: Redeem = (config, back, { expectedNonce, ...checks }) =>
    client.implicitAuthentication(config, back, expectedNonce, checks)
  // The library knows no other response types, so their answers are read as they are.
  const byHand: Redeem = async (config, back) => {
    const grant = { code: parametersOf(back).get('code') ?? '', redirect_uri: CALLBACK }
    return decodeJwt((await client.genericGrantRequest(config, 'authorization_code', grant)).id_token ?? '')
  }
  const inFront: Redeem = async (_config, back) => decodeJwt(parametersOf(back).get('id_token') ?? '')

  const flows: [responseType: string, redeem: readonly Redeem[], mode?: (config: client.Configuration) => void][] = [
    ['code', [byCode]],
    ['id_token', [inFront, byToken], client.useIdTokenResponseType],
    ['id_token token', [inFront]],
    ['code id_token', [inFront, byCode], client.useCodeIdTokenResponseType],
    ['code token', [byHand]],
    ['code id_token token', [inFront, byHand]],
  ]
  const requests = {
    'a voluntary level': { acr_values: MULTI_FACTOR },
    'an essential level': { claims: essential(MULTI_FACTOR) },
  }
  let regular: Browser | undefined

  for (const [name, wanted] of Object.entries(requests)) {
    for (const [responseType, redeem, mode] of flows) {
      it(`tells the truth about ${name} in every token of "${responseType}"`, async () => {
        // Older than `max_age` allows, so that each flow asks for a code of its own.
        stage.clock.advance(61)
        const config = await connect(...(mode ? [mode] : []))
        const { url, state, nonce } = ask(config, { ...wanted, max_age: '60', response_type: responseType })
        const startedAt = stage.clock.now()
        // One browser, so that only the first flow asks for the password too.
        regular ??= createBrowser(stage.issuer)
        const back = await pass(regular, url)
        assert.ok(back.way.includes(AT.challenge), String(back.way))
        const checks = { expectedState: state, expectedNonce: nonce, maxAge: 60 }
        const told = await Promise.all(redeem.map((one) => one(config, back.url, checks)))
        const [first] = told.map((claims) => Reflect.get(claims ?? {}, 'auth_time') as number)
        assert.ok(Number(first) >= startedAt, String(first))
        const truth = { sub: 'bob', acr: MULTI_FACTOR, amr: AMR, auth_time: first }
        for (const claims of told) assert.deepEqual({ ...claims, ...truth }, claims)
      })
    }
  }

  it('repeats the values at a refresh, however much later', async () => {
    const config = await connect()
    const browser = createBrowser(stage.issuer)
    const wanted = { acr_values: MULTI_FACTOR, scope: 'openid offline_access', prompt: 'consent' }
    const { url, state, nonce } = ask(config, wanted)
    const { url: back } = await pass(browser, url)
    const checks = { expectedState: state, expectedNonce: nonce, idTokenExpected: true }
    const first = await client.authorizationCodeGrant(config, back, checks)
    stage.clock.advance(3000)
    const second = await client.refreshTokenGrant(config, first.refresh_token ?? '')
    const [before, after] = [first.claims(), second.claims()]
    assert.deepEqual([before?.acr, before?.amr], [MULTI_FACTOR, AMR])
    assert.deepEqual([after?.acr, after?.amr, after?.auth_time], [before?.acr, before?.amr, before?.auth_time])
    assert.ok(Number(after?.iat) >= Number(before?.iat) + 3000)
  })

  it('refuses what it cannot reach with the standard’s error, and goes on where it may', async () => {
    const browser = createBrowser(stage.issuer)
    const config = await connect()
    const outcome = async (parameters: Readonly<Record<string, string>>) => {
      const { url, state, nonce } = ask(config, parameters)
      const { url: back } = await pass(browser, url)
      return client
        .authorizationCodeGrant(config, back, { expectedState: state, expectedNonce: nonce, idTokenExpected: true })
        .then(
          (tokens) => tokens.claims()?.acr,
          (error: client.AuthorizationResponseError) => error.error,
        )
    }
    const unmet = 'unmet_authentication_requirements'
    assert.equal(await outcome({ prompt: 'none', claims: essential(MULTI_FACTOR) }), 'login_required')
    assert.equal(await outcome({ claims: essential('urn:example:unknown') }), unmet)
    assert.equal(await outcome({}), 'urn:oidc-step-up:acr:1fa')
    assert.equal(await outcome({ prompt: 'none', claims: essential(MULTI_FACTOR) }), 'interaction_required')
    assert.equal(await outcome({ prompt: 'none', acr_values: MULTI_FACTOR }), 'urn:oidc-step-up:acr:1fa')
    assert.equal(await outcome({ acr_values: `${PHISHING_RESISTANT} urn:okta:loa:2fa:any` }), 'urn:okta:loa:2fa:any')
    assert.equal(await outcome({ acr_values: PHISHING_RESISTANT }), MULTI_FACTOR)
    assert.equal(await outcome({ claims: essential(PHISHING_RESISTANT) }), unmet)
    assert.equal(await outcome({ prompt: 'none', claims: essential(PHISHING_RESISTANT, MULTI_FACTOR) }), MULTI_FACTOR)
  })

  it('asks the same of pushed requests and of request objects', async () => {
    const config = await connect()
    const wanted = { response_type: 'code', claims: essential(MULTI_FACTOR), acr_values: 'urn:none' }
    const pushed = ask(config, wanted)
    const browser = createBrowser(stage.issuer)
    const first = await pass(browser, await client.buildAuthorizationUrlWithPAR(config, pushed.url.searchParams))
    assert.deepEqual(first.way, [AT.signIn, AT.challenge, AT.consent])
    const checks = { expectedState: pushed.state, expectedNonce: pushed.nonce }
    const tokens = await client.authorizationCodeGrant(config, first.url, checks)
    assert.equal(tokens.claims()?.acr, MULTI_FACTOR)

    const inside = ask(config, { response_type: 'code', claims: essential(PHISHING_RESISTANT) })
    const request = await new SignJWT(Object.fromEntries(inside.url.searchParams))
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('playground')
      .setAudience(stage.issuer)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(new TextEncoder().encode('playground'))
    const url = new URL(inside.url.origin + inside.url.pathname)
    url.search = new URLSearchParams({
      client_id: 'playground',
      response_type: 'code',
      scope: 'openid',
      request,
    }).toString()
    const second = await pass(browser, url)
    assert.deepEqual(second.way, [AT.unreachable])
    assert.equal(second.url.searchParams.get('error'), 'unmet_authentication_requirements')
  })

  it('says nothing of people in a token that no person asked for', async () => {
    const config = await connect()
    const { access_token: token } = await client.clientCredentialsGrant(config)
    const { active, acr, amr, auth_time: authTime } = await client.tokenIntrospection(config, token)
    assert.deepEqual(
      { active, acr, amr, authTime },
      { active: true, acr: undefined, amr: undefined, authTime: undefined },
    )
  })

  it('connects a device with a code, in a real browser', async () => {
    const config = await connect()
    const device = await client.initiateDeviceAuthorization(config, { scope: 'openid', acr_values: MULTI_FACTOR })
    const page = await stage.visitor()
    await page.goto(device.verification_uri)
    await standsAt(page, 'Connect a device')
    await page.getByLabel('Code from your device').fill('WRNG-CODE')
    await press(page, 'Continue')
    assert.equal(await page.title(), 'Error: Connect a device')
    await page.getByLabel('Code from your device').fill(device.user_code)
    await press(page, 'Continue')
    await standsAt(page, 'Does your device show this code?')
    await press(page, 'Yes, connect it')
    await standsAt(page, AT.signIn)
    await stage.logIn(page, 'bob')
    await standsAt(page, AT.challenge)
    const startedAt = stage.clock.now()
    await answer(page, stage.code(stage.secret()))
    await standsAt(page, AT.consent)
    await press(page, 'Allow')
    await standsAt(page, 'Your device is connected')
    const tokens = await client.pollDeviceAuthorizationGrant(config, { ...device, interval: 0 })
    const claims = tokens.claims()
    assert.deepEqual([claims?.sub, claims?.acr, claims?.amr], ['bob', MULTI_FACTOR, AMR])
    assert.ok(Number(claims?.auth_time) >= startedAt)
  })

  it('takes the address that holds the device’s code, too', async () => {
    const config = await connect()
    const device = await client.initiateDeviceAuthorization(config, { scope: 'openid' })
    const page = await stage.visitor()
    await page.goto(device.verification_uri_complete ?? '')
    await standsAt(page, 'Does your device show this code?')
    assert.equal(await page.getByLabel('Code from your device').inputValue(), device.user_code)
    await press(page, 'No, stop here')
    await page.locator('.fault').waitFor()
    await assert.rejects(client.pollDeviceAuthorizationGrant(config, { ...device, interval: 0 }), {
      error: 'access_denied',
    })
  })
})
