import assert from 'node:assert/strict'
import { StepUpError } from '../../src/errors.ts'
import { type EmailData, type EmailOptions, email } from '../../src/factors/email.ts'
import type { CeremonyContext, Message } from '../../src/factors/factor.ts'

const sender = async () => undefined
const context: CeremonyContext<EmailData> = {
  account: { id: 'bob', label: 'Bob' },
  authenticators: [],
  origin: 'https://login.example.com',
  issuer: 'https://login.example.com',
  url: 'https://login.example.com/mfa/1/email',
  locale: 'en',
  now: 1_700_000_000,
}

describe('factors/email: options', () => {
  const wrong: readonly (readonly [string, object])[] = [
    ['sender', {}],
    ['sender', { sender: 'smtp://localhost' }],
    ['alone', { sender, alone: 'yes' }],
    ['codeSeconds', { sender, codeSeconds: 601 }],
    ['codeSeconds', { sender, codeSeconds: 59 }],
    ['codeSeconds', { sender, codeSeconds: 90.5 }],
    ['perAccount', { sender, perAccount: 0 }],
    ['furtherAddresses', { sender, furtherAddresses: 1 }],
    ['budgets', { sender, budgets: { per: 'target' } }],
    ['retriesAfterSeconds', { sender, retriesAfterSeconds: [0] }],
    ['lifeSeconds', { sender, lifeSeconds: 1 }],
  ]
  for (const [name, options] of wrong)
    it(`refuses the option ${name} in ${JSON.stringify(options)}`, () =>
      assert.throws(
        () => email(options as EmailOptions),
        (error) => error instanceof StepUpError && error.code === 'ERR_CONFIG' && error.message.includes(name),
      ))

  it('takes every option that it has', () => {
    const budgets = [{ per: 'total', messages: 1, windowSeconds: 1 }] as const
    const made = email({ sender, alone: true, codeSeconds: 60, perAccount: 1, budgets, retriesAfterSeconds: [] })
    assert.deepEqual([made.standsAlone, made.perAccount, made.budgets], [true, 1, budgets])
    assert.deepEqual(made.retriesAfterSeconds, [])
    const step = made.enroll?.submit({}, { address: 'eve@example.com' }, context)
    assert.equal((step as { message: Message }).message.expiresAt, context.now + 60)
  })
})
