import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { standsAt } from '../../support/chromium.ts'
import { focused, tabThrough } from './keyboard.ts'
import { APP, AT, answer, confirm, follow, leave, openStage, press, type Stage, secretOn, wordsOf } from './stage.ts'

/** How a person works a page. */
interface Hands {
  /** Uses a link or button that leads to another page. */
  readonly go: (page: Page, name: string) => Promise<void>
  /** Fills in the field and sends the form. */
  readonly send: (page: Page, label: string, text: string) => Promise<void>
}

const mouse: Hands = {
  go: async (page, name) => {
    const either = page.getByRole('link', { name }).or(page.getByRole('button', { name, exact: true }))
    await leave(page, () => either.click())
  },
  send: async (page, label, text) => {
    await page.getByLabel(label).fill(text)
    await press(page, 'Continue')
  },
}

const keyboard: Hands = {
  go: async (page, name) => {
    await tabThrough(page, name)
    await leave(page, () => page.keyboard.press('Enter'))
  },
  send: async (page, label, text) => {
    if ((await focused(page)).name !== label) await tabThrough(page, label)
    await page.keyboard.type(text)
    await leave(page, () => page.keyboard.press('Enter'))
  },
}

const WRONG = 'AAAA-BBBB-CCCC-DDDD'

/** From where a code from the app is asked to where the recovery code is, which is typed. */
const recover = async (page: Page, { go, send }: Hands, code: string) => {
  await standsAt(page, AT.challenge)
  await go(page, 'Use another way')
  await standsAt(page, AT.choose)
  assert.match(await wordsOf(page, '.lead'), /^Pick any one that you have at hand\.$/)
  assert.match(await wordsOf(page, '.options li:last-child'), /^Recovery code\s+One of the codes you saved/)
  await go(page, 'Recovery code')
  await standsAt(page, AT.recover)
  assert.match(await wordsOf(page, '#notice'), /the codes you saved when you set this up\. Each one works once\.$/)
  await send(page, 'Recovery code', code)
}

