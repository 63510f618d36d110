import assert from 'node:assert/strict'
import type { Policy, StepUpOptions } from '../../src/index.ts'
import { MULTI_FACTOR, SINGLE_FACTOR } from '../../src/index.ts'
import { type Confidence, client, when } from '../../src/policy/index.ts'
import { impossibleTravel, newDevice } from '../../src/risk/index.ts'
import { codeAt, type Host } from '../support/host.ts'
import { EMAIL } from '../support/mailroom.ts'
import { createRelyingParty, isAnswer, signIn } from '../support/relying-party.ts'
import {
  atlas,
  BERLIN,
  clientCalled,
  deviceCookiesOf,
  dial,
  doubting,
  listening,
  PYONGYANG,
  people,
  type Traveler,
  traveler,
  VIENNA,
  withMail,
} from './policy-stage.ts'
import { CHALLENGE, LOGIN, open, useStage, visit } from './stage.ts'

const ASKED = [LOGIN, CHALLENGE]
const HOUR = 3600

describe('journeys: adaptive', () => {
  const stage = useStage()
  const { set, risk } = dial([newDevice(), impossibleTravel()])
  const appOf = { bob: '' }
  const start = async (policy: Policy = { default: 'adaptive' }, more: Partial<StepUpOptions> = {}) => {
    set.to = 'high'
    const host = await stage.host({
      clients: [clientCalled('app'), clientCalled('lobby')],
      stepUp: { policy, risk, geo: atlas(), trustedProxies: ['loopback'], ...more },
    })
    const { secret } = await stage.enrolled(host)
    appOf.bob = secret
    set.to = undefined
    const bobAt = async (address = BERLIN) => Object.assign(await traveler(host, 'bob', address), { secret })
    return { host, bobAt }
  }
  /** The same browser later: of its cookies only those are left that make it known. */
  const later = async (host: Host, { browser, headers }: Traveler, login = 'bob', secret = appOf.bob) => {
    stage.clock.advance(60)
    const again = Object.assign(await traveler(host, login, headers['x-forwarded-for']), { secret })
    again.browser.load(deviceCookiesOf(browser))
    return again
  }

  it('asks in a browser that is new, and tells that by rba, with no level that was not proved', async () => {
    const { host, bobAt } = await start()
    const heard = listening(host)
    const bob = await bobAt()
    const first = await visit(bob)
    assert.deepEqual(first.seen, ASKED)
    const proved = await first.redeem()
    assert.deepEqual([proved.acr, proved.amr], [MULTI_FACTOR, ['pwd', 'otp', 'rba', 'mfa']])
    const second = await visit(await later(host, bob))
    assert.deepEqual(second.seen, [LOGIN])
    const waived = await second.redeem()
    assert.deepEqual([waived.acr, waived.amr], [SINGLE_FACTOR, ['pwd', 'rba']])
    const decision = heard.at(-1)
    assert.equal(decision?.outcome === 'satisfied' && decision.lifted, 'confidence')
    const levels = await visit(await later(host, bob), { acr_values: MULTI_FACTOR })
    assert.deepEqual(levels.seen, ASKED)
    assert.deepEqual((await levels.redeem()).amr, ['pwd', 'otp', 'mfa'])
  })

  it('and tells of no risk where it only looked', async () => {
    const { bobAt } = await start({ default: 'never' })
    assert.deepEqual((await (await visit(await bobAt())).redeem()).amr, ['pwd'])
  })

  describe('a browser is known', () => {
    it('neither by a password alone nor by a client that asks for nothing', async () => {
      const rules = [when(client('lobby'), { exempt: true })]
      const { host, bobAt } = await start({ default: 'adaptive', rules })
      const lobby = await createRelyingParty(host, clientCalled('lobby'))
      const eve = await bobAt()
      assert.deepEqual((await visit(eve, {}, { rp: lobby })).seen, [LOGIN])
      assert.deepEqual((await visit(eve, { prompt: 'none' }, { rp: lobby })).error, undefined)
      assert.deepEqual(deviceCookiesOf(eve.browser), [])
      assert.deepEqual((await visit(eve, { prompt: 'none' })).error, 'interaction_required')
      assert.deepEqual((await visit(await later(host, eve))).seen, ASKED)
    })

    it('neither by the cookie of another account, a made up one, nor one that was planted before', async () => {
      const { host, bobAt } = await start()
      const bob = await bobAt()
      const planted = 'A'.repeat(43)
      await visit(bob)
      const [cookie] = deviceCookiesOf(bob.browser)
      assert.ok(cookie !== undefined)
      for (const value of [planted, '', `${cookie.value}x`, cookie.value.slice(1)]) {
        const eve = await later(host, bob)
        eve.browser.load([{ ...cookie, value }])
        const came = await visit(eve)
        assert.deepEqual(came.seen, ASKED, value)
        assert.notEqual(deviceCookiesOf(eve.browser)[0]?.value, value)
      }
      set.to = 'high'
      const carol = await traveler(host, 'carol')
      await visit(carol, { acr_values: MULTI_FACTOR }, { login: 'carol' })
      set.to = undefined
      const [hers] = deviceCookiesOf(carol.browser)
      assert.ok(hers !== undefined && hers.name !== cookie.name)
      const eve = await later(host, bob)
      eve.browser.load([{ ...cookie, value: hers.value }])
      assert.deepEqual((await visit(eve)).seen, ASKED)
    })

    it('for two people who share it, each by their own cookie', async () => {
      const { host, bobAt } = await start()
      const bob = await bobAt()
      await visit(bob)
      set.to = 'high'
      const carol = await later(host, bob, 'carol')
      await visit(carol, { acr_values: MULTI_FACTOR }, { login: 'carol' })
      set.to = undefined
      assert.equal(deviceCookiesOf(carol.browser).length, 2)
      assert.deepEqual((await visit(await later(host, carol, 'carol'), {}, { login: 'carol' })).seen, [LOGIN])
      assert.deepEqual((await visit(await later(host, carol))).seen, [LOGIN])
    })

    it('not while a clock is behind what it has seen', async () => {
      const { host, bobAt } = await start()
      const bob = await bobAt()
      await visit(bob)
      stage.clock.advance(-2 * HOUR)
      // No code that an app shows then is taken: they are older than the last.
      assert.deepEqual((await visit(await later(host, bob))).seen.slice(0, 2), ASKED)
    })
  })

  it('asks whoever cannot have come so far, and nobody who can', async () => {
    const { host, bobAt } = await start()
    const bob = await bobAt()
    await visit(bob)
    const at = async (address: string) => {
      const abroad = await later(host, bob)
      abroad.from(address)
      return (await visit(abroad)).seen
    }
    stage.clock.advance(HOUR)
    assert.deepEqual(await at(PYONGYANG), ASKED)
    // From there, where he has proved himself.
    stage.clock.advance(HOUR)
    assert.deepEqual(await at(BERLIN), ASKED)
    stage.clock.advance(5 * HOUR)
    assert.deepEqual(await at(VIENNA), [LOGIN])
  })

  it('low confidence takes nothing from a remembered browser', async () => {
    const { bobAt } = await start({ default: 'always' })
    set.to = 'high'
    const bob = await bobAt()
    const page = await signIn(bob.browser, (await open(bob)).page, 'bob')
    assert.ok(isAnswer(await bob.browser.post(page, { code: codeAt(bob.secret), remember: 'yes' })))
    const seen = async (confidence: Confidence) => {
      set.to = confidence
      stage.clock.advance(60)
      const again = await bobAt()
      again.browser.load(bob.browser.cookies().filter(({ name }) => !name.startsWith('_')))
      return (await visit(again)).seen
    }
    assert.deepEqual(await seen('low'), ASKED)
    assert.deepEqual(await seen('medium'), [LOGIN])
    // A session that relies on it already is asked as well.
    const relying = await bobAt()
    relying.browser.load(bob.browser.cookies().filter(({ name }) => !name.startsWith('_')))
    set.to = 'high'
    stage.clock.advance(30)
    await visit(relying)
    set.to = 'low'
    stage.clock.advance(60)
    assert.equal((await visit(relying, { prompt: 'none' })).error, 'interaction_required')
  })

  it('asks at medium confidence where that is wanted', async () => {
    const { bobAt } = await start({ default: 'adaptive', adaptive: { askAt: 'medium' } })
    for (const [confidence, seen] of [
      ['medium', ASKED],
      ['high', [LOGIN]],
    ] as const) {
      set.to = confidence
      assert.deepEqual((await visit(await bobAt())).seen, seen)
      stage.clock.advance(60)
    }
  })

  describe('of an account that has nothing enrolled', () => {
    const doubtful = (more: Partial<StepUpOptions> = {}) =>
      stage.host({ accounts: people(), stepUp: { policy: { default: 'adaptive' }, risk: [doubting], ...more } })

    it('proves a verified address, which is no level, and makes the browser known', async () => {
      const { factors, code } = withMail()
      const stepUp = { policy: { default: 'adaptive' }, risk: [newDevice()], factors } as const
      const host = await stage.host({ accounts: people(), stepUp })
      const bob = await traveler(host)
      const asked = await open(bob)
      const page = await signIn(bob.browser, asked.page, 'bob')
      assert.equal(page.heading, EMAIL)
      assert.equal((await visit(bob, { prompt: 'none' })).error, 'interaction_required')
      const { acr, amr } = await asked.redeem((await bob.browser.post(page, { code: code() })).url)
      assert.deepEqual([acr, amr], [SINGLE_FACTOR, ['pwd', 'rba']])
      assert.ok((await host.mfa.accounts.list('bob')).authenticators.every(({ implied }) => implied))
      assert.deepEqual((await visit(await later(host, bob))).seen, [LOGIN])
    })

    for (const [title, more, error] of [
      ['has no verified address', { factors: withMail().factors }, 'unmet_authentication_requirements'],
      ['could prove none', {}, 'access_denied'],
      [
        'is to be refused',
        { factors: withMail().factors, policy: { default: 'adaptive', adaptive: { unenrolled: 'refuse' } } },
        'access_denied',
      ],
    ] as const)
      it(`is refused where it ${title}, and is offered nothing`, async () => {
        const host = await doubtful({ ...more, offers: true } as Partial<StepUpOptions>)
        for (const parameters of [{}, { acr_values: MULTI_FACTOR }, { prompt: 'login' }, { max_age: '0' }]) {
          const carol = await traveler(host, 'carol')
          const came = await visit(carol, parameters, { login: 'carol' })
          assert.deepEqual([came.seen, came.error], [[LOGIN], error], JSON.stringify(parameters))
          const silent = await visit(carol, { prompt: 'none' })
          assert.notEqual(silent.error, undefined)
        }
        assert.deepEqual((await host.mfa.accounts.list('carol')).authenticators, [])
      })
  })
})
