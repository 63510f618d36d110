import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import fc from 'fast-check'
import type { Authenticator, CeremonyContext, Step } from '../../src/factors/factor.ts'
import { type RecoveryCodesData, type RecoveryCodesState, recoveryCodes } from '../../src/factors/recovery-codes.ts'

type Set10 = { readonly codes: readonly string[]; readonly data: RecoveryCodesData }

const NOW = 1_700_000_000
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const factor = recoveryCodes()
const { enroll, challenge, issue, usesLeft } = factor
assert.ok(enroll && issue && usesLeft)

const at = (...authenticators: readonly Authenticator<RecoveryCodesData>[]): CeremonyContext<RecoveryCodesData> => ({
  account: { id: 'bob', label: 'bob@example.com' },
  authenticators,
  client: { id: 'app', name: 'App' },
  origin: 'https://login.example.com',
  issuer: 'https://login.example.com',
  url: 'https://login.example.com/mfa/1/recovery-codes',
  locale: 'en',
  now: NOW,
})

const kept = (data: RecoveryCodesData, id = 'set'): Authenticator<RecoveryCodesData> => ({
  id,
  factor: 'recovery-codes',
  status: 'active',
  createdAt: 0,
  data,
})

const answer = (code: string, data: RecoveryCodesData) => challenge.submit({}, { code }, at(kept(data)))

const begun = async (): Promise<RecoveryCodesState> => {
  const step = await enroll.begin(at())
  assert.ok(step.outcome === 'continue')
  return step.state
}

const updated = (step: Step<RecoveryCodesState, RecoveryCodesData>): RecoveryCodesData => {
  assert.ok(step.outcome === 'accepted' && step.change !== undefined && 'update' in step.change)
  return step.change.update.data
}

/** The set with counters of what is read: the salt once for every hash, a slot's hash once for every comparison. */
const watched = ({ salt, slots }: RecoveryCodesData) => {
  const read = { salts: 0, slots: slots.map(() => 0) }
  const data: RecoveryCodesData = {
    get salt() {
      read.salts += 1
      return salt
    },
    slots: slots.map(({ hash, ...rest }, index) => ({
      ...rest,
      get hash() {
        read.slots[index] = (read.slots[index] ?? 0) + 1
        return hash
      },
    })),
  }
  return { read, data }
}

const refused = (reason: string) => ({ outcome: 'refused', reason })
const INVALID = refused('invalid')
const USED = refused('used')

