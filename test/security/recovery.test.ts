import assert from 'node:assert/strict'
import { MULTI_FACTOR, SINGLE_FACTOR, standard } from '../../src/index.ts'
import { codeAt } from '../support/host.ts'
import { createJourney, errorOf, secretOn } from '../support/relying-party.ts'
import {
  atEntry,
  CHALLENGE,
  codesOn,
  ENROLL,
  entryFrom,
  inventory,
  leave,
  listening,
  RECOVER,
  recover,
  recoverable,
  UNTOUCHED,
  withCodes,
} from './recovered.ts'
import { advanced, challenged, elsewhere, essential, passed, postOnly, TWO_KINDS, uidOf, useBench } from './support.ts'

const STRICT = 'urn:x:no-recovery'
const levels = [...standard, { acr: STRICT, needs: { kinds: 2, without: ['recovery'] } }] as const

const WAYS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'an essential level': TWO_KINDS,
  'a voluntary level': { acr_values: MULTI_FACTOR },
  'a floor': {},
  'a login anew': { prompt: 'login' },
}

describe('security: a recovery code opens once', () => {
  const bench = useBench(() => withCodes({ levels, policy: { default: 'always' } }))

  it('AC-12: used on one way, it is refused on the next, in whatever letters', async () => {
    const { journey: bob, codes } = await recoverable(bench)
    const ways = Object.entries(WAYS)
    for (const [index, [way, parameters]] of ways.entries()) {
      const code = codes[index] ?? ''
      const { page, redeem } = await recover(bob, code, parameters)
      const { acr, amr } = await redeem((await leave(bob, page, 'decline')).url)
      assert.deepEqual([acr, amr], [MULTI_FACTOR, ['pwd', 'recovery-code', 'mfa']], way)
      bob.browser.clear()
      const { page: entry } = await atEntry(bob, ways[(index + 1) % ways.length]?.[1])
      const spellings = [code, code.toLowerCase(), code.replaceAll('-', ''), ` ${code.replaceAll('-', ' ')} `]
      const refused = await postOnly(bob.browser, entry, { code: spellings[index] ?? '' })
      assert.deepEqual([refused.status, advanced(refused)], [422, false], way)
      bob.browser.clear()
    }
    assert.deepEqual(await inventory(bench.host), ['recovery-codes:6', 'totp'])
  })

  it('AC-12: it is spent by its post, where the browser never comes back and where the set-up is confirmed', async () => {
    const { journey: bob, codes } = await recoverable(bench)
    const [held = '', used = ''] = codes
    const { page } = await atEntry(bob)
    assert.ok(advanced(await postOnly(bob.browser, page, { code: held })))
    const other = await elsewhere(bench, bob)
    const { page: offer } = await recover(other, used)
    assert.ok(passed(await other.enroll(offer)))
    for (const code of [held, used]) {
      const third = await elsewhere(bench, bob)
      const { page: entry } = await atEntry(third)
      assert.equal((await third.browser.post(entry, { code })).status, 422)
      assert.equal(passed(await third.browser.get(`/auth/${uidOf(entry)}`)), false)
    }
  })

  it('AC-11, AC-12: of four interactions that post one code at once one goes on', async () => {
    const { journey: bob, code } = await recoverable(bench)
    const tabs = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const other = await elsewhere(bench, bob)
        return { other, page: (await atEntry(other)).page }
      }),
    )
    const answers = await Promise.all(tabs.map(({ other, page }) => postOnly(other.browser, page, { code })))
    assert.equal(answers.filter(advanced).length, 1)
    assert.deepEqual(await inventory(bench.host), ['recovery-codes:9', 'totp'])
  })

  it('AC-12: used up, the set opens nothing, is offered no more, and each use was told', async () => {
    const { told, named } = listening(bench.host.mfa)
    const { journey: bob, codes } = await recoverable(bench)
    for (const code of codes) {
      assert.ok(advanced(await postOnly(bob.browser, (await atEntry(bob)).page, { code })))
      bob.browser.clear()
    }
    const uses = named('challenge.accepted').map(({ factor, usesLeft, accountId }) => [factor, usesLeft, accountId])
    assert.deepEqual(
      uses,
      codes.map((_code, index) => ['recovery-codes', 9 - index, 'bob']),
    )
    const { page } = await challenged(bob)
    assert.doesNotMatch(page.text, /choose|recovery/)
    assert.equal((await bob.browser.get(`${page.url.pathname}/recovery-codes`)).heading, CHALLENGE)
    const forced = await postOnly(
      bob.browser,
      page,
      { code: codes[0] ?? '' },
      {},
      `${page.url.pathname}/recovery-codes`,
    )
    assert.equal(forced.status, 404)
    assert.equal(told.filter(({ name }) => name === 'authenticator.enrolled').length, 0)
  })

  it('AC-30: the app that it let in proves nothing in the same authorization', async () => {
    const { journey: bob, code } = await recoverable(bench)
    const { page, redeem } = await recover(bob, code, {})
    const { acr, amr } = await redeem((await bob.enroll(page)).url)
    assert.deepEqual([acr, amr], [MULTI_FACTOR, ['pwd', 'recovery-code', 'mfa']])
  })
})

