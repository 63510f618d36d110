import type { BackchannelAuthenticationRequest, KoaContextWithOIDC } from 'oidc-provider'
import { errors } from 'oidc-provider'
import type { Transaction } from '../../factors/factor.ts'

const MAX_MESSAGE = 200
/** What breaks a line or turns the text around it, so that two screens would not show the same. */
const TWISTED = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u

/** Adapters drop what has expired, and whoever asks for that is told that it never was. */
const LINGER_SECONDS = 60

/** A parameter that is there, and not empty. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** `authorization_details` of a request, which oidc-provider has checked (RFC 9396 section 2). */
export const detailsOf = (value: unknown): Transaction['authorizationDetails'] => {
  const text = textOf(value)
  return text === undefined ? undefined : JSON.parse(text)
}

/** What the account's owner is asked to agree to. */
export const transactionOf = (params: Readonly<Record<string, unknown>>): Transaction => {
  const bindingMessage = textOf(params.binding_message)
  const authorizationDetails = detailsOf(params.authorization_details)
  return {
    ...(bindingMessage === undefined ? {} : { bindingMessage }),
    ...(authorizationDetails === undefined ? {} : { authorizationDetails }),
  }
}

/**
 * A bare yes ties nobody's answer to anything, so there has to be something to compare (NIST SP 800-63B-4 section
 * 3.1.3; CIBA Core 1.0 section 7.1).
 *
 * @throws InvalidBindingMessage
 */
export const assertComparable = ({ oidc }: KoaContextWithOIDC, message: string | undefined): void => {
  const text = textOf(message)
  if (text === undefined && (detailsOf(oidc.params?.authorization_details) ?? []).length === 0)
    throw new errors.InvalidBindingMessage('binding_message is needed, for the user to compare')
  if (text !== undefined && (text.length > MAX_MESSAGE || TWISTED.test(text) || !VISIBLE.test(text)))
    throw new errors.InvalidBindingMessage(`binding_message must be one line of at most ${MAX_MESSAGE} characters`)
}

/** Makes the next saving of a request outlast it, so that a client that comes too late is told so. */
export const linger = (request: BackchannelAuthenticationRequest): void => {
  const value = request.remainingTTL + LINGER_SECONDS
  Object.defineProperty(request, 'remainingTTL', { value, configurable: true })
}
