import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Account } from '../../src/account.ts'
import { StepUpError } from '../../src/errors.ts'
import type { Authenticator, CeremonyContext } from '../../src/factors/factor.ts'
import { type TotpData, type TotpState, totp } from '../../src/factors/totp.ts'
import { codeAt } from '../support/host.ts'

const factor = totp({ issuer: 'Acme' })
const { enroll, challenge } = factor
const account: Account = { id: 'bob', label: 'bob@example.com' }

/** RFC 6238 appendix B: the SHA-1 key and its codes, of which apps show the last six digits. */
const RFC_SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const RFC_CODES: readonly (readonly [number, string])[] = [
  [59, '94287082'],
  [1111111109, '07081804'],
  [1111111111, '14050471'],
  [1234567890, '89005924'],
  [2000000000, '69279037'],
  [20000000000, '65353130'],
]

const at = (now: number, authenticators: readonly Authenticator<TotpData>[] = []): CeremonyContext<TotpData> => ({
  account,
  authenticators,
  client: { id: 'app', name: 'App' },
  origin: 'https://login.example.com',
  issuer: 'https://login.example.com',
  url: 'https://login.example.com/mfa/1/totp',
  locale: 'en',
  now,
})

const phone = (secret: string, lastStep = -1, id = 'phone'): Authenticator<TotpData> => ({
  id,
  factor: 'totp',
  status: 'active',
  createdAt: 0,
  data: { secret, lastStep },
})

const answer = (code: string, now: number, ...authenticators: readonly Authenticator<TotpData>[]) =>
  challenge.submit({}, { code }, at(now, authenticators))

const NOW = 1_700_000_010
const STEP = Math.floor(NOW / 30)

