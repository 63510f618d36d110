import assert from 'node:assert/strict'
import { createPhone, type Phone } from '../support/phone.ts'
import type { Lies } from '../support/soft-device.ts'
import { strangersKey } from '../support/soft-device.ts'
import {
  ASKED,
  CLOSED,
  challenged,
  giveAnother,
  onward,
  otherThan,
  phones,
  type Shown,
  shownTo,
  usePhones,
  withPhone,
} from './push-support.ts'
import { advanced, passed, postOnly } from './support.ts'

type At = Awaited<ReturnType<typeof challenged>>

/** What is wrong with an approval that would be right otherwise: claims, and what else is signed. */
interface Forged {
  readonly status: number
  readonly more?: (shown: Shown, number: string) => Shown
  readonly lies?: Lies
}

const now = () => Math.floor(Date.now() / 1000)

const forged: Readonly<Record<string, Forged>> = {
  'another reference': { status: 404, more: () => ({ reference: 'A'.repeat(22) }) },
  'no reference': { status: 401, more: () => ({ reference: undefined }) },
  'another account': { status: 422, more: () => ({ account: 'alice@example.com' }) },
  'no account': { status: 401, more: () => ({ account: undefined }) },
  'a later end': { status: 422, more: ({ expiresAt }) => ({ expiresAt: Number(expiresAt) + 1 }) },
  'an end as text': { status: 401, more: ({ expiresAt }) => ({ expiresAt: String(expiresAt) }) },
  'no end': { status: 401, more: () => ({ expiresAt: undefined }) },
  'another decision': { status: 401, more: () => ({ decision: 'accept' }) },
  'a decision in capitals': { status: 401, more: () => ({ decision: 'APPROVE' }) },
  'a decision in a list': { status: 401, more: () => ({ decision: ['approve'] }) },
  'no decision': { status: 401, more: () => ({ decision: undefined }) },
  'another number': { status: 422, more: (_shown, number) => ({ number: otherThan(number) }) },
  'no number': { status: 422, more: () => ({ number: undefined }) },
  'an empty number': { status: 422, more: () => ({ number: '' }) },
  'a number that is no text': { status: 401, more: (_shown, number) => ({ number: Number(number) }) },
  'numbers in a list': { status: 401, more: (_shown, number) => ({ number: [number] }) },
  'a number with a space': { status: 422, more: (_shown, number) => ({ number: ` ${number}` }) },
  'a number with more digits': { status: 422, more: (_shown, number) => ({ number: `0${number}` }) },
  'another act': { status: 401, more: () => ({ act: 'approve' }) },
  'the act of an enrolment': { status: 401, more: () => ({ act: 'enroll' }) },
  'another device': { status: 401, more: () => ({ iss: 'A'.repeat(43) }) },
  'another server': { status: 401, more: () => ({ aud: 'https://evil.example.com' }) },
  'a longer life': { status: 401, more: () => ({ exp: now() + 120 }) },
  'a life that is over': { status: 401, more: () => ({ iat: now() - 70, exp: now() - 10 }) },
  'a life that has not begun': { status: 401, more: () => ({ iat: now() + 20, exp: now() + 60 }) },
  'no name of its own': { status: 401, more: () => ({ jti: undefined }) },
  'another key': { status: 401, lies: { key: strangersKey() } },
  'no algorithm': { status: 401, lies: { header: { alg: 'none' }, forge: () => Buffer.alloc(0) } },
  'another algorithm': { status: 401, lies: { header: { alg: 'HS256' }, secret: 'secret' } },
  'another type': { status: 401, lies: { header: { typ: 'JWT' } } },
  'a key of its own along': { status: 401, lies: { header: { jwk: {} } } },
  'a signature of zeros': { status: 401, lies: { forge: ({ length }) => Buffer.alloc(length) } },
  'a signature cut short': { status: 401, lies: { forge: (signature) => signature.subarray(1) } },
  'an extension that must be understood': { status: 401, lies: { header: { crit: ['b64'], b64: true } } },
}

