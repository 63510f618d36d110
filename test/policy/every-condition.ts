import type { Condition } from '../../src/policy/condition.ts'
import * as policy from '../../src/policy/index.ts'

/** One of every condition, as code and as JSON; both say the same. */
export const everyCondition: readonly (readonly [condition: Condition, json: Record<string, unknown>])[] = [
  [policy.client('bank', 'shop'), { client: ['bank', 'shop'] }],
  [policy.scope('payments'), { scope: ['payments'] }],
  [policy.resource('https://api.example'), { resource: ['https://api.example'] }],
  [
    policy.accountAttribute('metadata.department', 'finance', 7, true),
    { accountAttribute: { path: 'metadata.department', values: ['finance', 7, true] } },
  ],
  [policy.accountHas('phone'), { accountHas: 'phone' }],
  [policy.group('admins', 'owners'), { group: ['admins', 'owners'] }],
  [policy.group(['admins'], { path: 'metadata.roles' }), { group: { names: ['admins'], path: 'metadata.roles' } }],
  [policy.tenant('acme'), { tenant: ['acme'] }],
  [policy.ipRange('10.0.0.0/8', '2001:db8::/32'), { ipRange: ['10.0.0.0/8', '2001:db8::/32'] }],
  [policy.country('DE', 'AT'), { country: ['DE', 'AT'] }],
  [policy.region('DE-BY'), { region: ['DE-BY'] }],
  [
    policy.within({ latitude: 52.52, longitude: 13.405, radiusKm: 50 }),
    { within: { latitude: 52.52, longitude: 13.405, radiusKm: 50 } },
  ],
  [policy.network('tor', 'vpn'), { network: ['tor', 'vpn'] }],
  [policy.asn(3320), { asn: [3320] }],
  [
    policy.timeOfDay({ from: '22:00', to: '06:00', timeZone: 'Europe/Berlin' }),
    { timeOfDay: { from: '22:00', to: '06:00', timeZone: 'Europe/Berlin' } },
  ],
  [
    policy.weekday(['saturday', 'sunday'], { timeZone: 'Asia/Kathmandu' }),
    { weekday: { days: ['saturday', 'sunday'], timeZone: 'Asia/Kathmandu' } },
  ],
  [policy.newDevice(), { newDevice: true }],
  [policy.changedLocation('country'), { changedLocation: 'country' }],
  [policy.changedLocation('region'), { changedLocation: 'region' }],
  [policy.changedLocation({ distanceKm: 500 }), { changedLocation: { distanceKm: 500 } }],
  [policy.daysSinceFactor(7), { daysSinceFactor: 7 }],
  [policy.enrolled('totp'), { enrolled: ['totp'] }],
  [policy.confidenceAtMost('low'), { confidenceAtMost: 'low' }],
  [policy.confidenceAtMost('medium'), { confidenceAtMost: 'medium' }],
  [policy.loginMethod('federated'), { loginMethod: ['federated'] }],
  [
    policy.upstream({ issuer: 'https://idp.example', acr: ['x', 'y'], amr: 'mfa' }),
    { upstream: { issuer: 'https://idp.example', acr: ['x', 'y'], amr: 'mfa' } },
  ],
  [policy.fact('payroll' as never, 'open'), { fact: { name: 'payroll', values: ['open'] } }],
]
