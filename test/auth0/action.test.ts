import assert from 'node:assert/strict'
import { type Auth0Action, type Auth0ActionOptions, auth0Action, auth0Actions } from '../../src/auth0/index.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import type { Demand } from '../../src/policy/rule.ts'
import { EVERY_TIME, EXEMPT, FACTS, judged, type Loose, MORE, type Otherwise } from './setting.ts'

type Handler = (event: Loose, api: Loose) => unknown

const ruleOf = (handlers: readonly Handler[], options?: Auth0ActionOptions) =>
  auth0Actions(handlers as readonly Auth0Action[], options)

const by = (...factors: readonly string[]): Demand => ({ floor: MULTI_FACTOR, factors })

const enable =
  (...all: unknown[]): Handler =>
  (_event, api) =>
    api.multifactor.enable(...all)

const challenge =
  (...types: readonly string[]): Handler =>
  (_event, api) =>
    api.authentication.challengeWithAny(types.map((type) => ({ type })))

const enroll =
  (type: string, ...others: readonly string[]): Handler =>
  (_event, api) =>
    api.authentication.enrollWith({ type }, { additionalFactors: others.map((other) => ({ type: other })) })

const deny: Handler = (_event, api) => api.access.deny('Not\nyou')
const nothing: Handler = () => undefined
const unusable = (names: string) => ({
  refuse: `no factor that the account can use stands for ${names}: see the option factors`,
})

type Row = readonly [
  title: string,
  handlers: readonly Handler[],
  expected: Demand | undefined,
  otherwise?: Otherwise,
  options?: Auth0ActionOptions,
]

const both = { enrolled: ['totp', 'webauthn'] }
const none = { enrolled: [] }

const ROWS: readonly Row[] = [
  ['nothing', [nothing], undefined],
  ['any, every time', [enable('any')], EVERY_TIME],
  ['any, once in a browser', [enable('any', { allowRememberBrowser: true })], MORE],
  ['the last one counts', [enable('any', { allowRememberBrowser: true }), enable('any')], EVERY_TIME],
  ['the last one counts the other way', [enable('any'), enable('any', { allowRememberBrowser: true })], MORE],
  ['none', [enable('any'), enable('none')], EXEMPT],
  ['none beside a challenge', [enable('none', { allowRememberBrowser: true }), challenge('otp')], by('totp')],
  ['one that is enrolled', [challenge('otp')], by('totp')],
  ['some, of which one is enrolled', [challenge('phone', 'otp', 'email')], by('totp')],
  ['some that are enrolled', [challenge('webauthn-roaming', 'webauthn-platform', 'otp')], by('webauthn', 'totp'), both],
  ['one that is not enrolled', [challenge('phone')], unusable('phone')],
  [
    'one that is not enrolled, which the host has',
    [challenge('email')],
    by('mail'),
    {},
    { factors: { email: ['mail'] } },
  ],
  ['whatever there is', [challenge('phone')], MORE, {}, { factors: { phone: 'any' } }],
  ['one twice', [challenge('otp'), challenge('otp')], by('totp')],
  [
    'a provider and a factor of it',
    [enable('google-authenticator', { allowRememberBrowser: true }), challenge('otp')],
    by('totp'),
  ],
  ['a provider and no factor of it', [enable('duo'), challenge('otp')], unusable('duo, otp')],
  ['enrolment, something enrolled', [enroll('webauthn-roaming')], MORE],
  ['enrolment, nothing enrolled', [enroll('otp', 'phone')], { ...MORE, enrollment: 'required' }, none],
  [
    'enrolment, nothing enrolled, of what the host has',
    [enroll('otp', 'phone')],
    { ...by('app', 'text'), enrollment: 'required' },
    none,
    { factors: { otp: ['app'], phone: ['text'] } },
  ],
  ['a challenge or enrolment, something enrolled', [challenge('otp'), enroll('otp')], by('totp')],
  [
    'a challenge or enrolment, nothing enrolled',
    [challenge('otp'), enroll('otp')],
    { ...MORE, enrollment: 'required' },
    none,
  ],
  ['denied', [deny], { refuse: 'denied: Not you' }],
  ['denied after all', [enable('none'), challenge('otp'), deny], { refuse: 'denied: Not you' }],
  ['denied before all', [deny, enable('none')], { refuse: 'denied: Not you' }],
  ['denied and thrown', [(event, api) => [deny(event, api), JSON.parse('{')]], { refuse: 'denied: Not you' }],
  [
    'thrown',
    [
      () => {
        throw new RangeError('off')
      },
    ],
    { refuse: 'RangeError: off' },
  ],
  ['rejected', [enable('none'), async () => Promise.reject(new Error('later'))], { refuse: 'Error: later' }],
  [
    'a provider that does not exist',
    [enable('sms')],
    { refuse: 'api.multifactor.enable: found sms; allowed: any, guardian, google-authenticator, duo, none' },
  ],
  [
    'a place that was not named',
    [(event) => event.request.geoip.countryCode],
    { refuse: 'event.request.geoip was looked at, and the option reads does not name location' },
  ],
  [
    'an assessment that was not named',
    [(event) => event.authentication.riskAssessment],
    { refuse: 'event.authentication.riskAssessment was looked at, and the option reads does not name risk' },
  ],
  [
    'a place that is not known',
    [(event) => event.request.geoip.countryCode],
    EVERY_TIME,
    { location: undefined },
    { reads: ['location'] },
  ],
  ['logins so far', [(event) => event.stats.logins_count], EVERY_TIME],
]

