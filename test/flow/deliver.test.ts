import assert from 'node:assert/strict'
import { mock } from 'node:test'
import type { Sender, Step } from '../../src/factors/factor.ts'
import { deliver } from '../../src/flow/deliver.ts'
import { signal } from './tools.ts'

const MESSAGE = { to: '+49301', template: 'code', values: { code: '493817' } }
const STEP: Step = { outcome: 'continue', state: {}, message: MESSAGE }

describe('flow/deliver', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  it('hands the message over, in the language of the page', async () => {
    const handed: unknown[] = []
    const sender: Sender = async (message) => {
      handed.push(message)
    }
    assert.equal(await deliver(sender, 'de', STEP), true)
    assert.deepEqual(handed, [{ ...MESSAGE, locale: 'de' }])
  })

  const silent: readonly Step[] = [
    { outcome: 'continue', state: {} },
    { outcome: 'accepted' },
    { outcome: 'refused', reason: 'invalid' },
  ]
  it('has nothing left unsent where there was nothing to send', async () => {
    const sender: Sender = () => assert.fail('nothing was to be sent')
    for (const step of silent) {
      assert.equal(await deliver(sender, 'en', step), true)
      assert.equal(await deliver(undefined, 'en', step), true)
    }
  })

  const failing: Readonly<Record<string, Sender | undefined>> = {
    'is missing': undefined,
    rejects: () => Promise.reject(new Error('refused by the carrier')),
    throws: () => {
      throw new Error('no such number')
    },
  }
  for (const [name, sender] of Object.entries(failing))
    it(`says so where the sender ${name}`, async () => assert.equal(await deliver(sender, 'en', STEP), false))

  it('waits ten seconds for the sender and no longer', async () => {
    let told: boolean | undefined
    const delivery = deliver(() => new Promise(() => undefined), 'en', STEP).then((answer) => {
      told = answer
    })
    mock.timers.tick(9999)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(told, undefined)
    mock.timers.tick(1)
    await delivery
    assert.equal(told, false)
  })

  it('survives a sender that fails after its time', async () => {
    const { send, sent } = signal()
    const late = sent.then(() => Promise.reject(new Error('too late')))
    const delivery = deliver(() => late, 'en', STEP)
    mock.timers.tick(10_000)
    assert.equal(await delivery, false)
    send()
    await new Promise((resolve) => setImmediate(resolve))
  })
})
