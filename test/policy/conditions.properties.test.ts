import assert from 'node:assert/strict'
import fc from 'fast-check'
import * as policy from '../../src/policy/index.ts'
import { all, any, type Condition, not, timeOfDay, weekday, when } from '../../src/policy/index.ts'
import { everyCondition } from './every-condition.ts'

const answer = fc.constantFrom(true, false, undefined)
const saying = (held: boolean | undefined): Condition<never> => ({ text: String(held), reads: [], test: () => held })
const answers = fc.array(answer, { minLength: 1, maxLength: 5 })
const asked = (condition: Condition<never>) => condition.test({})

/** With halves of letters, marks that join, and what moves the cursor. */
const anyText = fc.array(fc.nat(0xffff), { maxLength: 12 }).map((units) => String.fromCharCode(...units))

const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
const hex = (high: number, low: number) => ((high << 8) | low).toString(16)

/** By the bits, and by nothing else. */
const isInside = (address: readonly number[], base: readonly number[], length: number) => {
  const bits = (bytes: readonly number[]) => bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return bits(address).slice(0, length) === bits(base).slice(0, length)
}
const masked = (bytes: readonly number[], length: number) =>
  bytes.map((byte, index) => byte & ~(255 >> Math.min(8, Math.max(0, length - index * 8))))

const ZONES = [
  'Europe/Berlin',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'America/New_York',
  'Pacific/Chatham',
  'Africa/Casablanca',
  'Antarctica/Casey',
  'UTC',
] as const
const seconds = (iso: string) => Date.parse(iso) / 1000
/** Where clocks were set. */
const EDGES = [
  '2026-03-29T01:00:00Z',
  '2026-10-25T01:00:00Z',
  '2026-03-08T05:30:00Z',
  '2026-11-01T04:30:00Z',
  '2011-03-13T03:31:00Z',
  '2026-04-04T15:00:00Z',
  '2026-10-03T15:30:00Z',
  '2020-10-03T16:01:00Z',
].map(seconds)

const instants = fc.oneof(
  fc.integer({ min: seconds('1975-01-01T00:00:00Z'), max: seconds('2045-01-01T00:00:00Z') }),
  fc.tuple(fc.constantFrom(...EDGES), fc.integer({ min: -7300, max: 7300 })).map(([edge, by]) => edge + by),
)

const format = new Map(
  ZONES.map((timeZone) => [
    timeZone,
    new Intl.DateTimeFormat('en-US', {
      timeZone,
      weekday: 'long',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    }),
  ]),
)
/** What Intl says the clocks on the wall show. */
const wall = (timeZone: (typeof ZONES)[number], at: number) => {
  const parts = format.get(timeZone)?.formatToParts(at * 1000) ?? []
  const of = (name: string) => parts.find(({ type }) => type === name)?.value ?? ''
  return { day: of('weekday').toLowerCase() as policy.Weekday, time: `${of('hour')}:${of('minute')}` }
}

const clock = fc
  .tuple(fc.nat(23), fc.nat(59))
  .map(([hours, minutes]) => `${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`)

const isBetween = (time: string, from: string, to: string) =>
  from < to ? time >= from && time < to : time >= from || time < to

