import assert from 'node:assert/strict'
import type { AnyFactor, Ceremony, Change } from '../../src/factors/factor.ts'
import { recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { createAdministration } from '../../src/flow/administration.ts'
import { type Permit, signInPermitKey } from '../../src/flow/permit.ts'
import type { Accounts } from '../../src/store/accounts.ts'
import { codeFactor } from './scene.ts'
import { type Bench, createBench, enrolled, give, hoardingStore, openThrottle, placeOf, race, wordOf } from './tools.ts'

const CLAIM = 'key:1'

/** A factor whose enrolment asks for nothing, and adds what it is told to. */
const keys = (change: Change<unknown> = { add: {}, claim: CLAIM }, more: Partial<AnyFactor> = {}): AnyFactor => {
  const enroll: Ceremony = {
    ttlSeconds: 600,
    fields: [],
    begin: () => ({ outcome: 'continue', state: {} }),
    submit: () => ({ outcome: 'accepted', change }),
    view: () => ({}),
  }
  return { ...codeFactor().factor, enroll, ...more }
}

/** An enrolment at one page of an account, allowed whatever the account has. */
const enroller = (bench: Bench, accountId = 'alice', factor = keys(), id = 'interaction') => {
  const permitKey = signInPermitKey(accountId, 'session', `${id} of ${accountId}`)
  const place = placeOf(factor, 'enroll', { id, account: { id: accountId, label: accountId }, permitKey })
  const permit: Permit = { by: 'ticket', factors: [factor.id] }
  return {
    open: async () => {
      await bench.vault.update<Permit>(permitKey, () => ({ value: permit, expiresAt: bench.clock() + 600 }))
      await bench.ceremonies.show(place)
    },
    answer: async () => wordOf(await bench.ceremonies.answer(place, {})),
  }
}

const enrollNow = async (...given: Parameters<typeof enroller>) => {
  const { open, answer } = enroller(...given)
  await open()
  return answer()
}

const count = (words: readonly string[], word: string) => words.filter((one) => one === word).length

const has = async ({ records }: Bench, accountId = 'alice') => (await records.load(accountId)).record.authenticators

const administration = (bench: Bench, factors: readonly AnyFactor[]) =>
  createAdministration({
    ...bench,
    account: async (id) => ({ id, label: id }),
    factors,
    throttle: openThrottle,
    browsers: { forgetAll: async () => undefined, list: async () => [] },
    tickets: { issue: () => assert.fail(), revokeAll: async () => undefined },
    revokeGrants: async () => [],
    ticketUrl: String,
  })

/** The durable half of a store, with something between a caller and it. */
const between = (change: (inner: Accounts) => Partial<Accounts>) => {
  const inner = hoardingStore()
  return { ...inner, ...change(inner) }
}

describe('flow/claims', () => {
  it('AC-67: a key is enrolled once by one account, and refused as used the second time', async () => {
    const bench = createBench()
    assert.equal(await enrollNow(bench), 'accepted')
    assert.equal(await enrollNow(bench, 'alice', keys(), 'again'), 'used')
    assert.equal((await has(bench)).length, 1)
    assert.equal(await bench.records.owner(CLAIM), 'alice')
  })

  it('AC-67: a key of one account is refused to another, which has nothing of it', async () => {
    const bench = createBench()
    assert.equal(await enrollNow(bench), 'accepted')
    assert.equal(await enrollNow(bench, 'bob'), 'used')
    assert.deepEqual(await has(bench, 'bob'), [])
    assert.equal(await bench.records.owner(CLAIM), 'alice')
  })

  it('AC-67: of twenty accounts that enroll one key at once, one has it', async () => {
    const bench = createBench()
    const all = Array.from({ length: 20 }, (_none, index) => enroller(bench, `account-${index}`))
    await Promise.all(all.map(({ open }) => open()))
    const words = await Promise.all(all.map(({ answer }) => answer()))
    assert.deepEqual([count(words, 'accepted'), count(words, 'used')], [1, 19])
    const owner = (await bench.records.owner(CLAIM)) ?? ''
    assert.equal(owner, `account-${words.indexOf('accepted')}`)
    assert.equal((await has(bench, owner)).length, 1)
  })

  it('AC-67: of twenty pages of one account that enroll one key at once, one does, and the account keeps it', async () => {
    const bench = createBench({ throttle: openThrottle })
    const all = Array.from({ length: 20 }, (_none, index) => enroller(bench, 'alice', keys(), `page-${index}`))
    await Promise.all(all.map(({ open }) => open()))
    const words = await Promise.all(all.map(({ answer }) => answer()))
    assert.equal(count(words, 'accepted'), 1)
    assert.equal((await has(bench)).length, 1)
    assert.equal(await bench.records.owner(CLAIM), 'alice')
  })

  it('AC-67: what stands in the record counts, also where nobody has claimed it', async () => {
    const bench = createBench()
    await give(bench, 'alice', enrolled('code', { claim: CLAIM }))
    assert.equal(await enrollNow(bench), 'used')
  })

  it('AC-93: of five pages that each may enroll, no more do than there is room for', async () => {
    const bench = createBench({ throttle: openThrottle })
    await give(bench, 'alice', enrolled('code'))
    const all = Array.from({ length: 5 }, (_none, index) => {
      const factor = keys({ add: {}, claim: `key:${index}` }, { perAccount: 3 })
      return enroller(bench, 'alice', factor, `page-${index}`)
    })
    await Promise.all(all.map(({ open }) => open()))
    const words = await Promise.all(all.map(({ answer }) => answer()))
    assert.equal(count(words, 'accepted'), 2)
    assert.equal((await has(bench)).length, 3)
    const owners = await Promise.all(words.map((_word, index) => bench.records.owner(`key:${index}`)))
    assert.deepEqual(
      owners.map((owner) => owner === 'alice'),
      words.map((word) => word === 'accepted'),
      'and who did not enroll holds no key',
    )
  })

  it('AC-93: an account that is full cannot begin another, by whatever permit', async () => {
    const bench = createBench()
    await give(bench, 'alice', ...['1', '2'].map((id) => enrolled('code', { id, status: 'suspect' })))
    assert.equal(await enrollNow(bench, 'alice', keys({ add: {} }, { perAccount: 2 })), 'gone')
    assert.equal(await enrollNow(bench, 'alice', keys({ add: {} }, { perAccount: 3 })), 'accepted')
  })

  for (const [what, take] of [
    ['removed', async (mfa, id) => mfa.remove('alice', id)],
    ['reset', async (mfa) => mfa.reset('alice')],
  ] as readonly (readonly [string, (mfa: ReturnType<typeof administration>, id: string) => Promise<void>])[])
    it(`is anybody's again once it is ${what}`, async () => {
      const bench = createBench()
      assert.equal(await enrollNow(bench), 'accepted')
      const [own] = await has(bench)
      await take(administration(bench, [keys(), recoveryCodes()]), own?.id ?? '')
      assert.equal(await bench.records.owner(CLAIM), undefined)
      assert.equal(await enrollNow(bench, 'bob'), 'accepted')
      assert.equal(await enrollNow(bench, 'alice', keys(), 'again'), 'used')
    })

  it('is anybody’s again once it is replaced, and those of other factors are not', async () => {
    const bench = createBench()
    const other = enrolled('other', { claim: 'key:other' })
    await give(bench, 'alice', enrolled('code', { claim: CLAIM }), other)
    for (const key of [CLAIM, 'key:other']) await bench.records.claim(key, 'alice')
    assert.equal(await enrollNow(bench, 'alice', keys({ replace: {} })), 'accepted')
    assert.equal(await bench.records.owner(CLAIM), undefined)
    assert.equal(await bench.records.owner('key:other'), 'alice')
  })

  describe('where a write races', () => {
    it('stays claimed when another writer came first and the answer was judged again', async () => {
      let lost = 2
      const bench = createBench({
        store: between(({ save }) => ({
          save: async (...given) => {
            lost -= 1
            return lost < 0 && save(...given)
          },
        })),
      })
      assert.equal(await enrollNow(bench), 'accepted')
      assert.equal(await bench.records.owner(CLAIM), 'alice')
    })

    it('is given up where every race is lost, and where the account was disabled meanwhile', async () => {
      const never = createBench({ store: between(() => ({ save: async () => false })) })
      await assert.rejects(enrollNow(never), { code: 'ERR_CONTENTION' })
      assert.equal(await never.records.owner(CLAIM), undefined)

      let disable: (() => Promise<unknown>) | undefined
      const bench: Bench = createBench({
        store: between(({ save }) => ({
          save: async (...given) => {
            const now = disable
            disable = undefined
            await now?.()
            return save(...given)
          },
        })),
      })
      const page = enroller(bench)
      await page.open()
      disable = () => bench.records.update('alice', (record) => ({ ...record, disabledAt: bench.clock() }))
      assert.equal(await page.answer(), 'gone')
      assert.equal(await bench.records.owner(CLAIM), undefined)
      assert.deepEqual(await has(bench), [])
    })

    it('stays the account’s where the key is enrolled anew while its removal is still tidying up', async () => {
      let between1: (() => Promise<unknown>) | undefined
      const bench: Bench = createBench({
        store: between(({ release }) => ({
          release: async (key) => {
            const now = between1
            between1 = undefined
            await now?.()
            return release(key)
          },
        })),
      })
      assert.equal(await enrollNow(bench), 'accepted')
      const [own] = await has(bench)
      between1 = async () => assert.equal(await enrollNow(bench, 'alice', keys(), 'again'), 'accepted')
      await administration(bench, [keys()]).remove('alice', own?.id ?? '')
      assert.equal((await has(bench)).length, 1)
      assert.equal(await bench.records.owner(CLAIM), 'alice')
      assert.equal(await enrollNow(bench, 'bob'), 'used')
    })

    it('stays the account’s where its removal tidies up while the key is being enrolled anew', async () => {
      let first = true
      const bench: Bench = createBench({
        store: between(({ save, release }) => ({
          save: async (...given) => {
            const isNew = first
            first = false
            // What a removal a moment ago does last.
            if (isNew) await release(CLAIM)
            return save(...given)
          },
        })),
      })
      assert.equal(await enrollNow(bench), 'accepted')
      assert.equal(await bench.records.owner(CLAIM), 'alice')
    })
  })

  it('is kept with its account where a store fails, so that the same enrolment can be tried again', async () => {
    let down = true
    const bench = createBench({
      store: between(({ save }) => ({
        save: (...given) => (down ? Promise.reject(new Error('connection lost')) : save(...given)),
      })),
    })
    await assert.rejects(enrollNow(bench), { code: 'ERR_STORE' })
    down = false
    assert.equal(await enrollNow(bench, 'alice', keys(), 'again'), 'accepted')
    assert.equal(await enrollNow(bench, 'bob'), 'used')
  })

  it('of twenty different keys at once, all that are accepted are written and claimed', async () => {
    const bench = createBench({ throttle: openThrottle })
    const words = await race(20, (index) =>
      enrollNow(bench, `account-${index % 4}`, keys({ add: {}, claim: `key:${index}` }), `page-${index}`),
    )
    for (const [index, word] of words.entries()) {
      const accountId = `account-${index % 4}`
      const isThere = (await has(bench, accountId)).some(({ claim }) => claim === `key:${index}`)
      assert.equal(isThere, word === 'accepted')
      assert.equal((await bench.records.owner(`key:${index}`)) === accountId, isThere)
    }
  })
})
