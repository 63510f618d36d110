import assert from 'node:assert/strict'
import { totp } from '../../src/factors/totp.ts'
import { MULTI_FACTOR, SINGLE_FACTOR, standard } from '../../src/index.ts'
import { CLIENT, codeAt } from '../support/host.ts'
import { createJourney, errorOf, secretOn } from '../support/relying-party.ts'
import { challenged, enrolled, essential, ownLoginPage, passed, TWO_KINDS, useBench } from './support.ts'

const client = (more: object) => ({
  ...CLIENT,
  redirect_uris: [...CLIENT.redirect_uris],
  grant_types: [...CLIENT.grant_types],
  response_types: ['code' as const],
  ...more,
})

describe('security: no parameter lowers what is asked', () => {
  const bench = useBench()

  it('AC-41: acr_values beside an essential level take nothing from it', async () => {
    const bob = await enrolled(bench)
    for (const acr_values of [
      SINGLE_FACTOR,
      '',
      'urn:okta:loa:1fa:any',
      'urn:x:none',
      `${SINGLE_FACTOR} ${MULTI_FACTOR}`,
    ])
      await challenged(bob, { ...TWO_KINDS, acr_values })
    const asked = await challenged(bob, { ...TWO_KINDS, acr_values: SINGLE_FACTOR })
    const signed = await asked.redeem((await bob.answer(asked.page)).url)
    assert.deepEqual([signed.acr, signed.amr], [MULTI_FACTOR, ['pwd', 'otp', 'mfa']])
  })

  it('AC-43: a session that knows the password only is asked for more, or told so in silence', async () => {
    const bob = await enrolled(bench)
    assert.ok(passed((await bob.go()).page))
    const silent = await bob.go({ ...TWO_KINDS, prompt: 'none' })
    assert.equal(errorOf(silent.page), 'interaction_required')
    await challenged(bob)
  })

  it('AC-44: what is reported is what was shown, whatever was asked', async () => {
    const bob = await createJourney(bench.host)
    for (const acr_values of ['urn:x:anything', 'phr', `urn:x:anything ${SINGLE_FACTOR}`, 'constructor __proto__']) {
      const { page, redeem } = await bob.go({ acr_values })
      const answer = passed(page) ? page : await bob.browser.post(page, {}, `${page.url.pathname}/decline`)
      const { acr, amr } = await redeem(answer.url)
      assert.deepEqual([acr, amr], [SINGLE_FACTOR, ['pwd']], acr_values)
    }
    const { page, redeem } = await bob.go({ acr_values: MULTI_FACTOR })
    const declined = await redeem((await bob.browser.post(page, {}, `${page.url.pathname}/decline`)).url)
    assert.deepEqual([declined.acr, declined.amr], [SINGLE_FACTOR, ['pwd']])
  })

  it('AC-44: an essential level that nobody has is refused, in every spelling', async () => {
    const bob = await createJourney(bench.host)
    for (const acr of [
      'urn:x:anything',
      `${MULTI_FACTOR}/`,
      MULTI_FACTOR.toUpperCase(),
      ` ${MULTI_FACTOR}`,
      '__proto__',
    ])
      assert.equal(errorOf((await bob.go(essential(acr))).page), 'unmet_authentication_requirements', acr)
  })
})

describe('security: no other way of asking lowers what is asked', () => {
  const bench = useBench(() => ({
    configuration: {
      enableHttpPostMethods: true,
      cookies: { keys: ['test cookie key'], long: { sameSite: 'none', signed: true }, short: { signed: true } },
      features: { pushedAuthorizationRequests: { enabled: true } },
    },
  }))

  it('AC-41: acr_values take nothing from it in a posted request, in either order', async () => {
    const bob = await enrolled(bench)
    await bob.go()
    for (const first of ['acr_values', 'claims']) {
      const { url } = await bob.rp.request({ ...TWO_KINDS, acr_values: SINGLE_FACTOR })
      const all = [...url.searchParams].sort(([name]) => (name === first ? -1 : 1))
      const page = await bob.browser.send('/auth', { form: new URLSearchParams(all).toString() })
      assert.equal(page.heading, 'Enter the code from your authenticator app')
    }
  })

  it('AC-41: nor in a pushed request, nor added to one', async () => {
    const bob = await enrolled(bench)
    await bob.go()
    for (const pushed of [{ acr_values: SINGLE_FACTOR }, {}]) {
      const { url } = await bob.rp.request({ ...TWO_KINDS, ...pushed })
      const basic = Buffer.from(`${CLIENT.client_id}:${CLIENT.client_secret}`).toString('base64')
      const answer = await fetch(`${bench.host.issuer}/request`, {
        method: 'POST',
        body: url.searchParams,
        headers: { authorization: `Basic ${basic}` },
      })
      const { request_uri } = (await answer.json()) as { request_uri: string }
      const query = new URLSearchParams({ client_id: CLIENT.client_id, request_uri, acr_values: SINGLE_FACTOR })
      const page = await bob.browser.get(`/auth?${query}`)
      assert.equal(page.heading, 'Enter the code from your authenticator app')
    }
  })
})

