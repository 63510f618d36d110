import assert from 'node:assert/strict'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import { codeAt } from '../support/host.ts'
import { createJourney, errorOf, isAnswer, secretOn } from '../support/relying-party.ts'
import { CHALLENGE, ENROLL, listening, recoverable, withCodes } from './recovered.ts'
import { FLOOR, isLifted, later, markOf, onlyMark, remembered, tick } from './remembered.ts'
import {
  advanced,
  challenged,
  elsewhere,
  enrolled,
  essential,
  passed,
  postOnly,
  TWO_KINDS,
  useBench,
  wrongCode,
} from './support.ts'

const OFFERED = /name="remember"/

describe('security: a remembered browser lifts a floor', () => {
  const bench = useBench(() => FLOOR)

  it('AC-70f: and claims nothing: the level, methods and time are those of the password', async () => {
    const bob = await later(bench.host, await remembered(bench))
    const { named } = listening(bench.host.mfa)
    const at = Math.floor(Date.now() / 1000)
    const { page, redeem } = await bob.go()
    const { acr, amr, authTime, sub } = await redeem(page.url)
    assert.deepEqual([sub, acr, amr], ['bob', SINGLE_FACTOR, ['pwd']])
    assert.ok(authTime !== undefined && authTime >= at && authTime <= at + 5)
    assert.equal(named('browser.recognized').length, 1)
    const again = await bob.go({ prompt: 'none' })
    assert.deepEqual((await again.redeem(again.page.url)).amr, ['pwd'])
    assert.equal(named('browser.recognized').length, 1, 'a session uses it once')
  })

  const asked: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'an essential level': TWO_KINDS,
    'an essential level by its alias': essential('urn:okta:loa:2fa:any'),
    'an age that is long': { max_age: '1000000' },
    'an age and a low level': { max_age: '1000000', acr_values: SINGLE_FACTOR },
  }

  for (const [name, parameters] of Object.entries(asked))
    it(`AC-70f: never ${name}`, async () => {
      const known = await remembered(bench)
      const fresh = await later(bench.host, known)
      assert.equal((await fresh.go(parameters)).page.heading, CHALLENGE)
      const relying = await later(bench.host, known)
      assert.ok(await isLifted(relying))
      assert.equal(errorOf((await relying.go({ ...parameters, prompt: 'none' })).page), 'interaction_required')
      assert.equal((await relying.go(parameters)).page.heading, CHALLENGE)
    })

  it('AC-70f: never a login anew, nor a voluntary level, which may be declined and is then not claimed', async () => {
    const known = await remembered(bench)
    for (const parameters of [{ prompt: 'login' }, { prompt: 'login consent' }, { max_age: '0' }]) {
      const relying = await later(bench.host, known)
      assert.ok(await isLifted(relying))
      known.browser.load(markOf(relying.browser))
      assert.equal((await relying.go(parameters)).page.heading, CHALLENGE)
      assert.equal(errorOf((await relying.go({ acr_values: MULTI_FACTOR, prompt: 'none' })).page), undefined)
    }
    const bob = await later(bench.host, known)
    const { page, redeem } = await challenged(bob, { acr_values: MULTI_FACTOR })
    const { acr, amr } = await redeem((await bob.browser.post(page, {}, `${page.url.pathname}/decline`)).url)
    assert.deepEqual([acr, amr], [SINGLE_FACTOR, ['pwd']])
  })

  it('AC-70e: it is no login: without a session there is the login page, or silence refused', async () => {
    const known = await remembered(bench)
    const bob = await later(bench.host, known)
    assert.equal((await bob.browser.get((await bob.rp.request()).url)).heading, 'host login')
    assert.equal(errorOf(await bob.browser.get((await bob.rp.request({ prompt: 'none' })).url)), 'login_required')
    assert.equal(onlyMark(bob.browser).value, onlyMark(known.browser).value)
  })

  it('AC-47: silent answers do not depend on it, but for the floor it lifts', async () => {
    const known = await remembered(bench)
    const carol = await createJourney(bench.host, 'carol')
    const stranger = await elsewhere(bench, known)
    const holder = await later(bench.host, known)
    for (const parameters of [TWO_KINDS, essential('phr'), essential('urn:x:none'), { max_age: '100000' }]) {
      const answers = []
      for (const journey of [carol, stranger, holder]) {
        await journey.go()
        const { page } = await journey.go({ ...parameters, prompt: 'none' })
        const { state: _state, ...rest } = Object.fromEntries(page.url.searchParams)
        answers.push(rest)
      }
      assert.ok(answers.every(({ error }) => error !== undefined))
      assert.deepEqual(answers[0], answers[1])
      assert.deepEqual(answers[1], answers[2])
    }
    assert.equal(errorOf((await stranger.go({ prompt: 'none' })).page), 'interaction_required')
  })

  it('AC-70c: signing out keeps it, and ends the session that relied on it', async () => {
    const bob = await later(bench.host, await remembered(bench))
    assert.ok(await isLifted(bob))
    const out = await bob.browser.get('/session/end')
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(out.text)?.[1] ?? ''
    await bob.browser.send('/session/end/confirm', { form: { xsrf, logout: 'yes' } })
    assert.equal(errorOf(await bob.browser.get((await bob.rp.request({ prompt: 'none' })).url)), 'login_required')
    assert.equal(markOf(bob.browser).length, 1)
    assert.ok(await isLifted(bob))
  })
})

