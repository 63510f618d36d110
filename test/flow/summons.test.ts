import assert from 'node:assert/strict'
import { createSummonses } from '../../src/flow/summons.ts'
import { codeFactor } from './scene.ts'
import { type Bench, createBench, placeOf, race, START } from './tools.ts'

const { factor } = codeFactor()
const at = (id: string, accountId = 'alice') =>
  placeOf(factor, 'challenge', { id, account: { id: accountId, label: accountId } })
const awaits = (reference: string, expiresAt = START + 120) => ({ reference, expiresAt })

describe('summons', () => {
  let bench: Bench
  beforeEach(() => {
    bench = createBench()
  })

  it('AC-20: one challenge is open for an account at a time, and others are told how long', async () => {
    const { summonses, advance } = bench
    assert.equal(await summonses.open(at('one'), awaits('a')), undefined)
    advance(20)
    assert.equal(await summonses.left(at('two'), 'b'), 100)
    assert.equal(await summonses.open(at('two'), awaits('b')), 100)
    assert.equal((await summonses.challenge('alice', 'code'))?.reference, 'a')
    assert.equal(await summonses.left(at('one'), 'c'), undefined)
    assert.equal(await summonses.open(at('two', 'bob'), awaits('d')), undefined, 'another account')
    assert.equal((await summonses.challenge('alice', 'other'))?.reference, undefined, 'another factor')
  })

  it('AC-20: of many that open at once one does, in however many processes', async () => {
    const { vault, clock } = bench
    const all = await race(20, (index) =>
      createSummonses(vault, clock).open(at(`place ${index}`), awaits(`reference ${index}`)),
    )
    assert.equal(all.filter((wait) => wait === undefined).length, 1)
    assert.ok(all.every((wait) => wait === undefined || wait >= 1))
    const { reference } = (await bench.summonses.challenge('alice', 'code')) ?? {}
    assert.equal(reference, `reference ${all.indexOf(undefined)}`)
  })

  it('its own place may open another, after which the one before is nothing', async () => {
    const { summonses } = bench
    await summonses.open(at('one'), awaits('a'))
    assert.equal(await summonses.open(at('one'), awaits('b')), undefined)
    await summonses.close(at('one'), 'a')
    assert.equal((await summonses.challenge('alice', 'code'))?.reference, 'b', 'closed by its name only')
    await summonses.close(at('one'), 'b')
    assert.equal(await summonses.challenge('alice', 'code'), undefined)
    await summonses.close(at('one'), 'b')
  })

  it('is over when its time is, and the next can be opened in the same second', async () => {
    const { summonses, advance } = bench
    await summonses.open(at('one'), awaits('a'))
    advance(119)
    assert.equal(await summonses.open(at('two'), awaits('b', START + 240)), 1)
    advance(1)
    assert.equal(await summonses.challenge('alice', 'code'), undefined)
    assert.equal(await summonses.open(at('two'), awaits('b', START + 240)), undefined)
  })

  it('AC-24: an enrolment is found by its ticket’s digest and by nothing else', async () => {
    const { summonses } = bench
    const place = { ...at('one'), purpose: 'enroll' as const }
    await summonses.open(place, awaits('digest'))
    await summonses.open({ ...at('two'), purpose: 'enroll' as const }, awaits('another'))
    assert.equal((await summonses.enrollment('digest', 'code'))?.place.id, 'one')
    assert.equal((await summonses.enrollment('another', 'code'))?.place.id, 'two')
    for (const reference of ['', 'alice', 'code', 'digest '])
      assert.equal(await summonses.enrollment(reference, 'code'), undefined)
    assert.equal(await summonses.enrollment('digest', 'other'), undefined)
    assert.equal(await summonses.challenge('alice', 'code'), undefined)
    await summonses.close(place, 'digest')
    assert.equal(await summonses.enrollment('digest', 'code'), undefined)
  })

  it('keeps nothing of the account and of the factor but their names', async () => {
    const { summonses } = bench
    await summonses.open({ ...at('one'), suits: () => true }, awaits('a'))
    const kept = await summonses.challenge('alice', 'code')
    assert.deepEqual([kept?.accountId, kept?.factor], ['alice', 'code'])
    for (const name of ['account', 'factor', 'suits']) assert.equal(name in (kept?.place ?? {}), false, name)
  })
})
