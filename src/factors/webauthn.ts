import { isIP } from 'node:net'
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import type { Kind, Proof, Trait } from '../assurance/evidence.ts'
import { digest } from '../crypto/digest.ts'
import { equalSecret } from '../crypto/equal.ts'
import { randomToken } from '../crypto/random.ts'
import { StepUpError } from '../errors.ts'
import type { Authenticator, Ceremony, CeremonyContext, Factor, Identification, Input, Step } from './factor.ts'
import { isAskedFor } from './webauthn/attestation.ts'
import { keeperOf, nameOf } from './webauthn/names.ts'
import { proofOf } from './webauthn/proof.ts'
import { type Assertion, assertionIn, canonical, type Registration, registrationIn } from './webauthn/response.ts'
import { PAGE_SECONDS, type Settings, settingsOf, type WebauthnOptions } from './webauthn/settings.ts'
import { ALGORITHMS, type Checks, countsOn, verifiedAnswer, verifiedKey } from './webauthn/verify.ts'

export type { AttestationPolicy, WebauthnOptions } from './webauthn/settings.ts'

/** A question to a key under way. */
export interface WebauthnState {
  /** 256 random bits in base64url, in one question only. */
  readonly challenge: string
  /** Under which the new key will keep this account. Absent in a challenge. */
  readonly userHandle?: string
}

/** What is kept of a key. Nothing of it is secret, and nothing of it is shown but the name. */
export interface WebauthnData {
  /** In base64url. */
  readonly credentialId: string
  /** A COSE key (RFC 9052 section 7) in base64url. */
  readonly publicKey: string
  /** How often it has signed, by its own count; 0 for those that do not count. */
  readonly counter: number
  /** Ways to reach it, for the browser. */
  readonly transports: readonly string[]
  /** The model, as a UUID; all zeros where it does not say. */
  readonly aaguid: string
  /** Whether it can leave its device: a synced passkey. That never changes. */
  readonly backupEligible: boolean
  /** Whether there was a copy of it when it was last used. */
  readonly backedUp: boolean
  /** Whether it has ever verified its user by a fingerprint, face or PIN. */
  readonly userVerified: boolean
  /** 256 random bits in base64url, one for all keys of an account. */
  readonly userHandle: string
  /** Whether it can be found without saying whose it is; absent where the browser did not tell. */
  readonly discoverable?: boolean
}

/** What the page's script hands to the browser. */
export interface WebauthnView {
  /** For `navigator.credentials.create()` at enrolment, for `get()` in a challenge; JSON. */
  readonly options: PublicKeyCredentialCreationOptionsJSON | PublicKeyCredentialRequestOptionsJSON
  /** How long the page can be answered. */
  readonly seconds: number
}

/** Security keys and passkeys: a factor with all that a factor can have but messages. */
export interface WebauthnFactor extends Factor<WebauthnState, WebauthnData, WebauthnView> {
  readonly enroll: Ceremony<WebauthnState, WebauthnData, WebauthnView>
  atMost(authenticator: Authenticator<WebauthnData>): Proof
  readonly identify: Identification<WebauthnState, WebauthnData, WebauthnView>
}

type Context = CeremonyContext<WebauthnData>
type Key = Authenticator<WebauthnData>
type Outcome = Step<WebauthnState, WebauthnData>

const refused = (reason: 'invalid' | 'not-enrolled') => ({ outcome: 'refused', reason }) as const

const newState = (): WebauthnState => ({ challenge: randomToken() })

const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64url'))

const relyingPartyId = ({ relyingPartyId: id }: Settings, { issuer }: Pick<Context, 'issuer'>) =>
  id ?? new URL(issuer).hostname

const checksFor = (settings: Settings, context: Pick<Context, 'issuer'>, state: WebauthnState): Checks => ({
  expectedChallenge: state.challenge,
  expectedOrigin: [new URL(context.issuer).origin, ...settings.origins],
  expectedRPID: relyingPartyId(settings, context),
  requireUserVerification: settings.userVerification === 'required',
})

const descriptorOf = ({ data: { credentialId, transports } }: Key) => ({
  id: credentialId,
  transports: [...transports],
})

const dataOf = (
  { credential, ...info }: NonNullable<Awaited<ReturnType<typeof verifiedKey>>>,
  { response, clientExtensionResults }: Registration,
  userHandle: string,
): WebauthnData => {
  const discoverable = clientExtensionResults.credProps?.rk
  return {
    credentialId: canonical(credential.id),
    publicKey: Buffer.from(credential.publicKey).toString('base64url'),
    counter: credential.counter,
    transports: response.transports,
    aaguid: info.aaguid,
    backupEligible: info.credentialDeviceType === 'multiDevice',
    backedUp: info.credentialBackedUp,
    userVerified: info.userVerified,
    userHandle,
    ...(discoverable === undefined ? {} : { discoverable }),
  }
}

