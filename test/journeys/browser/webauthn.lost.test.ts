import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { PHISHING_RESISTANT } from '../../../src/index.ts'
import { standsAt } from '../../support/chromium.ts'
import { USE_KEY } from '../../support/keyring.ts'
import { addAuthenticator } from '../../support/virtual-authenticator.ts'
import { essential, keys, useKeyStage } from './key-stage.ts'
import { focused } from './keyboard.ts'
import { leave } from './stage.ts'

describe('passkeys and security keys in a browser: what does not work', function slow() {
  this.timeout('60s')
  const stage = useKeyStage()

  const lost: readonly (readonly [
    string,
    (page: Page, key: Awaited<ReturnType<typeof addAuthenticator>>) => unknown,
  ])[] = [
    ['a key that was taken away', (_page, key) => key.clear()],
    ['a browser without any', (_page, key) => key.remove()],
    ['a touch that does not come', (_page, key) => key.touch(false)],
  ]
  for (const [what, lose] of lost)
    it(`says what to do about ${what}`, async () => {
      await stage.start({ stepUp: { factors: [keys({ timeoutSeconds: 1 })] } })
      const page = await stage.visitor()
      const key = await addAuthenticator(page)
      await stage.enroll(page)
      await lose(page, key)
      await stage.ask(page, essential(PHISHING_RESISTANT))
      assert.match(await stage.said(page), /^It was stopped/)
      assert.equal((await focused(page)).name, 'Continue')
    })

  it('knows no key of another account', async () => {
    await stage.start({ stepUp: { factors: [keys({ timeoutSeconds: 1 })] } })
    const page = await stage.visitor()
    const key = await addAuthenticator(page)
    await stage.enroll(page, 'carol')
    const [carols] = await key.credentials()
    await key.clear()
    await stage.enroll(page, 'bob')
    await key.clear()
    assert.ok(carols !== undefined)
    await key.import(carols)
    await stage.ask(page, essential(PHISHING_RESISTANT))
    assert.match(await stage.said(page), /not set up for this account/)
  })

  it('says where keys of another domain do not work', async () => {
    await stage.start({ stepUp: { factors: [keys({ relyingPartyId: 'example.com' })] } })
    const page = await stage.visitor()
    await addAuthenticator(page)
    await stage.ask(page, essential(PHISHING_RESISTANT))
    await page.getByRole('button', { name: 'Set it up' }).click()
    assert.equal(await stage.said(page), 'Passkeys and security keys do not work at this address.')
  })

  it('refuses an answer that was made on another page', async () => {
    await stage.start()
    const page = await stage.visitor()
    const key = await addAuthenticator(page)
    await stage.enroll(page)
    const [own] = await key.credentials()
    // The same domain under another port: keys work there, but what they sign says where that was.
    const elsewhere = 'http://localhost:4998/'
    await stage.context.route(`${elsewhere}*`, (route) =>
      route.fulfill({ contentType: 'text/html', body: '<h1>Else</h1>' }),
    )
    const other = await stage.context.newPage()
    const copy = await addAuthenticator(other)
    assert.ok(own !== undefined)
    await copy.import({ ...own, signCount: 100 })
    await key.touch(false)
    await stage.ask(page, essential(PHISHING_RESISTANT))
    await standsAt(page, USE_KEY)
    const options = await page.locator('form[data-webauthn]').getAttribute('data-options')
    await other.goto(elsewhere)
    const response = await other.evaluate(async (json) => {
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(json ?? ''))
      const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential
      return JSON.stringify(credential.toJSON())
    }, options)
    await leave(page, () =>
      page.locator('form[data-webauthn]').evaluate((form: HTMLFormElement, answer) => {
        const field = form.elements.namedItem('response') as HTMLInputElement
        field.value = answer
        form.submit()
      }, response),
    )
    assert.equal(await stage.said(page), 'That did not work. Press Continue to try again.')
  })
})
