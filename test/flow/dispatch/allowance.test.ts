import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { createMac } from '../../../src/crypto/mac.ts'
import type { Budget } from '../../../src/factors/factor.ts'
import { BUDGETS } from '../../../src/factors/sms.ts'
import { type Counted, createAllowances } from '../../../src/flow/dispatch/allowance.ts'
import { createBench, race } from '../tools.ts'

const numberOf = (index: number) => `+4477000${String(index).padStart(5, '0')}`

/** Counts for one factor with these budgets; everybody is somebody else unless told otherwise. */
const counting = (...budgets: readonly Budget[]) => {
  const bench = createBench()
  const allowances = createAllowances({ ...bench, mac: createMac(randomBytes(32)) })
  let last = 0
  const counted = (more: Partial<Omit<Counted, 'message'> & Counted['message']> = {}): Counted => {
    last += 1
    const { to = numberOf(last), block, ...rest } = more
    const factor = { id: 'code', budgets }
    const message = { to, ...(block === undefined ? {} : { block }) }
    return {
      factor,
      accountId: `account-${last}`,
      purpose: 'challenge',
      address: `198.51.100.${last % 256}`,
      ...rest,
      message,
    }
  }
  const ask = async (more: Parameters<typeof counted>[0] = {}) => {
    const answer = await allowances.reserve(counted(more))
    return answer.outcome === 'exhausted' ? answer.per : answer.outcome
  }
  const times = async (count: number, more: Parameters<typeof counted>[0] = {}) => {
    const words: string[] = []
    for (let index = 0; index < count; index += 1) words.push(await ask(more))
    return words
  }
  return { ...bench, allowances, ask, times, counted }
}

const granted = (words: readonly string[]) => words.filter((word) => word === 'granted').length

