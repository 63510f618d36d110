import { randomBytes } from 'node:crypto'
import { equalSecret } from '../crypto/equal.ts'
import { randomToken } from '../crypto/random.ts'
import { isHashingBusy, slowHash } from '../crypto/slow-hash.ts'
import type { Authenticator, CeremonyContext, Factor, Input, Step } from './factor.ts'

/** An enrolment under way: the codes that are being saved. */
export interface RecoveryCodesState {
  /** As they are shown. Absent in a challenge, which needs no state. */
  readonly codes?: readonly string[]
  /** Set once the form came without the word that the codes are saved. */
  readonly unconfirmed?: true
}

/** What is kept of a set: never a code. */
export interface RecoveryCodesData {
  /** 128 bits in base64url, one for the set, so that an attempt costs one hash and not ten. */
  readonly salt: string
  readonly slots: readonly {
    /** scrypt of the code in upper case without hyphens, in base64url. */
    readonly hash: string
    /** Epoch seconds; present once the code was used. */
    readonly usedAt?: number
  }[]
}

/** What the screens show. Only enrolment has codes to show, to the person they belong to. */
export interface RecoveryCodesView {
  /** Ten of the form `7K2M-9QXD-H3PT-W8VE`. */
  readonly codes?: readonly string[]
  /** Unused codes in the set that these replace; absent where there is none. */
  readonly left?: number
  /** The codes were not said to be saved. */
  readonly unconfirmed?: true
}

const CODES = 10
/** Five random bits each, 80 in all; NIST SP 800-63B-4 section 4.2.1.1 asks for 64. */
const CODE_LENGTH = 16
const SALT_BYTES = 16
const ENROLLMENT_SECONDS = 1800
const CHALLENGE_SECONDS = 600

/** Crockford's Base32: without I, L, O, which are read as digits, and U. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Five bits of each random byte: 32 divides 256, so every character is as likely as any other. */
const newCode = () =>
  Array.from(randomBytes(CODE_LENGTH), (byte) => ALPHABET.charAt(byte % ALPHABET.length))
    .join('')
    .replace(/.{4}(?=.)/g, '$&-')

const newCodes = () => Array.from({ length: CODES }, newCode)

/** The code as it is hashed, however it was typed: in any case, with any spaces and hyphens, O for 0, I or L for 1. */
const codeOf = ({ code = '' }: Input) => {
  // Besides all that Unicode calls space or dash: the invisible ones that pasting brings along.
  const typed = code.replace(/[\s\p{Dash}\u00ad\u200b]/gu, '')
  // Before changing case: other alphabets have letters whose capital is one of ours.
  if (!/^[0-9A-TV-Z]{16}$/i.test(typed)) return undefined
  return typed.toUpperCase().replaceAll('O', '0').replace(/[IL]/g, '1')
}

/** One hash after the other, so that people who answer a challenge get their turn between. */
const hashSet = async (codes: readonly string[]): Promise<RecoveryCodesData> => {
  const salt = randomToken(SALT_BYTES)
  const slots: { hash: string }[] = []
  for (const code of codes) slots.push({ hash: await slowHash(code.replaceAll('-', ''), salt) })
  return { salt, slots }
}

const usesLeft = ({ data }: Authenticator<RecoveryCodesData>) =>
  data.slots.filter(({ usedAt }) => usedAt === undefined).length

/** The newest set: a new one replaces those before it. */
const setOf = ({ authenticators }: CeremonyContext<RecoveryCodesData>) => authenticators.at(-1)

const refused = (reason: 'invalid' | 'used' | 'not-enrolled' | 'unavailable') =>
  ({ outcome: 'refused', reason }) as const

const challenge = async (
  { id, data }: Authenticator<RecoveryCodesData>,
  code: string,
  now: number,
): Promise<Step<RecoveryCodesState, RecoveryCodesData>> => {
  if (isHashingBusy()) return refused('unavailable')
  const hash = await slowHash(code, data.salt)
  // All of them, used ones too: the time says nothing about which it was, or whether there was one.
  const matches = data.slots.map((slot) => equalSecret(slot.hash, hash))
  const index = matches.indexOf(true)
  const slot = data.slots[index]
  if (slot === undefined) return refused('invalid')
  if (slot.usedAt !== undefined) return refused('used')
  const slots = data.slots.with(index, { ...slot, usedAt: now })
  return {
    outcome: 'accepted',
    authenticatorId: id,
    change: { update: { authenticatorId: id, data: { ...data, slots } } },
  }
}

/** Having been shown codes proves nothing. */
const NOTHING = { kinds: [], traits: [], amr: [] } as const

const enroll = async (
  state: RecoveryCodesState,
  { kept }: Input,
): Promise<Step<RecoveryCodesState, RecoveryCodesData>> => {
  if (kept !== 'yes') return { outcome: 'continue', state: { ...state, unconfirmed: true } }
  if (isHashingBusy()) return refused('unavailable')
  return { outcome: 'accepted', change: { replace: await hashSet(state.codes ?? []) }, proof: NOTHING }
}

/**
 * Recovery codes for the day the phone is lost: ten codes of 80 random bits, saved by their owner, each of
 * which answers one challenge. A new set replaces the one before, used or not.
 *
 * Proves possession, replay-resistant, with the trait `recovery`, so that a level can ask for more. `amr` is
 * `recovery-code`, a value of our own: RFC 8176 section 2 has none for look-up secrets, and `otp` would claim
 * a one-time password generator that nobody has. An enrolment proves nothing at all.
 *
 * Refused are a code of another form, for which no hash is computed, or of another set (`invalid`), one that
 * was used before (`used`), any of an account without codes (`not-enrolled`) and any that would be one too many
 * to wait for its hash (`unavailable`).
 *
 * @see NIST SP 800-63B-4 sections 3.1.2 (Look-Up Secrets) and 4.2.1.1 (Saved Recovery Codes); Douglas
 *   Crockford, Base 32.
 */
export const recoveryCodes = (): Factor<RecoveryCodesState, RecoveryCodesData, RecoveryCodesView> =>
  Object.freeze({
    id: 'recovery-codes',
    kinds: ['possession'],
    traits: ['replay-resistant', 'recovery'],
    amr: ['recovery-code'],
    describe: () => '',
    usesLeft,
    issue: async () => {
      const codes = newCodes()
      return { codes, data: await hashSet(codes) }
    },
    enroll: {
      inProcess: true,
      ttlSeconds: ENROLLMENT_SECONDS,
      fields: ['kept'],
      begin: () => ({ outcome: 'continue', state: { codes: newCodes() } }),
      submit: enroll,
      view: ({ codes = [], unconfirmed }, context) => {
        const set = setOf(context)
        return {
          codes,
          ...(set === undefined ? {} : { left: usesLeft(set) }),
          ...(unconfirmed === undefined ? {} : { unconfirmed }),
        }
      },
    },
    challenge: {
      inProcess: true,
      ttlSeconds: CHALLENGE_SECONDS,
      fields: ['code'],
      begin: () => ({ outcome: 'continue', state: {} }),
      submit: (_state, input, context) => {
        const code = codeOf(input)
        const set = setOf(context)
        if (code === undefined) return refused('invalid')
        return set === undefined ? refused('not-enrolled') : challenge(set, code, context.now)
      },
      view: () => ({}),
    },
  } satisfies Factor<RecoveryCodesState, RecoveryCodesData, RecoveryCodesView>)
