import assert from 'node:assert/strict'
import type { Account } from '../../src/index.ts'
import { codeAt } from '../support/host.ts'
import { createJourney, errorOf } from '../support/relying-party.ts'
import {
  advanced,
  challenged,
  countingTotp,
  elsewhere,
  enrolled,
  type Journey,
  ownLoginPage,
  passed,
  postOnly,
  TWO_KINDS,
  useBench,
  wrongCode,
  wrongCodes,
} from './support.ts'

const retryAfter = ({ headers }: { headers: Headers }) => Number(headers.get('retry-after'))

/** Time goes on while a test runs: what is left of a pause may be a little less. */
const assertNear = (left: number | undefined, seconds: number) =>
  assert.ok(left !== undefined && left <= seconds && left > seconds - 8, `${left} s, not ${seconds} s`)

const guess = async (journey: Journey, times: number) => {
  let { page } = await challenged(journey)
  for (const code of wrongCodes(journey.secret, times)) page = await journey.answer(page, code)
  return page
}

describe('security: guessing codes', () => {
  const bench = useBench()

  it('AC-01: five wrong codes end the challenge, and the right code no longer opens it', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    for (const code of wrongCodes(bob.secret, 4)) assert.equal((await bob.answer(page, code)).status, 422)
    const fifth = await bob.answer(page, wrongCode(bob.secret))
    assert.equal(fifth.status, 429)
    assertNear(retryAfter(fifth), 30)
    assert.equal(fifth.heading, 'This page takes no more codes')
    const sixth = await bob.answer(page)
    assert.equal(sixth.status, 429)
    bench.clock.advance(20)
    assert.equal((await bob.answer(page)).status, 429)
  })

  it('AC-01: pauses double from half a minute to an hour', async () => {
    const bob = await enrolled(bench)
    let pause = retryAfter(await guess(bob, 5))
    const pauses = [pause]
    for (let round = 0; round < 9; round += 1) {
      bench.clock.advance(pause + 1)
      bob.browser.clear()
      const { page } = await challenged(bob)
      assert.equal((await bob.answer(page, wrongCode(bob.secret))).status, 422)
      const early = await bob.answer(page)
      assert.equal(early.status, 429, 'the right code during a pause')
      pause = retryAfter(early)
      pauses.push(pause)
    }
    const expected = [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    for (const [index, seconds] of expected.entries()) assertNear(pauses[index], seconds)
  })

  it('AC-01: after a pause the right code opens, and the slate is clean', async () => {
    const bob = await enrolled(bench)
    const page = await guess(bob, 5)
    bench.clock.advance(31)
    const again = await bob.browser.get(page.url)
    assert.equal(again.status, 200)
    assert.ok(passed(await bob.answer(again)))
    bench.clock.advance(60)
    bob.browser.clear()
    assert.equal((await guess(bob, 4)).status, 422)
  })

  it('AC-01: a hundred wrong codes in a row switch the app off, and nothing opens enrolment by password', async function () {
    this.timeout('60s')
    const bob = await enrolled(bench)
    const refusedOnce = async () => {
      bob.browser.clear()
      const { page } = await challenged(bob)
      assert.equal((await bob.answer(page, wrongCode(bob.secret))).status, 422)
    }
    for (let count = 0; count < 99; count += 1) {
      await refusedOnce()
      bench.clock.advance(3601)
    }
    const open = await elsewhere(bench, bob)
    const { page: waiting } = await challenged(open)
    await refusedOnce()
    const late = await open.answer(waiting)
    assert.equal(passed(late), false)
    assert.match(late.text, /codes from here no longer open this account/)
    bob.browser.clear()
    bench.clock.advance(86_400)
    for (const parameters of [TWO_KINDS, { acr_values: 'urn:okta:loa:2fa:any' }, { ...TWO_KINDS, prompt: 'login' }]) {
      const { page } = await bob.go(parameters)
      assert.equal(page.heading, 'This app asks for more proof')
      assert.doesNotMatch(page.text, /secret=|name="code"/)
      const forced = await bob.browser.send(`${page.url.pathname}/totp`, {
        form: { csrf: page.csrf, code: codeAt(bob.secret) },
        follow: false,
      })
      assert.equal(advanced(forced), false)
      const shown = await bob.browser.get(`${page.url.pathname}/totp`)
      assert.doesNotMatch(shown.text, /secret=/)
    }
    const { page } = await bob.go(TWO_KINDS)
    assert.equal(errorOf(await bob.browser.post(page)), 'unmet_authentication_requirements')
  })

  it('AC-02: guesses spread over browsers and interactions share one count', async () => {
    const bob = await enrolled(bench)
    const browsers = await Promise.all(Array.from({ length: 10 }, () => elsewhere(bench, bob)))
    const pages = []
    for (const other of browsers)
      for (let tab = 0; tab < 4; tab += 1) pages.push({ other, ...(await challenged(other)) })
    const statuses = []
    for (const { other, page } of pages) statuses.push((await other.answer(page, wrongCode(bob.secret))).status)
    assert.deepEqual(
      statuses,
      pages.map((_page, index) => (index < 5 ? 422 : 429)),
    )
    const right = await Promise.all(pages.slice(0, 10).map(({ other, page }) => other.answer(page)))
    assert.deepEqual(right.filter(passed), [])
  })

  it('AC-03: starting anew resets no count', async () => {
    const bob = await enrolled(bench)
    for (const code of wrongCodes(bob.secret, 5)) {
      bob.browser.clear()
      const { page } = await challenged(bob)
      await bob.browser.get(page.url)
      await bob.answer(page, code)
    }
    for (const parameters of [TWO_KINDS, { ...TWO_KINDS, prompt: 'login' }, { acr_values: 'urn:okta:loa:2fa:any' }]) {
      const { page } = await challenged(bob, parameters)
      const answer = await bob.answer(page)
      assert.deepEqual([answer.status, passed(answer)], [429, false])
    }
  })

  it('AC-08: guesses need the password first, and hurt no other account', async () => {
    const bob = await enrolled(bench)
    const carol = await enrolled(bench, 'carol')
    await guess(bob, 5)
    const { page } = await challenged(carol)
    assert.ok(passed(await carol.answer(page)))
  })
})

