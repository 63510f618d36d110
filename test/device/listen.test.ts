import assert from 'node:assert/strict'
import {
  createDevice,
  type Device,
  type DeviceError,
  type DeviceFetch,
  type ListenOptions,
  memoryStorage,
} from '../../src/device/index.ts'
import { until } from '../support/until.ts'
import { type ProtocolServer, startServer } from './server.ts'

const QUICK = { pollSeconds: 0.02, retrySeconds: 0.01 }

/** As React Native has it: an answer is there at once or not at all. */
const plainFetch: DeviceFetch = async (url, request) => {
  const { act } = JSON.parse(atob(JSON.parse(request.body).statement?.split('.')[1] ?? 'e30')) as { act?: string }
  const response = await fetch(url, request)
  const { status, headers } = response
  if (act === 'listen') await response.body?.cancel()
  return { status, headers, text: () => response.text() }
}

describe('listening for challenges', () => {
  let server: ProtocolServer
  let controller: AbortController
  let done: Promise<void>
  let heard: string[][]
  let troubles: string[]

  beforeEach(async () => {
    server = await startServer()
    controller = new AbortController()
    heard = []
    troubles = []
    done = Promise.resolve()
  })
  afterEach(async () => {
    controller.abort()
    await done
    await server.close()
  })

  const enroll = async (device: Device) => {
    server.renew()
    const enrolled = await device.enroll(server.link, { name: 'Phone' })
    server.confirm()
    return enrolled.confirmed()
  }
  const listen = (device: Device, options: Partial<ListenOptions> = {}) => {
    const onTrouble = ({ code }: DeviceError) => troubles.push(code)
    done = device.listen((challenges) => heard.push(challenges.map(({ reference }) => reference)), {
      signal: controller.signal,
      onTrouble,
      ...QUICK,
      ...options,
    })
  }
  const latest = () => heard.at(-1)?.join()
  const acts = (name: string) => server.said.filter(({ act }) => act === name).length

  it('hears at once what is open, every change, and ends when told', async () => {
    const device = createDevice({ storage: memoryStorage() })
    await enroll(device)
    server.ask(server.challenge({ reference: 'one' }))
    listen(device)
    await until('it is heard', () => latest() === 'one')
    server.ask()
    await until('it is heard', () => latest() === '')
    controller.abort()
    await done
    await until('it is heard', () => server.listening() === 0)
    assert.equal(acts('listen'), 1)
    assert.deepEqual(troubles, [])
  })

  it('comes back after the stream has ended and after an outage', async () => {
    const device = createDevice({ storage: memoryStorage() })
    await enroll(device)
    listen(device)
    await until('it is heard', () => latest() === '')
    server.upset('listen', 'lost request', { status: 503, body: {} }, 'nonsense')
    server.hangUp()
    server.ask(server.challenge({ reference: 'two' }))
    await until('it is heard', () => latest() === 'two')
    assert.deepEqual(troubles.slice(0, 2), ['unreachable', 'temporarily_unavailable'])
  })

  it('asks every few seconds where streams cannot be read', async () => {
    const device = createDevice({ storage: memoryStorage(), fetch: plainFetch })
    await enroll(device)
    listen(device)
    await until('it is heard', () => acts('pending') > 3)
    server.ask(server.challenge({ reference: 'three' }))
    await until('it is heard', () => latest() === 'three')
    assert.equal(acts('listen'), 1)
  })

  it('asks where a stream comes to its end without a word', async () => {
    const device = createDevice({ storage: memoryStorage() })
    await enroll(device)
    server.mute()
    listen(device)
    await until('it listens', () => server.listening() === 1)
    server.hangUp()
    server.ask(server.challenge({ reference: 'four' }))
    await until('it is heard', () => latest() === 'four')
    assert.ok(acts('pending') > 1)
  })

  it('holds two streams at most, and hears all accounts', async () => {
    const device = createDevice({ storage: memoryStorage() })
    for (let account = 0; account < 3; account += 1) await enroll(device)
    listen(device)
    server.ask(server.challenge({ reference: 'x' }))
    await until('it is heard', () => latest() === 'x,x,x')
    assert.equal(server.listening(), 2)
  })

  it('ends for an account that was removed, and goes on for the others', async () => {
    const device = createDevice({ storage: memoryStorage() })
    const first = await enroll(device)
    await enroll(device)
    server.ask(server.challenge({ reference: 'x' }))
    listen(device)
    await until('it is heard', () => latest() === 'x,x')
    server.devices.delete(first.deviceId)
    server.hangUp()
    await until('it is heard', () => troubles.length > 0)
    assert.deepEqual(troubles, ['unknown_device'])
    await until('it is heard', () => latest() === 'x')
    await until('it is heard', () => server.listening() === 1)
  })

  it('ends by itself where there is no account', async () => {
    listen(createDevice({ storage: memoryStorage() }))
    await done
  })
})
