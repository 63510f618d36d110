import { DeviceError } from './error.ts'

/** What somebody is asked, as a server shows it: to be shown, and to be answered by `approve`, `deny` or `report`. */
export interface Challenge {
  /** The device's own name at this issuer, which tells the accounts apart. */
  readonly deviceId: string
  readonly issuer: string
  /** The name of the challenge, as a push carries it. */
  readonly reference: string
  /** The account's label. */
  readonly account: string
  /** Name of the app that asks. */
  readonly client?: string
  /** Where the request comes from, in words. */
  readonly place?: string
  /** The IP address that it comes from. */
  readonly address?: string
  /** The browser that asks, in words. */
  readonly browser?: string
  /** Epoch seconds: when it was asked. */
  readonly at?: number
  /** Epoch seconds, by the server's clock: until when it can be answered. */
  readonly expiresAt: number
  /** `number`: the person types the number that is shown. `message`: the person compares `message`, or reads `details`. */
  readonly match: 'number' | 'message'
  /** What the app that asks shows as well. */
  readonly message?: string
  /** What is to be authorized in detail (RFC 9396 section 2). */
  readonly details?: readonly Readonly<Record<string, unknown>>[]
}

const TEXTS = ['client', 'place', 'address', 'browser', 'message'] as const

type Members = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null

const readDetails = ({ details }: Members) =>
  Array.isArray(details) && details.every(isObject) ? { details: details as readonly Members[] } : {}

const readOne = (value: unknown): Omit<Challenge, 'deviceId' | 'issuer'> | undefined => {
  if (!isObject(value)) return undefined
  const { reference, account, at, expiresAt, match } = value
  if (typeof reference !== 'string' || typeof account !== 'string' || typeof expiresAt !== 'number') return undefined
  if (match !== 'number' && match !== 'message') return undefined
  if (match === 'message' && typeof value.message !== 'string' && !Array.isArray(value.details)) return undefined
  const texts = TEXTS.flatMap((name) => (typeof value[name] === 'string' ? [[name, value[name]]] : []))
  return {
    reference,
    account,
    expiresAt,
    match,
    ...(typeof at === 'number' ? { at } : {}),
    ...Object.fromEntries(texts),
    ...readDetails(value),
  }
}

/**
 * The challenges in an answer to one device.
 *
 * @throws DeviceError `invalid_answer` where it holds anything that this version cannot show: nobody is to approve what
 * they were not shown.
 */
export const readChallenges = (
  answer: unknown,
  { deviceId, issuer }: { readonly deviceId: string; readonly issuer: string },
): readonly Challenge[] => {
  const list = isObject(answer) ? answer.challenges : undefined
  if (!Array.isArray(list)) throw new DeviceError('invalid_answer', 'The server named no challenges.')
  return list.map((one) => {
    const challenge = readOne(one)
    if (challenge === undefined) throw new DeviceError('invalid_answer', 'The server asks what this app does not know.')
    return Object.freeze({ deviceId, issuer, ...challenge })
  })
}