describe('security: parallel guesses', () => {
  let counter: ReturnType<typeof countingTotp>
  const bench = useBench(() => {
    counter = countingTotp()
    return { stepUp: { factors: [counter.factor] } }
  })

  it('AC-04: of two hundred at once no more than five are looked at', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const answers = await Promise.all(
      wrongCodes(bob.secret, 200).map((code) => postOnly(bob.browser.clone(), page, { code })),
    )
    assert.ok(counter.looks() >= 1 && counter.looks() <= 5, `${counter.looks()} looks`)
    assert.deepEqual(answers.filter(advanced), [])
    assert.deepEqual(
      answers.filter(({ status }) => status !== 422 && status !== 429),
      [],
    )
  })

  it('AC-04: nor over many interactions and browsers, with the right code among them', async () => {
    const bob = await enrolled(bench)
    const others = await Promise.all(Array.from({ length: 20 }, () => elsewhere(bench, bob)))
    const open = await Promise.all(others.map(async (other) => ({ other, ...(await challenged(other)) })))
    for (const code of wrongCodes(bob.secret, 4)) await others[0]?.answer(open[0]?.page as never, code)
    const before = counter.looks()
    const codes = wrongCodes(bob.secret, 10)
    await Promise.all(
      open.flatMap(({ other, page }) => codes.map((code) => postOnly(other.browser.clone(), page, { code }))),
    )
    assert.equal(counter.looks() - before, 1)
    const right = await Promise.all(open.map(({ other, page }) => other.answer(page)))
    assert.deepEqual(right.filter(passed), [])
  })
})

describe('security: one count for one account, however it is spelled', () => {
  const spelled = (typed: string) => typed.normalize('NFKC').trim().toLowerCase().split('@')[0] ?? ''
  const bench = useBench(() => ownLoginPage((typed) => ({ accountId: spelled(typed) })))

  it('AC-05: upper case, alias and full-width letters share the count', async () => {
    const bob = await enrolled(bench)
    const names = ['bob', 'BOB', 'bob@example.com', ' Bob ', '\uff42\uff4f\uff42']
    for (const name of names) {
      const other = await createJourney(bench.host, name)
      other.secret = bob.secret
      await guess(other, 1)
    }
    for (const name of names) {
      const other = await createJourney(bench.host, name)
      other.secret = bob.secret
      const { page } = await challenged(other)
      assert.equal((await other.answer(page)).status, 429)
    }
  })
})

describe('security: account ids that look alike', () => {
  const ids = [
    'x'.repeat(200),
    `${'x'.repeat(200)}y`,
    'a.b',
    'a',
    'a"',
    'a","throttle',
    'a\u0000',
    'a:totp',
    '__proto__',
  ]
  const bench = useBench(() => ({
    accounts: new Map<string, Account>(ids.map((id) => [id, { id, label: 'somebody' }])),
  }))

  it('AC-97: share neither counts nor secrets nor enrolments', async () => {
    const journeys: Journey[] = []
    for (const id of ids) journeys.push(await enrolled(bench, id))
    assert.equal(new Set(journeys.map(({ secret }) => secret)).size, ids.length)
    await guess(journeys[0] as Journey, 5)
    for (const journey of journeys.slice(1)) {
      const { page } = await challenged(journey)
      assert.equal((await journey.answer(page, codeAt((journeys[0] as Journey).secret))).status, 422)
      assert.ok(passed(await journey.answer(page)))
    }
  })
})