describe('security: floors only rise', () => {
  const bench = useBench(() => ({ stepUp: { policy: { default: 'always' } } }))

  it('AC-28: no parameter lowers the floor, and no way out goes round it', async () => {
    const bob = await enrolled(bench)
    const requests: Readonly<Record<string, string>>[] = [
      {},
      { acr_values: SINGLE_FACTOR },
      { acr_values: 'urn:x:none' },
      essential(SINGLE_FACTOR),
      { claims: '{"id_token":{"acr":null}}' },
      { claims: '{"userinfo":{"acr":{"essential":true,"value":"phr"}}}' },
      { max_age: '100000' },
      { scope: 'openid profile' },
    ]
    for (const parameters of requests) {
      const { page } = await challenged(bob, parameters)
      assert.equal((await bob.browser.post(page, {}, `${page.url.pathname}/decline`)).status, 400)
      assert.equal(errorOf(await bob.browser.post(page, {}, `${page.url.pathname}/cancel`)), 'access_denied')
      assert.equal(errorOf((await bob.go({ ...parameters, prompt: 'none' })).page), 'interaction_required')
    }
  })

  it('AC-28: a floor over an account without an app leads to enrolment, which cannot be declined', async () => {
    const carol = await createJourney(bench.host, 'carol')
    const { page } = await carol.go({ acr_values: SINGLE_FACTOR })
    assert.equal(page.heading, 'Set up your authenticator app')
    assert.equal((await carol.browser.post(page, {}, `${page.url.pathname}/decline`)).status, 400)
    assert.equal(errorOf(await carol.browser.post(page, {}, `${page.url.pathname}/cancel`)), 'access_denied')
  })
})

describe('security: no default lowers what is asked', () => {
  const bench = useBench(() => ({ clients: [client({ default_acr_values: [SINGLE_FACTOR] })] }))

  it("AC-42: a client's default_acr_values take nothing from its essential level", async () => {
    const bob = await enrolled(bench)
    const asked = await challenged(bob)
    assert.equal((await asked.redeem((await bob.answer(asked.page)).url)).acr, MULTI_FACTOR)
  })
})

describe('security: no word of a login page raises what was shown', () => {
  const claimed = { acr: MULTI_FACTOR, amr: ['pwd', 'otp', 'hwk', 'mfa'] }
  const bench = useBench(() => ownLoginPage((accountId) => ({ accountId, ...claimed })))

  it('AC-52: acr and amr that the login claims reach neither a decision nor a token', async () => {
    const bob = await createJourney(bench.host)
    const plain = await bob.go()
    const { acr, amr } = await plain.redeem(plain.page.url)
    assert.deepEqual([acr, amr], [SINGLE_FACTOR, ['pwd']])
    const { page, redeem } = await bob.go(TWO_KINDS)
    const signed = await redeem((await bob.browser.post(page, { code: codeAt(secretOn(page)) })).url)
    assert.deepEqual([signed.acr, signed.amr], [MULTI_FACTOR, ['pwd', 'otp', 'mfa']])
  })
})

describe('security: the same twice is one', () => {
  const APP = 'urn:x:app'
  const bench = useBench(() => ({
    stepUp: {
      factors: [{ ...totp({ issuer: 'Test' }), kinds: ['knowledge'], amr: ['kba'] }],
      levels: [...standard, { acr: APP, needs: { factors: ['totp'] } }],
    },
  }))

  it('AC-52: two things one knows are neither two kinds nor `mfa`', async () => {
    const bob = await createJourney(bench.host)
    const { page, redeem } = await bob.go(essential(APP))
    const { acr, amr } = await redeem((await bob.enroll(page)).url)
    assert.deepEqual([acr, amr], [APP, ['pwd', 'kba']])
    assert.equal(passed((await bob.go(TWO_KINDS)).page), false)
    assert.equal(errorOf((await bob.go({ ...TWO_KINDS, prompt: 'none' })).page), 'interaction_required')
  })
})
