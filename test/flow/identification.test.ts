import assert from 'node:assert/strict'
import type { Account } from '../../src/account.ts'
import type { Evidence } from '../../src/assurance/evidence.ts'
import type { AnyFactor, Authenticator, Identification, Step } from '../../src/factors/factor.ts'
import { createIdentifications, type Doorstep } from '../../src/flow/identification.ts'
import { verifiedKey } from '../../src/flow/verified.ts'
import type { Accounts } from '../../src/store/accounts.ts'
import type { Store } from '../../src/store/store.ts'
import { codeFactor } from './scene.ts'
import { createBench, enrolled, give, hoardingStore, race } from './tools.ts'

interface Answer {
  readonly claim: string
  readonly challenge: string
  readonly count: number
}

const KEY = enrolled('code', { id: 'key-1', claim: 'claim-1', data: { count: 1 } })
const AT: Doorstep = {
  id: 'interaction',
  cid: 'cid',
  origin: 'https://login.example.com',
  issuer: 'https://login.example.com',
}

/** A factor whose challenge is a number, and whose answer counts on. */
const identifying = (more: Partial<Identification> = {}): AnyFactor => {
  let begun = 0
  const identify: Identification<{ challenge: string }, { count: number }> = {
    ttlSeconds: 300,
    scripts: [],
    begin: () => {
      begun += 1
      return { state: { challenge: `challenge-${begun}` }, view: { challenge: `challenge-${begun}` } }
    },
    claimOf: (answer) => (answer.startsWith('{') ? (JSON.parse(answer) as Answer).claim : undefined),
    submit: ({ challenge }, answer, { id, data }) => {
      const { count, ...given } = JSON.parse(answer) as Answer
      if (given.challenge === 'down') return { outcome: 'refused', reason: 'unavailable' }
      if (given.challenge !== challenge) return { outcome: 'refused', reason: 'invalid' }
      if (count <= data.count) return { outcome: 'refused', reason: 'suspect', suspectId: id }
      const update = { authenticatorId: id, data: { count } }
      return { outcome: 'accepted', authenticatorId: id, change: { update } }
    },
  }
  const proof = { kinds: ['possession', 'inherence'], traits: ['phishing-resistant'], amr: ['hwk'] } as const
  return { ...codeFactor().factor, ...proof, identify: { ...identify, ...more } }
}

interface DoorOptions {
  readonly factor?: AnyFactor
  readonly store?: Store & Accounts
}

/** A login page, with alice who has a key, and bob who has none. */
const door = async ({ factor = identifying(), store = hoardingStore() }: DoorOptions = {}) => {
  const bench = createBench({ store, factors: [factor] })
  const accounts = new Map<string, Account>(['alice', 'bob'].map((id) => [id, { id, label: id, securityStamp: 's1' }]))
  const identifications = createIdentifications({
    ...bench,
    factors: [codeFactor({ id: 'other' }).factor, factor],
    account: async (id) => accounts.get(id),
  })
  const told: string[] = []
  for (const name of ['challenge.accepted', 'challenge.refused', 'authenticator.suspected', 'factor.disabled'] as const)
    bench.events.on(name, ({ accountId }) => void told.push(`${name} ${accountId}`))
  await give(bench, 'alice', KEY)
  await bench.records.claim('claim-1', 'alice')
  const begin = (at = AT) => identifications.begin(at)
  const answerOf = (view: unknown, more: Partial<Answer> = {}) =>
    JSON.stringify({ claim: 'claim-1', count: 2, ...(view as { challenge: string }), ...more })
  const finish = (answer: string, at = AT) => identifications.finish(at, answer)
  /** Opens the page and answers it. */
  const knock = async (more: Partial<Answer> = {}, at = AT) => finish(answerOf((await begin(at))?.view, more), at)
  const left = async (accountId = 'alice', id = AT.id) =>
    (await bench.vault.read<readonly Evidence[]>(verifiedKey(accountId, id))).value ?? []
  const record = async () => (await bench.records.load('alice')).record
  return { ...bench, accounts, told, begin, finish, knock, answerOf, left, record }
}

type Door = Awaited<ReturnType<typeof door>>

const change = ({ records }: Door, more: Partial<Authenticator>) =>
  records.update('alice', (record) => ({
    ...record,
    authenticators: record.authenticators.map((one) => ({ ...one, ...more })),
  }))

