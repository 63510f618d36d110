import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import { createSealer } from '../../src/crypto/seal.ts'
import { LIFE, MODELS, newKey, type Place, rowOf } from './adapter-subject.ts'

const MARK_LENGTH = 10
const SEALED = /v1\.[\w-]{8}\.[\w-]+$/

/** What somebody who reads Redis could know the text by. */
const formsOf = (text: string) => {
  const bytes = Buffer.from(text)
  const hash = createHash('sha256').update(text).digest()
  return [
    ...[text, bytes.toString('hex'), bytes.toString('base64').replace(/.?=*$/, '')],
    ...[hash.toString('hex'), hash.toString('base64').slice(0, 40), hash.toString('base64url').slice(0, 40)],
  ]
}

/** One row of every model under names of its own, with all that leads to it. */
const fill = async ({ open, keyOf }: Place, who: string) => {
  const keys: Record<string, string> = {}
  const rows: Record<string, AdapterPayload> = {}
  for (const model of MODELS) {
    const row = rowOf(model, `${model}-${who}`, {
      ...{ accountId: `account-${who}`, clientId: `client-${who}`, secret: `payload-${who}` },
      ...(model === 'Session' ? { uid: `uid-${who}` } : {}),
      ...(model === 'DeviceCode' ? { userCode: `USER-${who}` } : {}),
      grantId: `grant-${who}`,
    })
    keys[model] = await keyOf(model, () => open(model).upsert(`${model}-${who}`, row, LIFE))
    rows[model] = row
  }
  return { keys, rows }
}

/** What an attacker may put in the place of a stored text. */
const alterations = (text: string): readonly string[] => {
  const sealedAt = text.search(SEALED)
  const flipped = Array.from({ length: 60 }, (_none, index) => {
    const at = sealedAt + Math.floor(((text.length - sealedAt) * index) / 60)
    return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
  })
  const plain = JSON.stringify({ accountId: 'victim', uid: 'uid-mallory', userCode: 'USER-mallory', jti: 'x' })
  const own = createSealer([newKey()])
  return [
    ...flipped,
    ...[text.slice(0, -1), `${text}A`, text.slice(sealedAt), text.slice(0, sealedAt), ` ${text}`, '', '0'.repeat(10)],
    ...[plain, text.slice(0, sealedAt) + plain, '0'.repeat(MARK_LENGTH) + plain, 'null', '[]', '{}', '\u0000'],
    text.slice(0, sealedAt) + own.seal(plain, ['row', 'Session', 'x']),
  ]
}

const readsOf = (model: string, adapter: Adapter): readonly ReturnType<Adapter['find']>[] => [
  adapter.find(`${model}-mallory`),
  adapter.findByUid('uid-mallory'),
  adapter.findByUserCode('USER-mallory'),
]