describe('factors/recovery-codes', () => {
  let mine: Set10
  let other: Set10
  before(async () => {
    ;[mine, other] = await Promise.all([issue(), issue()])
  })
  const code = (index: number) => mine.codes[index] ?? assert.fail('ten codes')

  describe('codes', () => {
    let drawn: readonly string[]
    before(async () => {
      const states = await Promise.all(Array.from({ length: 1000 }, begun))
      drawn = states.flatMap(({ codes = [] }) => codes)
    })

    it('AC-16: are ten of 80 bits each: sixteen of 32 characters in groups of four, never twice the same', () => {
      assert.equal(drawn.length, 10_000)
      assert.equal(new Set(drawn).size, drawn.length)
      for (const one of drawn) assert.match(one, /^(?:[0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/)
    })

    it('AC-16: draw every character evenly, at every position', () => {
      const chiSquare = (characters: readonly string[]) => {
        const expected = characters.length / ALPHABET.length
        return [...ALPHABET]
          .map((letter) => characters.filter((one) => one === letter).length - expected)
          .reduce((sum, distance) => sum + distance ** 2 / expected, 0)
      }
      // 31 degrees of freedom: exceeded by chance once in about 10^12 runs.
      for (let position = 0; position < 16; position += 1)
        assert.ok(chiSquare(drawn.map((one) => one.replaceAll('-', '').charAt(position))) < 130, `${position}`)
    })

    it('are kept as hashes with a salt of 16 bytes that no other set has, never as they are', () => {
      const text = JSON.stringify(mine.data)
      for (const one of mine.codes)
        for (const form of [one, one.replaceAll('-', ''), Buffer.from(one.replaceAll('-', '')).toString('base64url')])
          assert.ok(!text.includes(form))
      assert.equal(Buffer.from(mine.data.salt, 'base64url').length, 16)
      assert.notEqual(mine.data.salt, other.data.salt)
      assert.equal(new Set(mine.data.slots.map(({ hash }) => hash)).size, 10)
      for (const slot of mine.data.slots) assert.equal(Buffer.from(slot.hash, 'base64url').length, 32)
    })
  })

  describe('challenge', () => {
    it('AC-12: accepts a code once and marks its slot, and no other, as used', async () => {
      const step = await answer(code(3), mine.data)
      const slots = mine.data.slots.map((slot, index) => (index === 3 ? { ...slot, usedAt: NOW } : slot))
      assert.deepEqual(step, {
        outcome: 'accepted',
        authenticatorId: 'set',
        change: { update: { authenticatorId: 'set', data: { ...mine.data, slots } } },
      })
      const after = updated(step)
      assert.deepEqual(await answer(code(3), after), USED)
      assert.equal((await answer(code(4), after)).outcome, 'accepted')
    })

    it('counts down what is left until each code was used', async () => {
      const slots = mine.data.slots.map((slot, index) => (index < 8 ? { ...slot, usedAt: NOW } : slot))
      let data: RecoveryCodesData = { ...mine.data, slots }
      for (const [index, left] of [2, 1].entries()) {
        assert.equal(usesLeft(kept(data)), left)
        data = updated(await answer(code(8 + index), data))
      }
      assert.equal(usesLeft(kept(data)), 0)
      assert.deepEqual(await answer(code(0), data), USED)
    })

    it("AC-13: refuses a code of another account's set", async () => {
      assert.deepEqual(await answer(code(0), other.data), INVALID)
    })

    it('refuses a code of the set that was replaced, and any where there is no set', async () => {
      const step = await challenge.submit({}, { code: code(0) }, at(kept(mine.data, 'old'), kept(other.data, 'new')))
      assert.deepEqual(step, INVALID)
      assert.deepEqual(await challenge.submit({}, { code: code(0) }, at()), refused('not-enrolled'))
    })

    it('takes a code however it was typed', async () => {
      const spellings: Readonly<Record<string, readonly string[]>> = {
        '0': ['0', 'O', 'o'],
        '1': ['1', 'I', 'i', 'L', 'l'],
      }
      const gaps = [
        '',
        ' ',
        '-',
        '\u2010',
        '\u2011',
        '\u2013',
        '\u2212',
        '\u00a0',
        '\u2009',
        '\t',
        '\u00ad',
        '\u200b',
        ' - ',
      ]
      const typed = (one: string) =>
        fc
          .tuple(
            ...[...one.replaceAll('-', '')].map((letter) =>
              fc.tuple(
                fc.constantFrom(...gaps),
                fc.constantFrom(...(spellings[letter] ?? [letter, letter.toLowerCase()])),
              ),
            ),
          )
          .map((parts) => parts.flat().join(''))
      const picked = fc.integer({ min: 0, max: 9 }).chain((index) => fc.tuple(fc.constant(index), typed(code(index))))
      await fc.assert(
        fc.asyncProperty(picked, async ([index, text]) => {
          assert.equal(updated(await answer(text, mine.data)).slots[index]?.usedAt, NOW)
        }),
        { numRuns: 10 },
      )
    })

    it('AC-19: refuses every other form without computing a hash', async () => {
      const { read, data } = watched(mine.data)
      const plain = code(0).replaceAll('-', '')
      const wide = [...plain].map((letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)).join('')
      const forms = [
        '',
        ' ',
        '----',
        wide,
        plain.slice(1),
        `${plain}0`,
        `${plain}\u0000`,
        `${plain.slice(1)}U`,
        `${plain.slice(1)}_`,
        // A long s and a Kelvin sign, which change of case turns into our letters.
        `${plain.slice(1)}\u017f`,
        `${plain.slice(1)}\u212a`,
        '7'.repeat(10_000),
      ]
      for (const form of forms) assert.deepEqual(await answer(form, data), INVALID, form.slice(0, 30))
      assert.deepEqual(await challenge.submit({}, {}, at(kept(data))), INVALID)
      assert.deepEqual(read, { salts: 0, slots: Array(10).fill(0) })
    })

    it('AC-80: computes one hash and compares it with every slot, used ones too, whatever it is', async () => {
      const used = updated(await answer(code(0), mine.data))
      for (const text of [code(0), other.codes[0] ?? '']) {
        const { read, data } = watched(used)
        assert.equal((await answer(text, data)).outcome, 'refused')
        assert.deepEqual(read, { salts: 1, slots: Array(10).fill(1) })
      }
      const { read, data } = watched(used)
      assert.equal((await answer(code(1), data)).outcome, 'accepted')
      // What is accepted is read once more, to be written.
      assert.deepEqual(read, { salts: 2, slots: Array(10).fill(1).with(1, 2) })
    })

    it('F-18: turns away what is too much at once and leaves the process free', async () => {
      const delay = monitorEventLoopDelay({ resolution: 10 })
      delay.enable()
      const flood = Array.from({ length: 200 }, () => answer(other.codes[0] ?? '', mine.data))
      assert.deepEqual(await enroll.submit({ codes: mine.codes }, { kept: 'yes' }, at()), refused('unavailable'))
      const steps = await Promise.all(flood)
      delay.disable()
      const refusals = steps.map((step) => step.outcome === 'refused' && step.reason)
      assert.equal(refusals.filter((reason) => reason === 'invalid').length, 52)
      assert.equal(refusals.filter((reason) => reason === 'unavailable').length, 148)
      assert.ok(delay.percentile(99) / 1e6 < 200, `${delay.percentile(99) / 1e6} ms`)
      assert.equal((await answer(code(0), mine.data)).outcome, 'accepted')
    }).timeout('60s')

    it('lets people who answer in between while sets are made', async () => {
      const order: string[] = []
      const sets = [1, 2].map(() => issue().then(() => order.push('set')))
      await answer(code(0), mine.data)
      order.push('answer')
      await Promise.all(sets)
      assert.equal(order[0], 'answer')
    })
  })

  describe('enroll', () => {
    it('asks again, with the same codes, until they are said to be saved', async () => {
      const state = await begun()
      for (const input of [{}, { kept: '' }, { kept: 'no' }, { kept: 'YES' }]) {
        const step = await enroll.submit(state, input, at())
        assert.deepEqual(step, { outcome: 'continue', state: { codes: state.codes, unconfirmed: true } })
        assert.ok(step.outcome === 'continue')
        const view = await enroll.view(step.state, at())
        assert.deepEqual(view, { codes: state.codes, unconfirmed: true })
      }
    })

    it('AC-40: replaces the set before and proves nothing', async () => {
      const state = await begun()
      const step = await enroll.submit({ ...state, unconfirmed: true }, { kept: 'yes' }, at(kept(mine.data)))
      assert.ok(step.outcome === 'accepted' && step.change !== undefined && 'replace' in step.change)
      assert.deepEqual(step.proof, { kinds: [], traits: [], amr: [] })
      const { replace } = step.change
      assert.equal(usesLeft(kept(replace)), 10)
      assert.equal((await answer(state.codes?.[9] ?? '', replace)).outcome, 'accepted')
      assert.deepEqual(await answer(code(0), replace), INVALID)
    })

    it('shows the codes and how many of those before are left, at every reload the same', async () => {
      const state = await begun()
      assert.deepEqual(await enroll.view(state, at()), { codes: state.codes })
      const after = updated(await answer(code(0), mine.data))
      const view = await enroll.view(state, at(kept(after)))
      assert.deepEqual(view, { codes: state.codes, left: 9 })
      assert.deepEqual(await enroll.view(state, at(kept(after))), view)
    })
  })

  it('issues codes that open what is kept of them', async () => {
    assert.equal(other.codes.length, 10)
    assert.equal(updated(await answer(other.codes[9] ?? '', other.data)).slots[9]?.usedAt, NOW)
  })

  it('AC-40: claims no more than it shows: possession, never resistant to phishing, no registered method', () => {
    const { kinds, traits, amr } = factor
    assert.deepEqual([kinds, traits, amr], [['possession'], ['replay-resistant', 'recovery'], ['recovery-code']])
  })

  it('is frozen, names no set and shows nothing in a challenge', () => {
    assert.equal(factor.id, 'recovery-codes')
    assert.ok(Object.isFrozen(factor))
    assert.equal(factor.describe(kept(mine.data)), '')
    assert.deepEqual(challenge.view({}, at(kept(mine.data))), {})
  })
})
