import assert from 'node:assert/strict'
import { createDevice, type DeviceAccount, type DeviceStorage, memoryStorage } from '../../src/device/index.ts'
import { type ProtocolServer, startServer } from './server.ts'

describe('rotating a device’s key', () => {
  let server: ProtocolServer
  let storage: DeviceStorage
  let account: DeviceAccount

  /** As after a restart: nothing is left but what was stored. */
  const restarted = () => createDevice({ storage })
  const kept = async () => (await storage.get((await storage.keys())[0] ?? '')) as { next?: { expiresAt: number } }
  const keyAtServer = () => [...server.devices.values()][0]?.key.x

  beforeEach(async () => {
    server = await startServer()
    storage = memoryStorage()
    const enrolled = await restarted().enroll(server.link, { name: 'Phone' })
    server.confirm()
    account = await enrolled.confirmed()
  })
  afterEach(() => server.close())

  it('changes the key and not the name', async () => {
    const before = keyAtServer()
    await restarted().rotate(account)
    assert.notEqual(keyAtServer(), before)
    await restarted().pending()
    assert.deepEqual(await restarted().accounts(), [account])
    assert.equal((await kept()).next, undefined)
  })

  it('goes on with the new key where its answer was lost', async () => {
    const before = keyAtServer()
    server.upset('rotate', 'lost answer')
    await assert.rejects(restarted().rotate(account), { code: 'unreachable' })
    assert.notEqual(keyAtServer(), before)
    assert.ok((await kept()).next)
    await restarted().pending()
    assert.equal((await kept()).next, undefined)
    await restarted().pending()
  })

  it('goes on with the old key where it never arrived, and drops the other once that cannot arrive any more', async () => {
    server.upset('rotate', 'lost request')
    await assert.rejects(restarted().rotate(account), { code: 'unreachable' })
    await restarted().pending()
    assert.ok((await kept()).next, 'it may still be on its way')
    server.skew(120)
    const later = createDevice({ storage, now: () => Math.floor(Date.now() / 1000) + 120 })
    await later.pending()
    assert.equal((await kept()).next, undefined)
  })

  it('goes on where the process ended between the server’s answer and the storage', async () => {
    const dying = { ...storage, set: async () => Promise.reject(new Error('the end')) }
    let writes = 0
    const set = async (key: string, value: unknown) => {
      writes += 1
      return writes > 1 ? dying.set() : storage.set(key, value)
    }
    await assert.rejects(createDevice({ storage: { ...storage, set } }).rotate(account), /the end/)
    await restarted().pending()
    await restarted().rotate(account)
    await restarted().pending()
  })

  for (const [mishap, rotations] of [
    ['lost answer', 1],
    ['lost request', 1],
  ] as const)
    it(`is brought to its end by the next one after a ${mishap}`, async () => {
      server.upset('rotate', mishap)
      await assert.rejects(restarted().rotate(account), { code: 'unreachable' })
      await restarted().rotate(account)
      assert.equal(server.said.filter(({ act }) => act === 'rotate').length, rotations)
      assert.equal((await kept()).next, undefined)
      await restarted().pending()
    })

  it('leaves one key that counts where it is asked for twice at once', async () => {
    const device = restarted()
    await Promise.all([device.rotate(account), device.rotate(account), device.pending()])
    await restarted().pending()
  })
})
