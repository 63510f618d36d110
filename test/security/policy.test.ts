import assert from 'node:assert/strict'
import type Provider from 'oidc-provider'
import * as openid from 'openid-client'
import { push } from '../../src/factors/push.ts'
import { totp } from '../../src/factors/totp.ts'
import { webauthn } from '../../src/factors/webauthn.ts'
import type { Policy, StepUpOptions } from '../../src/index.ts'
import { MULTI_FACTOR, PHISHING_RESISTANT, SINGLE_FACTOR } from '../../src/index.ts'
import { country, ipRange, network, newDevice, not, type Rule, when } from '../../src/policy/index.ts'
import {
  type Assessor,
  dormant,
  impossibleTravel,
  newDevice as newDeviceRisk,
  untrustedIp,
} from '../../src/risk/index.ts'
import { journey, redeem, truthOf, walk } from '../journeys/flow-answers.ts'
import {
  ASKING_WAYS,
  type AskingWay,
  beside,
  createParty,
  fill,
  flowClient,
  flowConfiguration,
  RESPONSE_TYPES,
} from '../journeys/flows.ts'
import { atlas, BERLIN, dial, doubting, type Headers, traveler } from '../journeys/policy-stage.ts'
import { acrClaim, CHALLENGE, LOGIN, open, UNREACHABLE, useStage, visit } from '../journeys/stage.ts'
import { useCibaStage } from '../support/ciba-stage.ts'
import { codeAt, type Host, type HostOptions } from '../support/host.ts'
import { createPhone, ticketOn } from '../support/phone.ts'
import { errorOf, signIn } from '../support/relying-party.ts'
import { advanced, postOnly } from './support.ts'

const DONE = 'Sign-in Success'
const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const OWN_GRANT = 'urn:example:grant'
const UNMET = 'unmet_authentication_requirements'

/** Switched on once somebody is enrolled. */
const switched = (demand: NonNullable<ReturnType<Rule['demand']>>) => {
  const set = { on: false }
  return { set, rule: { reads: [], demand: () => (set.on ? demand : undefined) } satisfies Rule<never> }
}

const EVERY: readonly (readonly [string, AskingWay])[] = [
  ...ASKING_WAYS.map((way) => ['code', way] as const),
  ...RESPONSE_TYPES.map((type) => [type, 'query'] as const),
]
const SOME: typeof EVERY = [
  ['code', 'PAR'],
  ['code id_token token', 'JAR in a POST'],
  ['id_token', 'query'],
]

