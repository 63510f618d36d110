import assert from 'node:assert/strict'
import type { AdapterPayload } from 'oidc-provider'
import { redisAdapter } from '../../src/store/redis-adapter.ts'
import { LIFE, MODELS, newKey, type Place, rowOf } from './adapter-subject.ts'

const ODD_IDS = [
  ...['', ' ', '*', ':', '{a}', '{a', 'a}', '~', '%', 'a:b', 'a:b:', 'a\nb', '\u0000', 'null', '__proto__', '../x'],
  ...['é', 'e\u0301', '漢', '💡', '\ud800', '\ud801', '\ufffd', 'A', 'a', 'a ', '1', '01', 'x'.repeat(10_000)],
]

const ODD_PAYLOADS: Readonly<Record<string, unknown>> = {
  'nothing at all': {},
  '64 KiB': { text: 'x'.repeat(65_536) },
  '64 KiB of Unicode': { text: '漢é💡'.repeat(8192) },
  'control characters and quotes': { text: '\u0000\u0001\n\r"\\\'\u2028\ud800' },
  'keys of every kind': { '': 1, ' ': 2, 漢: 3, constructor: 4, toString: { valueOf: null }, 'a.b': [] },
  'a name that could reach prototypes': JSON.parse('{"__proto__":{"isAdmin":true},"extra":{"__proto__":1}}'),
  'numbers and lists': { list: [0, -1, 1.5, 1e21, [], [[null]], true], empty: {} },
  'names of ours': { text: 'x', readAt: 1, life: 2, mark: '0000000000' },
}

/** What every Redis must do alike: keep rows. */
export const rowTests = (place: () => Place): void => {
  it('is called, not constructed, once for each model', () => {
    const factory = redisAdapter({ url: 'redis://127.0.0.1:1', sealingKeys: [newKey()] })
    // oidc-provider constructs whatever has a prototype.
    assert.ok(typeof factory === 'function' && factory.prototype === undefined && Object.isFrozen(factory))
    for (const model of MODELS) {
      const adapter = factory(model)
      assert.notEqual(adapter, factory(model))
      for (const name of ['upsert', 'find', 'findByUid', 'findByUserCode', 'consume', 'destroy', 'revokeByGrantId'])
        assert.equal(typeof adapter[name as 'find'], 'function', `${model} ${name}`)
    }
  })

  for (const model of MODELS)
    it(`keeps rows of ${model}: missing, written, replaced, destroyed`, async () => {
      const adapter = place().open(model)
      assert.equal(await adapter.find('missing'), undefined)
      assert.equal(await adapter.findByUid('missing'), undefined)
      assert.equal(await adapter.findByUserCode('missing'), undefined)
      await adapter.destroy('missing')
      await adapter.revokeByGrantId('missing')
      const [first, second] = [rowOf(model, 'one'), rowOf(model, 'two')]
      assert.equal(await adapter.upsert('one', first, LIFE), undefined)
      await adapter.upsert('two', second, LIFE)
      assert.deepEqual(await adapter.find('one'), first)
      const replaced = { jti: 'one', other: true }
      await adapter.upsert('one', replaced, LIFE)
      assert.deepEqual(await adapter.find('one'), replaced)
      assert.equal(await adapter.destroy('one'), undefined)
      assert.equal(await adapter.find('one'), undefined)
      await adapter.destroy('one')
      assert.deepEqual(await adapter.find('two'), second)
    })

  it('carries any payload, and properties nobody knows', async () => {
    const adapter = place().open('Grant')
    for (const [title, payload] of Object.entries(ODD_PAYLOADS)) {
      await adapter.upsert('one', payload as AdapterPayload, LIFE)
      assert.deepEqual(await adapter.find('one'), payload, title)
    }
    assert.equal(({} as { isAdmin?: boolean }).isAdmin, undefined)
  })

  it('takes any identifier, and confuses no two', async () => {
    const [sessions, codes, tokens] = [place().open('Session'), place().open('DeviceCode'), place().open('AccessToken')]
    const of = (index: number) => ({ uid: ODD_IDS[index] as string, userCode: ODD_IDS[index] as string, index })
    for (const [index, id] of ODD_IDS.entries()) {
      const { userCode, ...session } = of(index)
      await sessions.upsert(id, session, LIFE)
      await codes.upsert(id, { userCode, index }, LIFE)
      await tokens.upsert(id, { grantId: id, index }, LIFE)
    }
    for (const [index, id] of ODD_IDS.entries()) {
      const { userCode, ...session } = of(index)
      assert.deepEqual(await sessions.find(id), session)
      assert.deepEqual(await sessions.findByUid(id), session)
      assert.deepEqual(await codes.findByUserCode(userCode), { userCode, index })
      assert.deepEqual(await tokens.find(id), { grantId: id, index })
    }
    for (const [index, id] of ODD_IDS.entries()) {
      await tokens.revokeByGrantId(id)
      await sessions.destroy(id)
      const left = await Promise.all(
        ODD_IDS.map(async (each) => [await tokens.find(each), await sessions.findByUid(each)]),
      )
      assert.deepEqual(
        left.map((pair) => pair.map((row) => row !== undefined)),
        ODD_IDS.map((_id, at) => [at > index, at > index]),
      )
    }
  })

  it('shows a row to no other model, prefix or key', async () => {
    const { prefix, open } = place()
    for (const model of MODELS)
      await open(model).upsert(
        `of ${model}`,
        rowOf(model, `of ${model}`, { uid: 'uid', userCode: 'code', grantId: 'grant' }),
        LIFE,
      )
    const blind = (model: string) => [
      ...MODELS.filter((other) => other !== model).map((other) => open(other)),
      ...[`${prefix}2`, 'place', `${prefix}:${model}`].map((other) => open(model, { prefix: other })),
      open(model, { sealingKeys: [newKey()] }),
    ]
    for (const model of MODELS)
      for (const adapter of blind(model)) {
        assert.equal(await adapter.find(`of ${model}`), undefined)
        await adapter.destroy(`of ${model}`)
      }
    for (const model of MODELS) if (model !== 'Session') assert.equal(await open(model).findByUid('uid'), undefined)
    await open('AccessToken', { prefix: `${prefix}2` }).revokeByGrantId('grant')
    // Destroying needs no key, and so the rows of all models are gone but for what only another place was asked.
    await open('AccessToken').upsert('kept', { grantId: 'grant' }, LIFE)
    for (const model of ['RefreshToken', 'Session', 'Grant', 'Interaction']) await open(model).revokeByGrantId('grant')
    assert.deepEqual(await open('AccessToken').find('kept'), { grantId: 'grant' })
  })

  it('AC-78: finds rows of every key in the ring, and seals with the first', async () => {
    const [older, newer] = [newKey(), newKey()]
    const { open } = place()
    const sealed = (...sealingKeys: readonly string[]) => open('Session', { sealingKeys })
    const row = rowOf('Session', 'one')
    await sealed(older).upsert('one', row, LIFE)
    for (const [title, adapter, found] of [
      ['rotated', sealed(newer, older), row],
      ['without the old key', sealed(newer), undefined],
      ['of others', sealed(newKey()), undefined],
    ] as const) {
      assert.deepEqual(await adapter.find('one'), found, title)
      assert.deepEqual(await adapter.findByUid('uid of one'), found, title)
    }
    await sealed(newer, older).upsert('one', row, LIFE)
    assert.deepEqual(await sealed(newer).find('one'), row)
    assert.deepEqual(await sealed(newer).findByUid('uid of one'), row)
    assert.equal(await sealed(older).find('one'), undefined)
  })
}
