import assert from 'node:assert/strict'
import { locationOf, mergeLocations } from '../../../src/geo/maxmind/location.ts'
import type { Location } from '../../../src/policy/facts.ts'

const RECORDS: readonly (readonly [string, Readonly<Record<string, unknown>> | null, Location, string?])[] = [
  ['a country in lower case', { country: { iso_code: 'gb' } }, { country: 'GB' }],
  ['a country that is none', { country: { iso_code: 'ZZ' }, registered_country: { iso_code: 'DE' } }, {}],
  ['a country by its name alone', { country: 'Germany' }, {}],
  ['half a point', { location: { latitude: 51.5 } }, {}],
  ['a point off the globe', { location: { latitude: 91.5, longitude: 3 } }, {}],
  ['a damaged double', { location: { latitude: 1.79e-52, longitude: 4.9e-91 } }, {}],
  ['the equator', { location: { latitude: 0, longitude: 9.5 } }, { latitude: 0, longitude: 9.5 }],
  ['a number that is a text', { autonomous_system_number: 'many' }, {}],
  ['a list where a map belongs', { country: ['DE'], location: ['x'], city: 7, subdivisions: 'BY' }, {}],
  [
    'the fields of IPinfo',
    { country: 'de', region: 'Bavaria', city: 'Munich', lat: '48.1', lng: '11.6', timezone: 'Europe/Berlin' },
    { country: 'DE', city: 'Munich', latitude: 48.1, longitude: 11.6, timeZone: 'Europe/Berlin' },
  ],
  [
    'the short fields of IPinfo',
    { country: 'Germany', country_code: 'DE', asn: 'AS3320', as_name: 'Telekom' },
    { country: 'DE', asn: 3320, organization: 'Telekom' },
  ],
  ['the yes and no of IPinfo', { vpn: 'true', hosting: '', tor: 'false' }, { networks: ['vpn'] }],
  ['an enterprise record', { traits: { user_type: 'hosting' } }, { networks: ['hosting'] }],
  ['a record that says no', { is_anonymous: false, is_hosting: false }, { networks: [] }],
  ['a city record with other traits', { traits: { is_anycast: true } }, {}],
  ['no record at all', null, {}],
  ['no record at all, where flags belong', null, { networks: [] }, 'anonymity'],
  ['no flag at all, where flags belong', {}, { networks: [] }, 'anonymity'],
]

describe('locations from records of MMDB files', () => {
  for (const [what, record, expected, family = 'place'] of RECORDS)
    it(`reads ${what}`, () => assert.deepEqual(locationOf(record, [family]), expected))

  it('are nowhere where no file tells anything', () => {
    assert.equal(mergeLocations([]), undefined)
    assert.equal(mergeLocations([{}, {}]), undefined)
  })

  it('believe the first file about the country, and add to the place only where another agrees', () => {
    const point = { latitude: 51.5, longitude: -0.1, accuracyKm: 10 }
    const london = { country: 'GB', region: 'ENG', city: 'London', ...point, asn: 7 }
    assert.deepEqual(mergeLocations([{ country: 'GB' }, london]), london)
    assert.deepEqual(mergeLocations([{ country: 'FR' }, london]), { country: 'FR', asn: 7 })
    assert.deepEqual(mergeLocations([{ country: 'GB', latitude: 1, longitude: 2 }, london]), {
      ...{ country: 'GB', region: 'ENG', city: 'London', asn: 7 },
      ...{ latitude: 1, longitude: 2 },
    })
  })

  it('name an operator and its number together, and all networks that any file names', () => {
    const first: Location = { asn: 1, networks: ['vpn', 'anonymous'] }
    const second: Location = { asn: 2, organization: 'Two', networks: ['hosting', 'vpn'] }
    assert.deepEqual(mergeLocations([first, second]), { asn: 1, networks: ['anonymous', 'hosting', 'vpn'] })
    assert.deepEqual(mergeLocations([{ networks: [] }, {}]), { networks: [] })
  })
})
