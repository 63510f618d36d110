import assert from 'node:assert/strict'
import type { Page } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { createJourney, secretOn } from '../support/relying-party.ts'
import {
  atEntry,
  CHALLENGE,
  codesOn,
  ENROLL,
  inventory,
  leave,
  listening,
  recover,
  recoverable,
  SAVE,
  UNTOUCHED,
  withCodes,
} from './recovered.ts'
import {
  advanced,
  challenged,
  elsewhere,
  type Journey,
  passed,
  postOnly,
  TWO_KINDS,
  uidOf,
  useBench,
} from './support.ts'

/** What an account has that came back by a recovery code and set up one new app. */
const RECOVERED = ['recovery-codes:9', 'totp', 'totp']

const addsNothing = async (journey: Journey, page: Page, form: Readonly<Record<string, string>>, action?: string) => {
  const answer = await postOnly(journey.browser, page, form, {}, action)
  assert.equal(advanced(answer), false, `${action ?? page.action} ${JSON.stringify(form)}`)
  return answer.status
}

describe('security: one answer is no other', () => {
  const bench = useBench(() => withCodes())

  it('AC-15: codes, tokens and fields of an enrolment at a challenge and the reverse', async () => {
    const { journey: bob, codes } = await recoverable(bench)
    const { page: offer } = await recover(bob, codes[0] ?? '')
    const other = await elsewhere(bench, bob)
    const { page: challenge } = await challenged(other)
    const { page: entry } = await atEntry(await elsewhere(bench, bob))
    const fresh = secretOn(offer)
    const crossings: readonly [string, Journey, Page, Readonly<Record<string, string>>, number][] = [
      ['the code of the new secret at the challenge', other, challenge, { code: codeAt(fresh) }, 422],
      ['the code of the old secret at the enrolment', bob, offer, { code: codeAt(bob.secret) }, 422],
      ['a recovery code at the challenge by app', other, challenge, { code: codes[1] ?? '' }, 422],
      ['a recovery code at the enrolment', bob, offer, { code: codes[1] ?? '' }, 422],
      ['the word of an enrolment at the challenge', other, challenge, { kept: 'yes', code: codeAt(bob.secret) }, 400],
      ['a ticket at the challenge', other, challenge, { ticket: 'x', code: codeAt(bob.secret) }, 400],
      [
        'a token of the enrolment at the challenge',
        other,
        { ...challenge, csrf: offer.csrf },
        { code: codeAt(bob.secret) },
        403,
      ],
      [
        'a token of the challenge at the enrolment',
        bob,
        { ...offer, csrf: challenge.csrf },
        { code: codeAt(fresh) },
        403,
      ],
      [
        'a token of another browser at the challenge',
        other,
        { ...challenge, csrf: entry.csrf },
        { code: codeAt(bob.secret) },
        403,
      ],
    ]
    for (const [name, journey, page, form, status] of crossings) {
      const answer = await postOnly(journey.browser, page, form)
      assert.deepEqual([answer.status, advanced(answer)], [status, false], name)
    }
    assert.ok(passed(await other.answer(challenge)), 'and the right ones still work')
    assert.ok(passed(await bob.enroll(offer)))
    assert.deepEqual(await inventory(bench.host), RECOVERED)
  })

  it('AC-15: pages of the account cannot be reached with the cookies of its other interaction', async () => {
    const { journey: bob, code } = await recoverable(bench)
    const { page: offer } = await recover(bob, code)
    const { page: challenge } = await challenged(await elsewhere(bench, bob))
    for (const rest of ['', '/totp', '/recovery-codes', '/choose']) {
      const shown = await bob.browser.get(`/mfa/${uidOf(challenge)}${rest}`)
      assert.deepEqual([shown.status, /secret=/.test(shown.text)], [400, false], rest)
      const path = `/mfa/${uidOf(challenge)}${rest || '/totp'}`
      const form = { code: codeAt(bob.secret) }
      for (const page of [offer, challenge])
        assert.equal(advanced(await postOnly(bob.browser, page, form, {}, path)), false)
    }
  })
})

