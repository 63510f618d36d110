import assert from 'node:assert/strict'
import { memoryAdapter } from '../../src/cli/memory-adapter.ts'

const setUp = () => {
  let now = 1_700_000_000
  const factory = memoryAdapter(() => now)
  return {
    adapter: (model = 'Session') => factory(model),
    pass: (seconds: number) => {
      now += seconds
    },
  }
}

describe('cli/memory-adapter', () => {
  it('finds by id, uid and user code, and nothing after it was destroyed', async () => {
    const adapter = setUp().adapter()
    await adapter.upsert('id', { uid: 'u', userCode: 'c' }, 60)
    for (const found of [await adapter.find('id'), await adapter.findByUid('u'), await adapter.findByUserCode('c')]) {
      assert.deepEqual(found, { uid: 'u', userCode: 'c' })
    }
    await adapter.destroy('id')
    assert.equal(await adapter.find('id'), undefined)
    assert.equal(await adapter.findByUid('u'), undefined)
  })

  it('holds 5,000 open interactions, and all sessions', async () => {
    const { adapter } = setUp()
    const [interactions, sessions] = [adapter('Interaction'), adapter('Session')]
    for (let id = 0; id <= 5000; id += 1) {
      await interactions.upsert(`${id}`, {}, 60)
      await sessions.upsert(`${id}`, {}, 60)
    }
    assert.equal(await interactions.find('0'), undefined)
    assert.ok((await interactions.find('1')) && (await interactions.find('5000')) && (await sessions.find('0')))
  })

  it('lets the uid follow a session that changed its id, in either order', async () => {
    const adapter = setUp().adapter()
    await adapter.upsert('old', { uid: 'u', jti: 'old' }, 60)
    await adapter.upsert('new', { uid: 'u', jti: 'new' }, 60)
    await adapter.destroy('old')
    assert.equal((await adapter.findByUid('u'))?.jti, 'new')
  })

  it('keeps models apart', async () => {
    const { adapter } = setUp()
    const codes = adapter('AuthorizationCode')
    await codes.upsert('id', {}, 60)
    assert.equal(await adapter('AccessToken').find('id'), undefined)
    assert.deepEqual(await codes.find('id'), {})
  })

  it('drops what has expired and keeps what has no end', async () => {
    const { adapter, pass } = setUp()
    const sessions = adapter()
    await sessions.upsert('short', { uid: 'u' }, 60)
    await sessions.upsert('endless', {}, undefined as unknown as number)
    pass(121)
    assert.equal(await sessions.find('short'), undefined)
    await sessions.upsert('next', {}, 60)
    assert.equal(await sessions.findByUid('u'), undefined)
    assert.deepEqual(await sessions.find('endless'), {})
  })

  it('consumes once, even for requests at the same time', async () => {
    const codes = setUp().adapter('AuthorizationCode')
    await codes.upsert('id', { grantId: 'g' }, 60)
    const results = await Promise.allSettled([1, 2, 3].map(() => codes.consume('id')))
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.equal((await codes.find('id'))?.consumed, 1_700_000_000)
    await assert.rejects(codes.consume('unknown') as Promise<void>, { error: 'invalid_grant' })
  })

  it('revokes all of one grant and nothing else', async () => {
    const tokens = setUp().adapter('AccessToken')
    await tokens.upsert('a', { grantId: 'g' }, 60)
    await tokens.upsert('b', { grantId: 'h' }, 60)
    await tokens.revokeByGrantId('g')
    assert.equal(await tokens.find('a'), undefined)
    assert.ok(await tokens.find('b'))
  })
})