describe('security: a recovery code is one of its own account', () => {
  const bench = useBench(() => withCodes())

  it("AC-13: neither another account's code nor what nobody was given is taken, and the right one still is", async () => {
    const { journey: bob, codes } = await recoverable(bench)
    const { codes: hers } = await recoverable(bench, 'carol')
    const [own = ''] = codes
    const { page } = await atEntry(bob)
    const near = `${own.slice(0, -1)}${own.endsWith('0') ? '1' : '0'}`
    for (const code of [hers[0] ?? '', near, '0'.repeat(16), codeAt(bob.secret)]) {
      const answer = await postOnly(bob.browser, page, { code })
      assert.deepEqual([answer.status, advanced(answer)], [422, false], code)
    }
    assert.ok(advanced(await postOnly(bob.browser, page, { code: own })))
    assert.deepEqual(await inventory(bench.host, 'carol'), UNTOUCHED)
  })

  it('AC-13: an account without codes is asked for none, and its pages take none', async () => {
    const { journey: bob, codes } = await recoverable(bench)
    const alice = await createJourney(bench.host, 'alice')
    const { page } = await alice.go(TWO_KINDS)
    const save = await alice.enroll(page)
    assert.ok(passed(await leave(alice, save, 'decline')))
    alice.browser.clear()
    bench.clock.advance(60)
    const { page: asked } = await challenged(alice)
    const forced = await postOnly(
      alice.browser,
      asked,
      { code: codes[0] ?? '' },
      {},
      `${asked.url.pathname}/recovery-codes`,
    )
    assert.equal(forced.status, 404)
    assert.ok(passed(await alice.answer(asked)))
    await challenged(bob)
  })
})

describe('security: a recovery code proves no more than it is', () => {
  const bench = useBench(() => withCodes({ levels }))

  it('AC-40: it never meets phr, asked before it or after it', async () => {
    const { journey: bob, code } = await recoverable(bench)
    const { page: closed } = await bob.go(essential('phr'))
    assert.equal((await bob.browser.get(`${closed.url.pathname}/recovery-codes`)).heading, closed.heading)
    const forced = await postOnly(bob.browser, closed, { code }, {}, `${closed.url.pathname}/recovery-codes`)
    assert.equal(forced.status, 404)
    assert.equal(errorOf(await leave(bob, closed, 'cancel')), 'unmet_authentication_requirements')
    assert.ok(passed(await leave(bob, (await recover(bob, code)).page, 'decline')))
    for (const acr of ['phr', 'phrh']) {
      assert.equal(errorOf((await bob.go({ ...essential(acr), prompt: 'none' })).page), 'interaction_required')
      const { page, redeem } = await bob.go({ acr_values: acr })
      const answer = passed(page) ? page : await leave(bob, page, 'decline')
      assert.equal((await redeem(answer.url)).acr, MULTI_FACTOR)
    }
  })

  it('AC-40: a level without recovery is not met by it, and does not take it', async () => {
    const { journey: bob, codes } = await recoverable(bench)
    assert.ok(passed(await leave(bob, (await recover(bob, codes[0] ?? '')).page, 'decline')))
    assert.equal(errorOf((await bob.go({ ...essential(STRICT), prompt: 'none' })).page), 'interaction_required')
    const { page, redeem } = await challenged(bob, essential(STRICT))
    const target = `${page.url.pathname}/recovery-codes`
    assert.equal((await bob.browser.get(target)).heading, CHALLENGE)
    assert.equal((await postOnly(bob.browser, page, { code: codes[1] ?? '' }, {}, target)).status, 404)
    const { acr, amr } = await redeem((await bob.answer(page)).url)
    assert.equal(acr, STRICT)
    assert.deepEqual(amr?.includes('otp'), true)
    assert.deepEqual(await inventory(bench.host), ['recovery-codes:9', 'totp'])
  })

  it('AC-40: declined at a voluntary level it proves nothing', async () => {
    const { journey: bob } = await recoverable(bench)
    const { page, redeem } = await atEntry(bob, { acr_values: MULTI_FACTOR })
    const { acr, amr } = await redeem((await leave(bob, page, 'decline')).url)
    assert.deepEqual([acr, amr], [SINGLE_FACTOR, ['pwd']])
  })
})