/** What else an Action may do at Auth0. */
const ELSEWHERE: readonly (readonly [Handler, string])[] = [
  [(_event, api) => api.idToken.setCustomClaim('a', 1), 'api.idToken'],
  [(_event, api) => api.redirect.sendUserTo('https://elsewhere.example'), 'api.redirect'],
  [(_event, api) => api.user.setAppMetadata('a', 1), 'api.user'],
  [(_event, api) => api.authentication.recordMethod('https://elsewhere.example'), 'api.authentication.recordMethod'],
  [(_event, api) => api.multifactor.disable(), 'api.multifactor.disable'],
]

describe('auth0/action', () => {
  for (const [title, handlers, expected, otherwise, options] of ROWS)
    it(`reads what Actions do: ${title}`, async () =>
      assert.deepEqual((await judged(ruleOf(handlers, options), otherwise)).demand, expected))

  it('lets nobody pass where an Action does what cannot be done here, though it does not care', async () => {
    for (const [handler, path] of ELSEWHERE)
      for (const careless of [false, true]) {
        const calling: Handler = (event, api) => {
          try {
            handler(event, api)
          } catch (error) {
            if (!careless) throw error
          }
        }
        assert.deepEqual((await judged(ruleOf([calling, enable('none')]))).demand, {
          refuse: `${path} does not exist here`,
        })
      }
  })

  it('lets nobody pass where factors are named that Auth0 does not know, or several after each other', async () => {
    const wrong: readonly (readonly [Handler[], RegExp])[] = [
      [[challenge('voice')], /challengeWithAny: found voice; allowed: otp, /],
      [[challenge()], /challengeWithAny: found undefined/],
      [[(_event, api) => api.authentication.challengeWith('otp')], /challengeWith: found undefined/],
      [[challenge('otp'), challenge('phone')], /challengeWithAny: found after another of its kind/],
    ]
    for (const [handlers, reason] of wrong) assert.match((await judged(ruleOf(handlers))).demand?.refuse ?? '', reason)
  })

  it('tells an Action what is known, in Auth0’s words', async () => {
    let seen: Loose
    const looking: Handler = (event) => {
      const { user, client, connection, organization, resource_server, transaction, secrets, authorization } = event
      const { countryCode, cityName, timeZone } = event.request.geoip
      const { methods, riskAssessment } = event.authentication
      const place = { countryCode, cityName, timeZone }
      const { confidence } = riskAssessment
      seen = {
        user,
        client,
        connection,
        organization,
        resource_server,
        transaction,
        secrets,
        authorization,
        place,
        methods,
        confidence,
      }
      secrets.key = 'changed'
    }
    const secrets = { key: 'value' }
    const rule = ruleOf([looking], { reads: ['location', 'risk'], secrets })
    await judged(rule, { enrolled: ['totp', 'own'], lastFactorAt: 1_800_000_060 })
    assert.deepEqual(secrets, { key: 'value' })
    assert.deepEqual(seen, {
      user: {
        user_id: 'alice',
        name: 'alice@example.com',
        email: 'alice@example.com',
        email_verified: true,
        phone_number: '+4930123456',
        app_metadata: { plan: 'gold' },
        user_metadata: { country: 'DE' },
        enrolledFactors: [{ method: 'otp' }, { method: 'own' }],
      },
      client: { client_id: 'bank', name: 'The Bank', metadata: { requires: 'more' } },
      connection: { name: 'Username-Password-Authentication', strategy: 'auth0', metadata: {} },
      organization: { id: 'acme', name: 'acme', metadata: {} },
      resource_server: { identifier: 'https://api.example/' },
      transaction: { protocol: 'oidc-basic-profile', requested_scopes: ['openid', 'profile'], acr_values: [] },
      secrets: { key: 'changed' },
      authorization: { roles: ['admin'] },
      place: { countryCode: 'DE', cityName: 'Berlin', timeZone: 'Europe/Berlin' },
      methods: [
        { name: 'pwd', timestamp: '2027-01-15T08:00:00.000Z' },
        { name: 'mfa', timestamp: '2027-01-15T08:01:00.000Z' },
      ],
      confidence: 'low',
    })
    await judged(rule)
    assert.deepEqual(seen.secrets, { key: 'changed' })
    assert.deepEqual(FACTS.enrolled, ['totp'])
  })

  it('is called by the name of its function, and refuses what is none', () => {
    const onExecutePostLogin: Auth0Action = () => undefined
    assert.equal(auth0Action(onExecutePostLogin).name, 'onExecutePostLogin')
    for (const wrong of ['exports.onExecutePostLogin', undefined])
      assert.throws(() => auth0Action(wrong as never), { code: 'ERR_CONFIG' })
    assert.throws(() => auth0Action(onExecutePostLogin, { secrets: { key: 1 } as never }), { code: 'ERR_CONFIG' })
  })
})
