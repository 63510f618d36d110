import assert from 'node:assert/strict'
import Provider, { type Configuration, interactionPolicy } from 'oidc-provider'
import { totp } from '../../src/factors/totp.ts'
import { MULTI_FACTOR, StepUpError, type StepUpOptions, standard, stepUp } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'

const { Check, Prompt, base } = interactionPolicy

type Policy = ReturnType<typeof base>

const OPTIONS: StepUpOptions = {
  account: () => undefined,
  factors: [totp({ issuer: 'Test' })],
  sealingKeys: [Buffer.alloc(32, 7).toString('base64url')],
  store: memoryStore(),
}
const MINIMAL: Configuration = {
  cookies: { keys: ['test cookie key'] },
  interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
}
const ACRS = standard.flatMap(({ acr, aliases = [] }) => [acr, ...aliases])

const configure = (host: Configuration, options: Partial<StepUpOptions> = {}) =>
  stepUp({ ...OPTIONS, ...options }).configure(host)
const configurePolicy = (policy: Policy) =>
  configure({ ...MINIMAL, interactions: { ...MINIMAL.interactions, policy } }).interactions?.policy ?? []
const withPolicy = (change: (policy: Policy) => unknown) => {
  const policy = base()
  change(policy)
  return { ...MINIMAL, interactions: { ...MINIMAL.interactions, policy } }
}
const reasonsOf = (prompt: { readonly checks: readonly { readonly reason: string }[] } | undefined) =>
  prompt?.checks.map(({ reason }) => reason) ?? []

/** Freezes all that hangs on it, so that a write anywhere throws. */
const deepFreeze = <T>(value: T): T => {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || Object.isFrozen(value))
    return value
  Object.freeze(value)
  for (const part of Object.values(value)) deepFreeze(part)
  return value
}

const issuer = 'http://localhost:9'

