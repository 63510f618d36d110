import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import type { Context } from 'koa'
import type { BrowserContext, Page } from 'playwright-core'
import { pageHeaders } from '../../../src/http/headers.ts'
import { createRenderer } from '../../../src/http/render.ts'
import type { CeremonyScreen } from '../../../src/http/screens.ts'
import { openChromium } from '../../support/chromium.ts'

const ORIGIN = 'http://script.localhost'
const CODES = Array.from({ length: 10 }, (_, index) => `7K2M-9QXD-H3PT-W8V${index}`)
const KEY = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const SCREEN_ONLY = ['Save your recovery codes', 'Signing in to', 'Download', 'Continue', 'Not now']

const renderer = createRenderer()

/** The headers of our pages, which say what a page may run. */
const headers = (() => {
  const set: Record<string, string> = { 'Content-Type': 'text/html; charset=utf-8' }
  pageHeaders({ set: (fields: object) => Object.assign(set, fields) } as unknown as Context)
  return set
})()

const htmlOf = (path: string) => {
  const screen: CeremonyScreen = {
    t: renderer.translate('en'),
    locale: 'en',
    stylesheet: `/${renderer.stylesheet.path}`,
    script: `/${renderer.script.path}`,
    accountLabel: 'maria@example.com',
    clientName: 'Bank',
    csrf: 'x',
    action: '/answer',
    cancelAction: '/cancel',
    declineAction: '/decline',
    authenticators: [],
    view: { codes: CODES, digits: 6, qr: 'data:,', uri: 'otpauth://totp/x', secret: KEY.replace(/.{4}(?=.)/g, '$& ') },
  }
  return path === '/setup' ? renderer.render('setup/open', screen) : renderer.render(`${path.slice(1)}/enroll`, screen)
}

describe('the script of the pages, under their policy', () => {
  let page: Page
  let faults: string[]
  let contexts: BrowserContext[]
  beforeEach(() => {
    faults = []
    contexts = []
  })
  afterEach(async () => {
    for (const context of contexts) await context.close()
    assert.deepEqual(faults, [])
  })

  const visit = async (path: string, options: Parameters<typeof openChromium>[0] = {}) => {
    const context = await openChromium({ acceptDownloads: true, ...options })
    contexts.push(context)
    page = await context.newPage()
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
    page.on('pageerror', (error) => faults.push(String(error)))
    await page.route(`${ORIGIN}/**`, (route) => {
      const url = new URL(route.request().url())
      if (url.pathname.endsWith('.css'))
        return route.fulfill({ contentType: 'text/css', body: renderer.stylesheet.body })
      if (url.pathname.endsWith('.js'))
        return route.fulfill({ contentType: 'text/javascript', body: renderer.script.body })
      return route.fulfill({ headers, body: htmlOf(url.pathname) })
    })
    await page.goto(`${ORIGIN}${path}`)
  }
  const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText())
  const permissions = ['clipboard-read', 'clipboard-write']

  it('copies the codes, one to a line, and says so', async () => {
    await visit('/recovery-codes', { permissions })
    await press('Copy')
    await page.getByRole('status').filter({ hasText: 'Copied' }).waitFor()
    assert.equal((await clipboard()).replaceAll('\r', ''), CODES.join('\n'))
  })

  it('copies the key without the spaces that make it legible', async () => {
    await visit('/totp', { permissions })
    await press('Copy key')
    await page.getByRole('status').filter({ hasText: 'Copied' }).waitFor()
    assert.equal(await clipboard(), KEY)
  })

  it('selects the codes where the browser lets nobody copy', async () => {
    await visit('/recovery-codes')
    await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }))
    await press('Copy')
    await page.getByRole('status').filter({ hasText: 'did not allow' }).waitFor()
    const selected = await page.evaluate(() => String(getSelection()))
    for (const code of CODES) assert.ok(selected.includes(code), code)
  })

  it('saves the codes as a text file with app, account and date', async () => {
    await visit('/recovery-codes')
    const [download] = await Promise.all([page.waitForEvent('download'), press('Download')])
    assert.equal(download.suggestedFilename(), 'recovery-codes.txt')
    const lines = (await readFile(await download.path(), 'utf8')).split('\n')
    const today = await page.evaluate(() => new Date().toLocaleDateString('en', { dateStyle: 'long' }))
    const head = ['Recovery codes', 'App: Bank', 'Account: maria@example.com', today, 'Each code works once.']
    assert.deepEqual(lines, [...head, ...CODES, ''])
  })

  it('prints the codes and whose they are, dark on light, and nothing else', async () => {
    await visit('/recovery-codes', { colorScheme: 'dark' })
    await page.evaluate(() => Object.assign(window, { print: () => document.body.setAttribute('data-printed', '') }))
    await press('Print')
    await page.locator('body[data-printed]').waitFor()
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    // What is on the paper, not all that is in the document.
    const paper: string = await page.evaluate('document.body.innerText')
    for (const text of ['Bank', 'maria@example.com', ...CODES]) assert.ok(paper.includes(text), text)
    for (const text of SCREEN_ONLY) assert.ok(!paper.includes(text), text)
    assert.equal(await page.locator('.codes').evaluate((codes) => getComputedStyle(codes).color), 'rgb(0, 0, 0)')
  })

  it('takes a ticket out of the address, also where the link is opened again', async () => {
    await visit('/setup?a=1#tok_en-1')
    const field = page.locator('#ticket')
    assert.equal(await field.inputValue(), 'tok_en-1')
    assert.equal(page.url(), `${ORIGIN}/setup?a=1`)
    await page.evaluate(() => {
      location.hash = 'tok_en-2'
    })
    await page.waitForURL(`${ORIGIN}/setup?a=1`)
    assert.equal(await field.inputValue(), 'tok_en-2')
  })

  it('is not missed: without it the page shows the codes, the box and the button, and no button that would do nothing', async () => {
    await visit('/recovery-codes', { javaScriptEnabled: false })
    for (const name of ['Copy', 'Download', 'Print']) assert.equal(await page.getByRole('button', { name }).count(), 0)
    await page.getByRole('checkbox', { name: 'I have saved these codes' }).check()
    assert.ok(await page.getByRole('button', { name: 'Continue' }).isVisible())
    assert.ok(await page.getByText(CODES[9] ?? '').isVisible())
  })
})
