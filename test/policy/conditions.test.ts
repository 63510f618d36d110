import assert from 'node:assert/strict'
import type { Condition, Facts } from '../../src/policy/index.ts'
import * as policy from '../../src/policy/index.ts'
import { everyCondition } from './every-condition.ts'

type Answer = boolean | undefined
type Case = readonly [condition: Condition, facts: Partial<Record<keyof Facts, unknown>>, answer: Answer]

const { client, scope, resource, accountAttribute, accountHas, group, tenant, ipRange, country, region } = policy
const { within, network, asn, newDevice, changedLocation, daysSinceFactor, enrolled, loginMethod } = policy
const { upstream, fact, confidenceAtMost } = policy

const test = (condition: Condition, facts: object) => condition.test(facts as never)

const accounts = (attributes: object) => ({ account: { id: '1', label: 'one', ...attributes } })
const metadata = (content: object) => accounts({ metadata: content })
const from = (address: string) => ({ address })
const at = (location: policy.Location) => ({ location })
const before = (location: policy.Location | undefined, here: policy.Location | undefined) => ({
  location: here,
  lastLogin: { at: 0, ...(location && { location }) },
})
const login = (login: object) => ({ login: { kinds: ['knowledge'], traits: [], at: 0, ...login } })

const BERLIN = { latitude: 52.52, longitude: 13.405 }
const POTSDAM = { latitude: 52.39, longitude: 13.06 }
const PARIS = { latitude: 48.857, longitude: 2.352 }
const DAY = 86_400
const LONG = 'é'.repeat(5000)
const inherited = Object.create({ department: 'sales' })

