import assert from 'node:assert/strict'
import type { Proof } from '../../src/assurance/evidence.ts'
import { type DuoData, type DuoState, duo } from '../../src/factors/duo.ts'
import type { CeremonyContext, Step } from '../../src/factors/factor.ts'
import { APPROVES, type Duo, type DuoScript, startDuo } from '../support/duo.ts'

export const account = { id: 'bob', label: 'bob@example.com' }
const now = () => Math.floor(Date.now() / 1000)
export const refused = (reason: string) => ({ outcome: 'refused', reason })
export const over = (reason: string) => ({ outcome: 'refused', reason, final: true })

/** Somebody who confirms in this way. */
export const by = (factor: string, reason: string) => ({
  ...APPROVES,
  context: { factor, reason, event_type: 'authentication' },
})

type Way = readonly [factor: string, reason: string, proof: Pick<Proof, 'traits' | 'amr'>]

const push = { traits: ['out-of-band', 'replay-resistant'], amr: ['mca'] } as const
const key = { traits: ['phishing-resistant', 'replay-resistant'], amr: ['pop', 'user'] } as const

/** What each way shows. */
export const WAYS: readonly Way[] = [
  ['duo_push', 'user_approved', push],
  ['verified_duo_push', 'verification_code_correct', push],
  ['passcode', 'valid_passcode', { traits: [], amr: ['otp'] }],
  ['duo_mobile_passcode', 'valid_passcode', { traits: ['replay-resistant'], amr: ['otp'] }],
  ['hardware_token', 'valid_passcode', { traits: ['replay-resistant'], amr: ['otp'] }],
  ['yubikey_passcode', 'valid_passcode', { traits: ['replay-resistant'], amr: ['otp'] }],
  ['sms_passcode', 'valid_passcode', { traits: ['out-of-band', 'restricted'], amr: ['sms'] }],
  ['phone_call', 'user_approved', { traits: ['out-of-band', 'restricted'], amr: ['tel'] }],
  ['u2f_token', 'user_approved', key],
  ['WebAuthn Security Key', 'user_approved', key],
  ['WebAuthn Chrome Touch ID', 'user_approved', key],
  ['bypass_code', 'valid_passcode', { traits: ['recovery'], amr: ['recovery-code'] }],
  ['a_way_of_tomorrow', 'user_approved', { traits: [], amr: ['duo'] }],
]

/** ID tokens that Duo did not make for this ceremony, or not now. The first seven fail Duo's own client too. */
export const FORGERIES: readonly (readonly [string, DuoScript['forge']])[] = [
  ['signed with another secret', { secret: 'another-secret-0123456789-0123456789-abc' }],
  ['signed with HS256', { alg: 'HS256' }],
  ['not signed', { alg: 'none' }],
  [
    'of another issuer',
    { claims: (claims) => ({ ...claims, iss: 'https://api-other.duosecurity.com/oauth/v1/token' }) },
  ],
  ['for another client', { claims: (claims) => ({ ...claims, aud: 'DIOTHEROTHEROTHEROTH' }) }],
  ['about another user', { claims: (claims) => ({ ...claims, preferred_username: 'eve@example.com' }) }],
  ['expired', { claims: (claims) => ({ ...claims, iat: now() - 200, exp: now() - 61 }) }],
  ['about nobody', { claims: ({ preferred_username: _user, ...claims }) => claims }],
  ['with another nonce', { claims: (claims) => ({ ...claims, nonce: 'another-nonce-0123456789' }) }],
  ['without a nonce', { claims: ({ nonce: _nonce, ...claims }) => claims }],
  ['of an hour ago', { claims: (claims) => ({ ...claims, iat: now() - 3600, exp: now() + 3600 }) }],
  ['of the future', { claims: (claims) => ({ ...claims, iat: now() + 120, exp: now() + 400 }) }],
  ['that never expires', { claims: ({ exp: _exp, ...claims }) => claims }],
  ['without a time', { claims: ({ iat: _iat, ...claims }) => claims }],
]

/** A Duo for each test, with the factor that knows it. */
export const withDuo = () => {
  let peer: Duo
  beforeEach(async () => {
    peer = await startDuo()
  })
  afterEach(() => peer.close())

  const made = (more: object = {}) => duo({ ...peer.options, ...more })
  const contextOf = (factor = made(), more: Partial<CeremonyContext<DuoData>> = {}): CeremonyContext<DuoData> => ({
    account,
    authenticators: factor.implied?.(more.account ?? account) ?? [],
    origin: 'https://login.example.com',
    issuer: 'https://login.example.com',
    url: 'https://login.example.com/mfa/uid/duo',
    locale: 'en',
    now: now(),
    ...more,
  })
  const begun = async (factor = made()) => {
    const step = await factor.challenge.begin(contextOf(factor))
    assert.equal(step.outcome, 'continue')
    return step as { state: DuoState; redirect: string }
  }
  /** At Duo, and with what it gives not yet handed in. */
  const returning = async (factor = made()) => {
    const { state, redirect } = await begun(factor)
    return { state, input: Object.fromEntries((await peer.visit(redirect)).searchParams) }
  }
  const submitted = (factor: ReturnType<typeof made>, state: DuoState, input: Readonly<Record<string, string>>) =>
    factor.challenge.submit(state, input, contextOf(factor)) as Promise<Step<DuoState, DuoData>>
  /** The whole way: to Duo, and back with what it gives. */
  const answered = async (script: Partial<DuoScript> = {}, factor = made()) => {
    Object.assign(peer.script, script)
    const { state, input } = await returning(factor)
    return submitted(factor, state, input)
  }
  return {
    get peer() {
      return peer
    },
    made,
    contextOf,
    begun,
    returning,
    submitted,
    answered,
  }
}
