import assert from 'node:assert/strict'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import { markOf } from '../security/remembered.ts'
import { APPROVES } from '../support/duo.ts'
import { CLOSED_PAGE, DUO_PAGE, type DuoDesk, type DuoWishes, openDuo } from '../support/duo-desk.ts'
import { codeAt } from '../support/host.ts'
import { noticeOn, press } from '../support/notices.ts'
import { createJourney, errorOf, isAnswer } from '../support/relying-party.ts'
import { started } from './help.ts'
import { acrClaim, CHALLENGE } from './stage.ts'

describe('journeys: duo', () => {
  let clock: VirtualClock
  let desk: DuoDesk
  beforeEach(() => {
    clock = virtualClock()
  })
  afterEach(async () => {
    clock.restore()
    const { host, peer } = desk
    await desk.close()
    assert.deepEqual([host.errors, peer.complaints], [[], []])
  })
  const open = async (wishes: DuoWishes = {}) => {
    desk = await openDuo(wishes)
    return desk
  }
  const by = (factor: string, reason: string) => ({
    ...APPROVES,
    context: { factor, reason, event_type: 'authentication' },
  })

  it('goes to Duo and back without a page of ours, and reports what was done there', async () => {
    const { through, isAtDuo, host } = await open()
    const bob = await desk.person()
    const { page, redeem } = await bob.go()
    assert.ok(isAtDuo(page))
    const answer = await through(bob.browser, page)
    assert.ok(isAnswer(answer))
    const { acr, amr } = await redeem(answer.url)
    assert.deepEqual([acr, amr], [MULTI_FACTOR, ['pwd', 'mca', 'mfa']])
    const { authenticators } = await host.mfa.accounts.list('bob')
    assert.deepEqual(
      authenticators.map(({ factor, name, implied }) => ({ factor, name, implied })),
      [{ factor: 'duo', name: 'bob@example.com', implied: true }],
    )
  })

  it('asks for Duo anew at the next step-up, and takes what is done then', async () => {
    const { through, isAtDuo, peer } = await open()
    const bob = await desk.person()
    await through(bob.browser, (await bob.go()).page)
    clock.advance(60)
    const silent = await bob.go({ prompt: 'none', acr_values: MULTI_FACTOR })
    assert.deepEqual((await silent.redeem(silent.page.url)).amr, ['pwd', 'mca', 'mfa'])
    const { page, redeem } = await bob.go({ max_age: '30', acr_values: MULTI_FACTOR })
    assert.ok(isAtDuo(page))
    peer.script.person = by('WebAuthn Security Key', 'user_approved')
    const answer = await through(bob.browser, page)
    const { amr, authTime = 0 } = await redeem(answer.url)
    assert.deepEqual(amr, ['pwd', 'pop', 'user', 'mfa'])
    assert.ok(clock.now() - authTime < 10)
  })

  it('can be gone to once more from the page that the back button leads to, and only the last way back counts', async () => {
    const { back, through, isAtDuo } = await open()
    const bob = await desk.person()
    const { page } = await bob.go()
    const early = await back(page)
    const ours = await bob.browser.get(early.pathname.replace(/\/return$/, ''))
    assert.deepEqual([ours.heading, ours.status], [DUO_PAGE, 200])
    const again = await press(bob.browser, ours, 'Go to Duo')
    assert.ok(isAtDuo(again))
    const refused = await bob.browser.get(early)
    assert.deepEqual([refused.heading, refused.status, refused.url.search], [DUO_PAGE, 422, ''])
    assert.match(noticeOn(refused), /^That did not work/)
    assert.ok(isAnswer(await through(bob.browser, again)))
  })

  it('says that Duo said no, and leads to Duo again where the user asks for it', async () => {
    const { through, isAtDuo, peer } = await open()
    const bob = await desk.person()
    const { page, redeem } = await bob.go()
    peer.script.person = { ...APPROVES, result: 'deny', status: 'deny' }
    const closed = await through(bob.browser, page)
    assert.deepEqual([closed.heading, closed.status], [CLOSED_PAGE, 422])
    assert.match(closed.text, /If you turned it down by mistake, try again/)
    const reloaded = await bob.browser.get(closed.url)
    assert.equal(reloaded.heading, CLOSED_PAGE)
    peer.script.person = APPROVES
    const again = await press(bob.browser, reloaded, 'Try again')
    assert.ok(isAtDuo(again), `at "${again.heading}"`)
    const answer = await through(bob.browser, again)
    assert.deepEqual((await redeem(answer.url)).amr, ['pwd', 'mca', 'mfa'])
  })

  it('tells people that somebody may know their password where they reported it at Duo', async () => {
    const { through, peer } = await open()
    const bob = await desk.person()
    peer.script.person = { ...APPROVES, result: 'deny', status: 'deny', context: { result: 'fraud' } }
    const closed = await through(bob.browser, (await bob.go()).page)
    assert.match(closed.text, /change it/)
  })

  it('says so where Duo does not know its own answer just now, and can be tried again', async () => {
    const { through, back, peer } = await open()
    const bob = await desk.person()
    const { page } = await bob.go()
    const url = await back(page)
    peer.script.faults = { token: { status: 503, body: '' } }
    const ours = await bob.browser.get(url)
    assert.equal(ours.heading, DUO_PAGE)
    assert.match(noticeOn(ours), /^Duo does not answer just now/)
    peer.script.faults = {}
    assert.ok(isAnswer(await through(bob.browser, await press(bob.browser, ours, 'Go to Duo'))))
  })

  it('speaks German', async () => {
    const { back } = await open()
    const bob = await desk.person()
    const { page } = await bob.go({ ui_locales: 'de' })
    const { pathname } = await back(page)
    const ours = await bob.browser.get(pathname.replace(/\/return$/, ''))
    assert.equal(ours.heading, 'Mit Duo bestätigen, dass Sie es sind')
  })

  it('can be cancelled, and then nothing is claimed', async () => {
    const { back } = await open()
    const bob = await desk.person()
    const { page } = await bob.go()
    const ours = await bob.browser.get((await back(page)).pathname.replace(/\/return$/, ''))
    const cancelled = await press(bob.browser, ours, 'Cancel')
    assert.equal(errorOf(cancelled), 'access_denied')
  })

  it('is all that an account has, or not used: who has an app is asked for its code', async () => {
    const { isAtDuo, host } = await open({ besideTotp: true })
    const bob = await desk.person()
    assert.ok(isAtDuo((await bob.go()).page))
    await bob.enroll(await started(host, bob.browser))
    clock.advance(60)
    const later = await createJourney(host)
    later.secret = bob.secret
    const { page, redeem } = await later.go()
    assert.equal(page.heading, CHALLENGE)
    const answer = await later.answer(page, codeAt(bob.secret))
    assert.deepEqual((await redeem(answer.url)).amr, ['pwd', 'otp', 'mfa'])
  })

  it('is not counted on for more than possession, and still counts where it was more', async () => {
    const { isAtDuo, through, peer } = await open()
    const bob = await desk.person()
    const phr = { claims: acrClaim({ essential: true, value: 'phr' }) }
    assert.equal(errorOf((await bob.go(phr)).page), 'unmet_authentication_requirements')
    const { page } = await bob.go({ acr_values: MULTI_FACTOR })
    assert.ok(isAtDuo(page))
    peer.script.person = by('WebAuthn Chrome Touch ID', 'user_approved')
    await through(bob.browser, page)
    const strong = await bob.go(phr)
    assert.equal((await strong.redeem(strong.page.url)).acr, 'phr')
  })

  it('asks nobody whom the host gives no name at Duo', async () => {
    await open({ options: { username: ({ id }) => (id === 'alice' ? 'a.smith' : undefined) } })
    const [alice, bob] = [await desk.person('alice'), await desk.person('bob')]
    assert.ok(desk.isAtDuo((await alice.go()).page))
    const { page } = await bob.go()
    assert.equal(errorOf(page), 'unmet_authentication_requirements')
  })

  describe('where browsers are remembered', () => {
    /** The next sign-in of the same browser, in a new session. */
    const next = async ({ browser }: { browser: ReturnType<DuoDesk['host']['browser']> }) => {
      const journey = await createJourney(desk.host)
      journey.browser.load(markOf(browser))
      return journey.go()
    }

    it('does not ask again for thirty days, and claims nothing of it', async () => {
      const { through, isAtDuo } = await open()
      const bob = await desk.person()
      await through(bob.browser, (await bob.go()).page)
      clock.advance(86_400)
      const { page, redeem } = await next(bob)
      assert.ok(isAnswer(page))
      const { acr, amr } = await redeem(page.url)
      assert.deepEqual([acr, amr], [SINGLE_FACTOR, ['pwd']])
      clock.advance(30 * 86_400)
      assert.ok(isAtDuo((await next(bob)).page))
    })

    it('asks each time with allowRememberBrowser: false, and with a policy that remembers none', async () => {
      for (const wishes of [
        { options: { allowRememberBrowser: false } },
        { stepUp: { rememberBrowser: false } },
      ] as const) {
        if (desk !== undefined) await desk.close()
        const { through, isAtDuo } = await open(wishes)
        const bob = await desk.person()
        await through(bob.browser, (await bob.go()).page)
        assert.deepEqual(markOf(bob.browser), [])
        assert.ok(isAtDuo((await next(bob)).page))
      }
    })

    it('remembers none on the strength of a bypass code', async () => {
      const { through, isAtDuo, peer } = await open()
      peer.script.person = by('bypass_code', 'valid_passcode')
      const bob = await desk.person()
      const { page, redeem } = await bob.go()
      const answer = await through(bob.browser, page)
      assert.deepEqual((await redeem(answer.url)).amr, ['pwd', 'recovery-code', 'mfa'])
      assert.deepEqual(markOf(bob.browser), [])
      assert.ok(isAtDuo((await next(bob)).page))
    })
  })
})