const tables: Readonly<Record<string, readonly Case[]>> = {
  'the request': [
    [client('a', 'b'), { client: { id: 'b' } }, true],
    [client('a'), { client: { id: 'A' } }, false],
    [scope('pay'), { scopes: ['openid', 'pay'] }, true],
    [scope('pay'), { scopes: [] }, false],
    [resource('https://api.example'), { resources: ['https://api.example/'] }, true],
    [resource('https://API.example:443/'), { resources: ['https://api.example'] }, true],
    [resource('https://api.example'), { resources: ['https://api.example/v2', 'urn:x'] }, false],
    [resource('urn:x'), { resources: ['urn:x'] }, true],
  ],
  'the account': [
    [tenant('acme'), accounts({ tenant: 'acme' }), true],
    [tenant('acme'), accounts({ tenant: 'other' }), false],
    [tenant('acme'), accounts({}), undefined],
    [accountHas('tenant'), accounts({}), false],
    [accountHas('tenant'), accounts({ tenant: 'acme' }), true],
    [accountHas('metadata.a'), metadata({ a: null }), false],
    [policy.all(accountHas('tenant'), tenant('acme')), accounts({}), false],
    [accountAttribute('metadata.department', 'sales'), metadata({ department: 'sales' }), true],
    [accountAttribute('metadata.department', 'sales'), metadata({ department: ['it', 'sales'] }), true],
    [accountAttribute('metadata.department', 'sales'), metadata({ department: null }), false],
    [accountAttribute('metadata.a.b', 1), metadata({ a: { b: 1 } }), true],
    [accountAttribute('metadata.a', '1'), metadata({ a: 1 }), undefined],
    [accountAttribute('metadata.a', 'b'), metadata({ a: { b: 1 } }), undefined],
    [accountAttribute('emailVerified', true), accounts({ emailVerified: false }), false],
    [accountAttribute(['metadata', 'https://x.example/dep'], 'it'), metadata({ 'https://x.example/dep': 'it' }), true],
    [group('admins'), metadata({ groups: ['users', 'admins'] }), true],
    [group('admins'), metadata({ groups: [] }), false],
    [group('admins'), metadata({ groups: ['users', { name: 'admins' }] }), undefined],
    [group('admins'), metadata({}), undefined],
    [group(['admins'], { path: 'metadata.roles' }), metadata({ roles: 'admins' }), true],
  ],
  'AC-37: what only looks like an attribute': [
    [accountAttribute('metadata.department', 'sales'), accounts({ metadata: inherited }), undefined],
    [accountHas('metadata.__proto__.x'), metadata({}), false],
    [accountHas('metadata.constructor'), metadata({}), false],
    [accountAttribute('metadata.constructor.name', 'Object'), metadata({}), undefined],
    [accountAttribute('metadata.name.length', 3), metadata({ name: 'abc' }), undefined],
    [accountAttribute('metadata.groups.0', 'a'), metadata({ groups: ['a'] }), undefined],
    [accountAttribute('metadata.__proto__', 'x'), metadata(JSON.parse('{ "__proto__": "x" }')), true],
    [accountAttribute('metadata.a', 1), accounts({ metadata: null }), undefined],
  ],
  'AC-37: texts that look the same': [
    [group('café'), metadata({ groups: ['cafe\u0301'] }), undefined],
    [group('cafe\u0301'), metadata({ groups: ['café'] }), undefined],
    [group('cafe\u0301'), metadata({ groups: ['cafe\u0301'] }), true],
    [client('\u212a'), { client: { id: 'K' } }, undefined],
    [client('cafe'), { client: { id: 'café' } }, false],
    [scope('x'), { scopes: [LONG] }, false],
  ],
  'the address': [
    [ipRange('10.0.0.0/8'), from('10.255.255.255'), true],
    [ipRange('10.0.0.0/8'), from('11.0.0.0'), false],
    [ipRange('10.0.0.0/8'), from('9.255.255.255'), false],
    [ipRange('10.1.0.0/16', '10.0.0.0/8', '10.1.2.3'), from('10.9.9.9'), true],
    [ipRange('192.0.2.1'), from('192.0.2.1'), true],
    [ipRange('192.0.2.1'), from('192.0.2.2'), false],
    [ipRange('192.0.2.128/25'), from('192.0.2.127'), false],
    [ipRange('2001:db8::/32'), from('2001:db8:ffff::1'), true],
    [ipRange('2001:db8::/32'), from('2001:db9::'), false],
    [ipRange('2001:db8::/47'), from('2001:DB8:1::'), true],
    [ipRange('::ffff:0:0/96'), from('192.0.2.1'), true],
    [ipRange('::ffff:10.0.0.0/104'), from('10.1.1.1'), true],
    [ipRange('10.0.0.0/8'), from('::ffff:10.1.1.1'), true],
    [ipRange('10.0.0.0/8'), from('::ffff:a01:101'), true],
    [ipRange('0.0.0.0/0'), from('255.255.255.255'), true],
    [ipRange('0.0.0.0/0'), from('::1'), false],
    [ipRange('0.0.0.0/0'), from('2001:db8::'), false],
    [ipRange('::ffff:0:0/96'), from('2001:db8::'), false],
    [ipRange('::/0'), from('192.0.2.1'), false],
    [ipRange('::/0'), from('::ffff:192.0.2.1'), false],
    [ipRange('::/0'), from('ffff::'), true],
    ...['', 'localhost', '10.0.0.1:443', '010.0.0.1', '10.1', '0x0a000001', ' 10.0.0.1', '::ffff:010.0.0.1', LONG].map(
      (text): Case => [ipRange('0.0.0.0/0', '::/0'), from(text), undefined],
    ),
    [network('tor', 'vpn'), at({ networks: ['hosting', 'vpn'] }), true],
    [network('tor'), at({ networks: [] }), false],
    [network('tor'), at({ country: 'DE' }), undefined],
    [asn(3320, 1), at({ asn: 3320 }), true],
    [asn(3320), at({ asn: 1 }), false],
    [asn(3320), at({}), undefined],
  ],
  'AC-73: the place': [
    [country('DE', 'AT'), at({ country: 'AT' }), true],
    [country('DE'), at({ country: 'FR' }), false],
    [country('DE'), at({}), undefined],
    [country('DE'), at({ country: 'de' }), undefined],
    [region('DE-BY'), at({ country: 'DE', region: 'BY' }), true],
    [region('DE-BY'), at({ country: 'DE', region: 'BE' }), false],
    [region('DE-BY'), at({ country: 'AT' }), false],
    [region('DE-BY'), at({ country: 'DE' }), undefined],
    [region('DE-BY'), at({ region: 'BY' }), undefined],
    [within({ ...BERLIN, radiusKm: 50 }), at({ ...POTSDAM, accuracyKm: 20 }), true],
    [within({ ...BERLIN, radiusKm: 50 }), at({ ...POTSDAM, accuracyKm: 25 }), undefined],
    [within({ ...BERLIN, radiusKm: 50 }), at({ ...PARIS, accuracyKm: 800 }), false],
    [within({ ...BERLIN, radiusKm: 50 }), at({ ...PARIS, accuracyKm: 900 }), undefined],
    [within({ ...BERLIN, radiusKm: 50 }), at(BERLIN), undefined],
    [within({ ...BERLIN, radiusKm: 50 }), at({ latitude: -33, longitude: 151 }), false],
    [within({ ...BERLIN, radiusKm: 50 }), at({ latitude: 52.52 }), undefined],
    [within({ ...BERLIN, radiusKm: 50 }), at({ latitude: Number.NaN, longitude: 13, accuracyKm: 1 }), undefined],
    [within({ ...BERLIN, radiusKm: 50 }), at({ ...BERLIN, accuracyKm: -1 }), undefined],
    [
      within({ latitude: 0, longitude: 179.9, radiusKm: 50 }),
      at({ latitude: 0, longitude: -179.9, accuracyKm: 1 }),
      true,
    ],
    [changedLocation('country'), before({ country: 'DE' }, { country: 'FR' }), true],
    [changedLocation('country'), before({ country: 'DE' }, { country: 'DE' }), false],
    [changedLocation('country'), before({}, { country: 'DE' }), undefined],
    [changedLocation('country'), before(undefined, { country: 'DE' }), undefined],
    [changedLocation('country'), { location: { country: 'DE' } }, undefined],
    [changedLocation('region'), before({ country: 'DE', region: 'BY' }, { country: 'AT' }), true],
    [changedLocation('region'), before({ country: 'DE', region: 'BY' }, { country: 'DE', region: 'BE' }), true],
    [changedLocation('region'), before({ country: 'DE', region: 'BY' }, { country: 'DE', region: 'BY' }), false],
    [changedLocation('region'), before({ country: 'DE', region: 'BY' }, { country: 'DE' }), undefined],
    [changedLocation({ distanceKm: 500 }), before({ ...BERLIN, accuracyKm: 50 }, { ...PARIS, accuracyKm: 50 }), true],
    [
      changedLocation({ distanceKm: 500 }),
      before({ ...BERLIN, accuracyKm: 50 }, { ...POTSDAM, accuracyKm: 50 }),
      false,
    ],
    [
      changedLocation({ distanceKm: 500 }),
      before({ ...BERLIN, accuracyKm: 300 }, { ...PARIS, accuracyKm: 300 }),
      undefined,
    ],
  ],
  'the sign-in': [
    [newDevice(), { device: { cookie: 'known', userAgent: 'unknown', known: 1 } }, false],
    [newDevice(), { device: { cookie: 'unknown', userAgent: 'known', known: 1 } }, true],
    [daysSinceFactor(7), { now: 8 * DAY, lastFactorAt: 0 }, true],
    [daysSinceFactor(7), { now: 7 * DAY, lastFactorAt: 0 }, false],
    [daysSinceFactor(7), { now: 0, lastFactorAt: undefined }, true],
    [daysSinceFactor(7), { now: 10, lastFactorAt: 11 }, undefined],
    [enrolled('totp', 'webauthn'), { enrolled: ['sms', 'totp'] }, true],
    [enrolled('totp'), { enrolled: [] }, false],
    [loginMethod('federated'), login({ method: 'federated', amr: [] }), true],
    [loginMethod('federated'), login({ method: 'password', amr: ['pwd'] }), false],
    [loginMethod('federated'), login({ amr: ['pwd'] }), undefined],
    [loginMethod('pwd'), login({ amr: ['pwd'] }), true],
    [loginMethod('sms'), login({ amr: ['pwd'] }), false],
    [loginMethod('sms'), login({ amr: [] }), undefined],
    [upstream({ issuer: 'https://a' }), login({ amr: [] }), false],
    [upstream({ issuer: 'https://a' }), login({ amr: [], upstream: { issuer: 'https://a' } }), true],
    [upstream({ issuer: 'https://a' }), login({ amr: [], upstream: { issuer: 'https://a/' } }), false],
    [upstream({ issuer: 'https://a', acr: 'x' }), login({ amr: [], upstream: { issuer: 'https://a' } }), undefined],
    [upstream({ issuer: 'https://b', acr: 'x' }), login({ amr: [], upstream: { issuer: 'https://a' } }), false],
    [upstream({ amr: ['mfa', 'hwk'] }), login({ amr: [], upstream: { issuer: 'i', amr: ['pwd', 'mfa'] } }), true],
    [upstream({ acr: 'x', amr: 'mfa' }), login({ amr: [], upstream: { issuer: 'i', acr: 'x', amr: [] } }), false],
    [confidenceAtMost('low'), { risk: { confidence: 'low' } }, true],
    [confidenceAtMost('low'), { risk: { confidence: 'medium' } }, false],
    [confidenceAtMost('medium'), { risk: { confidence: 'medium' } }, true],
    [confidenceAtMost('medium'), { risk: { confidence: 'high' } }, false],
    [confidenceAtMost('medium'), { risk: { confidence: 'constructor' } }, undefined],
    [fact('payroll' as never, 'open', 3), { payroll: 3 } as object, true],
    [fact('payroll' as never, 'open'), { payroll: 'closed' } as object, false],
    [fact('payroll' as never, 'open'), { payroll: true } as object, undefined],
    [fact('payroll' as never, 'open'), { payroll: ['open'] } as object, true],
  ],
}

