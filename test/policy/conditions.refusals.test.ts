import assert from 'node:assert/strict'
import {
  accountAttribute,
  asn,
  changedLocation,
  client,
  confidenceAtMost,
  country,
  daysSinceFactor,
  enrolled,
  fact,
  group,
  ipRange,
  loginMethod,
  network,
  region,
  scope,
  tenant,
  timeOfDay,
  upstream,
  weekday,
  within,
} from '../../src/policy/index.ts'

const refused: readonly (readonly [make: () => unknown, message: RegExp])[] = [
  [() => client(), /^client: found an empty list; allowed: at least one, each a text that is not empty$/],
  [() => scope(''), /^scope: found ""; allowed: a text/],
  [() => group(...([] as string[])), /^group: found an empty list/],
  [() => group([], { path: 'metadata.x' }), /^group: found an empty list/],
  [() => tenant(3 as never), /^tenant: found 3/],
  [() => accountAttribute('tennant', 'x'), /^accountAttribute\.path: found "tennant"; allowed: id, .* or metadata\.…$/],
  [() => accountAttribute('__proto__.x', 'x'), /^accountAttribute\.path: found "__proto__\.x"/],
  [() => accountAttribute('securityStamp', 'x'), /^accountAttribute\.path/],
  [() => accountAttribute('metadata..x', 'x'), /^accountAttribute\.path/],
  [() => accountAttribute('metadata', 'x'), /^accountAttribute\.path/],
  [() => accountAttribute('tenant.length', 4), /^accountAttribute\.path/],
  [() => accountAttribute('tenant'), /^accountAttribute: found an empty list/],
  [() => accountAttribute('tenant', Number.NaN), /^accountAttribute: found null; allowed: a text, a finite number/],
  ...['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/08', '10/8', '::/129', '1.2.3', 'fe80::1%eth0', '::ffff:0:0/95', 'x'].map(
    (cidr) => [() => ipRange(cidr), /^ipRange: found ".*"; allowed: an address or a range of them: 192/] as const,
  ),
  [() => ipRange('10.0.0.1/8'), /^ipRange: found "10\.0\.0\.1\/8"; allowed: .*, such as 10\.0\.0\.0\/8$/],
  ...['Germany', 'de', 'UK', 'EU', 'ZZ', 'AN', 'QQ'].map(
    (code) => [() => country(code), /^country: found ".*"; allowed: two capital letters, ISO 3166-1$/] as const,
  ),
  [() => country(['DE'] as never), /^country: found a list/],
  [() => region(['DE-BY'] as never), /^region: found a list/],
  [() => group(['a', 3 as never], {}), /^group: found 3; allowed: the name of a group$/],
  [() => region('BY'), /^region: found "BY"; allowed: a country and its part, ISO 3166-2: DE-BY$/],
  [() => region('UK-ENG'), /^region/],
  [() => within({ latitude: 91, longitude: 0, radiusKm: 1 }), /^within\.latitude: found 91/],
  [() => within({ latitude: 0, longitude: Number.NaN, radiusKm: 1 }), /^within\.longitude: found null/],
  [() => within({ latitude: 0, longitude: 0, radiusKm: 0 }), /^within\.radiusKm: found 0/],
  [() => network('wifi' as never), /^network: found "wifi"; allowed: one of anonymous, /],
  [() => asn(0), /^asn: found 0/],
  [() => asn(1.5), /^asn: found 1\.5/],
  [() => timeOfDay({ from: '24:00', to: '06:00', timeZone: 'UTC' }), /^timeOfDay\.from: found "24:00"/],
  [() => timeOfDay({ from: '6:00', to: '07:00', timeZone: 'UTC' }), /^timeOfDay\.from: found "6:00"/],
  [() => timeOfDay({ from: '06:00', to: '06:00', timeZone: 'UTC' }), /^timeOfDay\.to: .* another time than from$/],
  [() => timeOfDay({ from: '06:00', to: '07:00', timeZone: 'Mars/X' }), /^timeOfDay\.timeZone: found "Mars\/X"/],
  [
    () => weekday(['monday'], { timeZone: '+02:00' }),
    /^weekday\.timeZone: found "\+02:00"; allowed: the name of an IANA/,
  ],
  [() => weekday(['funday' as never], { timeZone: 'UTC' }), /^weekday\.days: found "funday"/],
  [() => changedLocation('city' as never), /^changedLocation: found "city"/],
  [() => changedLocation({ distanceKm: -1 }), /^changedLocation: found a value/],
  [() => daysSinceFactor(0), /^daysSinceFactor: found 0/],
  [() => enrolled(), /^enrolled/],
  [() => confidenceAtMost('high' as never), /^confidenceAtMost: found "high"; allowed: low or medium$/],
  [() => loginMethod(), /^loginMethod/],
  [() => upstream({}), /^upstream: .*allowed: at least one of issuer, acr, amr$/],
  [() => upstream({ amr: [] }), /^upstream\.amr: found an empty list/],
  ...['userAgent', '__proto__', 'constructor', 'toString', 'a b', ''].map(
    (name) => [() => fact(name as never, 'x'), /^fact\.name: found /] as const,
  ),
]

describe('builders of conditions', () => {
  it('refuse what would never hold, and say what is allowed', () => {
    for (const [make, message] of refused)
      assert.throws(make, (error: Error & { code?: string }) => {
        assert.match(error.message, message)
        return error.code === 'ERR_CONFIG'
      })
  })
})
