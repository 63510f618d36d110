import assert from 'node:assert/strict'
import type { Account } from '../../src/account.ts'
import { readOptions } from '../../src/config.ts'
import { email } from '../../src/factors/email.ts'
import { totp } from '../../src/factors/totp.ts'
import { type StepUpOptions, stepUp } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'

const HOST = { cookies: { keys: ['a cookie key'] }, interactions: { url: () => '/' } }
const app = totp({ issuer: 'Test' })
const key = { ...app, traits: ['phishing-resistant'] } as const

/** The codes of our warnings when an operator starts with these options, as in production. */
const warned = async (options: Partial<StepUpOptions>) => {
  const codes: (string | undefined)[] = []
  const listen = ({ name, code }: Error & { code?: string }) => name === 'StepUpWarning' && codes.push(code)
  const { NODE_ENV } = process.env
  process.env.NODE_ENV = 'production'
  process.on('warning', listen)
  try {
    const sealingKeys = [Buffer.alloc(32, 7).toString('base64url')]
    const mfa = stepUp({ account: () => undefined, factors: [app], sealingKeys, ...options })
    mfa.configure(HOST)
    mfa.configure(HOST)
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.off('warning', listen)
    if (NODE_ENV === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = NODE_ENV
  }
  return codes
}

describe('the warning of an account whose email is verified and missing', () => {
  const mail = email({ sender: async () => undefined })
  for (const [title, factors, accounts, codes] of [
    ['comes once', [app, mail], [{ emailVerified: true }, { emailVerified: true, email: '' }], ['STEP_UP_EMAIL']],
    ['comes where the address is none', [app, mail], [{ emailVerified: true, email: 'bob' }], ['STEP_UP_EMAIL']],
    ['does not come where there is one', [app, mail], [{ emailVerified: true, email: 'b@example.com' }, {}], []],
    ['does not come where nothing sends mail', [app], [{ emailVerified: true }], []],
  ] as const)
    it(title, async () => {
      const heard: (string | undefined)[] = []
      const listen = ({ code }: Error & { code?: string }) => void heard.push(code)
      process.on('warning', listen)
      const rows = accounts.map((more, index): Account => ({ id: String(index), label: 'bob', ...more }))
      const sealingKeys = [Buffer.alloc(32, 7).toString('base64url')]
      const { account } = readOptions({ account: (id) => rows[Number(id)], factors, sealingKeys })
      for (const { id } of rows) await account(id)
      await new Promise((resolve) => setImmediate(resolve))
      process.off('warning', listen)
      assert.deepEqual(heard, codes)
    })
})

describe('the warnings at the start', () => {
  const store = memoryStore()
  const levels = 'nist' as const
  const cases: readonly (readonly [string, Partial<StepUpOptions>, readonly string[]])[] = [
    ['a store in memory, once', {}, ['STEP_UP_MEMORY_STORE']],
    ['nothing where one was chosen', { store }, []],
    ['NIST-2.2.2b: the preset nist without a phishing-resistant factor', { store, levels }, ['STEP_UP_NIST']],
    ['NIST-2.2.2b: not with one', { store, levels, factors: [key] }, []],
  ]
  for (const [title, options, codes] of cases)
    it(`tell of ${title}`, async () => assert.deepEqual(await warned(options), codes))
})
