import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { randomToken } from '../../src/crypto/random.ts'
import { type BrowserNote, noteHolds } from '../../src/flow/browser-record.ts'
import { createBrowsers } from '../../src/flow/browsers.ts'
import { familyOf, GIVEN, guessesAt, idOf, LIMITS, names, PROOF, remembering, STANDING } from './remembering.ts'
import { createBench, hoardingStore, race, START, textAt } from './tools.ts'

describe('flow/browsers', () => {
  describe('a cookie', () => {
    it('AC-70a: is an id and a family of 16 and a secret of 32 random bytes, and ends with the fixed life', async () => {
      const { browsers } = remembering()
      const cookies = await race(3, () => browsers.remember('alice', GIVEN))
      for (const { value, until } of cookies) {
        assert.match(value, /^[\w-]{22}\.[\w-]{22}\.[\w-]{43}$/)
        assert.equal(until, START + LIMITS.lifeSeconds)
      }
      assert.equal(new Set(cookies.flatMap(({ value }) => value.split('.'))).size, 9)
    })

    it('AC-70d: is new at every use, with the same end; the note tells what was verified', async () => {
      const { browsers, remember, recognize, advance, stored, events } = remembering()
      const value = await remember()
      advance(1000)
      const recognized = await recognize(value)
      assert.ok(recognized)
      const used = await browsers.use(recognized, 'other')
      const until = START + LIMITS.lifeSeconds
      assert.deepEqual(used?.note, { id: idOf(value), proof: PROOF, ...STANDING, until })
      assert.equal(used?.cookie?.until, until)
      assert.equal(familyOf(used?.cookie?.value ?? ''), familyOf(value))
      assert.notEqual(used?.cookie?.value, value)
      assert.equal((await stored(value))?.usedAt, START + 1000)
      const about = { accountId: 'alice', browserId: idOf(value) }
      assert.deepEqual(events, [
        { name: 'browser.remembered', ...about, clientId: 'app', expiresAt: until },
        { name: 'browser.recognized', ...about, clientId: 'other' },
      ])
    })

    it('is read in one operation and recognized in none, whatever comes of it', async () => {
      const { browsers, remember, rotate, operations } = remembering()
      const first = await remember()
      const second = await rotate(first)
      const unknown = `${randomToken(16)}.${randomToken(16)}.${randomToken()}`
      for (const value of [second, first, ...guessesAt(second), unknown]) {
        operations.length = 0
        const presented = await browsers.read('alice', value)
        await browsers.recognize(presented, STANDING)
        assert.deepEqual(operations, ['get'])
      }
    })
  })

  describe('verdicts', () => {
    type Word = 'renewed' | 'once more' | 'no' | 'revoked'
    const EVENTS = {
      renewed: ['browser.recognized'],
      'once more': ['browser.recognized'],
      no: [],
      revoked: ['browser.reused'],
    }
    const RENEWED: readonly Word[] = ['renewed', 'renewed', 'renewed', 'renewed']
    const NO: readonly Word[] = ['no', 'no', 'no', 'no']
    const REVOKED: readonly Word[] = ['revoked', 'revoked', 'revoked', 'revoked']
    const verdicts: readonly {
      given: 'current' | 'previous' | 'older' | 'made up' | 'guessed'
      spent: boolean
      expected: readonly Word[]
    }[] = [
      { given: 'current', spent: false, expected: RENEWED },
      { given: 'current', spent: true, expected: RENEWED },
      { given: 'previous', spent: false, expected: ['once more', 'once more', 'once more', 'revoked'] },
      { given: 'previous', spent: true, expected: ['no', 'no', 'no', 'revoked'] },
      { given: 'older', spent: false, expected: REVOKED },
      { given: 'older', spent: true, expected: REVOKED },
      { given: 'made up', spent: false, expected: REVOKED },
      { given: 'made up', spent: true, expected: REVOKED },
      { given: 'guessed', spent: false, expected: NO },
      { given: 'guessed', spent: true, expected: NO },
    ]

    const wordOf = async ({ use, stored }: ReturnType<typeof remembering>, value: string): Promise<Word> => {
      const before = await stored(value)
      const used = await use(value)
      if (used) return used.cookie ? 'renewed' : 'once more'
      const after = await stored(value)
      if (after === undefined) return 'revoked'
      assert.deepEqual(after, before)
      return 'no'
    }

    for (const { given, spent, expected } of verdicts)
      it(`AC-70d: the ${given} value, ${spent ? 'the grace spent' : 'the grace open'}: ${expected.join(', ')}`, async () => {
        for (const [index, seconds] of [0, 59, 60, 61].entries()) {
          const here = remembering()
          const older = await here.remember()
          const previous = await here.rotate(older)
          const current = await here.rotate(previous)
          if (spent) assert.ok(await here.use(previous))
          here.advance(seconds)
          here.events.length = 0
          const madeUp = [`${familyOf(older)}.${randomToken()}`]
          const guessed = [older, previous, current].flatMap(guessesAt)
          const values = { older: [older], previous: [previous], current: [current], 'made up': madeUp, guessed }
          for (const value of values[given]) {
            const word = await wordOf(here, value)
            assert.equal(word, expected[index], `after ${seconds} s`)
            assert.deepEqual(names(here.events), EVENTS[word], `after ${seconds} s`)
          }
        }
      })

    it('does not extend by the grace what only a renewal extends', async () => {
      const { remember, rotate, use, advance, stored } = remembering()
      const first = await remember()
      await rotate(first)
      advance(60)
      assert.ok(await use(first))
      assert.equal((await stored(first))?.usedAt, START)
    })

    it('judges a value by when it came, not by when its request was done', async () => {
      const { browsers, remember, rotate, recognize, advance } = remembering()
      const first = await remember()
      const late = await recognize(first)
      assert.ok(late)
      await rotate(first)
      advance(61)
      const used = await browsers.use(late, 'app')
      assert.ok(used)
      assert.equal(used.cookie, undefined)
    })

    it('AC-70a: takes no other shape for a value, reads nothing for it and never throws', async () => {
      const { browsers, remember, operations } = remembering()
      const value = await remember()
      operations.length = 0
      const [id = '', family = '', secret = ''] = value.split('.')
      const others = [
        '',
        '.',
        '..',
        id,
        `${id}.${family}`,
        `${id}.${family}.`,
        `${id}.${secret}`,
        `.${family}.${secret}`,
      ]
      const turned = [`${secret}.${family}.${id}`, ` ${value}`, `${value}\n`, `${value}=`]
      const cut = [
        value.slice(1),
        value.slice(0, -1),
        `${value}.${secret}`,
        `${id}.${family}.${secret.slice(1)}é`,
        `${id}.${family.slice(1)}.${secret}`,
        `${id}:${family}:${secret}`,
      ]
      for (const one of [
        undefined,
        ...others,
        ...turned,
        ...cut,
        '__proto__',
        'x'.repeat(1_000_000),
        `${value}${'\0'.repeat(9)}`,
      ]) {
        const presented = await browsers.read('alice', one)
        assert.equal(presented, undefined)
        assert.equal(await browsers.recognize(presented, STANDING), undefined)
      }
      assert.deepEqual(operations, [])
    })

    it('AC-70b: AC-75: recognizes no value of another account, nor a record moved to one', async () => {
      const { browsers, remember, store, keyOf } = remembering()
      const value = await remember()
      const asBob = async () => browsers.recognize(await browsers.read('bob', value), STANDING)
      assert.equal(await asBob(), undefined)
      const text = await textAt(store, keyOf(value))
      await store.put({ ...keyOf(value), accountId: 'bob' }, text, { expectedVersion: null, ttlSeconds: 600 })
      assert.equal(await asBob(), undefined)
    })

    const others = [
      { factorsVersion: 'f2', securityStamp: 's1' },
      { factorsVersion: 'f1', securityStamp: 's2' },
      { factorsVersion: 'f1', securityStamp: undefined },
    ]
    for (const standing of others)
      it(`AC-70c: is nothing where the account stands on ${JSON.stringify(standing)}`, async () => {
        const { browsers, remember, rotate, recognize, advance, events, stored } = remembering()
        const first = await remember()
        const second = await rotate(first)
        advance(61)
        for (const value of [first, second]) assert.equal(await recognize(value, standing), undefined)
        assert.ok(await stored(first))
        assert.deepEqual(names(events), ['browser.remembered', 'browser.recognized'])
        const note: BrowserNote = { id: 'one', proof: PROOF, ...STANDING, until: START + 10 }
        assert.equal(noteHolds(note, standing, START), false)
        const unstamped = await browsers.remember('alice', { proof: PROOF, factorsVersion: 'f1', clientId: 'app' })
        const bare = await recognize(unstamped.value, { factorsVersion: 'f1', securityStamp: undefined })
        assert.deepEqual(bare?.note, { id: bare?.key.id, proof: PROOF, factorsVersion: 'f1', until: unstamped.until })
      })
  })

  describe('ends', () => {
    it('AC-70d: with its life, however often it is used, and its note with it', async () => {
      const { remember, use, rotate, recognize, advance } = remembering()
      let value = await remember()
      const note = (await recognize(value))?.note
      assert.ok(note)
      for (let day = 0; day < 29; day += 1) {
        advance(86_400)
        value = await rotate(value)
      }
      advance(86_399)
      assert.equal(noteHolds(note, STANDING, START + LIMITS.lifeSeconds - 1), true)
      assert.ok(await recognize(value))
      advance(1)
      assert.equal(noteHolds(note, STANDING, START + LIMITS.lifeSeconds), false)
      assert.equal(await use(value), undefined)
    })

    it('after being idle, counted from the last use', async () => {
      const { remember, rotate, recognize, advance } = remembering()
      const first = await remember()
      advance(LIMITS.idleSeconds - 1)
      const second = await rotate(first)
      advance(LIMITS.idleSeconds - 1)
      assert.ok(await recognize(second))
      advance(1)
      assert.equal(await recognize(second), undefined)
    })
  })

  it('AC-70a: AC-85: shows a secret in no record, event, answer or error', async () => {
    const { browsers, store, vault, remember, rotate, recognize, keyOf, stored, events, clock } = remembering()
    const first = await remember()
    const second = await rotate(first)
    const recognized = await recognize(second)
    assert.ok(recognized)
    const down = async () => Promise.reject(new Error('down'))
    const broken = { ...vault, write: down }
    const failing = createBrowsers({ vault: broken, clock, announce: () => {}, limits: LIMITS })
    const error = await failing.use(recognized, 'app').catch((thrown: unknown) => thrown)
    assert.ok(error instanceof Error)
    const inFull = (...all: readonly unknown[]) => inspect(all, { depth: null, showHidden: true })
    const shown = inFull(await stored(first), await textAt(store, keyOf(first)), events, error, recognized.note)
    const family = first.slice(23, 45)
    assert.equal(second.slice(23, 45), family)
    assert.ok(!shown.includes(family), 'the family shows')
    for (const value of [first, second])
      assert.ok(!`${shown}${inFull(recognized)}`.includes(value.slice(46)), 'a secret shows')
    assert.ok(Object.isFrozen(browsers))
  })

  it('AC-74: recognizes nobody while the store is down', async () => {
    const real = hoardingStore()
    let isDown = false
    const guarded =
      <Args extends unknown[], Answer>(operation: (...args: Args) => Promise<Answer>) =>
      async (...args: Args) =>
        isDown ? Promise.reject(new Error('down')) : operation(...args)
    const { vault, clock } = createBench({ store: { ...real, get: guarded(real.get), put: guarded(real.put) } })
    const browsers = createBrowsers({ vault, clock, announce: () => {}, limits: LIMITS })
    const { value } = await browsers.remember('alice', GIVEN)
    const recognized = await browsers.recognize(await browsers.read('alice', value), STANDING)
    assert.ok(recognized)
    isDown = true
    for (const attempt of [() => browsers.read('alice', value), () => browsers.use(recognized, 'app')])
      await assert.rejects(attempt, { code: 'ERR_STORE', message: 'the store did not answer' })
    isDown = false
    assert.ok((await browsers.use(recognized, 'app'))?.cookie)
  })
})
