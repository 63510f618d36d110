import assert from 'node:assert/strict'
import type { Configuration } from 'oidc-provider'
import { totp } from '../../src/factors/totp.ts'
import type { StepUp } from '../../src/index.ts'
import { stepUp } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import { codeAt, type Host, startHost } from '../support/host.ts'
import { createJourney, isAnswer } from '../support/relying-party.ts'

const MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'
const KEYS = [Buffer.alloc(32, 1).toString('base64url'), Buffer.alloc(32, 2).toString('base64url')] as const

const make = (more: Partial<Parameters<typeof stepUp>[0]> = {}) =>
  stepUp({
    account: (id) => ({ id, label: id }),
    factors: [totp({ issuer: 'Test' })],
    sealingKeys: [KEYS[0]],
    policy: { default: 'never' },
    store: memoryStore(),
    ...more,
  })

/** The host's configuration, composed by hand. */
const composed = (mfa: StepUp, { claims, interactions, features, findAccount, ...rest }: Configuration) => {
  const own = mfa.pieces({ ...(claims === undefined ? {} : { claims }) })
  return {
    ...rest,
    acrValues: own.acrValues(['urn:acme:kiosk']),
    claims: own.claims(claims),
    features: own.features(features),
    findAccount: own.findAccount(findAccount as NonNullable<Configuration['findAccount']>),
    extraTokenClaims: own.extraTokenClaims(),
    interactions: {
      policy: own.policy(interactions?.policy),
      url: own.interactionUrl(interactions?.url as never),
    },
  } satisfies Configuration
}

describe('composed by hand', () => {
  let host: Host | undefined
  afterEach(() => host?.close())

  it('steps up like the whole, from its pieces and with its middleware put in place by the host', async () => {
    host = await startHost({
      compose: (mfa, configuration) => composed(mfa, configuration),
      mount: (mfa, provider) => {
        const { guard, pages } = mfa.connect(provider)
        provider.use(pages)
        provider.middleware.unshift(guard)
      },
    })
    const bob = await createJourney(host)
    const { page, redeem } = await bob.go({ acr_values: MULTI_FACTOR })
    const answer = await bob.enroll(page)
    assert.ok(isAnswer(answer))
    const { acr, amr } = await redeem(answer.url)
    assert.deepEqual([acr, amr], [MULTI_FACTOR, ['pwd', 'otp', 'mfa']])
    const discovery = await fetch(`${host.issuer}/.well-known/openid-configuration`)
    const { acr_values_supported: offered } = (await discovery.json()) as { acr_values_supported: string[] }
    assert.ok(offered.includes('urn:acme:kiosk') && offered.includes(MULTI_FACTOR))
  })

  it('refuses a provider as long as a piece is missing, and names it', async () => {
    await assert.rejects(
      startHost({
        compose: (mfa, configuration) => {
          const own = mfa.pieces({})
          return { ...configuration, interactions: { ...configuration.interactions, policy: own.policy() } } as never
        },
        mount: (mfa, provider) => void mfa.connect(provider),
      }),
      (error: Error & { code?: string }) =>
        error.code === 'ERR_CONFIG' &&
        /acrValues, claims, interactionUrl, features, findAccount, extraTokenClaims$/.test(error.message),
    )
  })
})

describe('sealing keys', () => {
  let host: Host | undefined
  let clock: ReturnType<typeof virtualClock>
  beforeEach(() => {
    clock = virtualClock()
  })
  afterEach(() => {
    clock.restore()
    return host?.close()
  })

  /** Bob has an app, sealed under the first key. */
  const enrolledUnder = async (store: ReturnType<typeof memoryStore>, sealingKeys: readonly string[]) => {
    host = await startHost({ stepUp: { store, sealingKeys } })
    const bob = await createJourney(host)
    await bob.enroll((await bob.go({ acr_values: MULTI_FACTOR })).page)
    await host.close()
    return bob.secret
  }

  it('AC-78: refuse to start with a count while one is missing that records are sealed with', async () => {
    const store = memoryStore()
    await enrolledUnder(store, [KEYS[0]])
    await make({ store, sealingKeys: [KEYS[1], KEYS[0]] }).ready()
    await assert.rejects(make({ store, sealingKeys: [KEYS[1]] }).ready(), {
      code: 'ERR_CONFIG',
      message:
        /^sealingKeys: a key is missing that is still in use: 1 account record is sealed with [\w-]{8}; found [\w-]{8};/,
    })
  })

  it('AC-78: are put on at the first use, so that the old one can go', async () => {
    const store = memoryStore()
    const secret = await enrolledUnder(store, [KEYS[0]])
    host = await startHost({ stepUp: { store, sealingKeys: [KEYS[1], KEYS[0]] } })
    const bob = await createJourney(host)
    const { page } = await bob.go({ acr_values: MULTI_FACTOR })
    clock.advance(60)
    assert.ok(isAnswer(await bob.browser.post(page, { code: codeAt(secret) })))
    await make({ store, sealingKeys: [KEYS[1]] }).ready()
  })

  it('AC-78: let nobody pass while one is missing, whether or not the host asked', async () => {
    const store = memoryStore()
    await enrolledUnder(store, [KEYS[0]])
    host = await startHost({ stepUp: { store, sealingKeys: [KEYS[1]] } })
    await new Promise(setImmediate)
    const alice = await createJourney(host, 'alice')
    const { page } = await alice.go()
    assert.equal(isAnswer(page), false)
    assert.equal(page.status, 500)
  })
})
