import assert from 'node:assert/strict'
import { email } from '../../src/factors/email.ts'
import { recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { totp } from '../../src/factors/totp.ts'
import { webauthn } from '../../src/factors/webauthn.ts'
import { MULTI_FACTOR } from '../../src/index.ts'
import { all, client, country, newDevice, not, type Rule, timeOfDay, when } from '../../src/policy/index.ts'
import { newDevice as assessDevice } from '../../src/risk/index.ts'
import { type ExpectingCase, policyCases } from '../../src/testing/policy-cases.ts'
import { type PolicyCase, policyTester } from '../../src/testing/policy-tester.ts'

const sender = async () => ({ outcome: 'accepted' as const })

const CLOSED: Rule<'account'> = {
  name: 'closed',
  reads: ['account'],
  demand: ({ account }) => (account.tenant === 'closed' ? { refuse: 'the tenant is closed' } : undefined),
}

const tester = policyTester({
  factors: [
    webauthn({ relyingPartyName: 'Acme' }),
    totp({ issuer: 'Acme' }),
    email({ sender: sender as never }),
    recoveryCodes(),
  ],
  policy: {
    default: 'adaptive',
    rules: [
      when(all(client('bank'), not(country('DE', 'AT'))), { floor: 'phr' }, { name: 'bank abroad' }),
      CLOSED,
      when(timeOfDay({ from: '22:00', to: '06:00', timeZone: 'UTC' }), { maxAgeSeconds: 300 }, { name: 'night' }),
      when(newDevice(), { enrollment: 'required' }, { name: 'on trial', reportOnly: true }),
    ],
  },
  risk: [assessDevice()],
  accounts: [{ id: 'alice', label: 'alice', email: 'alice@example.com', emailVerified: true }],
})

const TABLE: readonly ExpectingCase[] = [
  {
    name: 'asks for a passkey at the bank abroad',
    client: 'bank',
    country: 'FR',
    device: 'known',
    enrolled: ['totp', 'webauthn'],
    expect: { outcome: 'challenge', factors: ['webauthn'], acr: 'phr', rules: ['bank abroad'] },
  },
  {
    name: 'asks at the bank where the place is not known',
    client: 'bank',
    device: 'known',
    enrolled: ['webauthn'],
    expect: { outcome: 'challenge', rules: ['bank abroad'] },
  },
  {
    name: 'lets a known browser through at home',
    client: 'bank',
    country: 'DE',
    device: 'known',
    facts: { lastLogin: { at: 1_767_600_000 } },
    enrolled: ['totp'],
    expect: { outcome: 'satisfied', acr: 'urn:oidc-step-up:acr:1fa', rules: [] },
  },
  {
    name: 'asks in a new browser by all that the account has',
    client: 'app',
    enrolled: ['totp', 'recovery-codes'],
    expect: { outcome: 'challenge', factors: ['recovery-codes', 'totp'], acr: MULTI_FACTOR, rules: ['adaptive'] },
  },
  {
    name: 'asks who has nothing for a code to a verified address',
    account: 'alice',
    client: 'app',
    expect: { outcome: 'challenge', factors: ['email'] },
  },
  { name: 'refuses who has none', account: 'bob', client: 'app', expect: { outcome: 'refuse', factors: [] } },
  {
    name: 'refuses everybody of a tenant',
    account: { id: 'x', label: 'x', tenant: 'closed' },
    client: 'app',
    device: 'known',
    expect: { outcome: 'refuse', refusal: 'access_denied', rules: ['closed'] },
  },
  {
    name: 'takes a proof that is fresh enough, at night',
    client: 'app',
    at: '2026-01-05T23:30+01:00',
    device: 'known',
    enrolled: ['totp'],
    evidence: [{ factor: 'totp', secondsAgo: 200 }],
    expect: { outcome: 'satisfied', acr: MULTI_FACTOR, rules: ['night'] },
  },
  {
    name: 'takes a key for no more than it showed when it was set up',
    client: 'app',
    device: 'known',
    acr: 'phrh',
    essential: true,
    enrolled: [{ factor: 'webauthn', proof: { kinds: ['possession'], traits: ['phishing-resistant'], amr: ['swk'] } }],
    expect: { outcome: 'challenge', factors: [] },
  },
]

describe('testing/policy-cases', () => {
  describe('under mocha', () => policyCases(tester, TABLE))

  const registered = (table: readonly ExpectingCase[]) => {
    const tests = new Map<string, () => Promise<void>>()
    policyCases(tester, table, (name, body) => tests.set(name, body))
    return tests
  }

  it('takes any function that registers a test, and names cases that have no name', async () => {
    const tests = registered([{ client: 'app', device: 'known', expect: { outcome: 'satisfied' } }])
    assert.deepEqual([...tests.keys()], ['{"client":"app","device":"known"} → satisfied'])
    for (const body of tests.values()) await body()
  })

  it('says which expectations differ, and explains', async () => {
    const [body] = registered([
      {
        client: 'bank',
        country: 'FR',
        device: 'known',
        expect: { outcome: 'challenge', factors: ['totp'], acr: 'phr' },
      },
    ]).values()
    const error = await body?.().then(
      () => assert.fail('it passed'),
      (fault) => fault,
    )
    assert.match(
      error.message,
      /^outcome: expected "challenge", found "enroll"\nfactors: expected \["totp"\], found \["webauthn"\]\n\n/,
    )
    assert.match(
      error.message,
      /has set up one of: passkey or security key\nbecause a level that the policy owes is not met: phr\n/,
    )
    assert.doesNotMatch(error.message, /^acr: /m)
    assert.deepEqual([error.actual.outcome, error.expected.outcome], ['enroll', 'challenge'])
  })

  const wrong: readonly (readonly [one: unknown, message: RegExp])[] = [
    [{ clients: 'app' }, /clients: found an unknown setting; allowed: only name, account/],
    [{ client: 'app', expect: { outcome: 'lets through' } }, /expect\.outcome: found "lets through"; allowed: one of/],
    [{ client: 'app', expect: { outcome: 'refuse', error: 'x' } }, /expect\.error: found an unknown setting/],
    [{ client: 'app', at: '2026-01-05T23:30' }, /at: found "2026-01-05T23:30"; allowed: a date and time with its zone/],
    [
      { client: 'app', enrolled: ['sms'] },
      /enrolled\[0\]: found "sms"; allowed: webauthn, totp, email, recovery-codes/,
    ],
    [{ client: 'app', device: 'old' }, /device: found "old"; allowed: known or unknown/],
  ]
  for (const [one, message] of wrong)
    it(`refuses a case with ${message.source.slice(0, 50)}`, () =>
      assert.rejects(tester.decide(one as PolicyCase), { code: 'ERR_CONFIG', message }))

  it('refuses a table that expects nothing, and a runner without it', () => {
    assert.throws(() => policyCases(tester, [{ client: 'app' } as ExpectingCase]), { code: 'ERR_CONFIG' })
    assert.throws(() => policyCases(tester, TABLE, null as never), { code: 'ERR_CONFIG' })
    assert.throws(() => policyTester({ factors: [], policy: { default: 'never' } }), { code: 'ERR_CONFIG' })
  })
})
