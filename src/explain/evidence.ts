import type { Account } from '../account.ts'
import { type Evidence, LOGIN, PASSWORD, type Proof } from '../assurance/evidence.ts'
import type { Config } from '../config.ts'
import type { AccountRecord } from '../flow/account-record.ts'
import { answering } from '../flow/place.ts'
import type { Remembered, Situation } from '../policy/decision.ts'
import { type AskedEvidence, type Question, refuse } from './question.ts'

/** The authorization that is asked about, and an earlier one. */
const [THIS, EARLIER] = ['explained', '']

/** Whose session it is. */
interface Owner {
  readonly config: Config
  readonly account: Account
  readonly record: AccountRecord
}

const JUST_NOW: readonly AskedEvidence[] = [{ factor: LOGIN, secondsAgo: 0 }]

/** Nobody proves a factor without a login before. */
const withLogin = (asked: readonly AskedEvidence[]): readonly AskedEvidence[] => {
  if (asked.some(({ factor }) => factor === LOGIN)) return asked
  const secondsAgo = Math.max(0, ...asked.map((one) => one.secondsAgo))
  return [{ factor: LOGIN, secondsAgo }, ...asked]
}

/** By which of the account's authenticators, and what it shows at most. */
const shownBy = ({ config, account, record }: Owner, { factor }: AskedEvidence, index: number) => {
  if (factor === LOGIN) return { proof: PASSWORD as Proof, by: {} }
  const own = config.factors.flatMap((one) => answering(one, account, record).map((by) => ({ one, by })))
  const found = own.find(({ one }) => one.id === factor)
  if (found === undefined) {
    const allowed = [...new Set([LOGIN, ...own.map(({ one }) => one.id)])].join(', ')
    return refuse(`evidence[${index}].factor`, JSON.stringify(factor), `what the account can show: ${allowed}`)
  }
  const { one, by } = found
  return { proof: one.atMost?.(by) ?? one, by: { authenticatorId: by.id } }
}

const eventOf = (owner: Owner, asked: AskedEvidence, index: number): Evidence => {
  const { factor, secondsAgo, method, upstream } = asked
  const { proof, by } = shownBy(owner, asked, index)
  const { securityStamp } = owner.account
  return {
    factor,
    kinds: asked.kinds ?? proof.kinds,
    traits: asked.traits ?? proof.traits,
    amr: asked.amr ?? proof.amr,
    at: owner.config.clock() - secondsAgo,
    cid: secondsAgo === 0 ? THIS : EARLIER,
    ...by,
    ...(securityStamp === undefined ? {} : { securityStamp }),
    ...(method === undefined ? {} : { method }),
    ...(upstream === undefined ? {} : { upstream }),
  }
}

/**
 * The events of the session that is asked about, oldest first.
 *
 * @throws StepUpError `ERR_CONFIG` for a factor that the account cannot show.
 */
export const eventsOf = ({ evidence = JUST_NOW }: Question, owner: Owner): readonly Evidence[] =>
  withLogin(evidence)
    .map((asked) => eventOf(owner, asked, evidence.indexOf(asked)))
    .sort((one, other) => one.at - other.at)

/** What a session says of the authorization that is asked about. */
export const sessionOf = (events: readonly Evidence[]) => {
  const login = events.findLast(({ factor }) => factor === LOGIN)
  const isUnderWay = events.some(({ cid }) => cid === THIS)
  return {
    cid: isUnderWay ? THIS : undefined,
    login: login ?? PASSWORD,
    loggedInNow: login?.cid === THIS,
    declined: false,
    unavailable: undefined,
  } satisfies Pick<Situation, 'cid' | 'login' | 'loggedInNow' | 'declined' | 'unavailable'>
}

/** What a browser is remembered after: never a recovery code. */
export const rememberedIn = (
  { remembered = false }: Question,
  { factors, hasStandalone = false }: Situation,
): Remembered | undefined => {
  if (!remembered) return undefined
  const best = factors.find(
    (one) => one.usable && !one.traits.includes('recovery') && (hasStandalone || one.besideOthers !== true),
  )
  if (best === undefined) return refuse('remembered', 'true', 'that of an account that a factor can ask')
  const { kinds, traits, amr } = best.proofs?.[0] ?? best
  return { factor: best.id, kinds, traits, amr }
}
