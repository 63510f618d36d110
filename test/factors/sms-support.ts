import assert from 'node:assert/strict'
import type { Account } from '../../src/account.ts'
import type { Authenticator, CeremonyContext, Message, OutgoingMessage, Step } from '../../src/factors/factor.ts'
import { type SmsData, type SmsOptions, type SmsState, sms } from '../../src/factors/sms.ts'

export const sender = async () => {}
export const BERLIN = '+4930123456'
export const MOBILE = '+4915112345678'
export const TABLET = '+436641234567'
export const NOW = 1_700_000_000

/** The factor, for numbers of Germany and Austria. */
export const make = (more: Partial<SmsOptions> = {}) => sms({ sender, countries: ['DE', 'AT'], ...more })

export const at = (
  now: number,
  authenticators: readonly Authenticator<SmsData>[] = [],
  more = {},
): CeremonyContext<SmsData> => ({
  account: { id: 'bob', label: 'bob@example.com' } as Account,
  authenticators,
  client: { id: 'app', name: 'App' },
  origin: 'https://login.example.com:8443',
  issuer: 'https://login.example.com:8443',
  url: 'https://login.example.com:8443/mfa/1/sms',
  locale: 'en',
  now,
  ...more,
})

export const phone = (id: string, number = MOBILE, lastUsedAt?: number): Authenticator<SmsData> => ({
  id,
  factor: 'sms',
  status: 'active',
  createdAt: 0,
  ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
  data: { number },
})

export type Result = Step<SmsState, SmsData>
export type Going = Result & { outcome: 'continue' }

export const going = (step: Result): Going => {
  assert.equal(step.outcome, 'continue')
  return step as Going
}
export const messageOf = (step: Result): Message => {
  const { message } = going(step)
  assert.ok(message)
  return message
}
/** The message of a step as the sender gets it. */
export const outgoing = (step: Result): OutgoingMessage => {
  const { to, channel = 'text', expiresAt, values } = messageOf(step)
  return { to, channel, locale: 'en', text: Object.values(values).join(' '), expiresAt }
}
export const codeOf = (step: Result) => messageOf(step).values.code ?? ''
export const wrongFor = (code: string) => (code === '000000' ? '000001' : '000000')
