import { MULTI_FACTOR, PHISHING_RESISTANT, PHISHING_RESISTANT_HARDWARE, SINGLE_FACTOR } from '../assurance/presets.ts'

/** The claims of an ID token that say how somebody signed in; OpenID Connect Core 1.0 section 2. */
export interface SignInClaims {
  readonly acr?: string | undefined
  readonly amr?: readonly string[] | undefined
  /** Epoch seconds. */
  readonly auth_time?: number | undefined
}

/** What Bank asks of a sign-in before it does something. */
export interface Demand {
  /** The `acr` value that must be in the ID token. */
  readonly acr?: string
  /** How old the sign-in may be, in seconds. */
  readonly maxAgeSeconds?: number
  /** The scope that must be granted: what it takes is for the sign-in service to say. */
  readonly scope?: string
}

/** An explanation for a person: a heading, a sentence or two, and where to go. */
export interface Explanation {
  readonly heading: string
  readonly text: string
}

// RFC 8176 section 2, and one of oidc-step-up's own.
const METHODS: Readonly<Record<string, string>> = {
  face: 'your face',
  fpt: 'your fingerprint',
  email: 'a code from a mail',
  hwk: 'a key that stays in its device',
  mca: 'a confirmation on another device',
  otp: 'a code from your phone',
  pin: 'a PIN',
  pop: 'a key that only you have',
  pwd: 'a password',
  'recovery-code': 'a recovery code',
  sms: 'a code from a text message',
  swk: 'a passkey',
  tel: 'a phone call',
}
// They say something about the other values, not a further thing that was shown.
const REMARKS = new Set(['mfa', 'rba', 'user'])
const KEYS = new Set(['hwk', 'pop', 'swk'])

const LEVELS: Readonly<Record<string, string>> = {
  [SINGLE_FACTOR]: 'you proved one thing',
  [MULTI_FACTOR]: 'you proved two different things',
  [PHISHING_RESISTANT]: 'you used something that a fake page cannot steal',
  [PHISHING_RESISTANT_HARDWARE]: 'you used a piece of hardware that a fake page cannot trick',
}

const plural = (count: number, unit: string) => `${count} ${unit}${count === 1 ? '' : 's'} ago`

/** How long ago, in the largest unit that fits: "12 seconds ago". */
export const ago = (at: number, now: number) => {
  const seconds = Math.max(0, Math.floor(now - at))
  if (seconds < 2) return 'just now'
  if (seconds < 60) return plural(seconds, 'second')
  if (seconds < 3600) return plural(Math.floor(seconds / 60), 'minute')
  return seconds < 86_400 ? plural(Math.floor(seconds / 3600), 'hour') : plural(Math.floor(seconds / 86_400), 'day')
}

