import assert from 'node:assert/strict'
import type { OutgoingMessage } from '../../src/factors/factor.ts'
import type { PushFactor } from '../../src/factors/push.ts'
import { at, createOutbox, dead, going, held, make, NOW, soft } from './push-support.ts'

/** Begins a challenge of devices with these channels, and hands its message to the factor's own sender. */
const send = async (factor: PushFactor, tokens: readonly (string | undefined)[], service = 'pigeon') => {
  const devices = tokens.map((token, index) =>
    held(soft(), `d${index}`, token === undefined ? {} : { channel: { service, token } as { service: string } }),
  )
  const { message } = going(await factor.challenge.begin(at(NOW, devices)))
  assert.ok(message)
  const { to, reference = '', expiresAt } = message
  const outgoing: OutgoingMessage = { to, channel: 'text', locale: 'en', text: 'Open it', reference, expiresAt }
  return { receipt: await factor.sender?.(outgoing), reference }
}

describe('factors/push: sender', () => {
  it('sends the name of the challenge and a neutral sentence to each device that has a channel', async () => {
    const { sender, sent } = createOutbox()
    const { receipt, reference } = await send(make({ senders: [sender] }), ['one', undefined, 'two'])
    assert.deepEqual(receipt, { gone: [] })
    assert.deepEqual(
      sent,
      ['one', 'two'].map((token) => ({
        channel: { service: 'pigeon', token },
        reference,
        text: 'Open it',
        expiresAt: NOW + 120,
      })),
    )
  })

  it('is content without any channel: the app finds what it is asked while it is open', async () => {
    assert.deepEqual((await send(make(), [undefined])).receipt, { gone: [] })
    assert.deepEqual((await send(make(), ['one'])).receipt, { gone: [] }, 'no sender for it any more')
  })

  it('AC-81: sends nothing to a channel that is not allowed any more', async () => {
    const { sender, sent } = createOutbox()
    assert.deepEqual((await send(make({ senders: [sender] }), ['forbidden'])).receipt, { gone: [] })
    assert.deepEqual(sent, [])
  })

  it('F-11: names the devices whose address is dead, whether or not others were reached', async () => {
    const { sender, sent, faults } = createOutbox()
    faults.set('ended', dead())
    const factor = make({ senders: [sender] })
    assert.deepEqual((await send(factor, ['ended', 'alive', 'ended'])).receipt, { gone: ['d0', 'd2'] })
    assert.deepEqual((await send(factor, ['ended'])).receipt, { gone: ['d0'] })
    assert.equal(sent.length, 1)
  })

  it('F-11: says that nothing went out, and never fails: a dead end that one device names is nobody else’s', async () => {
    const { sender, faults } = createOutbox()
    const down = new Error('503')
    faults.set('down', down)
    faults.set('ended', dead())
    const factor = make({ senders: [sender] })
    assert.deepEqual((await send(factor, ['down', 'alive'])).receipt, { gone: [] })
    assert.deepEqual((await send(factor, ['down'])).receipt, { gone: [], undelivered: true })
    assert.deepEqual((await send(factor, ['ended', 'down'])).receipt, { gone: ['d0'], undelivered: true })
  })

  it('two accounts never share a target, even without a channel', async () => {
    const factor = make()
    const to = async (id: string) => going(await factor.challenge.begin(at(NOW, [held(soft(), id)]))).message?.to
    assert.notEqual(await to('one'), await to('other'))
  })
})

describe('factors/push: options', () => {
  const { sender } = createOutbox()
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [7, /^push\(\{ {2}\}\): must be an object$/],
    [{ colour: 1 }, /must be only senders, digits, lifeSeconds/],
    [{ digits: 1 }, /^push\(\{ digits \}\): must be a whole number from 2 to 6$/],
    [{ digits: 2.5 }, /digits/],
    [{ lifeSeconds: 29 }, /^push\(\{ lifeSeconds \}\): must be a whole number from 30 to 300$/],
    [{ lifeSeconds: '120' }, /lifeSeconds/],
    [{ locate: 'Berlin' }, /^push\(\{ locate \}\): must be a function$/],
    [{ userVerification: true }, /^push\(\{ userVerification \}\): must be 'ignored' or 'trusted'$/],
    [{ perAccount: 11 }, /^push\(\{ perAccount \}\): must be a whole number from 1 to 10$/],
    [{ senders: sender }, /^push\(\{ senders \}\): must be a list of senders$/],
    [{ senders: [undefined] }, /^push\(\{ senders\.0 \}\): must be an object with service, parse and send$/],
    [{ senders: [{ ...sender, service: 'Web Push' }] }, /^push\(\{ senders\.0\.service \}\): must be a name/],
    [
      { senders: [sender, { ...sender, service: 'fcm', send: 1 }] },
      /^push\(\{ senders\.1\.send \}\): must be a function$/,
    ],
    [{ senders: [{ ...sender, parse: undefined }] }, /^push\(\{ senders\.0\.parse \}\): must be a function$/],
    [{ senders: [{ ...sender, about: 'x' }] }, /^push\(\{ senders\.0\.about \}\): must be an object$/],
    [{ senders: [sender, sender] }, /^push\(\{ senders\.1\.service \}\): must be one sender for each service$/],
    [{ budgets: [] }, /^push\(\{ budgets \}\): must be at least one budget$/],
    [{ budgets: [{ per: 'day', messages: 1, windowSeconds: 1 }] }, /^push\(\{ budgets\.0\.per \}\)/],
    [{ budgets: [{ per: 'account', messages: 0, windowSeconds: 1 }] }, /^push\(\{ budgets\.0\.messages \}\)/],
  ]
  for (const [options, message] of wrong)
    it(`refuses ${JSON.stringify(options)} by the name of the setting`, () => {
      assert.throws(() => make(options as never), { code: 'ERR_CONFIG', message })
    })

  it('takes them at their limits', () => {
    for (const options of [
      { digits: 6, lifeSeconds: 300, perAccount: 1 },
      { lifeSeconds: 30, senders: [] },
    ])
      assert.equal(make(options).id, 'push')
    assert.deepEqual([make().perAccount, make({ perAccount: 1 }).perAccount], [5, 1])
    const budgets = [{ per: 'total', messages: 1, windowSeconds: 1 }] as const
    assert.deepEqual(make({ budgets }).budgets, budgets)
  })

  it('keeps a sender whose methods stand on the object itself', async () => {
    const own = createOutbox()
    const inherited: typeof sender = Object.assign(Object.create({ ...own.sender }) as typeof sender, {
      service: 'pigeon',
    })
    await send(make({ senders: [inherited] }), ['one'])
    assert.equal(own.sent.length, 1)
  })

  it('is frozen, and says what it can show', () => {
    const factor = make()
    assert.ok(Object.isFrozen(factor))
    assert.deepEqual(
      [factor.id, factor.kinds, factor.traits, factor.amr],
      ['push', ['possession'], ['out-of-band', 'replay-resistant'], ['mca', 'pop', 'swk']],
    )
  })
})
