import assert from 'node:assert/strict'
import { MULTI_FACTOR, PHISHING_RESISTANT, SINGLE_FACTOR } from '../../src/index.ts'
import { CLIENT } from '../support/host.ts'
import { errorOf } from '../support/relying-party.ts'
import { acrClaim, answerOf, CHALLENGE, LOGIN, offers, open, outcomeOf, UNREACHABLE, useStage, visit } from './stage.ts'

const OKTA = 'urn:okta:loa:2fa:any'
const REFEDS = 'https://refeds.org/profile/mfa'
const STRANGE = 'urn:example:none'
const UNMET = 'unmet_authentication_requirements'

const values = (...all: readonly string[]) => ({ acr_values: all.join(' ') })
const essential = (...all: readonly string[]) => ({ claims: acrClaim({ essential: true, values: all }) })
const voluntary = (...all: readonly string[]) => ({ claims: acrClaim({ values: all }) })
const claim = (acr: unknown) => ({ claims: acrClaim(acr) })

type Row = readonly [title: string, parameters: Readonly<Record<string, string>>, expected: string]

/** What comes back without any page, out of a session that has proved two kinds. */
const WITH_TWO_KINDS: readonly Row[] = [
  ['nothing asked: the last level met', {}, MULTI_FACTOR],
  ['the first met of a voluntary list', values(MULTI_FACTOR, SINGLE_FACTOR), MULTI_FACTOR],
  ['the first met of a voluntary list, weaker first', values(SINGLE_FACTOR, MULTI_FACTOR), SINGLE_FACTOR],
  ['the first met of an essential list', essential(MULTI_FACTOR, SINGLE_FACTOR), MULTI_FACTOR],
  ['the first met of an essential list, weaker first', essential(SINGLE_FACTOR, MULTI_FACTOR), SINGLE_FACTOR],
  ['what cannot be had is passed over', values(PHISHING_RESISTANT, MULTI_FACTOR), MULTI_FACTOR],
  ['what cannot be had is passed over, essential', essential(PHISHING_RESISTANT, MULTI_FACTOR), MULTI_FACTOR],
  ['an alias as it was spelled', values(OKTA), OKTA],
  ['another alias as it was spelled', essential(REFEDS), REFEDS],
  ['an alias before the name', values(OKTA, MULTI_FACTOR), OKTA],
  ['the name before an alias', values(MULTI_FACTOR, OKTA), MULTI_FACTOR],
  ['one asked twice', essential(REFEDS, REFEDS), REFEDS],
  ['unknown values are skipped', values(STRANGE, OKTA), OKTA],
  ['unknown values are skipped, essential', essential(STRANGE, OKTA), OKTA],
  ['only unknown values, voluntary: never echoed', values(STRANGE), MULTI_FACTOR],
  ['value and values are united', claim({ essential: true, value: STRANGE, values: [REFEDS] }), REFEDS],
  ['value comes before values', claim({ essential: true, value: OKTA, values: [REFEDS] }), OKTA],
  ['a single essential value', claim({ essential: true, value: REFEDS }), REFEDS],
  ['a single voluntary value', claim({ value: REFEDS }), REFEDS],
  ['a voluntary claim keeps what acr_values would replace', { ...voluntary(OKTA), ...values(SINGLE_FACTOR) }, OKTA],
  ['the same with the parameters the other way round', { ...values(SINGLE_FACTOR), ...voluntary(OKTA) }, OKTA],
  ['a claim without values leaves the word to acr_values', { ...claim(null), ...values(OKTA) }, OKTA],
  ['essential without values: report it', claim({ essential: true }), MULTI_FACTOR],
  [
    'essential without values beside acr_values',
    { ...claim({ essential: true }), ...values(SINGLE_FACTOR) },
    SINGLE_FACTOR,
  ],
  ['null: report it', claim(null), MULTI_FACTOR],
  ['an empty voluntary list: report it', claim({ values: [] }), MULTI_FACTOR],
  [
    'an acr asked in userinfo does not count',
    { claims: JSON.stringify({ userinfo: { acr: { essential: true, value: PHISHING_RESISTANT } } }) },
    MULTI_FACTOR,
  ],
]

/** What a session that has proved one kind leads to: a page's heading, an error, or the acr. */
const WITH_ONE_KIND: readonly Row[] = [
  ['any listed level that is met satisfies', values(MULTI_FACTOR, SINGLE_FACTOR), SINGLE_FACTOR],
  ['any listed level that is met satisfies, essential', essential(MULTI_FACTOR, SINGLE_FACTOR), SINGLE_FACTOR],
  ['what is asked and not met is asked for', values(MULTI_FACTOR), CHALLENGE],
  ['the first reachable is aimed at', values(PHISHING_RESISTANT, OKTA), CHALLENGE],
  ['the first reachable is aimed at, essential', essential(PHISHING_RESISTANT, OKTA), CHALLENGE],
  ['a voluntary claim asks', voluntary(OKTA), CHALLENGE],
  ['what cannot be reached is explained', values(PHISHING_RESISTANT), UNREACHABLE],
  ['what cannot be reached is explained, essential', essential(PHISHING_RESISTANT), UNREACHABLE],
  ['essential without values asks nothing', claim({ essential: true }), SINGLE_FACTOR],
  ['only unknown values, voluntary, ask nothing', values(STRANGE), SINGLE_FACTOR],
  ['only unknown values, voluntary claim, ask nothing', voluntary(STRANGE), SINGLE_FACTOR],
  ['only unknown values, essential, are refused', essential(STRANGE), UNMET],
]

