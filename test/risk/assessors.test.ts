import assert from 'node:assert/strict'
import type { Assessment, Confidence, Facts, LastLogin, Location } from '../../src/policy/facts.ts'
import type { Assessor } from '../../src/risk/assessor.ts'
import { dormant, impossibleTravel, newDevice, phoneNumber, untrustedIp, velocity } from '../../src/risk/index.ts'

const NOW = 1_800_000_000
const DAY = 86_400
const BERLIN: Location = { latitude: 52.52, longitude: 13.405, accuracyKm: 10, networks: [] }
const MUNICH: Location = { latitude: 48.137, longitude: 11.575, accuracyKm: 10 }
const SYDNEY: Location = { latitude: -33.87, longitude: 151.21, accuracyKm: 10 }

const assess = async (assessor: Assessor, facts: Partial<Facts>): Promise<Assessment> => {
  const read = Object.fromEntries(assessor.reads.map((name) => [name, { now: NOW, ...facts }[name]]))
  return assessor.assess(read as never, { signal: new AbortController().signal })
}

const wordOf = ({ confidence, code }: Assessment) => `${confidence} ${code}`

type Table = Readonly<Record<string, readonly [facts: Partial<Facts>, word: string]>>

const follows = (assessor: Assessor, table: Table) => {
  for (const [title, [facts, word]] of Object.entries(table))
    it(`${title}: ${word}`, async () => assert.equal(wordOf(await assess(assessor, facts)), word))
}

const login = (secondsAgo: number, location?: Location): LastLogin => ({
  at: NOW - secondsAgo,
  ...(location === undefined ? {} : { location }),
})

const refuses = (make: () => unknown, message: RegExp) => assert.throws(make, { code: 'ERR_CONFIG', message })

describe('risk: newDevice', () => {
  const device = (cookie: 'known' | 'unknown', userAgent: 'known' | 'unknown', known = 2) => ({
    device: { cookie, userAgent, known },
    lastLogin: login(DAY),
  })
  follows(newDevice(), {
    'its cookie and its kind': [device('known', 'known'), 'high match'],
    'its cookie in another kind of browser': [device('known', 'unknown'), 'medium partial_match'],
    'AC-37: a kind of browser alone': [device('unknown', 'known'), 'low partial_match'],
    'AC-37: nothing that is known': [device('unknown', 'unknown'), 'low no_match'],
    'AC-37: a first sign-in': [{ ...device('unknown', 'unknown', 0), lastLogin: undefined }, 'low initial_login'],
    'no browser any more': [device('unknown', 'unknown', 0), 'low no_device_history'],
    'AC-37: no word of browsers': [{ device: undefined }, 'unknown unknown_device'],
  })

  it('tells in its details what is known', async () => {
    const { details } = await assess(newDevice(), device('unknown', 'known'))
    assert.deepEqual(details, { device: 'unknown', useragent: 'known' })
  })
})

