import assert from 'node:assert/strict'
import type { Page } from '../support/browser.ts'
import { codeAt, REDIRECT_URI } from '../support/host.ts'
import { createJourney, errorOf, isAnswer, secretOn } from '../support/relying-party.ts'
import {
  advanced,
  challenged,
  cookiesFor,
  elsewhere,
  enrolled,
  type Journey,
  passed,
  postOnly,
  submitted,
  TWO_KINDS,
  uidOf,
  useBench,
  wrongCode,
} from './support.ts'

const resume = (journey: Journey, uid: string) => journey.browser.get(`/auth/${uid}`)

describe('security: the way through cannot be cut short', () => {
  const bench = useBench()

  it('AC-27: the resume URL gives no code before the login, at the challenge, after a wrong code', async () => {
    const bob = await enrolled(bench)
    const { url } = await bob.rp.request(TWO_KINDS)
    const login = await bob.browser.get(url)
    assert.equal((await resume(bob, uidOf(login))).heading, 'host login')
    bob.browser.clear()
    const { page } = await challenged(bob)
    const again = await resume(bob, uidOf(page))
    assert.equal(again.heading, page.heading)
    assert.equal((await bob.answer(again, wrongCode(bob.secret))).status, 422)
    assert.equal((await resume(bob, uidOf(again))).heading, page.heading)
  })

  it('AC-27: the resume URL gives no code at an enrolment, nor after a wrong confirmation', async () => {
    const carol = await createJourney(bench.host, 'carol')
    const { page } = await carol.go(TWO_KINDS)
    const again = await resume(carol, uidOf(page))
    assert.equal(again.heading, 'Set up your authenticator app')
    const wrong = await carol.browser.post(again, { code: wrongCode(secretOn(again)) })
    assert.equal(wrong.status, 422)
    assert.equal((await resume(carol, uidOf(again))).heading, 'Set up your authenticator app')
  })

  it('AC-27: back and resume after the end lead to a page, never to a second code', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const old = bob.browser.clone()
    assert.ok(passed(await bob.answer(page)))
    for (const browser of [bob.browser, old])
      for (const target of [page.url, `${page.url.pathname}/totp`, `/auth/${uidOf(page)}`]) {
        const back = await browser.clone().get(target)
        assert.deepEqual([passed(back), back.status < 500], [false, true], String(target))
      }
    bench.clock.advance(60)
    const twice = await bob.answer(page)
    assert.deepEqual([twice.status, passed(twice)], [400, false])
  })

  it('AC-27: a right code without the resume signs nobody in elsewhere', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const other = await elsewhere(bench, bob)
    assert.ok(advanced(await postOnly(bob.browser, page, { code: codeAt(bob.secret) })))
    const { page: asked } = await challenged(other)
    assert.equal(passed(await resume(other, uidOf(page))), false)
    assert.equal(passed(await resume(other, uidOf(asked))), false)
    assert.ok(passed(await resume(bob, uidOf(page))))
  })

  it('AC-28: leaving and coming back, in any spelling of the request, owes the same', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    assert.equal(
      errorOf(await bob.browser.post(page, {}, `${page.url.pathname}/cancel`)),
      'unmet_authentication_requirements',
    )
    for (const more of [{}, { prompt: 'consent' }, { prompt: 'login' }, { login_hint: 'carol' }, { max_age: '0' }])
      await challenged(bob, { ...TWO_KINDS, ...more })
    const { url } = await bob.rp.request({ ...TWO_KINDS, prompt: 'none' })
    assert.equal(errorOf(await bob.browser.get(url)), 'interaction_required')
  })
})