describe("configure(): the host's configuration with step-up in it", () => {
  it('changes nothing of what it is given, however deep', () => {
    const policy = base()
    const own = new Prompt({ name: 'terms', requestable: true }, new Check('unread', 'not read yet', () => false))
    policy.add(own, 1)
    const before = policy.map((prompt) => [prompt, ...prompt.checks])
    const host: Configuration = {
      ...MINIMAL,
      acrValues: ['own'],
      claims: { openid: ['sub'], email: ['email'] },
      features: { claimsParameter: { enabled: true }, devInteractions: { enabled: false } },
      interactions: { ...MINIMAL.interactions, policy },
    }
    const configured = configure(deepFreeze(host))
    assert.notEqual(configured, host)
    assert.deepEqual(
      policy.map((prompt) => [prompt, ...prompt.checks]),
      before,
    )
    for (const prompt of configured.interactions?.policy ?? [])
      assert.ok(!policy.includes(prompt), `"${prompt.name}" is still the host's`)
    new Provider(issuer, configured)
  })

  it('takes its prompt in between login and consent, and its check into login', () => {
    const policy = configurePolicy(base())
    assert.deepEqual(
      policy.map(({ name }) => name),
      ['login', 'mfa', 'consent'],
    )
    assert.deepEqual(reasonsOf(policy[1]), ['step_up'])
    const reasons = reasonsOf(policy[0])
    assert.ok(reasons.includes('no_session') && reasons.includes('id_token_hint'))
    assert.deepEqual(
      reasons.filter((reason) => ['essential_acr', 'essential_acrs', 'max_age'].includes(reason)),
      ['max_age'],
    )
    assert.deepEqual(configure(MINIMAL).interactions?.policy?.map(reasonsOf), policy.map(reasonsOf))
  })

  it("keeps the host's own prompts, checks, errors and details, each once", async () => {
    const check = new Check(
      'unread',
      'not read yet',
      'terms_unread',
      () => false,
      () => ({ terms: 2 }),
    )
    const terms = new Prompt({ name: 'terms', requestable: true }, () => ({ page: 1 }), check)
    const late = new Check('late', 'too late in the day', () => false)
    const host = withPolicy((policy) => {
      policy.add(terms, 1)
      policy.get('login')?.checks.add(late)
    })
    const policy = configure(host).interactions?.policy ?? []
    assert.deepEqual(
      policy.map(({ name, requestable }) => [name, requestable]),
      [
        ['login', true],
        ['mfa', false],
        ['terms', true],
        ['consent', true],
      ],
    )
    assert.deepEqual(reasonsOf(policy[2]), ['terms_prompt', 'unread'])
    assert.equal(policy[2]?.checks[1], check)
    assert.deepEqual(await policy[2]?.details({} as never), { page: 1 })
    assert.equal(reasonsOf(policy[0]).filter((reason) => reason === 'login_prompt').length, 1)
    assert.ok(policy[0]?.checks.includes(late))
    for (const prompt of policy) assert.equal(new Set(reasonsOf(prompt)).size, prompt.checks.length, prompt.name)
  })

  it('is not reached by what the host changes in its policy afterwards', () => {
    const policy = base()
    const configured = configurePolicy(policy)
    policy.get('login')?.checks.clear()
    policy.remove('consent')
    assert.ok(reasonsOf(configured[0]).length > 3)
    assert.equal(configured.length, 3)
  })

  for (const [title, features, enabled] of [
    ['on where nothing is said', {}, true],
    ['on where features say nothing', { features: {} }, true],
    ['on where it is on', { features: { claimsParameter: { enabled: true } } }, true],
    ['off where the host said no', { features: { claimsParameter: { enabled: false } } }, false],
  ] as const)
    it(`has the claims parameter ${title}`, () => {
      assert.equal(configure({ ...MINIMAL, ...features }).features?.claimsParameter?.enabled, enabled)
    })

  it("adds its levels to the host's acrValues, each once", () => {
    assert.deepEqual(configure(MINIMAL).acrValues, ACRS)
    const host = { ...MINIMAL, acrValues: ['own', MULTI_FACTOR] }
    assert.deepEqual(configure(host).acrValues, ['own', MULTI_FACTOR, ...ACRS.filter((acr) => acr !== MULTI_FACTOR)])
    assert.deepEqual(configure({ ...MINIMAL, acrValues: new Set(['own']) }).acrValues, ['own', ...ACRS])
  })

  const OURS = ['sub', 'acr', 'amr', 'auth_time']
  for (const [title, claims, openid] of [
    ['none', undefined, OURS],
    ['others only', { email: ['email'] }, OURS],
    ['a list', { openid: ['sub', 'sid'], email: ['email'] }, ['sub', 'sid', 'acr', 'amr', 'auth_time']],
    ['an object', { openid: { sub: null, amr: null } }, ['sub', 'amr', 'acr', 'auth_time']],
    ['an empty list', { openid: [] }, OURS],
  ] as const)
    it(`puts acr, amr and auth_time into the openid scope: ${title}`, () => {
      const configured = configure({ ...MINIMAL, claims: claims as never }).claims
      assert.deepEqual(configured, { ...claims, openid })
    })

  it('knows an account that signed in where the host looks none up, as oidc-provider does', async () => {
    const found = await configure(MINIMAL).findAccount?.(undefined as never, 'somebody')
    assert.deepEqual(
      [found?.accountId, await found?.claims('id_token', 'openid', {}, [])],
      ['somebody', { sub: 'somebody' }],
    )
  })

  it("leaves every other setting as the host's", () => {
    const host: Configuration = {
      ...MINIMAL,
      ttl: { Session: 77 },
      clients: [{ client_id: 'app', client_secret: 'x', redirect_uris: ['https://app.example/'] }],
      features: { introspection: { enabled: false }, deviceFlow: { enabled: true } },
    }
    const configured = configure(host)
    assert.equal(configured.ttl, host.ttl)
    assert.equal(configured.clients, host.clients)
    assert.equal(configured.features?.introspection, host.features?.introspection)
    assert.equal(configured.features?.deviceFlow, host.features?.deviceFlow)
    assert.equal(configured.cookies, host.cookies)
  })
})