/** What holds though somebody reads or writes Redis; sealed with the same key throughout. */
export const tamperingTests = (place: () => Place): void => {
  it('AC-75: shows nobody an identifier, a payload or an account, neither in keys nor in values', async () => {
    await fill(place(), 'mallory')
    const secrets = [
      ...MODELS.map((model) => `${model}-mallory`),
      ...['account-mallory', 'client-mallory', 'payload-mallory', 'uid-mallory', 'USER-mallory', 'grant-mallory'],
      ...['accountId', 'userCode'],
    ]
    const held = JSON.stringify(await place().dump())
    assert.ok(held.includes('AccessToken'), 'the names of models are no secret')
    for (const secret of secrets)
      for (const form of formsOf(secret)) assert.ok(!held.includes(form), `${secret} as ${form}`)
  })

  it('AC-75: gives equal rows nothing that they could be told by', async () => {
    const { open, raw, keyOf } = place()
    const write = (id: string) => keyOf('Grant', () => open('Grant').upsert(id, { accountId: 'alice' }, LIFE))
    const values = [await raw('GET', await write('one')), await raw('GET', await write('two'))]
    assert.equal(new Set(values.map((value) => String(value).slice(-60))).size, 2)
  })

  for (const model of ['Session', 'Interaction', 'AuthorizationCode', 'DeviceCode', 'Grant'])
    it(`AC-75: takes no altered ${model}, whatever was altered`, async () => {
      const { open, dump, raw } = place()
      await open(model).upsert('one', rowOf(model, 'one', { uid: 'uid-mallory', userCode: 'USER-mallory' }), LIFE)
      const held = (await dump()).map(([key, value]) => [key, JSON.parse(value)] as const)
      const read = (key: string) =>
        key.includes('-uid:') ? open(model).findByUid('uid-mallory') : open(model).find('one')
      for (const [key, text] of held.filter(([, value]) => SEALED.test(value))) {
        for (const altered of alterations(text)) {
          await raw('SET', key, altered)
          assert.equal(await read(key), undefined, `${key}: ${altered}`)
        }
        await raw('SET', key, text)
        assert.equal((await read(key))?.accountId, 'alice')
      }
    })

  it('AC-75: makes no redeemed row good again by a mark that is none', async () => {
    const { open, raw, keyOf } = place()
    const codes = open('AuthorizationCode')
    const key = await keyOf('AuthorizationCode', () => codes.upsert('one', rowOf('AuthorizationCode', 'one'), LIFE))
    await codes.consume('one')
    for (const mark of ['00000000x0', '0.00000000', '-000000000', '000000000 ', '\u0000'.repeat(10), '0x00000000']) {
      await raw('SETRANGE', key, '0', mark)
      await assert.rejects(codes.consume('one'), { error: 'invalid_grant' }, JSON.stringify(mark))
      await codes.upsert('one', rowOf('AuthorizationCode', 'one'), LIFE)
      await assert.rejects(codes.consume('one'), { error: 'invalid_grant' }, JSON.stringify(mark))
    }
  })

  it('AC-75: opens no row at the place of another, of its own model or any', async () => {
    const { raw, open } = place()
    const [victim, mallory] = [await fill(place(), 'victim'), await fill(place(), 'mallory')]
    for (const from of MODELS) {
      const stolen = String(await raw('GET', victim.keys[from] as string))
      for (const into of MODELS) {
        const key = mallory.keys[into] as string
        const own = String(await raw('GET', key))
        await raw('SET', key, stolen)
        for (const read of readsOf(into, open(into))) {
          const row = await read
          assert.ok(row === undefined || row.accountId === 'account-mallory', `${from} as ${into}`)
        }
        assert.equal(await open(into).find(`${into}-mallory`), undefined)
        await raw('SET', key, own)
      }
    }
  })

  it('AC-75: opens no row of another prefix', async () => {
    const { open, raw, prefix } = place()
    const other = `${prefix}-other`
    await fill(place(), 'victim')
    for (const [key, value] of await place().dump())
      if (!key.includes('-grant:')) await raw('SET', key.replace(prefix, other), JSON.parse(value))
    for (const model of MODELS) {
      const adapter = open(model, { prefix: other })
      assert.equal(await adapter.find(`${model}-victim`), undefined, model)
      assert.equal(await adapter.findByUid('uid-victim'), undefined)
      assert.equal(await adapter.findByUserCode('USER-victim'), undefined)
    }
  })

  it("AC-75: follows no index to another's session, be it swapped, moved or made of a row", async () => {
    const { open, raw, keyOf } = place()
    const sessions = open('Session')
    const write = (who: string) => () => sessions.upsert(who, rowOf('Session', who, { uid: who, accountId: who }), LIFE)
    const [victim, mallory] = [
      await keyOf('Session-uid', write('victim')),
      await keyOf('Session-uid', write('mallory')),
    ]
    const rows = (await place().keys()).filter((key) => key.includes(':Session:'))
    const [victims, mallorys] = [String(await raw('GET', victim)), String(await raw('GET', mallory))]
    const name = victims.slice(0, -String(SEALED.exec(victims)?.[0].length ?? 0)).slice(0, 43)
    const inserted = [victims, mallorys.slice(0, 43) + victims.slice(43)]
    for (const row of rows) {
      const text = String(await raw('GET', row))
      inserted.push(text, name + text, mallorys.slice(0, 43) + text, `${name}${text.slice(MARK_LENGTH)}`)
    }
    for (const text of inserted) {
      await raw('SET', mallory, text)
      const row = await open('Session').findByUid('mallory')
      assert.ok(row === undefined || (row.accountId === 'mallory' && row.uid === 'mallory'), text)
    }
    await raw('SET', mallory, victims)
    await raw('SET', victim, mallorys)
    assert.equal(await open('Session').findByUid('mallory'), undefined)
    assert.equal(await open('Session').findByUid('victim'), undefined)
    assert.equal((await open('Session').find('victim'))?.accountId, 'victim')
  })

  it("AC-75: follows no user code to another's device", async () => {
    const { open, raw, keys, keyOf } = place()
    const codes = open('DeviceCode')
    const write = (who: string) => () => codes.upsert(who, rowOf('DeviceCode', who, { userCode: who }), LIFE)
    const victim = await keyOf('DeviceCode-code', write('victim'))
    const mallory = await keyOf('DeviceCode-code', write('mallory'))
    const [victims, mallorys] = [String(await raw('GET', victim)), String(await raw('GET', mallory))]
    await raw('SET', mallory, victims)
    await raw('SET', victim, mallorys)
    assert.equal(await codes.findByUserCode('mallory'), undefined)
    assert.equal(await codes.findByUserCode('victim'), undefined)
    for (const name of ['', 'x', '*', `${victims}x`, ...(await keys())]) {
      await raw('SET', mallory, name)
      assert.equal(await codes.findByUserCode('mallory'), undefined, name)
    }
  })

  it('AC-75: revokes what it can where the list of a grant was written to, and fails at nothing in it', async () => {
    const { open, raw, keyOf } = place()
    const tokens = open('AccessToken')
    const list = await keyOf('AccessToken-grant', () => tokens.upsert('one', { grantId: 'grant' }, LIFE))
    for (const member of ['', '*', 'x', '\u0000', '{a}', 'x'.repeat(1000)]) await raw('ZADD', list, '1', member)
    await tokens.revokeByGrantId('grant')
    assert.deepEqual(await place().keys(), [])
  })

  it('AC-75: finds nothing where something of another kind was put', async () => {
    const { open, raw, keys } = place()
    const sessions = open('Session')
    await sessions.upsert('one', rowOf('Session', 'one', { uid: 'uid' }), LIFE)
    for (const key of await keys()) {
      await raw('UNLINK', key)
      await raw('RPUSH', key, 'x')
    }
    for (const read of [() => sessions.find('one'), () => sessions.findByUid('uid')])
      await assert.rejects(async () => read(), { code: 'ERR_STORE' })
  })
}