describe('security: answers of devices', () => {
  const bench = usePhones(() => phones({ budgets: [{ per: 'account', messages: 1000, windowSeconds: 60 }] }))
  const approve = (phone: Phone, { shown, number }: Pick<At, 'shown' | 'number'>) =>
    phone.answer(shown, 'approve', { number })
  const isDecided = ({ outcome }: Shown, what: string) => assert.equal(outcome, what)

  it('AC-82: of no statement that was tampered with anything is taken, and the right one still is', async () => {
    const phone = await withPhone(bench)
    let at = await challenged(bench, phone)
    for (const [what, { status, more, lies }] of Object.entries(forged)) {
      const claims = { number: at.number, ...more?.(at.shown, at.number) }
      const answer = await phone.post({ statement: phone.device.answer(at.shown, 'approve', claims, lies) })
      assert.equal(answer.status, status, `${what}: ${JSON.stringify(answer.body)}`)
      assert.equal((await at.browser.get(at.page.url)).heading, ASKED, what)
      if (status !== 422) continue
      await phone.answer(at.shown, 'deny')
      await bench.host.mfa.accounts.unlock('bob')
      bench.clock.advance(3601)
      at = await challenged(bench, phone)
    }
    isDecided((await approve(phone, at)).body, 'approved')
    assert.ok(passed(await onward(at)))
  })

  it('AC-82: nobody else’s device is heard, nor one that belongs to nobody', async () => {
    const phone = await withPhone(bench)
    const alices = await withPhone(bench, 'alice')
    const at = await challenged(bench, phone)
    const nobodys = createPhone(bench.host.issuer)
    for (const decision of ['approve', 'deny', 'report'] as const) {
      const more = { number: at.number }
      assert.equal((await alices.answer(at.shown, decision, more)).body.error, 'no_challenge')
      assert.equal((await nobodys.answer(at.shown, decision, more)).body.error, 'unknown_device')
      const asBobs = { header: { kid: phone.device.deviceId }, claims: { iss: phone.device.deviceId } }
      const statement = alices.device.answer(at.shown, decision, more, asBobs)
      assert.equal((await alices.post({ statement })).body.error, 'invalid_statement')
    }
    assert.equal((await at.browser.get(at.page.url)).heading, ASKED)
    assert.equal(await alices.pending(), undefined)
  })

  it('AC-82: an approval counts once; replayed it opens nothing, and nothing later', async () => {
    const phone = await withPhone(bench)
    const at = await challenged(bench, phone)
    const statement = phone.device.answer(at.shown, 'approve', { number: at.number })
    isDecided((await phone.post({ statement })).body, 'approved')
    // What was lost on the way is told once more, and changes nothing.
    isDecided((await phone.post({ statement })).body, 'approved')
    assert.ok(passed(await onward(at)))
    assert.equal((await phone.post({ statement })).body.error, 'no_challenge')
    bench.clock.advance(31)
    const next = await challenged(bench, phone)
    assert.equal((await phone.post({ statement })).body.error, 'no_challenge')
    assert.equal((await next.browser.get(next.page.url)).heading, ASKED)
  })

  it('AC-82: whoever replays an approval does not make it any younger', async () => {
    const phone = await withPhone(bench)
    const at = await challenged(bench, phone)
    const answeredAt = bench.clock.now()
    const statement = phone.device.answer(at.shown, 'approve', { number: at.number })
    isDecided((await phone.post({ statement })).body, 'approved')
    bench.clock.advance(50)
    await phone.post({ statement })
    const { authTime = 0 } = await at.redeem((await onward(at)).url)
    assert.ok(authTime <= answeredAt + 2, `${authTime - answeredAt} s later`)
  })

  for (const [first, second] of [
    ['approve', 'deny'],
    ['deny', 'approve'],
    ['approve', 'report'],
    ['report', 'approve'],
  ] as const)
    it(`AC-82: of two devices, ${first} then ${second}: the one that says no is believed`, async () => {
      const phone = await withPhone(bench)
      const another = await giveAnother(bench.host)
      const at = await challenged(bench, phone)
      await shownTo(another)
      const number = { number: at.number }
      await phone.answer(at.shown, first, number)
      await another.answer(at.shown, second, number)
      assert.equal((await at.browser.get(at.page.url)).heading, CLOSED)
      assert.equal(advanced(await postOnly(at.browser, at.page, {})), false)
      assert.equal((await phone.answer(at.shown, 'approve', number)).body.error, 'no_challenge')
    })

  it('AC-82: of two devices that differ at the same time, the one that says no is believed', async () => {
    const phone = await withPhone(bench)
    const another = await giveAnother(bench.host)
    for (let round = 0; round < 4; round += 1) {
      const at = await challenged(bench, phone)
      const number = { number: at.number }
      const answers = [
        approve(phone, at),
        another.answer(at.shown, 'deny'),
        another.answer(at.shown, 'approve', number),
      ]
      const bodies = (await Promise.all(round % 2 === 0 ? answers : answers.reverse())).map(({ body }) => body)
      const isDenied = bodies.some(({ outcome }) => outcome === 'denied')
      assert.ok(isDenied || bodies.some(({ error }) => error === 'too_many_requests'), JSON.stringify(bodies))
      if (isDenied) assert.equal((await at.browser.get(at.page.url)).heading, CLOSED)
      await bench.host.mfa.accounts.unlock('bob')
      bench.clock.advance(3601)
    }
  })

  it('AC-82: a denial at the moment when the browser goes on either stops it or says that it came too late', async () => {
    const phone = await withPhone(bench)
    const another = await giveAnother(bench.host)
    for (let round = 0; round < 6; round += 1) {
      const at = await challenged(bench, phone)
      await approve(phone, at)
      const [page, { body }] = await Promise.all([postOnly(at.browser, at.page, {}), another.answer(at.shown, 'deny')])
      const isTaken = advanced(page)
      assert.equal(
        body.outcome === 'denied',
        !isTaken,
        JSON.stringify([page.status, page.headers.get('location'), body]),
      )
      if (!isTaken) assert.equal(advanced(await postOnly(at.browser, at.page, {})), false)
      await bench.host.mfa.accounts.unlock('bob')
      bench.clock.advance(3601)
    }
  })

  it('AC-82: of many tabs that take one approval, one goes on', async () => {
    const phone = await withPhone(bench)
    const at = await challenged(bench, phone)
    await approve(phone, at)
    const tabs = await Promise.all(Array.from({ length: 5 }, () => postOnly(at.browser.clone(), at.page, {})))
    assert.ok(tabs.filter(advanced).length >= 1)
    assert.equal((await bench.host.mfa.accounts.list('bob')).authenticators.length, 1)
  })
})
