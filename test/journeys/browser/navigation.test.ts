import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { standsAt } from '../../support/chromium.ts'
import { AT, answer, confirm, follow, keepCodes, openStage, press, type Stage, secretOn, wordsOf } from './stage.ts'

const anotherTab = async (page: Page, url: string, heading: string) => {
  const tab = await page.context().newPage()
  await tab.goto(url)
  await standsAt(tab, heading)
  return tab
}

/** Whether the page says at the field that the code did not work. */
const isRefused = (page: Page) => page.locator('#code[aria-invalid=true]').isVisible()

describe('the demo in a browser: people wander', function slow() {
  this.timeout('60s')
  let stage: Stage
  before(async () => {
    stage = await openStage()
  })
  afterEach(() => stage.clear())
  after(() => stage.close())

  /** Bob, signed in, where Bank asks for a code. */
  const bobAtChallenge = async () => {
    const page = await stage.visitor()
    await stage.enter(page, 'bob')
    await follow(page, 'Transfer money')
    await standsAt(page, AT.challenge)
    return page
  }

  it('shows a plain page to who goes back to a finished step, and the way forward still works', async () => {
    const page = await bobAtChallenge()
    const challenge = page.url()
    await confirm(page, stage.code(stage.secret()))
    await standsAt(page, AT.transfer)
    // The first is what was offered and turned down.
    for (const _step of ['offer', 'challenge']) {
      await page.goBack()
      await standsAt(page, AT.expired)
    }
    assert.equal(page.url(), challenge)
    assert.match(await wordsOf(page, '.lead'), /finished this step already/)
    await page.goBack()
    await standsAt(page, 'Welcome, Bob')
    for (const _step of ['challenge', 'offer', 'transfer']) await page.goForward()
    await standsAt(page, AT.transfer)
    await press(page, 'Transfer')
    await standsAt(page, AT.done)
    await page.reload()
    await standsAt(page, AT.done)
  })

  it('can be reloaded, also after a wrong code, and still takes the right one', async () => {
    const page = await bobAtChallenge()
    await page.reload()
    await standsAt(page, AT.challenge)
    await answer(page, '000000')
    assert.ok(await isRefused(page))
    await page.reload()
    assert.ok(await isRefused(page))
    await confirm(page, stage.code(stage.secret()))
    await standsAt(page, AT.transfer)
  })

  it('lets two tabs pass the same challenge, one after the other', async () => {
    const page = await bobAtChallenge()
    const tab = await anotherTab(page, `${stage.bank}/transfer`, AT.challenge)
    const code = stage.code(stage.secret())
    await confirm(page, code)
    await standsAt(page, AT.transfer)
    // The first tab used this code up.
    await answer(tab, code)
    assert.ok(await isRefused(tab))
    await answer(tab, stage.code(stage.secret()))
    await standsAt(tab, AT.transfer)
    for (const either of [page, tab]) {
      await press(either, 'Transfer')
      await standsAt(either, AT.done)
    }
  })

  it('lets two tabs sign in, and a third with another account ends what the first was doing', async () => {
    const page = await stage.visitor()
    await page.goto(`${stage.bank}/sign-in`)
    const tab = await anotherTab(page, `${stage.bank}/statement`, AT.signIn)
    await stage.logIn(page, 'bob')
    await standsAt(page, AT.consent)
    await press(page, 'Allow')
    await standsAt(page, 'Welcome, Bob')
    await stage.logIn(tab, 'alice')
    await standsAt(tab, AT.consent)
    await press(tab, 'Allow')
    await standsAt(tab, 'You are somebody else now')
    await page.reload()
    await standsAt(page, 'Welcome, Alice')
  })

  it('closes after five wrong codes, says for how long, and opens again', async () => {
    const page = await bobAtChallenge()
    for (let wrong = 0; wrong < 4; wrong += 1) {
      await answer(page, '000000')
      assert.ok(await isRefused(page))
    }
    await answer(page, '000000')
    await standsAt(page, 'This page takes no more codes')
    assert.match(await wordsOf(page, '.fault'), /try again in \d\d seconds\.$/)
    await follow(page, 'Try again')
    await standsAt(page, 'This page takes no more codes')
    stage.clock.advance(31)
    await follow(page, 'Try again')
    await standsAt(page, AT.challenge)
    await confirm(page, stage.code(stage.secret()))
    await standsAt(page, AT.transfer)
  })

  it('opens again also where the closed page is sent once more after its time', async () => {
    const page = await bobAtChallenge()
    for (let wrong = 0; wrong < 5; wrong += 1) await answer(page, '000000')
    await standsAt(page, 'This page takes no more codes')
    stage.clock.advance(31)
    await page.reload()
    assert.equal(await wordsOf(page, 'h1'), AT.challenge)
  })
})

