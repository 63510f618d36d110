import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../cli/free-port.ts'
import { type Launched, launch, moduleUrl, ready } from '../cli/program.ts'
import { stopwatch, until } from '../support/until.ts'

const source = (module: string) => JSON.stringify(moduleUrl(module))

const configText = (port: number, more: string) => `
import { defineConfig } from ${source('cli/config')}
import { totp } from ${source('factors/totp')}
export default defineConfig({
  issuer: 'http://localhost:${port}',
  port: ${port},
  clients: [{
    client_id: 'machine',
    client_secret: 'machine secret',
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
  }],
  accounts: { authenticate: () => undefined, find: () => undefined },
  sealingKeys: ['${Buffer.alloc(32, 3).toString('base64url')}'],
  cookieKeys: ['${'k'.repeat(32)}'],
  factors: [totp({ issuer: 'Test' })],
  configuration: { features: { clientCredentials: { enabled: true } } },
  ${more}
})`

const BODY = 'grant_type=client_credentials'
const HALF = BODY.length / 2

/** A token request whose body is on the way: half of it has been sent, and the server has read its head. */
const slowRequest = async (port: number) => {
  const sent = request({
    port,
    host: '127.0.0.1',
    path: '/token',
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from('machine:machine+secret').toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': BODY.length,
      connection: 'keep-alive',
      expect: '100-continue',
    },
  })
  const answered = once(sent, 'response').then(async ([response]) => {
    response.setEncoding('utf8')
    return { status: response.statusCode, headers: response.headers, text: (await response.toArray()).join('') }
  })
  // One that is cut off is told by whoever waits for it.
  answered.catch(() => undefined)
  sent.flushHeaders()
  await once(sent, 'continue')
  sent.write(BODY.slice(0, HALF))
  return { answered, finish: () => sent.end(BODY.slice(HALF)) }
}

const open = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  // How it is ended is not what is looked at here.
  return socket.on('error', () => undefined)
}

/** A connection that has had one answer and waits for more to ask. */
const idleConnection = async (port: number): Promise<Socket> => {
  const socket = await open(port)
  socket.write('GET /no/such HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n')
  await once(socket, 'data')
  return socket
}

const ended = (socket: Socket) =>
  new Promise<void>((resolve) => {
    if (socket.closed) resolve()
    else socket.resume().once('close', () => resolve())
  })

describe('a process that is to end', function slow() {
  this.timeout('60s')
  const folder = mkdtempSync(join(tmpdir(), 'step-up-drain-'))
  const start = async (more = '') => {
    const port = await freePort()
    const file = join(folder, `${port}.mjs`)
    writeFileSync(file, configText(port, more))
    const launched = launch(['serve', '--config', file])
    await ready(launched)
    return { ...launched, port }
  }
  type Started = Launched & { readonly port: number }
  let patient: Started
  let hasty: Started
  let twice: Started
  before(async () => {
    ;[patient, hasty, twice] = await Promise.all([start(), start('graceSeconds: 0.3,'), start()])
  })
  after(async () => {
    for (const { program } of [patient, hasty, twice]) program.kill('SIGKILL')
    await Promise.all([patient.ended, hasty.ended, twice.ended])
    rmSync(folder, { recursive: true })
  })

  it('F-12: lets an open request finish, ends idle connections at once, takes no new one, and exits with 0', async () => {
    const { port, program } = patient
    const [idle, silent] = await Promise.all([idleConnection(port), open(port)])
    const { answered, finish } = await slowRequest(port)
    const elapsed = stopwatch()
    program.kill('SIGTERM')
    await ended(idle)
    assert.ok(elapsed() < 4500, `an idle connection would have ended by itself: ${elapsed()} ms`)
    await until('no new connection is taken', async () => {
      const answer = await open(port).catch((error: NodeJS.ErrnoException) => error)
      if (answer instanceof Error) return answer.code === 'ECONNREFUSED'
      answer.destroy()
      return false
    })
    await ended(silent)
    assert.equal(program.exitCode, null)
    finish()
    const { status, headers, text } = await answered
    assert.deepEqual([status, headers.connection], [200, 'close'])
    assert.equal(JSON.parse(text).token_type, 'Bearer')
    assert.deepEqual(await patient.ended, [0, null])
    assert.ok(elapsed() < 9000, `${elapsed()} ms`)
    assert.equal(patient.output.err.replace(/^oidc-provider WARNING: Unsupported runtime.*\n/m, ''), '')
  })

  it('F-12: waits for an open request no longer than it was told, and exits with 0 all the same', async () => {
    const { port, program } = hasty
    const { answered } = await slowRequest(port)
    program.kill('SIGINT')
    await assert.rejects(answered, { code: 'ECONNRESET' })
    assert.deepEqual(await hasty.ended, [0, null])
  })

  it('ends at once at a second signal', async () => {
    const { port, program } = twice
    const idle = await idleConnection(port)
    const { answered } = await slowRequest(port)
    program.kill('SIGTERM')
    await ended(idle)
    const elapsed = stopwatch()
    program.kill('SIGTERM')
    await assert.rejects(answered, { code: 'ECONNRESET' })
    assert.deepEqual(await twice.ended, [0, null])
    assert.ok(elapsed() < 4000, `${elapsed()} ms`)
  })
})
