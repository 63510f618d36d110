import assert from 'node:assert/strict'
import { standsAt } from '../../support/chromium.ts'
import { AT, answer, confirm, follow, openStage, press, type Stage, wordsOf } from './stage.ts'

describe('the demo in a browser: all of it', function slow() {
  this.timeout('60s')
  let stage: Stage
  before(async () => {
    stage = await openStage()
  })
  afterEach(() => stage.clear())
  after(() => stage.close())

  for (const javaScriptEnabled of [true, false]) {
    it(`takes bob through everything and out again ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async () => {
      const page = await stage.visitor({ javaScriptEnabled })
      await stage.signIn(page, 'bob')
      await follow(page, 'Transfer money')
      await standsAt(page, AT.challenge)

      await answer(page, '000000')
      const field = page.getByRole('textbox', { name: '6-digit code' })
      await page.locator('#code[aria-invalid=true]').waitFor()
      assert.equal(await page.title(), `Error: ${AT.challenge}`)
      const notice = await wordsOf(page, `#${await field.getAttribute('aria-describedby')}`)
      assert.match(notice, /^That code did not work\. Wait for your app to show a new one/)
      assert.equal(await page.locator(':focus').getAttribute('id'), 'code')
      assert.equal(await field.inputValue(), '')
      const code = stage.code(stage.secret())
      await confirm(page, ` ${code.slice(0, 3)} ${code.slice(3)} `)
      await standsAt(page, AT.transfer)
      await press(page, 'Transfer')
      await standsAt(page, AT.done)

      await follow(page, 'Back to overview')
      await follow(page, 'Change limits')
      await standsAt(page, AT.unreachable)
      await press(page, 'Go back to Bank')
      await standsAt(page, AT.limits)
      assert.match(
        await wordsOf(page, '.lead'),
        /takes a passkey or a security key.* Nothing was changed.* offers from time to time to use this device/,
      )
      await follow(page, 'Back to overview')
      await standsAt(page, 'Welcome, Bob')

      await stage.signOut(page)
      await stage.signIn(page, 'bob')
    })
  }

  it('signs in without a question while the session lives, and keeps a stranger out', async () => {
    const page = await stage.visitor()
    await stage.enter(page, 'bob')
    await page.goto(`${stage.bank}/sign-in`)
    await standsAt(page, 'Welcome, Bob')

    const stranger = await stage.visitor()
    await stranger.goto(`${stage.bank}/transfer`)
    await stage.logIn(stranger, 'bob', 'wrong')
    await stranger.locator('#password[aria-invalid=true]').waitFor()
    assert.equal(await stranger.title(), 'Error: Sign in')
    assert.equal(await stranger.locator(':focus').getAttribute('id'), 'password')
    assert.equal(await stranger.getByLabel('Username').inputValue(), 'bob')
  })
})