describe('security: recovery codes are seen once', () => {
  const bench = useBench(() => withCodes())

  const atSave = async () => {
    const alice = await createJourney(bench.host, 'alice')
    const { page } = await alice.go(TWO_KINDS)
    const save = await alice.enroll(page)
    return { alice, page: save, codes: codesOn(save) }
  }

  it('AC-69: after they were kept no page, old link or old cookie shows them', async () => {
    const { alice, page, codes } = await atSave()
    assert.equal(codes.length, 10)
    assert.deepEqual(codesOn(await alice.browser.get(page.url)), codes, 'until then a reload shows the same')
    const before = alice.browser.clone()
    const kept = await postOnly(alice.browser, page, { kept: 'yes' })
    assert.ok(advanced(kept))
    const held = alice.browser.clone()
    assert.ok(passed(await alice.browser.get(kept.headers.get('location') ?? '')))
    for (const browser of [before, held, alice.browser])
      for (const target of [page.url, page.action, `/auth/${uidOf(page)}`, `${page.url.pathname}/choose`]) {
        const shown = await browser.clone().get(target)
        assert.deepEqual([codesOn(shown), passed(shown)], [[], false], String(target))
        assert.ok(codes.every((code) => !shown.text.includes(code)))
      }
    const posted = await before.post(page, { kept: 'yes' })
    assert.deepEqual([codesOn(posted), posted.status], [[], 400])
  })

  it('AC-69: nor after they were turned down, and none of them opens', async () => {
    const { alice, page, codes } = await atSave()
    const before = alice.browser.clone()
    assert.ok(passed(await leave(alice, page, 'decline')))
    for (const browser of [before, alice.browser]) assert.deepEqual(codesOn(await browser.get(page.url)), [])
    alice.browser.clear()
    bench.clock.advance(60)
    const { page: asked } = await challenged(alice)
    const target = `${asked.url.pathname}/recovery-codes`
    assert.equal((await postOnly(alice.browser, asked, { code: codes[0] ?? '' }, {}, target)).status, 404)
    assert.deepEqual(await inventory(bench.host, 'alice'), ['totp'])
  })

  it('AC-56, AC-69: every page of theirs stands in no frame and in no cache', async () => {
    const { alice, page: save } = await atSave()
    const { journey: bob, code } = await recoverable(bench)
    const { page: asked } = await challenged(bob)
    const choose = await bob.browser.get(`${asked.url.pathname}/choose`)
    const entry = await entryFrom(bob, asked)
    const wrong = await bob.browser.post(entry, { code: 'x' })
    const offer = await bob.browser.post(entry, { code })
    const unkept = await alice.browser.post(save)
    assert.deepEqual([wrong.heading, offer.heading], [RECOVER, ENROLL])
    for (const { headers, url } of [save, unkept, asked, choose, entry, wrong, offer]) {
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/)
      for (const [name, value] of [
        ['x-frame-options', 'DENY'],
        ['referrer-policy', 'no-referrer'],
        ['cache-control', 'no-store'],
        ['x-content-type-options', 'nosniff'],
      ] as const)
        assert.equal(headers.get(name), value, `${name} at ${url.pathname}`)
      assert.equal(url.search, '')
    }
    assert.notEqual(secretOn(offer), bob.secret)
  })
})
