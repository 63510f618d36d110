import assert from 'node:assert/strict'
import { standsAt } from '../../support/chromium.ts'
import { focused, tabThrough } from './keyboard.ts'
import { AT, openStage, type Stage } from './stage.ts'

const PASSKEY = 'Sign in with a passkey'

describe('the demo in a browser: the keyboard alone', function slow() {
  this.timeout('60s')
  let stage: Stage
  before(async () => {
    stage = await openStage()
  })
  afterEach(() => stage.clear())
  after(() => stage.close())

  it('takes bob through a transfer with Tab and Enter, in the order of the page', async () => {
    const page = await stage.visitor()
    const { keyboard } = page
    await page.goto(stage.bank)
    assert.deepEqual(await tabThrough(page, 'Sign in'), ['Bank', 'Sign in'])
    await keyboard.press('Enter')

    await standsAt(page, AT.signIn)
    assert.deepEqual(await focused(page), { name: 'Username', visible: true })
    assert.deepEqual(await tabThrough(page, 'Cancel'), ['Password', 'Sign in', PASSKEY, 'Cancel'])
    for (const _back of [PASSKEY, 'Sign in', 'Password', 'Username']) await keyboard.press('Shift+Tab')
    await keyboard.type('bob')
    await keyboard.press('Tab')
    await keyboard.type(stage.password('bob'))
    await keyboard.press('Enter')

    await standsAt(page, AT.consent)
    assert.deepEqual(await tabThrough(page, 'Do not allow, go back'), ['Allow', 'Do not allow, go back'])
    await keyboard.press('Shift+Tab')
    await keyboard.press('Enter')

    await standsAt(page, 'Welcome, Bob')
    assert.deepEqual(await tabThrough(page, AT.transfer), [
      'Bank',
      'Sign out',
      'View statement',
      'Documents',
      AT.transfer,
    ])
    await keyboard.press('Enter')

    await standsAt(page, AT.challenge)
    assert.deepEqual(await focused(page), { name: '6-digit code', visible: true })
    assert.deepEqual(await tabThrough(page, 'Cancel'), ['Continue', 'Use another way', 'Cancel'])
    for (const _back of ['Use another way', 'Continue', '6-digit code']) await keyboard.press('Shift+Tab')
    await keyboard.type(stage.code(stage.secret()))
    await keyboard.press('Enter')

    await standsAt(page, AT.offer)
    assert.ok((await tabThrough(page, 'Not now')).includes('Use this device'))
    await keyboard.press('Enter')

    await standsAt(page, AT.transfer)
    assert.deepEqual(await tabThrough(page, 'Transfer'), ['Bank', 'Sign out', 'To', 'Amount in €', 'Transfer'])
    await keyboard.press('Enter')
    await standsAt(page, AT.done)
  })
})
