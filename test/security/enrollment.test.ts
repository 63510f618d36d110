import assert from 'node:assert/strict'
import { codeAt } from '../support/host.ts'
import { createJourney, secretOn } from '../support/relying-party.ts'
import {
  advanced,
  challenged,
  elsewhere,
  enrolled,
  passed,
  postOnly,
  TWO_KINDS,
  uidOf,
  useBench,
  wrongCodes,
} from './support.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

const bytesOf = (secret: string) => {
  const bits = [...secret].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('')
  return (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2))
}

const SET_UP = 'Set up your authenticator app'

describe('security: enrolment', () => {
  const bench = useBench()

  it('AC-16: every secret is twenty random bytes, and no two are alike', async () => {
    const secrets = []
    for (let count = 0; count < 20; count += 1) {
      const carol = await createJourney(bench.host, 'carol')
      secrets.push(secretOn((await carol.go(TWO_KINDS)).page))
    }
    const all = secrets.flatMap(bytesOf)
    assert.deepEqual(new Set(secrets.map((secret) => bytesOf(secret).length)), new Set([20]))
    assert.equal(new Set(secrets).size, secrets.length)
    assert.ok(new Set(all).size > 150, `${new Set(all).size} different bytes of ${all.length}`)
  })

  it('AC-35: an enrolment that was not confirmed is none', async () => {
    const carol = await createJourney(bench.host, 'carol')
    const first = await carol.go(TWO_KINDS)
    const secret = secretOn(first.page)
    carol.browser.clear()
    const { page } = await carol.go(TWO_KINDS)
    assert.equal(page.heading, SET_UP)
    assert.notEqual(secretOn(page), secret)
    const foreign = await postOnly(carol.browser, page, { code: codeAt(secret) })
    assert.deepEqual([foreign.status, advanced(foreign)], [422, false])
    const voluntary = await carol.go({ acr_values: 'urn:okta:loa:2fa:any' })
    assert.equal(voluntary.page.heading, SET_UP)
  })

  it('AC-35: a secret stays the same while it is shown again, and after wrong confirmations', async () => {
    const carol = await createJourney(bench.host, 'carol')
    const { page } = await carol.go(TWO_KINDS)
    const secret = secretOn(page)
    const wrong = await carol.browser.post(page, { code: wrongCodes(secret, 1)[0] ?? '' })
    assert.equal(secretOn(wrong), secret)
    assert.equal(secretOn(await carol.browser.get(page.url)), secret)
    assert.ok(passed(await carol.enroll(page)))
  })

  it("AC-35: neither another account's confirmation nor another interaction's is taken", async () => {
    const carol = await createJourney(bench.host, 'carol')
    const alice = await createJourney(bench.host, 'alice')
    const { page: hers } = await carol.go(TWO_KINDS)
    const { page: other } = await alice.go(TWO_KINDS)
    assert.equal((await postOnly(alice.browser, other, { code: codeAt(secretOn(hers)) })).status, 422)
    const { page: second } = await carol.go(TWO_KINDS)
    const crossed = await postOnly(carol.browser, second, { code: codeAt(secretOn(hers)) })
    assert.deepEqual([crossed.status, advanced(crossed)], [422, false])
    assert.equal(
      (await carol.browser.post({ ...hers, csrf: second.csrf }, { code: codeAt(secretOn(hers)) })).status,
      403,
    )
  })

  it('AC-30: of two enrolments open on the password the second adds nothing once the first is done', async () => {
    const carol = await createJourney(bench.host, 'carol')
    const thief = await createJourney(bench.host, 'carol')
    const { page: stolen } = await thief.go(TWO_KINDS)
    const secret = secretOn(stolen)
    const { page } = await carol.go(TWO_KINDS)
    assert.ok(passed(await carol.enroll(page)))
    bench.clock.advance(60)
    assert.equal(advanced(await postOnly(thief.browser, stolen, { code: codeAt(secret) })), false)
    const led = await thief.browser.post(stolen, { code: codeAt(secret) })
    assert.deepEqual([led.heading, passed(led)], ['Enter the code from your authenticator app', false])
    assert.equal((await thief.answer(led, codeAt(secret))).status, 422)
    const { page: asked } = await challenged(carol, { ...TWO_KINDS, prompt: 'login' })
    assert.ok(passed(await carol.answer(asked)))
  })

  it('AC-30: of two enrolments confirmed at the same moment one is taken', async () => {
    const tabs = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const journey = await createJourney(bench.host, 'carol')
        const { page } = await journey.go(TWO_KINDS)
        return { journey, page, secret: secretOn(page) }
      }),
    )
    const landed = await Promise.all(
      tabs.map(({ journey, page, secret }) => journey.browser.post(page, { code: codeAt(secret) })),
    )
    assert.equal(landed.filter(passed).length, 1)
    bench.clock.advance(60)
    const good = []
    for (const { secret } of tabs) {
      const visitor = await createJourney(bench.host, 'carol')
      visitor.secret = secret
      const { page } = await challenged(visitor)
      if (passed(await visitor.answer(page))) good.push(secret)
      bench.clock.advance(3600)
    }
    assert.equal(good.length, 1)
  })

  it('AC-32: a challenge cannot be turned into an enrolment', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const base = page.url.pathname
    for (const path of [`${base}?purpose=enroll`, `${base}/totp?outcome=enroll`, `${base}/choose`, `${base}/enroll`]) {
      const shown = await bob.browser.get(path)
      assert.doesNotMatch(shown.text, /secret=/, path)
    }
    const forms = [{ purpose: 'enroll' }, { outcome: 'enroll' }, { secret: 'A'.repeat(32) }, { add: '{}' }]
    for (const form of forms)
      assert.equal((await postOnly(bob.browser, page, { ...form, code: codeAt('A'.repeat(32)) })).status, 400)
    const old = await elsewhere(bench, bob)
    assert.ok(passed(await old.answer((await challenged(old)).page)))
  })

  it('AC-32: an enrolment page that is open when the app is enrolled elsewhere shows its secret no more', async () => {
    const carol = await createJourney(bench.host, 'carol')
    const other = await createJourney(bench.host, 'carol')
    const { page } = await carol.go(TWO_KINDS)
    await other.enroll((await other.go(TWO_KINDS)).page)
    const again = await carol.browser.get(page.url)
    assert.doesNotMatch(again.text, /secret=/)
    assert.notEqual(uidOf(again), uidOf(page))
    assert.equal(passed(again), false)
  })
})