describe('risk: impossibleTravel', () => {
  const from = (place: Location | undefined, lastLogin: LastLogin | undefined) => ({ location: place, lastLogin })
  const hours = (count: number, place: Location = BERLIN) => login(count * 3600, place)
  const odd = (more: object) => from({ ...BERLIN, ...more }, hours(1))
  follows(impossibleTravel(), {
    'the same place at once': [from(BERLIN, login(0, BERLIN)), 'high minimal_travel_from_last_login'],
    'a clock that is a little off': [from(BERLIN, login(-60, BERLIN)), 'high minimal_travel_from_last_login'],
    '480 km in two hours': [from(MUNICH, hours(2)), 'high travel_from_last_login'],
    '480 km in an hour': [from(MUNICH, hours(1)), 'medium substantial_travel_from_last_login'],
    '480 km in half an hour': [from(MUNICH, hours(0.5)), 'low impossible_travel_from_last_login'],
    'the other side of the earth in 12 hours': [from(SYDNEY, hours(12)), 'low impossible_travel_from_last_login'],
    'the other side of the earth in a week': [from(SYDNEY, hours(168)), 'high travel_from_last_login'],
    'another place at once, by a clock that is off': [
      from(MUNICH, login(-30, BERLIN)),
      'low impossible_travel_from_last_login',
    ],
    'places that are 250 km off each': [
      from({ ...MUNICH, accuracyKm: 250 }, hours(0.1, { ...BERLIN, accuracyKm: 250 })),
      'high minimal_travel_from_last_login',
    ],
    'AC-37: a clock that went back': [from(BERLIN, login(-61, BERLIN)), 'low invalid_travel'],
    'AC-37: a last sign-in at no time': [from(BERLIN, { at: Number.NaN, location: BERLIN }), 'low invalid_travel'],
    'AC-37: Tor': [odd({ networks: ['hosting', 'tor'] }), 'low anonymous_proxy'],
    'AC-37: a VPN at the first sign-in': [from({ networks: ['vpn'] }, undefined), 'low anonymous_proxy'],
    'a data center': [odd({ networks: ['hosting'] }), 'high minimal_travel_from_last_login'],
    'AC-73: no location': [from(undefined, hours(1)), 'unknown missing_geoip'],
    'AC-73: only a country': [from({ country: 'DE' }, hours(1)), 'unknown unknown_location'],
    'AC-73: a vague place': [odd({ accuracyKm: 501 }), 'unknown unknown_location'],
    'no accuracy that could be': [odd({ accuracyKm: -1 }), 'unknown unknown_location'],
    'no number': [odd({ latitude: Number.NaN }), 'unknown unknown_location'],
    'no place on earth': [odd({ longitude: 181 }), 'unknown unknown_location'],
    'a first sign-in': [from(BERLIN, undefined), 'unknown initial_login'],
    'a last sign-in from nowhere': [from(BERLIN, login(60)), 'unknown location_history_not_found'],
    'a last sign-in from a vague place': [
      from(BERLIN, login(60, { ...BERLIN, accuracyKm: 1000 })),
      'unknown location_history_not_found',
    ],
  })

  it('tells distance, time and speed, and no place', async () => {
    const { details } = await assess(impossibleTravel(), from(MUNICH, hours(1)))
    assert.deepEqual(details, { distance_km: 484, seconds_from_last_login: 3600, km_per_hour: 484 })
  })

  it('goes by the speeds and distances it is given', async () => {
    const slow = impossibleTravel({ kmPerHour: 100, minimalKm: 0, maxAccuracyKm: 1000, substantialKmPerHour: 50 })
    const word = async (count: number) => wordOf(await assess(slow, from(MUNICH, hours(count))))
    assert.equal(await word(4), 'low impossible_travel_from_last_login')
    assert.equal(await word(6), 'medium substantial_travel_from_last_login')
    assert.equal(await word(20), 'high travel_from_last_login')
  })

  it('refuses what cannot be meant', () => {
    refuses(
      () => impossibleTravel({ kmPerHour: 0 }),
      /^impossibleTravel\(\): kmPerHour: found 0; allowed: a number of k/,
    )
    refuses(() => impossibleTravel({ substantialKmPerHour: 901 }), /substantialKmPerHour: found 901; .* from 0 to 900/)
    refuses(() => impossibleTravel({ speed: 3 } as never), /speed: found an unknown setting; allowed: only kmPerHour/)
    refuses(() => impossibleTravel(null as never), /found null; allowed: an object/)
  })
})

