import assert from 'node:assert/strict'
import { createPhone, type Phone, ticketOn } from '../support/phone.ts'
import type { Lies } from '../support/soft-device.ts'
import { atEnrollment, confirm, recordsOf, usePhones, withPhone } from './push-support.ts'
import { passed, postOnly } from './support.ts'

/** What is wrong with an enrolment that would be right otherwise. */
const forged: Readonly<Record<string, (phone: Phone) => Lies>> = {
  'a key that is not the one it is named by': () => ({ header: { kid: 'A'.repeat(43) } }),
  'the name of another device': (phone) => ({
    header: { kid: createPhone(phone.device.issuer).device.deviceId },
    claims: { iss: phone.device.deviceId },
  }),
  'another device’s key along': (phone) => ({ header: { jwk: createPhone(phone.device.issuer).device.publicKey } }),
  'no key': () => ({ header: { jwk: undefined } }),
  'its private key along': ({ device }) => ({ header: { jwk: device.privateKey.export({ format: 'jwk' }) } }),
  'a secret for a key': () => ({ header: { alg: 'HS256', jwk: { kty: 'oct', k: 'c2VjcmV0' } }, secret: 'secret' }),
  'another ticket': () => ({ claims: { ticket: 'A'.repeat(43) } }),
  'the ticket itself in place of its digest': () => ({ claims: { ticket: 'A'.repeat(22) } }),
  'another server': () => ({ claims: { aud: 'https://evil.example.com' } }),
  'another act': () => ({ claims: { act: 'update' } }),
  'no name': () => ({ claims: { name: ' \u202e ' } }),
  'a name that is too long': () => ({ claims: { name: 'n'.repeat(65) } }),
  'a life that is over': () => ({ claims: { iat: 1, exp: 60 } }),
}

