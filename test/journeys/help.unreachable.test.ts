import assert from 'node:assert/strict'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import type { HostOptions } from '../support/host.ts'
import { confirmed, DONE, has, INSIST, started, TWO_KINDS } from './help.ts'
import { answerOf, CHALLENGE, ENROLL, LOGIN, leave, offers, UNREACHABLE, useStage, visit } from './stage.ts'

const ASK_FOR_LINK =
  /here it can be set up only with a link\. Ask the people who look after your account to send you one\./
const UNMET = 'unmet_authentication_requirements'

/** How an account comes to need a ticket. */
const BY_TICKET: Readonly<Record<string, HostOptions['stepUp']>> = {
  'by configuration': { enrollment: 'ticket' },
  'after a reset': {},
}

describe('help: an account that needs a ticket', () => {
  const stage = useStage()

  for (const [how, options] of Object.entries(BY_TICKET)) {
    const bobAt = async (more: HostOptions['stepUp'] = {}) => {
      const host = await stage.host({ stepUp: { ...options, ...more } })
      if (options?.enrollment === undefined) await host.mfa.accounts.reset('bob', { enrollment: 'ticket' })
      return { host, bob: await stage.person(host) }
    }

    describe(how, () => {
      for (const [what, policy, parameters, error] of [
        ['an essential level', {}, INSIST, UNMET],
        ['a floor', { policy: { default: 'always' } }, {}, UNMET],
        ['a floor below a voluntary level', { policy: { default: 'always' } }, TWO_KINDS, UNMET],
      ] as const)
        it(`is told to ask for a link, and goes back unmet from ${what}`, async () => {
          const { host, bob } = await bobAt(policy)
          const { seen, page } = await visit(bob, parameters)
          assert.deepEqual([seen, page.status], [[LOGIN, UNREACHABLE], 200])
          assert.match(page.text, ASK_FOR_LINK)
          assert.match(page.text, /Test App/)
          assert.doesNotMatch(page.text, /secret=|name="code"|Add another way/)
          assert.equal(offers(page, 'decline'), false)
          const enrolling = `${page.url.pathname}/totp`
          await bob.browser.post(page, { code: '123456' }, enrolling)
          assert.doesNotMatch((await bob.browser.get(enrolling)).text, /secret=/)
          assert.equal(answerOf(await leave(bob, page, 'cancel')).error, error)
          assert.deepEqual(await has(host), [])
        })

      it('goes on without from a voluntary level, and the truth is reported', async () => {
        const { bob } = await bobAt()
        const { page, redeem } = await bob.go(TWO_KINDS)
        assert.match(page.text, ASK_FOR_LINK)
        assert.match(page.text, /Continue without it/)
        const answer = await bob.browser.post(page)
        const { acr, amr } = await redeem(answer.url)
        assert.deepEqual([acr, amr], [SINGLE_FACTOR, ['pwd']])
      })

      it('goes back denied from a voluntary level where it leaves', async () => {
        const { bob } = await bobAt()
        const { page } = await bob.go(TWO_KINDS)
        assert.equal(answerOf(await leave(bob, page, 'cancel')).error, 'access_denied')
      })

      it('learns in silence no more than any other', async () => {
        const { bob } = await bobAt()
        await visit(bob)
        assert.equal((await visit(bob, { ...INSIST, prompt: 'none' })).error, 'interaction_required')
        const { redeem } = await visit(bob, { ...TWO_KINDS, prompt: 'none' })
        assert.equal((await redeem()).acr, SINGLE_FACTOR)
      })

      it('is challenged on the page that told it so, once the link was used in another tab', async () => {
        const { host, bob } = await bobAt()
        const { page, redeem } = await bob.go(INSIST)
        assert.equal(page.heading, UNREACHABLE)
        const set = await confirmed(bob.browser, await started(host, bob.browser))
        assert.equal(set.page.heading, DONE)
        stage.clock.advance(60)
        bob.secret = set.secret
        const again = await bob.browser.get(page.url)
        assert.equal(again.heading, CHALLENGE)
        assert.equal((await redeem((await bob.answer(again)).url)).acr, MULTI_FACTOR)
      })

      it('is told in its own language', async () => {
        const { bob } = await bobAt()
        const { page } = await bob.go({ ...INSIST, ui_locales: 'de' })
        assert.match(page.text, /lang="de"/)
        assert.match(page.text, /Link/)
        assert.doesNotMatch(page.text, /Ask the people/)
      })
    })
  }

  it('is told otherwise where no link would help', async () => {
    const host = await stage.host({ stepUp: { enrollment: 'ticket' } })
    const bob = await stage.person(host)
    const claims = JSON.stringify({ id_token: { acr: { essential: true, value: 'phr' } } })
    const { page } = await bob.go({ claims })
    assert.equal(page.heading, UNREACHABLE)
    assert.doesNotMatch(page.text, ASK_FOR_LINK)
    assert.equal(answerOf(await leave(bob, page, 'cancel')).error, UNMET)
  })

  it('sets up inside the sign-in again after a reset that says nothing of tickets', async () => {
    const host = await stage.host()
    await host.mfa.accounts.reset('bob', { enrollment: 'ticket' })
    await host.mfa.accounts.reset('bob')
    const bob = await stage.person(host)
    assert.deepEqual((await visit(bob, INSIST)).seen, [LOGIN, ENROLL])
  })
})
