import type { Upstream } from '../../assurance/evidence.ts'
import type { Condition } from '../condition.ts'
import { choices, isBetween, isText, refusal, TEXT } from '../refuse.ts'
import { about } from './about.ts'
import { anyMatch, type Match, textMatch } from './matching.ts'
import { choice } from './wording.ts'

/** The values of RFC 8176 section 2: an `amr` that lacks one of them says that it was not done. */
const AMR = new Set(
  'face fpt geo hwk iris kba mca mfa otp pin pop pwd rba retina sc sms swk tel user vbm wia'.split(' '),
)
const DAY = 86_400
const MAX_DAYS = 36_500

/**
 * The account has not signed in from this browser before, by a cookie of ours. What kind of browser it says it is does
 * not help it.
 */
export const newDevice = (): Condition<'device'> =>
  about('device', 'browser is new', ({ cookie }) => cookie !== 'known')

/**
 * This session last proved a factor longer ago than so many days, or never has. A proof that lies in the future tells
 * nothing.
 *
 * @throws StepUpError `ERR_CONFIG` where it is no number of days.
 */
export const daysSinceFactor = (days: number): Condition<'lastFactorAt' | 'now'> => {
  if (!isBetween(days, 0, MAX_DAYS)) throw refusal('daysSinceFactor', days, 'a number of days above 0')
  return Object.freeze<Condition<'lastFactorAt' | 'now'>>({
    text: `no factor proved within ${days} days`,
    reads: Object.freeze(['lastFactorAt', 'now'] as const),
    test({ lastFactorAt, now }) {
      const age = now - (lastFactorAt ?? Number.NEGATIVE_INFINITY)
      return age >= 0 ? age > days * DAY : undefined
    },
  })
}

/**
 * The account has enrolled one of these factors, by id.
 *
 * @throws StepUpError `ERR_CONFIG` where none is named.
 */
export const enrolled = (...factorIds: readonly string[]): Condition<'enrolled'> => {
  const allowed = new Set(choices('enrolled', factorIds, isText, 'the id of a factor'))
  return about('enrolled', `${choice(factorIds)} is enrolled`, (ids) => ids.some((id) => allowed.has(id)))
}

/**
 * The login was of one of these methods: what the host's `login()` called it (`federated`, `magic-link`), or a value of
 * its `amr` (`pwd`). Where the host gave it no name, names other than those of RFC 8176 are not known to fit or not.
 *
 * @throws StepUpError `ERR_CONFIG` where none is named.
 */
export const loginMethod = (...values: readonly string[]): Condition<'login'> => {
  const match = textMatch(choices('loginMethod', values, isText, TEXT))
  const areAmr = values.every((value) => AMR.has(value))
  return about('login', `login by ${choice(values)}`, ({ method, amr }) => {
    const byAmr = anyMatch(amr, match)
    if (byAmr !== false) return byAmr
    if (method !== undefined) return match(method)
    return areAmr && amr.length > 0 ? false : undefined
  })
}

/** What is asked of the identity provider before ours; all that is named has to hold. */
export interface UpstreamQuestion {
  /** Its issuer identifier is one of these. Without it, any provider's word counts: name it where that makes it easier. */
  readonly issuer?: string | readonly string[]
  /** Its `acr` is one of these. */
  readonly acr?: string | readonly string[]
  /** Its `amr` has one of these. */
  readonly amr?: string | readonly string[]
}

const MEMBERS = ['issuer', 'acr', 'amr'] as const

const membersOf = (question: UpstreamQuestion) =>
  MEMBERS.flatMap((name) => {
    const values = question[name]
    if (values === undefined) return []
    const listed = choices(`upstream.${name}`, [values].flat(), isText, TEXT)
    return [{ name, match: textMatch(listed), text: `${name} is ${choice(listed)}` }]
  })

const judge = (value: Upstream[(typeof MEMBERS)[number]], match: Match<string>) => {
  if (value === undefined) return undefined
  return typeof value === 'string' ? match(value) : anyMatch(value, match)
}

/**
 * An identity provider before ours said this of the login. Of a login without one it is known not to hold; what that
 * provider left out is not known.
 *
 * @throws StepUpError `ERR_CONFIG` where nothing is asked, or a list is empty.
 */
export const upstream = (question: UpstreamQuestion): Condition<'login'> => {
  const members = membersOf(question)
  if (members.length === 0) throw refusal('upstream', question, `at least one of ${MEMBERS.join(', ')}`)
  const text = `upstream ${members.map((member) => member.text).join(' and ')}`
  return about('login', text, (login) => {
    if (login.upstream === undefined) return false
    let answer: boolean | undefined = true
    for (const { name, match } of members) {
      const held = judge(login.upstream[name], match)
      if (held === false) return false
      if (held === undefined) answer = undefined
    }
    return answer
  })
}