describe('security: one person is not another', () => {
  const bench = useBench()

  /** Carol signs in where bob is signed in, up to the page that oidc-provider's script would submit. */
  const carolSignsIn = async (bob: Journey) => {
    const { url } = await bob.rp.request({ ...TWO_KINDS, prompt: 'login' })
    const login = await bob.browser.get(url)
    assert.equal(login.heading, 'host login')
    return bob.browser.send(login.action, { form: { login: 'carol' } })
  }

  const asCarolSheOwesAll = async (bob: Journey, page: Page) => {
    assert.equal(page.heading, 'Enter the code from your authenticator app')
    assert.match(page.text, /carol@example\.com/)
    assert.equal((await bob.answer(page)).status, 422)
    const silent = await bob.browser.get((await bob.rp.request({ ...TWO_KINDS, prompt: 'none' })).url)
    assert.equal(errorOf(silent), 'interaction_required')
    assert.equal((await challenged(bob)).page.heading, page.heading)
  }

  it("AC-51: a code proved as bob is not carol's, who signs in after him in the same browser", async () => {
    const bob = await enrolled(bench)
    await enrolled(bench, 'carol')
    const { page } = await challenged(bob)
    assert.ok(advanced(await postOnly(bob.browser, page, { code: codeAt(bob.secret) })))
    const landed = await submitted(bob.browser, await carolSignsIn(bob))
    assert.equal(passed(await resume(bob, uidOf(page))), false)
    await asCarolSheOwesAll(bob, landed)
  })

  it('AC-51: a login as another account over a session that proved more starts from nothing', async () => {
    const bob = await enrolled(bench)
    await enrolled(bench, 'carol')
    assert.ok(passed(await bob.answer((await challenged(bob)).page)))
    const bounce = await carolSignsIn(bob)
    assert.equal(passed(bounce), false)
    bench.clock.advance(30)
    await asCarolSheOwesAll(bob, await submitted(bob.browser, bounce))
  })

  it("AC-51: bob's finished challenge, resumed before carol's sign-in is complete, is still bob's", async () => {
    const bob = await enrolled(bench)
    await enrolled(bench, 'carol')
    const { page, redeem } = await challenged(bob)
    assert.ok(advanced(await postOnly(bob.browser, page, { code: codeAt(bob.secret) })))
    const bounce = await carolSignsIn(bob)
    const landed = await resume(bob, uidOf(page))
    assert.equal((await redeem(landed.url)).sub, 'bob')
    bench.clock.advance(30)
    const after = await submitted(bob.browser, bounce)
    assert.equal(passed(after), false)
  })

  it("AC-36: another account's pages, posts and codes look like pages that never were", async () => {
    const bob = await enrolled(bench)
    const carol = await enrolled(bench, 'carol')
    const { page: his } = await challenged(bob)
    const { page: hers } = await challenged(carol)
    const answersAt = async (uid: string) => {
      const gets = await Promise.all(['', '/totp', '/choose'].map((rest) => carol.browser.get(`/mfa/${uid}${rest}`)))
      const posts = await Promise.all(
        ['totp', 'cancel', 'decline', 'other'].map((rest) =>
          postOnly(carol.browser, hers, { code: codeAt(bob.secret) }, {}, `/mfa/${uid}/${rest}`),
        ),
      )
      return [...gets, ...posts].map(({ status, text }) => ({ status, text: text.replaceAll(uid, 'UID') }))
    }
    const foreign = await answersAt(uidOf(his))
    assert.deepEqual(foreign, await answersAt('neverwasaninteraction'))
    assert.ok(foreign.every(({ status }) => status === 400))
    assert.equal((await carol.answer(hers, codeAt(bob.secret))).status, 422)
    assert.ok(passed(await bob.answer(his)))
  })

  it('AC-36: a token of one interaction is refused in another of the same account', async () => {
    const bob = await enrolled(bench)
    const { page: one } = await challenged(bob)
    const { page: other } = await challenged(bob)
    assert.notEqual(one.csrf, other.csrf)
    const crossed = await postOnly(bob.browser, { ...other, csrf: one.csrf }, { code: codeAt(bob.secret) })
    assert.equal(crossed.status, 403)
  })

  it('AC-54: the URL of one interaction with the cookies of another is refused, both ways', async () => {
    const bob = await enrolled(bench)
    const other = await elsewhere(bench, bob)
    const { page: one } = await challenged(bob)
    const { page: two } = await challenged(other)
    for (const [url, cookie] of [
      [one, cookiesFor(other.browser, two)],
      [two, cookiesFor(bob.browser, one)],
    ] as const) {
      const blank = bench.host.browser()
      const shown = await blank.send(url.url, { headers: { cookie }, follow: false })
      assert.equal(shown.status, 400)
      for (const token of [one.csrf, two.csrf]) {
        const form = { csrf: token, code: codeAt(bob.secret) }
        assert.equal((await blank.send(url.action, { form, headers: { cookie }, follow: false })).status, 400)
      }
    }
    const owner = bench.host.browser()
    const headers = { cookie: cookiesFor(bob.browser, one) }
    assert.equal((await owner.send(one.url, { headers })).status, 200, 'the right cookies do open it')
    assert.ok(passed(await bob.answer(one)), 'and the attempts took nothing')
  })

  it('AC-54: a browser without the cookies sees and ends nothing', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const stranger = bench.host.browser()
    for (const target of [page.url, page.action]) assert.equal((await stranger.get(target)).status, 400)
    for (const rest of ['totp', 'cancel', 'decline']) {
      const posted = await postOnly(stranger, page, { code: codeAt(bob.secret) }, {}, `${page.url.pathname}/${rest}`)
      assert.deepEqual([posted.status, advanced(posted)], [400, false])
    }
    assert.equal(passed(await stranger.get(`/auth/${uidOf(page)}`)), false)
    assert.ok(passed(await bob.answer(page)))
  })

  it("AC-54: bob's finished interaction with carol's session gives nobody bob's sign-in", async () => {
    const bob = await enrolled(bench)
    const carol = await enrolled(bench, 'carol')
    const { page } = await challenged(bob)
    await carol.go()
    assert.ok(advanced(await postOnly(bob.browser, page, { code: codeAt(bob.secret) })))
    const mixed = bench.host.browser()
    mixed.load(bob.browser.cookies())
    mixed.load(carol.browser.cookies().filter(({ name }) => name.startsWith('_session')))
    const landed = await mixed.get(`/auth/${uidOf(page)}`)
    assert.equal(passed(landed), false)
    const silent = await mixed.get((await carol.rp.request({ ...TWO_KINDS, prompt: 'none' })).url)
    assert.equal(passed(silent), false)
  })
})

