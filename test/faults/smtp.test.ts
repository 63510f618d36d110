import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { StepUpError } from '../../src/errors.ts'
import type { OutgoingMessage } from '../../src/factors/factor.ts'
import { type SmtpOptions, smtp } from '../../src/senders/smtp.ts'
import { type SmtpSettings, startSmtp } from '../support/smtp.ts'
import { stopwatch } from '../support/until.ts'

const message = (lifeSeconds = 300): OutgoingMessage => ({
  to: 'bob@example.com',
  channel: 'text',
  locale: 'en',
  subject: 'Your code',
  text: '493817',
  expiresAt: Math.floor(Date.now() / 1000) + lifeSeconds,
})

const isPlain = (error: unknown) => {
  assert.ok(error instanceof Error && !(error instanceof StepUpError))
  assert.doesNotMatch(`${error.message} ${error.cause}`, /bob|493817/)
  return true
}

describe('faults: SMTP', () => {
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })

  const open = async (settings: SmtpSettings, options: Partial<SmtpOptions> = {}) => {
    const server = await startSmtp(settings)
    const sender = smtp({ url: server.url, from: 'no-reply@example.com', ...options })
    closing.push(sender.close, server.close)
    return { server, sender }
  }

  /** A server that takes connections and does with them what it is told. */
  const raw = async (take: (socket: Socket) => void) => {
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => undefined)
      take(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closing.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    return `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  it('F-07: fails at once where nobody listens', async () => {
    const { server, sender } = await open({})
    await server.close()
    const elapsed = stopwatch()
    await assert.rejects(sender(message()), isPlain)
    assert.ok(elapsed() < 2000)
  })

  for (const hangUp of ['at once', 'at the recipient', 'after the data'] as const)
    it(`F-07: fails where the server hangs up ${hangUp}, and sends the next`, async () => {
      const { server, sender } = await open({ script: { hangUp } })
      await assert.rejects(sender(message()), isPlain)
      delete server.script.hangUp
      await sender(message())
      assert.equal(server.mails.length, 1)
    })

  it('F-08: waits for a server that takes its time to greet, and sends once', async () => {
    const { server, sender } = await open({ script: { banner: 3000 } })
    const elapsed = stopwatch()
    await sender(message())
    assert.ok(elapsed() >= 2900)
    assert.equal(server.mails.length, 1)
  })

  it('F-08: is told "not now" by a greylisting server, and is let in the next time', async () => {
    const recipient = (_address: string, attempt: number) =>
      attempt === 1 ? ([451, '4.7.1 come back'] as const) : undefined
    const { server, sender } = await open({ script: { recipient } })
    await assert.rejects(sender(message()), isPlain)
    await sender(message())
    assert.deepEqual([server.mails.length, server.seen.recipients.length], [1, 2])
  })

  it('uses a connection no longer that the server has closed meanwhile', async () => {
    const { server, sender } = await open({})
    await sender(message())
    server.hangUp()
    await sender(message())
    assert.deepEqual([server.mails.length, server.seen.connections], [2, 2])
  })

  const dead: Readonly<Record<string, (socket: Socket) => void>> = {
    'never greets': () => undefined,
    'greets and falls silent': (socket) => void socket.write('220 hello\r\n'),
  }
  for (const [what, take] of Object.entries(dead))
    it(`ends by itself where the server ${what}`, async () => {
      const url = await raw(take)
      const timeouts = { connectionTimeoutSeconds: 0.5, idleTimeoutSeconds: 0.5 }
      const sender = smtp({ url, from: 'no-reply@example.com', ...timeouts })
      closing.push(sender.close)
      const elapsed = stopwatch()
      await assert.rejects(sender(message()), isPlain)
      assert.ok(elapsed() < 3000, `${elapsed()} ms`)
    })

  it('gives up a mail that takes too long though the server is never silent for long', async () => {
    const url = await raw((socket) => {
      const timer = setInterval(() => socket.write('220-hold on\r\n'), 50)
      socket.on('close', () => clearInterval(timer))
    })
    const sender = smtp({ url, from: 'no-reply@example.com', sendTimeoutSeconds: 0.5 })
    closing.push(sender.close)
    const elapsed = stopwatch()
    await assert.rejects(sender(message()), isPlain)
    assert.ok(elapsed() < 3000, `${elapsed()} ms`)
  })

  it('does not begin with a mail whose time has passed, and takes none after its end', async () => {
    const { server, sender } = await open({})
    await assert.rejects(sender(message(0)), isPlain)
    sender.close()
    await assert.rejects(sender(message()), isPlain)
    assert.equal(server.seen.connections, 0)
  })
})
