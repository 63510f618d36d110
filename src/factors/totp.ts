import { NodeCryptoPlugin } from '@otplib/plugin-crypto-node'
import { generateSecret, generateURI, verifySync } from 'otplib'
import QRCode from 'qrcode'
import { StepUpError } from '../errors.ts'
import type { Authenticator, CeremonyContext, Factor, Input } from './factor.ts'

/** How the authenticator app names the accounts it holds for you. */
export interface TotpOptions {
  /** Your service's name as the app shows it, without a colon. */
  readonly issuer: string
}

/** An enrolment under way: the secret that the app is being given. */
export interface TotpState {
  /** Base32 without padding. Absent in a challenge, which needs no state. */
  readonly secret?: string
}

/** What is kept of an enrolled app. */
export interface TotpData {
  /** 160 bits in Base32 without padding (RFC 4226 section 4, R6). */
  readonly secret: string
  /** The last accepted time step: neither it nor any before it is accepted again (RFC 6238 section 5.2). */
  readonly lastStep: number
}

/** What the screens show. Only enrolment has a secret to show, to the person it belongs to. */
export interface TotpView {
  readonly digits: number
  /** A picture of `uri` as a `data:` URI, drawn here and by nobody else. */
  readonly qr?: string
  /** The secret in groups of four, for typing. */
  readonly secret?: string
  /** The `otpauth:` URI, for an app on this device. */
  readonly uri?: string
}

const DIGITS = 6
const PERIOD_SECONDS = 30
const SECRET_BYTES = 20
const ENROLLMENT_SECONDS = 1800
const CHALLENGE_SECONDS = 600

/** node:crypto takes a tenth of the time of the portable default. */
const crypto = new NodeCryptoPlugin()

/** The digits as typed; people paste codes with the space, of whatever kind, that their app shows in the middle. */
const codeOf = ({ code = '' }: Input) => {
  const digits = code.replace(/\s/g, '')
  return /^[0-9]{6}$/.test(digits) ? digits : undefined
}

/** The time step whose code this is: the present one or, for slow typists, the one before (RFC 6238 section 5.2). */
const matchingStep = (secret: string, token: string, now: number) => {
  const result = verifySync({
    secret,
    token,
    crypto,
    epoch: now,
    period: PERIOD_SECONDS,
    digits: DIGITS,
    epochTolerance: [PERIOD_SECONDS, 0],
  })
  return result.valid && 'timeStep' in result ? result.timeStep : undefined
}

/** A colon separates issuer and account in an `otpauth:` label, so it can be in neither. */
const keyUri = (issuer: string, { account }: CeremonyContext<TotpData>, secret: string) =>
  generateURI({ issuer, label: account.label.replaceAll(':', ' '), secret, digits: DIGITS, period: PERIOD_SECONDS })

const picture = async (uri: string) => {
  const svg = await QRCode.toString(uri, { type: 'svg', errorCorrectionLevel: 'M', margin: 4 })
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`
}

const challenge = (context: CeremonyContext<TotpData>, code: string) => {
  const matches = context.authenticators
    .map((authenticator) => ({ authenticator, step: matchingStep(authenticator.data.secret, code, context.now) }))
    .filter((match): match is { authenticator: Authenticator<TotpData>; step: number } => match.step !== undefined)
  const fresh = matches.find(({ authenticator, step }) => step > authenticator.data.lastStep)
  if (fresh === undefined) return { outcome: 'refused', reason: matches.length > 0 ? 'used' : 'invalid' } as const
  const { authenticator, step } = fresh
  return {
    outcome: 'accepted',
    authenticatorId: authenticator.id,
    change: { update: { authenticatorId: authenticator.id, data: { ...authenticator.data, lastStep: step } } },
  } as const
}

const issuerOf = (options: TotpOptions) => {
  const { issuer, ...others } = Object(options) as TotpOptions
  const [strange] = Object.keys(others)
  if (strange !== undefined && typeof options === 'object')
    throw new StepUpError('ERR_CONFIG', `totp({ ${strange} }): found an unknown setting; allowed: only issuer`)
  if (typeof issuer === 'string' && issuer.trim() !== '' && !issuer.includes(':')) return issuer
  const found = issuer === undefined ? 'nothing' : (JSON.stringify(issuer) ?? `a value of type ${typeof issuer}`)
  throw new StepUpError('ERR_CONFIG', `totp({ issuer }): found ${found}; allowed: your service's name, without a colon`)
}

/**
 * Codes from an authenticator app: RFC 6238 with SHA-1, six digits and thirty seconds, which is what every
 * app can do. One step back is accepted, none ahead; an accepted step is never accepted again.
 *
 * Proves possession, replay-resistant; `amr` is `otp`. Anything typed by hand can be relayed, so it is never
 * phishing-resistant (NIST SP 800-63B-4, "Phishing (Verifier Impersonation) Resistance").
 *
 * @throws StepUpError `ERR_CONFIG` where `issuer` is missing, is empty or has a colon, and for any other option.
 * @see RFC 6238; RFC 4226 sections 4 and 7; the Key URI Format of the authenticator apps.
 */
export const totp = (options: TotpOptions): Factor<TotpState, TotpData, TotpView> => {
  const issuer = issuerOf(options)
  return Object.freeze({
    id: 'totp',
    kinds: ['possession'],
    traits: ['replay-resistant'],
    amr: ['otp'],
    describe: ({ nickname }: Authenticator<TotpData>) => nickname ?? '',
    enroll: {
      ttlSeconds: ENROLLMENT_SECONDS,
      fields: ['code'],
      begin: () => ({ outcome: 'continue', state: { secret: generateSecret({ length: SECRET_BYTES }) } }),
      submit: ({ secret = '' }, input, { now }) => {
        const code = codeOf(input)
        const step = code === undefined ? undefined : matchingStep(secret, code, now)
        return step === undefined
          ? { outcome: 'refused', reason: 'invalid' }
          : { outcome: 'accepted', change: { add: { secret, lastStep: step } } }
      },
      view: async ({ secret = '' }, context) => {
        const uri = keyUri(issuer, context, secret)
        return { digits: DIGITS, uri, qr: await picture(uri), secret: secret.replace(/.{4}(?=.)/g, '$& ') }
      },
    },
    challenge: {
      ttlSeconds: CHALLENGE_SECONDS,
      fields: ['code'],
      begin: () => ({ outcome: 'continue', state: {} }),
      submit: (_state, input, context) => {
        const code = codeOf(input)
        return code === undefined ? { outcome: 'refused', reason: 'invalid' } : challenge(context, code)
      },
      view: () => ({ digits: DIGITS }),
    },
  } satisfies Factor<TotpState, TotpData, TotpView>)
}
