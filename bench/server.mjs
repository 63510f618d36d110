import { once } from 'node:events'
import { createServer } from 'node:http'
import { Session } from 'node:inspector/promises'
import Provider from 'oidc-provider'
import { hostPages } from './host.mjs'
import { createParts } from './parts.mjs'

// One server under measurement, in a process of its own: what the operating system accounts to this process is
// what the server costs. The parent sends the settings first, then asks by `{ ask }`, one question at a time.

const SAMPLING_MICROSECONDS = 200

const createProfiler = () => {
  const session = new Session()
  return {
    async start() {
      session.connect()
      await session.post('Profiler.enable')
      await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_MICROSECONDS })
      await session.post('Profiler.start')
    },
    async stop() {
      const { profile } = await session.post('Profiler.stop')
      session.disconnect()
      return profile
    },
  }
}

const serve = async (settings) => {
  const server = createServer()
  // Longer than any pause of a client: one that reuses a connection just as it is closed would see a reset.
  server.keepAliveTimeout = 75_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${server.address().port}`
  const { configuration, attach } = await createParts(settings)
  const provider = new Provider(issuer, configuration)
  provider.use(hostPages(provider))
  attach(provider)
  provider.on('server_error', (_ctx, error) => process.stderr.write(`${error.stack}\n`))
  server.on('request', provider.callback())
  return issuer
}

const [settings] = await once(process, 'message')
const issuer = await serve(settings)
const profiler = createProfiler()

const answers = {
  usage: () => {
    const { user, system } = process.cpuUsage()
    const { rss, heapUsed } = process.memoryUsage()
    return { cpuMicroseconds: user + system, rss, heapUsed }
  },
  collect: () => globalThis.gc(),
  held: () => {
    const resources = process.getActiveResourcesInfo()
    const count = (name) => resources.filter((one) => one === name).length
    return { connections: count('TCPSocketWrap'), timers: count('Timeout') }
  },
  profile: () => profiler.start(),
  profiled: () => profiler.stop(),
}

process.on('message', async (message) => process.send({ answer: (await answers[message.ask]()) ?? null }))
// No server outlives the load generator that started it.
process.once('disconnect', () => process.exit())
process.send({ issuer })