describe('security: policy', () => {
  const stage = useStage()

  describe('AC-29: no way to sign in passes a rule by', () => {
    const floor = switched({ floor: MULTI_FACTOR })
    const refusal = switched({ refuse: 'closed' })
    const doubt = dial([doubting])
    const HELD: readonly (readonly [
      string,
      Partial<StepUpOptions>,
      (on: boolean) => void,
      readonly string[],
      string?,
    ])[] = [
      [
        'a floor',
        { policy: { default: 'never', rules: [floor.rule] } },
        (on) => void Object.assign(floor.set, { on }),
        [LOGIN, CHALLENGE],
      ],
      [
        'a refusal',
        { policy: { default: 'never', rules: [refusal.rule] } },
        (on) => void Object.assign(refusal.set, { on }),
        [LOGIN],
        'access_denied',
      ],
      [
        'low confidence',
        { policy: { default: 'adaptive' }, risk: doubt.risk },
        (on) => void Object.assign(doubt.set, { to: on ? undefined : 'high' }),
        [LOGIN, CHALLENGE],
      ],
    ]

    for (const [title, stepUp, toggle, seen, error] of HELD)
      it(`${title} holds by every way to ask, every response type, and on devices`, async () => {
        toggle(false)
        const host = await stage.host({ clients: beside(flowClient()), configuration: flowConfiguration, stepUp })
        const [bob, rp] = [await stage.enrolled(host), await createParty(host)]
        toggle(true)
        const held = async (type: string, way: AskingWay) => {
          bob.browser.clear()
          const came = await journey(bob, rp, { response_type: type }, { way, stopAt: CHALLENGE })
          assert.deepEqual([came.seen, came.error], [seen, error], `${type} by ${way}`)
          const told = [...(came.answer?.parameters.keys() ?? [])]
          assert.ok(!told.some((name) => ['code', 'id_token', 'access_token'].includes(name)), told.join())
        }
        for (const [type, way] of title === 'a floor' ? EVERY : SOME) await held(type, way)

        bob.browser.clear()
        const device = await openid.initiateDeviceAuthorization(rp.config, { scope: 'openid' })
        const typed = await fill(bob.browser, await bob.browser.get(device.verification_uri), {
          user_code: device.user_code,
        })
        const confirmed = await fill(bob.browser, typed, { confirm: 'yes' })
        const { page } = await walk(bob, confirmed, 'bob', CHALLENGE)
        assert.notEqual(page.heading, DONE)
        const poll = openid.genericGrantRequest(rp.config, GRANT, { device_code: device.device_code })
        await assert.rejects(poll, { error: error ?? 'authorization_pending' })
      })

    it('a refresh repeats what was true, and a grant of the host’s own tells no level', async () => {
      floor.set.on = false
      const prepare = (provider: Provider) =>
        provider.registerGrantType(
          OWN_GRANT,
          async (ctx) => {
            const { client } = ctx.oidc
            const token = new provider.AccessToken({ accountId: 'bob', client, scope: 'openid' } as never)
            ctx.body = { access_token: await token.save(), token_type: 'Bearer', expires_in: 60 }
          },
          [],
        )
      const party = flowClient({ grant_types: [...(flowClient().grant_types ?? []), OWN_GRANT] })
      const stepUp: HostOptions['stepUp'] = { policy: { default: 'never', rules: [floor.rule] } }
      const host = await stage.host({ clients: beside(party), configuration: flowConfiguration, stepUp, prepare })
      const [bob, rp] = [await stage.enrolled(host), await createParty(host, party)]
      const { tokens } = await redeem(rp, await journey(bob, rp))
      floor.set.on = true
      const refreshed = await openid.refreshTokenGrant(rp.config, tokens?.refresh_token ?? '')
      assert.deepEqual([refreshed.claims()?.acr, refreshed.claims()?.amr], [SINGLE_FACTOR, ['pwd']])
      const own = await openid.genericGrantRequest(rp.config, OWN_GRANT, {})
      const told = await openid.tokenIntrospection(rp.config, own.access_token)
      assert.equal(told.active, true)
      assert.deepEqual(truthOf(told), { acr: undefined, amr: undefined, auth_time: undefined })
    })
  })

  /** What comes after the password, of somebody who was never here, with these headers. */
  const afterLogin = async (options: HostOptions, headers: Headers, address = BERLIN) => {
    const host = await stage.host(options)
    const bob = await traveler(host, 'bob', address)
    for (const [name, value] of Object.entries(headers)) bob.headers[name] = value
    return visit(bob)
  }

  describe('AC-37: what is not known spares nothing', () => {
    for (const [title, rule] of [
      ['an address', when(ipRange('10.0.0.0/8'), { exempt: true })],
      ['a network', when(not(network('tor', 'vpn')), { exempt: true })],
      ['a place', when(not(country('KP')), { exempt: true })],
      ['a browser', when(not(newDevice()), { exempt: true })],
    ] as const)
      it(`in an exemption by ${title}`, async () => {
        const policy: Policy = { default: 'always', rules: [rule as Rule] }
        const unknown = { 'x-forwarded-for': 'unknown', 'user-agent': '' }
        const stepUp = { policy, geo: atlas(), trustedProxies: ['loopback'] }
        const { seen } = await afterLogin({ stepUp }, unknown)
        assert.equal(seen.length, 2, seen.join())
      })

    for (const assessor of [newDeviceRisk(), impossibleTravel(), untrustedIp(), dormant()])
      it(`and adaptive asks where all that ${assessor.name} has is nothing`, async () => {
        const risk = [assessor as Assessor]
        const stepUp = { policy: { default: 'adaptive' }, risk, trustedProxies: ['loopback'] } as const
        const { seen, error } = await afterLogin({ stepUp }, { 'x-forwarded-for': 'unknown', 'user-agent': '' })
        assert.deepEqual([seen, error], [[LOGIN], 'access_denied'])
      })
  })

  describe('AC-38, AC-72: no header of a browser spares anything', () => {
    const CLAIMED: Headers = {
      'x-forwarded-for': '10.0.0.1',
      forwarded: 'for=10.0.0.1;by=10.0.0.1',
      'x-real-ip': '10.0.0.1',
      'x-client-ip': '10.0.0.1',
      'cf-connecting-ip': '10.0.0.1',
      'true-client-ip': '10.0.0.1',
      'x-mfa': 'done',
      'user-agent': 'Mozilla/5.0 (trusted)',
    }
    const policy: Policy = { default: 'always', rules: [when(ipRange('10.0.0.0/8', '127.0.0.2'), { exempt: true })] }
    const behindProxy = (provider: Provider) => {
      provider.proxy = true
    }
    const ASKED = 2
    for (const [title, options, forwarded, pages] of [
      ['where no proxy is trusted', { stepUp: { policy } }, '10.0.0.1', ASKED],
      ['where an empty list is trusted', { stepUp: { policy, trustedProxies: [] } }, '10.0.0.1', ASKED],
      ['where another proxy is trusted', { stepUp: { policy, trustedProxies: ['192.0.2.1'] } }, '10.0.0.1', ASKED],
      [
        'left of what the proxy wrote',
        { stepUp: { policy, trustedProxies: ['loopback'] } },
        `10.0.0.1, ${BERLIN}`,
        ASKED,
      ],
      [
        'left of two',
        { stepUp: { policy, trustedProxies: ['loopback', '10.9.0.0/16'] } },
        `10.0.0.1, ${BERLIN}, 10.9.0.1`,
        ASKED,
      ],
      [
        'left of what the provider’s own proxy wrote',
        { stepUp: { policy }, prepare: behindProxy },
        `10.0.0.1, ${BERLIN}`,
        ASKED,
      ],
      [
        'where the provider trusts a proxy and we do not',
        { stepUp: { policy, trustedProxies: [] }, prepare: behindProxy },
        '10.0.0.1',
        ASKED,
      ],
      ['but what a trusted proxy tells', { stepUp: { policy, trustedProxies: ['loopback'] } }, '10.0.0.1', 1],
      ['nor what the provider’s own proxy tells', { stepUp: { policy }, prepare: behindProxy }, '10.0.0.1', 1],
    ] as const)
      it(title, async () => {
        const { seen } = await afterLogin(options as HostOptions, { ...CLAIMED, 'x-forwarded-for': forwarded })
        assert.equal(seen.length, pages, seen.join())
      })
  })

  describe('AC-100: where phishing resistance is owed', () => {
    const essential = { claims: acrClaim({ essential: true, value: PHISHING_RESISTANT }) }
    const phr = switched({ floor: PHISHING_RESISTANT })
    const factors = [webauthn({ relyingPartyName: 'Test' }), push(), totp({ issuer: 'Test' })]

    /** Somebody with an app that shows codes, or one that answers. */
    const equipped = async (host: Host, id: 'push' | 'totp') => {
      const bob = await traveler(host)
      const asked = await open(bob, { acr_values: MULTI_FACTOR })
      const choice = await signIn(bob.browser, asked.page, 'bob')
      const page = await bob.browser.get(choice.targets.find((target) => target.endsWith(`/${id}`)) ?? '')
      if (id === 'totp') {
        await bob.enroll(page)
      } else {
        const { post, device } = createPhone(host.issuer)
        const { body } = await post(device.enrollment(ticketOn(page), { name: 'Phone' }))
        await bob.browser.post(await bob.browser.get(page.url), { code: String(body.code) })
      }
      bob.browser.clear()
      stage.clock.advance(60)
      return bob
    }

    for (const [title, on, parameters] of [
      ['by a rule', true, {}],
      ['by the relying party', false, essential],
    ] as const)
      for (const id of ['totp', 'push'] as const)
        it(`${title}, ${id} is neither asked nor taken`, async () => {
          phr.set.on = false
          const host = await stage.host({ stepUp: { factors, policy: { default: 'never', rules: [phr.rule] } } })
          const bob = await equipped(host, id)
          assert.equal((await host.mfa.accounts.list('bob')).authenticators.length, 1)
          phr.set.on = on
          const { browser } = bob
          const page = await signIn(browser, (await open(bob, parameters)).page, 'bob')
          assert.equal(page.heading, UNREACHABLE)
          const here = page.url.pathname
          const code = id === 'totp' ? codeAt(bob.secret) : '1'
          for (const action of [`${here}/${id}`, here])
            assert.ok(!advanced(await postOnly(browser, page, { code }, {}, action)))
          assert.equal((await browser.get(page.url)).heading, UNREACHABLE)
          assert.equal(errorOf(await browser.post(page, {}, `${here}/cancel`)), UNMET)
        })
  })
})

describe('security: policy in the backchannel', () => {
  const stage = useCibaStage()
  for (const [title, demand, error] of [
    ['a floor', { floor: MULTI_FACTOR }, UNMET],
    ['a refusal', { refuse: 'closed' }, 'access_denied'],
    ['an address to be proved', { verifiedAddress: true }, UNMET],
  ] as const)
    it(`AC-29: ${title} holds, and nobody is asked`, async () => {
      const { set, rule } = switched(demand)
      await stage.start({ stepUp: { policy: { default: 'never', rules: [rule] } } })
      set.on = true
      await stage.assertRefused(error)
    })

  it('AC-29, AC-37: low confidence holds, and where nothing is known of the user confidence is low', async () => {
    const { set, risk } = dial([newDeviceRisk(), impossibleTravel()])
    set.to = 'high'
    await stage.start({ stepUp: { policy: { default: 'adaptive' }, risk } })
    set.to = undefined
    await stage.assertRefused(UNMET)
  })
})
