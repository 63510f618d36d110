import assert from 'node:assert/strict'
import { errors } from 'oidc-provider'
import { type AdapterSubject, CONSUMABLE, GRANTED, LIFE, MODELS, type Place, rowOf } from './adapter-subject.ts'
import { age } from './redis-subject.ts'

const GRACE = 60
const YEAR = 366 * 86_400

/** The seconds that each key has left, rounded up: -1 where it has no end. */
const lives = async ({ keys, raw, prefix }: Place) => {
  const all = await Promise.all(
    (await keys()).map(async (key) => {
      const left = Number(await raw('PTTL', key))
      return [key.slice(prefix.length + 1).replace(/:.*/s, ''), left < 0 ? left : Math.ceil(left / 1000)] as const
    }),
  )
  return Object.fromEntries(all)
}

/** Within the second or two that a busy machine may take. */
const assertLives = async (place: Place, expected: Readonly<Record<string, number>>) => {
  const found = await lives(place)
  assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort())
  for (const [kind, seconds] of Object.entries(expected)) {
    const left = found[kind] as number
    assert.ok(left <= seconds && left > seconds - 4 - (seconds < 0 ? 0 : 4), `${kind}: ${left}, not ${seconds}`)
    if (seconds < 0) assert.equal(left, seconds, kind)
  }
}

/** What every index is called, beside the row of its model. */
const kindsOf = (model: string) => [
  model,
  ...(model === 'Session' ? ['Session-uid'] : []),
  ...(model === 'DeviceCode' ? ['DeviceCode-code'] : []),
  ...((GRANTED as readonly string[]).includes(model) ? [`${model}-grant`] : []),
]

/** What every Redis must do alike: let rows end by themselves. */
export const lifeTests = (place: () => Place, subject: () => AdapterSubject): void => {
  for (const model of MODELS)
    it(`gives every key of ${model} its end, and none where none is asked`, async () => {
      const adapter = place().open(model)
      const kinds = kindsOf(model)
      const all = (seconds: number) => Object.fromEntries(kinds.map((kind) => [kind, seconds]))
      for (const [given, seconds] of [
        [0.2, 1 + GRACE],
        [-1000, 1 + GRACE],
        [LIFE, LIFE + GRACE],
        [86_400 * 30, 86_400 * 30 + GRACE],
      ] as const) {
        await adapter.upsert('one', rowOf(model, 'one'), given)
        await assertLives(place(), all(seconds))
      }
      await adapter.upsert('one', rowOf(model, 'one'))
      await assertLives(place(), {
        ...all(-1),
        ...(kinds.includes(`${model}-grant`) ? { [`${model}-grant`]: YEAR } : {}),
      })
      await adapter.upsert('one', rowOf(model, 'one'), LIFE)
      // The index of a grant goes with its longest row.
      await assertLives(place(), {
        ...all(LIFE + GRACE),
        ...(kinds.includes(`${model}-grant`) ? { [`${model}-grant`]: YEAR } : {}),
      })
    })

  it('counts a part of a second as a whole one', async () => {
    const [connection] = subject().connections
    const lives: string[] = []
    const listening: typeof connection = {
      ...connection,
      command(...command) {
        lives.push(command.at(-1) ?? '')
        return connection.command(...command)
      },
    }
    const adapter = place().open('Grant', { connection: listening })
    for (const seconds of [0, 0.2, 1, 99, 99.1]) await adapter.upsert('one', {}, seconds)
    assert.deepEqual(
      lives,
      [1, 1, 1, 99, 100].map((seconds) => String(seconds + GRACE)),
    )
  })

  it('keeps a row a minute past its end, as the library forgives some seconds, and no longer', async () => {
    const { open, keys } = place()
    const adapters = MODELS.map((model) => [model, open(model)] as const)
    for (const [model, adapter] of adapters) await adapter.upsert('one', rowOf(model, 'one'), LIFE)
    await age(await subject().masters(), LIFE + GRACE - 20)
    for (const [model, adapter] of adapters) assert.deepEqual(await adapter.find('one'), rowOf(model, 'one'))
    await age(await subject().masters(), 21)
    for (const [, adapter] of adapters) assert.equal(await adapter.find('one'), undefined)
    assert.equal(await open('Session').findByUid('uid of one'), undefined)
    assert.equal(await open('DeviceCode').findByUserCode('code of one'), undefined)
    assert.deepEqual(await keys(), [])
  })

  it('forgets the ended rows of a grant at each write, and none that is alive', async () => {
    const { open, raw, keyOf } = place()
    const tokens = open('AccessToken')
    const index = await keyOf('AccessToken-grant', () => tokens.upsert('short', { grantId: 'one' }, 1))
    await tokens.upsert('long', { grantId: 'one' }, 1000)
    await age(await subject().masters(), 70)
    await tokens.upsert('new', { grantId: 'one' }, 1)
    assert.equal(await raw('ZCARD', index), 2)
    assert.ok(Number(await raw('TTL', index)) > 900, 'a short row does not shorten the index')
    await tokens.revokeByGrantId('one')
    assert.deepEqual([await tokens.find('long'), await tokens.find('new')], [undefined, undefined])
  })
}

