import assert from 'node:assert/strict'
import type { StepUpOptions } from '../../src/index.ts'
import { MULTI_FACTOR, nist, SINGLE_FACTOR } from '../../src/index.ts'
import { CHALLENGE, ENROLL, LOGIN, leave, offers, open, outcomeOf, useStage, visit } from './stage.ts'

const MULTI = { acr_values: MULTI_FACTOR }
const DAY_SECONDS = 86_400
const API = 'https://api.example.com'

describe('options over HTTP', () => {
  const stage = useStage()
  const bobAt = async (stepUp: Partial<StepUpOptions>, configuration = {}) =>
    stage.enrolled(await stage.host({ stepUp, configuration }))

  describe("acrValues: 'strict'", () => {
    it('lets nobody go on without, and says unmet where they leave', async () => {
      const bob = await bobAt({ acrValues: 'strict' })
      await visit(bob)
      const { page } = await open(bob, MULTI)
      assert.equal(page.heading, CHALLENGE)
      assert.equal(offers(page, 'decline'), false)
      const left = await leave(bob, page, 'cancel')
      assert.equal(left.url.searchParams.get('error'), 'unmet_authentication_requirements')
    })

    it('refuses values that no level names', async () => {
      const bob = await bobAt({ acrValues: 'strict' })
      assert.equal((await visit(bob, { acr_values: 'urn:none' })).error, 'unmet_authentication_requirements')
    })

    it('answers prompt=none as for an essential level', async () => {
      const bob = await bobAt({ acrValues: 'strict' })
      await visit(bob)
      assert.equal((await visit(bob, { ...MULTI, prompt: 'none' })).error, 'interaction_required')
    })
  })

  describe("maxAge: 'every-event'", () => {
    const readings = [
      { maxAge: 'carrying-events', seen: [CHALLENGE] },
      { maxAge: 'every-event', seen: [LOGIN, CHALLENGE] },
    ] as const
    for (const { maxAge, seen } of readings)
      it(`asks ${seen.join(' and ')} with ${maxAge}`, async () => {
        const bob = await bobAt({ maxAge })
        await visit(bob, MULTI)
        stage.clock.advance(600)
        const again = await visit(bob, { ...MULTI, max_age: '300' })
        assert.deepEqual(again.seen, seen)
        assert.equal(await outcomeOf(again), MULTI_FACTOR)
      })
  })

  describe('login', () => {
    const passkey: StepUpOptions['login'] = ({ passkey: used }) =>
      used === true
        ? { kinds: ['possession', 'inherence'], traits: ['phishing-resistant'], amr: ['swk', 'user', 'mfa'] }
        : { kinds: ['knowledge'], traits: [], amr: ['pwd'] }

    it('counts a login page that proves two kinds by itself', async () => {
      const host = await stage.host({
        stepUp: { login: () => ({ kinds: ['possession', 'inherence'], traits: ['phishing-resistant'], amr: ['swk'] }) },
      })
      const bob = await stage.person(host)
      const done = await visit(bob, { acr_values: `phr ${MULTI_FACTOR}` })
      assert.deepEqual(done.seen, [LOGIN])
      const { acr, amr } = await done.redeem()
      assert.deepEqual({ acr, amr }, { acr: 'phr', amr: ['swk', 'mfa'] })
    })

    it('is asked with the result that the login page submitted', async () => {
      const host = await stage.host({ stepUp: { login: passkey } })
      const bob = await stage.person(host)
      assert.equal(await outcomeOf(await visit(bob)), SINGLE_FACTOR)
    })

    it('fails closed where it answers nonsense', async () => {
      const host = await stage.host({ stepUp: { login: () => ({ kinds: ['magic'] }) as never } })
      const bob = await stage.person(host)
      assert.equal((await visit(bob)).page.status, 500)
      assert.match(host.errors.splice(0).join(), /login\(\) answered kinds\[0\]: found "magic"/)
    })
  })

  describe('floors', () => {
    const resources = {
      features: {
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: () => ({
            scope: 'pay',
            audience: API,
            accessTokenFormat: 'jwt' as const,
            jwt: { sign: { alg: 'ES256' } },
          }),
        },
      },
    }
    const policy = {
      default: 'never',
      scopes: { profile: { floor: MULTI_FACTOR } },
      resources: { [API]: { floor: MULTI_FACTOR } },
    } as const

    it('are raised by a scope', async () => {
      const bob = await bobAt({ policy }, { scopes: ['openid', 'offline_access', 'profile'] })
      assert.deepEqual((await visit(bob, { scope: 'openid' })).seen, [LOGIN])
      assert.deepEqual((await visit(bob, { scope: 'openid profile' })).seen, [CHALLENGE])
    })

    it('are raised by a resource', async () => {
      const bob = await bobAt({ policy }, resources)
      assert.deepEqual((await visit(bob)).seen, [LOGIN])
      assert.deepEqual((await visit(bob, { resource: API })).seen, [CHALLENGE])
    })
  })

  describe("levels: 'nist'", () => {
    const [aal1, aal2, aal3] = nist.map(({ acr }) => acr)

    it('NIST-2.2.3: asks for both again when AAL2 is a day old, and reports no more than what still stands', async () => {
      const host = await stage.host({ stepUp: { levels: 'nist', policy: { default: 'never' } } })
      const bob = await stage.person(host)
      const first = await visit(bob, { acr_values: aal2 ?? '' })
      assert.deepEqual([first.seen, await outcomeOf(first)], [[LOGIN, ENROLL], aal2])
      stage.clock.advance(DAY_SECONDS - 60)
      assert.equal(await outcomeOf(await visit(bob)), aal2)
      stage.clock.advance(120)
      assert.equal(await outcomeOf(await visit(bob)), aal1)
      const again = await visit(bob, { acr_values: aal2 ?? '' })
      assert.deepEqual([again.seen, await outcomeOf(again)], [[LOGIN, CHALLENGE], aal2])
    })

    it('NIST-2.3.1: an app is no hardware key', async () => {
      const host = await stage.host({ stepUp: { levels: 'nist', policy: { default: 'never' } } })
      const bob = await stage.person(host)
      const claims = JSON.stringify({ id_token: { acr: { essential: true, value: aal3 } } })
      assert.equal((await visit(bob, { claims })).error, 'unmet_authentication_requirements')
    })
  })
})