describe('risk: untrustedIp', () => {
  const deny = ['192.0.2.0/24', '2001:db8:bad::/48', '203.0.113.7']
  const at = (address: string | undefined, location?: Location) => ({ address, location })
  follows(untrustedIp({ deny }), {
    'a denied range': [at('192.0.2.200', BERLIN), 'low found_on_deny_list'],
    'a denied address': [at('203.0.113.7', BERLIN), 'low found_on_deny_list'],
    'a denied range of IPv6': [at('2001:db8:bad::1', BERLIN), 'low found_on_deny_list'],
    'IPv4 in the clothes of IPv6': [at('::ffff:192.0.2.1', BERLIN), 'low found_on_deny_list'],
    'a VPN': [at('198.51.100.1', { networks: ['vpn'] }), 'low found_on_deny_list'],
    'nothing against it': [at('198.51.100.1', BERLIN), 'high not_found_on_deny_list'],
    'AC-73: no word of networks': [at('198.51.100.1', { country: 'DE' }), 'unknown not_found_on_deny_list'],
    'AC-73: no location': [at('198.51.100.1'), 'unknown not_found_on_deny_list'],
    'AC-37: no address': [at(undefined, BERLIN), 'low invalid_ip_address'],
    'AC-37: no address at all': [at('localhost', BERLIN), 'low invalid_ip_address'],
    'AC-37: octal': [at('010.0.0.1', BERLIN), 'low invalid_ip_address'],
    'AC-37: a forgotten part': [at('127.1', BERLIN), 'low invalid_ip_address'],
  })
  describe('without anonymizers', () => {
    const assessor = untrustedIp({ deny, anonymizers: false })
    follows(assessor, { 'a VPN': [at('198.51.100.1', { networks: ['vpn'] }), 'high not_found_on_deny_list'] })
    it('reads no location', () => assert.deepEqual(assessor.reads, ['address']))
  })

  it('tells where it was found', async () => {
    const feed = () => ({ source: 'abuse', category: 'botnet', matches: '198.51.100.0/24', secret: 'x' })
    const detailsOf = async (address: string, location = BERLIN) =>
      (await assess(untrustedIp({ deny, feed }), at(address, location))).details
    assert.deepEqual(await detailsOf('192.0.2.1'), { ip: '192.0.2.1', source: 'deny' })
    const ip = '198.51.100.1'
    assert.deepEqual(await detailsOf(ip, { networks: ['tor'] }), { ip, source: 'network', category: 'tor' })
    const told = { source: 'abuse', category: 'botnet', matches: '198.51.100.0/24' }
    assert.deepEqual(await detailsOf(ip), { ip, ...told })
  })

  it('asks the feed only about addresses with nothing against them yet', async () => {
    const asked: string[] = []
    const feed = async (address: string) => void asked.push(address)
    const assessor = untrustedIp({ deny, feed })
    for (const address of ['192.0.2.1', 'nonsense', '198.51.100.1', '2001:db8::1'])
      await assess(assessor, at(address, BERLIN))
    assert.deepEqual(asked, ['198.51.100.1', '2001:db8::1'])
  })

  it('AC-37: rejects where the feed answers nonsense', async () => {
    for (const answer of [null, true, 'yes', { source: 3 }])
      await assert.rejects(assess(untrustedIp({ feed: () => answer as never }), at('198.51.100.1', BERLIN)))
  })

  it('refuses what cannot be meant', () => {
    refuses(
      () => untrustedIp({ deny: ['10.0.0.0/33'] }),
      /untrustedIp\(\)\.deny: found "10\.0\.0\.0\/33"; allowed: an addr/,
    )
    refuses(() => untrustedIp({ deny: '10.0.0.0/8' as never }), /deny: .* allowed: a list/)
    refuses(() => untrustedIp({ anonymizers: false }), /nothing to go by/)
    refuses(() => untrustedIp({ feed: 'https://x' as never }), /feed: .* allowed: a function/)
  })
})

describe('risk: phoneNumber', () => {
  const ALICE = { account: { id: 'alice', label: 'alice', phone: '+4915112345678' } }
  const told = (signals: unknown) => phoneNumber({ lookUp: () => signals as never })
  const word = async (signals: unknown, facts: Partial<Facts> = ALICE) => wordOf(await assess(told(signals), facts))

  it('judges what it is told', async () => {
    const words = {
      'low invalid_phone_number': [{ valid: false, changedDaysAgo: 900 }],
      'low recent_sim_swap': [{ simSwappedDaysAgo: 7 }, { simSwappedDaysAgo: -0.5, changedDaysAgo: 900 }],
      'low recent_number_change': [{ changedDaysAgo: 0, simSwappedDaysAgo: 400 }],
      'medium weak_line_type': [{ lineType: 'nonFixedVoip', changedDaysAgo: 900 }],
      'high no_recent_change': [{ simSwappedDaysAgo: 7.1 }, { valid: true, lineType: 'mobile', changedDaysAgo: 8 }],
      'unknown no_change_history': [{}, { lineType: 'mobile', valid: true }],
    }
    for (const [expected, answers] of Object.entries(words))
      for (const answer of answers) assert.equal(await word(answer), expected, JSON.stringify(answer))
  })

  it('AC-37: rejects where it is told nonsense', async () => {
    for (const answer of [null, undefined, 'ok', { changedDaysAgo: 'long' }, { simSwappedDaysAgo: Number.NaN }])
      await assert.rejects(word(answer))
  })

  it('asks only of accounts with a phone, and never shows the number', async () => {
    const lookUp = () => assert.fail('asked')
    const nobody = { account: { id: 'bob', label: 'bob' } }
    assert.equal(wordOf(await assess(phoneNumber({ lookUp }), nobody)), 'unknown no_phone_number')
    const { details } = await assess(told({ changedDaysAgo: 3.7, simSwappedDaysAgo: 9, lineType: 'mobile' }), ALICE)
    assert.deepEqual(details, { changed_days_ago: 3, sim_swapped_days_ago: 9, line_type: 'mobile' })
  })

  it('remembers answers, and no failures, for a while and up to a number; a clock that goes back ends that', async () => {
    const asked: string[] = []
    let fails = true
    const lookUp = (phone: string) => {
      asked.push(phone)
      if (fails) throw new Error('out of reach')
      return { changedDaysAgo: 100 }
    }
    const assessor = phoneNumber({ lookUp, rememberSeconds: 60, rememberNumbers: 2 })
    const ask = (phone: string, now = NOW) => assess(assessor, { account: { id: 'a', label: 'a', phone }, now })
    await assert.rejects(ask('1'))
    fails = false
    for (const phone of ['1', '1', '2', '1', '3', '2', '3', '1']) await ask(phone)
    assert.equal(asked.join(''), '11231')
    for (const now of [NOW + 59, NOW + 60, NOW + 119, NOW]) await ask('1', now)
    assert.equal(asked.join(''), '1123111')
  })

  it('refuses what cannot be meant', () => {
    refuses(() => phoneNumber({} as never), /phoneNumber\(\): lookUp: found nothing; allowed: a function/)
    refuses(() => phoneNumber({ lookUp: () => ({}), recentDays: -1 }), /recentDays: found -1; allowed: .*0 to 365/)
    refuses(() => phoneNumber({ lookUp: () => ({}), rememberNumbers: 0 }), /rememberNumbers: found 0/)
  })
})

