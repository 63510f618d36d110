import type { Assessment, DeviceFact } from '../policy/facts.ts'
import type { Assessor } from './assessor.ts'

/*
 * Without the cookie nothing that a browser says of itself may count for it: a user agent is anybody's to send. With
 * the cookie another kind of browser than the one that was given it is a sign of a copy.
 */
const judged = ({ cookie, userAgent }: DeviceFact): Pick<Assessment, 'confidence' | 'code'> => {
  if (cookie !== 'known') return { confidence: 'low', code: userAgent === 'known' ? 'partial_match' : 'no_match' }
  return userAgent === 'known' ? { confidence: 'high', code: 'match' } : { confidence: 'medium', code: 'partial_match' }
}

/**
 * Whether the account has signed in from this browser before. Its name is `NewDevice`.
 *
 * | Code | Confidence | Meaning |
 * | --- | --- | --- |
 * | `match` | high | its cookie is known, and it is the kind of browser that was given it |
 * | `partial_match` | medium | its cookie is known, but the kind of browser is another |
 * | `partial_match` | low | only the kind of browser is known, which says nothing |
 * | `no_match` | low | neither is known |
 * | `initial_login` | low | no sign-in of the account is remembered |
 * | `no_device_history` | low | no browser of the account is remembered any more |
 * | `unknown_device` | unknown | nothing could be learned of browsers |
 *
 * Details: `device` (the cookie) and `useragent`, each `known` or `unknown`. How long browsers are remembered is a
 * setting of the history of sign-ins: 30 days from the last use by default.
 *
 * @see Auth0, Customize Adaptive MFA, NewDevice
 */
export const newDevice = (): Assessor<'device' | 'lastLogin'> =>
  Object.freeze<Assessor<'device' | 'lastLogin'>>({
    name: 'NewDevice',
    reads: ['device', 'lastLogin'],
    assess({ device, lastLogin }) {
      if (device === undefined) return { confidence: 'unknown', code: 'unknown_device' }
      const details = { device: device.cookie, useragent: device.userAgent }
      if (device.known > 0) return { ...judged(device), details }
      const code = lastLogin === undefined ? 'initial_login' : 'no_device_history'
      return { confidence: 'low', code, details }
    },
  })
