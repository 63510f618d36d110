import type { Account } from '../account.ts'
import { digest } from '../crypto/digest.ts'
import { equalSecret } from '../crypto/equal.ts'
import { randomToken } from '../crypto/random.ts'
import { createClient, type DuoClient } from './duo/client.ts'
import { createComplaints } from './duo/complaints.ts'
import { type DuoOptions, type DuoSettings, settingsOf } from './duo/options.ts'
import { UNKNOWN } from './duo/proof.ts'
import { verdictOf } from './duo/verdict.ts'
import type { Authenticator, CeremonyContext, Factor, FirstStep, Input, Refusal, Step } from './factor.ts'

export type { DuoOptions } from './duo/options.ts'

/** A browser that is at Duo. */
export interface DuoState {
  /** Comes back with the browser; 256 bits. */
  readonly state: string
  /** Comes back in the ID token; 256 bits. */
  readonly nonce: string
  /** Whom Duo was asked about. */
  readonly username: string
}

/** What is known of a user of Duo's; nothing of it is kept. */
export interface DuoData {
  readonly username: string
}

/** The page has nothing to show but a way to go on. */
export type DuoView = Readonly<Record<string, never>>

type Context = CeremonyContext<DuoData>
type DuoStep = Step<DuoState, DuoData>

/** Long enough to set up a first device at Duo. */
const CHALLENGE_SECONDS = 900
const REMEMBERED_SECONDS = 30 * 86_400

/** The page it is shown on leads to Duo once more. */
const refused = (reason: Refusal) => ({ outcome: 'refused', reason }) as const
/** Only who asks for it is led to Duo once more. */
const over = (reason: Refusal) => ({ outcome: 'refused', reason, final: true }) as const

const idOf = (username: string) => `duo:${digest(username)}`

const returnUrl = ({ url }: Context) => `${url}/return`

/** Errors that are no answer about the user (RFC 6749 section 4.1.2.1). */
const OUT_OF_ORDER: ReadonlySet<string> = new Set(['server_error', 'temporarily_unavailable'])

const challenge = (client: DuoClient) => {
  const { heard, unasked, allIsWell } = createComplaints()

  const go = async (context: Context): Promise<FirstStep<DuoState>> => {
    const { authenticators, now } = context
    const username = authenticators[0]?.data.username
    if (username === undefined) return refused('not-enrolled')
    const health = await heard(client.checkHealth(now))
    if ('outage' in health) return { ...refused('unavailable'), ...(health.outage ? { outage: true } : {}) }
    const state = { state: randomToken(), nonce: randomToken(), username }
    const redirect = await client.authorizeUrl({ ...state, redirectUri: returnUrl(context) }, now)
    return { outcome: 'continue', state, redirect }
  }

  const takeCode = async (state: DuoState, code: string, context: Context): Promise<DuoStep> => {
    const id = idOf(state.username)
    // Known to Duo by another name meanwhile, or not at all.
    if (!context.authenticators.some((one) => one.id === id)) return refused('not-enrolled')
    const answer = await heard(client.exchange(code, returnUrl(context), context.now))
    if ('outage' in answer) return refused('unavailable')
    if (answer.said === undefined) return refused('invalid')
    const verdict = verdictOf(answer.said, state)
    if (verdict === 'invalid') return refused('invalid')
    if (verdict === 'unasked') unasked()
    if (typeof verdict === 'string') return over(verdict === 'reported' ? 'reported' : 'denied')
    allIsWell()
    return { outcome: 'accepted', authenticatorId: id, proof: verdict }
  }

  return {
    ttlSeconds: CHALLENGE_SECONDS,
    fields: ['again'],
    returns: ['state', 'duo_code', 'code', 'error', 'error_description'],
    begin: go,
    submit: async (state: DuoState, input: Input, context: Context) => {
      if (input.again === 'yes') return go(context)
      if (!equalSecret(input.state ?? '', state.state)) return refused('invalid')
      const { error, duo_code: code = input.code ?? '' } = input
      if (error !== undefined) return OUT_OF_ORDER.has(error) ? refused('unavailable') : over('denied')
      return code === '' ? refused('invalid') : takeCode(state, code, context)
    },
    view: () => ({}),
  } satisfies Factor<DuoState, DuoData, DuoView>['challenge']
}

const impliedBy =
  ({ username: nameOf }: DuoSettings) =>
  (account: Account): readonly Authenticator<DuoData>[] => {
    const username = nameOf(account)
    return typeof username !== 'string' || username.trim() === ''
      ? []
      : [{ id: idOf(username), factor: 'duo', status: 'active', createdAt: 0, data: { username } }]
  }

/**
 * Duo's Universal Prompt: the browser goes to Duo, which enrolls people and asks them, and comes back.
 *
 * Only accounts that have enrolled nothing else are asked by it: it is all that an account has, or it is not used.
 *
 * Planned with is possession, and no trait: which of its ways somebody takes is for Duo's policy. What counts is what
 * Duo says was done: `mca` for a push, `otp` for codes, `sms`, `tel`, `pop` for keys and passkeys, `recovery-code` with
 * the trait `recovery` for bypass codes, else `duo`, a value of our own. Where Duo lets somebody pass without asking for
 * anything (a browser it remembers, a network it trusts, a user set to bypass, or one it does not know), nothing was
 * shown, so it is `denied`: a policy at Duo for this application has to ask each time.
 *
 * Refused are also another state, a code that Duo does not take and an ID token that is not for this user, this
 * ceremony and this time (`invalid`), all that is not `allow` twice (`denied`), a report of fraud (`reported`). Where
 * Duo does not answer in time, or not as it should, it is `unavailable`, and nobody is let in. What is wrong with Duo is
 * told by a warning of the process with the code `STEP_UP_DUO`.
 *
 * @throws StepUpError `ERR_CONFIG` that names the setting and what it can be.
 * @see Duo, OIDC Auth API; OpenID Connect Core 1.0 section 3.1.3.7; RFC 7523.
 */
export const duo = (options: DuoOptions): Factor<DuoState, DuoData, DuoView> => {
  const settings = settingsOf(options)
  return Object.freeze({
    id: 'duo',
    ...UNKNOWN,
    exclusive: true,
    implied: impliedBy(settings),
    describe: ({ data }: Authenticator<DuoData>) => data.username,
    challenge: challenge(createClient(settings)),
    ...(settings.allowRememberBrowser ? { remembersForSeconds: REMEMBERED_SECONDS } : {}),
  } satisfies Factor<DuoState, DuoData, DuoView>)
}
