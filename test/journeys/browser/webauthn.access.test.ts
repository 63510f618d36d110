import assert from 'node:assert/strict'
import { totp } from '../../../src/factors/totp.ts'
import { MULTI_FACTOR, PHISHING_RESISTANT } from '../../../src/index.ts'
import { standsAt } from '../../support/chromium.ts'
import { ADD_KEY, USE_KEY } from '../../support/keyring.ts'
import { addAuthenticator } from '../../support/virtual-authenticator.ts'
import { complaints } from './complaints.ts'
import { essential, keys, useKeyStage } from './key-stage.ts'
import { focused, tabThrough } from './keyboard.ts'
import { leave, press } from './stage.ts'

describe('passkeys and security keys in a browser: for everybody', function slow() {
  this.timeout('60s')
  const stage = useKeyStage()

  it('can be set up and used with the keyboard alone', async () => {
    await stage.start({ stepUp: { factors: [keys(), totp({ issuer: 'Test' })], rememberBrowser: false } })
    const page = await stage.visitor()
    const key = await addAuthenticator(page)
    await stage.ask(page, { acr_values: MULTI_FACTOR })
    await standsAt(page, 'Choose how to protect your account')
    assert.deepEqual(await tabThrough(page, 'Passkey or security key'), ['Passkey or security key'])
    await leave(page, () => page.keyboard.press('Enter'))
    await standsAt(page, ADD_KEY)
    assert.deepEqual(await tabThrough(page, 'Cancel'), [
      'Name (optional)',
      'Set it up',
      'Set up something else',
      'Not now, continue without it',
      'Cancel',
    ])
    for (let back = 0; back < 4; back += 1) await page.keyboard.press('Shift+Tab')
    await page.keyboard.type('My key')
    await leave(page, () => page.keyboard.press('Enter'))
    await page.getByRole('heading', { name: 'App' }).waitFor()
    await stage.context.clearCookies()

    await key.touch(false)
    const signed = await stage.ask(page, essential(MULTI_FACTOR))
    await standsAt(page, USE_KEY)
    assert.deepEqual(await focused(page), { name: 'Continue', visible: true })
    await key.touch(true)
    await leave(page, () => page.keyboard.press('Enter'))
    assert.equal((await signed()).acr, MULTI_FACTOR)
  })

  it('explains itself without JavaScript, and the other ways work', async () => {
    await stage.start({ stepUp: { factors: [keys(), totp({ issuer: 'Test' })] } })
    const page = await stage.visitor({ javaScriptEnabled: false })
    await stage.ask(page, { acr_values: MULTI_FACTOR })
    await leave(page, () => page.getByRole('link', { name: 'Passkey or security key' }).click())
    await standsAt(page, ADD_KEY)
    assert.ok(await page.locator('noscript .fault').isVisible())
    assert.equal(await page.getByRole('button', { name: 'Set it up' }).isVisible(), false)
    await leave(page, () => page.getByRole('link', { name: 'Set up something else' }).click())
    await standsAt(page, 'Choose how to protect your account')
  })

  it('explains itself in a browser that knows no keys', async () => {
    await stage.start()
    const page = await stage.visitor()
    await page.addInitScript(() => Reflect.deleteProperty(globalThis, 'PublicKeyCredential'))
    await stage.ask(page, essential(PHISHING_RESISTANT))
    assert.match(await stage.said(page), /^This browser cannot use passkeys or security keys/)
    assert.ok(await page.getByRole('button', { name: 'Set it up' }).isDisabled())
  })

  it('loads a page that has become too old, before a key is made for nothing', async () => {
    await stage.start()
    const page = await stage.visitor()
    const key = await addAuthenticator(page)
    await stage.ask(page, essential(PHISHING_RESISTANT))
    await standsAt(page, ADD_KEY)
    await page.evaluate(() => {
      performance.now = () => 301_000
    })
    await press(page, 'Set it up')
    await standsAt(page, ADD_KEY)
    assert.deepEqual(await key.credentials(), [])
  })

  it('looks right at every width, in both schemes, with and without an error', async () => {
    await stage.start({ stepUp: { factors: [keys({ timeoutSeconds: 1 })] } })
    const page = await stage.visitor()
    const key = await addAuthenticator(page, { touched: false })
    await stage.ask(page, essential(PHISHING_RESISTANT))
    await standsAt(page, ADD_KEY)
    const found = { enroll: await complaints(page), stopped: [] as string[], challenge: [] as string[] }
    await page.getByRole('button', { name: 'Set it up' }).click()
    await stage.said(page)
    found.stopped = await complaints(page)
    await key.touch(true)
    await press(page, 'Set it up')
    await page.getByRole('heading', { name: 'App' }).waitFor()
    await stage.context.clearCookies()
    await key.touch(false)
    await stage.ask(page, essential(PHISHING_RESISTANT))
    await standsAt(page, USE_KEY)
    await stage.said(page)
    found.challenge = await complaints(page)
    assert.deepEqual(found, { enroll: [], stopped: [], challenge: [] })
  })
})
