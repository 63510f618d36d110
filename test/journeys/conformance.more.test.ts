import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { MULTI_FACTOR, PHISHING_RESISTANT, SINGLE_FACTOR, type StepUpOptions, standard } from '../../src/index.ts'
import type { Page } from '../support/browser.ts'
import { codeAt } from '../support/host.ts'
import { answerBy, journey, oneTruth, outcomeOf, redeem, truthOf, walk } from './flow-answers.ts'
import {
  ASKING_WAYS,
  beside,
  createParty,
  flowClient,
  flowConfiguration,
  grantOf,
  type Parameters,
  RESPONSE_TYPES,
} from './flows.ts'
import { acrClaim, CHALLENGE, LOGIN, leave, useStage } from './stage.ts'

const SCA = 'urn:openbanking:psd2:sca'
const ESSENTIAL = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }
const INVALID = { error: 'invalid_grant' }

const REMEMBERED = 'two kinds, and a browser that is remembered'

const POLICIES = {
  'no policy': { policy: { default: 'never' } },
  'always two kinds': { policy: { default: 'always' }, rememberBrowser: false },
  [REMEMBERED]: { policy: { default: 'always' } },
} as const satisfies Readonly<Record<string, Partial<StepUpOptions>>>

/** Levels among which one has the name that FAPI's test asks for. */
const levels = standard.map((one) =>
  one.acr === MULTI_FACTOR ? { ...one, aliases: [...(one.aliases ?? []), SCA] } : one,
)

