import assert from 'node:assert/strict'
import { PHISHING_RESISTANT, PHISHING_RESISTANT_HARDWARE } from '../../../src/index.ts'
import { standsAt } from '../../support/chromium.ts'
import { ADD_KEY, USE_KEY } from '../../support/keyring.ts'
import { addAuthenticator, type Virtual } from '../../support/virtual-authenticator.ts'
import { essential, keys, useKeyStage } from './key-stage.ts'
import { press, wordsOf } from './stage.ts'

describe('passkeys and security keys in a browser', function slow() {
  this.timeout('60s')
  const stage = useKeyStage()

  const kinds: readonly (readonly [string, Virtual, string, string, string])[] = [
    ['the device itself', {}, PHISHING_RESISTANT_HARDWARE, 'hwk', 'Phone or computer'],
    ['the device itself, synced', { eligible: true, backedUp: true }, PHISHING_RESISTANT, 'swk', 'Phone or computer'],
    ['a stick with a PIN', { transport: 'usb' }, PHISHING_RESISTANT_HARDWARE, 'hwk', 'Security key'],
    [
      'a stick without',
      { transport: 'usb', verifies: false, resident: false },
      PHISHING_RESISTANT_HARDWARE,
      'hwk',
      'Security key',
    ],
    [
      'an old stick',
      { transport: 'usb', protocol: 'u2f', resident: false, verifies: false },
      PHISHING_RESISTANT_HARDWARE,
      'hwk',
      'Security key',
    ],
  ]
  for (const [what, virtual, acr, key, name] of kinds)
    it(`takes ${what}, once set up, at a touch: ${acr}`, async () => {
      await stage.start()
      const page = await stage.visitor()
      await addAuthenticator(page, virtual)
      const first = await stage.enroll(page)
      assert.deepEqual([first.acr, first.amr], ['phr', ['pwd', 'pop', key, 'user', 'mfa']])
      const [authenticator] = (await stage.host.mfa.accounts.list('bob')).authenticators
      assert.equal(authenticator?.nickname, name)

      const signed = await (await stage.ask(page, essential(acr)))()
      assert.deepEqual([signed.acr, signed.amr], [acr, ['pwd', 'pop', key, 'user', 'mfa']])
    })

  it('calls a key what its owner calls it, and shows that the next time', async () => {
    await stage.start({ stepUp: { policy: { default: 'always' } } })
    const page = await stage.visitor()
    await addAuthenticator(page)
    await stage.ask(page, {})
    await standsAt(page, ADD_KEY)
    await page.getByLabel('Name (optional)').fill('My laptop')
    await press(page, 'Set it up')
    await stage.context.clearCookies()
    await stage.ask(page, {})
    await standsAt(page, USE_KEY)
    assert.match(await wordsOf(page, '.lead'), /My laptop/)
    // A box to tick stands on the page, so the browser's own window does not cover it at once.
    await page.getByLabel(/Do not ask again/).check()
    await press(page, 'Continue')
    await page.getByRole('heading', { name: 'App' }).waitFor()
    assert.equal((await stage.host.mfa.accounts.list('bob')).browsers.length, 1)
  })

  it('asks for user verification where that is required, and takes nothing less', async () => {
    await stage.start({ stepUp: { factors: [keys({ userVerification: 'required' })] } })
    const page = await stage.visitor()
    const key = await addAuthenticator(page)
    await stage.enroll(page)
    await key.verify(false)
    const signed = await stage.ask(page, essential(PHISHING_RESISTANT))
    assert.match(await stage.said(page), /^It was stopped/)
    await key.verify(true)
    await press(page, 'Continue')
    assert.equal((await signed()).acr, 'phr')
  })

  it('says that a key is set up already, and takes another one', async () => {
    await stage.start()
    const page = await stage.visitor()
    const key = await addAuthenticator(page)
    await stage.enroll(page)
    const { url } = await stage.host.mfa.accounts.issueTicket('bob')
    await page.goto(url)
    await press(page, 'Continue')
    await standsAt(page, ADD_KEY)
    await page.getByRole('button', { name: 'Set it up' }).click()
    assert.equal(await stage.said(page), 'That one is set up for your account already. Use another one.')
    assert.match(await page.title(), /^Error: /)
    await key.remove()
    await addAuthenticator(page, { transport: 'usb' })
    await press(page, 'Set it up')
    await standsAt(page, 'All is set up')
    assert.equal((await stage.host.mfa.accounts.list('bob')).authenticators.length, 2)
  })
})