describe('security: no set-up by the password alone', () => {
  const bench = useBench(() => withCodes())

  it('AC-30, AC-32: no address, field or method of a challenge shows or adds anything', async () => {
    const { journey: bob } = await recoverable(bench)
    const { page } = await challenged(bob)
    const base = page.url.pathname
    for (const rest of [
      '',
      '/totp',
      '/recovery-codes',
      '/choose',
      '/totp?purpose=enroll',
      '/enroll',
      '/totp/enroll',
      '/offer',
    ])
      for (const method of ['GET', 'HEAD', 'PUT', 'OPTIONS']) {
        const shown = await bob.browser.send(`${base}${rest}`, { method })
        assert.deepEqual([/secret=|otpauth/.test(shown.text), codesOn(shown)], [false, []], `${method} ${rest}`)
      }
    const right = codeAt(bob.secret)
    for (const [path, form, status] of [
      ['/recovery-codes', { kept: 'yes' }, 400],
      ['/recovery-codes', { kept: 'yes', code: 'x' }, 400],
      ['/totp', { kept: 'yes' }, 400],
      ['/totp', { code: right, outcome: 'enroll' }, 400],
      ['/totp', { code: right, factor: 'recovery-codes' }, 400],
      ['/totp', { code: right, permit: '1' }, 400],
      ['/decline', {}, 400],
      ['/choose', { factor: 'totp' }, 405],
    ] as const)
      assert.equal(await addsNothing(bob, page, form, `${base}${path}`), status, path)
    assert.deepEqual(await inventory(bench.host), UNTOUCHED)
  })

  it('AC-30, AC-32: nor do the pages that tickets open, for a session that owes the challenge', async () => {
    const { journey: bob } = await recoverable(bench)
    const { page } = await challenged(bob)
    for (const path of ['/mfa/setup', '/mfa/setup/totp', '/mfa/setup/recovery-codes', '/mfa/setup/choose']) {
      const shown = await bob.browser.get(path)
      assert.deepEqual([/secret=/.test(shown.text), codesOn(shown)], [false, []], path)
      assert.match(shown.text, /name="ticket"/)
    }
    for (const [path, form] of [
      ['/mfa/setup', { ticket: uidOf(page) }],
      ['/mfa/setup/totp', { code: codeAt(bob.secret) }],
      ['/mfa/setup/recovery-codes', { kept: 'yes' }],
      ['/mfa/setup/decline', {}],
    ] as const)
      await addsNothing(bob, page, form, path)
    assert.deepEqual(await inventory(bench.host), UNTOUCHED)
  })

  it('AC-30: after a wrong recovery code, or in another interaction than that of the right one, nothing is open', async () => {
    const { journey: bob, code } = await recoverable(bench)
    const { page } = await atEntry(bob)
    const wrong = await bob.browser.post(page, { code: '0'.repeat(16) })
    assert.equal(wrong.status, 422)
    const other = await elsewhere(bench, bob)
    const { page: second } = await challenged(other)
    await recover(bob, code)
    for (const target of [second.url, second.action, `/auth/${uidOf(second)}`]) {
      const shown = await other.browser.get(target)
      assert.deepEqual([shown.heading, /secret=/.test(shown.text)], [CHALLENGE, false])
    }
    assert.equal(await addsNothing(other, second, { kept: 'yes' }, `/mfa/${uidOf(second)}/recovery-codes`), 400)
    assert.deepEqual(await inventory(bench.host), ['recovery-codes:9', 'totp'])
  })

  it('AC-30: nor in a second request of the session that a recovery code opened', async () => {
    const { journey: bob, code } = await recoverable(bench)
    assert.ok(passed(await leave(bob, (await recover(bob, code)).page, 'decline')))
    assert.ok(passed((await bob.go(TWO_KINDS)).page), 'nothing is owed and nothing offered')
    const { page } = await challenged(bob, { ...TWO_KINDS, prompt: 'login' })
    assert.doesNotMatch((await bob.browser.get(page.action)).text, /secret=/)
    assert.ok(passed(await bob.answer(page)))
  })
})

