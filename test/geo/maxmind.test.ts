import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { openDatabase } from '../../src/geo/maxmind/database.ts'
import { type MaxmindOptions, maxmind } from '../../src/geo/maxmind.ts'
import { type MmdbOptions, type MmdbValue, writeMmdb } from '../support/mmdb.ts'

const NOW = 1_800_000_000
const LONDON = '81.2.69.142'

const city = (name: string, iso = 'GB', more: Record<string, MmdbValue> = {}) => ({
  city: { names: { de: `${name} (de)`, en: name } },
  country: { iso_code: iso, names: { en: 'anything' } },
  subdivisions: [{ iso_code: 'ENG' }, { iso_code: 'WBK' }],
  location: { latitude: 51.5142, longitude: -0.0931, accuracy_radius: 10, time_zone: 'Europe/London' },
  ...more,
})

const database = (table: Readonly<Record<string, MmdbValue>>, options: MmdbOptions = {}) =>
  writeMmdb(table, { builtAt: NOW - 86_400, ...options })

const cityOf = (name: string) => database({ '81.2.69.0/24': city(name) })

describe('geolocation from MMDB files', () => {
  let folder: string
  let now: number
  let warnings: string[]
  const clock = () => now
  const pathOf = (name: string) => join(folder, name)
  const keep = (warning: Error & { code?: string }) => {
    if (warning.code === 'STEP_UP_GEO') warnings.push(warning.message)
  }
  /** As a careful updater does: the new file takes the name at once. */
  const replace = (name: string, bytes: Buffer) => {
    writeFileSync(pathOf(`${name}.new`), bytes)
    renameSync(pathOf(`${name}.new`), pathOf(name))
  }
  const open = (files: Readonly<Record<string, Buffer>>, options: Partial<MaxmindOptions> = {}) => {
    for (const [name, bytes] of Object.entries(files)) writeFileSync(pathOf(name), bytes)
    return maxmind({ files: Object.keys(files).map(pathOf), clock, ...options })
  }
  /** Warnings are told in the next round of the event loop. */
  const warned = async () => {
    await setImmediate()
    return warnings.splice(0)
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'geo-'))
    now = NOW
    warnings = []
    process.on('warning', keep)
  })
  afterEach(() => {
    process.off('warning', keep)
    rmSync(folder, { recursive: true })
  })

  it('puts together what several databases say of an address', async () => {
    const geo = open({
      'City.mmdb': cityOf('London'),
      'ASN.mmdb': database(
        { '81.2.0.0/16': { autonomous_system_number: 20712, autonomous_system_organization: 'Andrews & Arnold' } },
        { type: 'GeoLite2-ASN', recordSize: 28 },
      ),
      'Anonymous.mmdb': database(
        { '81.2.69.128/25': { is_anonymous: true, is_anonymous_vpn: true, is_tor_exit_node: false } },
        { type: 'GeoIP2-Anonymous-IP' },
      ),
    })
    assert.deepEqual(geo.locate(LONDON), {
      country: 'GB',
      region: 'ENG',
      city: 'London',
      latitude: 51.5142,
      longitude: -0.0931,
      accuracyKm: 10,
      timeZone: 'Europe/London',
      asn: 20712,
      organization: 'Andrews & Arnold',
      networks: ['anonymous', 'vpn'],
    })
    assert.deepEqual(geo.locate(`::ffff:${LONDON}`), geo.locate(LONDON))
    assert.deepEqual(geo.locate('81.2.1.1'), { asn: 20712, organization: 'Andrews & Arnold', networks: [] })
    assert.deepEqual(geo.locate('9.9.9.9'), { networks: [] })
    assert.deepEqual(await warned(), [])
  })

  it('knows nowhere for private, reserved, unreadable and strangely spelled addresses', () => {
    const geo = open({ 'a.mmdb': database({ '0.0.0.0/0': city('London'), 'fc00::/7': city('London') }) })
    assert.equal(geo.locate('8.8.8.8')?.city, 'London')
    for (const address of [
      '10.0.0.1',
      '127.0.0.1',
      '::1',
      'fd00::1',
      '100.64.0.1',
      '169.254.1.1',
      '',
      'x',
      '8.8.8.010',
    ])
      assert.equal(geo.locate(address), undefined, address)
    assert.equal(geo.locate(undefined as never), undefined)
  })

  it('tells nothing of IPv6 addresses by a database of IPv4', () => {
    const table = { '32.0.0.0/4': { is_anonymous: false } }
    const geo = open({ 'a.mmdb': database(table, { ipVersion: 4, type: 'GeoIP2-Anonymous-IP' }) })
    assert.deepEqual(geo.locate('32.1.2.3'), { networks: [] })
    assert.equal(geo.locate('2001:218::1'), undefined)
  })

  it('F-20: takes a replaced file at the first look after the interval, and not before', async () => {
    const geo = open({ 'City.mmdb': cityOf('London') }, { checkEverySeconds: 30 })
    replace('City.mmdb', cityOf('Paris'))
    now += 29
    assert.equal(geo.locate(LONDON)?.city, 'London')
    now += 1
    assert.equal(geo.locate(LONDON)?.city, 'London', 'the look-up itself waits for nothing')
    await geo.refresh()
    assert.equal(geo.locate(LONDON)?.city, 'Paris')
    replace('City.mmdb', cityOf('Rome'))
    now -= 3600
    geo.locate(LONDON)
    await geo.refresh()
    assert.equal(geo.locate(LONDON)?.city, 'Rome', 'a clock that was set back does not stop the looking')
    assert.deepEqual(await warned(), [])
  })

  it('F-20: keeps the old version while the new one is cut off anywhere, and warns once for each', async () => {
    const geo = open({ 'City.mmdb': cityOf('London') })
    const next = cityOf('Paris')
    const lengths = [0, 1, 100, Math.floor(next.length / 2), next.length - 200, next.length - 100, next.length - 3]
    for (const length of lengths) {
      // In place, as a plain copy does.
      writeFileSync(pathOf('City.mmdb'), next.subarray(0, length))
      utimesSync(pathOf('City.mmdb'), now, now + length)
      for (const _ of [1, 2]) await geo.refresh()
      assert.equal(geo.locate(LONDON)?.city, 'London', `${length} bytes`)
      const [warning, ...others] = await warned()
      assert.match(warning ?? '', /City\.mmdb is not used: .*; until it is mended, the version in memory stays in use$/)
      assert.deepEqual(others, [])
    }
    writeFileSync(pathOf('City.mmdb'), next)
    await geo.refresh()
    assert.equal(geo.locate(LONDON)?.city, 'Paris')
  })

  const zeroed = (bytes: Buffer, start: number, length: number) => Buffer.from(bytes).fill(0, start, start + length)
  const long = database({ '0.0.0.0/1': { filler: 'x'.repeat(20_000), ...city('Paris') }, '128.0.0.0/1': {} })
  const DAMAGED: readonly (readonly [string, Buffer, RegExp])[] = [
    ['text', Buffer.from('<html>Too many downloads</html>'), /it is no MMDB file/],
    ['a compressed file', Buffer.concat([Buffer.from([0x1f, 0x8b]), cityOf('Paris')]), /it is compressed/],
    ['a file with a hole', zeroed(long, 10_000, 5_000), /parts of it are missing/],
    ['a file without its beginning', cityOf('Paris').subarray(40), /its tree is damaged/],
    ['a file whose records are not', zeroed(long, long.indexOf('filler') - 2, 8), /a record is damaged/],
    ['records that are no maps', database({ '0.0.0.0/0': 'Paris' }), /a record is damaged/],
    [
      'another kind of database',
      database({ '0.0.0.0/0': {} }, { type: 'GeoLite2-ASN' }),
      /is of type GeoLite2-ASN, where/,
    ],
  ]
  for (const [what, bytes, reason] of DAMAGED)
    it(`F-20: does not take ${what} for a new version`, async () => {
      const geo = open({ 'City.mmdb': cityOf('London') })
      replace('City.mmdb', bytes)
      await geo.refresh()
      assert.equal(geo.locate(LONDON)?.city, 'London')
      const [warning] = await warned()
      assert.match(warning ?? '', reason)
    })

  it('F-20: takes a City database in the place of a Country database', async () => {
    const geo = open({ 'a.mmdb': database({ '81.2.0.0/16': {} }, { type: 'GeoLite2-Country' }) })
    replace('a.mmdb', cityOf('London'))
    await geo.refresh()
    assert.equal(geo.locate(LONDON)?.city, 'London')
  })

  it('AC-73: keeps a file in memory that is deleted while it runs, and takes it when it is back', async () => {
    const geo = open({ 'City.mmdb': cityOf('London') })
    rmSync(pathOf('City.mmdb'))
    for (const _ of [1, 2, 3]) {
      now += 60
      assert.equal(geo.locate(LONDON)?.city, 'London')
      await geo.refresh()
    }
    const [warning, ...others] = await warned()
    assert.match(warning ?? '', /there is no such file; until it is mended, the version in memory stays in use/)
    assert.deepEqual(others, [])
    replace('City.mmdb', cityOf('Paris'))
    await geo.refresh()
    assert.equal(geo.locate(LONDON)?.city, 'Paris')
    rmSync(pathOf('City.mmdb'))
    await geo.refresh()
    assert.equal((await warned()).length, 1, 'gone once more is worth telling once more')
  })

  const ABSENT: readonly (readonly [string, (path: string) => void, RegExp])[] = [
    ['missing', () => undefined, /there is no such file/],
    ['a folder', (path) => mkdirSync(path), /it is no file/],
    ['corrupt', (path) => writeFileSync(path, 'corrupt'), /it is no MMDB file/],
  ]
  for (const [what, make, reason] of ABSENT) {
    it(`AC-73: warns at the start of a file that is ${what}, knows nothing of it, and looks for it again`, async () => {
      make(pathOf('Anonymous.mmdb'))
      writeFileSync(pathOf('City.mmdb'), cityOf('London'))
      const geo = maxmind({ files: [pathOf('Anonymous.mmdb'), pathOf('City.mmdb')], clock })
      const [warning, ...others] = await warned()
      assert.match(warning ?? '', reason)
      assert.match(warning ?? '', /until it is mended, what it would tell is unknown$/)
      assert.deepEqual(others, [])
      assert.equal(geo.locate(LONDON)?.city, 'London')
      assert.equal(geo.locate(LONDON)?.networks, undefined, 'no list of networks is not an empty list')
      rmSync(pathOf('Anonymous.mmdb'), { recursive: true, force: true })
      writeFileSync(pathOf('Anonymous.mmdb'), database({ '9.0.0.0/8': {} }, { type: 'GeoIP2-Anonymous-IP' }))
      await geo.refresh()
      assert.deepEqual(geo.locate(LONDON)?.networks, [])
    })

    it(`AC-73: refuses to start with a required file that is ${what}`, () => {
      make(pathOf('City.mmdb'))
      const start = () => maxmind({ files: [pathOf('City.mmdb')], required: true, clock })
      assert.throws(start, { name: 'StepUpError', code: 'ERR_CONFIG', message: reason })
      assert.throws(start, /files\[0\]: found ".*City\.mmdb", but .*; allowed: a sound MMDB file$/)
    })
  }

  it('AC-73: warns once of a database that is old, and uses it as before', async () => {
    const geo = open({ 'City.mmdb': database({ '81.2.69.0/24': city('London') }, { builtAt: NOW - 80 * 86_400 }) })
    assert.deepEqual(await warned(), [])
    now += 11 * 86_400
    assert.equal(geo.locate(LONDON)?.city, 'London')
    for (const _ of [1, 2]) await geo.refresh()
    const [warning, ...others] = await warned()
    assert.match(warning ?? '', /was built 91 days ago: replace it by a newer one/)
    assert.deepEqual(others, [])
    assert.equal(geo.locate(LONDON)?.city, 'London', 'no further look is due')
  })

  it('AC-73: tells nothing by a damaged record that slipped through, and all that the other files tell', () => {
    const good = database({ '81.2.69.142/32': city('London') })
    const bad = Buffer.from(good)
    // 0 0 is an extended type that does not exist.
    bad.fill(0, bad.indexOf('London'), bad.indexOf('London') + 20)
    bad.fill(0, bad.indexOf('city') - 2, bad.indexOf('city'))
    assert.doesNotThrow(() => openDatabase(bad))
    assert.equal(open({ 'a.mmdb': bad }).locate(LONDON), undefined)
    assert.equal(open({ 'a.mmdb': bad, 'b.mmdb': good }).locate(LONDON)?.city, 'London')
  })

  const SETTINGS: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /^maxmind\(\): /],
    [{ files: [] }, /^maxmind\(\): files: found an empty list; allowed: a list of at least one path/],
    [{ files: ['a', 7] }, /^maxmind\(\): files\[1\]: found 7; allowed: /],
    [{ files: ['a'], checkEverySeconds: 0 }, /^maxmind\(\): checkEverySeconds: found 0; allowed: a whole number of/],
    [{ files: ['a'], require: true }, /^maxmind\(\): require: found an unknown setting; allowed: files, /],
  ]
  for (const [options, message] of SETTINGS)
    it(`refuses ${JSON.stringify(options)} as settings`, () => {
      assert.throws(() => maxmind(options as never), { code: 'ERR_CONFIG', message })
    })
})
