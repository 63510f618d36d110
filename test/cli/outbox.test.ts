import assert from 'node:assert/strict'
import { createOutbox } from '../../src/cli/outbox.ts'
import type { OutgoingMessage } from '../../src/factors/factor.ts'

const message = (more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  to: '+12025550123',
  channel: 'text',
  locale: 'en',
  text: 'Hello',
  expiresAt: 2000,
  ...more,
})

describe('cli/outbox', () => {
  const { NODE_ENV } = process.env
  afterEach(() => {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = NODE_ENV
  })

  it('shows what was to be sent, newest first, with its way and its time', async () => {
    let now = 1000
    const outbox = createOutbox(() => now)
    await outbox.sender('phone')(message())
    now += 5
    await outbox.sender('phone')(message({ channel: 'voice', text: 'Your code is' }))
    await outbox.sender('mail')(message({ to: 'alice@example.com', subject: 'Code', html: '<p>Hello' }))
    assert.deepEqual(outbox.posted(), [
      { way: 'mail', at: 1005, to: 'alice@example.com', subject: 'Code', text: 'Hello' },
      { way: 'voice', at: 1005, to: '+12025550123', text: 'Your code is' },
      { way: 'text', at: 1000, to: '+12025550123', text: 'Hello' },
    ])
  })

  it('keeps no more than fifty', async () => {
    const outbox = createOutbox(() => 0)
    for (let index = 0; index < 60; index += 1) await outbox.sender('mail')(message({ text: String(index) }))
    const texts = outbox.posted().map(({ text }) => text)
    assert.deepEqual([texts.length, texts[0], texts.at(-1)], [50, '59', '10'])
  })

  it('does not exist in production', () => {
    process.env.NODE_ENV = 'production'
    assert.throws(() => createOutbox(() => 0), {
      code: 'ERR_CONFIG',
      message: /^NODE_ENV: found "production"; allowed: /,
    })
  })
})
