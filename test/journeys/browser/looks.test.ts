import assert from 'node:assert/strict'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { MULTI_FACTOR } from '../../../src/assurance/presets.ts'
import { serve } from '../../../src/cli/serve.ts'
import { createRenderer } from '../../../src/http/render.ts'
import { freePort } from '../../cli/free-port.ts'
import { configFor } from '../../cli/served.ts'
import { openChromium, standsAt } from '../../support/chromium.ts'
import { codeAt, REDIRECT_URI } from '../../support/host.ts'
import { AT, answer, follow, openStage, press, type Stage, secretOn, wordsOf } from './stage.ts'

const WIDTHS = [320, 390, 1280]
// Everything else that axe looks at is the same in both.
const DARK = { runOnly: { type: 'rule' as const, values: ['color-contrast', 'link-in-text-block'] } }
const LIGHT = { rules: { 'target-size': { enabled: true } } }

const violations = async (page: Page, options: axe.RunOptions) => {
  const found: axe.AxeResults['violations'] = await page.evaluate(
    `axe.run(document, ${JSON.stringify(options)}).then((results) => results.violations)`,
  )
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`)
}

/** Every complaint about the page that is open, in both color schemes and at every width. */
const complaints = async (page: Page) => {
  const found: string[] = []
  await page.evaluate(axe.source)
  for (const [colorScheme, options] of [
    ['dark', DARK],
    ['light', LIGHT],
  ] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    found.push(...(await violations(page, options)).map((one) => `${colorScheme}: ${one}`))
  }
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 700 })
    const needed = await page.evaluate(() => document.documentElement.scrollWidth)
    if (needed > width) found.push(`${needed} px wide at ${width} px`)
    const low = await page
      .locator(
        '.card :is(.primary, .tool, .check, .link, .ways a, .secret a, input:not([type=hidden], [type=checkbox])), .button, .quiet, summary',
      )
      .evaluateAll((targets) =>
        targets.filter((one) => one.getBoundingClientRect().height < 44).map((one) => one.outerHTML),
      )
    found.push(...low.map((html) => `lower than 44 px at ${width} px: ${html}`))
  }
  return found
}

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
      await page.goto(`${stage.bank}/transfer`)
      await look('enroll', AT.enroll)
      await answer(page, '000000', 'Confirm and continue')
      await look('enroll, wrong', AT.enroll)
      await answer(page, stage.code(await secretOn(page)), 'Confirm and continue')
      await look('transfer', AT.transfer)
      await press(page, 'Transfer')
      await look('done', AT.done)
      assertFlawless()
    })

    it('has no fault as bob sees it', async () => {
      await page.goto(stage.issuer)
      await look('provider', 'This is a sign-in service')
      await stage.enter(page, 'bob')
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
    await look('enroll', 'Authenticator‑App einrichten')
    await page.locator('#code').fill('000000')
    await press(page, 'Bestätigen und fortfahren')
    await look('enroll, wrong', 'Authenticator‑App einrichten')
    await page.locator('#code').fill(codeAt(await secretOn(page)))
    await press(page, 'Bestätigen und fortfahren')
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
    assertFlawless()
  })

  it('has no fault on the pages that the demo has no cause to show', async () => {
    const { render, translate, stylesheet } = createRenderer()
    const origin = 'http://looks.localhost'
    let html = ''
    await page.route(`${origin}/**`, (route) =>
      route.request().url().endsWith('.css')
        ? route.fulfill({ contentType: 'text/css', body: stylesheet.body })
        : route.fulfill({ contentType: 'text/html; charset=utf-8', body: html }),
    )
    for (const locale of ['en', 'de']) {
      const screen = { t: translate(locale), locale, stylesheet: `/${stylesheet.path}`, accountLabel: LONG }
      const known = { ...screen, clientName: 'Bank', csrf: 'x', cancelAction: '/x', declineAction: '/x' }
      const options = ['My phone', LONG, ''].map((name) => ({ factor: 'totp', href: '/x', authenticators: [name] }))
      const views = {
        'choose a way': ['choose', { ...known, purpose: 'challenge', options }],
        'choose what to set up': ['choose', { ...known, purpose: 'enroll', options }],
        disabled: ['closed', { ...known, notice: { id: 'code.disabled' }, chooseHref: '/x' }],
        'out of reach': ['error', { ...screen, id: 'error.unavailable', retryHref: '/x', reference: 'Ab3dEf9h' }],
        fault: ['error', { ...screen, id: 'error.unexpected', reference: 'Ab3dEf9h' }],
        'expired, start again': ['expired', { ...screen, id: 'expired', retryHref: '/x' }],
      } as const
      for (const [name, [view, fields]] of Object.entries(views)) {
        html = render(view, fields)
        await page.goto(`${origin}/page`)
        await look(`${name}, ${locale}`, await wordsOf(page, 'h1'))
      }
    }
    assertFlawless()
  })
})
