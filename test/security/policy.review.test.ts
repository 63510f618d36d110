import assert from 'node:assert/strict'
import { totp } from '../../src/factors/totp.ts'
import type { AnyFactor, Policy } from '../../src/index.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import {
  all,
  always,
  changedLocation,
  client,
  loginMethod,
  newDevice,
  not,
  type Rule,
  when,
} from '../../src/policy/index.ts'
import { impossibleTravel, newDevice as newDeviceRisk } from '../../src/risk/index.ts'
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
  withMail,
} from '../journeys/policy-stage.ts'
import { acrClaim, CHALLENGE, LOGIN, open, type Person, useStage, visit } from '../journeys/stage.ts'
import { useCibaStage } from '../support/ciba-stage.ts'
import { codeAt, type Host } from '../support/host.ts'
import { EMAIL } from '../support/mailroom.ts'
import { createRelyingParty, isAnswer, signIn } from '../support/relying-party.ts'

const INSIST = { claims: acrClaim({ essential: true, value: MULTI_FACTOR }) }
const OWE = { floor: MULTI_FACTOR }
const UNMET = 'unmet_authentication_requirements'

const ADAPTIVE = { policy: { default: 'adaptive' }, risk: [doubting] } as const

describe('security: policy, reviewed', () => {
  const stage = useStage()

  describe('on a password alone nothing is set up where a verified address is owed', () => {
    const { factors } = withMail()
    const OWED = [always({ verifiedAddress: true })]
    const MORE = [...OWED, always({ floor: MULTI_FACTOR })]
    for (const [title, stepUp, parameters] of [
      ['by a request that asks for nothing', ADAPTIVE, {}],
      ['by a request that asks for a level', ADAPTIVE, { acr_values: MULTI_FACTOR }],
      ['by a request that insists on a level', ADAPTIVE, INSIST],
      [
        'by a request for a scope that owes a level',
        { ...ADAPTIVE, policy: { ...ADAPTIVE.policy, scopes: { profile: { floor: MULTI_FACTOR } } } },
        { scope: 'openid profile' },
      ],
      ['beside the default', { policy: { default: 'always', rules: OWED } }, {}],
      ['beside another rule', { policy: { default: 'never', rules: MORE } }, {}],
    ] as const)
      it(title, async () => {
        const configuration = { scopes: ['openid', 'offline_access', 'profile'] }
        const host = await stage.host({ accounts: people(), configuration, stepUp: { ...stepUp, factors } })
        for (const login of ['alice', 'carol']) {
          const { seen, error } = await visit(await traveler(host, login), parameters, { login })
          assert.deepEqual([login, seen, error], [login, [LOGIN], UNMET])
        }
      })
  })

  it('nor at a client that is exempt', async () => {
    const { factors } = withMail()
    const rules = [when(client('app'), { exempt: true })]
    const policy = { default: 'adaptive', rules } as const
    const host = await stage.host({ accounts: people(), stepUp: { ...ADAPTIVE, policy, factors } })
    for (const parameters of [INSIST, { acr_values: MULTI_FACTOR }]) {
      await visit(await traveler(host, 'carol'), parameters, { login: 'carol' })
      assert.deepEqual((await host.mfa.accounts.list('carol')).authenticators, [])
    }
  })

  it('a proof of an address is no older than its rule says', async () => {
    const { factors, code } = withMail()
    const rules = [always({ verifiedAddress: true, maxAgeSeconds: 60 })]
    const host = await stage.host({ accounts: people(), stepUp: { factors, policy: { default: 'never', rules } } })
    const bob = await traveler(host)
    const { page } = await visit(bob)
    assert.ok(isAnswer(await bob.browser.post(page, { code: code() })))
    assert.deepEqual((await visit(bob)).seen, [])
    stage.clock.advance(3600)
    assert.deepEqual((await visit(bob)).seen, [EMAIL])
  })

  it('prompt=none does not tell whether an account has enrolled anything', async () => {
    const { set, risk } = dial([doubting])
    const host = await stage.host({ stepUp: { ...ADAPTIVE, risk } })
    set.to = 'high'
    const bob = await stage.enrolled(host)
    const carol = await traveler(host, 'carol')
    await visit(bob)
    await visit(carol, {}, { login: 'carol' })
    set.to = 'low'
    const errors = await Promise.all([bob, carol].map(async (one) => (await visit(one, { prompt: 'none' })).error))
    assert.deepEqual(errors, ['interaction_required', 'interaction_required'])
  })

  it('an account that has nothing enrolled is asked by what follows from facts about it', async () => {
    const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
    const badge: AnyFactor = {
      ...totp({ issuer: 'Test' }),
      implied: () => [{ id: 'implied:badge', factor: 'totp', status: 'active', createdAt: 0, data: { secret } }],
    }
    const host = await stage.host({ stepUp: { ...ADAPTIVE, factors: [badge] } })
    const bob = await traveler(host)
    const { page } = await open(bob)
    assert.equal((await signIn(bob.browser, page, 'bob')).heading, CHALLENGE)
  })

  it('a demand that no level stands for is refused at the start, and not passed over', async () => {
    const levels = [
      { acr: 'urn:example:one', needs: { kinds: 1 } },
      { acr: 'urn:example:hard', needs: { traits: ['replay-resistant'] } },
    ] as const
    for (const demand of [{ factors: ['totp'] }, { maxAgeSeconds: 60 }]) {
      const policy = { default: 'never', rules: [always(demand)] } as const
      await assert.rejects(stage.host({ stepUp: { levels, policy } }), { code: 'ERR_CONFIG' }, JSON.stringify(demand))
    }
  })

  describe('a copied device cookie', () => {
    const CLIENTS = [clientCalled('app'), clientCalled('lobby')]
    const open = async () => {
      const { set, risk } = dial([newDeviceRisk(), impossibleTravel()])
      const rules = [when(client('lobby'), { exempt: true })]
      const policy = { default: 'adaptive', rules } as const
      const host = await stage.host({
        clients: CLIENTS,
        stepUp: { policy, risk, geo: atlas(), trustedProxies: ['loopback'] },
      })
      set.to = 'high'
      const { secret } = await stage.enrolled(host)
      set.to = undefined
      const bob = Object.assign(await traveler(host, 'bob', BERLIN), { secret })
      assert.deepEqual((await visit(bob)).seen, [LOGIN, CHALLENGE])
      stage.clock.advance(60)
      return { host, bob }
    }
    const thief = async (host: Host, { browser, secret }: Traveler) => {
      const eve = Object.assign(await traveler(host, 'bob', PYONGYANG), { secret })
      eve.browser.load(deviceCookiesOf(browser))
      return eve
    }

    it('is known, and still too far away', async () => {
      const { host, bob } = await open()
      assert.deepEqual((await visit(await thief(host, bob))).seen, [LOGIN, CHALLENGE])
    })

    it('comes no nearer by a client that asks for nothing', async () => {
      const { host, bob } = await open()
      const eve = await thief(host, bob)
      const lobby = await createRelyingParty(host, clientCalled('lobby'))
      assert.deepEqual((await visit(eve, {}, { rp: lobby })).seen, [LOGIN])
      assert.deepEqual((await visit(eve)).seen, [CHALLENGE])
    })
  })

  it('a copied device cookie comes no nearer where risk looks at browsers only', async () => {
    const on = { rules: false }
    const held = all(client('bank'), changedLocation('country'))
    const rule: Rule = {
      reads: held.reads,
      demand: (facts) => (on.rules && held.test(facts) !== false ? OWE : undefined),
    }
    const host = await stage.host({
      clients: [clientCalled('app'), clientCalled('bank')],
      stepUp: {
        policy: { default: 'never', rules: [rule] },
        risk: [newDeviceRisk()],
        geo: atlas(),
        trustedProxies: ['loopback'],
      },
    })
    const bank = await createRelyingParty(host, clientCalled('bank'))
    const { secret } = await stage.enrolled(host)
    const bob = Object.assign(await traveler(host), { secret })
    await visit(bob, INSIST)
    on.rules = true
    stage.clock.advance(60)
    const eve = Object.assign(await traveler(host, 'bob', PYONGYANG), { secret })
    eve.browser.load(deviceCookiesOf(bob.browser))
    assert.deepEqual((await visit(eve)).seen, [LOGIN])
    assert.deepEqual((await visit(eve, {}, { rp: bank })).seen, [CHALLENGE])
  })

  it('a remembered browser lifts nothing where risk cannot be told', async () => {
    const { set, risk } = dial([doubting])
    set.to = 'high'
    let fails = false
    const facts = {
      risk: () => {
        if (fails) throw new Error('out of order')
        return { confidence: 'high', version: '1', assessments: {} } as const
      },
    }
    const host = await stage.host({ stepUp: { policy: { default: 'always', facts }, risk } })
    const bob: Person = await stage.enrolled(host)
    const asked = await open(bob)
    const page = await signIn(bob.browser, asked.page, 'bob')
    await bob.browser.post(page, { code: codeAt(bob.secret), remember: 'yes' })
    stage.clock.advance(60)
    const again = async () => {
      const later = await traveler(host)
      later.secret = bob.secret
      later.browser.load(bob.browser.cookies().filter(({ name }) => name.startsWith('step-up-browser')))
      return (await visit(later)).seen
    }
    fails = true
    assert.deepEqual(await again(), [LOGIN, CHALLENGE])
  })

  it('nobody asks where a browser is that no rule looks at for its place', async () => {
    const geo = atlas()
    const rules = [when(newDevice(), { floor: MULTI_FACTOR })]
    const host = await stage.host({ stepUp: { policy: { default: 'never', rules }, geo } })
    const { seen } = await visit(await traveler(host))
    assert.equal(seen.length, 2)
    assert.deepEqual(geo.asked, [])
  })

  describe('a rule on trial', () => {
    const trial: Rule = {
      name: 'trial',
      reads: ['moon', 'now'] as never,
      demand: () => undefined,
      sources: { moon: () => 'full', now: () => 4711 },
    }
    const seen: unknown[] = []
    const effective: Rule<'now'> = { reads: ['now'], demand: ({ now }) => void seen.push(now) }
    const heardUnder = async (policy: Policy) => {
      const host = await stage.host({ stepUp: { policy } })
      const heard = listening(host)
      await visit(await traveler(host))
      return heard[0]?.trace.policy?.facts
    }

    it('reads what it brings along, also in a whole policy on trial', async () => {
      const facts = await heardUnder({ default: 'never', reportOnly: { default: 'never', rules: [trial] } })
      assert.equal(facts?.moon, 'full')
    })

    it('tells nobody else what to believe', async () => {
      await heardUnder({ default: 'never', rules: [effective, { ...trial, reportOnly: true }] })
      assert.ok(seen.length > 0 && !seen.includes(4711), seen.join())
    })
  })

  it('rba is told only where risk alone made the difference', async () => {
    const host = await stage.host({
      stepUp: {
        policy: { default: 'never', rules: [{ reads: ['risk'], demand: () => ({ floor: MULTI_FACTOR }) }] },
        risk: [doubting],
      },
    })
    const asked = await visit(await traveler(host), INSIST)
    assert.deepEqual((await asked.redeem()).amr, ['pwd', 'otp', 'mfa'])
  })
})

describe('security: policy in the backchannel, reviewed', () => {
  const stage = useCibaStage()

  it('nobody has typed a password there', async () => {
    const rules = [when(not(loginMethod('pwd')), { refuse: 'no password' })]
    await stage.start({ stepUp: { policy: { default: 'never', rules } } })
    await stage.assertRefused('access_denied')
  })
})
