import type { Proof } from '../../assurance/evidence.ts'

/** Something in one's hands, and no more is known of it. `duo` is a value of our own: RFC 8176 section 2 has none. */
export const UNKNOWN: Proof = { kinds: ['possession'], traits: [], amr: ['duo'] }

const shown = (traits: Proof['traits'], ...amr: readonly string[]): Proof => ({ kinds: ['possession'], traits, amr })

const push = shown(['out-of-band', 'replay-resistant'], 'mca')
const code = shown(['replay-resistant'], 'otp')
/** It may have come by text message, or from a list. */
const anyCode = shown([], 'otp')
/** Duo tells neither whether the key can be copied nor whether a fingerprint, face or PIN was asked for. */
const key = shown(['phishing-resistant', 'replay-resistant'], 'pop', 'user')
/** Handed out by an administrator in place of a lost device, for once or for a while: a recovery code of theirs. */
const bypass = shown(['recovery'], 'recovery-code')

/** Ways that Duo names in `auth_context.factor`, as its authentication log does, and what each shows. */
const BY_FACTOR: Readonly<Record<string, Proof>> = {
  duo_push: push,
  verified_duo_push: push,
  passcode: anyCode,
  duo_mobile_passcode: code,
  duo_mobile_passcode_hotp: code,
  duo_mobile_passcode_totp: code,
  // Their seeds can be imported, and so held elsewhere.
  hardware_token: code,
  digipass_go_7_token: code,
  yubikey_code: code,
  yubikey_passcode: code,
  sms_passcode: shown(['out-of-band', 'restricted'], 'sms'),
  phone_call: shown(['out-of-band', 'restricted'], 'tel'),
  u2f_token: key,
  bypass_code: bypass,
}

/** Somebody did something. */
const DONE: ReadonlySet<unknown> = new Set(['user_approved', 'valid_passcode', 'verification_code_correct'])

/** Nobody was asked: a browser that Duo remembers, a network it trusts, a user it lets pass, one it does not know. */
const NOT_ASKED = /bypass_user|remembered|trusted|unenrolled|allowed_by_policy|not_available/

/** Some names come in words, such as `WebAuthn Security Key`. */
const nameOf = (value: unknown) => (typeof value === 'string' ? value.toLowerCase().replace(/[\s-]+/g, '_') : '')

/**
 * What was shown at Duo, by its own account; undefined where nothing was. A way that is not in the table shows
 * possession alone, and only where Duo says that somebody answered.
 *
 * @see Duo, Admin API, Authentication Logs (`factor` and `reason`); RFC 8176 section 2.
 */
export const proofOf = ({
  factor,
  reason,
  event_type: event,
}: Readonly<Record<string, unknown>>): Proof | undefined => {
  const [way, why] = [nameOf(factor), nameOf(reason)]
  if (event === 'enrollment' || NOT_ASKED.test(way) || NOT_ASKED.test(why)) return undefined
  if (Object.hasOwn(BY_FACTOR, way)) return BY_FACTOR[way]
  if (way.startsWith('webauthn_')) return key
  return DONE.has(why) ? UNKNOWN : undefined
}
