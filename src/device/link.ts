import { DeviceError } from './error.ts'

/** What an enrolment link says. */
export interface EnrollmentLink {
  /** Exactly as the provider's metadata spells it. */
  readonly issuer: string
  readonly ticket: string
}

const MAX_LENGTH = 2048
const PATH = /\/authenticator\/?#enroll=([\w-]{22,64})$/
// Written out: not every runtime has a complete URL class. Plain http is for one's own machine alone.
const HTTPS = /^https:\/\/[\w.-]+(?::\d{1,5})?(?:\/[^\s?#]*)?$/
const HTTP = /^http:\/\/(?:localhost|127\.0\.0\.1)(?::\d{1,5})?(?:\/[^\s?#]*)?$/

/**
 * Reads the text of a QR code, or a link, that opens an enrolment.
 *
 * @throws DeviceError `invalid_link` for anything else, and where the issuer is neither reached by https nor on localhost.
 */
export const readLink = (text: string): EnrollmentLink => {
  const link = text.trim()
  const ticket = link.length > MAX_LENGTH ? undefined : PATH.exec(link)?.[1]
  const issuer = link.replace(PATH, '')
  if (ticket === undefined || !(HTTPS.test(issuer) || HTTP.test(issuer)))
    throw new DeviceError('invalid_link', 'This is no link for an enrolment.')
  return { issuer, ticket }
}

/** The one URL of an issuer that devices speak to. */
export const endpointOf = (issuer: string): string => `${issuer.replace(/\/$/, '')}/mfa/devices`
