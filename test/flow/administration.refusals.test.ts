import assert from 'node:assert/strict'
import { recoveryCodes } from '../../src/factors/recovery-codes.ts'
import { totp } from '../../src/factors/totp.ts'
import type { AccountAdministration } from '../../src/flow/administration.ts'
import { APP, desk, email, furnish, storedOf } from './desk.ts'
import { codeFactor } from './scene.ts'

describe('flow/administration, refused arguments', () => {
  const known = 'one of totp, code'
  const seconds = 'a whole number of seconds from 60 to 604800'
  const wrong = (value: unknown) => value as never
  const REFUSED: readonly (readonly [keyof AccountAdministration, (mfa: AccountAdministration) => unknown, string])[] =
    [
      ['list', (mfa) => mfa.list(wrong(undefined)), 'accountId: found nothing; allowed: a text that is not empty'],
      ['list', (mfa) => mfa.list(''), 'accountId: found ""; allowed: a text that is not empty'],
      ['remove', (mfa) => mfa.remove('alice', wrong(7)), 'authenticatorId: found 7; allowed: a text that is not empty'],
      [
        'unlock',
        (mfa) => mfa.unlock('alice', 'sms'),
        `factor: found "sms"; allowed: one of totp, code, recovery-codes, email`,
      ],
      [
        'reset',
        (mfa) => mfa.reset('alice', wrong({ enrollment: 'open' })),
        'options.enrollment: found "open"; allowed: "ticket", or nothing',
      ],
      [
        'reset',
        (mfa) => mfa.reset('alice', wrong({ enrolment: 'ticket' })),
        'options.enrolment: found an unknown setting; allowed: only enrollment',
      ],
      ['reset', (mfa) => mfa.reset('alice', wrong(null)), 'options: found null; allowed: an object'],
      [
        'issueTicket',
        (mfa) => mfa.issueTicket('alice', { factors: ['sms'] }),
        `options.factors[0]: found "sms"; allowed: ${known}`,
      ],
      [
        'issueTicket',
        (mfa) => mfa.issueTicket('alice', { factors: ['totp', 'email'] }),
        `options.factors[1]: found "email"; allowed: ${known}`,
      ],
      [
        'issueTicket',
        (mfa) => mfa.issueTicket('alice', { factors: ['recovery-codes'] }),
        `options.factors[0]: found "recovery-codes"; allowed: ${known}`,
      ],
      [
        'issueTicket',
        (mfa) => mfa.issueTicket('alice', { factors: [] }),
        'options.factors: found an empty list; allowed: a list with at least one factor that can be enrolled',
      ],
      [
        'issueTicket',
        (mfa) => mfa.issueTicket('alice', { factors: wrong('totp') }),
        'options.factors: found "totp"; allowed: a list with at least one factor that can be enrolled',
      ],
      ...[59, 604_801, 60.5, '600', Number.NaN].map(
        (ttlSeconds) =>
          [
            'issueTicket',
            (mfa: AccountAdministration) => mfa.issueTicket('alice', { ttlSeconds: wrong(ttlSeconds) }),
            `options.ttlSeconds: found ${JSON.stringify(ttlSeconds)}; allowed: ${seconds}`,
          ] as const,
      ),
    ]

  for (const [operation, call, message] of REFUSED)
    it(`${operation}: ${message}`, async () => {
      const at = desk({ factors: [totp({ issuer: 'Test' }), codeFactor().factor, recoveryCodes(), email] })
      const error = { name: 'StepUpError', code: 'ERR_CONFIG', message: `accounts.${operation}(): ${message}` }
      await assert.rejects(async () => call(at.mfa), error)
      assert.deepEqual(at.told, [])
    })

  it('issueTicket: there is nothing to enroll', async () => {
    const { mfa } = desk({ factors: [email, recoveryCodes()] })
    await assert.rejects(mfa.issueTicket('alice'), { code: 'ERR_CONFIG', message: /options\.factors: found nothing/ })
  })

  it('an account or an authenticator that does not exist changes nothing', async () => {
    const at = desk()
    await furnish(at)
    const before = [await at.recordOf(), await storedOf(at)]
    const message = 'found "mallory"; allowed: the id of an account that the host knows'
    const calls: Readonly<Record<keyof AccountAdministration, (mfa: AccountAdministration) => Promise<unknown>>> = {
      list: (mfa) => mfa.list('mallory'),
      issueTicket: (mfa) => mfa.issueTicket('mallory'),
      remove: (mfa) => mfa.remove('mallory', APP.id),
      reset: (mfa) => mfa.reset('mallory'),
      newRecoveryCodes: (mfa) => mfa.newRecoveryCodes('mallory'),
      forgetBrowsers: (mfa) => mfa.forgetBrowsers('mallory'),
      unlock: (mfa) => mfa.unlock('mallory'),
      disable: (mfa) => mfa.disable('mallory'),
      enable: (mfa) => mfa.enable('mallory'),
    }
    assert.deepEqual(Object.keys(at.mfa).sort(), Object.keys(calls).sort())
    for (const [operation, call] of Object.entries(calls)) {
      const error = {
        name: 'StepUpError',
        code: 'ERR_ACCOUNT',
        message: `accounts.${operation}(): accountId: ${message}`,
      }
      await assert.rejects(call(at.mfa), error)
    }
    await assert.rejects(at.mfa.remove('alice', 'code-1'), { name: 'StepUpError', code: 'ERR_ACCOUNT' })
    assert.deepEqual([await at.recordOf(), await storedOf(at)], before)
    assert.deepEqual([at.told, (await at.records.load('mallory')).version], [[], null])
  })
})
