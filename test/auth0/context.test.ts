import assert from 'node:assert/strict'
import type { Facts } from '../../src/policy/facts.ts'
import { byRole, FACTS, judged, type Legacy, type Loose, requestWith, ruleOf, upstream } from './setting.ts'

describe('auth0/context', () => {
  it('fetches only what it reads, and of what takes time only what it names', async () => {
    const asked: string[] = []
    const [plain] = Object.values(ruleOf(byRole).sources ?? {})
    await plain?.(requestWith({}, asked))
    const cheap = [
      'client',
      'account',
      'address',
      'userAgent',
      'enrolled',
      'login',
      'lastFactorAt',
      'scopes',
      'resources',
    ]
    assert.deepEqual(asked.splice(0).toSorted(), cheap.toSorted())
    const curious = ruleOf(byRole, { reads: ['risk', 'location', 'risk'] })
    await Object.values(curious.sources ?? {})[0]?.(requestWith({}, asked))
    assert.deepEqual(asked.toSorted(), [...cheap, 'location', 'risk'].toSorted())
    assert.deepEqual(curious.reads.slice(1), ['enrolled', 'risk', 'location'])
  })

  it('tells a rule what is known, in Auth0’s words', async () => {
    let seen: Loose
    const looking: Legacy = (user, context, callback) => {
      const { request, riskAssessment, authentication, connection, organization, clientName, clientMetadata } = context
      const { country_code, subdivision_code, city_name, latitude, time_zone } = request.geoip
      const place = { country_code, subdivision_code, city_name, latitude, time_zone }
      const { ip, userAgent, query } = request
      seen = {
        user,
        ip,
        userAgent,
        query,
        place,
        riskAssessment,
        authentication,
        connection,
        organization,
        clientName,
        clientMetadata,
      }
      callback(null, user, context)
    }
    const enrolled = ['totp', 'webauthn', 'sms', 'push', 'own', 'recovery-codes']
    await judged(ruleOf(looking, { reads: ['risk', 'location'] }), { enrolled, lastFactorAt: 1_800_000_060 })
    const connection = 'Username-Password-Authentication'
    assert.deepEqual(seen, {
      user: {
        user_id: 'alice',
        name: 'alice@example.com',
        email: 'alice@example.com',
        email_verified: true,
        phone_number: '+4930123456',
        identities: [{ connection, provider: 'auth0', user_id: 'alice', isSocial: false }],
        app_metadata: { plan: 'gold' },
        user_metadata: { country: 'DE' },
        multifactor: ['google-authenticator', 'webauthn-roaming', 'guardian', 'own'],
      },
      ip: '192.0.2.7',
      userAgent: 'Browser/1',
      query: { client_id: 'bank', scope: 'openid profile', audience: 'https://api.example/' },
      place: {
        country_code: 'DE',
        subdivision_code: 'BE',
        city_name: 'Berlin',
        latitude: 52.5,
        time_zone: 'Europe/Berlin',
      },
      riskAssessment: {
        confidence: 'low',
        version: '1',
        assessments: {
          NewDevice: { confidence: 'low', code: 'no_match' },
          Own: { confidence: 'neutral', code: 'none' },
        },
      },
      authentication: {
        methods: [
          { name: 'pwd', timestamp: 1_800_000_000_000 },
          { name: 'mfa', timestamp: 1_800_000_060_000 },
        ],
      },
      connection,
      organization: { id: 'acme', name: 'acme', metadata: {} },
      clientName: 'The Bank',
      clientMetadata: { requires: 'more' },
    })
  })

  it('names ways to sign in as Auth0 does', async () => {
    const plain = FACTS.login
    const rows: readonly (readonly [Facts['login'], name: string, connection: string])[] = [
      [upstream, 'federated', 'https://idp.example'],
      [{ ...plain, method: 'magic-link' }, 'magic-link', 'local'],
      [{ ...plain, amr: ['hwk'], traits: ['phishing-resistant'] }, 'passkey', 'local'],
      [{ ...plain, amr: ['x', 'sms'] }, 'sms', 'local'],
      [{ ...plain, amr: ['x'] }, 'x', 'local'],
      [{ ...plain, amr: [] }, 'unknown', 'local'],
    ]
    const connection = (login: Facts['login']) => login?.upstream?.issuer ?? 'local'
    for (const [login, ...expected] of rows) {
      let seen: unknown
      const looking: Legacy = (user, context, callback) => {
        seen = [context.authentication.methods[0].name, context.connection]
        callback(null, user, context)
      }
      await judged(ruleOf(looking, { connection }), { login })
      assert.deepEqual(seen, expected)
    }
  })

  it('shares nothing with a rule that it could change', async () => {
    const facts = structuredClone(FACTS) as unknown as Facts
    const before = structuredClone(facts)
    const vandal: Legacy = (user, context, callback) => {
      user.app_metadata.plan = 'free'
      user.user_metadata.country = 'US'
      context.authorization.roles.length = 0
      context.clientMetadata.requires = 'nothing'
      context.authentication.methods.length = 0
      context.riskAssessment.assessments.NewDevice.confidence = 'high'
      context.request.geoip.country_code = 'US'
      context.request = null
      callback(null, user, context)
    }
    const rule = ruleOf(vandal, { reads: ['location', 'risk'] })
    assert.equal((await judged(rule, facts)).demand, undefined)
    assert.deepEqual(facts, before)
  })

  it('lets no metadata stand behind what a rule asks', async () => {
    const metadata = JSON.parse(
      '{"user_metadata":{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}},"app_metadata":{"a":{"__proto__":{"admin":true}}}}',
    )
    const merging: Legacy = (user, context, callback) => {
      const merged = Object.assign({}, user.app_metadata.a, user.user_metadata)
      if (merged.admin || ({} as Loose).admin) context.multifactor = { provider: 'none' }
      callback(null, user, context)
    }
    assert.equal((await judged(ruleOf(merging), { account: { id: 'a', label: 'a', metadata } })).demand, undefined)
    assert.equal(({} as Loose).admin, undefined)
  })
})
