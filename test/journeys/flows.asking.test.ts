import assert from 'node:assert/strict'
import { MULTI_FACTOR, PHISHING_RESISTANT, SINGLE_FACTOR } from '../../src/index.ts'
import { answerBy, journey, oneTruth, outcomeOf, redeem } from './flow-answers.ts'
import { ASKING, ASKING_WAYS, beside, createParty, flowClient, flowConfiguration } from './flows.ts'
import { acrClaim, CHALLENGE, CONSENT, LOGIN, UNREACHABLE, useStage } from './stage.ts'

const REFEDS = 'https://refeds.org/profile/mfa'
const MULTI = { acr_values: MULTI_FACTOR }
const ESSENTIAL = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }
const UNMET = 'unmet_authentication_requirements'

type Row = readonly [parameters: Readonly<Record<string, string>>, seen: readonly string[], outcome: string]

/** Asked out of a session that has a password of 100 seconds ago, where nothing is owed. */
const OUT_OF_A_PASSWORD: readonly Row[] = [
  [{}, [], SINGLE_FACTOR],
  [{ prompt: 'none' }, [], SINGLE_FACTOR],
  [{ ...MULTI, prompt: 'none' }, [], SINGLE_FACTOR],
  [{ ...ESSENTIAL, prompt: 'none' }, [], 'interaction_required'],
  [{ max_age: '50', prompt: 'none' }, [], 'login_required'],
  [{ max_age: '1000' }, [], SINGLE_FACTOR],
  [{ claims: acrClaim({ essential: true, value: 'urn:example:none' }) }, [], UNMET],
  [{ claims: acrClaim({ essential: true, value: PHISHING_RESISTANT }) }, [UNREACHABLE], UNREACHABLE],
  [{ claims: acrClaim({ essential: true, values: [PHISHING_RESISTANT, REFEDS] }) }, [CHALLENGE], REFEDS],
  [{ ...MULTI, max_age: '50' }, [CHALLENGE], MULTI_FACTOR],
  [{ max_age: '50' }, [LOGIN], SINGLE_FACTOR],
  [{ ...ESSENTIAL, max_age: '0' }, [LOGIN, CHALLENGE], MULTI_FACTOR],
  [{ ...ESSENTIAL, prompt: 'login consent' }, [LOGIN, CHALLENGE, CONSENT], MULTI_FACTOR],
]

/** Asked in a browser that knows nobody, where two kinds are owed. */
const UNDER_A_FLOOR: readonly Row[] = [
  [{}, [LOGIN, CHALLENGE], MULTI_FACTOR],
  [{ acr_values: SINGLE_FACTOR }, [LOGIN, CHALLENGE], SINGLE_FACTOR],
  [{ claims: acrClaim({ essential: true, value: SINGLE_FACTOR }) }, [LOGIN, CHALLENGE], SINGLE_FACTOR],
  [{ claims: acrClaim(null), acr_values: 'urn:example:none' }, [LOGIN, CHALLENGE], MULTI_FACTOR],
  [{ prompt: 'consent' }, [LOGIN, CHALLENGE, CONSENT], MULTI_FACTOR],
  [{ max_age: '100000' }, [LOGIN, CHALLENGE], MULTI_FACTOR],
  [{ prompt: 'none' }, [], 'login_required'],
]