const claimOf = (credentialId: string) => `webauthn:${digest(credentialId)}`

const enroll = async (state: WebauthnState, input: Input, context: Context, settings: Settings): Promise<Outcome> => {
  const { userHandle } = state
  const answer = registrationIn(input.response)
  if (answer === undefined || userHandle === undefined) return refused('invalid')
  if (!isAskedFor(answer.response.attestationObject, settings.anchors, context.now)) return refused('invalid')
  const info = await verifiedKey(answer, checksFor(settings, context, state))
  if (info === undefined) return refused('invalid')
  const data = dataOf(info, answer, userHandle)
  const { allow, deny } = settings
  if (deny.has(data.aaguid) || allow?.has(data.aaguid) === false)
    return { outcome: 'continue', state: { ...newState(), userHandle }, problem: 'webauthn.unaccepted' }
  const nickname = nameOf(input.nickname ?? '', data.aaguid, input.kind ?? '')
  return {
    outcome: 'accepted',
    change: { add: data, claim: claimOf(data.credentialId), ...(nickname === undefined ? {} : { nickname }) },
    proof: proofOf(data.userVerified, data.backupEligible),
  }
}

const judge = async (answer: Assertion, { id, data }: Key, checks: Checks): Promise<Outcome> => {
  const credential = { id: data.credentialId, publicKey: bytes(data.publicKey) }
  const shown = await verifiedAnswer(answer, credential, checks)
  if (shown === undefined || (shown.credentialDeviceType === 'multiDevice') !== data.backupEligible)
    return refused('invalid')
  if (!countsOn(data.counter, shown.newCounter)) return { outcome: 'refused', reason: 'suspect', suspectId: id }
  const { newCounter: counter, credentialBackedUp: backedUp, userVerified } = shown
  const next = { ...data, counter, backedUp, userVerified: data.userVerified || userVerified }
  return {
    outcome: 'accepted',
    authenticatorId: id,
    change: { update: { authenticatorId: id, data: next } },
    proof: proofOf(userVerified, data.backupEligible),
  }
}

/** Only keys of this very account: one that belongs to somebody else is as good as none. */
const challenge = (state: WebauthnState, input: Input, context: Context, settings: Settings) => {
  const answer = assertionIn(input.response)
  const key = context.authenticators.find(
    ({ data }) => answer !== undefined && data.credentialId === canonical(answer.id),
  )
  if (answer === undefined || key === undefined) return refused('invalid')
  const { userHandle = key.data.userHandle } = answer.response
  if (!equalSecret(userHandle, key.data.userHandle)) return refused('invalid')
  return judge(answer, key, checksFor(settings, context, state))
}

const asking = (settings: Settings, context: Pick<Context, 'issuer'>, { challenge: nonce }: WebauthnState) => ({
  rpID: relyingPartyId(settings, context),
  challenge: bytes(nonce),
  timeout: settings.timeoutSeconds * 1000,
})

const creationOptions = async (state: WebauthnState, context: Context, settings: Settings) => ({
  options: await generateRegistrationOptions({
    ...asking(settings, context, state),
    rpName: settings.relyingPartyName,
    userID: bytes(state.userHandle ?? ''),
    userName: context.account.label,
    userDisplayName: context.account.label,
    attestationType: settings.conveyance,
    excludeCredentials: context.authenticators.map(descriptorOf),
    authenticatorSelection: { residentKey: 'preferred', userVerification: settings.userVerification },
    supportedAlgorithmIDs: [...ALGORITHMS],
  }),
  seconds: PAGE_SECONDS,
})

/** Browsers bind keys to domains (Web Authentication Level 3 section 5.1.2, "effective domain"). */
const isAddress = (hostname: string) => isIP(hostname.replace(/^\[|\]$/g, '')) !== 0

const missing = (cause: unknown) =>
  new StepUpError('ERR_CONFIG', 'webauthn(): found no package @simplewebauthn/browser', { cause })

/** The browser's part, from the package that speaks to it, and ours. */
const scriptsWith = (name: string): readonly URL[] => {
  try {
    const main = import.meta.resolve('@simplewebauthn/browser')
    return [
      new URL('../dist/bundle/index.umd.min.js', main),
      new URL(`../../views/webauthn/${name}.js`, import.meta.url),
    ]
  } catch (error) {
    throw missing(error)
  }
}

