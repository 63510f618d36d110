import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../../src/assurance/presets.ts'
import { standsAt } from '../../support/chromium.ts'
import { AT as APP, tap } from './authenticator-stage.ts'
import { complaints } from './complaints.ts'
import { AT, follow, keepCodes, leave, openStage, press, type Stage, wordsOf } from './stage.ts'

const PHONE = { viewport: { width: 390, height: 844 } }
const WAY = 'Confirm on another device'
const BANK = {
  ask: 'Confirm by phone',
  waiting: 'Type this number on your phone',
  approved: 'Thank you, it is you',
  denied: 'Your phone did not confirm this',
  none: 'No phone can be asked',
} as const

describe('the demo in a browser: a phone', function slow() {
  this.timeout('60s')
  let stage: Stage
  const found: Record<string, readonly string[]> = {}
  before(async () => {
    stage = await openStage()
  })
  afterEach(() => stage.clear())
  after(() => stage.close())

  /** Looks at Bank's page with this heading. */
  const look = async (page: Page, heading: string) => {
    await standsAt(page, heading)
    found[heading] = await complaints(page)
  }

  /** Types the number that another screen shows. */
  const approve = async (phone: Page, page: Page, asked: string = APP.question) => {
    await standsAt(phone, asked)
    await phone.getByLabel('Number on the other screen').fill(await wordsOf(page, '.number'))
    await tap(phone, 'Yes, confirm')
    await standsAt(phone, APP.approved)
    await tap(phone, 'Done')
  }

  it('is set up by alice in another tab, and confirms from there what she does in any browser', async () => {
    const page = await stage.visitor()
    await stage.enter(page, 'alice')
    await follow(page, 'Transfer money')
    await stage.choose(page, WAY)
    await standsAt(page, APP.enroll)
    const opened = page.context().waitForEvent('page')
    await page.getByRole('link', { name: 'Open in a new tab' }).click()
    const phone = await opened
    await standsAt(phone, APP.name)
    await tap(phone, 'Set it up')
    await standsAt(phone, APP.code)
    await page.locator('input[name=code]').fill(await wordsOf(phone, '.digits'))
    await leave(page, () => page.locator('input[name=code]').press('Enter'))
    await keepCodes(page)
    await standsAt(page, AT.transfer)
    assert.match(await wordsOf(page, '.said'), /a confirmation on another device, /)
    await standsAt(phone, APP.ready)
    await tap(phone, 'Done')
    await standsAt(phone, APP.waiting)
    await phone.setViewportSize(PHONE.viewport)

    stage.clock.advance(65)
    const other = await stage.visitor()
    await stage.enter(other, 'alice')
    await follow(other, 'Transfer money')
    await standsAt(other, APP.number)
    await approve(phone, other)
    await standsAt(other, AT.offer)
    await press(other, 'Not now')
    await standsAt(other, AT.transfer)
    assert.equal(await wordsOf(other, '.facts dd code'), MULTI_FACTOR)

    stage.clock.advance(65)
    await other.goto(stage.bank)
    await follow(other, 'Confirm by phone')
    await look(other, BANK.ask)
    await press(other, 'Ask my phone')
    await standsAt(other, BANK.waiting)
    await approve(phone, other, APP.request)
    await look(other, BANK.approved)
    assert.match(await wordsOf(other, '.said'), /^You proved one thing: a confirmation on another device, /)
    assert.equal(await wordsOf(other, '.facts dd code'), SINGLE_FACTOR)

    stage.clock.advance(601)
    await other.goto(`${stage.bank}/phone`)
    await press(other, 'Ask my phone')
    await look(other, BANK.waiting)
    await standsAt(phone, APP.request)
    await tap(phone, 'No')
    await look(other, BANK.denied)
    await follow(other, 'Start again')
    await standsAt(other, BANK.ask)
    for (const [screen, complaint] of Object.entries(found)) assert.deepEqual(complaint, [], screen)
  })

  it('is missed by bob, who is told how to have one, also without JavaScript', async () => {
    const page = await stage.visitor({ javaScriptEnabled: false })
    await stage.enter(page, 'bob')
    await follow(page, 'Confirm by phone')
    await press(page, 'Ask my phone')
    await standsAt(page, BANK.none)
    assert.match(await wordsOf(page, '.lead'), /no device yet that confirms/)
  })
})
