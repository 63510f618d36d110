import assert from 'node:assert/strict'
import { PASSWORD } from '../../src/assurance/evidence.ts'
import { MULTI_FACTOR, PHISHING_RESISTANT, type Policy, SINGLE_FACTOR } from '../../src/index.ts'
import { codeAt } from '../support/host.ts'
import { errorOf, isAnswer, secretOn } from '../support/relying-party.ts'
import { acrClaim, answerOf, CHALLENGE, ENROLL, leave, offers, open, UNREACHABLE, useStage, visit } from './stage.ts'

const VOLUNTARY = { acr_values: MULTI_FACTOR }
const ESSENTIAL = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }
const UNMET = 'unmet_authentication_requirements'

interface Way {
  readonly title: string
  readonly parameters: Readonly<Record<string, string>>
  readonly policy: Policy
  readonly cancelled: string
  readonly declinable: boolean
}

const NEVER: Policy = { default: 'never' }
const ALWAYS: Policy = { default: 'always' }

const WAYS: readonly Way[] = [
  { title: 'a voluntary level', parameters: VOLUNTARY, policy: NEVER, cancelled: 'access_denied', declinable: true },
  { title: 'an essential level', parameters: ESSENTIAL, policy: NEVER, cancelled: UNMET, declinable: false },
  { title: 'a floor', parameters: {}, policy: ALWAYS, cancelled: 'access_denied', declinable: false },
  {
    title: "a client's floor",
    parameters: {},
    policy: { default: 'never', clients: { app: { floor: MULTI_FACTOR } } },
    cancelled: 'access_denied',
    declinable: false,
  },
  {
    title: 'a voluntary level above a floor',
    parameters: VOLUNTARY,
    policy: ALWAYS,
    cancelled: 'access_denied',
    declinable: false,
  },
  {
    title: 'an essential level and a floor',
    parameters: ESSENTIAL,
    policy: ALWAYS,
    cancelled: UNMET,
    declinable: false,
  },
]

describe('declining and cancelling', () => {
  const stage = useStage()

  for (const { title, parameters, policy, cancelled, declinable } of WAYS)
    for (const heading of [CHALLENGE, ENROLL])
      it(`${title}, at "${heading}": cancelled is ${cancelled}, and it can ${declinable ? '' : 'not '}be declined`, async () => {
        const host = await stage.host({ stepUp: { policy } })
        const person = heading === CHALLENGE ? await stage.enrolled(host) : await stage.person(host)
        const first = await person.go(parameters)
        assert.equal(first.page.heading, heading)
        const { error, iss, code } = answerOf(await leave(person, first.page, 'cancel'))
        assert.deepEqual({ error, iss, code }, { error: cancelled, iss: host.issuer, code: undefined })

        const { page, redeem } = await open(person, parameters)
        assert.equal(page.heading, heading)
        assert.equal(offers(page, 'decline'), declinable)
        const left = await person.browser.post(page, {}, `${page.url.pathname}/decline`)
        if (!declinable) return assert.deepEqual([left.status, isAnswer(left)], [400, false])
        const { acr, amr } = await redeem(left.url)
        assert.deepEqual([acr, amr], [SINGLE_FACTOR, ['pwd']])
      })

  it('asks again in the next request after a level was declined', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    const { page } = await bob.go(VOLUNTARY)
    assert.ok(isAnswer(await leave(bob, page, 'decline')))
    assert.equal((await open(bob, VOLUNTARY)).page.heading, CHALLENGE)
  })

  it('can be left after wrong codes as well', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    const { page, redeem } = await bob.go(VOLUNTARY)
    const wrong = await bob.answer(page, codeAt(bob.secret, stage.clock.now() - 3600))
    assert.equal(wrong.status, 422)
    assert.equal((await redeem((await leave(bob, wrong, 'decline')).url)).acr, SINGLE_FACTOR)
  })
})

