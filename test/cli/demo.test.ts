import assert from 'node:assert/strict'
import { load } from 'cheerio'
import { type Demo, demo } from '../../src/cli/demo.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import { createBrowser, type Page } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { createRelyingParty, secretOn } from '../support/relying-party.ts'
import { freePort } from './free-port.ts'

const SAVE = 'Save your recovery codes'
const CHALLENGE = 'Enter the code from your authenticator app'
const PROTECT = 'Set up your account’s protection'
const CONSENT = 'Allow this app to use your account?'

describe('cli/demo', function slow() {
  this.timeout('60s')
  const printed: string[] = []
  let running: Demo
  let clock: VirtualClock
  let issuer: string
  let origin: string
  before(async () => {
    const [port, bankPort] = [await freePort(), await freePort()]
    running = await demo({ port, bankPort, print: (line) => printed.push(line) })
    issuer = `http://localhost:${port}`
    origin = `http://localhost:${bankPort}`
    clock = virtualClock()
  })
  after(async () => {
    clock.restore()
    await running.close()
  })

  const told = (start: string) => printed.find((line) => line.startsWith(start))?.slice(start.length) ?? ''
  /** A code that no test has used: each moves the time on to the app's next one. */
  const newCode = (secret: string) => {
    clock.advance(30)
    return codeAt(secret)
  }
  /** Where a link on the page leads whose address ends so. */
  const linkOn = ({ targets }: Page, end: string) => targets.find((target) => target.endsWith(end)) ?? ''
  const saysRemember = ({ text }: Page) => load(text)('#remember').length === 1
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
  type Someone = Awaited<ReturnType<typeof signedIn>>
  const signOut = async ({ bank, provider, settle }: Someone) => {
    const { csrf } = await bank.get('/')
    const leaving = await settle(await bank.send('/sign-out', { form: { csrf } }))
    assert.equal(leaving.heading, 'Do you want to sign out?')
    const xsrf = /name="xsrf" value="(\w+)"/.exec(leaving.text)?.[1] ?? ''
    return settle(await provider.send(leaving.action, { form: { xsrf, logout: 'yes' } }))
  }

  it('prints what a person needs, ready last', () => {
    const [first = '', second = '', ...more] = told('bob recovery codes: ').split(' ')
    for (const code of [first, second]) assert.match(code, /^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/)
    assert.deepEqual([first === second, more], [false, []])
    assert.match(told('alice setup link: '), new RegExp(`^${issuer}/mfa/setup#[\\w.-]{100,}$`))
    assert.deepEqual([printed.length, printed.at(-1)], [6, `ready ${issuer} ${origin}`])
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
    assert.equal(challenge.heading, CHALLENGE)
    assert.ok(!saysRemember(challenge))
    const code = newCode(told('bob authenticator secret: '))
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
    const bob = await signedIn('bob')
    assert.equal((await signOut(bob)).heading, 'You have signed out.')
    assert.equal((await bob.bank.get('/')).heading, 'Money, kept simple')
    assert.equal((await bob.settle(await bob.bank.get('/statement'))).heading, 'Sign in')
  })

  it('lets bob in who lost his phone: a recovery code, a new app, and the transfer goes on', async () => {
    const { bank, provider, settle } = await signedIn('bob')
    const challenge = await settle(await bank.get('/transfer'))
    const ways = await provider.get(linkOn(challenge, '/choose'))
    assert.equal(ways.heading, 'Choose how to confirm it is you')
    const entry = await provider.get(linkOn(ways, '/recovery-codes'))
    const [code = ''] = told('bob recovery codes: ').split(' ')
    const enroll = await settle(await provider.post(entry, { code: code.toLowerCase().replaceAll('-', ' ') }))
    assert.equal(enroll.heading, 'Set up your authenticator app')
    assert.match(enroll.text, /You came in with a recovery code, and it is used up now/)
    const secret = secretOn(enroll)
    const transfer = await settle(await provider.post(enroll, { code: newCode(secret) }))
    assert.equal(transfer.heading, 'Transfer money')
    assert.match(transfer.text, /You proved two different things: a password and a recovery code, /)

    clock.advance(301)
    const again = await settle(await bank.get('/transfer'))
    assert.equal(again.heading, CHALLENGE)
    assert.equal((await settle(await provider.post(again, { code: newCode(secret) }))).heading, 'Transfer money')
  })

  it('remembers a browser where bob asks for it: documents open with a password, a transfer still takes a code', async () => {
    const bob = await signedIn('bob')
    const { bank, provider, settle } = bob
    const challenge = await settle(await bank.get('/documents'))
    assert.equal(challenge.heading, CHALLENGE)
    assert.match(challenge.text, /Do not ask again in this browser for 30 days/)
    const answer = { code: newCode(told('bob authenticator secret: ')), remember: 'yes' }
    const consent = await settle(await provider.post(challenge, answer))
    assert.equal(consent.heading, CONSENT)
    assert.match(consent.text, /see your documents/)
    const documents = await settle(await provider.post(consent))
    assert.equal(documents.heading, 'Documents')
    assert.match(documents.text, /You showed two different things\. If you let .* remember this browser/)
    assert.match(documents.text, /openid profile email documents/)
    await signOut(bob)

    const login = await settle(await bank.get('/documents'))
    const allow = await settle(await bob.signIn(login))
    assert.equal(allow.heading, CONSENT)
    const remembered = await settle(await provider.post(allow))
    assert.equal(remembered.heading, 'Documents')
    assert.match(remembered.text, /One thing was enough .* not why that was enough/)
    assert.match(remembered.text, /You proved one thing: a password, /)
    assert.match(remembered.text, /asks for two proofs of the last 5 minutes, in a remembered browser too/)
    const transfer = await settle(await bank.get('/transfer'))
    assert.deepEqual([transfer.heading, saysRemember(transfer)], [CHALLENGE, false])

    const elsewhere = await signedIn('bob')
    assert.equal((await elsewhere.settle(await elsewhere.bank.get('/documents'))).heading, CHALLENGE)
  })

  it('explains a cancelled sign-in', async () => {
    const { bank, provider, settle } = person('alice')
    const login = await settle(await bank.get('/transfer'))
    const cancelled = await settle(await provider.post(login, {}, `${login.url.pathname}/cancel`))
    assert.equal(cancelled.heading, 'You went back')
  })

  it('lets alice set up an app by her link, before she ever signs in, and once', async () => {
    const { provider } = person('alice')
    const link = told('alice setup link: ')
    const open = await provider.get(link)
    assert.equal(open.heading, PROTECT)
    const enroll = await provider.post(open, { ticket: link })
    assert.equal(enroll.heading, 'Set up your authenticator app')
    const secret = secretOn(enroll)
    const save = await provider.post(enroll, { code: newCode(secret) })
    assert.equal(save.heading, SAVE)
    assert.equal((await provider.post(save, { kept: 'yes' })).heading, 'All is set up')

    const { bank, provider: later, settle } = await signedIn('alice')
    const challenge = await settle(await bank.get('/transfer'))
    assert.equal(challenge.heading, CHALLENGE)
    assert.equal((await settle(await later.post(challenge, { code: newCode(secret) }))).heading, 'Transfer money')

    const thief = person('alice').provider
    const used = await thief.post(await thief.get(link), { ticket: link })
    assert.deepEqual([used.status, used.heading], [422, PROTECT])
    assert.match(used.text, /This link no longer works/)
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
      assert.equal(page.heading, CONSENT, responseType)
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
