import assert from 'node:assert/strict'
import { MULTI_FACTOR } from '../../../src/index.ts'
import { standsAt } from '../../support/chromium.ts'
import { AT, tap, useStage } from './authenticator-stage.ts'
import { complaints } from './complaints.ts'
import { focused, tabThrough } from './keyboard.ts'
import { leave, wordsOf } from './stage.ts'

const PHONE = { viewport: { width: 390, height: 844 } }
const NUMBER = 'Number on the other screen'

/** A question that no sign-in page asks, as a client does without a browser. */
const PAYMENT = `event: challenges\ndata: ${JSON.stringify({
  challenges: [
    {
      reference: 'r',
      account: 'erin@example.com',
      client: 'Bank',
      at: Math.floor(Date.now() / 1000) - 90,
      expiresAt: Math.floor(Date.now() / 1000) + 3600,
      match: 'message',
      message: 'K7-<b>42</b>',
      details: [{ type: 'payment', amount: '12 EUR', accounts: ['IBAN'] }],
    },
  ],
})}\n\n`

describe('the web authenticator', function slow() {
  this.timeout('60s')
  const stage = useStage({ locate: () => 'Berlin, Germany' })

  it('AC-21, AC-24, AC-55: is set up by a link and a code, and confirms a sign-in by its number', async () => {
    const page = await stage.visitor()
    const phone = await stage.visitor(PHONE)
    const found: Record<string, readonly string[]> = {}
    await phone.goto(`${stage.host.issuer}/authenticator`)
    await standsAt(phone, AT.start)
    await phone.getByLabel('Link').fill('https://example.com/')
    await tap(phone, 'Continue')
    assert.match(await stage.said(phone), /^That is not the link/)
    assert.equal(await phone.title(), `Error: ${AT.start}`)
    found.start = await complaints(phone)
    await phone.getByLabel('Link').fill(`https://example.com/authenticator#enroll=${'A'.repeat(22)}`)
    await tap(phone, 'Continue')
    assert.match(await stage.said(phone), /another service/)

    const enrolled = await stage.ask(page, 'alice')
    await standsAt(page, AT.enroll)
    const link = await stage.link(page)
    await phone.getByLabel('Link').fill(` ${link} `)
    await tap(phone, 'Continue')
    await standsAt(phone, AT.name)
    found.name = await complaints(phone)
    await phone.getByLabel('Name of this device').fill('My phone')
    await tap(phone, 'Set it up')
    await standsAt(phone, AT.code)
    found.code = await complaints(phone)
    const code = await wordsOf(phone, '.digits')
    assert.match(code, /^\d{6}$/)
    await phone.reload()
    await standsAt(phone, AT.code)
    assert.equal(await wordsOf(phone, '.digits'), code, 'the code is still there after a reload')

    await page.locator('input[name=code]').fill(code)
    await leave(page, () => page.locator('input[name=code]').press('Enter'))
    assert.equal((await enrolled()).acr, MULTI_FACTOR)
    await standsAt(phone, AT.ready)
    found.ready = await complaints(phone)
    await tap(phone, 'Done')
    await standsAt(phone, AT.waiting)
    found.waiting = await complaints(phone)

    const { signed, number } = await stage.question(page, phone, 'alice')
    assert.match(await wordsOf(phone, '.context'), /alice@example\.com.*Test App.*Berlin, Germany.*127\.0\.0\.1/s)
    found.question = await complaints(phone)
    await tap(phone, 'Yes, confirm')
    assert.match(await stage.said(phone), /^Type the number/)
    await phone.getByLabel(NUMBER).fill(number === '99' ? '98' : '99')
    await tap(phone, 'Yes, confirm')
    await phone.getByText('You have 2 tries left').waitFor()
    found.wrong = await complaints(phone)
    await phone.getByLabel(NUMBER).fill(number)
    await tap(phone, 'Yes, confirm')
    await standsAt(phone, AT.approved)
    found.approved = await complaints(phone)
    assert.equal((await signed()).acr, MULTI_FACTOR)
    for (const [screen, complaint] of Object.entries(found)) assert.deepEqual(complaint, [], screen)
  })

  it('AC-24: takes the link out of the address bar, and takes it once', async () => {
    const page = await stage.visitor()
    const phone = await stage.visitor({ ...PHONE, locale: 'de-AT' })
    await stage.ask(page, 'bob')
    const link = await stage.link(page)
    await phone.goto(link)
    await standsAt(phone, 'Dieses Gerät einrichten')
    assert.equal(phone.url(), `${stage.host.issuer}/authenticator/`)
    assert.equal(await phone.evaluate(() => document.documentElement.lang), 'de')
    await tap(phone, 'Einrichten')
    await standsAt(phone, 'Geben Sie diesen Code auf dem anderen Bildschirm ein')
    assert.deepEqual(await complaints(phone), [])

    const thief = await stage.visitor()
    await thief.goto(link)
    await standsAt(thief, AT.name)
    await tap(thief, 'Set it up')
    await standsAt(thief, 'This link does not work any more')
    await tap(phone, 'Nicht einrichten')
    await standsAt(phone, 'Anmeldungen hier bestätigen')
  })

  it('refuses, reports, and takes three wrong numbers for the end', async () => {
    const page = await stage.visitor()
    const phone = await stage.visitor(PHONE)
    await stage.enroll(page, phone, 'carol')
    await stage.question(page, phone, 'carol')
    await tap(phone, 'No')
    await standsAt(phone, AT.denied)
    await standsAt(page, AT.closed)

    stage.pass()
    const { number } = await stage.question(page, phone, 'carol')
    const wrong = number === '99' ? '98' : '99'
    for (const said of ['You have 2 tries left', 'You have one try left']) {
      await phone.getByLabel(NUMBER).fill(wrong)
      await tap(phone, 'Yes, confirm')
      await phone.getByText(said).waitFor()
    }
    await phone.getByLabel(NUMBER).fill(wrong)
    await tap(phone, 'Yes, confirm')
    await standsAt(phone, AT.dead)
    await standsAt(page, AT.closed)

    stage.pass()
    await stage.question(page, phone, 'carol')
    await tap(phone, 'It was not me')
    await standsAt(phone, AT.report)
    assert.deepEqual(await complaints(phone), [])
    await tap(phone, 'Back')
    await standsAt(phone, AT.question)
    await tap(phone, 'It was not me')
    await tap(phone, 'I am not signing in anywhere')
    await standsAt(phone, AT.reported)
    await standsAt(page, AT.closed)
  })

  it('works by the keyboard alone, in two tabs, with a name of its own, until it is removed', async () => {
    const page = await stage.visitor()
    const phone = await stage.visitor()
    await stage.enroll(page, phone, 'dave')
    const other = await phone.context().newPage()
    await other.goto(`${stage.host.issuer}/authenticator/`)
    await standsAt(other, AT.waiting)

    const { signed, number } = await stage.question(page, phone, 'dave')
    await standsAt(other, AT.question)
    await phone.bringToFront()
    assert.deepEqual(await tabThrough(phone, 'It was not me'), [NUMBER, 'Yes, confirm', 'No', 'It was not me'])
    for (let back = 0; back < 3; back += 1) await phone.keyboard.press('Shift+Tab')
    assert.equal((await focused(phone)).name, NUMBER)
    await phone.keyboard.type(number)
    await phone.keyboard.press('Enter')
    await standsAt(phone, AT.approved)
    await signed()
    await standsAt(other, AT.expired)

    await phone.keyboard.press('Tab')
    await phone.keyboard.press('Enter')
    await standsAt(phone, AT.waiting)
    assert.deepEqual(await tabThrough(phone, 'Add an account'), [AT.accounts, 'Add an account'])
    await phone.keyboard.press('Shift+Tab')
    await phone.keyboard.press('Enter')
    await standsAt(phone, AT.accounts)
    assert.deepEqual(await complaints(phone), [])
    await phone.getByRole('button', { name: 'Rename' }).press('Enter')
    await phone.getByLabel('Name of this device').fill('Tablet')
    await phone.keyboard.press('Enter')
    await phone.getByText('This device is called Tablet').waitFor()
    await phone.getByRole('button', { name: 'Remove dave@example.com' }).press('Enter')
    await phone.getByRole('button', { name: 'Remove it' }).press('Enter')
    await standsAt(phone, AT.start)
    await standsAt(other, AT.start)
  })

  it('opens without a connection, and goes on by itself when there is one', async () => {
    const page = await stage.visitor()
    const phone = await stage.visitor(PHONE)
    await stage.enroll(page, phone, 'erin')
    await phone.evaluate(() => navigator.serviceWorker.ready)
    await phone.context().setOffline(true)
    await phone.reload()
    await standsAt(phone, AT.waiting)
    await phone.getByText('No connection').waitFor()
    const signed = await stage.ask(page, 'erin')
    await standsAt(page, AT.number)
    await phone.context().setOffline(false)
    await standsAt(phone, AT.question)
    await phone.getByLabel(NUMBER).fill(await wordsOf(page, '.number'))
    await tap(phone, 'Yes, confirm')
    await standsAt(phone, AT.approved)
    await signed()

    await phone.route('**/mfa/devices', (route) => route.fulfill({ contentType: 'text/event-stream', body: PAYMENT }))
    await phone.reload()
    await standsAt(phone, AT.request)
    await phone.getByText('Confirm only if Bank shows the same:').waitFor()
    assert.equal(await wordsOf(phone, '.said'), 'K7-<b>42</b>')
    assert.match(await wordsOf(phone, '.details'), /payment.*12 EUR.*\["IBAN"\]/s)
    assert.deepEqual(await complaints(phone), [])
  })
})
