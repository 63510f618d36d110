import assert from 'node:assert/strict'
import { load } from 'cheerio'
import type { Page } from '../support/browser.ts'
import { createRelyingParty, secretOn } from '../support/relying-party.ts'
import { AT, linkOn, type OpenDemo, openDemo, signOut } from './demo-people.ts'

const saysRemember = ({ text }: Page) => load(text)('#remember').length === 1

describe('cli/demo', function slow() {
  this.timeout('60s')
  let stage: OpenDemo
  before(async () => {
    stage = await openDemo()
  })
  after(() => stage.close())

  it('prints what a person needs, ready last', () => {
    const [first = '', second = '', ...more] = stage.told('bob recovery codes: ').split(' ')
    for (const code of [first, second]) assert.match(code, /^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/)
    assert.deepEqual([first === second, more], [false, []])
    assert.match(stage.told('alice setup link: '), new RegExp(`^${stage.issuer}/mfa/setup#[\\w.-]{100,}$`))
    assert.deepEqual(stage.printed.slice(5), [
      `web authenticator: ${stage.issuer}/authenticator`,
      `outbox: ${stage.issuer}/outbox`,
      `ready ${stage.issuer} ${stage.origin}`,
    ])
  })

  it('shows Bank to everybody, and a page for everything else', async () => {
    const { bank } = stage.person('bob')
    assert.equal((await bank.get('/')).heading, 'Money, kept simple')
    const lost = await bank.get('/callback?state=unknown&code=x')
    assert.deepEqual([lost.status, lost.heading], [400, 'We lost track of this sign-in'])
    const none = await bank.get('/no/such')
    assert.deepEqual([none.status, none.heading], [404, 'There is no page here'])
    const stale = await bank.send('/transfer', { form: { amount: '1' } })
    assert.deepEqual([stale.status, stale.heading], [400, 'That form was too old'])
  })

  it('lets bob view, transfer after a code, and explains why limits stay', async () => {
    const { page, bank, provider, settle, turnDown } = await stage.signedIn('bob')
    assert.equal(page.heading, 'Welcome, Bob')
    assert.match(page.text, /You proved one thing: a password, /)
    assert.equal((await bank.get('/statement')).heading, 'Statement')

    const challenge = await settle(await bank.get('/transfer'))
    assert.equal(challenge.heading, AT.challenge)
    assert.ok(!saysRemember(challenge))
    const code = stage.newCode(stage.told('bob authenticator secret: '))
    const offer = await settle(await provider.post(challenge, { code }))
    assert.equal(offer.heading, AT.offer)
    const transfer = await turnDown(offer)
    assert.equal(transfer.heading, 'Transfer money')
    assert.match(transfer.text, /You proved two different things: a password and a code from your phone, /)
    assert.match(transfer.text, /multi-factor/)
    const done = await bank.send('/transfer', { form: { csrf: transfer.csrf, to: 'x', amount: '1' } })
    assert.equal(done.heading, 'Your money is on its way')

    const unreachable = await settle(await bank.get('/limits'))
    assert.match(unreachable.text, /Add another way when a sign-in offers you one, or ask the people who look after/)
    const limits = await settle(await provider.post(unreachable, {}, `${unreachable.url.pathname}/cancel`))
    assert.equal(limits.heading, 'Your limits stay as they are')
    assert.match(limits.text, /unmet_authentication_requirements/)
    assert.equal((await bank.get('/')).heading, 'Welcome, Bob')
  })

  it('signs out everywhere', async () => {
    const bob = await stage.signedIn('bob')
    assert.equal((await signOut(bob)).heading, 'You have signed out.')
    assert.equal((await bob.bank.get('/')).heading, 'Money, kept simple')
    assert.equal((await bob.settle(await bob.bank.get('/statement'))).heading, 'Sign in')
  })

  it('lets bob in who lost his phone: a recovery code, a new app, and the transfer goes on', async () => {
    const { bank, provider, settle, confirm } = await stage.signedIn('bob')
    const challenge = await settle(await bank.get('/transfer'))
    const ways = await provider.get(linkOn(challenge, '/choose'))
    assert.equal(ways.heading, AT.choose)
    const entry = await provider.get(linkOn(ways, '/recovery-codes'))
    const [code = ''] = stage.told('bob recovery codes: ').split(' ')
    const renewal = await settle(await provider.post(entry, { code: code.toLowerCase().replaceAll('-', ' ') }))
    assert.equal(renewal.heading, AT.renewal)
    assert.match(renewal.text, /You came in with a recovery code, and it is used up now/)
    const enroll = await provider.get(linkOn(renewal, '/totp'))
    assert.equal(enroll.heading, AT.enroll)
    const secret = secretOn(enroll)
    const transfer = await settle(await provider.post(enroll, { code: stage.newCode(secret) }))
    assert.equal(transfer.heading, 'Transfer money')
    assert.match(transfer.text, /You proved two different things: a password and a recovery code, /)

    stage.clock.advance(301)
    const again = await settle(await bank.get('/transfer'))
    assert.equal(again.heading, AT.challenge)
    assert.equal((await confirm(again, stage.newCode(secret))).heading, 'Transfer money')
  })

  it('remembers a browser where bob asks for it: documents open with a password, a transfer still takes a code', async () => {
    const bob = await stage.signedIn('bob')
    const { bank, provider, settle } = bob
    const challenge = await settle(await bank.get('/documents'))
    assert.equal(challenge.heading, AT.challenge)
    assert.match(challenge.text, /Do not ask again in this browser for 30 days/)
    const code = stage.newCode(stage.told('bob authenticator secret: '))
    const consent = await bob.confirm(challenge, code, { remember: 'yes' })
    assert.equal(consent.heading, AT.consent)
    assert.match(consent.text, /see your documents/)
    const documents = await settle(await provider.post(consent))
    assert.equal(documents.heading, 'Documents')
    assert.match(documents.text, /You showed two different things\. If you let .* remember this browser/)
    assert.match(documents.text, /openid profile email documents/)
    await signOut(bob)

    const login = await settle(await bank.get('/documents'))
    const allow = await settle(await bob.signIn(login))
    assert.equal(allow.heading, AT.consent)
    const remembered = await settle(await provider.post(allow))
    assert.equal(remembered.heading, 'Documents')
    assert.match(remembered.text, /One thing was enough .* not why that was enough/)
    assert.match(remembered.text, /You proved one thing: a password, /)
    assert.match(remembered.text, /asks for two proofs of the last 5 minutes, in a remembered browser too/)
    const transfer = await settle(await bank.get('/transfer'))
    assert.deepEqual([transfer.heading, saysRemember(transfer)], [AT.challenge, false])

    const elsewhere = await stage.signedIn('bob')
    assert.equal((await elsewhere.settle(await elsewhere.bank.get('/documents'))).heading, AT.challenge)
  })

  it('shows in its outbox what it would send, and takes the code from there', async () => {
    const bob = await stage.signedIn('bob')
    const email = await bob.choose(await bob.visit('/transfer'), 'email')
    assert.equal(email.heading, AT.email)
    const [newest] = await stage.outbox()
    assert.deepEqual(Object.keys(newest?.facts ?? {}), ['Mail to', 'Subject', 'Time'])
    assert.equal(newest?.facts['Mail to'], 'bob@example.com')
    assert.equal(newest?.facts.Subject, 'Your sign-in code for Bank')
    assert.equal((await bob.confirm(email, newest?.code ?? '')).heading, AT.transfer)
    const home = await bob.provider.get('/')
    assert.ok(home.targets.includes('/outbox'))
    assert.ok((await stage.person('bob').bank.get('/')).targets.includes(`${stage.issuer}/outbox`))
  })

  it('explains a cancelled sign-in', async () => {
    const { bank, provider, settle } = stage.person('alice')
    const login = await settle(await bank.get('/transfer'))
    const cancelled = await settle(await provider.post(login, {}, `${login.url.pathname}/cancel`))
    assert.equal(cancelled.heading, 'You went back')
  })

  it('lets alice set up an app by her link, before she ever signs in, and once', async () => {
    const { provider } = stage.person('alice')
    const link = stage.told('alice setup link: ')
    const open = await provider.get(link)
    assert.equal(open.heading, AT.protect)
    const protection = await provider.post(open, { ticket: link })
    assert.equal(protection.heading, AT.protection)
    const enroll = await provider.get(linkOn(protection, '/totp'))
    assert.equal(enroll.heading, AT.enroll)
    const secret = secretOn(enroll)
    const save = await provider.post(enroll, { code: stage.newCode(secret) })
    assert.equal(save.heading, AT.save)
    assert.equal((await provider.post(save, { kept: 'yes' })).heading, 'All is set up')

    const { bank, settle, confirm } = await stage.signedIn('alice')
    const challenge = await settle(await bank.get('/transfer'))
    assert.equal(challenge.heading, AT.challenge)
    assert.equal((await confirm(challenge, stage.newCode(secret))).heading, 'Transfer money')

    const thief = stage.person('alice').provider
    const used = await thief.post(await thief.get(link), { ticket: link })
    assert.deepEqual([used.status, used.heading], [422, AT.protect])
    assert.match(used.text, /This link no longer works/)
  })

  it('has a playground client with every flow', async () => {
    const playground = { client_id: 'playground', client_secret: 'playground' }
    const rp = await createRelyingParty(stage, playground)
    const redirect = {
      redirect_uri: 'http://localhost:3002/callback',
      scope: 'openid offline_access',
      prompt: 'consent',
    }
    const { provider, signIn } = stage.person('alice')
    for (const responseType of ['code', 'id_token', 'code id_token', 'code id_token token']) {
      const { url } = await rp.request({ ...redirect, response_type: responseType })
      let page = await provider.get(url)
      if (page.heading === 'Sign in') page = await signIn(page)
      assert.equal(page.heading, AT.consent, responseType)
      page = await provider.post(page)
      const answer = new URLSearchParams(page.url.hash.slice(1) || page.url.search)
      assert.equal(page.url.origin, 'http://localhost:3002', responseType)
      assert.equal(answer.has('code'), responseType.includes('code'))
      assert.equal(answer.has('id_token'), responseType.includes('id_token'))
    }
  })

  it('connects a device for the playground', async () => {
    const headers = { authorization: `Basic ${Buffer.from('playground:playground').toString('base64')}` }
    const asked = await fetch(`${stage.issuer}/device/auth`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ scope: 'openid' }),
    })
    const { user_code: userCode, device_code: deviceCode } = (await asked.json()) as Record<string, string>
    const { provider, signIn } = stage.person('alice')
    const hidden = (page: Page) => /name="xsrf" value="(\w+)"/.exec(page.text)?.[1] ?? ''
    const input = await provider.get('/device')
    const confirm = await provider.send(input.action, { form: { xsrf: hidden(input), user_code: userCode ?? '' } })
    assert.equal(confirm.heading, 'Does your device show this code?')
    const form = { xsrf: hidden(confirm), user_code: userCode ?? '', confirm: 'yes' }
    const consent = await signIn(await provider.send(confirm.action, { form }))
    assert.equal((await provider.post(consent)).heading, 'Your device is connected')
    const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: deviceCode ?? '' }
    const tokens = await fetch(`${stage.issuer}/token`, { method: 'POST', headers, body: new URLSearchParams(grant) })
    const { id_token: idToken = '' } = (await tokens.json()) as { id_token?: string }
    const claims = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString())
    assert.deepEqual([claims.sub, claims.amr], ['alice', ['pwd']])
  })
})