describe('security: a browser is remembered after a real answer only', () => {
  const bench = useBench(() => FLOOR)

  it('AC-70e: not before it, not by a wrong one, not by leaving, and not without the word', async () => {
    const { named } = listening(bench.host.mfa)
    const bob = await enrolled(bench)
    const { url } = await bob.rp.request()
    const login = await bob.browser.get(url)
    const page = await bob.browser.send(login.action, { form: { login: 'bob', remember: 'yes' } })
    assert.match(page.text, OFFERED)
    const base = page.url.pathname
    for (const [path, form, status] of [
      ['/totp', { remember: 'yes' }, 422],
      ['/totp', { remember: 'yes', code: wrongCode(bob.secret) }, 422],
      ['/totp', { remember: ['yes', 'yes'], code: codeAt(bob.secret) }, 400],
      ['/totp', { 'remember[]': 'yes', code: codeAt(bob.secret) }, 400],
      ['/totp', { remembered: 'yes', code: codeAt(bob.secret) }, 400],
      ['/cancel', { remember: 'yes' }, 400],
      ['/decline', { remember: 'yes' }, 400],
    ] as const) {
      const answer = await postOnly(bob.browser, page, form, {}, `${base}${path}`)
      assert.deepEqual([answer.status, markOf(bob.browser)], [status, []], JSON.stringify(form))
    }
    assert.ok(passed(await bob.browser.post(page, { code: codeAt(bob.secret), remember: 'no' })))
    assert.deepEqual([markOf(bob.browser), named('browser.remembered')], [[], []])
  })

  it('AC-11, AC-70e: of ten posts of one right code one is remembered', async () => {
    const { named } = listening(bench.host.mfa)
    const bob = await enrolled(bench)
    const { page } = await challenged(bob, {})
    const form = { code: codeAt(bob.secret), remember: 'yes' }
    const answers = await Promise.all(Array.from({ length: 10 }, () => postOnly(bob.browser.clone(), page, form)))
    const marked = answers.filter(({ headers }) => /step-up-browser/.test(headers.get('set-cookie') ?? ''))
    assert.deepEqual([marked.length, named('browser.remembered').length], [1, 1])
  })

  it('AC-70e: not at a first set-up', async () => {
    const alice = await createJourney(bench.host, 'alice')
    const { page } = await alice.go()
    assert.equal(page.heading, ENROLL)
    assert.doesNotMatch(page.text, OFFERED)
    const refused = await postOnly(alice.browser, page, { code: codeAt(secretOn(page)), remember: 'yes' })
    assert.deepEqual([refused.status, advanced(refused)], [400, false])
    assert.ok(passed(await alice.enroll(page)))
    assert.deepEqual(markOf(alice.browser), [])
  })
})

describe('security: a browser is not remembered for a recovery code', () => {
  const bench = useBench(() => withCodes({ policy: { default: 'always' } }))

  it('AC-40, AC-70e: not on its page, not at the set-up it lets in, not after it', async () => {
    const { journey: bob, code } = await recoverable(bench)
    const { page } = await challenged(bob, {})
    assert.match(page.text, OFFERED)
    const base = page.url.pathname
    const entry = await bob.browser.get(`${base}/recovery-codes`)
    assert.doesNotMatch(entry.text, OFFERED)
    const refused = await postOnly(bob.browser, entry, { code, remember: 'yes' })
    assert.deepEqual([refused.status, advanced(refused)], [400, false])
    const offer = await bob.browser.post(entry, { code })
    assert.doesNotMatch(offer.text, OFFERED)
    const fresh = { code: codeAt(secretOn(offer)), remember: 'yes' }
    assert.equal((await postOnly(bob.browser, offer, fresh)).status, 400)
    assert.equal(
      (await postOnly(bob.browser, offer, { remember: 'yes' }, {}, `${offer.url.pathname}/decline`)).status,
      400,
    )
    assert.ok(isAnswer(await bob.enroll(offer)))
    assert.deepEqual(markOf(bob.browser), [])
  })

  it('AC-70c: a set-up that a recovery code let in ends all that were remembered', async () => {
    const { journey: bob, code } = await recoverable(bench)
    assert.ok(passed(await tick(bob, (await challenged(bob, {})).page)))
    const other = await elsewhere(bench, bob)
    const { page } = await challenged(other, {})
    const offer = await other.browser.post(await other.browser.get(`${page.url.pathname}/recovery-codes`), { code })
    assert.ok(await isLifted(await later(bench.host, bob)), 'the code alone ends none')
    assert.ok(passed(await other.enroll(offer)))
    assert.equal(await isLifted(await later(bench.host, bob)), false)
  })
})
