import type { Missing } from '../assurance/missing.ts'
import type { Decision } from '../policy/decision.ts'
import { needsInWords } from '../policy/reach.ts'
import type { Demand } from '../policy/rule.ts'
import type { Reason } from '../policy/trace.ts'
import type { ExplainedLevel } from './explanation.ts'

const FACTORS: Readonly<Record<string, string>> = {
  login: 'login page',
  totp: 'authenticator app',
  sms: 'text message',
  email: 'code by email',
  webauthn: 'passkey or security key',
  push: 'confirmation on a device',
  duo: 'Duo',
  'recovery-codes': 'recovery code',
}

/** What an operator calls a factor; one that we do not know by its id. */
export const factorName = (id: string): string => (Object.hasOwn(FACTORS, id) ? (FACTORS[id] ?? id) : id)

const oneOf = (factors: readonly string[]) => `one of: ${factors.map(factorName).join(', ')}`

const inChallenge = ({ factors, for: why }: Decision & { outcome: 'challenge' }) => {
  if (factors.length === 0) return 'explains that nothing the account has would do'
  return why === 'enrollment' ? `asks, before something is set up, for ${oneOf(factors)}` : `asks for ${oneOf(factors)}`
}

const LIFTED = {
  'remembered-browser': ', as the browser is remembered',
  exempt: ', as nothing can ask',
  confidence: ', as risk signals call for nothing more',
} as const

const REFUSED_BY_RULE = 'a rule lets nobody pass'

/** What a sign-in would come to, in a line. */
export const outcomeInWords = (decision: Decision): string => {
  const declinable = 'declinable' in decision && decision.declinable ? ', and can be declined' : ''
  switch (decision.outcome) {
    case 'satisfied':
      return `lets through${decision.lifted === undefined ? '' : LIFTED[decision.lifted]}`
    case 'login':
      return decision.trace.prompt === 'none' ? 'refuses: login_required' : 'asks for a login'
    case 'challenge':
      return `${inChallenge(decision)}${declinable}`
    case 'enroll':
      return `has set up ${oneOf(decision.factors)}${declinable}`
    case 'refuse': {
      const why = decision.trace.reason === 'refused-by-rule' ? ` (${REFUSED_BY_RULE})` : ''
      return `refuses: ${decision.error}${why}`
    }
  }
}

const REASONS: Readonly<Record<Reason, string>> = {
  'account-inactive': 'the account is disabled',
  'refused-by-rule': REFUSED_BY_RULE,
  'address-unproved': 'the policy wants a verified address proved first',
  'enrollment-owed': 'the account has to set something up',
  'login-void': 'no login of the session stands',
  'max-age': 'the login is too old for what is asked',
  'acr-unknown': 'what is asked as essential is the name of no level',
  'essential-unmet': 'an essential level is not met',
  'floor-unmet': 'a level that the policy owes is not met',
  'voluntary-unmet': 'a level that is asked for is not met',
  'nothing-owed': 'all that is asked and owed is met, or lifted',
}

/** Why, in words. */
export const reasonInWords = (reason: Reason): string => REASONS[reason]

/** What a level lacks, in words. */
export const missingInWords = ({ kinds, traits, factors, without, fresherThanSeconds }: Missing): string =>
  [
    ...(kinds === undefined ? [] : [`${kinds} more kind${kinds === 1 ? '' : 's'} of proof`]),
    ...(traits === undefined ? [] : [`${traits.join(' and ')}, in one proof`]),
    ...(factors === undefined ? [] : [oneOf(factors)]),
    ...(without === undefined ? [] : [`something other than ${without.join(' and ')}`]),
    ...(fresherThanSeconds === undefined ? [] : [`a proof at most ${fresherThanSeconds} s old`]),
  ].join('; ')

/** What a rule demands, in the words of its settings. */
export const demandInWords = (demand: Demand): string =>
  Object.entries(demand)
    .map(([name, value]) => (value === true ? name : `${name} ${[value].flat().join(', ')}`))
    .join('; ')

const limitsInWords = ({ maxAgeSeconds, overallMaxAgeSeconds }: ExplainedLevel) => [
  ...(maxAgeSeconds === undefined ? [] : [`at most ${maxAgeSeconds} s old`]),
  ...(overallMaxAgeSeconds === undefined ? [] : [`all of it at most ${overallMaxAgeSeconds} s old`]),
]

/** What a level needs, in words. */
export const levelInWords = (level: ExplainedLevel): string =>
  [needsInWords(level.needs), ...limitsInWords(level)].filter(Boolean).join(', ')