describe('a level that the account has nothing for', () => {
  const stage = useStage()

  it('explains, and ends an essential one as unmet', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    const { page } = await bob.go({ claims: acrClaim({ essential: true, value: PHISHING_RESISTANT }) })
    assert.equal(page.heading, UNREACHABLE)
    assert.equal(offers(page, 'decline'), false)
    assert.equal(errorOf(await bob.browser.post(page)), UNMET)
  })

  it('explains, and goes on at the lower level after a voluntary one', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    const { page, redeem } = await bob.go({ acr_values: PHISHING_RESISTANT })
    assert.equal(page.heading, UNREACHABLE)
    const answer = await bob.browser.post(page)
    assert.equal((await redeem(answer.url)).acr, SINGLE_FACTOR)

    const again = await open(bob, { acr_values: PHISHING_RESISTANT })
    assert.equal(errorOf(await leave(bob, again.page, 'cancel')), 'access_denied')
  })

  it('goes on without a word where what could be proved was proved for the policy', async () => {
    const host = await stage.host({ stepUp: { policy: ALWAYS } })
    const bob = await stage.enrolled(host)
    const { seen, error, redeem } = await visit(bob, { acr_values: PHISHING_RESISTANT })
    assert.deepEqual([seen.at(-1), error], [CHALLENGE, undefined])
    assert.equal((await redeem()).acr, MULTI_FACTOR)
  })

  it("ends a client's floor as unmet, whether or not the account has another authenticator", async () => {
    const policy: Policy = { default: 'never', clients: { app: { floor: PHISHING_RESISTANT } } }
    // No factor here meets it; that a login might, only its host can say.
    const login = () => PASSWORD
    const host = await stage.host({ stepUp: { policy, login } })
    const carol = await stage.person(host, 'carol')
    assert.equal(errorOf((await carol.go()).page), UNMET)

    const elsewhere = await stage.host({ stepUp: { store: host.store } })
    const bob = await stage.enrolled(elsewhere)
    const atHost = await stage.person(host)
    atHost.secret = bob.secret
    const { page } = await atHost.go()
    assert.equal(page.heading, UNREACHABLE)
    assert.equal(offers(page, 'decline'), false)
    assert.equal(errorOf(await atHost.browser.post(page)), UNMET)
  })
})

describe('tabs, reloads and the back button', () => {
  const stage = useStage()

  it('finishes in one tab, then in the other', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    const one = await bob.go(ESSENTIAL)
    const other = await open(bob, ESSENTIAL)
    assert.deepEqual([one.page.heading, other.page.heading], [CHALLENGE, CHALLENGE])

    const code = codeAt(bob.secret)
    const answer = await bob.answer(one.page, code)
    assert.equal((await one.redeem(answer.url)).acr, MULTI_FACTOR)
    const same = await bob.answer(other.page, code)
    assert.deepEqual([same.status, same.heading], [422, CHALLENGE])
    stage.clock.advance(30)
    const next = await bob.answer(same)
    assert.equal((await other.redeem(next.url)).acr, MULTI_FACTOR)
  })

  it('goes on in the other tab by declining, at what the first one proved', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    const one = await bob.go(VOLUNTARY)
    const other = await open(bob, VOLUNTARY)
    await bob.answer(one.page)
    const left = await leave(bob, other.page, 'decline')
    assert.equal((await other.redeem(left.url)).acr, MULTI_FACTOR)
  })

  it('answers the back button after success by a page that says so, and by no second code', async () => {
    const host = await stage.host()
    const bob = await stage.enrolled(host)
    const { page, redeem } = await bob.go(ESSENTIAL)
    const answer = await bob.answer(page)
    await redeem(answer.url)
    stage.clock.advance(30)
    for (const back of [await bob.browser.get(page.url), await bob.answer(page), await leave(bob, page, 'cancel')])
      assert.deepEqual([back.status, back.heading, isAnswer(back)], [400, 'This page has expired', false])
  })

  it('shows the same secret after a reload and after a wrong code', async () => {
    const host = await stage.host()
    const bob = await stage.person(host)
    const { page } = await bob.go(ESSENTIAL)
    const secret = secretOn(page)
    assert.equal(secretOn(await bob.browser.get(page.url)), secret)
    const wrong = await bob.answer(page, codeAt(secret, stage.clock.now() - 3600))
    assert.deepEqual([wrong.status, secretOn(wrong)], [422, secret])
    bob.secret = secret
    assert.ok(isAnswer(await bob.answer(wrong)))
  })

  it('enrols in one of two tabs; the other goes on without a second authenticator', async () => {
    const host = await stage.host()
    const bob = await stage.person(host)
    const one = await bob.go(ESSENTIAL)
    const other = await open(bob, ESSENTIAL)
    const lost = secretOn(other.page)
    assert.notEqual(lost, secretOn(one.page))
    const answer = await bob.enroll(one.page)
    assert.equal((await one.redeem(answer.url)).acr, MULTI_FACTOR)

    const late = await bob.answer(other.page, codeAt(lost))
    assert.equal((await other.redeem(late.url)).acr, MULTI_FACTOR)

    bob.browser.clear()
    stage.clock.advance(60)
    const { page } = await bob.go(ESSENTIAL)
    const refused = await bob.answer(page, codeAt(lost))
    assert.deepEqual([page.heading, refused.status], [CHALLENGE, 422])
    assert.ok(isAnswer(await bob.answer(refused)))
  })
})