describe('security: a recovery code lets in one new set-up', () => {
  const bench = useBench(() => withCodes())

  it('AC-40: one, of an app, never of codes; it is told by what it came in', async () => {
    const { named } = listening(bench.host.mfa)
    const { journey: bob, code } = await recoverable(bench)
    const { page } = await recover(bob, code)
    const base = page.url.pathname
    assert.doesNotMatch(page.text, /\/choose|\/cancel/)
    assert.equal(await addsNothing(bob, page, { kept: 'yes' }, `${base}/recovery-codes`), 404)
    assert.equal((await bob.browser.get(`${base}/recovery-codes`)).heading, ENROLL)
    assert.ok(passed(await bob.enroll(page)))
    const told = named('authenticator.enrolled').map(({ factor, by, accountId }) => [factor, by, accountId])
    assert.deepEqual(told, [['totp', 'recovery-code', 'bob']])
    assert.equal(named('authenticator.removed').length, 0)
    assert.deepEqual(await inventory(bench.host), RECOVERED)
  })

  it('AC-40: never of new codes, however few are left', async () => {
    const { journey: bob, codes } = await recoverable(bench)
    for (const code of codes.slice(0, 8)) {
      assert.ok(advanced(await postOnly(bob.browser, (await atEntry(bob)).page, { code })))
      bob.browser.clear()
    }
    const { page } = await recover(bob, codes[8] ?? '')
    assert.equal(await addsNothing(bob, page, { kept: 'yes' }, `${page.url.pathname}/recovery-codes`), 404)
    const landed = await bob.enroll(page)
    assert.deepEqual([landed.heading === SAVE, passed(landed)], [false, true])
    assert.deepEqual(await inventory(bench.host), ['recovery-codes:1', 'totp', 'totp'])
  })

  it('AC-30: used, it is used, whatever is posted or opened again, before the resume and after it', async () => {
    const { journey: bob, code } = await recoverable(bench)
    const { page } = await recover(bob, code)
    const fresh = secretOn(page)
    const before = bob.browser.clone()
    const taken = await postOnly(bob.browser, page, { code: codeAt(fresh) })
    assert.ok(advanced(taken))
    const again = async () => {
      bench.clock.advance(60)
      for (const browser of [bob.browser, before]) {
        for (const target of [page.url, page.action])
          assert.doesNotMatch((await browser.clone().send(target, { follow: false })).text, /secret=/)
        await browser.clone().send(page.action, { form: { csrf: page.csrf, code: codeAt(fresh) }, follow: false })
      }
      assert.deepEqual(await inventory(bench.host), RECOVERED)
    }
    await again()
    assert.ok(passed(await bob.browser.get(taken.headers.get('location') ?? '')))
    await again()
  })

  it('AC-93: of ten confirmations of it at once one is taken', async () => {
    const { journey: bob, code } = await recoverable(bench)
    const { page } = await recover(bob, code)
    const confirmation = codeAt(secretOn(page))
    const tabs = Array.from({ length: 10 }, () => bob.browser.clone())
    const answers = await Promise.all(tabs.map((tab) => postOnly(tab, page, { code: confirmation })))
    assert.equal(answers.filter(({ status }) => status < 400).length, 10, 'the others are led on')
    assert.deepEqual(await inventory(bench.host), RECOVERED)
  })

  it('AC-93: of two recovery codes in two browsers each lets in one, and none a third', async () => {
    const { journey: bob, codes } = await recoverable(bench)
    const other = await elsewhere(bench, bob)
    const [one, two] = [await recover(bob, codes[0] ?? ''), await recover(other, codes[1] ?? '')]
    assert.notEqual(secretOn(one.page), secretOn(two.page))
    const landed = await Promise.all([bob.enroll(one.page), other.enroll(two.page)])
    assert.deepEqual(landed.map(passed), [true, true])
    assert.deepEqual(await inventory(bench.host), ['recovery-codes:8', 'totp', 'totp', 'totp'])
  })

  it('AC-93: of ten first set-ups at once, in one interaction or many, one is taken', async () => {
    const alice = await createJourney(bench.host, 'alice')
    const { page } = await alice.go(TWO_KINDS)
    const others = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const other = await createJourney(bench.host, 'alice')
        return { browser: other.browser, page: (await other.go(TWO_KINDS)).page }
      }),
    )
    const tabs = [...others, ...Array.from({ length: 5 }, () => ({ browser: alice.browser.clone(), page }))]
    await Promise.all(tabs.map((tab) => postOnly(tab.browser, tab.page, { code: codeAt(secretOn(tab.page)) })))
    assert.deepEqual(await inventory(bench.host, 'alice'), ['totp'])
  })
})
