import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Evidence, standing } from '../../src/assurance/evidence.ts'

const event = (more: Partial<Evidence> = {}): Evidence => ({
  factor: 'totp',
  kinds: ['possession'],
  traits: [],
  amr: ['otp'],
  at: 1,
  cid: 'one',
  ...more,
})

describe('assurance/evidence', () => {
  const cases: readonly [string, Partial<Evidence>, string | undefined, boolean][] = [
    ['keeps an event of an active authenticator', { authenticatorId: 'phone' }, undefined, true],
    ['AC-49: voids an event whose authenticator is gone or disabled', { authenticatorId: 'lost' }, undefined, false],
    ['keeps an event without a stored authenticator', {}, undefined, true],
    ['keeps an event made under the present security stamp', { securityStamp: 'b' }, 'b', true],
    ['AC-49: voids an event made under another security stamp', { securityStamp: 'a' }, 'b', false],
    ['AC-49: voids an event from before the account had a stamp', {}, 'b', false],
    ['AC-49: voids an event whose stamp the account has no more', { securityStamp: 'a' }, undefined, false],
    ['needs stamp and authenticator both', { authenticatorId: 'lost', securityStamp: 'b' }, 'b', false],
  ]
  for (const [name, more, securityStamp, stands] of cases)
    it(name, () => {
      const events = [event(more)]
      const facts = { activeAuthenticatorIds: new Set(['phone']), securityStamp }
      assert.deepEqual(standing(events, facts), stands ? events : [])
    })

  it('keeps the order of what stands', () => {
    const authenticatorId = fc.constantFrom('phone', 'lost')
    fc.assert(
      fc.property(fc.array(authenticatorId), (ids) => {
        const events = ids.map((id, at) => event({ authenticatorId: id, at }))
        const facts = { activeAuthenticatorIds: new Set(['phone']), securityStamp: undefined }
        assert.deepEqual(
          standing(events, facts).map(({ at }) => at),
          ids.flatMap((id, at) => (id === 'phone' ? [at] : [])),
        )
      }),
    )
  })
})
