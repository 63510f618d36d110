import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from '../support/browser.ts'
import { createAsker } from '../support/ciba.ts'
import { startDuo } from '../support/duo.ts'
import { createPhone, numberOn, type Phone, ticketOn } from '../support/phone.ts'
import { until } from '../support/until.ts'
import { AT, linkOn, type OpenDemo, openDemo, type Someone } from './demo-people.ts'

const DEVICE = 'Set up a device to confirm with'
const CONFIRM = 'Confirm on your device'
const WAITING = 'Type this number on your phone'

describe('cli/demo with a phone', function slow() {
  this.timeout('60s')
  let stage: OpenDemo
  let phone: Phone
  before(async () => {
    stage = await openDemo()
    phone = createPhone(stage.issuer)
  })
  after(() => stage.close())

  /** What the phone is asked now. */
  const asked = async () => {
    const challenge = await phone.pending()
    assert.ok(challenge, 'the phone is asked nothing')
    return challenge
  }
  const ask = async ({ bank }: Someone): Promise<Page> => bank.post(await bank.get('/phone'), {})
  const endOf = ({ bank }: Someone, { url }: Page) =>
    until('Bank has heard what the phone said', async () => {
      const page = await bank.get(url)
      return page.heading !== WAITING && page
    })

  it('lets alice set one up by her link, and asks it at the next transfer', async () => {
    const { provider } = stage.person('alice')
    const link = stage.told('alice setup link: ')
    const protection = await provider.post(await provider.get(link), { ticket: link })
    const enroll = await provider.get(linkOn(protection, '/push'))
    assert.equal(enroll.heading, DEVICE)
    assert.ok(enroll.targets.some((target) => target.startsWith(`${stage.issuer}/authenticator`)))
    const { status, body } = await phone.post(phone.device.enrollment(ticketOn(enroll), { name: 'Phone of alice' }))
    assert.equal(status, 200, JSON.stringify(body))
    const save = await provider.post(await provider.get(enroll.url), { code: String(body.code) })
    assert.equal(save.heading, AT.save)
    assert.equal((await provider.post(save, { kept: 'yes' })).heading, 'All is set up')

    stage.clock.advance(65)
    const alice = await stage.signedIn('alice')
    const challenge = await alice.visit('/transfer')
    assert.equal(challenge.heading, CONFIRM)
    await phone.answer(await asked(), 'approve', { number: numberOn(challenge) })
    const offer = await alice.settle(await alice.provider.post(await alice.provider.get(challenge.url), {}))
    assert.equal(offer.heading, AT.offer)
    const transfer = await alice.turnDown(offer)
    assert.equal(transfer.heading, AT.transfer)
    assert.match(transfer.text, /two different things: a password and a confirmation on another device, /)
  })

  it('asks it for Bank away from the browser: busy while it is asked, approved by the number, or denied', async () => {
    const alice = await stage.signedIn('alice')
    stage.clock.advance(65)
    const waiting = await ask(alice)
    assert.equal(waiting.heading, WAITING)
    const number = numberOn(waiting)
    assert.match(number, /^[1-9][0-9]$/)
    assert.equal((await ask(alice)).heading, 'Your phone is being asked already')
    const challenge = await asked()
    assert.deepEqual(
      [challenge.match, challenge.client, challenge.account, challenge.message],
      ['number', 'Bank', 'alice', undefined],
    )
    assert.equal((await phone.answer(challenge, 'approve', { number: '7' })).body.error, 'wrong_number')
    assert.deepEqual((await phone.answer(challenge, 'approve', { number })).body, { outcome: 'approved' })

    const approved = await endOf(alice, waiting)
    assert.equal(approved.heading, 'Thank you, it is you')
    assert.match(approved.text, /You proved one thing: a confirmation on another device, /)
    assert.match(approved.text, /urn:oidc-step-up:acr:1fa.*mca.*auth_time/s)
    assert.equal((await stage.person('alice').bank.get(waiting.url)).status, 302)

    stage.clock.advance(65)
    const again = await ask(alice)
    assert.equal(again.heading, WAITING)
    await phone.answer(await asked(), 'deny')
    const denied = await endOf(alice, again)
    assert.equal(denied.heading, 'Your phone did not confirm this')
    assert.ok(denied.targets.includes('/phone'))
  })

  it('says so where there is no phone, or the form is of another session', async () => {
    const bob = await stage.signedIn('bob')
    const none = await ask(bob)
    assert.deepEqual([none.status, none.heading], [400, 'No phone can be asked'])
    assert.match(none.text, /unmet_authentication_requirements/)
    const stale = await bob.bank.send('/phone', { form: { csrf: 'x' } })
    assert.deepEqual([stale.status, stale.heading], [400, 'That form was too old'])
    const lost = await bob.bank.get('/phone/no-such')
    assert.deepEqual([lost.status, lost.heading], [400, 'There is nothing to confirm here any more'])
    assert.deepEqual((await stage.person('bob').bank.get('/phone/x/state')).text, '{"state":"lost"}')
    assert.equal((await bob.bank.get('/bank.js')).headers.get('content-type'), 'text/javascript; charset=utf-8')
  })

  it('lets the playground ask by user name, and nobody by another hint', async () => {
    const app = await createAsker(stage, { client_id: 'playground', client_secret: 'playground' })
    // Three in ten minutes are enough for anybody.
    stage.clock.advance(601)
    const request = await app.ask({ login_hint: ' ALICE ' })
    await phone.answer(await asked(), 'approve', { number: '4711' })
    assert.equal((await app.poll(request)).claims()?.sub, 'alice')
    assert.equal((await app.refused({ login_hint: 'nobody' })).error, 'unknown_user_id')
    const token = await app.refused({ login_hint: '', login_hint_token: 'x' })
    assert.deepEqual([token.error, token.description], ['invalid_request', 'login_hint_token is not supported'])
  })

  it('has a web authenticator', async () => {
    assert.equal(stage.told('web authenticator: '), `${stage.issuer}/authenticator`)
    const { provider } = stage.person('alice')
    assert.match((await provider.get('/authenticator')).text, /<script type="module" src="app\.js">/)
  })
})