describe('flow/identification', () => {
  it('says whose key it is, once, and leaves what was proved for that account at that page', async () => {
    const at = await door()
    const begun = await at.begin()
    assert.deepEqual(begun, { factor: 'code', view: { challenge: 'challenge-1' } })
    const answer = at.answerOf(begun?.view)
    assert.equal(await at.finish(answer), 'alice')
    assert.deepEqual(await at.left(), [
      {
        ...{ factor: 'code', kinds: ['possession', 'inherence'], traits: ['phishing-resistant'], amr: ['hwk'] },
        ...{ at: at.clock(), cid: 'cid', authenticatorId: 'key-1', securityStamp: 's1' },
      },
    ])
    assert.equal(await at.finish(answer), undefined, 'AC-61: a replay')
    assert.deepEqual([(await at.left()).length, at.told], [1, ['challenge.accepted alice']])
    const { authenticators, lastFactor } = await at.record()
    assert.deepEqual(
      [authenticators[0]?.data, authenticators[0]?.lastUsedAt, lastFactor],
      [{ count: 2 }, at.clock(), 'code'],
    )
  })

  it('shows the same at every reload, until it was answered or is too old', async () => {
    const at = await door()
    const first = await at.begin()
    assert.deepEqual(await at.begin(), first)
    await at.finish('garbage')
    assert.notDeepEqual(await at.begin(), first)
    const second = await at.begin()
    at.advance(299)
    assert.deepEqual(await at.begin(), second)
    at.advance(1)
    assert.equal(await at.finish(at.answerOf(second?.view)), undefined)
    assert.notDeepEqual(await at.begin(), second)
  })

  it('is one challenge for two tabs that open it at once', async () => {
    const at = await door()
    const all = await race(10, () => at.begin())
    assert.equal(new Set(all.map((one) => JSON.stringify(one))).size, 1)
  })

  it('AC-61: of twenty right answers at once one is taken', async () => {
    const at = await door()
    const answer = at.answerOf((await at.begin())?.view)
    const words = await race(20, () => at.finish(answer))
    assert.deepEqual(
      words.filter((word) => word !== undefined),
      ['alice'],
    )
    assert.equal((await at.left()).length, 1)
  })

  it('AC-61: a wrong answer ends the challenge, so that a right one after it is none', async () => {
    const at = await door()
    const begun = await at.begin()
    assert.equal(await at.finish(at.answerOf(begun?.view, { challenge: 'guessed' })), undefined)
    assert.equal(await at.finish(at.answerOf(begun?.view)), undefined)
    assert.deepEqual(at.told, ['challenge.refused alice'])
  })

  it('AC-61: the challenge of another page is none of this', async () => {
    const at = await door()
    const other = await at.begin({ ...AT, id: 'another' })
    await at.begin()
    assert.equal(await at.finish(at.answerOf(other?.view)), undefined)
    assert.deepEqual(await at.left(), [])
    assert.equal(await at.finish(at.answerOf(other?.view), { ...AT, id: 'another' }), 'alice')
    assert.deepEqual([(await at.left()).length, (await at.left('alice', 'another')).length], [0, 1])
  })

  const nobody: readonly (readonly [what: string, make: (at: Door) => Promise<unknown>])[] = [
    ['a key that nobody has', (at) => at.records.release('claim-1')],
    ['a key that was removed', (at) => give(at, 'alice')],
    ['a key that is suspect', (at) => change(at, { status: 'suspect' })],
    ['a key that is disabled', (at) => change(at, { status: 'disabled' })],
    ['a key of another factor', (at) => change(at, { factor: 'other' })],
    ['a key by another claim', (at) => change(at, { claim: 'claim-2' })],
    [
      'a claim that another account holds',
      async (at) => {
        await at.records.release('claim-1')
        await at.records.claim('claim-1', 'bob')
      },
    ],
    [
      'a factor that is switched off',
      (at) => at.records.update('alice', (record) => ({ ...record, disabledFactors: { code: 1 } })),
    ],
    [
      'an account that an operator disabled',
      (at) => at.records.update('alice', (record) => ({ ...record, disabledAt: 1 })),
    ],
    [
      'an account that the host disabled',
      async ({ accounts }) => accounts.set('alice', { id: 'alice', label: '', disabled: true }),
    ],
    ['an account that is gone', async ({ accounts }) => accounts.delete('alice')],
  ]
  for (const [what, make] of nobody)
    it(`AC-63: ${what} signs nobody in, and is told like all else`, async () => {
      const at = await door()
      const begun = await at.begin()
      await make(at)
      assert.equal(await at.finish(at.answerOf(begun?.view)), undefined)
      assert.deepEqual([await at.left(), await at.left('bob'), at.told], [[], [], []])
    })

  for (const [what, answer] of [
    ['nothing', ''],
    ['garbage', 'garbage'],
    ['far too much', `{"claim":"claim-1"${' '.repeat(9000)}}`],
  ] as const)
    it(`AC-94: ${what} is no answer, and ends the challenge or is not looked at`, async () => {
      const at = await door()
      await at.begin()
      assert.equal(await at.finish(answer), undefined)
      assert.deepEqual(at.told, [])
    })

  it('AC-65: a count that went back makes the key suspect, and it signs nobody in from then on', async () => {
    const at = await door()
    const { factorsVersion } = await at.record()
    assert.equal(await at.knock({ count: 1 }), undefined)
    const { authenticators, ...record } = await at.record()
    assert.equal(authenticators[0]?.status, 'suspect')
    assert.notEqual(record.factorsVersion, factorsVersion)
    assert.deepEqual(at.told, ['authenticator.suspected alice', 'challenge.refused alice'])
    assert.equal(await at.knock({ count: 9 }), undefined)
    assert.deepEqual(await at.left(), [])
  })

  it('AC-08: refusals are told and not counted: nobody is locked out by who knows the id of a key', async () => {
    const at = await door()
    for (let wrong = 0; wrong < 101; wrong += 1) await at.knock({ challenge: 'guessed' })
    assert.equal(at.told.filter((one) => one === 'challenge.refused alice').length, 101)
    assert.deepEqual((await at.record()).failures, {})
    assert.equal(await at.knock(), 'alice')
  })

  it('a judge that is out of reach has refused nobody', async () => {
    const at = await door()
    assert.equal(await at.knock({ challenge: 'down' }), undefined)
    assert.deepEqual([at.told, (await at.record()).failures], [[], {}])
    assert.equal(await at.knock(), 'alice')
  })

  it('AC-11: is judged again on what another writer left, so that one count never passes twice', async () => {
    let meanwhile: (() => Promise<unknown>) | undefined
    const inner = hoardingStore()
    const save: Accounts['save'] = async (...given) => {
      const now = meanwhile
      meanwhile = undefined
      await now?.()
      return inner.save(...given)
    }
    const at = await door({ store: { ...inner, save } })
    meanwhile = () => change(at, { nickname: 'renamed' })
    assert.equal(await at.knock({ count: 2 }), 'alice')
    assert.equal((await at.record()).authenticators[0]?.nickname, 'renamed')
    meanwhile = () => change(at, { data: { count: 3 } })
    assert.equal(await at.knock({ count: 3 }, { ...AT, id: 'second' }), undefined)
    assert.deepEqual(await at.left('alice', 'second'), [])
    meanwhile = () => give(at, 'alice')
    assert.equal(await at.knock({ count: 4 }, { ...AT, id: 'third' }), undefined)
  })

  it('AC-60: nothing but an acceptance is one', async () => {
    const others: readonly Step[] = [
      { outcome: 'continue', state: {} },
      { outcome: 'refused', reason: 'expired' },
    ]
    for (const step of others) {
      const at = await door({ factor: identifying({ submit: () => step }) })
      assert.equal(await at.knock(), undefined)
      assert.deepEqual(await at.left(), [])
    }
  })

  it('stores what it asks sealed, and says nothing where no factor signs people in alone', async () => {
    const inner = hoardingStore()
    const texts: string[] = []
    const put: Store['put'] = (key, value, options) => {
      texts.push(value)
      return inner.put(key, value, options)
    }
    const at = await door({ store: { ...inner, put } })
    await at.begin()
    assert.ok(texts.length > 0 && texts.every((text) => !text.includes('challenge-')))
    const none = createIdentifications({ ...at, factors: [codeFactor().factor], account: async () => undefined })
    assert.deepEqual([await none.begin(AT), await none.finish(AT, 'x')], [undefined, undefined])
  })
})
