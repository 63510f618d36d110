import assert from 'node:assert/strict'
import { MULTI_FACTOR, PHISHING_RESISTANT } from '../../src/index.ts'
import { isAnswer } from '../support/relying-party.ts'
import {
  acrClaim,
  answerOf,
  CHALLENGE,
  LOGIN,
  leave,
  open,
  type Person,
  UNREACHABLE,
  useStage,
  visit,
} from './stage.ts'

/** What a person who is asked to sign in from the start sees, under either policy. */
const SIGN_IN = { never: [LOGIN], always: [LOGIN, CHALLENGE] } as const

const POLICIES = ['never', 'always'] as const

/** What is sent with every error: short printable ASCII, the request's state, the issuer, no code. */
const assertError = (page: Awaited<ReturnType<typeof visit>>['page'], error: string, issuer: string) => {
  assert.ok(isAnswer(page), `"${page.heading}" instead of ${error}`)
  const { error_description: description, ...rest } = answerOf(page)
  assert.deepEqual(rest, { error, iss: issuer })
  assert.match(description ?? '', /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,200}$/)
}

for (const policy of POLICIES) {
  describe(`conformance, with the policy "${policy}"`, () => {
    const stage = useStage()
    const start = () => stage.host({ stepUp: { policy: { default: policy } } })
    const signedIn = async (parameters: Readonly<Record<string, string>> = {}) => {
      const host = await start()
      const bob = await stage.enrolled(host)
      const first = await visit(bob, parameters)
      assert.deepEqual(first.seen, SIGN_IN[policy])
      const signed = await first.redeem()
      stage.clock.advance(60)
      return { host, bob, signed }
    }
    const session = async (bob: Person, parameters: Readonly<Record<string, string>>) => {
      const { seen, redeem } = await visit(bob, parameters)
      return { seen, signed: await redeem() }
    }

    it('C-01: takes every acr that discovery lists, in any order, and reports one of them', async () => {
      const host = await start()
      const bob = await stage.enrolled(host)
      const supported = bob.rp.config.serverMetadata().acr_values_supported ?? []
      assert.ok(supported.includes(MULTI_FACTOR) && supported.includes(PHISHING_RESISTANT))
      for (const values of [supported, [...supported].reverse()]) {
        bob.browser.clear()
        stage.clock.advance(60)
        const { seen, signed } = await session(bob, { acr_values: values.join(' ') })
        assert.deepEqual(seen, SIGN_IN[policy])
        assert.ok(signed.acr !== undefined && values.includes(signed.acr), signed.acr)
      }
    })

    it('C-02: asks again where max_age=1 has passed, and reports the new time', async () => {
      const { bob, signed } = await signedIn()
      const again = await session(bob, { max_age: '1' })
      assert.deepEqual(again.seen, policy === 'never' ? [LOGIN] : [CHALLENGE])
      assert.ok((again.signed.authTime ?? 0) > (signed.authTime ?? 0))
      assert.ok((again.signed.authTime ?? 0) >= stage.clock.now() - 1)
    })

    it('C-03: asks nothing where max_age=10000 has not passed', async () => {
      const { bob, signed } = await signedIn({ max_age: '15000' })
      const again = await session(bob, { max_age: '10000' })
      assert.deepEqual(again.seen, [])
      assert.deepEqual([again.signed.sub, again.signed.authTime], [signed.sub, signed.authTime])
      assert.equal(typeof signed.authTime, 'number')
    })

    it('C-04: asks everything again for prompt=login', async () => {
      const { bob, signed } = await signedIn()
      const again = await session(bob, { prompt: 'login' })
      assert.deepEqual(again.seen, SIGN_IN[policy])
      assert.ok((again.signed.authTime ?? 0) > (signed.authTime ?? 0))
    })

    it('C-05: answers prompt=none out of the session, unchanged', async () => {
      const { bob, signed } = await signedIn()
      const { seen, signed: again } = await session(bob, { prompt: 'none' })
      assert.deepEqual(seen, [])
      assert.deepEqual([again.sub, again.acr, again.authTime], [signed.sub, signed.acr, signed.authTime])
    })

    it('C-06: answers prompt=none without a session by login_required, and keeps a long state', async () => {
      const host = await start()
      const bob = await stage.person(host)
      const state = 'x'.repeat(128)
      const { page } = await open(bob, { prompt: 'none', state })
      assertError(page, 'login_required', host.issuer)
      assert.equal(page.url.searchParams.get('state'), state)
    })

    it('C-07: takes an ID token as a hint at the same person', async () => {
      const { bob, signed } = await signedIn()
      const hint = signed.tokens.id_token ?? ''
      const { seen, signed: again } = await session(bob, { prompt: 'none', id_token_hint: hint })
      assert.deepEqual([seen, again.sub], [[], signed.sub])
    })

    it('C-15: answers an essential acr that no level names by unmet_authentication_requirements', async () => {
      const { host, bob } = await signedIn()
      const { page } = await open(bob, { claims: acrClaim({ essential: true, value: 'urn:example:none' }) })
      assertError(page, 'unmet_authentication_requirements', host.issuer)
    })

    it('C-15: the same for a known one where the person has nothing that reaches it', async () => {
      const host = await start()
      const claims = acrClaim({ essential: true, value: PHISHING_RESISTANT })
      const bare = await visit(await stage.person(host, 'carol'), { claims }, { login: 'carol' })
      assert.deepEqual(bare.seen, [LOGIN])
      assertError(bare.page, 'unmet_authentication_requirements', host.issuer)

      const bob = await stage.enrolled(host)
      const { page } = await bob.go({ claims })
      assert.equal(page.heading, UNREACHABLE)
      assertError(await leave(bob, page, 'cancel'), 'unmet_authentication_requirements', host.issuer)
    })

    it('C-15: the same where the person cancels', async () => {
      const host = await start()
      const bob = await stage.enrolled(host)
      const { page } = await bob.go({ claims: acrClaim({ essential: true, value: MULTI_FACTOR }) })
      assert.equal(page.heading, CHALLENGE)
      assertError(await leave(bob, page, 'cancel'), 'unmet_authentication_requirements', host.issuer)
    })
  })
}
