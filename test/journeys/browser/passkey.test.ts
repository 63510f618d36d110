import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { Page } from 'playwright-core'
import { standsAt } from '../../support/chromium.ts'
import { addAuthenticator } from '../../support/virtual-authenticator.ts'
import { focused, tabThrough } from './keyboard.ts'
import { AT, answer, follow, keepCodes, leave, openStage, press, type Stage, wordsOf } from './stage.ts'

const BUTTON = 'Sign in with a passkey'
const ADD = 'Set up a passkey or security key'
const LIMITS = 'Change limits'

/** Keeps the browser from offering passkeys in the field for the name, which a virtual one takes at once. */
const onlyByButton = (page: Page) =>
  page.addInitScript(() => Object.assign(PublicKeyCredential, { isConditionalMediationAvailable: async () => false }))

describe('the demo in a browser: passkeys', function slow() {
  this.timeout('60s')
  let stage: Stage
  beforeEach(async () => {
    stage = await openStage()
  })
  afterEach(() => stage.clear().finally(() => stage.close()))

  /** Alice, who has set up a passkey in order to change her limits. */
  const aliceAtLimits = async (page: Page) => {
    await page.goto(`${stage.bank}/limits`)
    await stage.logIn(page, 'alice')
    await standsAt(page, AT.email)
    await answer(page, await stage.sent('alice@example.com'))
    await standsAt(page, ADD)
    await press(page, 'Set it up')
    await keepCodes(page)
    await standsAt(page, AT.consent)
    await press(page, 'Allow')
    await standsAt(page, LIMITS)
  }

  it('let alice change her limits: she sets one up on the way, and signs in with it from then on', async () => {
    const page = await stage.visitor()
    await onlyByButton(page)
    await addAuthenticator(page)
    await aliceAtLimits(page)
    assert.equal(await wordsOf(page, '.facts dl > div:has(dt :text-is("acr")) dd code'), 'phr')
    assert.match(await wordsOf(page, '.said'), /a password.* and a key that stays in its device, /)
    await press(page, 'Change')
    await standsAt(page, 'Your limit is changed')
    await stage.leave(page)

    await follow(page, 'Sign in')
    await standsAt(page, AT.signIn)
    await leave(page, () => page.getByRole('button', { name: BUTTON }).click())
    await standsAt(page, AT.consent)
    await press(page, 'Allow')
    await standsAt(page, 'Welcome, Alice')
    assert.match(
      await wordsOf(page, '.said'),
      /^You proved two different things at once: a key that stays in its device/,
    )
    for (const task of [LIMITS, AT.transfer, AT.documents]) {
      await page.goto(stage.bank)
      await follow(page, task)
      if (task === AT.documents) await press(page, 'Allow')
      await standsAt(page, task)
    }
  })

  it('sign alice in from the field for the name, where the browser offers that', async () => {
    const page = await stage.visitor()
    await addAuthenticator(page)
    await aliceAtLimits(page)
    await stage.leave(page)
    await page.goto(`${stage.bank}/sign-in`)
    await standsAt(page, AT.consent)
  })

  it('are offered to bob after a code: he takes that, and changes his limits without another word', async () => {
    const page = await stage.visitor()
    await addAuthenticator(page, { eligible: true, backedUp: true })
    await stage.enter(page, 'bob')
    await page.goto(`${stage.bank}/limits`)
    await standsAt(page, AT.unreachable)
    await press(page, 'Go back to Bank')
    await standsAt(page, AT.limits)
    await page.goto(`${stage.bank}/transfer`)
    await answer(page, stage.code(stage.secret()))
    await standsAt(page, AT.offer)
    await press(page, 'Use this device')
    await standsAt(page, AT.transfer)
    await page.goto(`${stage.bank}/limits`)
    await standsAt(page, LIMITS)
    assert.match(await wordsOf(page, '.said'), / and a passkey, /)
  })

  it('are asked for with the keyboard alone', async () => {
    const page = await stage.visitor()
    await onlyByButton(page)
    await addAuthenticator(page)
    await aliceAtLimits(page)
    await stage.leave(page)
    await page.goto(`${stage.bank}/sign-in`)
    await standsAt(page, AT.signIn)
    assert.deepEqual(await focused(page), { name: 'Username', visible: true })
    assert.deepEqual(await tabThrough(page, BUTTON), ['Password', 'Sign in', BUTTON])
    await leave(page, () => page.keyboard.press('Enter'))
    await standsAt(page, AT.consent)
  })

  it('that were stopped, or are of an earlier demo, are explained, and the password works', async () => {
    const page = await stage.visitor()
    await onlyByButton(page)
    const key = await addAuthenticator(page)
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    await key.import({
      credentialId: randomBytes(32).toString('base64'),
      isResidentCredential: true,
      rpId: 'localhost',
      privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
      userHandle: randomBytes(32).toString('base64'),
      signCount: 1,
    })
    await page.goto(`${stage.bank}/sign-in`)
    const button = page.getByRole('button', { name: BUTTON })
    await key.verify(false)
    await button.click()
    await page
      .getByRole('status')
      .filter({ hasText: /^Stopped\. .* use your password\.$/ })
      .waitFor()

    await key.verify(true)
    await leave(page, () => button.click())
    await page.locator('#notice .fault').waitFor()
    assert.equal(await page.title(), `Error: ${AT.signIn}`)
    assert.match(await wordsOf(page, '#notice'), /^That passkey did not work\. .* sign in with your password\.$/)
    assert.equal(await page.locator('[aria-invalid]').count(), 0)
    await stage.logIn(page, 'alice')
    await standsAt(page, AT.consent)
  })

  it('are nothing to look at where no script runs, or the browser knows none', async () => {
    for (const [options, script] of [[{ javaScriptEnabled: false }], [{}, true]] as const) {
      const page = await stage.visitor(options)
      if (script) await page.addInitScript(() => Reflect.deleteProperty(globalThis, 'PublicKeyCredential'))
      await page.goto(`${stage.bank}/sign-in`)
      await standsAt(page, AT.signIn)
      assert.equal(await page.getByRole('button', { name: BUTTON }).isVisible(), false)
      await stage.logIn(page, 'alice')
      await standsAt(page, AT.consent)
    }
  })
})