describe('conditions, whatever is asked', () => {
  it('follow the laws of Kleene: De Morgan, double negation, and no order among them', () => {
    fc.assert(
      fc.property(answers, answers, (some, more) => {
        const conditions = some.map(saying)
        assert.equal(asked(not(all(...conditions))), asked(any(...conditions.map((one) => not(one)))))
        assert.equal(asked(not(any(...conditions))), asked(all(...conditions.map((one) => not(one)))))
        assert.equal(asked(not(not(all(...conditions)))), asked(all(...conditions)))
        const both = [...some, ...more]
        const turned = [...more, ...some].reverse()
        for (const combine of [all, any]) {
          assert.equal(asked(combine(...both.map(saying))), asked(combine(...turned.map(saying))))
          const grouped = combine(combine(...some.map(saying)), combine(...more.map(saying)))
          assert.equal(asked(grouped), asked(combine(...both.map(saying))))
        }
      }),
    )
  })

  it('AC-37: learning what was not known takes no demand that was known to be owed, and adds no exemption lost', () => {
    fc.assert(
      fc.property(answers, fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }), (some, learned) => {
        for (const combine of [all, any]) {
          const dim = combine(...some.map(saying))
          const bright = combine(...some.map((one, index) => saying(one ?? learned[index])))
          if (asked(dim) !== undefined) assert.equal(asked(bright), asked(dim))
          if (when(bright, { floor: 'x' }).demand({})) assert.ok(when(dim, { floor: 'x' }).demand({}))
          if (when(dim, { exempt: true }).demand({})) assert.ok(when(bright, { exempt: true }).demand({}))
        }
      }),
    )
  })

  it('AC-37: facts of any shape never make a condition throw', () => {
    const known = new Set(everyCondition.flatMap(([condition]) => condition.reads as readonly string[]))
    fc.assert(
      fc.property(anyText, (text) => {
        const facts = {
          ...Object.fromEntries([...known].map((name) => [name, undefined])),
          client: { id: text },
          scopes: [text],
          resources: [text],
          account: { id: text, label: text, tenant: text, metadata: { groups: [text], department: text } },
          address: text,
          location: { country: text, region: text },
          now: Number(text),
        }
        for (const [condition] of everyCondition) condition.test(facts as never)
      }),
      { numRuns: 200 },
    )
  })

  it('IPv4 mapped into IPv6 is IPv4, on both sides, and ranges are what their bits say', () => {
    fc.assert(
      fc.property(octets, octets, fc.nat(32), fc.boolean(), (one, other, length, near) => {
        const base = masked(one, length)
        const bytes = near
          ? base.map((byte, index) => byte | ((other[index] ?? 0) & ~byte & (index > 1 ? 255 : 0)))
          : other
        const [a = 0, b = 0, c = 0, d = 0] = bytes
        const spellings = [bytes.join('.'), `::ffff:${bytes.join('.')}`, `::FFFF:${hex(a, b)}:${hex(c, d)}`]
        const ranges = [`${base.join('.')}/${length}`, `::ffff:${base.join('.')}/${length + 96}`]
        for (const address of spellings)
          for (const range of ranges)
            assert.equal(policy.ipRange(range).test({ address }), isInside(bytes, base, length), `${address} ${range}`)
      }),
      { numRuns: 200 },
    )
  })

  it('many ranges together have what any of them has, and no address of the other family', () => {
    const ranges = fc.array(fc.tuple(octets, fc.integer({ min: 4, max: 32 })), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(ranges, octets, (list, address) => {
        const texts = list.map(([bytes, length]) => `${masked(bytes, length).join('.')}/${length}`)
        const expected = list.some(([bytes, length]) => isInside(address, bytes, length))
        const together = policy.ipRange(...texts, '2001:db8::/32')
        assert.equal(together.test({ address: address.join('.') }), expected)
        const [a, b, c, d] = address
        assert.equal(
          together.test({ address: `${hex(a, b)}:${hex(c, d)}::` }),
          hex(a, b) === '2001' && hex(c, d) === 'db8',
        )
      }),
      { numRuns: 200 },
    )
  })

  it('times of day are those of the clocks on the wall, also where these are set', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), instants, clock, clock, (timeZone, now, from, to) => {
        fc.pre(from !== to)
        const { time } = wall(timeZone, now)
        assert.equal(timeOfDay({ from, to, timeZone }).test({ now }), isBetween(time, from, to), `${timeZone} ${now}`)
      }),
      { numRuns: 500 },
    )
    for (const timeZone of ZONES)
      for (const edge of EDGES)
        for (const now of [edge - 1, edge, edge + 59, edge + 60]) {
          const { time } = wall(timeZone, now)
          const next = time === '23:59' ? '00:00' : wall('UTC', seconds(`2026-01-01T${time}:00Z`) + 60).time
          assert.equal(timeOfDay({ from: time, to: next, timeZone }).test({ now }), true, `${timeZone} ${now}`)
          assert.equal(timeOfDay({ from: next, to: time, timeZone }).test({ now }), false, `${timeZone} ${now}`)
        }
  })

  it('an hour that comes twice counts twice, and one that does not come never does', () => {
    const berlin = timeOfDay({ from: '02:00', to: '03:00', timeZone: 'Europe/Berlin' })
    const held = (from: string, hours: number) =>
      Array.from({ length: hours * 60 }, (_, minute) => berlin.test({ now: seconds(from) + minute * 60 })).filter(
        Boolean,
      )
    assert.equal(held('2026-03-28T22:00:00Z', 24).length, 0)
    assert.equal(held('2026-10-24T22:00:00Z', 24).length, 120)
    assert.equal(held('2026-06-01T22:00:00Z', 24).length, 60)
  })

  it('weekdays are those of the place, and an instant without a date is not known', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), instants, (timeZone, now) => {
        const { day } = wall(timeZone, now)
        assert.equal(weekday([day], { timeZone }).test({ now }), true, `${timeZone} ${now}`)
        const others = (['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const).filter(
          (other) => other !== day,
        )
        assert.equal(weekday(others, { timeZone }).test({ now }), false)
      }),
      { numRuns: 300 },
    )
    for (const now of [Number.NaN, Number.POSITIVE_INFINITY, 1e15])
      assert.equal(weekday(['monday'], { timeZone: 'UTC' }).test({ now }), undefined)
  })
})
