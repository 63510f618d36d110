import type { Proof } from '../../assurance/evidence.ts'
import type { Refusal, Step } from '../factor.ts'

/** A public key of P-256 as a JWK (RFC 7518 section 6.2.1), without anything else that one can hold. */
export interface PublicKey {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
}

/** Where pushes for a device go; what else it has is its service's: JSON. */
export interface PushChannel {
  readonly service: string
}

/** What is kept of an enrolled device. */
export interface PushData {
  /** Its name for good: the thumbprint of its first public key (RFC 7638). */
  readonly deviceId: string
  /** The only key that counts now. */
  readonly publicKey: PublicKey
  /** How it calls itself. */
  readonly name: string
  /** Absent where it has none: then it finds by itself what it is asked, while it is open. */
  readonly channel?: PushChannel
}

/** Enrolment, before a device came. */
export interface TicketState {
  readonly step: 'ticket'
  /** 128 random bits in base64url. */
  readonly ticket: string
  /** Epoch seconds. */
  readonly expiresAt: number
}

/** A device came; whoever has it types its code on the page that showed the ticket. */
export interface DeviceState extends PushData {
  readonly step: 'device'
  /** Six digits that the device shows. */
  readonly code: string
  /** Epoch seconds. */
  readonly expiresAt: number
}

/** A question to the account's devices. */
export interface ChallengeState {
  readonly step: 'challenge'
  /** 128 random bits in base64url. */
  readonly reference: string
  /** How the device's answer shows that its person sees the page: the number typed, or a message compared. */
  readonly match: 'number' | 'message'
  /** What is to be typed on the device, which is never told it. Absent with `match: 'message'`. */
  readonly number?: string
  /** What the client shows too. */
  readonly message?: string
  /** Of the request (RFC 9396). */
  readonly details?: readonly Readonly<Record<string, unknown>>[]
  /** The account's label as the device is shown it. */
  readonly account: string
  readonly client?: string
  readonly browser?: string
  readonly address?: string
  readonly place?: string
  /** Epoch seconds. */
  readonly at: number
  /** Epoch seconds: from then on nobody can answer. */
  readonly expiresAt: number
}

/** A ceremony under way. */
export type PushState = TicketState | DeviceState | ChallengeState

/** How long something can still be answered. */
interface Lasting {
  /** Epoch seconds. */
  readonly expiresAt: number
  /** Nothing can be answered here any more; another can be asked for. */
  readonly isExpired: boolean
}

/** The enrolment page, before a device came: for the person that it belongs to. */
export interface PushTicketView extends Lasting {
  readonly step: 'ticket'
  /** What the device opens; absent once it works no more. */
  readonly link?: string
  /** A picture of `link` as a `data:` URI, drawn here and by nobody else. */
  readonly qr?: string
  readonly digits: number
}

/** The enrolment page, once a device came. */
export interface PushDeviceView extends Lasting {
  readonly step: 'device'
  /** How the device calls itself. */
  readonly name: string
  readonly digits: number
}

/** The page that waits for an answer. */
export interface PushChallengeView extends Lasting {
  readonly step: 'challenge'
  /** What to type on the device; absent where it can be answered no more, or a message is compared. */
  readonly number?: string
  /** How long it can still be answered when the page is drawn, in seconds. */
  readonly seconds: number
}

/** What the screens show. */
export type PushView = PushTicketView | PushDeviceView | PushChallengeView

/** A step of either ceremony. */
export type PushStep = Step<PushState, PushData>

/** The refusal with this reason. */
export const refused = (reason: Refusal) => ({ outcome: 'refused', reason }) as const

/** A refusal that ends the ceremony. */
export const ended = (reason: Refusal, detail?: string) =>
  ({ outcome: 'refused', reason, final: true, ...(detail === undefined ? {} : { detail }) }) as const

/** A form without a proof to judge: a field that does something. */
export const asks = (value: string | undefined): boolean => value !== undefined && value !== ''

/**
 * What a signed answer proves: the device, by its key, over a channel of its own. Where the app is trusted to have made
 * sure of its user by the device's own lock, also that it is this person.
 *
 * @see RFC 8176 section 2 (`mca`, `pop`, `swk`): whether the key is in hardware, nobody here can tell
 */
export const proofOf = (userVerified: boolean): Proof => ({
  kinds: userVerified ? ['possession', 'inherence'] : ['possession'],
  traits: ['out-of-band', 'replay-resistant', ...(userVerified ? (['user-verified'] as const) : [])],
  amr: ['mca', 'pop', 'swk'],
})

/** One line of what somebody else wrote, without what could turn the text around it. */
export const lineOf = (text: string, most: number): string => {
  const line = text
    .normalize('NFC')
    .replace(/[\s\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim()
  return [...line].slice(0, most).join('').trim()
}