describe('risk: velocity', () => {
  const count = (failures: number, accounts: number) => ({ velocity: { failures, accounts } })
  follows(velocity(), {
    'nothing unusual': [count(2, 4), 'high usual_velocity'],
    'half the failures': [count(3, 1), 'medium raised_velocity'],
    'half the accounts': [count(0, 5), 'medium raised_velocity'],
    'too many failures': [count(5, 1), 'low many_failures'],
    'too many accounts': [count(0, 10), 'low many_accounts'],
    'AC-37: no numbers': [count(Number.NaN, 1), 'low many_failures'],
    'AC-37: nothing counted': [{ velocity: undefined }, 'unknown assessment_not_available'],
  })
  it('refuses what cannot be meant', () => {
    refuses(() => velocity({ failures: 1 }), /velocity\(\): failures: found 1; allowed: a whole number from 2 to 100/)
    refuses(() => velocity({ accounts: 51 }), /accounts: found 51/)
  })
})

describe('risk: dormant', () => {
  follows(dormant({ days: 10 }), {
    'ten days': [{ lastLogin: login(10 * DAY) }, 'high active_account'],
    'a second more': [{ lastLogin: login(10 * DAY + 1) }, 'low dormant_account'],
    'AC-37: no sign-in that is remembered': [{ lastLogin: undefined }, 'low initial_login'],
    'a clock that is a little off': [{ lastLogin: login(-60) }, 'high active_account'],
    'AC-37: a clock that went back': [{ lastLogin: login(-61) }, 'low invalid_last_login'],
  })
  it('refuses what cannot be meant', () => refuses(() => dormant({ days: 0 }), /dormant\(\): days: found 0/))
})

describe('risk: all assessors', () => {
  const signals = () => ({ changedDaysAgo: 400 })
  const all: readonly Assessor[] = [
    newDevice(),
    impossibleTravel(),
    untrustedIp(),
    phoneNumber({ lookUp: signals }),
    velocity(),
    dormant(),
  ]

  it('AC-37: answer no better than unknown where they know nothing', async () => {
    const nothing: readonly (Confidence | 'unknown')[] = ['low', 'unknown']
    for (const assessor of all) {
      const { confidence } = await assess(assessor, { account: { id: 'alice', label: 'alice' } })
      assert.ok(nothing.includes(confidence), assessor.name)
    }
  })

  it('are frozen and have names of their own', () => {
    assert.ok(all.every((assessor) => Object.isFrozen(assessor)))
    assert.deepEqual(
      all.map(({ name }) => name),
      ['NewDevice', 'ImpossibleTravel', 'UntrustedIP', 'PhoneNumber', 'Velocity', 'Dormant'],
    )
  })
})