describe('cli/demo with Duo', function slow() {
  this.timeout('60s')
  it('asks alice there, who has nothing else, and bob by his app', async () => {
    const peer = await startDuo()
    const folder = mkdtempSync(join(tmpdir(), 'step-up-'))
    const DUO_CA_FILE = join(folder, 'ca.pem')
    writeFileSync(DUO_CA_FILE, peer.ca)
    const { clientId: DUO_CLIENT_ID, clientSecret: DUO_CLIENT_SECRET, apiHost: DUO_API_HOST } = peer.options
    const stage = await openDemo({ env: { DUO_CLIENT_ID, DUO_CLIENT_SECRET, DUO_API_HOST, DUO_CA_FILE } })
    try {
      assert.match(stage.told('Duo is on: '), /^it asks only who has set up nothing else, such as alice/)
      const alice = await stage.signedIn('alice')
      const away = await alice.provider.get((await alice.bank.get('/transfer')).url)
      assert.deepEqual([away.url.host, away.url.pathname], [peer.apiHost, '/oauth/v1/authorize'])
      const back = await alice.settle(await alice.provider.get(await peer.visit(away.url)))
      assert.equal(back.heading, 'Make signing in safer')
      const transfer = await alice.settle(await alice.provider.post(back, {}, linkOn(back, '/decline')))
      assert.equal(transfer.heading, AT.transfer)
      assert.match(transfer.text, /two different things: a password and a confirmation on another device, /)

      const bob = await stage.signedIn('bob')
      assert.equal((await bob.visit('/transfer')).heading, AT.challenge)
      assert.deepEqual(peer.complaints, [])
    } finally {
      await stage.close()
      await peer.close()
      rmSync(folder, { recursive: true })
    }
  })
})