for (const [name, stepUp] of Object.entries(POLICIES) as [keyof typeof POLICIES, Partial<StepUpOptions>][])
  describe(`conformance, with ${name}`, () => {
    const stage = useStage()
    const owes = name !== 'no policy'
    const start = async () => {
      const host = await stage.host({
        clients: beside(
          flowClient(),
          flowClient({ client_id: 'other' }),
          flowClient({ client_id: 'weak', default_acr_values: [SINGLE_FACTOR] }),
        ),
        configuration: {
          ...flowConfiguration,
          loadExistingGrant: grantOf('openid profile offline_access', ['name']),
          claims: { openid: ['sub'], profile: ['name'] },
          findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, name: `The ${sub}` }) }),
        },
        stepUp: { levels, ...stepUp },
      })
      return { host, bob: await stage.enrolled(host), party: await createParty(host) }
    }

    /** A browser whose session has a password alone; where browsers are remembered, by a floor that was lifted. */
    const atHome = async () => {
      const all = await start()
      const { bob, party } = all
      const { page } = await journey(bob, party, {}, { stopAt: CHALLENGE })
      stage.clock.advance(60)
      if (name !== REMEMBERED) return all
      await walk(bob, await bob.browser.post(page, { code: codeAt(bob.secret), remember: 'yes' }))
      const kept = bob.browser.cookies().filter((one) => one.name.startsWith('step-up-browser'))
      assert.equal(kept.length, 1)
      bob.browser.clear()
      bob.browser.load(kept)
      assert.deepEqual((await journey(bob, party)).seen, [LOGIN])
      stage.clock.advance(60)
      return all
    }

    it('C-08: takes login_hint, ui_locales, claims_locales, display and the unknown', async () => {
      const { bob, party } = await start()
      const hostile = '"><script>alert(1)</script>'
      const rows: readonly Parameters[] = [
        { login_hint: 'bob@example.com' },
        { login_hint: hostile },
        { ui_locales: 'de' },
        { ui_locales: 'xx-YY de en' },
        { ui_locales: hostile },
        { claims_locales: 'se' },
        ...['page', 'popup', 'touch', 'wap'].map((display) => ({ display })),
        { extra: 'foobar', foo: hostile },
      ]
      for (const parameters of rows) {
        bob.browser.clear()
        const done = await journey(bob, party, { ...ESSENTIAL, ...parameters }, { stopAt: CHALLENGE })
        const title = JSON.stringify(parameters)
        assert.deepEqual([done.seen[0], done.seen.length, done.error], [LOGIN, 2, undefined], title)
        assert.equal(done.page.text.includes('<script>alert'), false, title)
        const isGerman = parameters.ui_locales?.includes('de') ?? false
        assert.match(done.page.text, isGerman ? /<html[^>]* lang="de"/ : /<html[^>]* lang="en"/, title)
        stage.clock.advance(60)
        const { answer } = await walk(bob, await bob.answer(done.page))
        assert.ok(answer?.parameters.has('code'), title)
      }
    })

    for (const seconds of [0, 30])
      it(`C-09: redeems a code once, and revokes for it when it comes again after ${seconds} s`, async () => {
        const { bob, party } = await start()
        const done = await journey(bob, party, ESSENTIAL)
        const { tokens } = await redeem(party, done)
        stage.clock.advance(seconds)
        await assert.rejects(redeem(party, done), INVALID)
        const { access_token: access = '', refresh_token: refresh = '' } = tokens ?? {}
        assert.equal((await client.tokenIntrospection(party.config, access)).active, false)
        await assert.rejects(client.fetchUserInfo(party.config, access, 'bob'))
        await assert.rejects(client.refreshTokenGrant(party.config, refresh), INVALID)
      })

    it('C-10: takes essential claims, of userinfo and of the ID token', async () => {
      const { bob, party } = await start()
      const claims = JSON.stringify({
        userinfo: { name: { essential: true } },
        id_token: { auth_time: { essential: true } },
      })
      const done = await journey(bob, party, { claims, scope: 'openid profile' })
      const { tokens, told } = await redeem(party, done)
      const user = await client.fetchUserInfo(party.config, tokens?.access_token ?? '', 'bob')
      assert.equal(user.name, 'The bob')
      assert.equal(typeof oneTruth(told).auth_time, 'number')
    })

    it('C-11: refreshes with new tokens for the same person and moment, for this client alone', async () => {
      const { host, bob, party } = await start()
      const other = await createParty(host, flowClient({ client_id: 'other' }))
      const { tokens: first } = await redeem(party, await journey(bob, party, ESSENTIAL))
      stage.clock.advance(60)
      await assert.rejects(client.refreshTokenGrant(other.config, first?.refresh_token ?? ''), INVALID)
      const second = await client.refreshTokenGrant(party.config, first?.refresh_token ?? '')
      assert.notEqual(second.access_token, first?.access_token)
      const [before, after] = [first?.claims(), second.claims()]
      for (const claim of ['iss', 'sub', 'aud', 'azp']) assert.deepEqual(after?.[claim], before?.[claim], claim)
      assert.deepEqual(truthOf(after ?? {}), truthOf(before ?? {}))
      assert.ok(Number(after?.iat) > Number(before?.iat))
      await assert.rejects(client.refreshTokenGrant(party.config, first?.refresh_token ?? ''), INVALID)
    })

    it('C-12: takes a POST at the authorization endpoint, with all pages that it owes', async () => {
      const { bob, party } = await start()
      const done = await journey(bob, party, {}, { way: 'POST' })
      assert.deepEqual(done.seen, owes ? [LOGIN, CHALLENGE] : [LOGIN])
      stage.clock.advance(60)
      bob.browser.clear()
      const strong = await journey(bob, party, ESSENTIAL, { way: 'POST' })
      assert.deepEqual([strong.seen, await outcomeOf(party, strong)], [[LOGIN, CHALLENGE], MULTI_FACTOR])
    })

    it('C-13: answers errors in plain words, with the state, the issuer, and nothing else', async () => {
      const { host, bob, party } = await start()
      const assertError = (page: Page, state: string, error: string) => {
        const { error_description: said = '', ...rest } = Object.fromEntries(answerBy(page)?.parameters ?? [])
        assert.deepEqual(rest, { error, state, iss: host.issuer })
        assert.match(said, /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,200}$/)
      }
      const unknown = acrClaim({ essential: true, value: 'urn:example:n\u00f6\nne\r\n' })
      const rows: readonly (readonly [Parameters, string])[] = [
        [{ prompt: 'none' }, 'login_required'],
        [{ ...ESSENTIAL, prompt: 'none' }, 'login_required'],
        [{ claims: unknown }, 'unmet_authentication_requirements'],
        [{ claims: acrClaim({ value: '\u00e4\t\n"' as unknown, values: 3 }) }, 'invalid_request'],
        [{ claims: '{"id_token":{"acr":"\u00e4"}}' }, 'invalid_request'],
        [{ max_age: '-1' }, 'invalid_request'],
        [{ prompt: 'none login' }, 'invalid_request'],
      ]
      for (const response_type of RESPONSE_TYPES)
        for (const [parameters, error] of rows) {
          const { page, request } = await journey(bob, party, { response_type, ...parameters })
          assertError(page, request.state, error)
        }
      const { page, request } = await journey(bob, party, ESSENTIAL, { stopAt: CHALLENGE })
      assertError(await leave(bob, page, 'cancel'), request.state, 'unmet_authentication_requirements')
    })

    it('C-14: answers an essential acr by that acr, or by an error', async () => {
      const { bob, party } = await atHome()
      const asked = [
        [SCA],
        [SCA, 'urn:openbanking:psd2:ca'],
        ['urn:openbanking:psd2:ca'],
        [PHISHING_RESISTANT],
        [MULTI_FACTOR, SCA],
      ]
      for (const values of asked)
        for (const prompt of [{}, { prompt: 'none' }, { prompt: 'login' }]) {
          stage.clock.advance(60)
          const done = await journey(bob, party, { claims: acrClaim({ essential: true, values }), ...prompt })
          const title = `${values} ${JSON.stringify(prompt)}`
          if (done.answer === undefined) assert.deepEqual(values, [PHISHING_RESISTANT], title)
          else if (done.error === undefined) assert.ok(values.includes(String(await outcomeOf(party, done))), title)
          else assert.match(done.error, /^(interaction_required|unmet_authentication_requirements)$/, title)
        }
    })

    const WEAK = { acr_values: SINGLE_FACTOR }
    const SHAPES: readonly (readonly [string, Parameters, Parameters])[] = [
      ['claims, then acr_values', { ...ESSENTIAL, ...WEAK }, {}],
      ['acr_values, then claims', { ...WEAK, ...ESSENTIAL }, {}],
      ['claims alone', ESSENTIAL, {}],
      ['claims, and acr_values that the browser adds', ESSENTIAL, WEAK],
    ]
    for (const way of ASKING_WAYS)
      it(`C-16: an essential acr loses nothing by acr_values or default_acr_values: ${way}`, async () => {
        const { host, bob } = await atHome()
        for (const clientId of ['flows', 'weak']) {
          const party = await createParty(host, flowClient({ client_id: clientId }))
          for (const [title, parameters, added] of SHAPES) {
            const silent = await journey(bob, party, { ...parameters, prompt: 'none' }, { way, added })
            assert.equal(silent.error, 'interaction_required', title)
            const open = await journey(bob, party, parameters, { way, added, stopAt: CHALLENGE })
            assert.deepEqual(open.seen, [CHALLENGE], title)
          }
        }
        const party = await createParty(host, flowClient({ client_id: 'weak' }))
        const done = await journey(bob, party, { ...ESSENTIAL, ...WEAK }, { way })
        assert.deepEqual([done.seen, await outcomeOf(party, done)], [[CHALLENGE], MULTI_FACTOR])
      })
  })
