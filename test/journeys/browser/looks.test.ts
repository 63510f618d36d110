import assert from 'node:assert/strict'
import { extname } from 'node:path'
import type { Page } from 'playwright-core'
import { MULTI_FACTOR } from '../../../src/assurance/presets.ts'
import { serve } from '../../../src/cli/serve.ts'
import { recoveryCodes } from '../../../src/factors/recovery-codes.ts'
import { totp } from '../../../src/factors/totp.ts'
import { webauthn } from '../../../src/factors/webauthn.ts'
import { createRenderer } from '../../../src/http/render.ts'
import { freePort } from '../../cli/free-port.ts'
import { configFor } from '../../cli/served.ts'
import { openChromium, standsAt } from '../../support/chromium.ts'
import { codeAt, REDIRECT_URI } from '../../support/host.ts'
import { complaints, write } from './complaints.ts'
import { APP, AT, answer, follow, keepCodes, openStage, press, type Stage, secretOn, wordsOf } from './stage.ts'

const HTML = 'text/html; charset=utf-8'
const CODES = Array.from({ length: 10 }, (_, index) => `7K2M-9QXD-H3PT-W8V${index}`)
const POSTED = [
  { way: 'voice', at: 0, to: '+12025550123', text: 'Hello. Your code is: 1, 2, 3, 4, 5, 6.' },
  {
    way: 'mail',
    at: 0,
    to: `${'a'.repeat(60)}@example.com`,
    subject: 'S'.repeat(200),
    text: `x\n\n${'y'.repeat(300)}`,
  },
]
const SAVE_IN_GERMAN = 'Wiederherstellungs\u00adcodes speichern'

