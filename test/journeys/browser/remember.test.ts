import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { standsAt } from '../../support/chromium.ts'
import {
  APP,
  AT,
  answer,
  confirm,
  follow,
  keepCodes,
  openStage,
  press,
  type Stage,
  secretOn,
  wordsOf,
} from './stage.ts'

const ASK = 'Do not ask again in this browser for 30 days'
const FORTNIGHT_SECONDS = 14 * 86_400

describe('the demo in a browser: a browser that is remembered', function slow() {
  this.timeout('60s')
  let stage: Stage
  before(async () => {
    stage = await openStage()
  })
  afterEach(() => stage.clear())
  after(() => stage.close())

  /** Bob, signed in, where his documents are shown or a code is asked before. */
  const bobAtDocuments = async (page: Page) => {
    await stage.enter(page, 'bob')
    await follow(page, 'Documents')
  }
  /** The documents, once bob has allowed Bank to see them. */
  const allow = async (page: Page) => {
    await standsAt(page, AT.consent)
    assert.equal(await wordsOf(page, '.scopes'), 'see your documents')
    await press(page, 'Allow')
    await standsAt(page, AT.documents)
  }

  it('opens the documents without a code at the next sign-in, and asks for one where money moves', async () => {
    const page = await stage.visitor()
    await bobAtDocuments(page)
    await standsAt(page, AT.challenge)
    assert.match(await wordsOf(page, '#remembering'), /^Only on a device that nobody else uses\./)
    await page.getByLabel(ASK).check()
    await answer(page, '000000')
    await page.locator('#code[aria-invalid=true]').waitFor()
    assert.ok(await page.getByLabel(ASK).isChecked())
    await confirm(page, stage.code(stage.secret()))
    await allow(page)
    assert.match(
      await wordsOf(page, '.said'),
      /^You proved two different things: a password and a code from your phone/,
    )

    await stage.leave(page)
    await bobAtDocuments(page)
    await allow(page)
    assert.match(await wordsOf(page, '.said'), /^You proved one thing: a password, /)
    assert.match(await wordsOf(page, 'table + p'), /^One thing was enough for your sign-in service this time/)
    assert.match(
      await wordsOf(page, 'table + p + p'),
      /asks for two proofs of the last 5 minutes, in a remembered browser/,
    )
    await follow(page, 'Transferring money')
    await standsAt(page, AT.challenge)
    assert.equal(await page.getByLabel(ASK).count(), 0)
    await answer(page, stage.code(stage.secret()))
    await standsAt(page, AT.transfer)

    await stage.leave(page)
    stage.clock.advance(FORTNIGHT_SECONDS)
    await bobAtDocuments(page)
    await standsAt(page, AT.challenge)
  })

  it('is not the one that bob did not tick the box in, nor another one', async () => {
    const page = await stage.visitor({ javaScriptEnabled: false })
    await bobAtDocuments(page)
    await answer(page, stage.code(stage.secret()))
    await allow(page)
    await stage.leave(page)
    await bobAtDocuments(page)
    await standsAt(page, AT.challenge)
    assert.ok(!(await page.getByLabel(ASK).isChecked()))
  })
})

describe('the demo in a browser: a link to set something up', function slow() {
  this.timeout('60s')
  let stage: Stage
  beforeEach(async () => {
    stage = await openStage()
  })
  afterEach(() => stage.clear().finally(() => stage.close()))

  for (const javaScriptEnabled of [true, false]) {
    it(`sets up alice’s app, once, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async () => {
      const page = await stage.visitor({ javaScriptEnabled })
      const link = stage.setupLink()
      const [address = '', ticket = ''] = link.split('#')
      await page.goto(link)
      await standsAt(page, AT.protect)
      const field = page.getByLabel('Your setup link')
      assert.equal(await field.inputValue(), javaScriptEnabled ? ticket : '')
      assert.equal(page.url(), javaScriptEnabled ? address : link)
      assert.match(await wordsOf(page, '.lead'), /It works once, in one browser, so go on with the device you will use/)
      if (!javaScriptEnabled) await field.fill(link)
      await press(page, 'Continue')
      await standsAt(page, AT.protection)
      await follow(page, APP)
      await standsAt(page, AT.enroll)
      assert.ok(page.url().startsWith(address))
      assert.match(await wordsOf(page, '.context'), /^Account\s+alice$/)
      const secret = await secretOn(page)
      await answer(page, stage.code(secret), 'Confirm and continue')
      await keepCodes(page)
      await standsAt(page, AT.protected)

      await stage.enter(page, 'alice')
      await follow(page, 'Transfer money')
      await standsAt(page, AT.challenge)
      await confirm(page, stage.code(secret))
      await standsAt(page, AT.transfer)

      await page.goto(link)
      if (!javaScriptEnabled) await field.fill(link)
      await press(page, 'Continue')
      assert.equal(await page.title(), `Error: ${AT.protect}`)
      assert.match(await wordsOf(page, '#notice'), /^This link no longer works\. .* Ask for a new one\.$/)
    })
  }
})
