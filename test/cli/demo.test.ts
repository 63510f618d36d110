import assert from 'node:assert/strict'
import { type Demo, demo } from '../../src/cli/demo.ts'
import { createBrowser, type Page } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { createRelyingParty } from '../support/relying-party.ts'
import { freePort } from './free-port.ts'

describe('cli/demo', function slow() {
  this.timeout('60s')
  const printed: string[] = []
  let running: Demo
  let issuer: string
  let origin: string
  before(async () => {
    const [port, bankPort] = [await freePort(), await freePort()]
    running = await demo({ port, bankPort, print: (line) => printed.push(line) })
    issuer = `http://localhost:${port}`
    origin = `http://localhost:${bankPort}`
  })
  after(() => running.close())

  const told = (start: string) => printed.find((line) => line.startsWith(start))?.slice(start.length) ?? ''
  /** A person with one browser for both sites, which is two jars here. */
  const person = (username: string) => {
    const bank = createBrowser(origin)
    const provider = createBrowser(issuer)
    return {
      bank,
      provider,
      /** Follows the way between the two sites until one shows a page. */
      settle: async (page: Page): Promise<Page> => {
        let at = page
        for (let hop = 0; hop < 6 && at.status >= 300 && at.status < 400; hop += 1) {
          at = await (at.url.origin === origin ? bank : provider).get(at.url)
        }
        return at
      },
      signIn: (page: Page) => provider.post(page, { username, password: told(`${username} password: `) }),
    }
  }
  const signedIn = async (username: string) => {
    const who = person(username)
    const login = await who.settle(await who.bank.get('/sign-in'))
    const consent = await who.settle(await who.signIn(login))
    return { ...who, page: await who.settle(await who.provider.post(consent)) }
  }

  it('prints what a person needs, ready last', () => {
    assert.equal(printed.at(-1), `ready ${issuer} ${origin}`)
  })

  it('shows Bank to everybody, and a page for everything else', async () => {
    const { bank } = person('bob')
    assert.equal((await bank.get('/')).heading, 'Money, kept simple')
    const lost = await bank.get('/callback?state=unknown&code=x')
    assert.deepEqual([lost.status, lost.heading], [400, 'We lost track of this sign-in'])
    const none = await bank.get('/no/such')
    assert.deepEqual([none.status, none.heading], [404, 'There is no page here'])
    const stale = await bank.send('/transfer', { form: { amount: '1' } })
    assert.deepEqual([stale.status, stale.heading], [400, 'That form was too old'])
  })

  it('lets bob view, transfer after a code, and explains why limits stay', async () => {
    const { page, bank, provider, settle } = await signedIn('bob')
    assert.equal(page.heading, 'Welcome, Bob')
    assert.match(page.text, /You proved one thing: a password, /)
    assert.equal((await bank.get('/statement')).heading, 'Statement')

    const challenge = await settle(await bank.get('/transfer'))
    assert.equal(challenge.heading, 'Enter the code from your authenticator app')
    const code = codeAt(told('bob authenticator secret: '))
    const transfer = await settle(await provider.post(challenge, { code }))
    assert.equal(transfer.heading, 'Transfer money')
    assert.match(transfer.text, /You proved two different things: a password and a code from your phone, /)
    assert.match(transfer.text, /multi-factor/)
    const done = await bank.send('/transfer', { form: { csrf: transfer.csrf, to: 'x', amount: '1' } })
    assert.equal(done.heading, 'Your money is on its way')

    const unreachable = await settle(await bank.get('/limits'))
    const limits = await settle(await provider.post(unreachable, {}, `${unreachable.url.pathname}/cancel`))
    assert.equal(limits.heading, 'Your limits stay as they are')
    assert.match(limits.text, /unmet_authentication_requirements/)
    assert.equal((await bank.get('/')).heading, 'Welcome, Bob')
  })

  it('signs out everywhere', async () => {
    const { page, bank, provider, settle } = await signedIn('bob')
    const leaving = await settle(await bank.send('/sign-out', { form: { csrf: page.csrf } }))
    assert.equal(leaving.heading, 'Do you want to sign out?')
    const xsrf = /name="xsrf" value="(\w+)"/.exec(leaving.text)?.[1] ?? ''
    const gone = await settle(await provider.send(leaving.action, { form: { xsrf, logout: 'yes' } }))
    assert.equal(gone.heading, 'You have signed out.')
    assert.equal((await bank.get('/')).heading, 'Money, kept simple')
    assert.equal((await settle(await bank.get('/statement'))).heading, 'Sign in')
  })

  it('explains a cancelled sign-in', async () => {
    const { bank, provider, settle } = person('alice')
    const login = await settle(await bank.get('/transfer'))
    const cancelled = await settle(await provider.post(login, {}, `${login.url.pathname}/cancel`))
    assert.equal(cancelled.heading, 'You went back')
  })

  it('has a playground client with every flow', async () => {
    const playground = { client_id: 'playground', client_secret: 'playground' }
    const rp = await createRelyingParty({ issuer }, playground)
    const redirect = {
      redirect_uri: 'http://localhost:3002/callback',
      scope: 'openid offline_access',
      prompt: 'consent',
    }
    const { provider, signIn } = person('alice')
    for (const responseType of ['code', 'id_token', 'code id_token', 'code id_token token']) {
      const { url } = await rp.request({ ...redirect, response_type: responseType })
      let page = await provider.get(url)
      if (page.heading === 'Sign in') page = await signIn(page)
      assert.equal(page.heading, 'Allow this app to use your account?', responseType)
      page = await provider.post(page)
      const answer = new URLSearchParams(page.url.hash.slice(1) || page.url.search)
      assert.equal(page.url.origin, 'http://localhost:3002', responseType)
      assert.equal(answer.has('code'), responseType.includes('code'))
      assert.equal(answer.has('id_token'), responseType.includes('id_token'))
    }
  })

  it('connects a device for the playground', async () => {
    const headers = { authorization: `Basic ${Buffer.from('playground:playground').toString('base64')}` }
    const asked = await fetch(`${issuer}/device/auth`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ scope: 'openid' }),
    })
    const { user_code: userCode, device_code: deviceCode } = (await asked.json()) as Record<string, string>
    const { provider, signIn } = person('alice')
    const hidden = (page: Page) => /name="xsrf" value="(\w+)"/.exec(page.text)?.[1] ?? ''
    const input = await provider.get('/device')
    const confirm = await provider.send(input.action, { form: { xsrf: hidden(input), user_code: userCode ?? '' } })
    assert.equal(confirm.heading, 'Does your device show this code?')
    const form = { xsrf: hidden(confirm), user_code: userCode ?? '', confirm: 'yes' }
    const consent = await signIn(await provider.send(confirm.action, { form }))
    assert.equal((await provider.post(consent)).heading, 'Your device is connected')
    const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: deviceCode ?? '' }
    const tokens = await fetch(`${issuer}/token`, { method: 'POST', headers, body: new URLSearchParams(grant) })
    const { id_token: idToken = '' } = (await tokens.json()) as { id_token?: string }
    const claims = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString())
    assert.deepEqual([claims.sub, claims.amr], ['alice', ['pwd']])
  })
})