describe('security: enrolling a device', () => {
  const bench = usePhones()
  const present = (phone: Phone, ticket: string, lies: Lies = {}) =>
    phone.post(phone.device.enrollment(ticket, {}, lies))

  it('AC-24: a ticket has 128 bits, stands behind the hash sign, and is in no header', async () => {
    const { page } = await atEnrollment(bench)
    const ticket = ticketOn(page)
    assert.equal(Buffer.from(ticket, 'base64url').length, 16)
    assert.ok(page.targets.includes(`${bench.host.issuer}/authenticator#enroll=${ticket}`))
    assert.equal(JSON.stringify([...page.headers]).includes(ticket), false)
    assert.match(page.headers.get('referrer-policy') ?? '', /no-referrer|same-origin/)
    assert.equal(page.headers.get('cache-control'), 'no-store')
  })

  it('AC-24: of many devices that present one ticket at once one gets a code', async () => {
    const { journey, page } = await atEnrollment(bench)
    const several = Array.from({ length: 6 }, () => createPhone(bench.host.issuer))
    const answers = await Promise.all(several.map((phone) => present(phone, ticketOn(page))))
    const winners = answers.filter(({ status }) => status === 200)
    assert.equal(winners.length, 1)
    for (const { body } of answers.filter(({ status }) => status !== 200)) assert.equal(body.error, 'invalid_ticket')
    assert.equal((await present(createPhone(bench.host.issuer), ticketOn(page))).status, 404, 'later')
    const shown = await journey.browser.get(page.url)
    assert.ok(passed(await journey.browser.post(shown, { code: String(winners[0]?.body.code) })))
    const pending = await Promise.all(several.map((phone) => phone.say({ act: 'pending' })))
    assert.equal(pending.filter(({ status }) => status === 200).length, 1)
  })

  it('AC-24: after ten minutes the ticket is nothing, and so is the code', async () => {
    const { page } = await atEnrollment(bench)
    const late = await atEnrollment(bench, 'alice')
    const phone = createPhone(bench.host.issuer)
    const { body } = await present(phone, ticketOn(late.page))
    bench.clock.advance(600)
    assert.equal((await present(createPhone(bench.host.issuer), ticketOn(page))).body.error, 'invalid_ticket')
    const done = await late.journey.browser.post(late.page, { code: String(body.code) })
    assert.equal(passed(done), false)
    assert.equal((await phone.say({ act: 'pending' })).body.error, 'unknown_device')
  })

  it('AC-24: a statement that is not right leaves the ticket for one that is', async () => {
    const { journey, page } = await atEnrollment(bench)
    const phone = createPhone(bench.host.issuer)
    for (const [what, lie] of Object.entries(forged)) {
      const { status, body } = await present(phone, ticketOn(page), lie(phone))
      assert.equal(status, 401, `${what}: ${JSON.stringify(body)}`)
      assert.equal(body.code, undefined)
    }
    const other = createPhone('https://evil.example.com')
    const { statement } = other.device.enrollment(ticketOn(page))
    assert.equal((await phone.post({ ticket: ticketOn(page), statement })).status, 401, 'made for another server')
    assert.ok(passed(await confirm(journey, page, phone)))
  })

  it('AC-24: a ticket that was replaced by another opens nothing', async () => {
    const { journey, page } = await atEnrollment(bench)
    const mine = createPhone(bench.host.issuer)
    const thief = createPhone(bench.host.issuer)
    assert.equal((await present(thief, ticketOn(page))).status, 200)
    // “This device has opened the link”: it was another one.
    const fresh = await journey.browser.post(await journey.browser.get(page.url), { another: 'yes' })
    assert.notEqual(ticketOn(fresh), ticketOn(page))
    assert.equal((await present(createPhone(bench.host.issuer), ticketOn(page))).status, 404)
    assert.ok(passed(await confirm(journey, fresh, mine)))
    assert.equal((await thief.say({ act: 'pending' })).body.error, 'unknown_device')
  })

  it('AC-24, AC-41: codes are guessed five times, in whatever sign-in, and a new ticket begins no new count', async () => {
    const phone = createPhone(bench.host.issuer)
    const first = await atEnrollment(bench)
    const { body } = await present(phone, ticketOn(first.page))
    const wrong = String((Number(body.code) + 1) % 1_000_000).padStart(6, '0')
    const shown = await first.journey.browser.get(first.page.url)
    for (let guess = 0; guess < 5; guess += 1) await postOnly(first.journey.browser, shown, { code: wrong })
    const right = await postOnly(first.journey.browser, shown, { code: String(body.code) })
    assert.equal((right.headers.get('location') ?? '').includes('/auth/'), false)

    const second = await atEnrollment(bench)
    const other = createPhone(bench.host.issuer)
    const again = await present(other, ticketOn(second.page))
    const page = await second.journey.browser.get(second.page.url)
    const throttled = await postOnly(second.journey.browser, page, { code: String(again.body.code) })
    assert.equal(throttled.status, 429)
    assert.ok(Number(throttled.headers.get('retry-after')) > 20)
    bench.clock.advance(31)
    assert.ok(passed(await second.journey.browser.post(page, { code: String(again.body.code) })))
  })

  it('AC-24: a device that is another account’s, or this one’s already, is not taken', async () => {
    const phone = await withPhone(bench)
    const alice = await atEnrollment(bench, 'alice')
    assert.equal(passed(await confirm(alice.journey, alice.page, phone)), false)
    const { record } = await recordsOf(bench.host).load('alice')
    assert.deepEqual(record.authenticators, [])
    assert.ok((await phone.say({ act: 'pending' })).body.challenges)

    const { url } = await bench.host.mfa.accounts.issueTicket('bob', { factors: ['push'] })
    const browser = bench.host.browser()
    const page = await browser.post(await browser.get('/mfa/setup'), { ticket: new URL(url).hash.slice(1) })
    await confirm({ browser } as never, page, phone)
    assert.equal((await bench.host.mfa.accounts.list('bob')).authenticators.length, 1)
  })

  it('AC-24: of two accounts that confirm one device at once one has it', async () => {
    const phone = createPhone(bench.host.issuer)
    const both = await Promise.all(['bob', 'alice'].map((login) => atEnrollment(bench, login)))
    const ready = []
    for (const { journey, page } of both) {
      const { body } = await present(phone, ticketOn(page))
      ready.push({ journey, page: await journey.browser.get(page.url), code: String(body.code) })
    }
    const pages = await Promise.all(ready.map(({ journey, page, code }) => journey.browser.post(page, { code })))
    assert.equal(pages.filter(passed).length, 1)
    const lists = await Promise.all(['bob', 'alice'].map((login) => bench.host.mfa.accounts.list(login)))
    assert.equal(lists.flatMap(({ authenticators }) => authenticators).length, 1)
  })

  it('AC-24: one that removed itself can come back, to any account, and its old statements do nothing', async () => {
    const phone = await withPhone(bench)
    const statement = phone.device.statement({ act: 'remove' })
    assert.equal((await phone.post({ statement })).status, 200)
    const alice = await atEnrollment(bench, 'alice')
    assert.ok(passed(await confirm(alice.journey, alice.page, phone)))
    assert.deepEqual((await bench.host.mfa.accounts.list('bob')).authenticators, [])
    await phone.post({ statement })
    assert.equal((await bench.host.mfa.accounts.list('alice')).authenticators.length, 1, 'removed by a replay')
  })
})