describe('the demo in a browser: a lost phone', function slow() {
  this.timeout('60s')
  let stage: Stage
  before(async () => {
    stage = await openStage()
  })
  afterEach(() => stage.clear())
  after(() => stage.close())

  it('brings bob back with the keyboard alone: a code he saved, a new app, and the transfer he came for', async () => {
    const page = await stage.visitor()
    await stage.enter(page, 'bob')
    await page.goto(`${stage.bank}/transfer`)
    await recover(page, keyboard, WRONG)
    await page.locator('#code[aria-invalid=true]').waitFor()
    assert.equal(await page.title(), `Error: ${AT.recover}`)
    assert.match(await wordsOf(page, '#notice'), /^That code did not work\. Check it, or type one you have not used/)
    assert.deepEqual(await focused(page), { name: 'Recovery code', visible: true })
    await keyboard.send(page, 'Recovery code', (stage.recoveryCodes()[0] ?? '').toLowerCase())

    await standsAt(page, AT.renewal)
    assert.match(await wordsOf(page, '.lead'), /^You came in with a recovery code, and it is used up now\./)
    await keyboard.go(page, APP)
    await standsAt(page, AT.enroll)
    assert.match(await wordsOf(page, '.lead'), /^You came in with a recovery code, and it is used up now\./)
    const secret = await secretOn(page)
    const stops = [
      'Open in an app on this device',
      'Copy key',
      '6-digit code',
      'Confirm and continue',
      'Set up something else',
      'Not now',
    ]
    assert.deepEqual(await tabThrough(page, 'Not now'), stops)
    for (const _back of ['Set up something else', 'Confirm and continue', '6-digit code'])
      await page.keyboard.press('Shift+Tab')
    await keyboard.send(page, '6-digit code', stage.code(secret))
    await standsAt(page, AT.transfer)
    assert.match(await wordsOf(page, '.said'), /^You proved two different things: a password and a recovery code, /)

    stage.clock.advance(301)
    await page.goto(`${stage.bank}/transfer`)
    await standsAt(page, AT.challenge)
    await confirm(page, stage.code(secret))
    await standsAt(page, AT.transfer)
    assert.match(await wordsOf(page, '.said'), / a code from your phone, (just now|\d+ seconds? ago)\.$/)
  })

  it('brings bob back without JavaScript, and lets him set up a new app another day', async () => {
    const page = await stage.visitor({ javaScriptEnabled: false })
    await stage.enter(page, 'bob')
    await follow(page, 'Transfer money')
    await recover(page, mouse, WRONG)
    await page.locator('#code[aria-invalid=true]').waitFor()
    await mouse.send(page, 'Recovery code', stage.recoveryCodes()[1] ?? '')
    await standsAt(page, AT.renewal)
    await follow(page, APP)
    await standsAt(page, AT.enroll)
    assert.equal(await page.getByRole('button', { name: 'Copy key' }).count(), 0)
    assert.equal(await page.getByRole('button', { name: 'Cancel' }).count(), 0)
    await press(page, 'Not now')
    await standsAt(page, AT.transfer)
  })

  it('shows alice her codes once: she copies, downloads and prints them, and finds none when she goes back', async () => {
    const page = await stage.visitor({ permissions: ['clipboard-read', 'clipboard-write'], acceptDownloads: true })
    await stage.enter(page, 'alice')
    await page.goto(`${stage.bank}/transfer`)
    await stage.choose(page)
    await answer(page, stage.code(await secretOn(page)), 'Confirm and continue')
    await standsAt(page, AT.save)
    assert.equal(await wordsOf(page, '.lead'), 'If you lose your phone, each of these codes opens your account once.')
    const codes = await page.locator('.codes li').allTextContents()
    assert.equal(new Set(codes).size, 10)
    const url = page.url()

    assert.deepEqual(await tabThrough(page, 'Copy'), ['Copy'])
    await page.keyboard.press('Enter')
    await page.getByRole('status').filter({ hasText: 'Copied' }).waitFor()
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    assert.deepEqual(copied.split(/\s+/), codes)
    assert.deepEqual(await tabThrough(page, 'Download'), ['Download'])
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')])
    const file = await readFile(await download.path(), 'utf8')
    for (const text of ['App: Bank', 'Account: alice', ...codes]) assert.ok(file.includes(text), text)
    await page.evaluate(() => Object.assign(window, { print: () => document.body.setAttribute('data-printed', '') }))
    assert.deepEqual(await tabThrough(page, 'Print'), ['Print'])
    await page.keyboard.press('Enter')
    await page.locator('body[data-printed]').waitFor()

    const rest = ['I have saved these codes', 'Continue', 'Not now']
    assert.deepEqual(await tabThrough(page, 'Not now'), rest)
    await page.keyboard.press('Shift+Tab')
    await leave(page, () => page.keyboard.press('Enter'))
    await page.locator('#kept[aria-invalid=true]').waitFor()
    assert.match(await wordsOf(page, '#notice'), /^Save the codes, then tick this box\./)
    assert.deepEqual(await focused(page), { name: 'I have saved these codes', visible: true })
    assert.deepEqual(await page.locator('.codes li').allTextContents(), codes)
    await page.keyboard.press('Space')
    await keyboard.go(page, 'Continue')
    await standsAt(page, AT.transfer)

    // Past the form without its tick, which a browser would only offer to send again.
    await leave(page, () => page.evaluate(() => history.go(-2)))
    await standsAt(page, AT.expired)
    assert.equal(page.url(), url)
    const text = await page.content()
    for (const code of codes) assert.ok(!text.includes(code.slice(0, 9)))

    stage.clock.advance(301)
    await page.goto(`${stage.bank}/transfer`)
    await recover(page, mouse, codes[9] ?? '')
    await standsAt(page, AT.renewal)
    await press(page, 'Not now')
    await standsAt(page, AT.transfer)
  })
})
