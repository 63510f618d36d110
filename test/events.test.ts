import assert from 'node:assert/strict'
import { createEvents } from '../src/events.ts'

const NOW = 1_800_000_000

/** The warnings that come while something is done. */
const warningsOf = async (run: () => void) => {
  const warnings: (Error & { code?: string })[] = []
  const keep = (warning: Error) => void (warning.name === 'StepUpWarning' && warnings.push(warning))
  process.on('warning', keep)
  run()
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', keep)
  return warnings.map(({ code, message }) => ({ code, message }))
}

describe('events', () => {
  it('come in the same tick, frozen, with the time of the clock', () => {
    const { events, announce } = createEvents(() => NOW)
    const heard: object[] = []
    events.on('account.disabled', (event) => void heard.push(event))
    announce('account.disabled', { accountId: 'alice' })
    assert.deepEqual(heard, [{ accountId: 'alice', at: NOW }])
    assert.ok(Object.isFrozen(heard[0]))
  })

  it('refuse a name that does not exist, and tell which do', () => {
    const { events } = createEvents(() => NOW)
    for (const name of ['challenge.acepted', 'toString', undefined])
      assert.throws(() => events.on(name as never, () => undefined), {
        code: 'ERR_CONFIG',
        message: /^mfa\.events\.on\(name\): found .*; allowed: authorization\.decided, .*grants\.revoked$/,
      })
    assert.throws(() => events.on('account.reset', undefined as never), {
      code: 'ERR_CONFIG',
      message: 'mfa.events.on("account.reset", listener): found nothing; allowed: a function',
    })
  })

  it('reach listeners of their name only, in the order in which these came', () => {
    const { events, announce } = createEvents(() => NOW)
    const heard: string[] = []
    events.on('account.disabled', () => void heard.push('first'))
    events.on('account.enabled', () => void heard.push('other'))
    events.on('account.disabled', () => void heard.push('second'))
    announce('account.disabled', { accountId: 'alice' })
    assert.deepEqual(heard, ['first', 'second'])
  })

  it('end for the one listener that was switched off, by its own switch alone', () => {
    const { events, announce } = createEvents(() => NOW)
    let heard = 0
    const listener = () => {
      heard += 1
    }
    const off = events.on('account.reset', listener)
    events.on('account.reset', listener)
    off()
    off()
    announce('account.reset', { accountId: 'alice' })
    assert.equal(heard, 1)
  })

  for (const [fails, listener] of [
    ['throws', () => assert.fail('the mail server is gone')],
    ['rejects', async () => assert.fail('the mail server is gone')],
  ] as const)
    it(`only warn where a listener ${fails}; the others hear it all the same`, async () => {
      const { events, announce } = createEvents(() => NOW)
      let heard = 0
      events.on('account.reset', listener)
      events.on('account.reset', () => {
        heard += 1
      })
      const warnings = await warningsOf(() => announce('account.reset', { accountId: 'alice' }))
      const message = 'a listener of "account.reset" failed: the mail server is gone'
      assert.deepEqual(warnings, [{ code: 'STEP_UP_LISTENER', message }])
      assert.equal(heard, 1)
    })

  it('warn of what is no error in the same way', async () => {
    const { events, announce } = createEvents(() => NOW)
    events.on('account.reset', () => Promise.reject('a bare text'))
    const [warning] = await warningsOf(() => announce('account.reset', { accountId: 'alice' }))
    assert.equal(warning?.message, 'a listener of "account.reset" failed: a bare text')
  })

  const silent = new Error('hidden')
  Object.defineProperty(silent, 'message', { get: () => assert.fail('nothing to be read') })
  const strange: Readonly<Record<string, unknown>> = {
    nothing: undefined,
    null: null,
    'an object without any method': Object.create(null),
    'a symbol': Symbol('gone'),
    'a frozen error': Object.freeze(new Error('the mail server is gone')),
    'an error that cannot be read': silent,
    'an object that cannot be shown': {
      [Symbol.for('nodejs.util.inspect.custom')]: () => assert.fail('nothing to be shown'),
    },
  }
  for (const [name, fault] of Object.entries(strange))
    it(`AC-96: end nothing where a listener throws ${name}, or rejects with it`, async () => {
      const { events, announce } = createEvents(() => NOW)
      let heard = 0
      events.on('account.reset', () => {
        throw fault
      })
      events.on('account.reset', () => Promise.reject(fault))
      events.on('account.reset', () => {
        heard += 1
      })
      const unhandled: unknown[] = []
      const keep = (reason: unknown) => void unhandled.push(reason)
      process.prependListener('unhandledRejection', keep)
      const warnings = await warningsOf(() => announce('account.reset', { accountId: 'alice' }))
      process.off('unhandledRejection', keep)
      assert.deepEqual([heard, unhandled], [1, []])
      assert.deepEqual(
        warnings.map(({ code, message }) => [code, /^a listener of "account\.reset" failed: ./.test(message)]),
        Array.from({ length: 2 }, () => ['STEP_UP_LISTENER', true]),
      )
    })

  it('take any number of listeners without a word', async () => {
    const { events, announce } = createEvents(() => NOW)
    let heard = 0
    for (let count = 0; count < 50; count += 1)
      events.on('account.reset', () => {
        heard += 1
      })
    const said: Error[] = []
    const keep = (warning: Error) => void said.push(warning)
    process.on('warning', keep)
    announce('account.reset', { accountId: 'alice' })
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', keep)
    assert.deepEqual([heard, said], [50, []])
  })

  it('are frozen at the end that hosts hold, and cannot be announced there', () => {
    const { events } = createEvents(() => NOW)
    assert.ok(Object.isFrozen(events))
    assert.deepEqual(Object.keys(events), ['on'])
  })
})