describe('the demo in a browser: looks', function slow() {
  this.timeout('120s')
  let page: Page
  let found: Record<string, string[]>
  let closing: (() => Promise<void>)[]
  beforeEach(async () => {
    const context = await openChromium()
    page = await context.newPage()
    found = {}
    closing = [() => context.close()]
  })
  afterEach(async () => {
    for (const close of closing) await close()
  })

  /** Looks at the page with this heading. */
  const look = async (name: string, heading: string) => {
    await standsAt(page, heading)
    found[name] = await complaints(page)
  }
  const assertFlawless = () => {
    const flawed = Object.entries(found).filter(([, list]) => list.length > 0)
    assert.deepEqual(Object.fromEntries(flawed), {})
  }

  describe('of every page on the way', () => {
    let stage: Stage
    beforeEach(async () => {
      stage = await openStage()
      closing.push(() => stage.close())
    })

    it('has no fault as alice sees it', async () => {
      await page.goto(stage.bank)
      await look('bank', 'Money, kept simple')
      await follow(page, 'Sign in')
      await look('login', AT.signIn)
      await stage.logIn(page, 'alice', 'wrong')
      await look('login, wrong', AT.signIn)
      await stage.logIn(page, 'alice')
      await look('consent', AT.consent)
      await press(page, 'Allow')
      await look('overview', 'Welcome, Alice')
      await page.goto(`${stage.bank}/statement`)
      await page.locator('summary').click()
      await look('statement', 'Statement')
      await page.goto(`${stage.issuer}/outbox`)
      await look('outbox, empty', AT.outbox)
      await page.goto(`${stage.bank}/transfer`)
      await look('email', AT.email)
      await page.goto(`${stage.issuer}/outbox`)
      await look('outbox', AT.outbox)
      await page.goBack()
      await answer(page, await stage.sent('alice@example.com'))
      await look('choice', AT.protection)
      await follow(page, APP)
      await look('enroll', AT.enroll)
      await answer(page, '000000', 'Confirm and continue')
      await look('enroll, wrong', AT.enroll)
      await answer(page, stage.code(await secretOn(page)), 'Confirm and continue')
      await look('codes', AT.save)
      await press(page, 'Continue')
      await look('codes, not saved', AT.save)
      await keepCodes(page)
      await look('transfer', AT.transfer)
      await press(page, 'Transfer')
      await look('done', AT.done)
      assertFlawless()
    })

    it('has no fault as alice sees it who got a link', async () => {
      await page.goto(stage.setupLink())
      await look('link', AT.protect)
      await page.goto('about:blank')
      await page.goto(stage.setupLink().replace(/#.*/, ''))
      await look('link, to be pasted', AT.protect)
      await page.getByLabel('Your setup link').fill('no link at all')
      await press(page, 'Continue')
      await look('link, wrong', AT.protect)
      await page.getByLabel('Your setup link').fill(stage.setupLink())
      await press(page, 'Continue')
      await follow(page, APP)
      await answer(page, stage.code(await secretOn(page)), 'Confirm and continue')
      await keepCodes(page)
      await look('set up', AT.protected)
      assertFlawless()
    })

    it('has no fault as bob sees it who lost his phone', async () => {
      await stage.enter(page, 'bob')
      await page.goto(`${stage.bank}/documents`)
      await look('challenge', AT.challenge)
      await follow(page, 'Use another way')
      await look('choice', AT.choose)
      await follow(page, 'Recovery code')
      await look('recovery code', AT.recover)
      await page.getByLabel('Recovery code').fill('AAAA')
      await press(page, 'Continue')
      await look('recovery code, wrong', AT.recover)
      await page.getByLabel('Recovery code').fill(stage.recoveryCodes()[0] ?? '')
      await press(page, 'Continue')
      await look('choice of a new one', AT.renewal)
      await follow(page, APP)
      await look('new app', AT.enroll)
      await press(page, 'Not now')
      await look('consent', AT.consent)
      await press(page, 'Allow')
      await look('documents', AT.documents)
      assertFlawless()
    })

    it('has no fault as bob sees it', async () => {
      await page.goto(stage.issuer)
      await look('provider', 'This is a sign-in service')
      await stage.enter(page, 'bob')
      await page.goto(`${stage.bank}/transfer`)
      await answer(page, stage.code(stage.secret()))
      await look('offer', AT.offer)
      await press(page, 'Not now')
      stage.clock.advance(301)
      await page.goto(`${stage.bank}/transfer`)
      await look('challenge', AT.challenge)
      await answer(page, '000000')
      await look('challenge, wrong', AT.challenge)
      for (let wrong = 1; wrong < 5; wrong += 1) await answer(page, '000000')
      await look('closed', 'This page takes no more codes')
      await press(page, 'Cancel')
      await look('cancelled', AT.stronger)
      await page.goto(`${stage.bank}/transfer`)
      await answer(page, '000000')
      await look('throttled', AT.challenge)
      await page.goto(`${stage.bank}/limits`)
      await look('unreachable', AT.unreachable)
      await press(page, 'Go back to Bank')
      await look('limits', AT.limits)
      await press(page, 'Sign out')
      await look('logout', 'Do you want to sign out?')
      await press(page, 'Sign out')
      await look('signed out of Bank', 'You have signed out.')
      await page.goto(`${stage.issuer}/session/end`)
      await look('signed out', 'You have signed out')
      await page.goto(`${stage.issuer}/mfa/none`)
      await look('expired', 'This page has expired')
      await page.goto(`${stage.issuer}/none`)
      await look('error', 'There is no page here')
      await page.goto(`${stage.issuer}/device`)
      await look('device', 'Connect a device')
      assertFlawless()
    })
  })

  const LONG = 'maximiliane-alexandra.von-und-zu-hohenlohe-waldenburg-schillingsfuerst@example.com'

  it('has no fault in German, with names that are very long', async () => {
    const port = await freePort()
    const plain = configFor(port)
    const [client] = plain.clients
    assert.ok(client)
    const served = await serve({
      ...plain,
      factors: [webauthn({ relyingPartyName: 'Test' }), totp({ issuer: 'Test' }), recoveryCodes()],
      policy: { default: 'never', scopes: { phone: { floor: MULTI_FACTOR } } },
      clients: [{ ...client, client_name: `Kundenbetreuungsportal ${'Donaudampfschifffahrt'.repeat(4)}` }],
      accounts: {
        authenticate: () => 'long',
        find: (id) => ({ id, label: LONG, name: LONG, email: LONG }),
      },
    })
    closing.push(() => served.close())
    const ask = (parameters: Readonly<Record<string, string>>) => {
      const pkce = { code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' }
      const base = {
        client_id: 'app',
        redirect_uri: REDIRECT_URI,
        response_type: 'code',
        scope: 'openid profile email',
      }
      return `${served.issuer}/auth?${new URLSearchParams({ ...base, ...pkce, ui_locales: 'de', ...parameters })}`
    }
    await page.goto(ask({ acr_values: MULTI_FACTOR }))
    await look('login', 'Anmelden')
    await page.locator('#username').fill(LONG)
    await page.locator('#password').fill('wrong is not looked at')
    await press(page, 'Anmelden')
    await look('choice of the first', await wordsOf(page, 'h1'))
    await follow(page, 'Authenticator‑App')
    await look('enroll', 'Authenticator‑App einrichten')
    await page.locator('#code').fill('000000')
    await press(page, 'Bestätigen und fortfahren')
    await look('enroll, wrong', 'Authenticator‑App einrichten')
    await page.locator('#code').fill(codeAt(await secretOn(page)))
    await press(page, 'Bestätigen und fortfahren')
    await look('codes', SAVE_IN_GERMAN)
    await press(page, 'Weiter')
    await look('codes, not saved', SAVE_IN_GERMAN)
    await page.locator('#kept').check()
    await press(page, 'Weiter')
    await page.locator('.scopes').waitFor()
    await look('consent', await wordsOf(page, 'h1'))
    assert.equal(await page.locator('html').getAttribute('lang'), 'de')
    await page.goto(ask({ acr_values: 'phr' }))
    await look('unreachable', 'Diese App verlangt eine stärkere Bestätigung')
    await page.goto(ask({ acr_values: MULTI_FACTOR, prompt: 'login' }))
    await page.locator('#password').fill('x')
    await press(page, 'Anmelden')
    await look('challenge', 'Code aus Ihrer Authenticator‑App eingeben')
    await page.locator('#code').fill('000000')
    await press(page, 'Weiter')
    await look('challenge, wrong', 'Code aus Ihrer Authenticator‑App eingeben')
    await follow(page, 'Eine andere Möglichkeit nutzen')
    await look('choice', await wordsOf(page, 'h1'))
    await follow(page, 'Wiederherstellungs')
    await page.locator('#code').waitFor()
    await look('recovery code', await wordsOf(page, 'h1'))
    await page.context().clearCookies()
    await page.goto(ask({ scope: 'openid phone' }))
    await page.locator('#username').fill(LONG)
    await page.locator('#password').fill('x')
    await press(page, 'Anmelden')
    await page.locator('#remember').waitFor()
    await look('challenge, remembering', 'Code aus Ihrer Authenticator‑App eingeben')
    assertFlawless()
  })

  it('has no fault on the pages that the demo has no cause to show', async () => {
    const { render, translate, stylesheet, script } = createRenderer()
    const origin = 'http://looks.localhost'
    const answers: Readonly<Record<string, { contentType: string; body: string | Buffer }>> = {
      '.css': { contentType: 'text/css', body: stylesheet.body },
      '.js': { contentType: 'text/javascript', body: script.body },
    }
    await page.route(`${origin}/**`, (route) =>
      route.fulfill(answers[extname(new URL(route.request().url()).pathname)] ?? { contentType: HTML, body: '' }),
    )
    await page.goto(`${origin}/page`)
    for (const locale of ['en', 'de']) {
      const screen = { t: translate(locale), locale, stylesheet: `/${stylesheet.path}`, accountLabel: LONG }
      const known = { ...screen, clientName: 'Bank', csrf: 'x', cancelAction: '/x', declineAction: '/x' }
      const options = ['My phone', LONG, ''].map((name) => ({ factor: 'totp', href: '/x', authenticators: [name] }))
      const wrongPasskey = { action: '/x', username: LONG, passkey: '{}', error: { id: 'serve.login.passkey' } }
      const views = {
        'choose a way': ['choose', { ...known, purpose: 'challenge', options }],
        'choose what to set up': ['choose', { ...known, purpose: 'enroll', options }],
        disabled: ['closed', { ...known, notice: { id: 'code.disabled' }, chooseHref: '/x' }],
        'choose what to set up anew': ['choose', { ...known, offer: 'recovered', purpose: 'enroll', options }],
        'only by link': ['unreachable', { ...known, reason: 'ticket' }],
        'few codes left': ['recovery-codes/enroll', { ...known, offer: 'due', view: { codes: CODES, left: 2 } }],
        'out of reach': ['error', { ...screen, id: 'error.unavailable', retryHref: '/x', reference: 'Ab3dEf9h' }],
        'passkey, wrong': ['serve/login', { ...known, ...wrongPasskey }],
        outbox: ['serve/outbox', { ...screen, messages: POSTED }],
        fault: ['error', { ...screen, id: 'error.unexpected', reference: 'Ab3dEf9h' }],
        'expired, start again': ['expired', { ...screen, id: 'expired', retryHref: '/x' }],
      } as const
      for (const [name, [view, fields]] of Object.entries(views)) {
        // A window runs a script of one address once.
        const address = `/${script.path}?${new URLSearchParams({ locale, name })}`
        await write(page, render(view, { ...fields, script: address }))
        await look(`${name}, ${locale}`, await wordsOf(page, 'h1'))
      }
    }
    assertFlawless()
  })
})