describe('factors/totp', () => {
  describe('challenge', () => {
    for (const [now, code] of RFC_CODES)
      it(`accepts the code of RFC 6238 appendix B at ${now}`, () => {
        const step = answer(code.slice(-6), now, phone(RFC_SECRET))
        assert.deepEqual(step, {
          outcome: 'accepted',
          authenticatorId: 'phone',
          change: {
            update: { authenticatorId: 'phone', data: { secret: RFC_SECRET, lastStep: Math.floor(now / 30) } },
          },
        })
      })

    const windows = [
      { back: -30, outcome: 'refused' },
      { back: -1, outcome: 'accepted' },
      { back: 0, outcome: 'accepted' },
      { back: 30, outcome: 'accepted' },
      { back: 60, outcome: 'refused' },
      { back: 3600, outcome: 'refused' },
    ] as const
    for (const { back, outcome } of windows)
      it(`answers ${outcome} to a code from ${back} s ago: one step back, none ahead`, async () => {
        const code = codeAt(RFC_SECRET, NOW - back)
        assert.equal((await answer(code, NOW, phone(RFC_SECRET))).outcome, outcome)
      })

    const used = { outcome: 'refused', reason: 'used' }
    it('AC-09: refuses the code of a step that was accepted', async () => {
      assert.deepEqual(await answer(codeAt(RFC_SECRET, NOW), NOW, phone(RFC_SECRET, STEP)), used)
    })
    it('AC-10: refuses the code of the step before one that was accepted', async () => {
      assert.deepEqual(await answer(codeAt(RFC_SECRET, NOW - 30), NOW, phone(RFC_SECRET, STEP)), used)
    })
    it('AC-79: refuses, and does not throw, while the clock stands behind the accepted step', async () => {
      assert.deepEqual(await answer(codeAt(RFC_SECRET, NOW), NOW, phone(RFC_SECRET, STEP + 1000)), used)
    })

    it('finds which of several apps made the code', async () => {
      const other = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
      const step = await answer(codeAt(other, NOW), NOW, phone(RFC_SECRET), phone(other, -1, 'tablet'))
      assert.equal(step.outcome === 'accepted' && step.authenticatorId, 'tablet')
    })

    it('takes the spaces that people paste', async () => {
      const code = codeAt(RFC_SECRET, NOW)
      for (const space of [' ', '\u00a0', '\t', '\u2009'])
        assert.equal(
          (await answer(`${space}${code.slice(0, 3)}${space}${code.slice(3)}`, NOW, phone(RFC_SECRET))).outcome,
          'accepted',
        )
    })

    it('AC-19: refuses everything that is not six ASCII digits', () => {
      const code = codeAt(RFC_SECRET, NOW)
      const wide = [...code].map((digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)).join('')
      for (const input of [
        '',
        ' ',
        wide,
        `${code}0`,
        code.slice(1),
        `${code}\u0000`,
        `-${code.slice(1)}`,
        '1e5',
        '0x1234',
      ])
        assert.deepEqual(answer(input, NOW, phone(RFC_SECRET)), { outcome: 'refused', reason: 'invalid' }, input)
      assert.deepEqual(challenge.submit({}, {}, at(NOW, [phone(RFC_SECRET)])), {
        outcome: 'refused',
        reason: 'invalid',
      })
    })

    it('never accepts one code twice, whatever the times', () => {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: -60, max: 60 })), { maxLength: 12 }),
          (tries) => {
            let authenticator = phone(RFC_SECRET)
            const accepted: string[] = []
            for (const [now, drift] of tries) {
              const code = codeAt(RFC_SECRET, NOW + now + drift)
              const step = challenge.submit({}, { code }, at(NOW + now, [authenticator]))
              if ('then' in step || step.outcome !== 'accepted') continue
              assert.ok(!accepted.includes(code))
              accepted.push(code)
              assert.ok(step.change !== undefined && 'update' in step.change)
              authenticator = { ...authenticator, data: step.change.update.data }
            }
          },
        ),
        { numRuns: 100 },
      )
    })
  })

  describe('enroll', () => {
    const begin = (): TotpState => {
      const step = enroll?.begin(at(NOW))
      assert.ok(step !== undefined && !('then' in step) && step.outcome === 'continue')
      return step.state
    }

    it('AC-16: gives a fresh secret of 160 bits each time', () => {
      const secrets = Array.from({ length: 50 }, () => begin().secret ?? '')
      assert.equal(new Set(secrets).size, 50)
      for (const secret of secrets) assert.match(secret, /^[A-Z2-7]{32}$/)
    })

    it('accepts a code of that secret and keeps its step, so that the code is used up', async () => {
      const { secret = '' } = begin()
      const step = await enroll?.submit({ secret }, { code: codeAt(secret, NOW) }, at(NOW))
      assert.deepEqual(step, { outcome: 'accepted', change: { add: { secret, lastStep: STEP } } })
    })

    it('AC-35: refuses the code of another secret', async () => {
      const step = await enroll?.submit(begin(), { code: codeAt(RFC_SECRET, NOW) }, at(NOW))
      assert.deepEqual(step, { outcome: 'refused', reason: 'invalid' })
    })

    it('shows the same picture, key and link for the same state', async () => {
      const state = begin()
      const [one, two] = await Promise.all([enroll?.view(state, at(NOW)), enroll?.view(state, at(NOW + 60))])
      assert.deepEqual(one, two)
      assert.equal(one?.secret?.replaceAll(' ', ''), state.secret)
      assert.equal(one?.uri, `otpauth://totp/Acme:bob%40example.com?secret=${state.secret}&issuer=Acme`)
      const svg = Buffer.from(one?.qr?.split(',')[1] ?? '', 'base64').toString()
      assert.match(svg, /^<svg .*viewBox/)
    })

    it('keeps a colon in an account name from being read as the issuer', async () => {
      const context = { ...at(NOW), account: { id: 'x', label: 'Evil Corp:bob' } }
      const view = await enroll?.view(begin(), context)
      assert.match(view?.uri ?? '', /^otpauth:\/\/totp\/Acme:Evil%20Corp%20bob\?/)
    })
  })

  it('shows only the digits in a challenge', () => {
    assert.deepEqual(challenge.view({}, at(NOW, [phone(RFC_SECRET)])), { digits: 6 })
  })

  it('is frozen, and names its authenticators by what their owner called them', () => {
    assert.ok(Object.isFrozen(factor))
    assert.equal(factor.describe({ ...phone(RFC_SECRET), nickname: 'Old phone' }), 'Old phone')
    assert.equal(factor.describe(phone(RFC_SECRET)), '')
  })

  for (const issuer of ['', ' ', 'a:b', undefined as unknown as string])
    it(`refuses the issuer ${JSON.stringify(issuer)}`, () => {
      assert.throws(
        () => totp({ issuer }),
        (error) => error instanceof StepUpError && error.code === 'ERR_CONFIG' && /issuer/.test(error.message),
      )
    })
})