const MALFORMED: Readonly<Record<string, string>> = {
  'acr as text': acrClaim(MULTI_FACTOR),
  'acr as an array': acrClaim([MULTI_FACTOR]),
  'acr as a number': acrClaim(2),
  'acr as true': acrClaim(true),
  'value as a number': acrClaim({ value: 2 }),
  'value as an empty text': acrClaim({ essential: true, value: '' }),
  'value as null': acrClaim({ essential: true, value: null }),
  'value as a list': acrClaim({ value: [MULTI_FACTOR] }),
  'values as text': acrClaim({ values: MULTI_FACTOR }),
  'values as an object': acrClaim({ essential: true, values: { 0: MULTI_FACTOR } }),
  'values with a number': acrClaim({ values: [1] }),
  'values with one wrong among good ones': acrClaim({ essential: true, values: [MULTI_FACTOR, null] }),
  'values with thousands of numbers': acrClaim({ values: Array.from({ length: 2000 }, (_none, index) => index) }),
  'essential as text': acrClaim({ essential: 'yes', value: MULTI_FACTOR }),
  'essential as null': acrClaim({ essential: null, value: MULTI_FACTOR }),
  'essential with an empty list': acrClaim({ essential: true, values: [] }),
  'id_token as a list': JSON.stringify({ id_token: [{ acr: { value: MULTI_FACTOR } }] }),
  'a list': '[]',
  'no JSON': '{"id_token":',
  'thousands of brackets': '['.repeat(3000),
  'no members': '{}',
}

describe('acr: what a relying party may ask, and what it is told', () => {
  const stage = useStage()

  it('reports out of a session with two kinds the asked level as it was spelled, without any page', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    await visit(bob, values(MULTI_FACTOR))
    for (const [title, parameters, expected] of WITH_TWO_KINDS) {
      const answered = await visit(bob, parameters)
      assert.deepEqual([answered.seen, await outcomeOf(answered)], [[], expected], title)
    }
  })

  it('asks out of a session with one kind only for what is not met and can be reached', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    await visit(bob)
    for (const [title, parameters, expected] of WITH_ONE_KIND) {
      const { page, redeem } = await open(bob, parameters)
      const error = errorOf(page)
      assert.equal(await outcomeOf({ seen: [], page, error, redeem: () => redeem(page.url) }), expected, title)
    }
  })

  it('lets what is voluntary be declined, and what is essential not', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    await visit(bob)
    for (const [parameters, declinable] of [
      [values(MULTI_FACTOR), true],
      [voluntary(MULTI_FACTOR), true],
      [essential(MULTI_FACTOR), false],
      [claim({ essential: true, value: MULTI_FACTOR }), false],
    ] as const)
      assert.equal(offers((await open(bob, parameters)).page, 'decline'), declinable, JSON.stringify(parameters))
  })

  it("takes a client's default_acr_values where the request asks nothing", async () => {
    const host = await stage.host({
      clients: [
        {
          ...CLIENT,
          redirect_uris: [...CLIENT.redirect_uris],
          grant_types: [...CLIENT.grant_types],
          response_types: ['code'],
          default_acr_values: [PHISHING_RESISTANT, OKTA],
        },
      ],
    })
    const bob = await stage.enrolled(host)
    const byDefault = await visit(bob)
    assert.deepEqual(byDefault.seen, [LOGIN, CHALLENGE])
    assert.equal((await byDefault.redeem()).acr, OKTA)
    assert.equal((await (await visit(bob, values(SINGLE_FACTOR))).redeem()).acr, SINGLE_FACTOR)
    assert.equal((await (await visit(bob, voluntary(REFEDS))).redeem()).acr, REFEDS)
  })

  it('answers a malformed acr request by invalid_request, before any page', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    for (const [title, claims] of Object.entries(MALFORMED)) {
      const { page } = await open(bob, { claims })
      const { error, iss, code } = answerOf(page)
      assert.deepEqual({ error, iss, code }, { error: 'invalid_request', iss: host.issuer, code: undefined }, title)
    }
  })

  it('answers a malformed acr request in the same way out of a session and for prompt=none', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    const claims = acrClaim({ essential: true, values: [] })
    const cold = answerOf((await open(bob, { claims, prompt: 'none' })).page)
    await visit(bob)
    assert.deepEqual(answerOf((await open(bob, { claims })).page), cold)
    assert.deepEqual(answerOf((await open(bob, { claims, prompt: 'none' })).page), cold)
    assert.equal(cold.error, 'invalid_request')
  })

  it('refuses an essential acr that no level names before any page, however many are listed', async () => {
    const host = await stage.host()
    const bob = await stage.person(host)
    const many = Array.from({ length: 300 }, (_none, index) => `${STRANGE}:${index}`)
    for (const parameters of [
      essential(STRANGE),
      essential(...many),
      { ...essential(STRANGE), ...values(SINGLE_FACTOR) },
    ])
      assert.equal(errorOf((await open(bob, parameters)).page), UNMET)
    const silent = await open(bob, { ...essential(STRANGE), prompt: 'none' })
    assert.equal(errorOf(silent.page), 'login_required')
  })
})

