import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keys } from '../../src/cli/keys.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import { CLIENT } from '../support/host.ts'
import { freePort } from './free-port.ts'
import { type Launched, launch, moduleUrl, ready } from './program.ts'

/** What one process is told. */
interface Settings {
  readonly issuer: string
  readonly port: number
  readonly keyFile: string
  readonly redisUrl: string
}

const source = (module: string) => JSON.stringify(moduleUrl(module))

const MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

const client = {
  ...CLIENT,
  post_logout_redirect_uris: CLIENT.redirect_uris,
  grant_types: [...CLIENT.grant_types, DEVICE_CODE],
}

// Everybody has an account, and the password "right".
const configText = ({ issuer, port, keyFile, redisUrl }: Settings) => `
import { defineConfig } from ${source('cli/config')}
import { loadKeys } from ${source('cli/key-file')}
import { recoveryCodes } from ${source('factors/recovery-codes')}
import { totp } from ${source('factors/totp')}
import { virtualClock } from ${source('testing/virtual-clock')}
const clock = virtualClock()
process.on('message', (seconds) => {
  clock.advance(seconds)
  process.send('advanced')
})
export default defineConfig({
  issuer: '${issuer}',
  port: ${port},
  clients: [${JSON.stringify(client)}],
  accounts: {
    authenticate: (username, password) => (password === 'right' ? username : undefined),
    find: (id) => ({ id, label: id }),
  },
  ...loadKeys('${keyFile}'),
  factors: [totp({ issuer: 'Test' }), recoveryCodes()],
  policy: { default: 'never', scopes: { documents: { floor: '${MULTI_FACTOR}' } } },
  redis: { url: '${redisUrl}', deadlineSeconds: 10 },
  graceSeconds: 2,
  configuration: { scopes: ['openid', 'offline_access', 'documents'] },
})`

/** Gives each request to the next process in turn, and to the one after where that takes no connection. */
const createBalancer = async (ports: readonly number[]) => {
  let turn = 0
  const served = ports.map(() => 0)
  const forward = (index: number, incoming: IncomingMessage, body: Buffer) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const { method, url: path, headers } = incoming
      const { connection: _hop, ...rest } = headers
      const target = { port: ports[index], host: '127.0.0.1', agent: false as const }
      request({ ...target, method, path, headers: rest }, resolve)
        .once('error', reject)
        .end(body)
    })
  const server = createServer(async (incoming, outgoing) => {
    const body = Buffer.concat(await incoming.toArray())
    turn += 1
    const order = ports.map((_port, index) => (turn + index) % ports.length)
    for (const index of order) {
      const response = await forward(index, incoming, body).catch((error: NodeJS.ErrnoException) => error)
      if (response instanceof Error && response.code === 'ECONNREFUSED') continue
      if (response instanceof Error) break
      served[index] = (served[index] ?? 0) + 1
      const { connection: _hop, 'transfer-encoding': _coding, ...headers } = response.headers
      outgoing.writeHead(response.statusCode ?? 502, headers)
      response.pipe(outgoing)
      return
    }
    outgoing.writeHead(502).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    /** How many requests each process has answered. */
    served,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** Two processes of `oidc-step-up serve` on one Redis, behind a balancer that knows no sessions. */
export const startFleet = async (redisUrl: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'step-up-fleet-'))
  const keyFile = join(folder, 'keys.json')
  const runKeys = (...words: readonly string[]) => keys(words, keyFile, () => undefined)
  runKeys('make')
  const ports = [await freePort(), await freePort()]
  const balancer = await createBalancer(ports)
  const issuer = `http://localhost:${balancer.port}`
  const clock = virtualClock()
  let advanced = 0
  const processes: Launched[] = []

  const tell = async ({ program }: Launched, seconds: number) => {
    program.send(seconds)
    await once(program, 'message')
  }
  const start = async (index: number) => {
    const port = ports[index] ?? 0
    const file = join(folder, `${port}.mjs`)
    writeFileSync(file, configText({ issuer, port, keyFile, redisUrl }))
    const launched = launch(['serve', '--config', file])
    processes[index] = launched
    await ready(launched)
    await tell(launched, advanced)
  }
  const stop = async (index: number) => {
    const launched = processes[index]
    launched?.program.kill('SIGTERM')
    return launched?.ended
  }
  const fleet = {
    issuer,
    keys: runKeys,
    served: balancer.served,
    start,
    /** Ends one process by SIGTERM; answers its exit code and signal. */
    stop,
    /** What the processes that run now have said that they should not. */
    complaints: () =>
      processes.map(({ output }) => output.err.replace(/^oidc-provider WARNING: Unsupported runtime.*\n/m, '')),
    /** Moves the time on, here and in each process. */
    advance: async (seconds: number) => {
      advanced += seconds
      clock.advance(seconds)
      const alive = processes.filter(({ program }) => program.exitCode === null)
      await Promise.all(alive.map((one) => tell(one, seconds)))
    },
    close: async () => {
      clock.restore()
      for (const { program } of processes) program.kill('SIGKILL')
      await Promise.all(processes.map(({ ended }) => ended))
      await balancer.close()
      rmSync(folder, { recursive: true })
    },
  }
  try {
    await Promise.all([start(0), start(1)])
  } catch (error) {
    await fleet.close()
    throw error
  }
  return fleet
}