describe('the demo in a browser: people wander while they set up an app', function slow() {
  this.timeout('60s')
  let stage: Stage
  beforeEach(async () => {
    stage = await openStage()
  })
  afterEach(() => stage.clear().finally(() => stage.close()))

  it('keeps the key that is being set up, over reloads, mistakes and time', async () => {
    const page = await stage.visitor()
    await stage.enter(page, 'alice')
    await follow(page, 'Transfer money')
    await stage.choose(page)
    await standsAt(page, AT.enroll)
    const secret = await secretOn(page)
    const picture = await page.locator('.secret img').getAttribute('src')
    await page.reload()
    await standsAt(page, AT.enroll)
    assert.deepEqual([await secretOn(page), await page.locator('.secret img').getAttribute('src')], [secret, picture])
    stage.clock.advance(120)
    await answer(page, '000000', 'Confirm and continue')
    assert.ok(await isRefused(page))
    assert.equal(await page.title(), `Error: ${AT.enroll}`)
    assert.equal(await page.locator(':focus').getAttribute('id'), 'code')
    assert.equal(await secretOn(page), secret)
    await answer(page, stage.code(secret), 'Confirm and continue')
    await keepCodes(page)
    await standsAt(page, AT.transfer)
  })

  it('lets two tabs set up one app: the second goes on with the first one’s', async () => {
    const page = await stage.visitor()
    await stage.enter(page, 'alice')
    await follow(page, 'Transfer money')
    await stage.choose(page)
    await standsAt(page, AT.enroll)
    // Messages to one address pause for a while.
    stage.clock.advance(31)
    const tab = await anotherTab(page, `${stage.bank}/transfer`, AT.email)
    await stage.choose(tab)
    await standsAt(tab, AT.enroll)
    const [secret, other] = [await secretOn(page), await secretOn(tab)]
    await answer(page, stage.code(secret), 'Confirm and continue')
    await keepCodes(page)
    await standsAt(page, AT.transfer)
    await answer(tab, stage.code(other), 'Confirm and continue')
    await standsAt(tab, AT.transfer)

    stage.clock.advance(301)
    await page.goto(`${stage.bank}/transfer`)
    await standsAt(page, AT.challenge)
    await confirm(page, stage.code(secret))
    await standsAt(page, AT.transfer)
  })

  it('brings who cancels back to Bank from every page, nothing done', async () => {
    const page = await stage.visitor()
    const cancelsAt = async (heading: string, button: string, explanation: string) => {
      await standsAt(page, heading)
      await press(page, button)
      await standsAt(page, explanation)
      await follow(page, 'Back to')
    }
    await page.goto(`${stage.bank}/transfer`)
    await cancelsAt(AT.signIn, 'Cancel', AT.wentBack)
    await page.goto(`${stage.bank}/transfer`)
    await stage.logIn(page, 'alice')
    await cancelsAt(AT.email, 'Cancel', AT.stronger)
    await page.goto(`${stage.bank}/sign-in`)
    await cancelsAt(AT.consent, 'Do not allow, go back', AT.wentBack)
    await page.goto(`${stage.bank}/sign-in`)
    await standsAt(page, AT.consent)
    await press(page, 'Allow')
    await standsAt(page, 'Welcome, Alice')
    stage.clock.advance(31)
    await follow(page, 'Transfer money')
    await stage.choose(page)
    await cancelsAt(AT.enroll, 'Cancel', AT.stronger)
    stage.clock.advance(61)
    await page.goto(`${stage.bank}/transfer`)
    await standsAt(page, AT.email)
    await answer(page, await stage.sent('alice@example.com'))
    await cancelsAt(AT.protection, 'Cancel', AT.stronger)
    await standsAt(page, 'Welcome, Alice')
    assert.match(await wordsOf(page, '.said'), /^You proved one thing: a password, /)
  })
})
