import assert from 'node:assert/strict'
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import type { Account } from '../../src/account.ts'
import type { Authenticator, CeremonyContext } from '../../src/factors/factor.ts'
import type { WebauthnData, WebauthnFactor } from '../../src/factors/webauthn.ts'
import type { Manner, SoftAuthenticator } from '../support/soft-authenticator.ts'

/** The provider of these tests. */
export const ISSUER = 'https://login.example.com'
export const NAME = 'Acme'

const account: Account = { id: 'bob', label: 'bob@example.com' }

/** What a ceremony sees, with these keys. */
export const at = (authenticators: readonly Authenticator<WebauthnData>[] = []): CeremonyContext<WebauthnData> => ({
  account,
  authenticators,
  client: { id: 'app', name: 'App' },
  origin: ISSUER,
  issuer: ISSUER,
  url: `${ISSUER}/mfa/1/webauthn`,
  locale: 'en',
  now: 1_700_000_000,
})

/** One enrolment from begin to its end. */
export const enrollWith = async (
  factor: WebauthnFactor,
  soft: SoftAuthenticator,
  lies: Partial<Manner> = {},
  fields: Readonly<Record<string, string>> = {},
  keys: readonly Authenticator<WebauthnData>[] = [],
) => {
  const begun = await factor.enroll.begin(at(keys))
  assert.ok(begun.outcome === 'continue')
  const view = await factor.enroll.view(begun.state, at(keys))
  const options = view.options as PublicKeyCredentialCreationOptionsJSON
  const response = JSON.stringify(soft.create(options, lies))
  const step = await factor.enroll.submit(begun.state, { ...fields, response }, at(keys))
  return { step, options, response }
}

/** A key that was enrolled, as it is stored. */
export const enrolled = async (
  factor: WebauthnFactor,
  soft: SoftAuthenticator,
  id = 'key',
): Promise<Authenticator<WebauthnData>> => {
  const { step } = await enrollWith(factor, soft)
  assert.ok(step.outcome === 'accepted' && step.change !== undefined && 'add' in step.change)
  return { id, factor: 'webauthn', status: 'active', createdAt: 0, data: step.change.add }
}

/** One challenge from begin to its end, answered by the software authenticator. */
export const answerWith = async (
  factor: WebauthnFactor,
  soft: SoftAuthenticator,
  keys: readonly Authenticator<WebauthnData>[],
  lies: Partial<Manner> = {},
  changed: (response: string) => string = (response) => response,
) => {
  const begun = await factor.challenge.begin(at(keys))
  assert.ok(begun.outcome === 'continue')
  const { options } = await factor.challenge.view(begun.state, at(keys))
  const response = changed(JSON.stringify(soft.get(options as PublicKeyCredentialRequestOptionsJSON, lies)))
  return factor.challenge.submit(begun.state, { response }, at(keys))
}
