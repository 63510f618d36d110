import assert from 'node:assert/strict'
import { type AdapterSubject, GRANTED, LIFE, newKey, type Place, rowOf, watch } from './adapter-subject.ts'

/** What every Redis must do alike: find and revoke rows by other values than their identifiers. */
export const lookupTests = (place: () => Place, subject: () => AdapterSubject): void => {
  describe('a session', () => {
    const session = (id: string, more = {}) => ({ ...rowOf('Session', id), uid: 'uid', ...more })

    it('is found by its uid, and no longer once it has ended', async () => {
      const [here, there] = [place().open('Session'), place().openElsewhere('Session')]
      const seen = () => Promise.all([here, there].flatMap((one) => [one.find('one'), one.findByUid('uid')]))
      await here.upsert('one', session('one'), LIFE)
      assert.deepEqual(await seen(), Array(4).fill(session('one')))
      for (const other of ['one', 'UID', 'uid ', '']) assert.equal(await there.findByUid(other), undefined)
      assert.equal(await there.find('uid'), undefined)
      const changed = session('one', { accountId: 'bob' })
      await there.upsert('one', changed, LIFE)
      assert.deepEqual(await seen(), Array(4).fill(changed))
      await there.destroy('one')
      assert.deepEqual(await seen(), Array(4).fill(undefined))
      assert.deepEqual(await place().keys(), [])
    })

    it('keeps its uid through renewals: the old one is destroyed first, the new one written after', async () => {
      const adapter = place().open('Session')
      await adapter.upsert('0', session('0'), LIFE)
      for (let renewal = 1; renewal < 5; renewal += 1) {
        await adapter.destroy(`${renewal - 1}`)
        assert.equal(await adapter.findByUid('uid'), undefined)
        await adapter.upsert(`${renewal}`, session(`${renewal}`), LIFE)
        assert.deepEqual(await adapter.findByUid('uid'), session(`${renewal}`))
        assert.equal(await adapter.find(`${renewal - 1}`), undefined)
      }
      assert.equal((await place().keys()).length, 2)
    })

    it('loses its uid to no late end of an older one', async () => {
      const [here, there] = [place().open('Session'), place().openElsewhere('Session')]
      await here.upsert('old', session('old'), LIFE)
      await there.upsert('new', session('new'), LIFE)
      await here.destroy('old')
      for (const adapter of [here, there]) {
        assert.equal(await adapter.find('old'), undefined)
        assert.deepEqual(await adapter.find('new'), session('new'))
        assert.deepEqual(await adapter.findByUid('uid'), session('new'))
      }
      await here.destroy('old')
      await here.destroy('new')
      assert.equal(await there.findByUid('uid'), undefined)
    })

    it('without a uid is one all the same', async () => {
      const adapter = place().open('Session')
      await adapter.upsert('one', { accountId: 'alice' }, LIFE)
      assert.deepEqual(await adapter.find('one'), { accountId: 'alice' })
      assert.equal(await adapter.findByUid('undefined'), undefined)
      await adapter.destroy('one')
      assert.deepEqual(await place().keys(), [])
    })

    it('whose end Redis did not carry out can be ended again', async () => {
      const { open } = place()
      const [connection] = subject().connections
      const breaking = (broken: 'command' | 'run') => ({
        ...connection,
        [broken]: async (...args: Parameters<typeof connection.command>) => {
          if (broken === 'run' || args[0] === 'UNLINK') throw new Error('broken')
          return connection.command(...args)
        },
      })
      await open('Session').upsert('one', session('one'), LIFE)
      for (const broken of ['run', 'command'] as const) {
        await assert.rejects(open('Session', { connection: breaking(broken) }).destroy('one'), /broken/)
        assert.deepEqual(await open('Session').find('one'), session('one'), broken)
      }
      await open('Session').destroy('one')
      assert.deepEqual(await place().keys(), [])
    })
  })

  describe('a device code', () => {
    it('is found by its user code as it is now, redeemed or not', async () => {
      const [here, there] = [place().open('DeviceCode'), place().openElsewhere('DeviceCode')]
      await here.upsert('one', rowOf('DeviceCode', 'one', { userCode: 'BCDF' }), LIFE)
      assert.equal((await there.findByUserCode('BCDF'))?.jti, 'one')
      for (const other of ['bcdf', 'one', '']) assert.equal(await there.findByUserCode(other), undefined)
      await there.upsert('one', rowOf('DeviceCode', 'one', { userCode: 'BCDF', accountId: 'bob' }), LIFE)
      assert.equal((await here.findByUserCode('BCDF'))?.accountId, 'bob')
      await here.consume('one')
      assert.equal(typeof (await there.findByUserCode('BCDF'))?.consumed, 'number')
      await here.destroy('one')
      assert.equal(await there.findByUserCode('BCDF'), undefined)
    })

    it('is not found by a user code that it had before', async () => {
      const adapter = place().open('DeviceCode')
      await adapter.upsert('one', rowOf('DeviceCode', 'one', { userCode: 'BCDF' }), LIFE)
      await adapter.upsert('one', rowOf('DeviceCode', 'one', { userCode: 'GHJK' }), LIFE)
      assert.equal(await adapter.findByUserCode('BCDF'), undefined)
      assert.equal((await adapter.findByUserCode('GHJK'))?.jti, 'one')
    })
  })

  describe('a grant', () => {
    it('ends with its rows of one model, all of them and no other', async () => {
      const { open, openElsewhere, keys } = place()
      const ids = Array.from({ length: 9 }, (_none, index) => `${index}`)
      const write = (model: string, id: string) => [
        open(model).upsert(`mine ${id}`, rowOf(model, id, { grantId: 'mine' }), id === '7' ? undefined : LIFE),
        openElsewhere(model).upsert(`other ${id}`, rowOf(model, id, { grantId: 'other' }), LIFE),
      ]
      const ungranted = ['Session', 'Interaction', 'Grant']
      for (const model of [...GRANTED, ...ungranted]) await Promise.all(ids.flatMap((id) => write(model, id)))
      const left = async (model: string, whose: string) => {
        const rows = await Promise.all(ids.map((id) => open(model).find(`${whose} ${id}`)))
        return rows.filter((row) => row !== undefined).length
      }
      const all = (whose: string) => Promise.all([...GRANTED, ...ungranted].map((model) => left(model, whose)))
      const expected = Array(GRANTED.length + ungranted.length).fill(ids.length)
      for (const [index, model] of GRANTED.entries()) {
        assert.equal(await openElsewhere(model).revokeByGrantId('mine'), undefined)
        expected[index] = 0
        assert.deepEqual(await all('mine'), expected, model)
      }
      for (const model of ungranted) await open(model).revokeByGrantId('mine')
      assert.deepEqual(await all('mine'), expected, 'a grant ends no session, no interaction and not itself')
      assert.deepEqual(await all('other'), Array(expected.length).fill(ids.length))
      const lists = (await keys()).filter((key) => key.includes('-grant:'))
      assert.equal(lists.length, GRANTED.length, 'the lists of revoked grants are gone')
    })

    it('revoked ends what is redeemed, rewritten or already destroyed as well', async () => {
      const tokens = place().open('RefreshToken')
      for (const id of ['redeemed', 'rewritten', 'destroyed']) await tokens.upsert(id, { grantId: 'grant' }, LIFE)
      await tokens.consume('redeemed')
      await tokens.upsert('rewritten', { grantId: 'grant', again: true }, LIFE)
      await tokens.destroy('destroyed')
      await tokens.revokeByGrantId('grant')
      assert.deepEqual(await place().keys(), [])
      await tokens.upsert('later', { grantId: 'grant' }, LIFE)
      assert.deepEqual(await tokens.find('later'), { grantId: 'grant' })
      await tokens.revokeByGrantId('grant')
      assert.equal(await tokens.find('later'), undefined)
    })

    it('revoked while a row of it is written can be revoked again, and then has none', async () => {
      const { open } = place()
      const [connection] = subject().connections
      const tokens = open('AccessToken')
      let isWritten = false
      const slow = {
        ...connection,
        command: async (...command: Parameters<typeof connection.command>) => {
          if (command[0] === 'UNLINK' && !isWritten) {
            isWritten = true
            await tokens.upsert('late', { grantId: 'grant' }, LIFE)
          }
          return connection.command(...command)
        },
      }
      await tokens.upsert('early', { grantId: 'grant' }, LIFE)
      await open('AccessToken', { connection: slow }).revokeByGrantId('grant')
      assert.ok(isWritten)
      assert.equal(await tokens.find('early'), undefined)
      await tokens.revokeByGrantId('grant')
      assert.equal(await tokens.find('late'), undefined)
    })
  })

  it('touches one key with every command, as a Cluster wants it', async () => {
    const { connection, taken } = watch(subject().connections[0])
    const adapters = ['Session', 'DeviceCode', 'RefreshToken'].map((model) => place().open(model, { connection }))
    for (const adapter of adapters) {
      await adapter.upsert('one', { uid: 'uid', userCode: 'code', grantId: 'grant' }, LIFE)
      await adapter.find('one')
      await adapter.findByUid('uid')
      await adapter.findByUserCode('code')
      await adapter.consume('one').catch(() => undefined)
      await adapter.revokeByGrantId('grant')
      await adapter.destroy('one')
    }
    const sent = taken()
    assert.ok(sent.length > 20)
    for (const command of sent) assert.equal(command.split(' ').length, 2, command)
  })

  it('sends no command twice, and reads a session by its uid with one', async () => {
    const { connection, taken } = watch(subject().connections[0])
    const count = async (work: Promise<unknown>) => {
      await work
      return taken().length
    }
    const [sessions, tokens] = ['Session', 'RefreshToken'].map((model) =>
      place().open(model, { connection, sealingKeys: [newKey()] }),
    ) as [ReturnType<Place['open']>, ReturnType<Place['open']>]
    assert.equal(await count(sessions.upsert('one', { uid: 'uid' }, LIFE)), 2)
    assert.equal(await count(sessions.find('one')), 1)
    assert.equal(await count(sessions.findByUid('uid')), 1)
    assert.equal(await count(sessions.destroy('one')), 3)
    assert.equal(await count(tokens.upsert('one', { grantId: 'grant' }, LIFE)), 2)
    assert.equal(await count(tokens.find('one')), 1)
    assert.equal(await count(tokens.consume('one')), 1)
    assert.equal(await count(tokens.destroy('one')), 1)
  })
}