/** What each redeemer was told, by how many. */
const outcomes = (results: readonly PromiseSettledResult<unknown>[]) => {
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
  for (const reason of refused) {
    assert.ok(reason instanceof errors.InvalidGrant, String(reason))
    assert.deepEqual([reason.error, reason.status], ['invalid_grant', 400])
  }
  return { taken: results.length - refused.length, refused: refused.length }
}

/** What every Redis must do alike: let rows be redeemed once. */
export const consumeTests = (place: () => Place): void => {
  for (const model of CONSUMABLE)
    it(`lets one of 50 redeem a ${model}, in two processes`, async () => {
      const [here, there] = [place().open(model), place().openElsewhere(model)]
      const row = rowOf(model, 'one')
      await here.upsert('one', row, LIFE)
      const tries = Array.from({ length: 50 }, (_none, index) => (index % 2 === 0 ? here : there).consume('one'))
      assert.deepEqual(outcomes(await Promise.allSettled(tries)), { taken: 1, refused: 49 })
      const now = Math.floor(Date.now() / 1000)
      for (const adapter of [here, there]) {
        const { consumed, ...rest } = (await adapter.find('one')) ?? {}
        assert.deepEqual(rest, row)
        assert.ok(typeof consumed === 'number' && Math.abs(now - consumed) < 5, String(consumed))
      }
      await assertLives(place(), Object.fromEntries(kindsOf(model).map((kind) => [kind, LIFE + GRACE])))
    })

  it('redeems nothing that is not there, and leaves nothing behind', async () => {
    for (const model of CONSUMABLE) {
      const adapter = place().open(model)
      assert.deepEqual(outcomes(await Promise.allSettled([adapter.consume('missing')])), { taken: 0, refused: 1 })
      await adapter.upsert('ended', rowOf(model, 'ended'), LIFE)
      await adapter.destroy('ended')
      assert.deepEqual(outcomes(await Promise.allSettled([adapter.consume('ended')])), { taken: 0, refused: 1 })
      assert.equal(await adapter.find('missing'), undefined)
    }
    assert.ok((await place().keys()).every((key) => /-(grant|code):/.test(key)))
  })

  it('leaves what was redeemed redeemed, whatever is written after', async () => {
    for (const model of CONSUMABLE) {
      const clock = () => 1_234_567_890
      const adapter = place().open(model, { clock })
      await adapter.upsert('one', rowOf(model, 'one'), LIFE)
      await adapter.consume('one')
      const later = rowOf(model, 'one', { added: true })
      for (const payload of [later, { ...later, consumed: 1_234_567_899 }]) {
        await adapter.upsert('one', payload, LIFE * 2)
        assert.deepEqual(await adapter.find('one'), { ...payload, consumed: clock() }, model)
      }
      assert.deepEqual(outcomes(await Promise.allSettled([adapter.consume('one')])), { taken: 0, refused: 1 })
      await assertLives(place(), Object.fromEntries(kindsOf(model).map((kind) => [kind, LIFE * 2 + GRACE])))
      await adapter.destroy('one')
      for (const kind of kindsOf(model).slice(1)) {
        const key = (await place().keys()).find((one) => one.includes(`:${kind}:`))
        if (key !== undefined) await place().raw('UNLINK', key)
      }
      await adapter.upsert('one', rowOf(model, 'one'), LIFE)
      await adapter.consume('one')
      await adapter.upsert('born consumed', rowOf(model, 'two', { consumed: 5 }), LIFE)
      assert.equal((await adapter.find('born consumed'))?.consumed, 5)
      assert.equal(outcomes(await Promise.allSettled([adapter.consume('born consumed')])).taken, 0)
      for (const key of await place().keys()) await place().raw('UNLINK', key)
    }
  })

  it('writes and redeems at once, and the mark is never lost', async () => {
    const adapter = place().open('RefreshToken')
    for (let round = 0; round < 20; round += 1) {
      const id = `round ${round}`
      await adapter.upsert(id, rowOf('RefreshToken', id), LIFE)
      const works = [
        adapter.consume(id),
        adapter.upsert(id, rowOf('RefreshToken', id, { round }), LIFE),
        adapter.consume(id),
      ]
      assert.equal(outcomes(await Promise.allSettled(works)).refused, 1)
      const { consumed, round: written } = (await adapter.find(id)) ?? {}
      assert.ok(consumed !== undefined && written === round)
    }
  })
}
