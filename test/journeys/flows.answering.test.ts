import assert from 'node:assert/strict'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import { type Answer, answerBy, journey, oneTruth, outcomeOf, redeem } from './flow-answers.ts'
import { beside, createParty, flowClient, flowConfiguration, RESPONSE_TYPES, type ResponseType } from './flows.ts'
import { acrClaim, CHALLENGE, LOGIN, leave, useStage } from './stage.ts'

const ESSENTIAL = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }
const UNMET = 'unmet_authentication_requirements'
const AMR = ['pwd', 'otp', 'mfa']

type Mode = 'query' | 'fragment' | 'form_post'

const modesOf = (responseType: ResponseType): readonly (Mode | undefined)[] =>
  responseType === 'code' ? [undefined, 'fragment', 'form_post'] : [undefined, 'form_post']

const FLOWS = RESPONSE_TYPES.flatMap((responseType) =>
  modesOf(responseType).map((mode) => [responseType, mode] as const),
)

const WHERE: Readonly<Record<ResponseType, readonly string[]>> = {
  code: ['ID token', 'access token'],
  'code id_token': ['front ID token', 'ID token', 'access token'],
  'code token': ['front access token', 'ID token', 'access token'],
  'code id_token token': ['front access token', 'front ID token', 'ID token', 'access token'],
  id_token: ['front ID token'],
  'id_token token': ['front access token', 'front ID token'],
}

/** An error brings no code and no token, and nothing that was not asked for. */
const assertBare = (answer: Answer | undefined, error: string, via: Mode) => {
  assert.equal(answer?.via, via)
  const { error_description: _said, state: _state, iss: _iss, ...rest } = Object.fromEntries(answer.parameters)
  assert.deepEqual(rest, { error })
}

describe('flows: however the answer goes out, it tells the truth', () => {
  const stage = useStage()
  const start = async (policy: 'never' | 'always' = 'never') => {
    const host = await stage.host({
      clients: beside(flowClient()),
      configuration: flowConfiguration,
      stepUp: { policy: { default: policy }, rememberBrowser: false },
    })
    return { host, bob: await stage.enrolled(host), party: await createParty(host) }
  }

  for (const [responseType, mode] of FLOWS)
    it(`"${responseType}" with response_mode ${mode ?? 'left out'}`, async () => {
      const { bob, party } = await start()
      const via = mode ?? (responseType === 'code' ? 'query' : 'fragment')
      const flow = { response_type: responseType, ...(mode === undefined ? {} : { response_mode: mode }) }
      const tell = async (parameters: Readonly<Record<string, string>>, seen: readonly string[]) => {
        const done = await journey(bob, party, { ...flow, ...parameters })
        assert.deepEqual([done.seen, done.answer?.via, done.error], [seen, via, undefined])
        const { told } = await redeem(party, done)
        assert.deepEqual(Object.keys(told).sort(), [...WHERE[responseType]].sort())
        return oneTruth(told)
      }

      const loginAt = stage.clock.now()
      const weak = await tell({}, [LOGIN])
      assert.deepEqual([weak.acr, weak.amr], [SINGLE_FACTOR, ['pwd']])
      assert.ok(Number(weak.auth_time) - loginAt <= 2)
      stage.clock.advance(100)
      assert.deepEqual(await tell({ prompt: 'none' }, []), weak)

      const silent = await journey(bob, party, { ...flow, ...ESSENTIAL, prompt: 'none' })
      assertBare(silent.answer, 'interaction_required', via)
      const { page } = await journey(bob, party, { ...flow, ...ESSENTIAL }, { stopAt: CHALLENGE })
      assertBare(answerBy(await leave(bob, page, 'cancel')), UNMET, via)

      const codeAt = stage.clock.now()
      const strong = await tell({ ...ESSENTIAL, max_age: '50' }, [CHALLENGE])
      assert.deepEqual([strong.acr, strong.amr], [MULTI_FACTOR, AMR])
      assert.ok(Number(strong.auth_time) >= codeAt)
      stage.clock.advance(1000)
      assert.deepEqual(await tell({ prompt: 'none' }, []), strong)
      const again = await tell({ max_age: '50' }, [LOGIN])
      assert.deepEqual([again.acr, again.amr], [SINGLE_FACTOR, ['pwd']])
      assert.ok(Number(again.auth_time) >= codeAt + 1000)
    })

  for (const responseType of RESPONSE_TYPES)
    it(`no floor is passed by "${responseType}"`, async () => {
      const { bob, party } = await start('always')
      for (const mode of modesOf(responseType)) {
        bob.browser.clear()
        stage.clock.advance(60)
        const flow = { response_type: responseType, ...(mode === undefined ? {} : { response_mode: mode }) }
        const { page } = await journey(bob, party, { ...flow, acr_values: SINGLE_FACTOR }, { stopAt: CHALLENGE })
        const silent = await journey(bob, party, { ...flow, prompt: 'none' })
        const via = mode ?? (responseType === 'code' ? 'query' : 'fragment')
        assertBare(silent.answer, 'interaction_required', via)
        assertBare(answerBy(await leave(bob, page, 'cancel')), 'access_denied', via)
        const done = await journey(bob, party, flow)
        assert.deepEqual([done.seen, await outcomeOf(party, done)], [[CHALLENGE], MULTI_FACTOR])
      }
    })

  it('puts no token into a query, whoever asks for that', async () => {
    const { bob, party } = await start()
    await journey(bob, party)
    for (const responseType of RESPONSE_TYPES.filter((one) => one !== 'code')) {
      const { error, answer } = await journey(bob, party, { response_type: responseType, response_mode: 'query' })
      assert.equal(error, 'invalid_request', responseType)
      assertBare(answer, 'invalid_request', 'query')
    }
  })
})