describe('security: what ends while a page is open', () => {
  const bench = useBench()

  it('AC-49: a session that ended takes its open challenge along', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    const cookie = bob.browser.cookies().find(({ name }) => name === '_session')
    await (await bench.host.provider.Session.find(cookie?.value ?? ''))?.destroy()
    assert.equal(passed(await bob.answer(page)), false)
  })

  const changes = { disabled: { disabled: true }, changed: { securityStamp: 'changed' }, gone: undefined }
  for (const [name, change] of Object.entries(changes))
    it(`AC-49: an account that is ${name} meanwhile passes no open challenge`, async () => {
      const bob = await enrolled(bench)
      const { page } = await challenged(bob)
      const { accounts } = bench.host
      if (change === undefined) accounts.delete('bob')
      else accounts.set('bob', { id: 'bob', label: 'bob@example.com', ...change })
      const { url } = await bob.rp.request({ ...TWO_KINDS, prompt: 'none' })
      for (const landed of [await bob.answer(page), await resume(bob, uidOf(page)), await bob.browser.get(url)])
        assert.equal(passed(landed), false)
    })
})

describe('security: the ways out lead home', () => {
  const bench = useBench()

  it('AC-58: whatever is added to URL or form, every way out ends at the registered redirect URI', async () => {
    const bob = await enrolled(bench)
    const evils = [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      'https://localhost@evil.example',
      '%2f%2fevil.example',
    ]
    for (const evil of evils) {
      const { page } = await challenged(bob, { ...TWO_KINDS, return_to: evil, post_logout_redirect_uri: evil })
      const query = new URLSearchParams({ return_to: evil, redirect_uri: evil, next: evil })
      for (const name of ['return_to', 'redirect_uri', 'returnTo']) {
        const added = await postOnly(bob.browser, page, { [name]: evil }, {}, `${page.url.pathname}/cancel`)
        assert.deepEqual([added.status, added.headers.get('location')], [400, null])
      }
      const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', referer: evil }
      const left = await postOnly(bob.browser, page, {}, headers, `${page.url.pathname}/cancel?${query}`)
      assert.equal(left.status, 303)
      assert.equal(new URL(left.headers.get('location') ?? '', bench.host.issuer).origin, bench.host.issuer)
      const landed = await resume(bob, uidOf(page))
      assert.ok(landed.url.href.startsWith(`${REDIRECT_URI}?`), landed.url.href)
    }
  })

  it('AC-58: leaving a page that cannot be declined is refused, and leaving for real gives no code', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob)
    assert.equal((await bob.browser.post(page, {}, `${page.url.pathname}/decline`)).status, 400)
    const left = await bob.browser.post(page, {}, `${page.url.pathname}/cancel`)
    assert.ok(isAnswer(left))
    assert.deepEqual([passed(left), errorOf(left)], [false, 'unmet_authentication_requirements'])
  })

  it('AC-28: declining one request lifts no other', async () => {
    const bob = await enrolled(bench)
    const { page } = await challenged(bob, { acr_values: 'urn:okta:loa:2fa:any' })
    assert.ok(passed(await bob.browser.post(page, {}, `${page.url.pathname}/decline`)))
    await challenged(bob)
    const { page: open } = await challenged(bob, { acr_values: 'urn:okta:loa:2fa:any' })
    await challenged(bob)
    assert.equal(passed(await bob.browser.get(open.url)), false)
  })
})
