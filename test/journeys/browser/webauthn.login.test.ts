import assert from 'node:assert/strict'
import { bodyParser } from '@koa/bodyparser'
import type Provider from 'oidc-provider'
import { MULTI_FACTOR, PHISHING_RESISTANT } from '../../../src/index.ts'
import { standsAt } from '../../support/chromium.ts'
import { addAuthenticator } from '../../support/virtual-authenticator.ts'
import { essential, useKeyStage } from './key-stage.ts'
import { leave, wordsOf } from './stage.ts'

const HEADING = 'Passkey login'
const parse = bodyParser()

const pageWith = (options: string, scripts: readonly string[], autocomplete: string) => `<!doctype html>
<title>${HEADING}</title>
${scripts.map((src) => `<script defer src="${src}"></script>`).join('')}
<h1>${HEADING}</h1>
<form method="post" data-passkey-options='${options}'>
<input name="login" autocomplete="${autocomplete}" required>
<input type="hidden" name="passkey">
<button>Sign in</button>
<button type="button" data-passkey data-stopped="It was stopped" hidden>Use a passkey</button>
<p role="status"></p>
</form>`

describe('passkeys in a browser: on a login page', function slow() {
  this.timeout('60s')
  const stage = useKeyStage()

  /** A host whose login page takes names and passkeys. */
  const start = (autocomplete: string) => {
    const loginPage: Parameters<Provider['use']>[0] = async (ctx, next) => {
      if (!ctx.path.startsWith('/sign-in/')) return next()
      const { provider, mfa } = stage.host
      if (ctx.method === 'GET') {
        const { options = '', scripts = [] } = (await mfa.passkeyLogin.begin(ctx)) ?? {}
        ctx.type = 'html'
        ctx.body = pageWith(options.replaceAll("'", '&#39;'), scripts, autocomplete)
        return
      }
      await parse(ctx as never, async () => undefined)
      const { login = '', passkey = '' } = ctx.request.body as Record<string, string>
      const accountId = passkey === '' ? login : await mfa.passkeyLogin.finish(ctx, passkey)
      const target = accountId && (await provider.interactionResult(ctx.req, ctx.res, { login: { accountId } }))
      ctx.redirect(target || ctx.path)
      ctx.status = 303
    }
    return stage.start({
      configuration: { interactions: { url: (_ctx, { uid }) => `/sign-in/${uid}` } },
      prepare: (provider) => void provider.use(loginPage),
    })
  }

  /** Sets a passkey up after a login by name, and forgets the session. */
  const enrolled = async () => {
    const page = await stage.visitor()
    const key = await addAuthenticator(page)
    const answer = await stage.open(page, essential(PHISHING_RESISTANT))
    await page.locator('[name=login]').fill('bob')
    await leave(page, () => page.getByRole('button', { name: 'Sign in' }).click())
    await leave(page, () => page.getByRole('button', { name: 'Set it up' }).click())
    await answer()
    await stage.context.clearCookies()
    return { page, key }
  }

  it('signs in at the button, without a name or a password', async () => {
    await start('username')
    const { page } = await enrolled()
    const answer = await stage.open(page, essential(MULTI_FACTOR))
    await standsAt(page, HEADING)
    await leave(page, () => page.getByRole('button', { name: 'Use a passkey' }).click())
    const { sub, acr, amr } = await answer()
    assert.deepEqual([sub, acr, amr], ['bob', MULTI_FACTOR, ['pop', 'hwk', 'user', 'mfa']])
  })

  it('signs in from the field for the name, where the browser offers that', async () => {
    await start('username webauthn')
    const { page } = await enrolled()
    const { sub, amr } = await (await stage.open(page, {}))()
    assert.deepEqual([sub, amr], ['bob', ['pop', 'hwk', 'user', 'mfa']])
  })

  it('says so where it was stopped, and a name works as ever', async () => {
    await start('username')
    const { page, key } = await enrolled()
    await key.verify(false)
    const answer = await stage.open(page, {})
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.getByText('It was stopped').waitFor()
    await page.locator('[name=login]').fill('bob')
    await leave(page, () => page.getByRole('button', { name: 'Sign in' }).click())
    assert.deepEqual((await answer()).amr, ['pwd'])
  })

  it('shows the page again for a passkey that is no longer of any account', async () => {
    await start('username')
    const { page } = await enrolled()
    const [key] = (await stage.host.mfa.accounts.list('bob')).authenticators
    await stage.host.mfa.accounts.remove('bob', key?.id ?? '')
    await stage.open(page, {})
    const before = await page.locator('form').getAttribute('data-passkey-options')
    await leave(page, () => page.getByRole('button', { name: 'Use a passkey' }).click())
    assert.equal(await wordsOf(page, 'h1'), HEADING)
    assert.notEqual(await page.locator('form').getAttribute('data-passkey-options'), before)
  })

  it('offers nothing in a browser that knows no keys', async () => {
    await start('username webauthn')
    const page = await stage.visitor()
    await page.addInitScript(() => Reflect.deleteProperty(globalThis, 'PublicKeyCredential'))
    await stage.open(page, {})
    await standsAt(page, HEADING)
    assert.equal(await page.getByRole('button', { name: 'Use a passkey' }).isVisible(), false)
  })
})