/** What prompt=none answers: an error, or the acr. Never a page. */
const SILENT: readonly Row[] = [
  ['nothing asked', {}, SINGLE_FACTOR],
  ['a voluntary level that is not met', values(MULTI_FACTOR), SINGLE_FACTOR],
  ['a voluntary level that cannot be had', voluntary(PHISHING_RESISTANT), SINGLE_FACTOR],
  ['an essential level that is met', essential(SINGLE_FACTOR), SINGLE_FACTOR],
  ['an essential level that is not met', essential(MULTI_FACTOR), 'interaction_required'],
  ['an essential level that cannot be had', essential(PHISHING_RESISTANT), 'interaction_required'],
  ['an essential acr that no level names', essential(STRANGE), UNMET],
  ['an essential list with one that a level names', essential(STRANGE, PHISHING_RESISTANT), 'interaction_required'],
  ['a max_age that has passed', { max_age: '10' }, 'login_required'],
  ['a max_age that has not passed', { max_age: '1000' }, SINGLE_FACTOR],
  ['a max_age beside a level that is not met', { ...essential(MULTI_FACTOR), max_age: '10' }, 'interaction_required'],
]

describe('acr: prompt=none asks nothing and tells nothing', () => {
  const stage = useStage()

  it('answers without a page, with state and iss', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    await visit(bob)
    stage.clock.advance(60)
    for (const [title, parameters, expected] of SILENT) {
      const state = `state of ${title}`
      const answered = await visit(bob, { ...parameters, prompt: 'none', state })
      assert.equal(answered.page.url.searchParams.get('state'), state, title)
      assert.equal(answerOf(answered.page).iss, host.issuer, title)
      const { error, seen } = answered
      if (expected === SINGLE_FACTOR)
        assert.deepEqual([seen, error, answerOf(answered.page).code], [[], undefined, 'a code'])
      else assert.deepEqual([seen, error], [[], expected], title)
    }
  })

  it('keeps a silent renewal working at the level that was really reached', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    await visit(bob)
    const renewed = await visit(bob, { ...values(PHISHING_RESISTANT, MULTI_FACTOR), prompt: 'none' })
    assert.equal((await renewed.redeem()).acr, SINGLE_FACTOR)
  })

  it('wants the login itself where no session is, whatever is asked', async () => {
    const host = await stage.host({ stepUp: { policy: { default: 'always' } } })
    const bob = await stage.person(host)
    for (const [title, parameters] of SILENT)
      assert.equal((await visit(bob, { ...parameters, prompt: 'none' })).error, 'login_required', title)
  })

  it('answers by interaction_required where the policy owes more than the session has proved', async () => {
    const host = await stage.host({ stepUp: { policy: { default: 'always' } } })
    const bob = await stage.enrolled(host)
    assert.equal((await bob.go()).page.heading, CHALLENGE)
    for (const parameters of [{}, values(MULTI_FACTOR), essential(MULTI_FACTOR), values(STRANGE)])
      assert.equal((await visit(bob, { ...parameters, prompt: 'none' })).error, 'interaction_required')
  })

  for (const policy of ['never', 'always'] as const)
    it(`AC-47: does not tell who has an authenticator, with the policy "${policy}"`, async () => {
      const host = await stage.host({ stepUp: { policy: { default: policy } } })
      const bob = await stage.enrolled(host)
      const carol = await stage.person(host, 'carol')
      await bob.go()
      await carol.go()
      for (const [title, parameters] of SILENT) {
        const [one, other] = [
          await visit(bob, { ...parameters, prompt: 'none' }),
          await visit(carol, { ...parameters, prompt: 'none' }),
        ]
        assert.deepEqual(answerOf(one.page), answerOf(other.page), title)
        const told = [...one.page.url.searchParams].filter(([name]) => name !== 'code' && name !== 'state')
        assert.doesNotMatch(told.join(' '), /bob|totp|enrol|authenticator/i)
      }
    })
})