describe('flow/dispatch/allowance', () => {
  const scopes = [
    ['block', { block: '+447700' }, { block: '+447701' }],
    ['address', { address: '203.0.113.1' }, { address: '203.0.113.2' }],
    ['total', {}, undefined],
  ] as const
  for (const [per, same, other] of scopes)
    it(`AC-22: spends a budget per ${per} together, and begins a new one when its window is over`, async () => {
      const { times, ask, advance } = counting({ per, messages: 3, windowSeconds: 600 })
      assert.deepEqual(await times(2, same), ['granted', 'granted'])
      advance(599)
      assert.deepEqual(await times(3, same), ['granted', per, per])
      if (other !== undefined) assert.equal(await ask(other), 'granted')
      advance(1)
      assert.deepEqual(await times(4, same), ['granted', 'granted', 'granted', per])
    })

  for (const [per, same, other] of [
    ['target', { to: numberOf(0) }, { to: numberOf(99) }],
    ['account', { accountId: 'alice' }, { accountId: 'bob' }],
    ['target', { to: numberOf(0), purpose: 'enroll' }, { to: numberOf(0) }],
  ] as const)
    it(`AC-22: spends a budget per ${per} (${Object.values(same)}) together, beside the pauses`, async () => {
      const { ask, advance } = counting({ per, messages: 2, windowSeconds: 3600 })
      assert.equal(await ask(same), 'granted')
      advance(30)
      assert.equal(await ask(same), 'granted')
      advance(60)
      assert.equal(await ask(same), per)
      assert.equal(await ask(other), 'granted')
      advance(3600 - 90)
      assert.equal(await ask(same), 'granted')
    })

  it('AC-22: five hundred numbers of one block stop at its budget, and other blocks go on', async () => {
    const { ask, times } = counting(...BUDGETS)
    const words: string[] = []
    for (let index = 0; index < 500; index += 1)
      words.push(await ask({ block: '+4477000', address: `198.51.${index}.1` }))
    assert.equal(granted(words), 50)
    assert.ok(words.slice(50).every((word) => word === 'block'))
    assert.equal(granted(await times(20, { block: '+4930', address: '192.0.2.1' })), 20)
  })

  it('AC-22: of five hundred at once no more than the budget', async () => {
    const { ask } = counting({ per: 'block', messages: 10, windowSeconds: 3600 })
    const words = await race(500, () => ask({ block: '+4477000' }))
    assert.equal(granted(words), 10)
  })

  const networks = [
    ['an IPv4 address, also mapped into IPv6', ['203.0.113.9', '::ffff:203.0.113.9', '::FFFF:203.0.113.9'], true],
    ['a /64 of IPv6', ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:0DB8:0001:0002:a:b:c:d'], true],
    ['two /64 of IPv6', ['2001:db8:1:2::1', '2001:db8:1:3::1'], false],
    ['two IPv4 addresses', ['203.0.113.9', '203.0.113.10'], false],
  ] as const
  for (const [what, addresses, together] of networks)
    it(`AC-22: counts ${what} ${together ? 'together' : 'apart'}`, async () => {
      const { ask } = counting({ per: 'address', messages: 1, windowSeconds: 600 })
      const words = []
      for (const address of addresses) words.push(await ask({ address }))
      assert.equal(granted(words), together ? 1 : addresses.length)
    })

  it('counts nothing per block or address where there is none', async () => {
    const { times } = counting(
      { per: 'block', messages: 1, windowSeconds: 600 },
      { per: 'address', messages: 1, windowSeconds: 600 },
    )
    assert.equal(granted(await times(3, { address: undefined })), 3)
  })

  it('keeps the budgets of two factors, and two windows, apart', async () => {
    const { ask, advance, allowances, counted } = counting(
      { per: 'total', messages: 2, windowSeconds: 60 },
      { per: 'total', messages: 3, windowSeconds: 600 },
    )
    assert.deepEqual([await ask(), await ask(), await ask()], ['granted', 'granted', 'total'])
    const other = { ...counted(), factor: { id: 'other', budgets: [{ per: 'total', messages: 1, windowSeconds: 60 }] } }
    assert.equal((await allowances.reserve(other as Counted)).outcome, 'granted')
    advance(60)
    assert.deepEqual([await ask(), await ask()], ['granted', 'total'])
  })

  // Else who may send nothing any more could still use up what belongs to all.
  for (const order of [
    [0, 1],
    [1, 0],
  ] as const)
    it(`AC-22: what one budget stops costs no other, in order ${order.join()}`, async () => {
      const budgets = [
        { per: 'total', messages: 5, windowSeconds: 3600 },
        { per: 'address', messages: 2, windowSeconds: 3600 },
      ] as const
      const { times } = counting(budgets[order[0]], budgets[order[1]])
      assert.equal(granted(await times(50, { address: '203.0.113.1' })), 2)
      assert.equal(granted(await times(50, { address: '203.0.113.2' })), 2)
      assert.equal(granted(await times(50, { address: '203.0.113.3' })), 1)
    })

  it('AC-22: what a budget stops is no reason to wait', async () => {
    const { ask } = counting({ per: 'account', messages: 1, windowSeconds: 3600 })
    const alice = { accountId: 'alice' }
    assert.deepEqual([await ask(alice), await ask({ ...alice, to: '+1' })], ['granted', 'paused'])
    const { ask: again, advance } = counting({ per: 'account', messages: 1, windowSeconds: 3600 })
    assert.equal(await again(alice), 'granted')
    advance(30)
    assert.deepEqual([await again({ ...alice, to: '+1' }), await again({ to: '+1' })], ['account', 'granted'])
  })

  it('AC-22: whatever is asked, no window lets more through than its budget', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ who: fc.nat(3), wait: fc.nat(90) }), { maxLength: 40 }),
        async (questions) => {
          const { ask, advance, clock } = counting({ per: 'block', messages: 3, windowSeconds: 100 })
          const start = clock()
          const grants: number[] = []
          for (const { who, wait } of questions) {
            advance(wait)
            const word = await ask({ accountId: `who-${who}`, to: numberOf(who), block: 'b' })
            if (word === 'granted') grants.push(clock())
          }
          // A window begins with its first message.
          let windowFrom = start
          let inWindow = 0
          for (const at of grants) {
            if (inWindow === 0 || at >= windowFrom + 100) [windowFrom, inWindow] = [at, 0]
            inWindow += 1
            assert.ok(inWindow <= 3)
          }
        },
      ),
      { numRuns: 40, seed: 20261122 },
    ))
})