describe('conditions', () => {
  for (const [name, cases] of Object.entries(tables))
    it(`tell of ${name}`, () => {
      for (const [condition, facts, answer] of cases)
        assert.equal(test(condition, facts), answer, `${condition.text} of ${JSON.stringify(facts).slice(0, 200)}`)
    })

  it('say what they ask, as people read it', () => {
    const texts = [...everyCondition.map(([condition]) => condition.text), upstream({ amr: ['mfa', 'hwk'] }).text]
    assert.deepEqual(texts, [
      'client is bank or shop',
      'scope is payments',
      'resource is https://api.example',
      "account's metadata.department is finance, 7 or true",
      'account has phone',
      'group is admins or owners',
      'group is admins',
      'tenant is acme',
      'address in 10.0.0.0/8 or 2001:db8::/32',
      'country is DE or AT',
      'region is DE-BY',
      'within 50 km of 52.52, 13.405',
      'network is tor or vpn',
      'network is AS 3320',
      'between 22:00 and 06:00 in Europe/Berlin',
      'saturday or sunday in Asia/Kathmandu',
      'browser is new',
      'another country than at the last login',
      'another region than at the last login',
      'more than 500 km from the last login',
      'no factor proved within 7 days',
      'totp is enrolled',
      'confidence is low',
      'confidence is medium at most',
      'login by federated',
      'upstream issuer is https://idp.example and acr is x or y and amr is mfa',
      'payroll is open',
      'upstream amr is mfa or hwk',
    ])
  })

  it('stay short with long lists, and show nothing that a terminal would obey', () => {
    const many = Array.from({ length: 5000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`)
    assert.match(ipRange(...many).text, /^address in 10\.0\.0\.0\/24, .* or 4993 more$/)
    assert.equal(test(ipRange(...many), from('10.19.135.9')), true)
    assert.equal(test(ipRange(...many), from('10.19.136.9')), false)
    assert.equal(client('a b', '\u009b31m\u202e\u001b[0m').text, 'client is "a b" or "\\u{9b}31m\\u{202e}\\u001b[0m"')
    assert.ok(client(LONG).text.length < 120)
  })

  it('are frozen, and keep what they were made of', () => {
    const codes = ['DE']
    const condition = country(...codes)
    codes.push('FR')
    assert.equal(test(condition, at({ country: 'FR' })), false)
    for (const [one] of everyCondition) assert.ok(Object.isFrozen(one) && Object.isFrozen(one.reads), one.text)
  })

  it('AC-37: know nothing where nothing is known, so that demands speak and exemptions do not', () => {
    for (const [condition] of everyCondition) {
      assert.equal(test(condition, {}), undefined, condition.text)
      for (const either of [condition, policy.not(condition)]) {
        assert.ok(policy.when(either, { floor: 'phr' }).demand({} as never), either.text)
        assert.equal(policy.when(either, { exempt: true }).demand({} as never), undefined, either.text)
      }
    }
  })

  it('AC-38: none reads what a browser says of itself', () => {
    for (const [condition] of everyCondition) assert.ok(!condition.reads.includes('userAgent' as never), condition.text)
  })

  it('have a JSON form each', () => {
    const builders = Object.keys(policy).filter(
      (name) => !['always', 'rulesFromJson', 'upstreamLogin', 'when', 'all', 'any', 'not', 'known'].includes(name),
    )
    const keys = new Set(everyCondition.flatMap(([, json]) => Object.keys(json)))
    assert.deepEqual([...keys].sort(), builders.sort())
  })
})