const identifying = (settings: Settings): WebauthnFactor['identify'] => ({
  ttlSeconds: PAGE_SECONDS,
  scripts: scriptsWith('login'),
  begin: async (context) => {
    const state = newState()
    const options = await generateAuthenticationOptions({
      ...asking(settings, context, state),
      allowCredentials: [],
      userVerification: 'required',
    })
    return { state, view: { options, seconds: PAGE_SECONDS } }
  },
  claimOf: (answer) => {
    const assertion = assertionIn(answer)
    return assertion === undefined ? undefined : claimOf(canonical(assertion.id))
  },
  submit: (state, answer, key, context) => {
    const assertion = assertionIn(answer)
    if (assertion === undefined || canonical(assertion.id) !== key.data.credentialId) return refused('invalid')
    // A key that never asked who holds it may be anybody's who gives it a PIN: that takes a password first (section 7.2).
    if (!key.data.userVerified) return refused('invalid')
    const { userHandle } = assertion.response
    if (userHandle === undefined || !equalSecret(userHandle, key.data.userHandle)) return refused('invalid')
    return judge(assertion, key, { ...checksFor(settings, context, state), requireUserVerification: true })
  },
})

const KINDS: readonly Kind[] = ['possession', 'inherence']
const TRAITS: readonly Trait[] = ['phishing-resistant', 'replay-resistant', 'user-verified', 'hardware']

/**
 * Security keys and passkeys: WebAuthn, with the key in a device or stick, bound to this service's domain, so that
 * nobody can pass an answer on.
 *
 * What is proved is what was really shown. With user verification (fingerprint, face or PIN) it is possession and
 * inherence, else possession alone. A key that cannot leave its device has the trait `hardware` and the `amr` `hwk`,
 * one that can be synced has `swk`. Without attestation the first is the word of the authenticator; `attestation` has
 * it proved by the maker's certificate. Signing in with a passkey alone always asks for user verification.
 *
 * Refused are (`invalid`) an answer to another question, of another origin or domain, from inside a frame of another
 * site, of another account's key, under another user handle, without the presence of a user, with flags that
 * contradict each other or the enrolment, and (`suspect`) one whose signed count went back, which a copy would do.
 *
 * @throws StepUpError `ERR_CONFIG` that names a setting and what it can be.
 * @see Web Authentication Level 3, sections 7.1 and 7.2; NIST SP 800-63B-4 section 3.2.5 and appendix B (Syncable
 *   Authenticators).
 */
export const webauthn = (options: WebauthnOptions): WebauthnFactor => {
  const settings = settingsOf(options)
  return Object.freeze({
    id: 'webauthn',
    kinds: KINDS,
    traits: TRAITS,
    amr: ['pop', 'hwk', 'swk', 'user'],
    perAccount: settings.perAccount,
    scripts: scriptsWith('webauthn'),
    describe: ({ nickname, data }: Key) => nickname ?? keeperOf(data.aaguid) ?? '',
    unfitAt: (issuer) =>
      isAddress(new URL(issuer).hostname)
        ? `passkeys and security keys need a domain, such as localhost, and ${issuer} has an address`
        : undefined,
    atMost: ({ data }: Key) =>
      proofOf(data.userVerified || settings.userVerification === 'required', data.backupEligible),
    enroll: {
      ttlSeconds: PAGE_SECONDS,
      fields: ['response', 'nickname', 'kind'],
      begin: ({ authenticators }) => {
        const userHandle = authenticators[0]?.data.userHandle ?? randomToken()
        return { outcome: 'continue', state: { ...newState(), userHandle } }
      },
      submit: (state, input, context) => enroll(state, input, context, settings),
      view: (state, context) => creationOptions(state, context, settings),
    },
    challenge: {
      ttlSeconds: PAGE_SECONDS,
      fields: ['response'],
      begin: ({ authenticators }) =>
        authenticators.length === 0 ? refused('not-enrolled') : { outcome: 'continue', state: newState() },
      submit: (state, input, context) => challenge(state, input, context, settings),
      view: async (state, context) => ({
        options: await generateAuthenticationOptions({
          ...asking(settings, context, state),
          allowCredentials: context.authenticators.map(descriptorOf),
          userVerification: settings.userVerification,
        }),
        seconds: PAGE_SECONDS,
      }),
    },
    identify: identifying(settings),
  } satisfies WebauthnFactor)
}
