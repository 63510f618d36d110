import assert from 'node:assert/strict'
import { totp } from '../../src/factors/totp.ts'
import { type Level, MULTI_FACTOR, PHISHING_RESISTANT, type StepUpOptions, standard } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/virtual-clock.ts'
import { codeAt, type Host, type HostOptions, startHost } from '../support/host.ts'
import { createJourney } from '../support/relying-party.ts'
import { CHALLENGE } from './recovered.ts'
import { FLOOR, later, markOf, tick } from './remembered.ts'
import { advanced, type Bench, challenged, enrolled, type Journey, passed, postOnly } from './support.ts'

const [single, multi, ...higher] = standard

const aged = (limit: Pick<Level, 'maxAgeSeconds' | 'overallMaxAgeSeconds'>): readonly Level[] => {
  assert.ok(single && multi)
  return [single, { ...multi, ...limit }, ...higher]
}

const phishingResistant = () => ({ ...totp({ issuer: 'Test' }), traits: ['phishing-resistant'] as const })

interface Rule {
  readonly stepUp: Partial<StepUpOptions>
  readonly request?: Readonly<Record<string, string>>
  readonly configuration?: HostOptions['configuration']
  /** Whether a browser can be remembered here after all, for next time. */
  readonly offered?: true
}

const API = 'https://api.example/'
const resources: HostOptions['configuration'] = {
  features: {
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({ scope: '', audience: API }),
    },
  },
}
const fixed = { floor: MULTI_FACTOR, allowRememberBrowser: false }

/** Where no remembered browser counts, though the same one does at the plain floor. */
const RULES: Readonly<Record<string, Rule>> = {
  'a client that allows none': {
    stepUp: { policy: { default: 'always', clients: { app: { allowRememberBrowser: false } } } },
  },
  "a client's own floor that allows none": { stepUp: { policy: { default: 'never', clients: { app: fixed } } } },
  "a scope's floor that allows none": {
    stepUp: { policy: { default: 'never', scopes: { openid: fixed } } },
  },
  "a scope's floor that allows none, beside one that does": {
    stepUp: { policy: { default: 'always', scopes: { openid: fixed } } },
  },
  "a resource's floor that allows none": {
    stepUp: { policy: { default: 'never', resources: { [API]: fixed } } },
    request: { resource: API },
    configuration: resources,
  },
  'the preset nist': { stepUp: { policy: { default: 'always' }, levels: 'nist' } },
  'remembering turned off': { stepUp: { policy: { default: 'always' }, rememberBrowser: false } },
  'a level with an age limit': {
    stepUp: { policy: { default: 'always' }, levels: aged({ maxAgeSeconds: 86_400 * 365 }) },
  },
  'a level with an overall age limit': {
    stepUp: { policy: { default: 'always' }, levels: aged({ overallMaxAgeSeconds: 86_400 * 365 }) },
  },
  'a floor that the remembered proof does not meet': {
    stepUp: {
      policy: { default: 'never', clients: { app: { floor: PHISHING_RESISTANT } } },
      factors: [phishingResistant()],
    },
    offered: true,
  },
  'no floor, but a level asked for': {
    stepUp: { policy: { default: 'never' } },
    request: { acr_values: MULTI_FACTOR },
  },
}

describe('security: where no remembered browser counts', () => {
  let clock: VirtualClock
  let plain: Host
  let store: ReturnType<typeof memoryStore>
  const hosts: Host[] = []

  const start = async (options: HostOptions) => {
    const host = await startHost({ ...options, stepUp: { store, ...options.stepUp } })
    hosts.push(host)
    return host
  }

  before(async () => {
    clock = virtualClock()
    store = memoryStore()
    plain = await start(FLOOR)
  })
  after(async () => {
    clock.restore()
    await Promise.all(hosts.map((host) => host.close()))
  })

  let known: Journey | undefined
  const knownAtPlain = async () => {
    const bench: Bench = { host: plain, clock }
    if (known === undefined) {
      known = await enrolled(bench)
      const { page } = await challenged(known, {})
      assert.ok(passed(await tick(known, page)))
    }
    clock.advance(120)
    const next = await later(plain, known)
    next.secret = known.secret
    assert.ok(passed((await next.go()).page), 'it counts at the plain floor')
    known = next
    clock.advance(120)
    return next
  }

  for (const [name, { stepUp, request = {}, configuration, offered }] of Object.entries(RULES))
    it(`AC-70f: ${name}: not taken${offered ? '' : ', not offered and not made'}`, async () => {
      const host = await start({ stepUp, ...(configuration === undefined ? {} : { configuration }) })
      const holder = await knownAtPlain()
      const bob = await later(host, holder)
      const before = markOf(bob.browser)
      const { page } = await bob.go(request)
      assert.equal(page.heading, CHALLENGE)
      assert.deepEqual(markOf(bob.browser), before)
      if (offered) return
      assert.doesNotMatch(page.text, /remember/)
      const stranger = await createJourney(host)
      const { page: asked } = await challenged(stranger, request)
      for (const remember of ['yes', 'no', '']) {
        const form = { code: codeAt(holder.secret), remember }
        const answer = await postOnly(stranger.browser, asked, form)
        assert.deepEqual([answer.status, advanced(answer), markOf(stranger.browser)], [400, false, []])
      }
      assert.ok(passed(await stranger.answer(asked, codeAt(holder.secret))))
      assert.deepEqual(markOf(stranger.browser), [])
    })

  it('AC-70f: one remembered by what does meet that floor is taken there, and claims it not', async () => {
    const { stepUp } = RULES['a floor that the remembered proof does not meet'] as Rule
    const host = await start({ stepUp })
    const bob = await later(host, await knownAtPlain())
    bob.secret = known?.secret ?? ''
    const { page } = await challenged(bob, {})
    assert.ok(passed(await tick(bob, page)))
    const next = await later(host, bob)
    const { page: landed, redeem } = await next.go()
    assert.deepEqual((await redeem(landed.url)).amr, ['pwd'])
  })
})