const enumerate = (items: readonly string[]) =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`

/** Another device confirms with its key; one that made sure of its user is a passkey beside that. */
const isOfDevice = (value: string, amr: readonly string[]) =>
  KEYS.has(value) && amr.includes('mca') && !amr.includes('user')

/** Of what kind a key is says more than that there was one. */
const isTold = (value: string, amr: readonly string[]) =>
  !REMARKS.has(value) && !isOfDevice(value, amr) && !(value === 'pop' && (amr.includes('hwk') || amr.includes('swk')))

const methodsIn = (amr: readonly string[]) =>
  amr
    .filter((value) => isTold(value, amr))
    .map((value) => (Object.hasOwn(METHODS, value) ? METHODS[value] : undefined) ?? `something called “${value}”`)

/** What was shown: "a password and a code from your phone"; empty where `amr` names no method. */
export const describeMethods = (amr: readonly string[]) => enumerate(methodsIn(amr))

/** How many things `amr` claims to be, before they are enumerated. */
const thingsIn = (amr: readonly string[], methods: number) => {
  if (!amr.includes('mfa')) return methods === 1 ? 'one thing: ' : ''
  if (methods === 1) return 'two different things at once: '
  return methods === 2 ? 'two different things: ' : 'different things: '
}

/** The sign-in in one plain sentence. */
export const describeSignIn = ({ amr = [], auth_time }: SignInClaims, now: number) => {
  const methods = methodsIn(amr)
  const when = auth_time === undefined ? '' : `, ${ago(auth_time, now)}`
  if (methods.length === 0) return `Your sign-in service did not say how you signed in${when}.`
  return `You proved ${thingsIn(amr, methods.length)}${enumerate(methods)}${when}.`
}

/** What an `acr` value means, or `undefined` for one that Bank does not know. */
export const describeLevel = (acr: string | undefined) =>
  acr !== undefined && Object.hasOwn(LEVELS, acr) ? LEVELS[acr] : undefined

/** What a scope lets Bank see; RFC 6749 section 3.3. */
const SCOPES: Readonly<Record<string, string>> = {
  profile: 'your name',
  email: 'your email address',
  documents: 'your documents',
}

/** What Bank may see: "your name and your email address". */
export const describeScopes = (scopes: readonly string[]) =>
  enumerate(scopes.flatMap((scope) => (Object.hasOwn(SCOPES, scope) ? (SCOPES[scope] ?? []) : [])))

/** What Bank can say of a sign-in that came with the scope `documents`: what was shown, never why that was enough. */
export const explainDocuments = ({ amr = [] }: SignInClaims) =>
  amr.includes('mfa')
    ? 'You showed two different things. If you let your sign-in service remember this browser, one is enough next time.'
    : 'One thing was enough for your sign-in service this time, as it is in a browser that it remembers for you. ' +
      'Bank learns what you showed, not why that was enough.'

/** A sign-in as far as Bank judges it. */
export interface Judged {
  readonly claims: SignInClaims
  /** What is granted. */
  readonly scopes: readonly string[]
}

/** Whether the sign-in at hand is enough, or Bank has to ask for a stronger, newer or wider one. */
export const isEnough = ({ claims, scopes }: Judged, { acr, maxAgeSeconds, scope }: Demand, now: number) =>
  (scope === undefined || scopes.includes(scope)) &&
  (acr === undefined || claims.acr === acr) &&
  (maxAgeSeconds === undefined || (claims.auth_time !== undefined && now - claims.auth_time <= maxAgeSeconds))

/** A form that is not of this session. */
export const STALE_FORM: Explanation = {
  heading: 'That form was too old',
  text: 'Nothing was done. Go back to the start and try again.',
}

const UNMET_LIMITS: Explanation = {
  heading: 'Your limits stay as they are',
  text:
    'Changing limits takes a passkey or a security key: something that a fake page cannot steal. You did not show one, ' +
    'so we stopped here. Nothing was changed, and you can go on using everything else. If your account has none yet: ' +
    'when you have confirmed with a code, for a transfer say, your sign-in service offers from time to time to use ' +
    'this device instead. Take that, then come back.',
}

// RFC 6749 section 4.1.2.1, OpenID Connect Core 1.0 section 3.1.2.6 and the error code extension
// unmet_authentication_requirements.
const ERRORS: Readonly<Record<string, Explanation>> = {
  access_denied: {
    heading: 'You went back',
    text: 'You stopped on the way, so nothing happened. You can try again whenever you like.',
  },
  unmet_authentication_requirements: {
    heading: 'That needs a stronger sign-in',
    text: 'What you wanted to do takes more proof than was shown this time, so we stopped here. Nothing was changed.',
  },
  login_required: { heading: 'Please sign in', text: 'Your sign-in service does not know you at the moment.' },
  interaction_required: {
    heading: 'Your sign-in service has a question',
    text: 'It could not go on without showing you a page. Please try again.',
  },
  consent_required: {
    heading: 'Bank needs your permission',
    text: 'You have not allowed Bank to see your account yet. Please try again and allow it.',
  },
  temporarily_unavailable: {
    heading: 'Your sign-in service is busy',
    text: 'It asked us to come back later. Please try again in a minute.',
  },
  server_error: {
    heading: 'Your sign-in service has a problem',
    text: 'Something went wrong there, not with you. Please try again in a minute.',
  },
}

/** What an OAuth error code means to the person in front of Bank; `acr` is what Bank had asked for. */
export const explainError = (code: string, acr?: string): Explanation =>
  code === 'unmet_authentication_requirements' && acr === PHISHING_RESISTANT
    ? UNMET_LIMITS
    : ((Object.hasOwn(ERRORS, code) ? ERRORS[code] : undefined) ?? {
        heading: 'The sign-in did not work',
        text: 'Your sign-in service answered with something we did not expect. Please try again.',
      })