const REFUSED: readonly (readonly [title: string, host: () => Configuration, message: RegExp])[] = [
  [
    'development interactions',
    () => ({ ...MINIMAL, features: { devInteractions: { enabled: true } } }),
    /^configure\(\): features\.devInteractions is on,/,
  ],
  ['no cookies', () => ({ interactions: MINIMAL.interactions ?? {} }), /^configure\(\): cookies\.keys is missing,/],
  ['no cookie keys', () => ({ ...MINIMAL, cookies: {} }), /^configure\(\): cookies\.keys is missing,/],
  [
    'an empty list of cookie keys',
    () => ({ ...MINIMAL, cookies: { keys: [] } }),
    /^configure\(\): cookies\.keys is mis/,
  ],
  [
    'a list of cookie keys with nothing in it',
    () => ({ ...MINIMAL, cookies: { keys: ['a key', undefined as never] } }),
    /^configure\(\): cookies\.keys\[1\] is missing,/,
  ],
  [
    'an empty cookie key',
    () => ({ ...MINIMAL, cookies: { keys: [''] } }),
    /^configure\(\): cookies\.keys\[0\] is missing,/,
  ],
  ['to be called with nothing', () => undefined as never, /^configure\(\): found nothing; allowed: the configuration/],
  ['no interactions.url', () => ({ cookies: MINIMAL.cookies ?? {} }), /^configure\(\): interactions\.url is missing;/],
  [
    'an interactions.url that is no function',
    () => ({ ...MINIMAL, interactions: { url: '/interaction' as never } }),
    /^configure\(\): interactions\.url is missing;/,
  ],
  [
    'no login prompt',
    () => withPolicy((policy) => policy.remove('login')),
    /^configure\(\): interactions\.policy has no prompt "login";/,
  ],
  ['its own result', () => configure(MINIMAL), /^configure\(\): interactions\.policy has a prompt "mfa" already;/],
]

describe('configure() and attach(): what they refuse', () => {
  for (const [title, host, message] of REFUSED)
    it(`configure() refuses ${title} in one sentence`, () => {
      assert.throws(
        () => configure(host()),
        (error) => {
          assert.ok(error instanceof StepUpError && error.code === 'ERR_CONFIG')
          assert.match(error.message, message)
          assert.doesNotMatch(error.message, /\n|\. /)
          return true
        },
      )
    })

  it('attach() wants configure() before it', () => {
    const mfa = stepUp(OPTIONS)
    const provider = new Provider(issuer, configure(MINIMAL))
    assert.throws(() => mfa.attach(provider), { code: 'ERR_CONFIG', message: /^attach\(\): .*configure\(/ })
  })

  it('attach() takes one provider, and stays attached to it', () => {
    const mfa = stepUp(OPTIONS)
    const provider = new Provider(issuer, mfa.configure(MINIMAL))
    mfa.attach(provider)
    assert.throws(() => mfa.attach(provider), { code: 'ERR_CONFIG', message: /^attach\(\): .*already/ })
    const next = new Provider(issuer, mfa.configure(MINIMAL))
    assert.throws(() => mfa.attach(next), { code: 'ERR_CONFIG', message: /^attach\(\): .*already/ })
  })

  it('attach() is left free by a configure() that failed', () => {
    const mfa = stepUp(OPTIONS)
    assert.throws(() => mfa.configure({}))
    assert.throws(() => mfa.attach(new Provider(issuer, configure(MINIMAL))), { code: 'ERR_CONFIG' })
    mfa.attach(new Provider(issuer, mfa.configure(MINIMAL)))
  })
})
