import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import Koa from 'koa'
import { type TwilioStatus, twilioStatusWebhook } from '../../src/senders/twilio.ts'

const TOKEN = 'auth-token'
/** Nothing like what the server behind the proxy sees. */
const URL_AT_PROXY = 'https://login.example.com/hooks/twilio?from=proxy'

const DELIVERED = { MessageSid: 'SM1', MessageStatus: 'delivered', To: '+4915112345678', AccountSid: 'AC1' }

/** Twilio, "Validating signatures from Twilio": HMAC-SHA1 over the URL and the sorted fields. */
const signed = (form: Readonly<Record<string, string>>, url = URL_AT_PROXY, token = TOKEN) =>
  createHmac('sha1', token)
    .update(url + Object.entries(form).sort().flat().join(''))
    .digest('base64')

const mounts: Readonly<Record<string, (hook: ReturnType<typeof twilioStatusWebhook>) => RequestListener>> = {
  'node:http': (hook) => hook,
  Koa: (hook) =>
    new Koa()
      .use((ctx) => {
        ctx.respond = false
        return hook(ctx.req, ctx.res)
      })
      .callback(),
  Express: (hook) => express().post('/hooks/twilio', hook),
  'Express after a body parser': (hook) =>
    express()
      .use(express.urlencoded({ extended: false }))
      .post('/hooks/twilio', hook),
}

const serve = async (listener: RequestListener) => {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    post: async (body: string, headers: Readonly<Record<string, string>> = {}, method = 'POST') => {
      const response = await fetch(`http://127.0.0.1:${port}/hooks/twilio`, {
        method,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        ...(method === 'POST' ? { body } : {}),
      })
      await response.text()
      return response.status
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('senders/twilio status webhook', () => {
  let told: TwilioStatus[]
  let server: Awaited<ReturnType<typeof serve>>
  const start = async (mount: keyof typeof mounts, onStatus = (status: TwilioStatus) => void told.push(status)) => {
    told = []
    const listener = mounts[mount]?.(twilioStatusWebhook({ authToken: TOKEN, url: URL_AT_PROXY, onStatus }))
    assert.ok(listener)
    server = await serve(listener)
  }
  const post = (form: Readonly<Record<string, string>>, signature: string | undefined) =>
    server.post(
      new URLSearchParams(form).toString(),
      signature === undefined ? {} : { 'x-twilio-signature': signature },
    )
  afterEach(async () => {
    await server.close()
  })

  for (const mount of Object.keys(mounts))
    it(`AC-89: takes what is signed over the public URL and nothing else, mounted in ${mount}`, async () => {
      await start(mount)
      const right = signed(DELIVERED)
      assert.equal(await post(DELIVERED, right), 204)
      assert.deepEqual(told, [{ sid: 'SM1', status: 'delivered', to: '+4915112345678' }])
      const forgeries = {
        'no signature': [DELIVERED, undefined],
        'an empty one': [DELIVERED, ''],
        garbage: [DELIVERED, 'a'.repeat(5000)],
        'of another token': [DELIVERED, signed(DELIVERED, URL_AT_PROXY, 'other')],
        'over the URL behind the proxy': [DELIVERED, signed(DELIVERED, 'http://127.0.0.1/hooks/twilio')],
        'over the URL without its query': [DELIVERED, signed(DELIVERED, 'https://login.example.com/hooks/twilio')],
        'of another form': [{ ...DELIVERED, MessageStatus: 'failed' }, right],
        'with a field more': [{ ...DELIVERED, ErrorCode: '30006' }, right],
        'with a field less': [{ MessageSid: 'SM1', MessageStatus: 'delivered' }, right],
      } as const
      for (const [what, [form, signature]] of Object.entries(forgeries))
        assert.equal(await post(form, signature), 403, what)
      assert.equal(told.length, 1)
    })

  it('tells why a message failed and how a call ended', async () => {
    await start('node:http')
    const failed = { MessageSid: 'SM2', MessageStatus: 'undelivered', ErrorCode: '30006' }
    const busy = { CallSid: 'CA1', CallStatus: 'busy' }
    for (const form of [failed, busy]) assert.equal(await post(form, signed(form)), 204)
    assert.deepEqual(told, [
      { sid: 'SM2', status: 'undelivered', errorCode: 30006 },
      { sid: 'CA1', status: 'busy' },
    ])
  })

  it('answers every other request without asking anybody', async () => {
    await start('node:http')
    assert.equal(await server.post('', {}, 'GET'), 405)
    const strange = { Digits: '1' }
    assert.equal(await post(strange, signed(strange)), 400)
    assert.equal(await server.post('a'.repeat(100_000), { 'x-twilio-signature': 'x' }).catch(() => 413), 413)
    assert.deepEqual(told, [])
  })

  it('answers 500 and lives on where the host cannot take it', async () => {
    await start('node:http', () => {
      throw new Error('no database')
    })
    assert.equal(await post(DELIVERED, signed(DELIVERED)), 500)
    assert.equal(await post(DELIVERED, signed(DELIVERED)), 500)
  })
})