describe('flows: however a request comes in, it is asked the same', () => {
  const stage = useStage()
  const start = async (policy: 'never' | 'always') => {
    const host = await stage.host({
      clients: beside(flowClient(), flowClient({ client_id: 'default', default_acr_values: [MULTI_FACTOR] })),
      configuration: flowConfiguration,
      stepUp: { policy: { default: policy }, rememberBrowser: false },
    })
    return { host, bob: await stage.enrolled(host), party: await createParty(host) }
  }

  for (const way of ASKING_WAYS)
    it(`out of a session with a password: ${way}`, async () => {
      const { bob, party } = await start('never')
      let isUsed = true
      for (const [parameters, seen, expected] of OUT_OF_A_PASSWORD) {
        if (isUsed) {
          bob.browser.clear()
          await journey(bob, party)
          stage.clock.advance(100)
        }
        const done = await journey(bob, party, parameters, { way })
        assert.deepEqual([done.seen, await outcomeOf(party, done)], [seen, expected], JSON.stringify(parameters))
        isUsed = seen.length > 0
      }
    })

  it('refuses a malformed acr request, a pushed one already where it is pushed', async () => {
    const { bob, party } = await start('never')
    const malformed = { claims: acrClaim({ essential: 'yes', value: MULTI_FACTOR }) }
    for (const way of ASKING_WAYS) {
      const asked = journey(bob, party, malformed, { way })
      if (way.endsWith('PAR')) await assert.rejects(asked, { error: 'invalid_request' })
      else assert.equal((await asked).error, 'invalid_request', way)
    }
  })

  for (const way of ASKING_WAYS)
    it(`in a new browser under a floor: ${way}`, async () => {
      const { bob, party } = await start('always')
      for (const [parameters, seen, expected] of UNDER_A_FLOOR) {
        bob.browser.clear()
        stage.clock.advance(60)
        const done = await journey(bob, party, parameters, { way })
        assert.deepEqual([done.seen, await outcomeOf(party, done)], [seen, expected], JSON.stringify(parameters))
        const silent = await journey(bob, party, { ...parameters, prompt: 'none' }, { way })
        const { error } = silent
        assert.equal(error, parameters.prompt === 'none' ? 'login_required' : undefined)
      }
    })

  for (const way of ASKING_WAYS)
    it(`takes an ID token as a hint at who is meant, and at nothing it says: ${way}`, async () => {
      const { bob, host, party } = await start('never')
      const strong = await journey(bob, party, MULTI)
      const { tokens } = await redeem(party, strong)
      const hint = { id_token_hint: tokens?.id_token ?? '' }
      stage.clock.advance(100)
      const silent = await journey(bob, party, { ...hint, prompt: 'none' }, { way })
      assert.equal(await outcomeOf(party, silent), MULTI_FACTOR)
      // The hint tells of two kinds; this browser has shown one.
      bob.browser.clear()
      await journey(bob, party)
      const weak = await journey(bob, party, { ...hint, ...ESSENTIAL, prompt: 'none' }, { way })
      assert.equal(weak.error, 'interaction_required')
      const carol = await stage.person(host, 'carol')
      await journey(carol, party, {}, { login: 'carol' })
      assert.equal((await journey(carol, party, { ...hint, prompt: 'none' }, { way })).error, 'login_required')
    })

  it("asks a client's default_acr_values in every shape, where the request asks nothing", async () => {
    const { bob, host } = await start('never')
    const party = await createParty(host, flowClient({ client_id: 'default' }))
    for (const way of ASKING_WAYS) {
      bob.browser.clear()
      stage.clock.advance(60)
      const asked = await journey(bob, party, {}, { way })
      assert.deepEqual([asked.seen, await outcomeOf(party, asked)], [[LOGIN, CHALLENGE], MULTI_FACTOR], way)
    }
  })

  it('keeps a silent renewal at the level and the time that were really reached, as often as it is asked', async () => {
    const { bob, party } = await start('never')
    const first = oneTruth((await redeem(party, await journey(bob, party, MULTI))).told)
    for (const way of ASKING_WAYS) {
      stage.clock.advance(1000)
      const silent = await journey(bob, party, { prompt: 'none' }, { way })
      assert.deepEqual(oneTruth((await redeem(party, silent)).told), first, way)
    }
    assert.deepEqual(first.amr, ['pwd', 'otp', 'mfa'])
  })

  it('takes nothing of a request object whose signature is not the client’s', async () => {
    const { bob, party } = await start('never')
    await journey(bob, party)
    const { all } = await party.request(ESSENTIAL)
    const { url } = await ASKING['JAR by ES256'](party, all)
    const [head, payload = '', signature] = (url.searchParams.get('request') ?? '').split('.')
    const { claims: _lost, ...weaker } = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const weak = Buffer.from(JSON.stringify(weaker)).toString('base64url')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    for (const request of [`${head}.${weak}.${signature}`, `${none}.${weak}.`]) {
      url.searchParams.set('request', request)
      const answer = answerBy(await bob.browser.get(url))
      assert.equal(answer?.parameters.get('error'), 'invalid_request_object')
      assert.equal(answer.parameters.has('code'), false)
    }
  })
})
